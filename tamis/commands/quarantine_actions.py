"""`tamis quarantine release|delete|expire`: what a person, or a job of the system, does to held mail.

Nothing is sent from here: what is released goes into the outbox, and the daemon sends it.
"""

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tamis.addresses import normalise_address
from tamis.commands.common import UsageError, bar, caller, load_config, printable
from tamis.commands.quarantine_common import add_action, at, counted, octets, open_store, some_copies
from tamis.privileges import become_service_user
from tamis.sender_weights import Event

if TYPE_CHECKING:
    from tamis.quarantine.queries import Copy, Found
    from tamis.quarantine.store import Store

_LOOK_SECONDS: Final = 0.2
_LONGEST_WAIT: Final = 3600.0


def add_to(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the actions that change something."""
    release = add_action(actions, "release", "have held mail delivered to its recipients", _release)
    delete = add_action(actions, "delete", "delete held mail", _delete)
    for sub, verb in ((release, "release"), (delete, "delete")):
        text = "16 hexadecimal digits of a message: all its held copies; with .N one of its copies"
        sub.add_argument("id", nargs="*" if verb == "release" else "+", metavar="ID", help=text)
        sub.add_argument("--by", help="who (default: the user who calls)")
        sub.add_argument("--note", default="", help="why")
    release.add_argument("--all-of", metavar="ADDRESS", help="all held mail of this recipient")
    release.add_argument("--malware", action="store_true", help="also what a scanner took for malware")
    text = "how long to wait for its delivery by the daemon (default: 10)"
    release.add_argument("--wait", type=_seconds, default=10.0, metavar="SECONDS", help=text)
    expire = add_action(
        actions, "expire", "delete what has been held long enough, as the daemon does by itself", _expire
    )
    text = "held longer than so many days (default: quarantine.days)"
    expire.add_argument("--days", type=_days, metavar="N", help=text)
    expire.add_argument("--dry-run", action="store_true", help="only say how much it would be")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_LONGEST_WAIT:g}")
    return seconds


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 3650):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to 3650")
    return int(text)


def _meant(store: "Store", args: argparse.Namespace) -> list[str]:
    """Return the ids of the copies that are meant: of a message the held ones, or all where none is held."""
    from tamis.quarantine.queries import held_of
    from tamis.quarantine.records import State
    from tamis.quarantine.rows import key

    ids: list[str] = []
    with store.reading() as connection:
        for name in args.id:
            copies = some_copies(connection, name)
            ids += [copy.id for copy in copies if copy.state is State.HELD] or [copy.id for copy in copies]
        if getattr(args, "all_of", None) and connection is not None:
            ids += held_of(connection, key(normalise_address(args.all_of)))
    return list(dict.fromkeys(ids))


def _release(args: argparse.Namespace) -> int:
    from tamis.quarantine import transitions
    from tamis.weight_store import Lesson

    config, by = load_config(args), args.by or caller()
    if not args.id and not args.all_of:
        raise UsageError("give an ID, or --all-of ADDRESS")
    become_service_user(config)
    store = open_store(config)
    ids = _meant(store, args)
    if not ids:
        print(f"nothing is held for {printable(args.all_of)}")
        return 0
    header = config.settings.headers.whitelisted
    lesson = Lesson(Event.RELEASE, config.settings.autowhitelist.half_life_days)
    released = set(transitions.release(store, ids, by, header, args.note, malware=args.malware, lesson=lesson))
    after = _wait(store, ids, args.wait)
    return max((_say(copy, _released(store, copy, copy.id in released)) for copy in after), default=0)


def _wait(store: "Store", ids: Sequence[str], seconds: float) -> "list[Found]":
    """Return copies when none of them is on its way any more, or after so many seconds."""
    from tamis.quarantine.records import State

    deadline = time.monotonic() + seconds
    while True:
        copies = _again(store, ids)
        left = deadline - time.monotonic()
        if left <= 0 or all(copy.state is not State.RELEASED for copy in copies):
            return copies
        time.sleep(min(_LOOK_SECONDS, left))


def _again(store: "Store", ids: Sequence[str]) -> "list[Found]":
    from tamis.quarantine.queries import copies

    with store.reading() as connection:
        assert connection is not None
        return copies(connection, ids)


def _released(store: "Store", copy: "Found", now: bool) -> tuple[str, int]:
    """Return what became of a copy that was to be released, and the exit status; `now`: it was held until now."""
    from tamis.quarantine.records import State

    already = "" if now else "already "
    if copy.state is State.DELIVERED:
        by = f", released by {copy.changed_by}" if copy.changed_by else ""
        return "delivered" if now else f"already delivered {at(copy.changed_at)} UTC{by}", 0
    if copy.state is State.RELEASED:
        outbox = _details(store, copy).outbox
        reply = outbox["last_reply"] if outbox else ""
        return f"{already}released, waits for the daemon" + (f" (last answer: {reply})" if reply else ""), 0
    if copy.state is State.HELD and copy.malware and not now:
        return f"stays held, for malware ({copy.because}): --malware would release it", 1
    if copy.state is State.HELD:
        return f"held again, {_details(store, copy).events[-1]['note']}", 1
    return f"{_ended(copy)}: it can no longer be released", 1


def _details(store: "Store", copy: "Found") -> "Copy":
    from tamis.quarantine.queries import whole

    with store.reading() as connection:
        assert connection is not None
        return whole(connection, [copy]).copies[0]


def _ended(copy: "Found") -> str:
    by = f" by {copy.changed_by}" if copy.changed_by not in ("", "time") else ""
    return f"{copy.state} {at(copy.changed_at)} UTC{by}"


def _say(copy: "Found", said: tuple[str, int]) -> int:
    text, status = said
    print(printable(f"{copy.id} {copy.recipient}: {text}"))
    return status


def _delete(args: argparse.Namespace) -> int:
    from tamis.quarantine import transitions

    config, by = load_config(args), args.by or caller()
    become_service_user(config)
    store = open_store(config)
    ids = _meant(store, args)
    removed = set(transitions.remove(store, ids, by, args.note))
    return max((_say(copy, _deleted(copy, copy.id in removed)) for copy in _again(store, ids)), default=0)


def _deleted(copy: "Found", now: bool) -> tuple[str, int]:
    from tamis.quarantine.records import State

    if now:
        return "deleted", 0
    if copy.state is State.DELETED:
        return f"already {_ended(copy)}", 0
    return f"{_ended(copy)}: it can no longer be deleted", 1


def _expire(args: argparse.Namespace) -> int:
    from tamis.quarantine import transitions
    from tamis.quarantine.statistics import overdue

    config = load_config(args)
    days = args.days or config.settings.quarantine.days
    become_service_user(config)
    store = open_store(config)
    with store.reading() as connection:
        copies, size = overdue(connection, days) if connection is not None else (0, 0)
    if args.dry_run or not copies:
        print(f"held longer than {days} days: {counted(copies)}, of messages of {octets(size)}")
        return 0
    done = freed = 0
    with bar("expiring") as move:

        def tell(number: int, given_back: int) -> None:
            nonlocal done, freed
            done, freed = done + number, freed + given_back
            if move is not None:
                move(done, max(done, copies))

        transitions.expire(store, days, tell)
    print(f"held longer than {days} days: {counted(done)}, now expired; {octets(freed)} of the spool given back")
    return 0
