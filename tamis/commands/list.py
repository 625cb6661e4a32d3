"""`tamis list`: white- and blacklists, of the platform or of one recipient domain."""

import argparse
from datetime import UTC, datetime

from tamis.commands.common import UsageError, add_config_option, caller, load_config, print_json, print_table
from tamis.commands.common import moment as parse_moment
from tamis.config import Config
from tamis.list_store import ListStore, StoredEntry, configured_entries
from tamis.lists import PLATFORM, ListName, normalise_value, recipient_domain
from tamis.privileges import become_service_user


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("list", help="show and change the white- and blacklists")
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|remove|show")
    for action, text in (
        ("add", "add an entry"),
        ("remove", "remove an entry"),
        ("show", "print the entries, those of the configuration file too"),
    ):
        sub = actions.add_parser(action, help=text)
        add_config_option(sub)
        sub.add_argument("--domain", default=PLATFORM, help="the recipient domain (default: the whole platform)")
        known = [name.value.replace("_", "-") for name in ListName]
        if action == "show":
            sub.add_argument("list", nargs="?", choices=known, metavar="LIST", help=", ".join(known))
            sub.add_argument("--json", action="store_true", help="print JSON")
        else:
            sub.add_argument("list", choices=known, metavar="LIST", help=", ".join(known))
            sub.add_argument("value", help="an IP address or network, or a mail address, example.org or .example.org")
        if action == "add":
            sub.add_argument("--expires", metavar="WHEN", help="30m, 12h, 7d, 4w, or a date such as 2030-01-31")
            sub.add_argument("--note", default="", help="why")
            sub.add_argument("--by", help="who (default: the user who calls)")
        sub.set_defaults(run={"add": _add, "remove": _remove, "show": _show}[action])


def _name(args: argparse.Namespace) -> ListName:
    return ListName(args.list.replace("-", "_"))


def _domain(args: argparse.Namespace) -> str:
    if args.domain == PLATFORM:
        return PLATFORM
    return recipient_domain(args.domain)


def _expiry(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_moment(text, ahead=True)
    except (ValueError, OverflowError):
        raise UsageError(f"--expires {text!r} is neither a span such as 7d nor a date such as 2030-01-31") from None
    if moment <= datetime.now(UTC):
        raise UsageError(f"--expires {text!r} is in the past")
    return moment


def _whose(domain: str) -> str:
    return f"of {domain}" if domain else "of the platform"


def _add(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    domain, expires = _domain(args), _expiry(args.expires)
    become_service_user(config)
    new = ListStore(config.database_url).add(_name(args), args.value, domain, by, expires, args.note)
    print(f"{'added' if new else 'renewed'}: {args.list} {_whose(domain)}: {args.value}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    config, domain = load_config(args), _domain(args)
    value = normalise_value(_name(args), args.value)
    become_service_user(config)
    if not ListStore(config.database_url).remove(_name(args), value, domain):
        written = [e for e in configured_entries(config) if (e.list, e.value, e.domain) == (_name(args), value, domain)]
        where = f"; it is written in {written[0].source}" if written else ""
        raise UsageError(f"{value} is not on {args.list} {_whose(domain)}{where}")
    print(f"removed: {args.list} {_whose(domain)}: {value}")
    return 0


def _show(args: argparse.Namespace) -> int:
    config = load_config(args)
    found = _all_entries(config)
    if args.list:
        found = [stored for stored in found if stored.entry.list is _name(args)]
    if args.domain != PLATFORM:
        domain = _domain(args)
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
            stored.entry.list.value.replace("_", "-"),
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


def _all_entries(config: Config) -> list[StoredEntry]:
    written = [StoredEntry(entry, entry.source, None, "") for entry in configured_entries(config)]
    return written + ListStore(config.database_url).stored()
