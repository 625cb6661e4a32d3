"""`tamis attachment`: what files the platform has seen (row 26), which are blocked, and what row 25 is taught."""

import argparse
from pathlib import Path
from typing import Any, Final

from tamis.attachments.attachments import look_at, sketches_of
from tamis.attachments.store import FileStore, Statistics
from tamis.commands.common import UsageError, add_config_option, caller, load_config, moment, print_json, print_table
from tamis.commands.list import expiry
from tamis.lists import ListName, normalise_value
from tamis.privileges import become_service_user

_ORDERS: Final = ("recipients", "messages", "last_seen")
_LONGEST_FILE: Final = 64 * 1024 * 1024
_ENOUGH: Final = 16
"""Digits of a hash that a table shows."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("attachment", help="files that mail brought: statistics, blocking, teaching")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = _action(actions, "list", "print the files that run when they are opened, those that most got first", _list)
    shown.add_argument("--all", action="store_true", help="all files, not only those that run")
    shown.add_argument("--since", metavar="WHEN", help="seen since then: 30m, 12h, 7d, 4w, or a date")
    shown.add_argument("--order", choices=_ORDERS, default="recipients", help="by what (default: recipients)")
    shown.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    shown.add_argument("--json", action="store_true", help="print JSON")
    one = _action(actions, "show", "print all that is known of a file", _show)
    one.add_argument("hash", metavar="HASH", help="its SHA-256")
    one.add_argument("--json", action="store_true", help="print JSON")
    block = _action(actions, "block", "take a file for malware from now on, and what is nearly the same", _block)
    block.add_argument("hash", nargs="+", metavar="HASH", help="its SHA-256")
    block.add_argument("--expires", "--for", dest="expires", metavar="WHEN", help="30m, 12h, 7d, 4w, or a date")
    block.add_argument("--note", default="", help="why")
    learn = _action(actions, "learn", "teach row 25 what is bad, or good; archives are opened", _learn)
    what = learn.add_mutually_exclusive_group(required=True)
    what.add_argument("--family", metavar="NAME", help="the files are of this bad family")
    what.add_argument("--good", action="store_true", help="the files are good")
    learn.add_argument("file", nargs="+", metavar="FILE", help="a file as it was attached")
    for sub in (block, learn):
        sub.add_argument("--by", help="who (default: the user who calls)")


def _action(actions: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = actions.add_parser(name, help=text)
    add_config_option(sub)
    sub.set_defaults(run=run)
    return sub


def _list(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"--limit {args.limit} is not a number from 1 on")
    try:
        since = moment(args.since, ahead=False) if args.since else None
    except (ValueError, OverflowError):
        raise UsageError(f"--since {args.since!r} is neither a span such as 7d nor a date such as 2030-01-31") from None
    found = FileStore(load_config(args).database_url).files(not args.all, since, args.order, args.limit)
    if args.json:
        print_json([_as_json(file) for file in found])
        return 0
    columns = [
        "hash",
        "type",
        "size",
        "messages",
        "recipients",
        "ham",
        "spam",
        "malware",
        "first seen",
        "last seen",
        "",
    ]
    print_table([*columns, "name"], [_cells(file) for file in found])
    return 0


def _as_json(file: Statistics) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(file, name) for name in Statistics.__dataclass_fields__}
    for name in ("first_seen", "last_seen"):
        values[name] = values[name].isoformat()
    values["sketch"] = file.sketch or None
    return values


def _cells(file: Statistics) -> list[str]:
    numbers = (file.size, file.messages, file.recipients, file.ham, file.spam, file.malware)
    moments = (f"{when:%Y-%m-%d %H:%M}" for when in (file.first_seen, file.last_seen))
    blocked = "blocked" if file.malware_list else ""
    return [file.digest[:_ENOUGH] + "…", file.kind, *map(str, numbers), *moments, blocked, file.name]


def _show(args: argparse.Namespace) -> int:
    digest = normalise_value(ListName.MALWARE_HASH, args.hash)
    found = FileStore(load_config(args).database_url).find(digest)
    if found is None:
        raise UsageError(f"{digest}: no mail has brought this file, or it was forgotten")
    if args.json:
        print_json(_as_json(found))
        return 0
    print_table(["", ""], [[name, str(value)] for name, value in _as_json(found).items()])
    return 0


def _block(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    expires = expiry(args.expires) if args.expires else None
    digests = [normalise_value(ListName.MALWARE_HASH, value) for value in args.hash]
    become_service_user(config)
    store = FileStore(config.database_url)
    for digest in digests:
        new = store.block(digest, by, expires, args.note)
        print(f"{'blocked' if new else 'renewed'}: {digest}")
    return 0


def _learn(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    if args.family is not None and not args.family.strip():
        raise UsageError("--family needs a name")
    taught = []
    for name in args.file:
        with open(name, "rb") as file:
            looked = look_at(file.read(_LONGEST_FILE), Path(name).name)
        sketches = sketches_of(looked.files)
        if not sketches:
            raise UsageError(f"{name}: neither runs when it is opened, nor has macros, nor holds what does")
        kinds = {file.digest: file.kind.value for file in looked.files}
        taught += [(sketch, kinds[digest]) for digest, sketch in sketches.items()]
    become_service_user(config)
    store = FileStore(config.database_url)
    for sketch, kind in taught:
        store.teach(sketch, kind, args.family or "", by)
        print(f"learned: {sketch.hex()} ({kind}): {'good' if args.good else args.family}")
    return 0
