"""`tamis complaint import`: feedback reports and lists become proposals; a trusted feed lists at once."""

import argparse
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from tamis.commands.common import UsageError, add_config_option, bar, caller, load_config
from tamis.commands.list_transfer import Entries, WrongLines, add_defaults, opened, put_all
from tamis.complaint_store import ComplaintStore
from tamis.complaints import Complaint, checked_value, kind_of
from tamis.feedback_report import TYPES, NoComplaint, NoReport, read_report
from tamis.list_files import COLUMNS, BadFile, Line, read
from tamis.list_store import ListStore
from tamis.lists import PLATFORM, BadEntry
from tamis.message import Message
from tamis.models.corpus import CorpusError, entries_at
from tamis.ours import Ours
from tamis.privileges import become_service_user

_COLUMNS: Final = ("value", "type", "reporter", "at")
_SNIFFED: Final = 65_536
Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_import(actions: Actions) -> None:
    """Add the action to those of `tamis complaint`."""
    text = "take up complaints: feedback reports (RFC 5965), or lists of addresses and domains"
    sub = actions.add_parser("import", help=text)
    add_config_option(sub)
    files = "a report (.eml), an mbox or a Maildir of reports; a list, or CSV with value, type, reporter, at"
    sub.add_argument("file", nargs="+", metavar="FILE", help=files)
    sub.add_argument("--format", choices=["auto", "report", "list"], default="auto", help="what the files are")
    add_defaults(sub)
    trusted = "list at once what the lists name; needs --source, --licence and --expires"
    sub.add_argument("--trusted", action="store_true", help=trusted)
    sub.add_argument("--skip-bad", action="store_true", help="leave out wrong lines, and mail that is no report")
    sub.set_defaults(run=_import)


def _import(args: argparse.Namespace) -> int:
    return _list_at_once(args) if args.trusted else _propose(args)


def _propose(args: argparse.Namespace) -> int:
    config, now, source = load_config(args), datetime.now(UTC), args.source or caller()
    ours = Ours(config.settings)
    found: list[Complaint] = []
    for name in args.file:
        wrong = WrongLines(name, args.skip_bad)
        found += _reports(name, source, wrong, now) if _is_mail(name, args.format) else _lines(name, source, wrong, now)
        wrong.settle()
    others = [complaint for complaint in found if not ours.has(complaint.kind, complaint.value)]
    become_service_user(config)
    new, known = ComplaintStore(config.database_url, config.settings.autowhitelist.half_life_days).record(others)
    own = len(found) - len(others)
    print(f"{new} new complaints, {known} known already" + (f", {own} of our own left out" if own else ""))
    return 0


def _list_at_once(args: argparse.Namespace) -> int:
    missing = [f"--{key}" for key in ("source", "licence", "expires") if not getattr(args, key)]
    if missing:
        raise UsageError(f"--trusted needs {' and '.join(missing)}: what is listed at once has a source and an end")
    config = load_config(args)
    ours, entries = Ours(config.settings), Entries(args)

    def take(line: Line) -> None:
        kind = kind_of(line.value)
        if not ours.has(kind, checked_value(kind, line.value)):
            entries.take(kind.list, line)

    for name in args.file:
        if _is_mail(name, args.format):
            raise UsageError(f"{name}: is mail, one person's word: --trusted is for lists")
        wrong = WrongLines(name, args.skip_bad)
        _each_line(name, COLUMNS, wrong, take)
        wrong.settle()
    become_service_user(config)
    print(put_all(ListStore(config.database_url), PLATFORM, entries))
    return 0


def _is_mail(name: str, form: str) -> bool:
    """Whether a file holds reports: as it was said, or because a report says so near its beginning."""
    if form != "auto" or name == "-":
        return form == "report"
    if Path(name).is_dir():
        return True
    with open(name, "rb") as file:
        return b"feedback-report" in file.read(_SNIFFED).lower()


def _reports(name: str, source: str, wrong: WrongLines, now: datetime) -> Iterator[Complaint]:
    try:
        entries = entries_at(name, "spam")
    except CorpusError as error:
        raise UsageError(str(error)) from None
    with bar("reading reports") as move:
        for number, entry in enumerate(entries, 1):
            if move:
                move(number, len(entries))
            try:
                yield from read_report(Message(entry.read()), now).complaints(source)
            except NoComplaint:
                continue
            except (NoReport, CorpusError) as error:
                wrong.add(entry.name, error)


def _lines(name: str, source: str, wrong: WrongLines, now: datetime) -> list[Complaint]:
    found: list[Complaint] = []

    def take(line: Line) -> None:
        words = line.words
        value = checked_value(kind_of(line.value), line.value)
        kind = words.get("type", "abuse").lower()
        at = _moment(words["at"], now) if "at" in words else now
        reporter = words.get("reporter", source)
        # The same line of the same source is the same complaint, whenever it is read.
        same = "\0".join([source, value, kind, reporter, words.get("at", "")])
        digest = hashlib.blake2b(same.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
        kind = kind if kind in TYPES else "other"
        found.append(Complaint(kind_of(value), value, digest, reporter, kind, at, source))

    _each_line(name, _COLUMNS, wrong, take)
    return found


def _each_line(name: str, columns: tuple[str, ...], wrong: WrongLines, take: Callable[[Line], None]) -> None:
    try:
        with opened(name) as file:
            for line in read(file, columns):
                try:
                    take(line)
                except BadEntry as error:
                    wrong.add(line.number, error)
    except BadFile as error:
        raise UsageError(f"{name}: {error}") from None


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadEntry(f"{text!r} is not a date such as 2030-01-31") from None
    return min(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC), now)
