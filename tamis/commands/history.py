"""`tamis history`: every decision found by address, id or time; and `tamis why`: one of them explained."""

import argparse
import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tamis.commands.common import (
    UsageError,
    add_config_option,
    load_config,
    moment,
    print_json,
    print_table,
    printable,
)  # fmt: skip
from tamis.config import Config
from tamis.privileges import become_service_user
from tamis.settings import LEVELS

if TYPE_CHECKING:
    from tamis.history.decided import Decided
    from tamis.history.queries import Sought
    from tamis.history.store import HistoryStore

_MOST = 100_000
_OUR_ID = re.compile("[0-9a-f]{16}")
_VERDICTS = ("ham", "spam", "malware", "later", "outgoing", "unknown")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("history", help="find decisions on mail, delivered mail too")
    actions = parser.add_subparsers(dest="action", required=True, metavar="find|replay|stats")
    sub = actions.add_parser("find", help="print decisions, the newest first")
    add_config_option(sub)
    sub.set_defaults(run=_find)
    sub.add_argument(
        "text", nargs="?", default="", metavar="TEXT",
        help="a whole address, domain, id of ours, queue id, Message-ID or IP address",
    )  # fmt: skip
    sub.add_argument("--id", default="", metavar="ID", help="our id of the message")
    sub.add_argument("--queue-id", default="", metavar="ID", help="the MTA's queue id")
    sub.add_argument("--message-id", default="", metavar="ID", help="the field Message-ID:")
    sub.add_argument("--sender", metavar="ADDRESS|DOMAIN", help="the envelope sender; '' for the null sender")
    sub.add_argument("--author", default="", metavar="ADDRESS|DOMAIN", help="an author (From:)")
    sub.add_argument("--rcpt", default="", metavar="ADDRESS|DOMAIN", help="a recipient")
    sub.add_argument("--peer", default="", metavar="IP", help="the host that connected")
    sub.add_argument("--verdict", choices=_VERDICTS, default="", help="what was decided")
    sub.add_argument("--row", default="", metavar="NUMBER", help="decided by this row of the order")
    sub.add_argument("--since", metavar="WHEN", help="not older than 12h, 7d, or since a date such as 2030-01-31")
    sub.add_argument("--until", metavar="WHEN", help="older than that")
    sub.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many (default: 50)")
    sub.add_argument("--after", type=int, metavar="NUMBER", help="go on after a list, by the number it ended with")
    sub.add_argument("--json", action="store_true", help="print JSON, with the whole explanations")
    _add_replay(actions)
    sub = actions.add_parser("stats", help="print how many decisions are kept, and what was not kept")
    add_config_option(sub)
    sub.set_defaults(run=_stats)
    sub.add_argument("--since", default="1d", metavar="WHEN", help="count from then on (default: 1d)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def _add_replay(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "say what decisions would have been under a changed policy"
    sub = actions.add_parser("replay", help=text, description=f"{text.capitalize()}, from what the history keeps.")
    add_config_option(sub)
    sub.set_defaults(run=_replay)
    sub.add_argument("--level", type=float, choices=LEVELS, help="another level")
    sub.add_argument("--mode", choices=("quarantine", "tag", "junk", "observe"), help="another mode")
    sub.add_argument("--off", action="append", default=[], metavar="FILTER", help="without this filter; repeatable")
    sub.add_argument("--rcpt", default="", metavar="ADDRESS|DOMAIN", help="of this recipient or recipient domain")
    sub.add_argument("--since", default="1d", metavar="WHEN", help="decisions from then on (default: 1d)")
    sub.add_argument("--limit", type=_limit, default=10_000, metavar="N", help="the newest N (default: 10000)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def add_why(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("why", help="explain the decision on a message, by its id")
    add_config_option(parser)
    parser.set_defaults(run=_why)
    parser.add_argument("id", metavar="ID", help="our id, from a header, an SMTP answer or the log; or a queue id")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST}")
    return int(text)


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return moment(text, ahead=False)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} is neither a span such as 7d nor a date such as 2030-01-31") from None


def _open(args: argparse.Namespace) -> tuple[Config, "HistoryStore"]:
    from tamis.history.store import HistoryStore

    config = load_config(args)
    become_service_user(config)
    return config, HistoryStore(config.database_url)


