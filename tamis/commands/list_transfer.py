"""`tamis list import|export`: whole lists as files, with where each entry comes from and under which licence."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TextIO

from tamis.commands.common import UsageError, caller, load_config, moment
from tamis.commands.list import Actions, add_action, domain_option, expiry, whose
from tamis.list_files import BadFile, Line, read, write
from tamis.list_import import NewEntry, add_all, licences
from tamis.list_rows import check_owner, checked
from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName
from tamis.privileges import become_service_user

_SHOWN: Final = 10
"""Wrong lines that are named; the others are counted."""


def add_to(actions: Actions) -> None:
    known = [name.option for name in ListName]
    taken = add_action(actions, "import", "put the values of a file on a list: one on each line, or CSV")
    taken.add_argument("list", choices=known, metavar="LIST", help=", ".join(known))
    taken.add_argument("file", metavar="FILE", help="the file; - for standard input")
    add_defaults(taken)
    taken.add_argument("--skip-bad", action="store_true", help="leave wrong lines out; without it nothing is imported")
    taken.set_defaults(run=_import)
    given = add_action(actions, "export", "write a list that is kept by command, as CSV")
    given.add_argument("list", choices=known, metavar="LIST", help=", ".join(known))
    given.add_argument("--plain", action="store_true", help="the values alone")
    given.set_defaults(run=_export)


def add_defaults(sub: argparse.ArgumentParser) -> None:
    """Add the options that hold for entries whose line does not say otherwise."""
    sub.add_argument("--source", metavar="NAME", help="where the entries come from (default: the user who calls)")
    sub.add_argument("--licence", default="", metavar="TEXT", help="under which licence the source may be used")
    sub.add_argument(
        "--expires", metavar="WHEN", help="30m, 12h, 7d, 4w, or a date such as 2030-01-31 (default: for ever)"
    )
    sub.add_argument("--note", default="", help="why")


class Entries:
    """Entries as they are read from lines: checked, those that have ended left out."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Take the options of `add_defaults`. Raises `UsageError`."""
        self.found: list[tuple[ListName, NewEntry]] = []
        self.licences: dict[str, str] = {}
        self.ended = 0
        self._source = args.source or caller()
        self._licence, self._note, self._expires = args.licence, args.note, expiry(args.expires)
        self._now = datetime.now(UTC)

    def take(self, name: ListName, line: Line) -> None:
        """Take a line as an entry of that list. Raises `BadEntry`."""
        value, words = checked(name, line.value), line.words
        expires = _moment(words["expires"]) if "expires" in words else self._expires
        source = words.get("source", self._source)
        licence = words.get("licence", self._licence)
        if licence and self.licences.setdefault(source, licence) != licence:
            raise BadEntry(f"the source {source!r} has two licences: {self.licences[source]!r} and {licence!r}")
        if expires is not None and expires <= self._now:
            self.ended += 1
            return
        self.found.append((name, NewEntry(value, source, expires, words.get("note", self._note))))


def _moment(text: str) -> datetime:
    try:
        return moment(text, ahead=True)
    except (ValueError, OverflowError):
        raise BadEntry(f"{text!r} is neither a span such as 7d nor a date such as 2030-01-31") from None


class WrongLines:
    """What cannot be imported. Wrong lines end the import, unless they are to be skipped."""

    def __init__(self, file: str, skip: bool) -> None:
        self._file, self._skip = file, skip
        self.said: list[str] = []

    def add(self, where: int | str, why: object) -> None:
        """Note a line by its number, or by a name of its own."""
        text = "".join(letter if letter.isprintable() else "?" for letter in str(why))
        name = where if isinstance(where, str) else f"{self._file}:{where}"
        self.said.append(f"{name}: {text[:300]}")

    def settle(self) -> None:
        """Raise `UsageError` for wrong lines, or say which are left out."""
        if not self.said:
            return
        more = len(self.said) - 1
        if not self._skip:
            others = f"; {more} more wrong line{'s' if more > 1 else ''}" if more else ""
            raise UsageError(f"{self.said[0]}{others}; nothing is imported (--skip-bad leaves wrong lines out)")
        for text in self.said[:_SHOWN]:
            print(f"tamis: left out: {text}", file=sys.stderr)
        if len(self.said) > _SHOWN:
            print(f"tamis: left out: {len(self.said) - _SHOWN} more wrong lines", file=sys.stderr)


@contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """Open a list of text; octets that are no UTF-8 come through, for the line to be named. Raises OSError."""
    if name == "-":
        yield sys.stdin
        return
    with open(name, encoding="utf-8", errors="surrogateescape", newline="") as file:
        yield file


def _import(args: argparse.Namespace) -> int:
    config, domain, name = load_config(args), domain_option(args), ListName(args.list.replace("-", "_"))
    check_owner(name, domain)
    entries, wrong = Entries(args), WrongLines(args.file, args.skip_bad)
    try:
        with opened(args.file) as file:
            for line in read(file):
                try:
                    entries.take(name, line)
                except BadEntry as error:
                    wrong.add(line.number, error)
    except BadFile as error:
        raise UsageError(f"{args.file}: {error}") from None
    wrong.settle()
    become_service_user(config)
    print(put_all(ListStore(config.database_url), domain, entries))
    return 0


def put_all(store: ListStore, domain: str, entries: Entries) -> str:
    """Put entries on their lists, and return what became of them, a line for each list."""
    said = []
    for name in dict.fromkeys(name for name, _ in entries.found):
        own = [entry for of, entry in entries.found if of is name]
        counts = add_all(store, name, domain, own, entries.licences)
        words = [f"{counts.added} added", f"{counts.renewed} renewed", f"{counts.same} as they were"]
        if counts.kept:
            words.append(f"{counts.kept} kept, which another source has for longer")
        said.append(f"{name.option} {whose(domain)}: {', '.join(words)}")
    if entries.ended:
        said.append(f"{entries.ended} left out, which have ended")
    return "\n".join(said) or "nothing to import"


def _export(args: argparse.Namespace) -> int:
    config, domain, name = load_config(args), domain_option(args), ListName(args.list.replace("-", "_"))
    store, now = ListStore(config.database_url), datetime.now(UTC)
    entries = [stored for stored in store.stored(name, domain) if stored.entry.holds_at(now)]
    write(sys.stdout, entries, licences(store), args.plain)
    return 0
