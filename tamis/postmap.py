"""Asking a Postfix lookup table, of whatever type, through Postfix's own postmap(1).

Keys come from the wire: they go to standard input, one on a line, never into a command line or a shell.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Final

from tamis import turn

_WHOLE_ADDRESSES_ONLY: Final = frozenset({"regexp", "pcre", "cidr", "tcp", "socketmap"})
_TABLE: Final = re.compile(r"[a-z][a-z0-9_-]*:\S[^\x00-\x1f]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class MapFailed(Exception):
    """A table could not be asked; the text is one line that says why."""


def is_table(text: str) -> bool:
    """Whether a text names a table as Postfix does: ``hash:/etc/postfix/virtual``."""
    return _TABLE.fullmatch(text) is not None


def takes_parts(table: str) -> bool:
    """Whether Postfix asks a table for parts of an address: the domain alone, the address without its extension."""
    return table.removeprefix("proxy:").partition(":")[0] not in _WHOLE_ADDRESSES_ONLY


def is_key(text: str) -> bool:
    """Whether a text can be asked for: one line without a tab, which would be another key or part of the answer."""
    return bool(text) and _CONTROL.search(text) is None


def ask(program: str, table: str, keys: Iterable[str], seconds: float) -> Mapping[str, str]:
    """Return what a table holds for each of the keys (`is_key`); those without an entry are left out.

    Starts one process, which is killed after `seconds`. Raises `MapFailed`.
    """
    wanted = {key.encode("utf-8", "surrogateescape"): key for key in keys}
    if not wanted:
        return {}
    try:
        with turn.given():
            done = subprocess.run(
                [program, "-q", "-", table],
                input=b"".join(key + b"\n" for key in wanted),
                capture_output=True,
                env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"},
                timeout=max(seconds, 0.0),
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise MapFailed(f"{table}: no answer in time") from None
    except (OSError, ValueError) as error:
        raise MapFailed(f"{program}: {error}") from None
    # "Nothing found" and every failure have the same exit status: what was said tells them apart.
    complaints = [line for line in done.stderr.splitlines() if b": warning: " not in line]
    if done.returncode not in (0, 1) or (done.returncode and complaints):
        said = b" ".join(complaints[:1]) or b"exit status %d" % done.returncode
        raise MapFailed(f"{table}: {_CONTROL.sub('?', said.decode('utf-8', 'replace'))}")
    found: dict[str, str] = {}
    for line in done.stdout.split(b"\n"):
        key, tab, value = line.partition(b"\t")
        if not line:
            continue
        if not tab or key not in wanted or not value.strip():
            raise MapFailed(f"{table}: an answer that is none")
        found[wanted[key]] = value.decode("utf-8", "surrogateescape")
    return found