def _sought(args: argparse.Namespace) -> "Sought":
    from tamis.history.queries import Sought

    return Sought(
        text=args.text,
        id=args.id,
        queue_id=args.queue_id,
        header_id=args.message_id,
        sender=args.sender,
        author=args.author,
        recipient=args.rcpt,
        peer=args.peer,
        verdict=args.verdict,
        row=args.row,
        since=_moment(args.since, "--since"),
        until=_moment(args.until, "--until"),
    )


def _find(args: argparse.Namespace) -> int:
    from tamis.history.explain import as_json
    from tamis.history.queries import Page, find

    sought = _sought(args)
    _, store = _open(args)
    with store.reading() as connection:
        page = find(connection, sought, args.limit, args.after) if connection is not None else Page([], None)
    if args.json:
        print_json([as_json(one) for one in page.decisions])
        return 0
    columns = ["id", "when (UTC)", "verdict", "answer", "sender", "recipients", "decided by"]
    print_table(columns, [_line(one) for one in page.decisions])
    if page.after is not None:
        print(f"there is more: --after {page.after}", file=sys.stderr)
    return 0


def _line(one: "Decided") -> list[str]:
    share = one.leading
    decided = f"{share.row} {share.name} {share.test}".strip() if share else ""
    others = f" and {len(one.recipients) - 1} more" if len(one.recipients) > 1 else ""
    said = f"{one.verdict}, {share.action}" if share and share.action else one.verdict
    first = one.recipients[0] if one.recipients else ""
    return [one.id, f"{one.moment:%Y-%m-%d %H:%M:%S}", said, one.answer, one.sender or "<>", first + others, decided]


def _why(args: argparse.Namespace) -> int:
    from tamis.history.explain import as_json, as_lines
    from tamis.history.queries import Sought, find

    sought = Sought(id=args.id) if _OUR_ID.fullmatch(args.id) else Sought(queue_id=args.id)
    _, store = _open(args)
    with store.reading() as connection:
        found = find(connection, sought, 50).decisions if connection is not None else []
    if not found:
        raise UsageError(f"{args.id!r} is not in the history: it never was, it has been forgotten, or comes in seconds")
    if args.json:
        print_json([as_json(one) for one in found])
        return 0
    for number, one in enumerate(found):
        for line in [""] * bool(number) + list(as_lines(one)):
            print(printable(line))
    return 0


def _replay(args: argparse.Namespace) -> int:
    from tamis.filters.order import BY_NAME
    from tamis.history.queries import Sought, every
    from tamis.history.replay import Changed, replay_all

    for name in args.off:
        if name not in BY_NAME:
            raise UsageError(f"{name!r} is no filter: tamis filters prints them")
    changed = Changed(args.level, args.mode, frozenset(args.off))
    sought = Sought(recipient=args.rcpt, since=_moment(args.since, "--since"))
    _, store = _open(args)
    with store.reading() as connection:
        found = replay_all(every(connection, sought, args.limit) if connection is not None else (), changed)
    rows = [
        (*kind, difference.number, [one.id for one, _, _ in difference.examples[:5]])
        for kind, difference in sorted(found.differences.items(), key=lambda item: -item[1].number)
    ]
    if args.json:
        names = ("verdict", "action", "new_verdict", "new_action", "recipients", "examples")
        told = {"recipients": found.recipients, "changed": found.changed, "uncertain": found.uncertain}
        print_json({**told, "differences": [dict(zip(names, row, strict=True)) for row in rows]})
        return 0
    print(f"{found.changed} of {found.recipients} recipients would have got something else; {found.uncertain} are not "
          "certain, since rows that were not asked could have decided")  # fmt: skip
    columns = ["was", "would have been", "recipients", "such as"]
    print_table(columns, [(f"{a}, {b}", f"{c}, {d}", str(n), " ".join(ids)) for a, b, c, d, n, ids in rows])
    return 0


def _stats(args: argparse.Namespace) -> int:
    from tamis.history.queries import kept

    since = _moment(args.since, "--since")
    assert since is not None
    config, store = _open(args)
    with store.reading() as connection:
        found: dict[str, Any] = kept(connection, since) if connection is not None else {}
    from tamis.history.journal import journal_folder, waiting

    files, octets = waiting(journal_folder(config))
    found |= {"waiting": {"files": files, "octets": octets}}
    if args.json:
        print_json(found)
        return 0
    rows = [(name, str(value)) for name, value in found.items() if not isinstance(value, dict)]
    rows += [(f"{what}: {name}", str(value)) for what, inner in found.items() if isinstance(inner, dict)
             for name, value in inner.items()]  # fmt: skip
    print_table(["what", "number"], rows)
    return 0
