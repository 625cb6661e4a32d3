"""docs/scanners.md: its settings are valid, its lines are said, and its lists are those of the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tamis.config import parse
from tamis.scanners.shown import LEFT_OUT
from tamis.settings import AntivirusSection, ClamdSection
from tests.scanner_servers import Spamd

PAGE = (Path(__file__).parents[2] / "docs" / "scanners.md").read_text(encoding="utf-8")
(SETTINGS,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.S | re.M)
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def test_the_settings() -> None:
    settings = parse(SETTINGS, "scanners.md").settings
    assert [one.stage for one in settings.clamd.values()] == [1, 1, 2]
    assert settings.spamd.endpoints


def test_the_defaults_that_are_told() -> None:
    defaults = AntivirusSection()
    assert (defaults.defer_minutes, defaults.cache_seconds, defaults.rescan_days) == (10, 60, 5)
    assert defaults.rescan_megabytes == 1024
    assert ClamdSection(endpoints=("unix:/x",)).max_bytes == 25 * 1024 * 1024


def test_the_fields_that_are_left_out() -> None:
    sentence = PAGE.partition("Left out are fields")[2].partition(".\n")[0]
    named = {name.lower().encode() for name in re.findall(r"`([A-Za-z-]+(?:-\*)?)`", sentence.replace("-*", "-"))}
    arc = {name for name in LEFT_OUT if name.startswith(b"arc-")}
    assert {*named - {b"arc-"}, *arc} == LEFT_OUT


@pytest.mark.servers
def test_what_scan_says(tmp_path: Path) -> None:
    if not Spamd.installed():
        pytest.skip("spamd is not installed")
    (line,) = re.findall(r"^```text\nadd_header(.*)\n```$", PAGE, re.M)
    (tmp_path / "message.eml").write_text(f"From: a@sender.example\n\n{GTUBE}\n")
    with Spamd(f"add_header{line}\n", scores=False) as server:
        config = tmp_path / "tamis.toml"
        config.write_text(
            f'[daemon]\nstate_directory = "{tmp_path}"\n[dns]\nservers = ["127.0.0.1:1"]\n[policy]\nlevel = 12\n'
            f'filters.empty-mail.enabled = false\n[spamd]\nendpoints = ["{server.endpoint}"]\n'
        )
        command = [sys.executable, "-m", "tamis.cli", "scan", "--all", "-c", str(config), str(tmp_path / "message.eml")]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^ +28 spamassassin .* SpamAssassin says 10\d\d\.\d of 5 \(.*GTUBE=1000", said, re.M), said
