"""The guides, in both languages: each command they print is taken by the parser, and both print the same ones."""

import re
import shlex
from pathlib import Path

import pytest

from tamis.cli import build_parser

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "docs" / name for name in ("administration.md", "administration.fr.md")]
PAGES = [*GUIDES, ROOT / "README.md", ROOT / "README.fr.md", ROOT / "docs" / "explanations.md"]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
_WORDS = re.compile(r"`tamis ([a-z-]+)(?: ([a-z-]+(?:\\?\|[a-z-]+)*))?")


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(language, text) for language, text in _BLOCK.findall(page.read_text("utf-8"))]


def commands(page: Path) -> list[str]:
    """Whole commands: the lines of shell blocks, and those after a prompt in transcripts."""
    found = []
    for language, text in blocks(page):
        for line in text.splitlines():
            said = line.removeprefix("$ ") if not language else line.removeprefix(".venv/bin/")
            if said.startswith("tamis ") and (language == "sh" or line.startswith("$ ")):
                found.append(said.partition("&&")[0])
    return found


@pytest.mark.parametrize(
    ("page", "command"), [(page, command) for page in PAGES for command in commands(page)], ids=lambda value: str(value)
)
def test_a_command_is_taken_by_the_parser(page: Path, command: str) -> None:
    build_parser().parse_args(shlex.split(command, comments=True)[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_words_in_the_text_are_commands(page: Path) -> None:
    parents = set(re.findall(r"^## tamis (.+)$", (ROOT / "docs/command-line.md").read_text("utf-8"), re.M))
    found = _WORDS.findall(page.read_text("utf-8"))
    assert found
    for word, below in found:
        assert word in parents
        if any(name.startswith(f"{word} ") for name in parents):
            wrong = [name for name in re.split(r"\\?\|", below) if name and f"{word} {name}" not in parents]
            assert not wrong, f"tamis {word} {below}"


def test_the_guides_print_the_same() -> None:
    english, french = map(blocks, GUIDES)
    assert english == french


@pytest.mark.parametrize("name", ["README", "docs/administration"])
def test_each_language_links_to_the_other(name: str) -> None:
    english, french = ROOT / f"{name}.md", ROOT / f"{name}.fr.md"
    assert f"]({french.name})" in english.read_text("utf-8").partition("##")[0]
    assert f"]({english.name})" in french.read_text("utf-8").partition("##")[0]
