"""Filling in the configuration templates of the private Postfix."""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path

TEMPLATES = Path(__file__).parent / "private"


def fill(name: str, values: Mapping[str, object]) -> str:
    """Return a template of this package with its ``$VARIABLES`` replaced; a missing one is an error."""
    text = (TEMPLATES / name).read_text("utf-8")
    return string.Template(text).substitute({key: str(value) for key, value in values.items()})


def milter_list(milters: str | Sequence[str] | None) -> str:
    """Return a value for ``smtpd_milters``; None means no milter."""
    if milters is None:
        return ""
    return milters if isinstance(milters, str) else ", ".join(milters)


def table(entries: Mapping[str, str]) -> str:
    """Return the text of a ``texthash:`` table."""
    return "".join(f"{key} {value}\n" for key, value in entries.items())
