"""`tamis quarantine`: what is held, why, and what became of it. What changes something is `quarantine_actions`."""

import argparse
import shutil
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tamis.addresses import normalise_address
from tamis.commands import quarantine_actions, quarantine_flag
from tamis.commands.common import UsageError, load_config, moment, print_json, print_table
from tamis.commands.quarantine_common import add_action, at, iso, open_store, some_copies
from tamis.lists import recipient_domain
from tamis.mail import parse_ip
from tamis.privileges import become_service_user

if TYPE_CHECKING:
    from tamis.quarantine.queries import Found, Wanted
    from tamis.quarantine.store import Store

_STATES = ("held", "released", "delivered", "expired", "deleted")
_MOST = 100_000


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("quarantine", help="find, show, release and delete held mail")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|release|delete|expire|flag|stats")
    sub = add_action(actions, "list", "print held mail, the newest first", _list)
    sub.add_argument("whose", nargs="?", metavar="ADDRESS|DOMAIN", help="of this recipient or recipient domain")
    sub.add_argument("--search", default="", metavar="TEXT", help="in subject, sender, author and Message-ID")
    sub.add_argument("--state", choices=(*_STATES, "all"), default="held", help="what became of it (default: held)")
    sub.add_argument("--since", metavar="WHEN", help="not older than 12h, 7d, 4w, or since a date such as 2030-01-31")
    sub.add_argument("--until", metavar="WHEN", help="older than that")
    sub.add_argument("--sender", metavar="ADDRESS", help="of this envelope sender; '' for the null sender")
    sub.add_argument("--peer", metavar="IP", help="from this host")
    sub.add_argument("--row", default="", metavar="NUMBER", help="decided by this row of the order")
    sub.add_argument("--queue-id", default="", metavar="ID", help="with this queue id of the MTA")
    sub.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many (default: 50)")
    sub.add_argument("--after", default="", metavar="ID", help="the next ones after this copy, the last of a list")
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub = add_action(actions, "show", "print all that is known of a message, or its octets", _show)
    sub.add_argument("id", metavar="ID", help="16 hexadecimal digits of a message, or with .N one of its copies")
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--raw", action="store_true", help="write the octets as they came over the wire")
    quarantine_actions.add_to(actions)
    quarantine_flag.add_to(actions)
    sub = add_action(actions, "stats", "print how much is held, and what waits to be sent", _stats)
    sub.add_argument("whose", nargs="?", metavar="ADDRESS|DOMAIN", help="of this recipient or recipient domain")
    sub.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many lines (default: 50)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST}")
    return int(text)


def _whose(text: str | None) -> tuple[str, str]:
    """Return the recipient or the domain that is meant. Raises `tamis.lists.BadEntry`."""
    from tamis.quarantine.rows import key

    if not text:
        return "", ""
    if "@" in text[1:]:
        return key(normalise_address(text)), ""
    return "", recipient_domain(text.removeprefix("@"))


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return moment(text, ahead=False).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text!r} is neither a span such as 7d nor a date such as 2030-01-31") from None


def _wanted(args: argparse.Namespace) -> "Wanted":
    from tamis.quarantine.queries import Wanted
    from tamis.quarantine.records import State
    from tamis.quarantine.rows import key

    recipient, domain = _whose(args.whose)
    peer = parse_ip(args.peer) if args.peer else None
    if args.peer and peer is None:
        raise UsageError(f"--peer {args.peer!r} is not an IP address")
    return Wanted(
        states=tuple(State) if args.state == "all" else (State(args.state),),
        recipient=recipient,
        domain=domain,
        sender=None if args.sender is None else key(normalise_address(args.sender)),
        text=args.search,
        queue_id=args.queue_id,
        peer=str(peer or ""),
        row=args.row,
        since=_moment(args.since, "--since"),
        until=_moment(args.until, "--until"),
    )


def _list(args: argparse.Namespace) -> int:
    from tamis.quarantine.queries import find

    config, wanted = load_config(args), _wanted(args)
    become_service_user(config)
    with open_store(config).reading() as connection:
        try:
            found = find(connection, wanted, args.limit, args.after) if connection is not None else []
        except KeyError:
            raise UsageError(f"--after {args.after!r}: there is no such copy") from None
    if args.json:
        print_json([_listed(copy) for copy in found])
        return 0
    columns = ["id", "held (UTC)", "state", "recipient", "sender", "subject", "decided by"]
    print_table(columns, [_line(copy) for copy in found])
    if len(found) == args.limit:
        print(f"there may be more: --after {found[-1].id}", file=sys.stderr)
    return 0


def _line(copy: "Found") -> list[str]:
    decided = f"{copy.row} {copy.row_name}".strip() + (" (malware)" if copy.malware else "")
    return [copy.id, at(copy.held_at), copy.state, copy.recipient, copy.sender or "<>", copy.subject, decided]


def _listed(copy: "Found") -> dict[str, Any]:
    return {
        "id": copy.id,
        "message": copy.message_id,
        "state": copy.state,
        "recipient": copy.recipient,
        "held_at": iso(copy.held_at),
        "changed_at": iso(copy.changed_at),
        "changed_by": copy.changed_by,
        "size": copy.size,
        "sender": copy.sender,
        "author": copy.author,
        "subject": copy.subject,
        "peer": copy.peer,
        "row": copy.row or None,
        "name": copy.row_name or None,
        "test": copy.test or None,
        "because": copy.because,
        "score": copy.score / 1000,
        "level": copy.level,
        "malware": copy.malware,
        "seen": copy.seen,
    }


def _show(args: argparse.Namespace) -> int:
    from tamis.commands.quarantine_show import as_json, as_text
    from tamis.quarantine.queries import whole

    config = load_config(args)
    become_service_user(config)
    store = open_store(config)
    with store.reading() as connection:
        copies = some_copies(connection, args.id)
        assert connection is not None
        message = whole(connection, copies)
    if args.raw:
        return _raw(store, args.id, message.row["digest"])
    if args.json:
        print_json(as_json(message, store.spool.holds(message.row["digest"])))
    else:
        print("\n".join(as_text(message, store.spool.holds(message.row["digest"]))))
    return 0


def _raw(store: "Store", name: str, digest: str) -> int:
    try:
        with store.spool.open(digest) as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
    except FileNotFoundError:
        print(f"tamis: the octets of {name} are no longer kept", file=sys.stderr)
        return 1
    sys.stdout.buffer.flush()
    return 0


def _stats(args: argparse.Namespace) -> int:
    from tamis.commands.quarantine_stats import as_json, collected, print_text

    config, (recipient, domain) = load_config(args), _whose(args.whose)
    become_service_user(config)
    with open_store(config).reading() as connection:
        found = collected(connection, recipient, domain)
    if args.json:
        print_json(as_json(found))
    else:
        print_text(found, args.limit)
    return 0
