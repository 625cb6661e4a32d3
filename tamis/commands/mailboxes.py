"""`tamis mailboxes upkeep`: deletes old spam in Junk folders, and tells mailboxes that are nearly full."""

import argparse
import sys

from tamis.commands.common import UsageError, add_config_option, load_config, print_json, printable
from tamis.privileges import become_service_user


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("mailboxes", help="look after mailboxes, by Dovecot's doveadm")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    upkeep = actions.add_parser("upkeep", help="delete old spam in Junk folders; tell mailboxes that are nearly full")
    add_config_option(upkeep)
    upkeep.add_argument("users", nargs="*", metavar="ADDRESS", help="these mailboxes (default: all)")
    upkeep.add_argument("--json", action="store_true", help="print JSON")
    upkeep.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tamis.doveadm import DoveadmFailed
    from tamis.mailbox_upkeep import Upkeep

    config = load_config(args)
    become_service_user(config)
    try:
        report = Upkeep(config).run(args.users or None)
    except DoveadmFailed as error:
        raise UsageError(f"the mailboxes cannot be listed: {error}") from None
    if args.json:
        print_json(
            {
                "mailboxes": report.mailboxes,
                "cleaned": report.cleaned,
                "told": report.told,
                "failed": report.failed,
            }
        )
    else:
        print(f"mailboxes: {report.mailboxes}; Junk cleaned: {report.cleaned}; told of their quota: {len(report.told)}")
    for line in report.failed:
        print(f"tamis: {printable(line)}", file=sys.stderr)
    return 1 if report.failed else 0
