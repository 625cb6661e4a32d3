"""What the commands share: options, callers, messages, moments, JSON, tables, progress, one line on bad input."""

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tamis import config, limits
from tamis.message import Message

_PIPE_COLUMNS: Final = 100_000
"""More than any line: what goes into a pipe is not cut."""
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class UsageError(Exception):
    """Bad input; the text is the one line that is printed, and the exit status 2."""


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help=f"configuration file (default: ${config.ENVIRONMENT}, else {config.DEFAULT_PATH} where it exists)",
    )


def load_config(args: argparse.Namespace) -> config.Config:
    """Return the configuration the options name. Raises `tamis.config.ConfigError`."""
    return config.load(config.find(args.config))


def read_message(name: str) -> Message:
    """Read what is looked at of a message in a file, or on standard input for ``-``. Raises OSError."""
    if name == "-":
        raw = sys.stdin.buffer.read()
        return Message(raw, len(raw), lambda: [raw[limits.MESSAGE_BYTES :]])
    with open(name, "rb") as file:
        raw = file.read(limits.MESSAGE_BYTES)
        return Message(raw, max(len(raw), os.fstat(file.fileno()).st_size), lambda: _beyond(name))


def _beyond(name: str) -> Iterator[bytes]:
    with open(name, "rb") as file:
        file.seek(limits.MESSAGE_BYTES)
        while piece := file.read(limits.MIB):
            yield piece


def caller() -> str:
    """Return who calls a command; to be asked before the service user is become."""
    if os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def moment(text: str, ahead: bool) -> datetime:
    """Return the moment that lies a span (30m, 12h, 7d, 4w) before or ahead of now, or that a date names, in UTC.

    Raises `ValueError` or `OverflowError` for what is neither.
    """
    span = re.fullmatch(r"([0-9]{1,5})([mhdw])", text)
    if span:
        length = timedelta(**{_UNITS[span.group(2)]: int(span.group(1))})
        return datetime.now(UTC) + (length if ahead else -length)
    named = datetime.fromisoformat(text)
    return named.astimezone(UTC) if named.tzinfo else named.replace(tzinfo=UTC)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Hand out a function that moves a progress bar on standard error, or None where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def move(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield move


def print_json(value: Any) -> None:
    # Not `json.dump`, which writes piece by piece in Python.
    sys.stdout.write(json.dumps(value, ensure_ascii=True, separators=(",", ":")))
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table; nothing in it is read as markup, and a pipe gets it unwrapped."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(
        highlight=False, markup=False, width=None if sys.stdout.isatty() else _PIPE_COLUMNS, soft_wrap=False
    )
    console.print(table)


def printable(text: str) -> str:
    """Return wire data as a terminal may have it: nothing moves, colours or hides what else is there."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
