"""`tamis list`: what is on the lists, of the platform, of one recipient domain or address.

Bans and flagged messages have actions of their own, `tamis.commands.list_actions`.
"""

import argparse
from datetime import UTC, datetime
from typing import TypeAlias

from tamis.commands.common import UsageError, add_config_option, caller, load_config, print_json, print_table
from tamis.commands.common import moment as parse_moment
from tamis.config import Config
from tamis.list_rows import checked
from tamis.list_store import ListStore, StoredEntry, configured_entries
from tamis.lists import PLATFORM, ListName, normalise_value, recipient_domain
from tamis.privileges import become_service_user

Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from tamis.commands import list_actions, list_bans, list_transfer

    parser = subparsers.add_parser(
        "list", help="show and change the lists: white- and blacklists, bans, traps, malware"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    known = [name.option for name in ListName]
    for action, text in (("add", "add an entry"), ("remove", "remove an entry")):
        sub = add_action(actions, action, text)
        sub.add_argument("list", choices=known, metavar="LIST", help=", ".join(known))
        sub.add_argument(
            "value", help="an IP address or network; a mail address, example.org or .example.org; a digest"
        )
        if action == "add":
            add_history(sub, "for ever")
        sub.set_defaults(run={"add": _add, "remove": _remove}[action])
    show = add_action(actions, "show", "print the entries, those of the configuration file too")
    show.add_argument("list", nargs="?", choices=known, metavar="LIST", help=", ".join(known))
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=_show)
    list_actions.add_to(actions)
    list_bans.add_to(actions)
    list_transfer.add_to(actions)


def add_action(actions: Actions, name: str, text: str) -> argparse.ArgumentParser:
    """Return the parser of an action on the lists of the platform or of a domain."""
    sub = actions.add_parser(name, help=text)
    add_config_option(sub)
    text = "the recipient domain, or one address of it (default: the whole platform)"
    sub.add_argument("--domain", "--address", dest="domain", metavar="OWNER", default=PLATFORM, help=text)
    return sub


def add_history(sub: argparse.ArgumentParser, default: str) -> None:
    """Add the options that say until when an entry holds, who made it and why."""
    text = f"30m, 12h, 7d, 4w, or a date such as 2030-01-31 (default: {default})"
    sub.add_argument("--expires", "--for", dest="expires", metavar="WHEN", help=text)
    sub.add_argument("--note", default="", help="why")
    sub.add_argument("--by", help="who (default: the user who calls)")


def _name(args: argparse.Namespace) -> ListName:
    return ListName(args.list.replace("-", "_"))


def domain_option(args: argparse.Namespace) -> str:
    """Return whose lists the options name. Raises `tamis.lists.BadEntry`."""
    if args.domain == PLATFORM:
        return PLATFORM
    return checked(ListName.TRAP, args.domain) if "@" in args.domain.strip("@") else recipient_domain(args.domain)


def expiry(text: str | None) -> datetime | None:
    """Return what --expires says, None for ever. Raises `UsageError`."""
    if text is None:
        return None
    try:
        moment = parse_moment(text, ahead=True)
    except (ValueError, OverflowError):
        raise UsageError(f"--expires {text!r} is neither a span such as 7d nor a date such as 2030-01-31") from None
    if moment <= datetime.now(UTC):
        raise UsageError(f"--expires {text!r} is in the past")
    return moment


def whose(domain: str) -> str:
    return f"of {domain}" if domain else "of the platform"


def _add(args: argparse.Namespace) -> int:
    return add_entry(args, _name(args), args.value)


def _remove(args: argparse.Namespace) -> int:
    return remove_entry(args, _name(args), args.value)


def add_entry(args: argparse.Namespace, name: ListName, value: str, lifetime: str | None = None) -> int:
    """Add an entry, with the options of `add_history`; `lifetime` is how long it holds where they do not say."""
    config, by = load_config(args), args.by or caller()
    domain, expires = domain_option(args), expiry(args.expires if args.expires is not None else lifetime)
    become_service_user(config)
    new = ListStore(config.database_url).add(name, value, domain, by, expires, args.note)
    until = f", until {expires:%Y-%m-%d %H:%M} UTC" if expires else ""
    print(f"{'added' if new else 'renewed'}: {name.option} {whose(domain)}: {value}{until}")
    return 0


def remove_entry(args: argparse.Namespace, name: ListName, value: str, gone: bool = False) -> int:
    """Remove an entry. Raises `UsageError` where there is none, and says where it is written.

    `gone`: what was asked for has been done already, so that having none is no mistake.
    """
    config, domain = load_config(args), domain_option(args)
    value = normalise_value(name, value)
    become_service_user(config)
    if not ListStore(config.database_url).remove(name, value, domain):
        if gone:
            return 0
        written = [e for e in configured_entries(config) if (e.list, e.value, e.domain) == (name, value, domain)]
        where = f"; it is written in {written[0].source}" if written else ""
        raise UsageError(f"{value} is not on {name.option} {whose(domain)}{where}")
    print(f"removed: {name.option} {whose(domain)}: {value}")
    return 0


def _show(args: argparse.Namespace) -> int:
    config = load_config(args)
    found = all_entries(config)
    if args.list:
        found = [stored for stored in found if stored.entry.list is _name(args)]
    if args.domain != PLATFORM:
        domain = domain_option(args)
        found = [stored for stored in found if stored.entry.domain == domain]
    if args.json:
        print_json(
            [
                {
                    "list": stored.entry.list.value,
                    "domain": stored.entry.domain or None,
                    "value": stored.entry.value,
                    "by": stored.added_by,
                    "at": stored.added_at.isoformat() if stored.added_at else None,
                    "expires": stored.entry.expires.isoformat() if stored.entry.expires else None,
                    "note": stored.note,
                }
                for stored in found
            ]
        )
        return 0
    now = datetime.now(UTC)
    rows = [
        [
            stored.entry.list.option,
            stored.entry.domain or "platform",
            stored.entry.value,
            stored.added_by,
            f"{stored.added_at:%Y-%m-%d %H:%M}" if stored.added_at else "",
            _until(stored, now),
            stored.note,
        ]
        for stored in found
    ]
    print_table(["list", "whose", "value", "by", "at (UTC)", "until (UTC)", "note"], rows)
    return 0


def _until(stored: StoredEntry, now: datetime) -> str:
    expires = stored.entry.expires
    if expires is None:
        return "for ever"
    return f"{expires:%Y-%m-%d %H:%M}" + ("" if stored.entry.holds_at(now) else " (over)")


def all_entries(config: Config) -> list[StoredEntry]:
    """Return what is written in the configuration, and what is kept by command; ended entries too."""
    written = [StoredEntry(entry, entry.source, None, "") for entry in configured_entries(config)]
    return written + ListStore(config.database_url).stored()
