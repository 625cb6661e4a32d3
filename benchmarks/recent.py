"""The shipped model on recent mail of sources kept aside: ham misfiled and spam missed at 7.5, untaught.

    TAMIS_CORPORA=/path/to/corpora python -m benchmarks.recent [--every N] [--models FOLDER]

Recent is the mail of *modern* (2019 to 2026) and of *bounces*. The shipped model and the weights of the named tests
have never learned phishing_pot (its licence) nor the bounces: these are scored by what is shipped. The others they have
learned, so for each of them both are built anew without that source (`build_default` and `build_traits --leave-out`;
some minutes each, and --models keeps them), and signs of phishing that weigh little for what ham of foff-milter hits
weigh there what they would without it. Printed are the token evidence of row 27, the whole score, also with the weights
that are shipped, which have seen the source, and the verdict of all rows that need no network, with the default policy;
each with both layers of the model, and with its counts alone.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from unittest.mock import patch

from tamis import traits
from tamis.addresses import parse_mailboxes
from tamis.config import parse
from tamis.engine import Engine
from tamis.filters import malformed_headers
from tamis.mail import Mail
from tamis.message import Message
from tamis.models import build_default, build_traits
from tamis.models.bayes import Model
from tamis.models.corpus import entries_of
from tamis.models.correction import Correction
from tamis.models.points import MIDDLE_LEVEL
from tamis.models.storage import SHIPPED_MODEL
from tamis.phishing import link_signs
from tamis.traits.weights import WEIGHTS, read_weights

RECENT: Final = (
    ("modern/list-linux-raid", True),
    ("modern/foff-milter", True),
    ("modern/phishing_pot", False),
    ("bounces", False),
)
"""Recent sources, and whether the shipped model and weights have learned them."""
NEWSLETTERS: Final = "modern/foff-milter"
HELD_DOWN: Final = ("LINK_SHOWN_OTHER", "LINK_SHORTENER", "LINK_ANYBODY", "TEXT_NO_WIDTH")
"""Signs of phishing that weigh little for what the newsletters hit, and nothing else (docs/phishing.md)."""
HONEST_USE: Final = 0.5
"""What a sign that has an honest use weighs at most: what these would, had nobody seen the newsletters."""
LAYERS: Final = ("both", "counts alone")
_LEVEL: Final = 1000 * MIDDLE_LEVEL


@dataclass
class Found:
    """What became of the messages of one label."""

    messages: int = 0
    evidence: int = 0
    """Messages whose token evidence reaches 7.5."""
    seen: int = 0
    """Messages whose whole score does, with the weights that are shipped."""
    score: int = 0
    """Messages whose whole score does, with weights that have not seen the source."""
    spam: int = 0
    """Messages that any row decides to be spam."""
    examples: list[str] = field(default_factory=list)

    def line(self, name: str, spam: bool, layers: str) -> str:
        """A line of the table: what was misfiled, or missed, in percent."""
        reached = (self.evidence, self.seen, self.score, self.spam)
        wrong = [self.messages - number if spam else number for number in reached]
        what = "spam missed" if spam else "ham misfiled"
        cells = " | ".join(f"{number} ({100 * number / self.messages:.2f} %)" for number in wrong)
        return f"| {name} | {what} | {self.messages} | {layers} | {cells} |"


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth message")
    parser.add_argument("--models", metavar="FOLDER", help="where to keep the models that are built")
    args = parser.parse_args(arguments)
    corpora = Path(os.environ["TAMIS_CORPORA"])
    sums = {(layers, spam): Found() for spam in (False, True) for layers in LAYERS}
    lines = []
    with contextlib.ExitStack() as stack:
        folder = Path(args.models or stack.enter_context(tempfile.TemporaryDirectory()))
        for source, learned in RECENT:
            model, weights = without(source, folder) if learned else (SHIPPED_MODEL, WEIGHTS)
            models = (model, counts_alone(model, folder))
            by_layers = [measured(corpora, source, served, weights, args.every) for served in models]
            for spam in (False, True):
                for layers, found in zip(LAYERS, by_layers, strict=True):
                    one = found[spam]
                    if one.messages:
                        lines.append(one.line(source, spam, layers))
                        print("\n".join([f"{source}, {layers}", *one.examples]), file=sys.stderr, flush=True)
                    if source != "bounces":
                        add(sums[layers, spam], one)
    print("| source | what | messages | layers | token evidence | score, shipped weights | score | verdict |")
    print("|---|---|---|---|---|---|---|---|")
    lines += [one.line("all but bounces", spam, layers) for (layers, spam), one in sums.items() if one.messages]
    print("\n".join(lines))
    return 0


def counts_alone(model: Path, folder: Path) -> Path:
    """Return a copy of a model whose second layer has learned nothing; the scale is that of both layers."""
    path, copied = folder / f"{model.stem}-counts{model.suffix}", Model.load(model)
    copied.correction = Correction()
    copied.save(path)
    return path


def without(source: str, folder: Path) -> tuple[Path, Path]:
    """Return the shipped model and the weights of named tests as they would be had they never seen a source."""
    model, weights = (folder / f"without-{source.replace('/', '-')}{suffix}" for suffix in (".bin", ".json"))
    kept = ["--keep", str(folder / "hits")]
    built(model, build_default.main, ["-o", str(model), "--leave-out", source])
    built(weights, build_traits.main, ["-o", str(weights), "--leave-out", source, *kept])
    return model, weights


def built(path: Path, build: Callable[[list[str]], int], arguments: list[str]) -> None:
    """Build what is not there."""
    if not path.exists():
        with contextlib.redirect_stdout(sys.stderr):
            if build(arguments):
                raise SystemExit(2)


def measured(corpora: Path, source: str, model: Path, weights: Path, every: int) -> dict[bool, Found]:
    """Score the messages of a source, ham and spam apart."""
    corpus, _, part = source.partition("/")
    entries = [entry for entry in entries_of(corpora / corpus) if entry.name.startswith(f"{part}/" if part else "")]
    found = {False: Found(), True: Found()}
    held = {name: test.weight for name, test in read_weights(weights).tests.items()}
    signs = dict.fromkeys(HELD_DOWN, HONEST_USE) if source == NEWSLETTERS else {}
    shipped = {name: shipped_points(name) for name in signs}
    with engine(model) as asked:
        for entry in entries[::every]:
            mail = mail_of(Message(entry.read()))
            with weighed_by(held, signs):
                verdict = asked.examine(mail).verdicts[0]
            one, tests = found[entry.spam], dict(verdict.tests)
            seen = verdict.score - sum(tests[name] for name in tests.keys() & (held.keys() | signs.keys()))
            seen += sum(round(1000 * weight) for _, weight in traits.weighed(mail.message))
            seen += sum(round(1000 * shipped[name]) for name in tests.keys() & shipped.keys())
            evidence = tests.get("BAYES", 0)
            one.messages += 1
            one.evidence += evidence >= _LEVEL
            one.seen += seen >= _LEVEL
            one.score += verdict.score >= _LEVEL
            one.spam += verdict.spam
            if not entry.spam and (verdict.spam or verdict.score >= _LEVEL):
                row = verdict.row.name if verdict.row else "none"
                one.examples.append(
                    f"{entry.name}: {evidence / 1000}, {verdict.score / 1000}, {row}: {verdict.because}"
                )
    return found


def shipped_points(sign: str) -> float:
    """What a sign of phishing weighs."""
    return {**link_signs.SIGNS, **malformed_headers._SIGNS}[sign].points


@contextlib.contextmanager
def weighed_by(weights: Mapping[str, float], signs: Mapping[str, float]) -> Iterator[None]:
    """Let named tests, of all that are declared, have these weights, and signs of phishing these points."""

    def weighed(message: Message) -> list[tuple[str, float]]:
        return [(name, weights[name]) for name in traits.found_in(message) if name in weights]

    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(traits, "weighed", weighed))
        for known in (link_signs.SIGNS, malformed_headers._SIGNS):
            changed = {name: known[name]._replace(points=signs[name]) for name in known.keys() & signs.keys()}
            stack.enter_context(patch.dict(known, changed))
        yield


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
    for number in fields(Found):
        if number.type is int:
            setattr(whole, number.name, getattr(whole, number.name) + getattr(one, number.name))


if __name__ == "__main__":
    sys.exit(main())
