"""`tamis sender`: what was learned of senders (row 7), and what an administrator knows of them."""

import argparse
from typing import Any, Final

from tamis.addresses import normalise_address
from tamis.commands.common import UsageError, add_config_option, caller, load_config, print_json, print_table
from tamis.config import Config
from tamis.lists import recipient_domain
from tamis.privileges import become_service_user
from tamis.sender_weights import Event
from tamis.weight_store import Known, WeightStore

_BY_PEOPLE: Final = (Event.VALIDATION, Event.RELEASE, Event.COMPLAINT)


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("sender", help="what senders have earned with recipient domains (row 7)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the points of senders, the most first")
    add_config_option(show)
    show.add_argument("sender", nargs="?", metavar="ADDRESS", help="of this sender alone")
    show.add_argument("--domain", default="", help="with this recipient domain alone")
    show.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=_show)
    learn = actions.add_parser("learn", help="learn of a sender, as if it had just happened")
    add_config_option(learn)
    points = ", ".join(f"{event.value} ({event.points:+g})" for event in _BY_PEOPLE)
    learn.add_argument("event", choices=[event.value for event in _BY_PEOPLE], metavar="EVENT", help=points)
    learn.set_defaults(run=_learn)
    forget = actions.add_parser("forget", help="forget all that was learned of a sender")
    add_config_option(forget)
    forget.set_defaults(run=_forget)
    for sub in (learn, forget):
        sub.add_argument("sender", metavar="ADDRESS", help="a mail address")
        sub.add_argument("--domain", required=True, help="the recipient domain")
    learn.add_argument("--by", help="who (default: the user who calls)")


def _store(config: Config) -> WeightStore:
    return WeightStore(config.database_url, config.settings.autowhitelist.half_life_days)


def _show(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"--limit {args.limit} is not a number from 1 on")
    domain = recipient_domain(args.domain) if args.domain else ""
    sender = normalise_address(args.sender) if args.sender else ""
    found = _store(load_config(args)).known(domain, sender)[: args.limit]
    if args.json:
        print_json([_as_json(known) for known in found])
        return 0
    columns = ["domain", "sender", "points", "by", "last changed (UTC)", "by whom"]
    print_table(columns, [_cells(known) for known in found])
    return 0


def _cells(known: Known) -> list[str]:
    at = f"{known.weight.at:%Y-%m-%d %H:%M}"
    return [known.domain, known.sender, f"{known.now:.2f}", known.weight.why, at, known.changed_by]


def _as_json(known: Known) -> dict[str, Any]:
    return {
        "domain": known.domain,
        "sender": known.sender,
        "points": round(known.now, 3),
        **{event.column: known.weight.counts[event] for event in Event},
        "changed_at": known.weight.at.isoformat(),
        "changed_by": known.changed_by,
    }


def _learn(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    become_service_user(config)
    points = _store(config).learn(args.domain, args.sender, Event(args.event), by)
    print(f"learned: {args.sender} has {points:.2f} points with {args.domain}")
    return 0


def _forget(args: argparse.Namespace) -> int:
    config = load_config(args)
    become_service_user(config)
    if not _store(config).forget(args.domain, args.sender):
        raise UsageError(f"nothing was learned of {args.sender} with {args.domain}")
    print(f"forgotten: {args.sender} with {args.domain}")
    return 0
