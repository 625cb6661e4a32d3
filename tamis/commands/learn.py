"""`tamis learn`: teach the classifier, take back what was taught, show who taught what, and whether it serves."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tamis import limits
from tamis.commands.common import (
    UsageError,
    add_config_option,
    bar,
    caller,
    load_config,
    moment,
    print_json,
    print_table,
    printable,
)
from tamis.privileges import become_service_user

if TYPE_CHECKING:
    from datetime import datetime

    from tamis.config import Config
    from tamis.learning.effect import Effect
    from tamis.learning.journal import Journal, Outcome, Taught
    from tamis.learning.teaching import Lesson, Reporter
    from tamis.models.corpus import Entry


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe `tamis learn`."""
    parser = subparsers.add_parser(
        "learn",
        help="learn messages as spam or ham, or take back what was learned",
        description="Learn messages as spam or ham; every worker knows it within seconds. Each FILE is a message, an "
        "mbox, a Maildir or a folder; - or nothing reads one message from standard input.",
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--spam", dest="action", action="store_const", const="spam", help="the messages are spam")
    action.add_argument("--ham", dest="action", action="store_const", const="ham", help="the messages are ham")
    text = "forget what was learned: all that --by said, what was said --since, or both"
    action.add_argument("--undo", dest="action", action="store_const", const="undo", help=text)
    action.add_argument("--show", dest="action", action="store_const", const="show", help="print who taught how much")
    text = "print whether both layers of the classifier are of what was learned"
    action.add_argument("--status", dest="action", action="store_const", const="status", help=text)
    parser.add_argument("file", nargs="*", metavar="FILE", help="messages")
    text = "who says it (default: the user who calls); a mail address speaks for that mailbox, and within its bounds"
    parser.add_argument("--by", metavar="WHO", help=text)
    parser.add_argument("--domain", metavar="DOMAIN", help="for this recipient domain alone (default: for all)")
    parser.add_argument("--since", metavar="WHEN", help="with --undo: 30m, 12h, 7d, 4w, or a date")
    parser.add_argument("--json", action="store_true", help="with --show or --status: print JSON")
    text = "write into this model file, and not into the journal: for models that serve elsewhere"
    parser.add_argument("--model", metavar="PATH", help=text)
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run `tamis learn`; return the exit status."""
    from tamis.models.corpus import CorpusError

    try:
        if args.action == "undo":
            return _undo(args)
        if args.action == "show":
            return _show(args)
        if args.action == "status":
            return _status(args)
        if args.since:
            raise UsageError("--since is for --undo")
        return _learn_into_file(args) if args.model else _learn(args)
    except (CorpusError, ValueError) as error:
        raise UsageError(str(error)) from None


def _learn(args: argparse.Namespace) -> int:
    from tamis.learning.effect import Effect
    from tamis.learning.journal import Journal
    from tamis.learning.teaching import lesson

    config, reporter = load_config(args), _reporter(args)
    entries = list(_messages(args.file, args.action))
    if len(entries) > limits.LEARNED_MESSAGES:
        raise UsageError(f"{len(entries)} messages are more than is learned so: tamis train learns any number")
    # Read first: the service user may not read what the caller may.
    lessons = []
    with bar("reading") as progress:
        for done, entry in enumerate(entries, 1):
            lessons.append(lesson(entry.read(), entry.spam))
            if progress is not None:
                progress(done, len(entries))
    become_service_user(config)
    effect = Effect(config, reporter.domain)
    outcomes = Journal(config.database_url).learn(reporter, lessons)
    for entry, one, outcome in zip(entries, lessons, outcomes, strict=True):
        print(printable(f"{entry.name}: {_said(one, outcome, effect)}"))
    _sum_up(outcomes)
    return 0


def _reporter(args: argparse.Namespace) -> "Reporter":
    """Return who teaches. Raises UsageError or `tamis.lists.BadEntry`."""
    from tamis.learning.reports import reporter_of
    from tamis.learning.teaching import Reporter, Source
    from tamis.lists import recipient_domain

    by = args.by or caller()
    if "@" in by:
        if args.domain:
            raise UsageError("a mailbox speaks for its own domain: leave out --domain")
        return reporter_of(by)
    return Reporter(by, Source.ADMINISTRATOR, recipient_domain(args.domain) if args.domain else "")


def _said(one: "Lesson", outcome: "Outcome", effect: "Effect") -> str:
    from tamis.learning.journal import Outcome

    label, other = ("spam", "ham") if one.spam else ("ham", "spam")
    before = effect.before(one)
    if outcome is Outcome.KNOWN:
        return f"{before:.3f}, already learned as {label}"
    if outcome is Outcome.TOO_MANY:
        return f"not learned: more than {limits.LESSONS_A_DAY} messages in a day"
    how = f"moved from {other} to {label}" if outcome is Outcome.MOVED else f"learned as {label}"
    return f"{before:.3f} -> {effect.after(one, outcome is Outcome.MOVED):.3f}, {how}"


def _sum_up(outcomes: "Sequence[Outcome]") -> None:
    if len(outcomes) > 1:
        numbers = Counter(outcome.value for outcome in outcomes)
        print(", ".join(f"{number} {what}" for what, number in sorted(numbers.items())))


def _undo(args: argparse.Namespace) -> int:
    from tamis.learning.reports import reporter_of

    if args.file or args.model or args.domain:
        raise UsageError("--undo takes --by, --since or both, and nothing else")
    if not (args.by or args.since):
        raise UsageError("say whose words are to be undone (--by WHO), or since when (--since WHEN)")
    config = load_config(args)
    by = reporter_of(args.by).by if args.by and "@" in args.by else args.by or ""
    try:
        since = moment(args.since, ahead=False) if args.since else None
    except (ValueError, OverflowError):
        raise UsageError(f"--since {args.since!r} is neither a span (30m, 12h, 7d, 4w) nor a date") from None
    become_service_user(config)
    undone = _journal(config).undo(by, since)
    whose = f" by {by}" if by else ""
    when = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    if not undone:
        raise UsageError(f"nothing was learned{whose}{when}")
    print(printable(f"undone: {undone} learned{whose}{when}"))
    return 0


def _show(args: argparse.Namespace) -> int:
    if args.file or args.model or args.since:
        raise UsageError("--show takes no files, no --model and no --since")
    config = load_config(args)
    become_service_user(config)
    found = [
        one for one in _journal(config).taught() if args.by in (None, one.by) and args.domain in (None, one.domain)
    ]
    if args.json:
        print_json([_as_json(one) for one in found])
        return 0
    columns = ["by", "as", "domain", "ham", "spam", "last (UTC)"]
    print_table(columns, [[*map(str, _cells(one)), f"{one.last_at:%Y-%m-%d %H:%M}"] for one in found])
    return 0


def _cells(one: "Taught") -> tuple[Any, ...]:
    return one.by, one.source.value, one.domain, one.ham, one.spam


def _as_json(one: "Taught") -> dict[str, Any]:
    names = ("by", "source", "domain", "ham", "spam")
    return dict(zip(names, _cells(one), strict=True)) | {"last_at": one.last_at.isoformat()}


def _status(args: argparse.Namespace) -> int:
    from tamis.learning.standing import standing

    if args.file or args.model or args.since or args.by or args.domain:
        raise UsageError("--status takes nothing but --json")
    config = load_config(args)
    become_service_user(config)
    found = standing(config)
    made = found.made
    if args.json:
        at = {"counts_at": found.counts_at, "second_layer_at": found.layer_at}
        print_json(
            {"rows": found.rows, "counts_stale": found.counts_stale, "second_layer_stale": found.layer_stale}
            | {"second_layer_ham": made.ham if made else 0, "second_layer_spam": made.spam if made else 0}
            | {name: moment.isoformat() if moment else None for name, moment in at.items()}
        )
        return 0
    of = f"of {made.ham} ham and {made.spam} spam" if made and made.ham else "the model's own"
    lines = [
        ["journal", f"{found.rows} rows", ""],
        ["counts", *_layer(found.counts_stale, found.counts_at, "of the journal")],
        ["second layer", *_layer(found.layer_stale, found.layer_at, of)],
    ]
    print_table(["what", "state", "made (UTC)"], lines)
    return 0


def _layer(stale: bool, at: "datetime | None", of: str) -> tuple[str, str]:
    state = "stale, the keeper makes it anew" if stale else of
    return state, f"{at:%Y-%m-%d %H:%M:%S}" if at else "never"


def _journal(config: "Config") -> "Journal":
    from tamis.learning.journal import Journal

    return Journal(config.database_url)


def _learn_into_file(args: argparse.Namespace) -> int:
    """Learn into a model file. It starts as a copy of the shipped one."""
    from tamis.message import Message
    from tamis.models.bayes import Model
    from tamis.models.features import features
    from tamis.models.lock import exclusive
    from tamis.models.storage import SHIPPED_MODEL

    if args.by or args.domain:
        raise UsageError("a model file does not know who taught it: leave out --by and --domain")
    path = Path(args.model)
    entries = list(_messages(args.file, args.action))
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path):
        model = Model.load(path if path.exists() else SHIPPED_MODEL)
        for entry in entries:
            indices = features(Message(entry.read()))
            before = model.score(indices)
            model.learn(indices, entry.spam)
            print(printable(f"{entry.name}: {before:.3f} -> {model.score(indices):.3f}"))
        model.save(path)
    return 0


_STANDARD_INPUT: Final = "-"


def _messages(files: Sequence[str], label: str) -> "Iterator[Entry]":
    from tamis.models.corpus import CorpusError, Entry, entries_at

    for name in files or [_STANDARD_INPUT]:
        if name == _STANDARD_INPUT:
            raw = sys.stdin.buffer.read(limits.MESSAGE_BYTES)
            if not raw.strip():
                raise CorpusError("standard input: no message")
            yield Entry(label == "spam", _STANDARD_INPUT, partial(bytes, raw))
        else:
            yield from entries_at(name, label)
