"""`tamis evaluate`."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from tamis.commands.common import add_config_option, bar, load_config
from tamis.models import evaluation
from tamis.models.bayes import Model
from tamis.models.commands import bad_input
from tamis.models.corpus import CorpusError, Entry, entries_of
from tamis.models.evaluation import Protocol, Scored
from tamis.models.plots import draw
from tamis.models.points import CAUTION
from tamis.models.rotation import Bounds, Collection
from tamis.models.shipped import FEWEST_MESSAGES, FEWEST_SOURCES, SMOOTHING
from tamis.models.stream import Stream
from tamis.models.training import Source, train

_PROTOCOLS = (
    "online: classify each message, then learn it; delayed: learn it --delay messages later; batch: learn "
    "--train-index first; score: learn nothing; folds: each of --folds parts by what the others teach; cross: each "
    "--index by what all other --index teach, features bounded as in the shipped model"
)


def add_evaluate(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe `tamis evaluate`."""
    parser = subparsers.add_parser("evaluate", help="measure a model on labelled mail")
    parser.add_argument("--protocol", required=True, choices=[protocol.value for protocol in Protocol], help=_PROTOCOLS)
    parser.add_argument(
        "--index",
        required=True,
        action="append",
        nargs="+",
        metavar="I",
        help="indexes of the messages that are scored, one group; cross takes several --index",
    )
    parser.add_argument("--train-index", metavar="T", help="index to learn first (protocol batch)")
    parser.add_argument("--delay", type=int, default=evaluation.DELAY, metavar="N", help="of protocol delayed")
    parser.add_argument("--folds", type=int, default=5, metavar="K", help="of protocol folds")
    parser.add_argument("--body-only", action="store_true", help="body and subject only: no headers")
    parser.add_argument("--unique", action="store_true", help="leave out texts seen before (protocols folds, cross)")
    parser.add_argument("--scores", metavar="OUT.tsv", help="write label, score, path, score of the counts alone")
    parser.add_argument("--plot", metavar="OUT.svg", help="draw the ROC curve and how often each score is spam")
    parser.add_argument(
        "--model", metavar="MODEL", help="model to score with (protocol score; default: the one in force)"
    )
    text = "model to begin with (protocols online and delayed; default: an empty one); it must not know the mail"
    parser.add_argument("--start", metavar="MODEL", help=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_config_option(parser)
    parser.set_defaults(run=run_evaluate)


def run_evaluate(args: argparse.Namespace) -> int:
    """Run `tamis evaluate`; return the exit status."""
    with bad_input() as failed:
        protocol = Protocol(args.protocol)
        if (protocol is Protocol.BATCH) != (args.train_index is not None):
            raise CorpusError("protocol batch needs --train-index, and no other protocol takes it")
        if protocol is not Protocol.SCORE and args.model is not None:
            raise CorpusError(f"protocol {protocol} starts from an empty model; --model is for protocol score")
        if args.start is not None and protocol not in (Protocol.ONLINE, Protocol.DELAYED):
            raise CorpusError("--start is for the protocols online and delayed")
        if (protocol is Protocol.CROSS) != (len(args.index) > 1):
            raise CorpusError("protocol cross needs --index more than once, and no other protocol takes that")
        if args.unique and protocol not in (Protocol.FOLDS, Protocol.CROSS):
            raise CorpusError("--unique is for the protocols folds and cross")
        if args.delay < 0 or args.folds < 2:
            raise CorpusError("--delay is at least 0, --folds at least 2")
        found: list[Scored] = []
        for title, part in _runs(args, protocol):
            _print(title, part, args)
            found += part
        if args.scores:
            with open(args.scores, "w", encoding="utf-8", errors="surrogateescape") as file:
                evaluation.write_scores(found, file)
        if args.plot:
            Path(args.plot).write_text(draw(found), encoding="utf-8")
    return 2 if failed else 0


def _print(title: str, part: list[Scored], args: argparse.Namespace) -> None:
    """Print what one run measured: of both layers, and of the counts alone."""
    measures = evaluation.measure_scored(part)
    counts = evaluation.measure_scored(part, counts=True)
    if args.json:
        group = {"group": title} if title else {}
        print(json.dumps({"protocol": args.protocol, **group, **measures.as_json(), "counts_alone": counts.as_json()}))
        return
    if title:
        print(title)
    print("\n".join(measures.lines()))
    print("counts alone:", *counts.lines()[1:], sep="  ")


def _runs(args: argparse.Namespace, protocol: Protocol) -> Iterator[tuple[str, list[Scored]]]:
    """Yield a title and the scores of each run. Raises CorpusError."""
    groups = [[(name, entries_of(name)) for name in group] for group in args.index]
    entries = [entry for _, part in groups[0] for entry in part]
    if protocol in (Protocol.FOLDS, Protocol.CROSS):
        yield from _rotated(args, protocol, groups)
    elif protocol in (Protocol.ONLINE, Protocol.DELAYED):
        delay = args.delay if protocol is Protocol.DELAYED else 0
        start = Model.load(args.start) if args.start else None
        with bar("scoring and learning") as progress:
            yield "", list(evaluation.online(entries, progress, delay, args.body_only, start))
    else:
        if protocol is Protocol.BATCH:
            source = Source(args.train_index, entries_of(args.train_index), body_only=args.body_only)
            with bar("training") as progress:
                model, _ = train([source], progress)
        else:
            from tamis.model_source import model_in_force

            model = Model.load(args.model) if args.model else model_in_force(load_config(args))
        with bar("scoring") as progress:
            scorer = evaluation.token_evidence(model, args.body_only)
            yield "", list(evaluation.score(entries, scorer, progress))


def _rotated(
    args: argparse.Namespace, protocol: Protocol, groups: list[list[tuple[str, list[Entry]]]]
) -> Iterator[tuple[str, list[Scored]]]:
    with Stream() as stream:
        mail = Collection(stream, without_headers=args.body_only, unique=args.unique)
        for number, group in enumerate(groups):
            for name, entries in group:
                with bar(f"reading {name}") as progress:
                    mail.read(entries, name, number, progress)
        if args.unique and not args.json:
            print(f"{mail.repeated} repeated texts left out")
        if protocol is Protocol.FOLDS:
            with bar("folds") as progress:
                yield "", list(mail.folds(args.folds, Bounds(), progress))
            return
        bounds = Bounds(SMOOTHING, FEWEST_MESSAGES, FEWEST_SOURCES, CAUTION)
        for number, group in enumerate(groups):
            yield " + ".join(name for name, _ in group), list(mail.of_group(number, bounds))
