"""Messages that mail software uses as its own tests, through `tamis scan --json`."""

import json
import time
from pathlib import Path

import pytest

from tamis.cli import main

pytestmark = [pytest.mark.corpora, pytest.mark.slow]
_SECONDS = 1.0


def test_every_message_is_answered_in_time(corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, no abstention by error, none over a second, valid JSON each with weights that add up."""
    config = tmp_path / "tamis.toml"
    config.write_text(
        f'[daemon]\nstate_directory = "{tmp_path}"\n[policy]\nmode = "tag"\n'
        "[policy.filters]\ncyrillic.enabled = true\nsinograms = { enabled = true, kana = true, hangul = true }\n"
    )
    scan = ["scan", "-c", str(config), "--json", "--peer", "192.0.2.7"]
    files = sorted(path for path in (corpora / "torture").rglob("*") if path.is_file())
    assert len(files) > 1000
    slow, failed = [], []
    for start in range(0, len(files), 100):
        batch = [str(path) for path in files[start : start + 100]]
        assert main([*scan, *batch]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        found = [json.loads(line) for line in out.splitlines()]
        assert [record["file"] for record in found] == batch
        for record in found:
            if record["milliseconds"] > 1000 * _SECONDS and _seconds(config, record["file"], capsys) > _SECONDS:
                slow.append(record["file"])
            failed += [(record["file"], row["abstained"]) for row in record["rows"] if row["error"]]
            for verdict in record["verdicts"]:
                assert round(sum(verdict["tests"].values()), 6) == verdict["score"], record["file"]
    assert slow == []
    assert failed == []


def _seconds(config: Path, file: str, capsys: pytest.CaptureFixture[str]) -> float:
    """Seconds of work: what else the machine does is not the message's fault."""
    started = time.process_time()
    main(["scan", "-c", str(config), "--json", file])
    capsys.readouterr()
    return time.process_time() - started
