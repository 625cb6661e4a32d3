"""`tamis rules`: rule files checked, tried on mail, listed as they are in force, and proposed from what traps got."""

import argparse
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.commands.common import UsageError, add_config_option, bar, load_config, print_json, print_table, printable
from tamis.commands.rules_propose import add_to as add_propose
from tamis.message import Message

if TYPE_CHECKING:
    from tamis.models.corpus import Entry
    from tamis.rules.matching import Match, Rules


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("rules", help="check, try, list and propose rules")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="show every mistake of rule files, at its line and character")
    check.add_argument("file", nargs="+", metavar="FILE", help="a rule file")
    check.set_defaults(run=_check)
    test = actions.add_parser("test", help="show which rules of a file hit where in which messages, and how often")
    test.add_argument("file", metavar="FILE", help="a rule file; the shipped rules can be named in it")
    test.add_argument(
        "mail", nargs="*", metavar="MAIL", help="a message, mbox, Maildir or folder; - for standard input"
    )
    test.add_argument("--ham", action="append", default=[], metavar="MAIL", help="count hits among ham; repeatable")
    test.add_argument("--spam", action="append", default=[], metavar="MAIL", help="count hits among spam; repeatable")
    test.add_argument("--shipped", action="store_true", help="show the shipped rules too")
    test.add_argument("--json", action="store_true", help="print JSON")
    test.set_defaults(run=_test)
    listing = actions.add_parser("list", help="print the rules in force")
    add_config_option(listing)
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_list)
    add_propose(actions)


def _check(args: argparse.Namespace) -> int:
    from tamis.rules.matching import Rules
    from tamis.rules.reading import RulesError, read, texts

    try:
        files = texts(map(Path, args.file))
        rules = Rules(read(files, _shipped(args.file)))
    except RulesError as error:
        for mistake in error.mistakes:
            print("\n".join(map(printable, mistake.lines())), file=sys.stderr)
        return 2
    own = [name for _, text in files for name in tomllib.loads(text).get("rule", {})]
    for name in rules.without_words():
        if name in own:
            print(f"note: rule {name}: a pattern of it needs no word, so it runs over every message", file=sys.stderr)
    print(f"{', '.join(args.file)}: valid, {len(own)} rules")
    return 0


def _shipped(looked_at: Sequence[str]) -> list[tuple[str, str]]:
    """Return the shipped files, but for those that are looked at."""
    from tamis.rules.reading import shipped_paths, texts

    mine = {Path(name).resolve() for name in looked_at}
    return texts(path for path in shipped_paths() if path.resolve() not in mine)


@dataclass(slots=True)
class _Hits:
    """How many messages a rule hits, by label."""

    ham: int = 0
    spam: int = 0


def _test(args: argparse.Namespace) -> int:
    from tamis.models.corpus import CorpusError
    from tamis.rules.matching import Rules
    from tamis.rules.reading import RulesError, read, texts

    if not (args.mail or args.ham or args.spam):
        raise UsageError("name a message, or folders of --ham or --spam")
    try:
        files = texts([Path(args.file)])
        rules = Rules(read(files, _shipped([args.file])))
    except RulesError as error:
        raise UsageError("\n".join(map(printable, error.mistakes[0].lines()))) from None
    shown = set(rules.rules) if args.shipped else set(tomllib.loads(files[0][1]).get("rule", {}))
    try:
        if args.mail:
            _show(rules, shown, args.mail, args.json)
        if args.ham or args.spam:
            _rates(rules, shown, _labelled(args), args.json)
    except CorpusError as error:
        raise UsageError(str(error)) from None
    return 0


def _messages(names: Iterable[str]) -> Iterator[tuple[str, Message]]:
    from tamis.models.corpus import entries_at

    for name in names:
        if name == "-":
            yield name, Message(sys.stdin.buffer.read())
            continue
        for entry in entries_at(name, "spam"):
            yield entry.name, Message(entry.read())


def _show(rules: "Rules", shown: set[str], names: Iterable[str], as_json: bool) -> None:
    for name, message in _messages(names):
        found = [match for match in rules.look_at(message).everything() if match.name in shown]
        if as_json:
            print_json({"file": name, "hits": [_plain(match) for match in found]})
            continue
        print(printable(f"{name}: {'nothing' if not found else ''}"))
        for match in found:
            print(printable(f"  {match.because}  ({_effect(match)})"))


def _plain(match: "Match") -> dict[str, Any]:
    return {
        "rule": match.name,
        "use": match.rule.use.value,
        "place": match.place or None,
        "words": match.words,
        "decides": match.rule.decides,
        "score": match.rule.score,
    }


def _effect(match: "Match") -> str:
    rule = match.rule
    points = f"{rule.score:+g} points" if rule.score else ""
    return ", ".join(filter(None, (rule.use.value, "decides" if rule.decides else "", points)))


def _labelled(args: argparse.Namespace) -> "list[Entry]":
    from tamis.models.corpus import entries_at

    sources = [(name, label) for label in ("ham", "spam") for name in getattr(args, label)]
    return [entry for name, label in sources for entry in entries_at(name, label)]


def _rates(rules: "Rules", shown: set[str], entries: "Sequence[Entry]", as_json: bool) -> None:
    hits = {name: _Hits() for name in rules.rules if name in shown}
    with bar("messages") as move:
        for number, entry in enumerate(entries, 1):
            for match in rules.look_at(Message(entry.read())).everything():
                if match.name in shown:
                    one = hits[match.name]
                    one.spam, one.ham = one.spam + entry.spam, one.ham + (not entry.spam)
            if move:
                move(number, len(entries))
    total = _Hits(sum(not entry.spam for entry in entries), sum(entry.spam for entry in entries))
    if as_json:
        rates = {name: {"ham": one.ham, "spam": one.spam} for name, one in hits.items()}
        print_json({"messages": {"ham": total.ham, "spam": total.spam}, "rules": rates})
        return
    table = [
        [name, f"{one.ham}", _share(one.ham, total.ham), f"{one.spam}", _share(one.spam, total.spam)]
        for name, one in sorted(hits.items(), key=lambda item: (-item[1].spam, item[0]))
    ]
    print(f"{total.ham} ham, {total.spam} spam")
    print_table(["rule", "ham", "", "spam", ""], table)


def _share(found: int, total: int) -> str:
    return f"{100 * found / total:.3f} %" if total else ""


def _list(args: argparse.Namespace) -> int:
    from tamis.rules.reading import RulesError
    from tamis.rules.sources import RuleFiles

    try:
        rules = RuleFiles(load_config(args)).read()
    except RulesError as error:
        raise UsageError("\n".join(map(str, error.mistakes))) from None
    if args.json:
        import msgspec

        print_json([{"name": name, **msgspec.to_builtins(rule)} for name, rule in rules.items()])
        return 0
    table = [
        [
            name,
            rule.use.value,
            rule.language,
            "off" if not rule.enabled else "decides" if rule.decides else f"{rule.score:g}" if rule.score else "",
            rule.description,
        ]
        for name, rule in rules.items()
    ]
    print_table(["rule", "for", "language", "does", "what it means"], table)
    return 0
