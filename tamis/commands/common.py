"""What the commands share: the configuration option, messages in files, JSON and tables, one line on bad input."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tamis import config, limits
from tamis.message import Message

_PIPE_COLUMNS: Final = 100_000
"""More than any line: what goes into a pipe is not cut."""


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
        return Message(raw, len(raw))
    with open(name, "rb") as file:
        raw = file.read(limits.MESSAGE_BYTES)
        return Message(raw, max(len(raw), os.fstat(file.fileno()).st_size))


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=True, separators=(",", ":"))
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table; nothing in it is read as markup, and a pipe gets it unwrapped."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    console = Console(
        highlight=False, markup=False, width=None if sys.stdout.isatty() else _PIPE_COLUMNS, soft_wrap=False
    )
    console.print(table)


def _plain(text: str) -> Any:
    return Text("".join(letter if letter.isprintable() else "?" for letter in text))
