"""`tamis account`: who may use the console, and mailboxes that administrators of a domain do not see."""

import argparse
import getpass
import sys

from tamis.accounts import Accounts, BadAccount, Role
from tamis.audit import Audit
from tamis.commands.common import UsageError, add_config_option, caller, load_config, print_json, print_table
from tamis.config import Config
from tamis.privileges import become_service_user

_TEXTS = {
    "password": ("give an account another password", "set password"),
    "close": ("let nobody in by an account any more", "disable account"),
    "open": ("let people in again by an account that was closed", "enable account"),
    "remove": ("remove an account", "remove account"),
    "lock": ("hide a mailbox from administrators of its domain", "lock mailbox"),
    "unlock": ("show it to them again", "unlock mailbox"),
}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("account", help="accounts of the administrator's console")
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="add|list|password|token|close|open|remove|lock|unlock"
    )
    sub = actions.add_parser("add", help="make an account; its password is asked for, or read from standard input")
    add_config_option(sub)
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--role", choices=[role.value for role in Role], required=True)
    sub.add_argument("--domain", action="append", default=[], metavar="DOMAIN", help="of the role domain; repeatable")
    sub.set_defaults(run=_run)
    sub = actions.add_parser("list", help="print the accounts, and the locked mailboxes")
    add_config_option(sub)
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.set_defaults(run=_list)
    sub = actions.add_parser("token", help="print a new token for programs, which ends with the account's password")
    add_config_option(sub)
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--days", type=_days, default=90, metavar="N", help="for so many days (default: 90)")
    sub.set_defaults(run=_run)
    for action, (text, _) in _TEXTS.items():
        sub = actions.add_parser(action, help=text)
        add_config_option(sub)
        sub.add_argument("name", metavar="ADDRESS" if "lock" in action else "NAME")
        sub.set_defaults(run=_run)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 3650):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to 3650")
    return int(text)


def _open(args: argparse.Namespace) -> tuple[Config, Accounts]:
    config = load_config(args)
    become_service_user(config)
    return config, Accounts(config.database_url)


def _run(args: argparse.Namespace) -> int:
    by = caller()
    password = _password() if args.action in ("add", "password") else ""
    config, accounts = _open(args)
    what = {"add": "add account", "token": "make token"}.get(args.action) or _TEXTS[args.action][1]
    note = f"{args.role} {' '.join(args.domain)}".strip() if args.action == "add" else ""
    Audit(config.database_url).write(by, what, args.name, note=note)
    try:
        _change(args, accounts, password, by)
    except BadAccount as error:
        raise UsageError(str(error)) from None
    return 0


def _change(args: argparse.Namespace, accounts: Accounts, password: str, by: str) -> None:
    if args.action == "add":
        accounts.add(args.name, password, Role(args.role), args.domain, by)
    elif args.action == "token":
        print(accounts.make_token(args.name, args.days))
    elif args.action == "password":
        accounts.set_password(args.name, password)
    elif args.action in ("close", "open"):
        accounts.set_disabled(args.name, args.action == "close")
    elif args.action == "remove":
        accounts.remove(args.name)
    elif args.action == "lock":
        accounts.lock(args.name, by)
    elif not accounts.unlock(args.name):
        raise UsageError(f"{args.name!r} is not locked")


def _password() -> str:
    """Ask for it twice, or read one line where standard input is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise UsageError("these are two passwords")
    return first


def _list(args: argparse.Namespace) -> int:
    _, accounts = _open(args)
    found, locked = accounts.all(), sorted(accounts.locked())
    if args.json:
        names = [
            {"name": one.name, "role": one.role, "domains": list(one.domains), "closed": one.disabled} for one in found
        ]
        print_json({"accounts": names, "locked": locked})
        return 0
    rows = [(one.name, one.role, " ".join(one.domains), "closed" if one.disabled else "") for one in found]
    print_table(["name", "role", "domains", ""], [*rows, *((address, "locked mailbox", "", "") for address in locked)])
    return 0
