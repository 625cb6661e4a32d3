"""What rules cost: messages a second with none, 100 and 1,000 of them, and what compiling and folding take.

    .venv/bin/python benchmarks/rules.py [FOLDER]

The messages are those of a folder (500 at most), else ones made of words of the shipped rules. Times are those of the
processor, the best of three runs over all messages; parsing is done before, as for any other filter. Prints one table,
takes some seconds.
"""

import argparse
import random
import re
import time
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from tamis import limits
from tamis.filters.malformed_headers import anomalies
from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import entries_at
from tamis.models.features import features
from tamis.models.storage import SHIPPED_MODEL
from tamis.rules.folding import fold
from tamis.rules.matching import Rules
from tamis.rules.rule import Rule
from tamis.rules.shipped import shipped_rules

MOST = 500
NUMBERS = (0, 100, 1000)


def words() -> list[str]:
    """Return words as rules have them."""
    text = " ".join(pattern for rule in shipped_rules().values() for pattern in rule.patterns)
    return sorted(set(re.findall(r"[a-z]{4,12}", text)))


def made(number: int) -> list[Message]:
    """Return messages of a usual size made of such words."""
    chance = random.Random(1)
    bodies = (" ".join(chance.choices(words(), k=chance.choice((60, 200, 800)))) for _ in range(number))
    return [Message(f"From: a@b.example\nSubject: {body[:40]}\n\n{body}\n".encode()) for body in bodies]


def some_rules(number: int) -> Rules:
    """Return so many rules of two or three words each, in the forms that the shipped ones have."""
    chance = random.Random(2)
    known = words()
    forms = (r"\b{} {}\b", r"\b{}\b.{{0,60}}\b{}\b", r"\b(?:{}|{}) (?:the |your )?{}", r"\b[0-9]{{2,4}} ?{}s?\b")
    patterns = (forms[n % 4].format(*chance.sample(known, 3)) for n in range(number))
    return Rules({f"r{n}": Rule(description="x", patterns=(one,), score=1) for n, one in enumerate(patterns)})


def best(run: Callable[[], object]) -> float:
    """Return the processor seconds of the fastest of three runs."""
    times = []
    for _ in range(3):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="messages to look at")
    folder = parser.parse_args().folder
    messages = [Message(one.read()) for one in entries_at(folder, "spam")[:MOST]] if folder else made(MOST)
    for message in messages:
        _ = message.text, message.urls, message.subject
    table = Table(box=None)
    for column in ("what", "ms for a message", "messages a second", "to 100 rules", "compiled in ms"):
        table.add_column(column, justify="left" if column == "what" else "right", no_wrap=True)
    model = Model.load(SHIPPED_MODEL)
    times: dict[str, tuple[float, float | None]] = {
        "folding alone": (best(lambda: [fold(message.text) for message in messages]), None),
        "rows 27 and 33": (best(lambda: [others(message, model) for message in messages]), None),
    }
    for number in NUMBERS:
        times[f"{number} rules"] = measured(some_rules(number), messages), compiling(partial(some_rules, number))
    times["the shipped rules"] = measured(Rules(shipped_rules()), messages), compiling(lambda: Rules(shipped_rules()))
    for what, (seconds, compiled) in times.items():
        each = 1000 * seconds / len(messages)
        ratio = seconds / times["100 rules"][0]
        cells = (f"{each:.3f}", f"{1000 / each:,.0f}" if each else "", f"{ratio:.2f}")
        table.add_row(what, *cells, f"{compiled:.0f}" if compiled is not None else "")
    Console(width=120).print(table)
    text = worst()
    started = time.process_time()
    Rules(shipped_rules()).match("text", [text])
    print(f"the shipped rules on {len(text):,} characters of their own words: {time.process_time() - started:.2f} s")


def others(message: Message, model: Model) -> tuple[object, object]:
    """What the two other rows that read the content do."""
    return model.score(features(message)), anomalies(message)


def measured(rules: Rules, messages: Sequence[Message]) -> float:
    return best(lambda: [rules.look_at(message).everything() for message in messages])


def compiling(make: Callable[[], Rules]) -> float:
    return 1000 * best(make)


def worst() -> str:
    """Return a text that holds as many words of the rules as there is room for."""
    known = words() * 100
    random.Random(3).shuffle(known)
    return " ".join(known)[: limits.RULE_TEXT_CHARS]


if __name__ == "__main__":
    main()
