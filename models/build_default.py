"""Build the shipped model from the corpora it may learn: ``python -m tamis.models.build_default``.

The environment variable TAMIS_CORPORA names the folder of corpora, each a folder ``NAME/`` with an
index.tsv or an archive ``NAME.tar.xz`` of one. Two builds from the same corpora give the same bytes.

All sources teach the body view only: the headers of each tell where it was collected, which says more of
its label than any message does, and its MIME structure is that of a time when ham came as plain text.
Named tests look at headers and learn their weights where ham and spam came through the same server.
"""

import argparse
import os
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tamis.message import Message
from tamis.models import named_tests
from tamis.models.commands import report_lines
from tamis.models.corpus import CorpusError, Entry, entries_of
from tamis.models.points import CAUTION
from tamis.models.shipped import FEWEST_MESSAGES, FEWEST_SOURCES, SMOOTHING
from tamis.models.storage import SHIPPED_MODEL
from tamis.models.training import Source, train

CORPORA: Final = "TAMIS_CORPORA"


@dataclass(frozen=True, slots=True)
class Shipped:
    """One corpus the shipped model learns."""

    name: str
    one_server: bool
    """Whether its ham and spam came through the same server, so that named tests may learn there."""
    without: str = ""
    """Path prefix of messages whose licence forbids learning them."""
    folders: tuple[str, ...] = ()
    """Folders that have nothing in common, each a source of its own wherever sources are judged one by one."""


SOURCES: Final = (
    Shipped("trec07p-first20k", one_server=True),
    Shipped("spamassassin", one_server=True),
    Shipped("ccert-zh", one_server=False),
    Shipped("enron-raw-ham", one_server=False),
    Shipped("modern", one_server=False, without="phishing_pot/", folders=("list-linux-raid", "foff-milter")),
)


def main(arguments: list[str] | None = None) -> int:
    """Build the model, print the report, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tamis.models.build_default", description="Build the shipped model."
    )
    parser.add_argument("-o", "--output", default=str(SHIPPED_MODEL), metavar="MODEL", help="where to write it")
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="NAME", help="a corpus, or CORPUS/FOLDER, not to learn"
    )
    args = parser.parse_args(arguments)
    folder = os.environ.get(CORPORA)
    if not folder:
        print(f"build_default: {CORPORA} names no folder of corpora", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as unpacked:
            chosen = [shipped for shipped in SOURCES if shipped.name not in args.leave_out]
            folders = [name for name in args.leave_out if "/" in name]
            sources = [_source(shipped, Path(folder), Path(unpacked), folders) for shipped in chosen]
            model, report = train(
                sources,
                named_tests=named_tests.hit_by,
                unique=True,
                fewest=FEWEST_MESSAGES,
                fewest_sources=FEWEST_SOURCES,
                alpha=SMOOTHING,
                least_middle=CAUTION,
                # Runs of these would be whole sources; what those allow is CAUTION.
                in_runs=False,
            )
    except CorpusError as error:
        print(f"build_default: {error}", file=sys.stderr)
        return 2
    model.save(args.output)
    print("\n".join(report_lines(report, model)))
    return 0


def _source(shipped: Shipped, folder: Path, unpacked: Path, left_out: Sequence[str]) -> Source:
    where = folder / shipped.name
    archive = folder / f"{shipped.name}.tar.xz"
    if not where.is_dir() and archive.is_file():
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        where = unpacked / shipped.name
    entries: list[Entry] = entries_of(where)
    without = [name.removeprefix(f"{shipped.name}/").rstrip("/") + "/" for name in left_out]
    if shipped.without:
        without.append(shipped.without)
    entries = [entry for entry in entries if not entry.name.startswith(tuple(without))]
    return Source(shipped.name, entries, body_only=True, teaches_tests=shipped.one_server, leave_out=is_backscatter)


def is_backscatter(spam: bool, message: Message) -> bool:
    """Return whether a message labelled spam is a bounce that spam in somebody's name set off.

    To its recipient it was unwanted, but its words are those of every bounce, which must get through.
    """
    author = (message.header("from") or "").lower()
    return spam and (
        "multipart/report" in message.tree.containers or "mailer-daemon" in author or "postmaster" in author
    )


if __name__ == "__main__":
    sys.exit(main())
