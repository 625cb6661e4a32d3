"""`tamis list ban|unban` and `flag|unflag`: entries that are made in a hurry (row 2), or of a message (row 8)."""

import argparse
import sys
from typing import Final

from tamis.commands.common import UsageError, load_config, read_message
from tamis.commands.list import Actions, add_action, add_entry, add_history, domain_option, remove_entry, whose
from tamis.content_digest import content_digest
from tamis.lists import ListName, flagged_value, normalise_value
from tamis.mail import parse_ip
from tamis.privileges import become_service_user

_BAN: Final = "24h"
_FLAG: Final = "30d"


def add_to(actions: Actions) -> None:
    ban = add_action(actions, "ban", "refuse mail of an address or network for a while (row 2)")
    unban = add_action(actions, "unban", "take it again")
    for sub, run in ((ban, _ban), (unban, _unban)):
        sub.add_argument("network", metavar="NETWORK", help="an IP address or network")
        sub.set_defaults(run=run)
    flag = add_action(actions, "flag", "take the same content from the same peer for spam (row 8)")
    unflag = add_action(actions, "unflag", "take it for spam no more")
    for sub, run in ((flag, _flag), (unflag, _unflag)):
        sub.add_argument("file", metavar="FILE", help="the message (.eml); - for standard input")
        sub.add_argument("--peer", required=True, metavar="IP", help="the address that brought it")
        sub.set_defaults(run=run)
    add_history(ban, _BAN)
    add_history(flag, _FLAG)


def _ban(args: argparse.Namespace) -> int:
    return add_entry(args, ListName.BAN_IP, args.network, _BAN)


def _unban(args: argparse.Namespace) -> int:
    from tamis.commands.list_bans import AWAY, end_automatic

    config, domain = load_config(args), domain_option(args)
    value = normalise_value(ListName.BAN_IP, args.network)
    become_service_user(config)
    network = end_automatic(config, value, domain)
    if network:
        print(f"removed: automatic ban {whose(domain)}: {network}")
    status = remove_entry(args, ListName.BAN_IP, value, gone=bool(network))
    if network is None:
        print(f"tamis: {AWAY}", file=sys.stderr)
        return 1
    return status


def _flag(args: argparse.Namespace) -> int:
    return add_entry(args, ListName.FLAGGED, _value(args), _FLAG)


def _unflag(args: argparse.Namespace) -> int:
    return remove_entry(args, ListName.FLAGGED, _value(args))


def _value(args: argparse.Namespace) -> str:
    """Return the entry of a message and its peer. Raises `UsageError` where there is nothing to compare."""
    peer = parse_ip(args.peer)
    if peer is None:
        raise UsageError(f"--peer {args.peer!r} is not an IP address")
    message = read_message(args.file)
    if message.capped:
        raise UsageError(f"{args.file}: too large or too deeply nested to be compared with other messages")
    digest = content_digest(message)
    if digest is None:
        raise UsageError(f"{args.file}: no text and no attachment to compare")
    return flagged_value(peer, digest)
