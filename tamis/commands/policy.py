"""`tamis policy`: what a domain or an address has chosen, each effective value and where it came from, and changes."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

from tamis.commands.common import UsageError, add_config_option, caller, load_config, print_json, print_table
from tamis.config import Config
from tamis.lists import PLATFORM
from tamis.privileges import become_service_user

_ACTIONS: Final = ("show", "set", "unset", "list", "history")
_OWNER: Final = "a domain, an address, policy:NAME, or default for the platform"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("policy", help="show and change the policies of domains and addresses")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print each effective value and where it came from; `show` may be left out")
    change = actions.add_parser("set", help="choose values")
    unset = actions.add_parser("unset", help="forget what was chosen")
    listing = actions.add_parser("list", help="print who has chosen something, and what")
    history = actions.add_parser("history", help="print every change: who, when, from what to what")
    for sub, run in ((show, _show), (change, _set), (unset, _unset), (listing, _list), (history, _history)):
        add_config_option(sub)
        sub.set_defaults(run=run)
    for sub in (show, change, unset):
        sub.add_argument("owner", metavar="OWNER", help=_OWNER)
    history.add_argument("owner", metavar="OWNER", nargs="?", help=f"{_OWNER} (default: all)")
    change.add_argument(
        "values", metavar="KEY=VALUE", nargs="+", help="mode=junk, level=6, cyrillic=on, spf.strict=off"
    )
    change.add_argument("--yes", action="store_true", help="confirm what is asked for confirmation")
    unset.add_argument("keys", metavar="KEY", nargs="*", help="mode, level, cyrillic, spf.strict")
    unset.add_argument("--all", action="store_true", help="forget all that was chosen")
    for sub in (change, unset):
        sub.add_argument("--by", help="who (default: the user who calls)")
        sub.add_argument("--note", default="", help="why")
    listing.add_argument("--domain", help="this domain and its addresses only")
    history.add_argument("--limit", type=int, default=100, metavar="N", help="so many changes at most (default: 100)")
    for sub in (show, listing, history):
        sub.add_argument("--json", action="store_true", help="print JSON")


def with_action(arguments: Sequence[str]) -> list[str]:
    """Return arguments of `tamis` in which ``policy OWNER`` says `show`."""
    if arguments[:1] == ["policy"] and len(arguments) > 1 and arguments[1] not in (*_ACTIONS, "-h", "--help"):
        return ["policy", "show", *arguments[1:]]
    return list(arguments)


def _show(args: argparse.Namespace) -> int:
    from tamis.list_store import ListStore, configured_entries
    from tamis.policy_keys import domain_of_owner, owner, shown, worded
    from tamis.policy_view import effective

    config, whose = load_config(args), owner(args.owner)
    values = effective(config, whose)
    entries = [*configured_entries(config), *ListStore(config.database_url).entries()]
    # Digests say nothing to a reader, and may be many.
    owners = {PLATFORM, domain_of_owner(whose), whose}
    mine = [entry for entry in entries if entry.domain in owners and not entry.list.by_command_only]
    if args.json:
        print_json(
            {
                "owner": shown(whose),
                "values": {
                    one.key: {"value": one.value, "source": str(one.origin), "set_in": one.origin.where}
                    for one in values
                },
                "lists": [
                    {
                        "list": entry.list.value,
                        "value": entry.value,
                        "scope": entry.domain or "platform",
                        "source": entry.source,
                        "expires": entry.expires.isoformat() if entry.expires else None,
                    }
                    for entry in mine
                ],
            }
        )
        return 0
    table = [[one.key, worded(one.value), str(one.origin)] for one in values]
    for entry in mine:
        until = f", until {entry.expires:%Y-%m-%d %H:%M} UTC" if entry.expires else ""
        source = f"{entry.domain or 'platform'}, {entry.source}{until}"
        table.append([f"lists.{entry.list.value}", entry.value, source])
    print_table([f"policy of {shown(whose)}", "value", "from"], table)
    return 0


def _set(args: argparse.Namespace) -> int:
    from tamis.policy_keys import BadPolicy, canonical, owner, parsed
    from tamis.policy_store import NeedsConfirmation, PolicyStore

    config, by, whose = load_config(args), args.by or caller(), owner(args.owner)
    values: dict[str, Any] = {}
    try:
        for word in args.values:
            key, equals, text = word.partition("=")
            if not equals:
                raise UsageError(f"{word!r}: write KEY=VALUE")
            name = canonical(key.strip())
            if name in values:
                raise UsageError(f"{name}: named twice")
            values[name] = parsed(name, text.strip())
        become_service_user(config)
        store = PolicyStore(config.database_url)
        try:
            events = store.set(whose, values, by, args.note, args.yes)
        except NeedsConfirmation as warning:
            if not _confirmed(str(warning)):
                raise UsageError(f"row 26 stays as it is: {warning}; --yes confirms that you have read it") from None
            events = store.set(whose, values, by, args.note, True)
    except BadPolicy as error:
        raise UsageError(str(error)) from None
    _print_changes(whose, events)
    return 0


def _confirmed(warning: str) -> bool:
    """Ask at a terminal; elsewhere nobody can answer."""
    if not sys.stdin.isatty():
        return False
    print(f"attention: {warning}", file=sys.stderr)
    return input("Switch row 26 off all the same? Write yes: ").strip().lower() == "yes"


def _unset(args: argparse.Namespace) -> int:
    from tamis.policy_keys import BadPolicy, canonical, owner, shown
    from tamis.policy_store import PolicyStore

    config, by, whose = load_config(args), args.by or caller(), owner(args.owner)
    if bool(args.keys) == args.all:
        raise UsageError("name the keys to forget, or --all")
    try:
        keys = None if args.all else [canonical(key) for key in args.keys]
    except BadPolicy as error:
        raise UsageError(str(error)) from None
    become_service_user(config)
    events = PolicyStore(config.database_url).unset(whose, keys, by, args.note)
    if not events:
        raise UsageError(f"nothing of that is chosen in the database for {shown(whose)}")
    _print_changes(whose, events)
    return 0


def _print_changes(whose: str, events: "Sequence[Any]") -> None:
    from tamis.policy_keys import shown

    for event in events:
        print(f"{shown(whose)}: {event.key}: {_was(event.old)} -> {_was(event.new)}")
    if not events:
        print(f"{shown(whose)}: all of that is so already")


def _was(value: object) -> str:
    from tamis.policy_keys import worded

    return "not set" if value is None else worded(value) or "nothing"


def _list(args: argparse.Namespace) -> int:
    from tamis.lists import recipient_domain
    from tamis.policy_keys import shown, worded

    config = load_config(args)
    found = list(_pages(config, recipient_domain(args.domain) if args.domain else None))
    if args.json:
        print_json(
            [
                {
                    "owner": shown(one.owner),
                    "values": one.chosen,
                    "by": one.changed_by,
                    "at": one.changed_at.isoformat(),
                }
                for one in found
            ]
        )
        return 0
    rows = [
        [
            shown(one.owner),
            " ".join(f"{key}={worded(value)}" for key, value in one.chosen.items()),
            one.changed_by,
            f"{one.changed_at:%Y-%m-%d %H:%M}",
        ]
        for one in found
    ]
    print_table(["owner", "has chosen", "by", "at (UTC)"], rows)
    return 0


def _pages(config: Config, domain: str | None) -> "Sequence[Any]":
    from tamis.policy_store import PolicyStore, StoredPolicy

    store = PolicyStore(config.database_url)
    found: list[StoredPolicy] = []
    while page := store.stored(domain=domain, after=found[-1].owner if found else None):
        found += page
    return found


def _history(args: argparse.Namespace) -> int:
    from tamis.policy_keys import owner, shown
    from tamis.policy_store import PolicyStore

    config = load_config(args)
    whose = owner(args.owner) if args.owner else None
    events = PolicyStore(config.database_url).history(whose, limit=max(0, args.limit))
    if args.json:
        print_json(
            [
                {
                    "owner": shown(event.owner), "key": event.key, "at": event.at.isoformat(), "by": event.by,
                    "old": event.old, "new": event.new, "note": event.note,
                }
                for event in events
            ]
        )  # fmt: skip
        return 0
    rows = [
        [
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            event.by,
            shown(event.owner),
            event.key,
            f"{_was(event.old)} -> {_was(event.new)}",
            event.note,
        ]
        for event in events
    ]
    print_table(["at (UTC)", "by", "owner", "key", "change", "note"], rows)
    return 0
