"""What reads the wire, fuzzed: seeds and old findings always, and coverage-guided fuzzing for some seconds each.

The same inputs each time, so that the suite says the same of the same code. TAMIS_FUZZ_MINUTES=10 makes it ten minutes
for all together, and other inputs each time: the long mode.
"""

import os
import tempfile
from pathlib import Path

import pytest

from fuzz import run, seeds, targets

MINUTES = os.environ.get("TAMIS_FUZZ_MINUTES", "")
SECONDS = float(MINUTES) * 60 / len(targets.TARGETS) if MINUTES else 2.0


@pytest.mark.slow
@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds_and_old_findings(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tamis.milter import log

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for noted in ("failure", "info"):
        monkeypatch.setattr(log, noted, getattr(log, noted))  # Put back afterwards.
    for octets in seeds.seeds(name):
        targets.TARGETS[name](octets)


@pytest.mark.slow
@pytest.mark.parametrize("name", targets.TARGETS)
def test_fuzzing_finds_nothing(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this machine")
    outcome = run.fuzz(name, SECONDS, tmp_path, seed=0 if MINUTES else 1)
    print(outcome)
    assert not outcome.findings, outcome.said + "".join(repr(path.read_bytes()) for path in outcome.findings)
    assert outcome.tried, outcome.said


def test_every_finding_kept_is_of_a_target() -> None:
    folders = {path.name for path in (run.ROOT / "fuzz" / "found").iterdir()}
    assert folders <= set(targets.TARGETS)
