"""The shipped model on recent mail of sources kept aside: ham misfiled and spam missed at 7.5, untaught.

    TAMIS_CORPORA=/path/to/corpora python -m benchmarks.recent [--every N] [--models FOLDER]

Recent is the mail of *modern* (2019 to 2026) and of *bounces*. The shipped model has never learned phishing_pot (its
licence) nor the bounces: it is scored itself. The others it has learned, so for each of them the model is built anew
without that source, as `build_default` builds it (some minutes each; --models keeps them). Printed are the token
evidence of row 27, the whole score, and the verdict of all rows that need no network, with the default policy; weights
of named tests and signs of phishing are the shipped ones, which have seen these sources.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tamis.addresses import parse_mailboxes
from tamis.config import parse
from tamis.engine import Engine
from tamis.mail import Mail
from tamis.message import Message
from tamis.models import build_default
from tamis.models.corpus import entries_of
from tamis.models.points import MIDDLE_LEVEL
from tamis.models.storage import SHIPPED_MODEL

RECENT: Final = (
    ("modern/list-linux-raid", True),
    ("modern/foff-milter", True),
    ("modern/phishing_pot", False),
    ("bounces", False),
)
"""Recent sources, and whether the shipped model has learned them."""


@dataclass
class Found:
    """What became of the messages of one label."""

    messages: int = 0
    evidence: int = 0
    """Messages whose token evidence reaches 7.5."""
    score: int = 0
    """Messages whose whole score does."""
    spam: int = 0
    """Messages that any row decides to be spam."""
    examples: list[str] = field(default_factory=list)

    def line(self, name: str, spam: bool) -> str:
        """A line of the table: what was misfiled, or missed, in percent."""
        reached = (self.evidence, self.score, self.spam)
        wrong = [self.messages - number if spam else number for number in reached]
        what = "spam missed" if spam else "ham misfiled"
        cells = " | ".join(f"{number} ({100 * number / self.messages:.2f} %)" for number in wrong)
        return f"| {name} | {what} | {self.messages} | {cells} |"


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth message")
    parser.add_argument("--models", metavar="FOLDER", help="where to keep the models that are built")
    args = parser.parse_args(arguments)
    corpora = Path(os.environ["TAMIS_CORPORA"])
    sums = {False: Found(), True: Found()}
    lines = []
    with contextlib.ExitStack() as stack:
        folder = Path(args.models or stack.enter_context(tempfile.TemporaryDirectory()))
        for source, learned in RECENT:
            found = measured(corpora, source, without(source, folder) if learned else SHIPPED_MODEL, args.every)
            for spam, one in found.items():
                if one.messages:
                    lines.append(one.line(source, spam))
                    print("\n".join(one.examples), file=sys.stderr, flush=True)
                if source != "bounces":
                    add(sums[spam], one)
    print("| source | what | messages | token evidence | score | verdict |\n|---|---|---|---|---|---|")
    print("\n".join([*lines, *(one.line("all but bounces", spam) for spam, one in sums.items())]))
    return 0


def without(source: str, folder: Path) -> Path:
    """Return the shipped model as it would be had it never seen a source."""
    path = folder / f"without-{source.replace('/', '-')}.bin"
    if not path.exists():
        with contextlib.redirect_stdout(sys.stderr):
            if build_default.main(["-o", str(path), "--leave-out", source]):
                raise SystemExit(2)
    return path


def measured(corpora: Path, source: str, model: Path, every: int) -> dict[bool, Found]:
    """Score the messages of a source, ham and spam apart."""
    corpus, _, part = source.partition("/")
    entries = [entry for entry in entries_of(corpora / corpus) if entry.name.startswith(f"{part}/" if part else "")]
    found = {False: Found(), True: Found()}
    with engine(model) as asked:
        for entry in entries[::every]:
            verdict = asked.examine(mail_of(Message(entry.read()))).verdicts[0]
            one, evidence = found[entry.spam], dict(verdict.tests).get("BAYES", 0)
            one.messages += 1
            one.evidence += evidence >= 1000 * MIDDLE_LEVEL
            one.score += verdict.score >= 1000 * MIDDLE_LEVEL
            one.spam += verdict.spam
            if not entry.spam and (verdict.spam or verdict.score >= 1000 * MIDDLE_LEVEL):
                row = verdict.row.name if verdict.row else "none"
                one.examples.append(
                    f"{entry.name}: {evidence / 1000}, {verdict.score / 1000}, {row}: {verdict.because}"
                )
    return found


@contextlib.contextmanager
def engine(model: Path) -> Iterator[Engine]:
    """An engine without network, with that model."""
    with tempfile.TemporaryDirectory() as folder:
        settings = f'[daemon]\nstate_directory = "{folder}"\n[classifier]\nmodel = "{model}"\n'
        with contextlib.closing(Engine(parse(settings, "tamis.toml"), network=False)) as made:
            yield made


def mail_of(message: Message) -> Mail:
    """What the milter would have seen, as far as a file tells: its recipient is the first in To:."""
    box = next(iter(parse_mailboxes(message.fields("to")[0].value)), None) if message.fields("to") else None
    mail = Mail(message, None, "", "", "", (box.address if box else "recipient@example.org",))
    mail.sender_known = False
    return mail


def add(whole: Found, one: Found) -> None:
    """Add up."""
    whole.messages += one.messages
    whole.evidence += one.evidence
    whole.score += one.score
    whole.spam += one.spam


if __name__ == "__main__":
    sys.exit(main())
