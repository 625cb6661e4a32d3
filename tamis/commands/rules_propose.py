"""`tamis rules propose`: rules out of what honeypots and people flagged, printed and never switched on."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tamis.commands.common import UsageError, add_config_option, load_config, moment
from tamis.message import Message

_MOST_MESSAGES: Final = 2000


def add_to(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the action."""
    sub = actions.add_parser("propose", help="print rules made of what traps got and people flagged, switched off")
    add_config_option(sub)
    sub.add_argument("--since", default="30d", metavar="WHEN", help="of held mail: a span, or a date (default: 30d)")
    sub.add_argument("--spam", action="append", default=[], metavar="MAIL", help="flagged mail in files; repeatable")
    sub.add_argument(
        "--ham",
        action="append",
        default=[],
        metavar="MAIL",
        help="ham that no phrase may be in; repeatable (default: what the classifier learned as ham)",
    )
    sub.add_argument("--least", type=int, default=5, metavar="N", help="messages that a phrase must be in (default: 5)")
    sub.add_argument("--most", type=int, default=20, metavar="N", help="rules that are printed (default: 20)")
    sub.set_defaults(run=_propose)


def _propose(args: argparse.Namespace) -> int:
    from tamis.models.corpus import CorpusError
    from tamis.rules.material import known_as_ham
    from tamis.rules.proposing import MODEL_SAYS, as_toml, propose
    from tamis.rules.reading import read

    if args.least < 2 or args.most < 1:
        raise UsageError("--least is at least 2, --most at least 1")
    try:
        flagged = _files(args.spam, "spam") if args.spam else _held(args)
        in_ham = None if args.ham else known_as_ham(load_config(args))
        proposals, number, hams = propose(flagged, _files(args.ham, "ham"), args.least, args.most, in_ham)
    except CorpusError as error:
        raise UsageError(str(error)) from None
    text = as_toml(proposals, number, f"{hams} ham" if args.ham else MODEL_SAYS)
    read([("proposed", text)])
    sys.stdout.write(text)
    print(f"tamis: {len(proposals)} rules proposed from {number} flagged messages", file=sys.stderr)
    return 0


def _files(names: Sequence[str], label: str) -> Iterator[Message]:
    from tamis.models.corpus import entries_at

    for name in names:
        for entry in entries_at(name, label):
            yield Message(entry.read())


def _held(args: argparse.Namespace) -> Iterable[Message]:
    """The messages of the quarantine that traps got and people flagged."""
    from tamis.commands.quarantine_common import open_store
    from tamis.privileges import become_service_user
    from tamis.rules.material import flagged_held

    config = load_config(args)
    try:
        since = moment(args.since, ahead=False)
    except (ValueError, OverflowError):
        raise UsageError(f"--since {args.since!r} is neither a span such as 7d nor a date") from None
    become_service_user(config)
    return list(flagged_held(config, open_store(config), since, _MOST_MESSAGES))
