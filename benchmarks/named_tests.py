"""What the named tests of the whole message cost, beside the features of the classifier.

    TAMIS_CORPORA=/path/to/corpora .venv/bin/python -m benchmarks.named_tests

Messages of 7 to 14 KB out of the corpora, parsed beforehand, the best of five times each; microseconds of processor
time.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tamis.message import Message
from tamis.models.corpus import entries_of
from tamis.models.features import features
from tamis.models.wire import message_on_the_wire
from tamis.traits import FAMILIES, weighed
from tamis.traits.letter import Letter

CORPORA = {"trec07p-first20k": 100, "spamassassin": 50, "modern": 25, "enron-raw-ham": 50}
"""How many messages of each there are for one that is looked at."""


def _messages(folder: Path) -> Iterator[Message]:
    for name, every in CORPORA.items():
        for entry in entries_of(folder / name)[::every]:
            message = message_on_the_wire(Message(entry.read()))
            if 7000 <= len(message.raw) <= 14_000:
                yield message


def _parse(message: Message) -> None:
    _ = message.text, message.urls, message.authors, message.subject
    for part in message.parts:
        _ = part.payload


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1e6 * min(times)


def main() -> int:
    folder = os.environ.get("TAMIS_CORPORA")
    if not folder:
        print("named_tests: TAMIS_CORPORA names no folder of corpora", file=sys.stderr)
        return 2
    messages = list(_messages(Path(folder)))
    times: dict[str, list[float]] = {"named tests": [], "features of the classifier": []}
    for message in messages:
        _parse(message)
        times["named tests"].append(_best(lambda: weighed(message)))  # noqa: B023
        times["features of the classifier"].append(_best(lambda: features(message)))  # noqa: B023
        letter = Letter(message)
        for family in FAMILIES:
            # What families share is measured in the first run.
            times.setdefault(family.name, []).append(_best(lambda: list(family.look(letter, {}))))  # noqa: B023
    print(f"{len(messages)} messages, microseconds: median, largest")
    for name, found in times.items():
        print(f"{name:28} {statistics.median(found):8.0f} {max(found):8.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
