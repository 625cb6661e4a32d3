"""`tamis scan`: the verdict the milter would give for a message in a file, explained."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from tamis.authentication.header import summary
from tamis.commands.common import UsageError, add_config_option, load_config, print_json, read_message
from tamis.mail import IPAddress, Mail, parse_ip
from tamis.message import Message
from tamis.record import Record, Refusal, Verdict, as_json, points
from tamis.settings import LEVELS

if TYPE_CHECKING:
    from tamis.engine import Engine

_CLUES = 8
_BAYES = "27"
"""The row that judges by the score."""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("scan", help="explain the verdict on messages in files")
    add_config_option(parser)
    parser.add_argument("file", nargs="+", help="a message (.eml); - for standard input")
    parser.add_argument("--peer", metavar="IP", help="the address that connected")
    parser.add_argument("--rdns", default="", metavar="NAME", help="the verified name of the peer")
    parser.add_argument("--helo", default="", metavar="NAME", help="the name it gave")
    parser.add_argument(
        "--sender",
        "--from",
        metavar="ADDRESS",
        help="envelope sender; '' for the null sender (default: Return-Path:; without one it is not known)",
    )
    parser.add_argument("--rcpt", "--to", action="append", default=[], metavar="ADDRESS", help="recipient; repeatable")
    parser.add_argument(
        "--listener", default="", metavar="NAME", help="the MTA's listener, as networks.decoys names it"
    )
    parser.add_argument(
        "--no-network", action="store_true", help="ask neither DNS nor scanners: what only they know is not known"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one line per message")
    parser.add_argument("--all", action="store_true", help="every row that was asked, and every test")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tamis.engine import Engine

    peer = parse_ip(args.peer) if args.peer else None
    if args.peer and peer is None:
        raise UsageError(f"--peer {args.peer!r} is not an IP address")
    with closing(Engine(load_config(args), network=not args.no_network)) as engine:
        return _scan(engine, peer, args)


def _scan(engine: "Engine", peer: IPAddress | None, args: argparse.Namespace) -> int:
    status = 0
    for name in args.file:
        try:
            message = read_message(name)
        except OSError as error:
            print(f"tamis: {name}: {error.strerror or error}", file=sys.stderr)
            status = 2
            continue
        sender = args.sender if args.sender is not None else _return_path(message)
        mail = Mail(message, peer, args.rdns, args.helo, sender or "", args.rcpt or ["postmaster@localhost"])
        mail.sender_known = sender is not None
        mail.listener = args.listener
        refused = {recipient: engine.refusal(mail, recipient) for recipient in dict.fromkeys(mail.recipients)}
        record = engine.examine(mail)
        model = engine.snapshot.model
        clues = model.clues(message, 200 if args.all else _CLUES) if model else []
        if args.json:
            at_rcpt = [_refusal_json(recipient, refusal) for recipient, refusal in refused.items() if refusal]
            clues_json = [_clue_json(clue) for clue in clues]
            print_json({"file": name, **as_json(record), "refused": at_rcpt, "clues": clues_json})
        else:
            _explain(name, record, refused, clues, args.all)
    return status


def _return_path(message: Message) -> str | None:
    found = message.header("return-path")
    return found if found is None or "@" in found else ""


def _clue_json(clue: Any) -> dict[str, Any]:
    return {"clue": clue.text, "weight": clue.weight, "ham": clue.ham, "spam": clue.spam}


def _refusal_json(recipient: str, refusal: Refusal) -> dict[str, Any]:
    row = refusal.row
    return {
        "recipient": recipient,
        "row": row.number,
        "name": row.name,
        "test": refusal.test,
        "because": refusal.because,
    }


def _explain(
    name: str, record: Record, refused: Mapping[str, Refusal | None], clues: list[Any], everything: bool
) -> None:
    console = Console(highlight=False, markup=False)
    for line in _lines(name, record, refused, clues, everything):
        console.print(Text("".join(letter if letter.isprintable() else "?" for letter in line)), soft_wrap=True)


def _lines(
    name: str, record: Record, refused: Mapping[str, Refusal | None], clues: list[Any], everything: bool
) -> Iterator[str]:
    mail = record.mail
    sender = f"from <{mail.sender}>" if mail.sender_known else "envelope sender not known"
    yield f"{name}: {mail.message.size} bytes, {sender}, subject {mail.message.subject[:70]!r}"
    for verdict in record.verdicts:
        refusal = refused[verdict.recipient]
        if refusal:
            ground = f"row {refusal.row.number}, {refusal.row.name}: {refusal.because}"
            yield f"  {verdict.recipient}: refused for now, with 4xx at RCPT ({ground}); else:"
        yield f"  {verdict.recipient}: {_sentence(verdict)}"
    if record.ask_again:
        yield f"  the client is asked to come back, with 451: {record.ask_again}; else as above"
    if record.authentication:
        yield "  authentication " + ", ".join(summary(record.authentication))
    leading = record.leading
    if leading:
        shown = [test for test in leading.tests if test[1] or everything]
        shown.sort(key=lambda test: -abs(test[1]))
        yield "  score " + points(leading.score) + (" = " if shown else "")
        for test, weight in shown if everything else shown[:12]:
            yield f"    {points(weight):>8}  {test}"
        if leading.row is None or leading.row.number == _BAYES:
            yield f"  by its score {_at_levels(leading.score)}"
    if clues:
        yield "  strongest clues"
        for clue in clues:
            yield f"    {clue.weight:+8.3f}  {clue.text}  (in {clue.spam} spam, {clue.ham} ham)"
    if everything:
        yield "  rows asked"
        for answer in record.answers:
            said = (answer.abstained and f"abstained: {answer.abstained}") or ", ".join(
                h.because for h in answer.hits if h.because
            )
            yield f"    {answer.row.number:>3} {answer.row.name:24}{answer.milliseconds:8.2f} ms  {said or 'no'}"


def _at_levels(score: int) -> str:
    """Say what each of the seven levels makes of a score in thousandths."""
    spam = [f"{level:g}" for level in LEVELS if score >= round(1000 * level)]
    ham = [f"{level:g}" for level in LEVELS if score < round(1000 * level)]
    return " and ".join(f"{word} at level {', '.join(at)}" for word, at in (("spam", spam), ("ham", ham)) if at)


def _sentence(verdict: Verdict) -> str:
    ground = f" (row {verdict.row.number}, {verdict.row.name}: {verdict.because})" if verdict.row else ""
    word = "spam" if verdict.spam else "ham"
    return f"{word}{ground}; score {points(verdict.score)}, level {verdict.level:g}, action {verdict.action}"
