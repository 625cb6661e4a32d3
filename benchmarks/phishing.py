"""How often each sign of phishing is in ham and in spam, and what all of them together do to the score.

    TAMIS_CORPORA=/path/to/corpora .venv/bin/python -m benchmarks.phishing [--every N] [--write] [--model FILE]

Reads the corpora that the folder holds (an index.tsv in each), takes every Nth message, and prints two tables in
Markdown; ``--write`` puts them into docs/phishing.md. The recipient is the first address in To:, the score is that of
the model with the weights of row 33. The shipped model has learned all of this mail but phishing_pot; ``--model`` takes
one that has not (`build_default --leave-out`).
"""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tamis.addresses import parse_mailboxes
from tamis.contract import Abstain, Context, Filter, Hit
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.filters.surbl import Surbl
from tamis.mail import Mail
from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import Entry, entries_of
from tamis.models.features import features
from tamis.models.points import MIDDLE_LEVEL
from tamis.models.storage import SHIPPED_MODEL
from tamis.phishing import author_signs, letter_signs, link_signs, page_signs

PAGE = Path(__file__).parents[1] / "docs" / "phishing.md"
CORPORA = ("modern", "spamassassin", "enron-raw-ham", "trec07p-first20k", "bounces")
SIGNS = {**link_signs.SIGNS, **author_signs.SIGNS, **page_signs.SIGNS, **letter_signs.SIGNS}
ROWS: tuple[Filter, ...] = (Surbl(), MalformedHeaders())
_MARKS = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.S)


@dataclass
class Source:
    """What was found in the mail of one source and one label."""

    name: str
    spam: bool
    messages: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    before: int = 0
    """Messages that reach 7.5 without the signs."""
    after: int = 0
    """And with them."""
    signed: int = 0
    """Messages to which the signs add anything."""
    most: float = 0.0
    """The most they add to one message."""
    examples: list[str] = field(default_factory=list)
    """What only the signs take to 7.5."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.phishing", description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth message")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/phishing.md")
    parser.add_argument("--model", default=SHIPPED_MODEL, metavar="FILE", help="the model, that of the package if none")
    parser.add_argument("--corpus", action="append", choices=CORPORA, help="read this one, in place of all")
    parser.add_argument("--show", metavar="TEST", help="name the ham that a test hits, with the ground")
    args = parser.parse_args(arguments)
    folder = os.environ.get("TAMIS_CORPORA")
    if not folder:
        print("phishing: TAMIS_CORPORA names no folder of corpora", file=sys.stderr)
        return 2
    model = Model.load(args.model)
    sources: dict[tuple[str, bool], Source] = {}
    for corpus in args.corpus or CORPORA:
        if not (Path(folder) / corpus / "index.tsv").is_file():
            print(f"phishing: no {corpus} in {folder}, left out", file=sys.stderr)
            continue
        for entry in entries_of(Path(folder) / corpus)[:: args.every]:
            name = f"{corpus}, {entry.name.partition('/')[0]}" if corpus == "modern" else corpus
            measure(entry, sources.setdefault((name, entry.spam), Source(name, entry.spam)), model, args.show)
    text = "\n".join(tables(list(sources.values())))
    print(text)
    for source in sources.values():
        for example in source.examples if not source.spam else ():
            print(example, file=sys.stderr)
    if args.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(_MARKS.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page), encoding="utf-8")
    return 0


def measure(entry: Entry, source: Source, model: Model, show: str | None) -> None:
    """Add what one message has to its source."""
    message = Message(entry.read())
    box = next(iter(parse_mailboxes(message.fields("to")[0].value)), None) if message.fields("to") else None
    recipient = box.address if box else "recipient@example.org"
    mail = Mail(message, None, "", "", "", (recipient,))
    found = [hit for row in ROWS for hit in hits_of(row, mail)]
    signs = {hit.name: hit for hit in found if hit.name in SIGNS}
    before = model.score(features(message)) + sum(model.weights.get(h.name, 0.0) for h in found if h.amount is None)
    added = sum(hit.amount or 0.0 for hit in signs.values())
    source.messages += 1
    source.hits.update(signs.keys())
    source.signed += added > 0
    source.most = max(source.most, added)
    source.before += round(before, 3) >= MIDDLE_LEVEL
    if round(before + added, 3) >= MIDDLE_LEVEL:
        source.after += 1
        if round(before, 3) < MIDDLE_LEVEL:
            source.examples.append(f"{entry.name}: {before:.2f} + {added:.2f} {message.subject[:60]!r} {sorted(signs)}")
    if show in signs and not source.spam:
        print(f"{entry.name}: {signs[show].because}", file=sys.stderr)


def hits_of(row: Filter, mail: Mail) -> Iterator[Hit]:
    """Yield what a row says of a mail, on behalf of its recipient."""
    try:
        yield from row.check(mail, Context(options=row.Options(), recipients=mail.recipients))
    except Abstain as reason:
        yield from reason.evidence


def tables(sources: list[Source]) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield "| source | messages | % with a sign that weighs | most points | reach 7.5 without the signs | with them |"
    yield "|---|---|---|---|---|---|"
    for one in sources:
        kind = "spam" if one.spam else "ham"
        yield (
            f"| {one.name}, {kind} | {one.messages:,} | {percent(one.signed, one.messages)} | {one.most:.1f} | "
            f"{one.before:,} | {one.after:,} |"
        )
    yield ""
    yield "| test | points | " + " | ".join(f"{s.name}, {'spam' if s.spam else 'ham'}" for s in sources) + " |"
    yield "|---|---|" + "---|" * len(sources)
    for name, sign in SIGNS.items():
        cells = (percent(source.hits[name], source.messages) for source in sources)
        yield f"| `{name}` | {sign.points:g} | " + " | ".join(cells) + " |"


def percent(part: int, whole: int) -> str:
    """Return a share in percent, nothing for none."""
    return f"{100 * part / whole:.2f}" if part else "·"


if __name__ == "__main__":
    sys.exit(main())
