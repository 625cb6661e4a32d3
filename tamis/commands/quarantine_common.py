"""What the actions of `tamis quarantine` share."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamis.commands.common import UsageError, add_config_option
from tamis.config import Config

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tamis.quarantine.queries import Found
    from tamis.quarantine.store import Store


def add_action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Return the parser of an action on held mail."""
    sub = actions.add_parser(name, help=text)
    add_config_option(sub)
    sub.set_defaults(run=run)
    return sub


def open_store(config: Config) -> "Store":
    """Return the tables and the spool of held mail."""
    from tamis.quarantine.spool import Spool
    from tamis.quarantine.store import Store

    return Store(config.database_url, Spool(config.spool_folder))


def some_copies(connection: "Connection | None", name: str) -> "list[Found]":
    """Return the copies that an id names. Raises `UsageError` where there are none."""
    from tamis.quarantine.queries import NAME, named

    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is not an id: 16 hexadecimal digits, or those with .N for one copy")
    copies = named(connection, name) if connection is not None else []
    if not copies:
        raise UsageError(f"{name} is not known: it never was, or what became of it has been forgotten")
    return copies


def at(moment: datetime) -> str:
    """Return a time of the tables, which is UTC, as a person reads it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def iso(moment: datetime | None) -> str | None:
    """Return a time of the tables as a program reads it."""
    return moment.replace(tzinfo=UTC).isoformat() if moment else None


def counted(number: int) -> str:
    """Return a number of copies in words."""
    return "1 copy" if number == 1 else f"{number} copies"


def octets(number: int) -> str:
    """Return a number of octets as a person reads it."""
    size, units = float(number), ["octets", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{number} octets" if units[0] == "octets" else f"{size:.1f} {units[0]}"
