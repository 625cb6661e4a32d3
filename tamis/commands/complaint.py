"""`tamis complaint`: what people complain of (rows 7b and 14). Reports propose, a person decides."""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from tamis.commands.common import UsageError, add_config_option, caller, load_config, print_json, print_table
from tamis.commands.complaint_files import add_import
from tamis.commands.list import expiry
from tamis.complaint_store import ComplaintStore
from tamis.complaints import Kind, Proposal, State
from tamis.privileges import become_service_user

_LISTED_FOR: Final = "90d"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("complaint", help="complaints of peers and senders, and what is decided on them")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add_import(actions)
    shown = actions.add_parser("list", help="print what complaints propose, those with the most reporters first")
    add_config_option(shown)
    states = [*(state.value for state in State), "all"]
    shown.add_argument("--state", choices=states, default=State.OPEN.value, help="what was decided (default: open)")
    shown.add_argument("--kind", choices=[kind.value for kind in Kind], help="peers, senders or domains alone")
    shown.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.set_defaults(run=_list)
    for action, text in (
        ("accept", "list what is proposed: mail from it is spam from then on"),
        ("dismiss", "do not list it, or take it off the list; with twice the complaints it is proposed again"),
    ):
        sub = actions.add_parser(action, help=text)
        add_config_option(sub)
        sub.add_argument("value", nargs="+", metavar="VALUE", help="an IP address, a mail address or a domain")
        if action == "accept":
            when = f"30m, 12h, 7d, 4w, or a date such as 2030-01-31 (default: {_LISTED_FOR})"
            sub.add_argument("--expires", "--for", dest="expires", default=_LISTED_FOR, metavar="WHEN", help=when)
        sub.add_argument("--note", default="", help="why")
        sub.add_argument("--by", help="who (default: the user who calls)")
        sub.set_defaults(run={"accept": _accept, "dismiss": _dismiss}[action])


def _list(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"--limit {args.limit} is not a number from 1 on")
    state = None if args.state == "all" else State(args.state)
    store = ComplaintStore(load_config(args).database_url)
    found = store.proposals(state, Kind(args.kind) if args.kind else None, args.limit)
    if args.json:
        print_json([_as_json(proposal) for proposal in found])
        return 0
    columns = ["kind", "value", "complaints", "reporters", "types", "first seen", "last seen", "state", "by"]
    print_table(columns, [_cells(proposal) for proposal in found])
    return 0


def _as_json(proposal: Proposal) -> Mapping[str, Any]:
    return {
        "kind": proposal.kind.value,
        "value": proposal.value,
        "complaints": proposal.complaints,
        "reporters": proposal.reporters,
        "types": proposal.types,
        "first_seen": proposal.first_seen.isoformat(),
        "last_seen": proposal.last_seen.isoformat(),
        "state": proposal.state.value,
        "on_list": proposal.on_list,
        "by": proposal.decided_by or None,
        "at": proposal.decided_at.isoformat() if proposal.decided_at else None,
        "note": proposal.note,
    }


def _cells(proposal: Proposal) -> list[str]:
    over = proposal.state is State.LISTED and not proposal.on_list
    already = proposal.state is not State.LISTED and proposal.on_list
    state = proposal.state.value + (" (over)" if over else " (on the list)" if already else "")
    return [
        proposal.kind.value,
        proposal.value,
        str(proposal.complaints),
        str(proposal.reporters),
        proposal.types,
        f"{proposal.first_seen:%Y-%m-%d}",
        f"{proposal.last_seen:%Y-%m-%d}",
        state,
        proposal.decided_by,
    ]


def _accept(args: argparse.Namespace) -> int:
    config, by, expires = load_config(args), args.by or caller(), expiry(args.expires)
    become_service_user(config)
    store = ComplaintStore(config.database_url)
    until = f", until {expires:%Y-%m-%d %H:%M} UTC" if expires else ""
    for value in args.value:
        kind = store.accept(value, by, expires, args.note)
        print(f"added: {kind.list.option} of the platform: {value}{until}")
    return 0


def _dismiss(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    become_service_user(config)
    store = ComplaintStore(config.database_url)
    for value in args.value:
        removed = store.dismiss(value, by, args.note)
        print(f"dismissed: {value}" + (", and taken off the list" if removed else ""))
    return 0
