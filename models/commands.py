"""`tamis train`."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tamis.commands.common import bar
from tamis.models import named_tests
from tamis.models.bayes import Model
from tamis.models.corpus import CorpusError, entries_at, entries_of
from tamis.models.extraction import cores
from tamis.models.lock import exclusive
from tamis.models.merging import merge
from tamis.models.storage import SHIPPED_MODEL
from tamis.models.training import Report, Source, train
from tamis.settings import LEVELS


def add_train(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe `tamis train`."""
    parser = subparsers.add_parser(
        "train",
        help="train a model on labelled mail",
        description="Train a model on labelled mail and write it. A SOURCE is an index file (label TAB path), "
        "a folder with index.tsv, or a folder with ham/ and spam/.",
    )
    parser.add_argument("source", nargs="*", metavar="SOURCE", help="labelled mail")
    parser.add_argument("--body-only", action="append", default=[], metavar="SOURCE", help=_BODY_ONLY_HELP)
    for label in ("ham", "spam"):
        parser.add_argument(
            f"--{label}", action="append", default=[], metavar="PATH", help=f"{label}: mbox, Maildir, folder or file"
        )
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="where to write the model")
    parser.add_argument("--start", metavar="MODEL", help="go on from this model; none: from nothing (default: shipped)")
    parser.add_argument("--unique", action="store_true", help="leave out messages whose text was seen before")
    parser.add_argument("--fewest", type=int, default=1, metavar="N", help="forget features of fewer than N messages")
    text = "add up models: each SOURCE is one that was trained with --start none, on another machine for instance"
    parser.add_argument("--merge", action="store_true", help=text)
    text = "processes that read mail (default: one for each core)"
    parser.add_argument("--jobs", type=_jobs, default=cores(), metavar="N", help=text)
    parser.set_defaults(run=run_train)


_BODY_ONLY_HELP: Final = "labelled mail whose headers give the label away: body and subject only"


def run_train(args: argparse.Namespace) -> int:
    """Run `tamis train`; return the exit status."""
    if args.merge:
        return _merge(args)
    with bad_input() as failed:
        sources = [Source(name, entries_of(name)) for name in args.source]
        sources += [Source(name, entries_of(name), body_only=True) for name in args.body_only]
        sources += [Source(path, entries_at(path, label)) for label in ("ham", "spam") for path in getattr(args, label)]
        if not sources:
            raise CorpusError("no mail to train on: give a SOURCE, --ham or --spam")
        start = None if args.start == "none" else Model.load(args.start or SHIPPED_MODEL)
        output = _output(args)
        parts = output.with_name(output.name + ".parts")
        with bar("training") as progress:
            model, report = train(
                sources,
                progress,
                start=start,
                named_tests=named_tests.hit_by,
                unique=args.unique,
                fewest=args.fewest,
                parts=parts,
                processes=args.jobs,
            )
        with exclusive(output):
            model.save(output, mapped=True)
        shutil.rmtree(parts, ignore_errors=True)
        print("\n".join(report_lines(report, model)))
        print(f"written to {output}, {output.stat().st_size} bytes")
    return 2 if failed else 0


def _merge(args: argparse.Namespace) -> int:
    with bad_input() as failed:
        if args.body_only or args.ham or args.spam or args.unique:
            raise CorpusError("--merge adds up models: leave out mail, and what is done with it")
        if not args.source:
            raise CorpusError("no models to add up")
        output = _output(args)
        start = None if args.start == "none" else Model.load(args.start or SHIPPED_MODEL)
        model = merge([(name, Model.load(name)) for name in args.source], start)
        if args.fewest > 1:
            model.prune(args.fewest)
        with exclusive(output):
            model.save(output)
        ham, spam = model.messages.max(axis=0).tolist()
        print(f"{len(args.source)} models, {ham} ham, {spam} spam with what they start from, model {model.version}")
        print(f"written to {output}, {output.stat().st_size} bytes")
    return 2 if failed else 0


def _output(args: argparse.Namespace) -> Path:
    output = Path(args.output)
    if not output.parent.is_dir():
        raise CorpusError(f"{output.parent}: no such folder")
    return output


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 256):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)


def report_lines(report: Report, model: Model) -> Iterator[str]:
    """Yield what is printed about a training."""
    yield f"{report.ham} ham, {report.spam} spam, {report.repeated} repeated texts left out"
    if report.left_out:
        yield f"{report.left_out} messages not to be learned left out"
    yield f"{report.known} features, {report.seconds:.1f} s, model {model.version}"
    if model.weights:
        yield f"{len(model.weights)} named tests with learned weights"
    yield f"held out: {report.held_out_ham} ham, {report.held_out_spam} spam"
    yield "level  ham misfiled %  spam missed %  counts alone: ham %  spam missed %"
    for level in LEVELS:
        if level in report.misfiled:
            shares = (report.misfiled, report.missed, report.counts_misfiled, report.counts_missed)
            both_ham, both_spam, ham, spam = (100 * share[level] for share in shares)
            yield f"{level:5g}  {both_ham:14.3f}  {both_spam:13.3f}  {ham:19.3f}  {spam:13.3f}"


@contextmanager
def bad_input() -> Iterator[list[str]]:
    """Print bad input as one line and note it in the list that is handed out."""
    failed: list[str] = []
    try:
        yield failed
    except (CorpusError, ValueError) as error:
        failed.append(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        failed.append(f"{where}{error.strerror or error}")
    if failed:
        print(f"tamis: {failed[0]}", file=sys.stderr)
