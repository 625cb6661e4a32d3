"""`tamis attachment`, from what was seen to what is decided."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.attachments.seen import Seen
from tamis.attachments.store import FileStore
from tamis.cli import main
from tests.attachments.making import PDF, text, zipped

pytestmark = pytest.mark.slow

PROGRAM = Path("/bin/ls").read_bytes()
DIGEST = hashlib.sha256(PROGRAM).digest()


class Site:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        # What is asked is what is known of files, not what the classifier makes of a letter with a program.
        text = f'[daemon]\nuser = "root"\nstate_directory = "{folder}"\n[policy.filters.bayes]\nenabled = false\n'
        (folder / "tamis.toml").write_text(text, "utf-8")
        self.store = FileStore(f"sqlite:///{folder}/tamis.db")

    def file(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)

    def run(self, command: str, *arguments: str) -> tuple[int, str, str]:
        words = ["attachment", command] if command != "scan" else ["scan"]
        status = main([*words, "-c", str(self.folder / "tamis.toml"), *arguments])
        out, err = self._capsys.readouterr()
        return status, out, err

    def good(self, command: str, *arguments: str) -> str:
        status, out, err = self.run(command, *arguments)
        assert (status, err) == (0, "")
        return out

    def row(self, *files: tuple[str, bytes]) -> str | None:
        letter = self.file("letter.eml", text(*files))
        found: list[dict[str, Any]] = json.loads(self.good("scan", "--json", letter))["verdicts"]
        row: str | None = found[0]["row"]
        return row


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def test_nothing_is_known_at_first(site: Site) -> None:
    assert json.loads(site.good("list", "--json")) == []
    status, _, err = site.run("show", DIGEST.hex())
    assert (status, err) == (2, f"tamis: {DIGEST.hex()}: no mail has brought this file, or it was forgotten\n")


def test_what_was_seen(site: Site) -> None:
    bell = Seen(DIGEST, len(PROGRAM), "elf", "ls\x1b[31m", True, 1_700_000_000, 1_700_000_060, 3, 5, 2, 1)
    site.store.record([bell, Seen(bytes(32), 4, "text", "a.txt", False, 1_700_000_000, 1_700_000_000, 9, 9, 9)])
    header, line = site.good("list").splitlines()
    assert header.split()[:5] == ["hash", "type", "size", "messages", "recipients"]
    assert line.split() == [
        DIGEST.hex()[:16] + "…", "elf", str(len(PROGRAM)), "3", "5", "2", "1", "0",
        "2023-11-14", "22:13", "2023-11-14", "22:14", "ls?[31m",
    ]  # fmt: skip
    assert len(json.loads(site.good("list", "--all", "--order", "messages", "--json"))) == 2
    assert json.loads(site.good("list", "--since", "7d", "--json")) == []
    shown = json.loads(site.good("show", "--json", DIGEST.hex().upper()))
    assert (shown["digest"], shown["recipients"], shown["malware_list"]) == (DIGEST.hex(), 5, False)
    assert "first_seen" in site.good("show", DIGEST.hex())


def test_blocking(site: Site) -> None:
    assert site.row(("ls", PROGRAM)) != "26"
    assert (
        site.good("block", DIGEST.hex(), "--note", "seen in the wild", "--for", "30d") == f"blocked: {DIGEST.hex()}\n"
    )
    assert site.good("block", DIGEST.hex()) == f"renewed: {DIGEST.hex()}\n"
    assert site.row(("ls", PROGRAM)) == "26"
    assert site.row(("a.zip", zipped({"x": PROGRAM}))) == "26"


def test_teaching(site: Site) -> None:
    packed = site.file("sample.zip", zipped({"x": PROGRAM, "readme.txt": b"hello"}))
    out = site.good("learn", "--family", "Test.Family", packed)
    assert (out.count("\n"), out.endswith("(elf): Test.Family\n")) == (1, True)
    assert site.row(("ls", PROGRAM + b"one more")) == "25"
    site.good("learn", "--good", site.file("ls", PROGRAM))
    assert site.row(("ls", PROGRAM)) is None


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("block", ["xyz"], "'xyz' is not a SHA-256: 64 hexadecimal digits"),
        ("show", ["xyz"], "'xyz' is not a SHA-256: 64 hexadecimal digits"),
        ("block", ["a" * 64, "--expires", "soon"], "--expires 'soon' is neither a span"),
        ("list", ["--since", "soon"], "--since 'soon' is neither a span"),
        ("list", ["--limit", "0"], "--limit 0 is not a number from 1 on"),
        ("learn", ["--family", " ", "x"], "--family needs a name"),
    ],
)
def test_bad_input_is_one_line(site: Site, command: str, arguments: list[str], says: str) -> None:
    status, out, err = site.run(command, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_what_cannot_be_learned(site: Site) -> None:
    status, _, err = site.run("learn", "--good", site.file("a.txt", b"hello"))
    assert (status, "neither runs when it is opened" in err) == (2, True)
    assert site.run("learn", "--good", str(site.folder / "missing"))[0] == 1
    assert site.run("learn", "--family", "x", site.file("a.pdf", PDF))[0] == 0
