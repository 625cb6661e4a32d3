"""What the demo prints: a row for each message, and all headers of two of them."""

import shutil
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.outcome import KINDS, Outcome
from tamis.message import Message

_NARROWEST, _WIDEST = 100, 120
_HEADER_LINES = 60
_STYLES = {"ham": "green", "outgoing": "", "tagged": "red", "junk": "red", "held": "magenta", "parted": "magenta"}


def console() -> Console:
    """Return a console of a bearable width, whatever the terminal's."""
    width = shutil.get_terminal_size((_WIDEST, 24)).columns if sys.stdout.isatty() else _WIDEST
    return Console(width=min(max(width, _NARROWEST), _WIDEST), highlight=False, markup=False, emoji=False)


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return the table of what arrived."""
    found = Table(box=box.SIMPLE_HEAD, show_lines=True, header_style="bold", pad_edge=False)
    found.add_column("", justify="right")
    found.add_column("message", ratio=5, overflow="fold")
    found.add_column("subject as delivered", ratio=6, overflow="fold")
    found.add_column("X-Ico-Bay", justify="right", no_wrap=True)
    found.add_column("X-Spam-Status", no_wrap=True)
    found.add_column("X-Tamis-Verdict", ratio=8, overflow="fold")
    for number, outcome in enumerate(outcomes, 1):
        found.add_row(
            str(number),
            shown(f"{outcome.sample.shows}\nto {', '.join(outcome.sample.recipients)}"),
            shown(_subject(outcome)),
            shown(outcome.field("X-Ico-Bay") or "-"),
            shown(_status(outcome)),
            Text(_ending(outcome), style=_style(outcome)),
        )
    return found


def headers(outcome: Outcome) -> Text:
    """Return every header field of what arrived, octets that cannot be shown as question marks."""
    copy = outcome.copy
    block = copy.raw[: copy.header_block.body_start].decode("utf-8", "replace") if copy else ""
    lines = block.rstrip("\n").split("\n")
    if len(lines) > _HEADER_LINES:
        lines[_HEADER_LINES:] = [f"... and {len(lines) - _HEADER_LINES} lines more"]
    return shown("\n".join(lines))


def shown(text: str) -> Text:
    """Make text of a stranger's harmless for a terminal."""
    kept = "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)
    return Text(kept.replace("\t", "    "))


def _subject(outcome: Outcome) -> str:
    copy: Message | None = outcome.copy
    return (" ".join(copy.subject.split()) or "(none)") if copy else "-"


def _status(outcome: Outcome) -> str:
    words = outcome.field("X-Spam-Status").partition(" tests=")[0].split()
    return "\n".join((" ".join(words[:2]), *words[2:])) or "-"


def _ending(outcome: Outcome) -> str:
    if outcome.verdict or outcome.held:
        lines = outcome.verdict_lines if outcome.verdict else []
        for one in outcome.held:
            lines += [f"held for {one.recipient}", f"row {one.row} {one.row_name}".strip(), one.because]
        return shown("\n".join(lines)).plain
    if outcome.arrived:
        return KINDS[outcome.kind]
    return shown(f"{KINDS[outcome.kind]}: {outcome.reply.code} {outcome.reply.text}").plain


def _style(outcome: Outcome) -> str:
    if not outcome.accounted_for:
        return "bold red"
    return {
        "ham": "green",
        "outgoing": "",
        "tagged": "red",
        "observed": "yellow",
        "junk": "red",
        "held": "magenta",
        "parted": "magenta",
    }.get(outcome.kind, "yellow")
