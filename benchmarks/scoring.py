"""What the classifier costs: processor time of parsing, features, scoring, clues and learning, and memory.

    python -m benchmarks.scoring [MESSAGE.eml ...]

Without messages, a made-up one of 10 KB in plain text and one in HTML. Times are medians of processor time on one core.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.features import features
from tamis.models.storage import SHIPPED_MODEL

WORDS = ("meeting", "tomorrow", "please", "report", "attached", "thanks", "regards", "invoice", "garden", "project")
HEAD = (
    "Received: from mail.example.net (mail.example.net [192.0.2.7]) by mx.example.org; Mon, 2 Nov 2026 10:00:00 +0100\n"
    "From: Ann <ann@example.net>\nTo: bob@example.org\nSubject: The report of the garden project\n"
    "Message-ID: <1@example.net>\nMIME-Version: 1.0\nContent-Type: text/{kind}; charset=utf-8\n\n"
)
SIZE = 10_000
RUNS = 300


def made_up() -> dict[str, bytes]:
    """The two messages that are measured where none is given."""
    words = [f"{WORDS[number * 7 % 10]}{WORDS[number * number % 10] if number % 3 else ''}" for number in range(2000)]
    plain = HEAD.format(kind="plain") + "\n".join(" ".join(words[at : at + 10]) for at in range(0, 2000, 10))
    markup = "".join(f'<p class="c{at}"><b>{words[at]}</b> {" ".join(words[at : at + 8])}</p>\n' for at in range(2000))
    return {"plain text": plain.encode()[:SIZE], "HTML": (HEAD.format(kind="html") + markup).encode()[:SIZE]}


def median(call: Callable[[], object]) -> float:
    """Milliseconds of processor time that a call takes, the median of many."""
    taken = []
    for _ in range(RUNS):
        began = time.process_time_ns()
        call()
        taken.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(taken)


def parsed(raw: bytes) -> Message:
    """A message with all that features look at parsed."""
    message = Message(raw)
    _ = (message.text, message.urls, message.subject, message.tree)
    return message


def main(files: list[str]) -> int:
    """Print the figures."""
    began = time.process_time()
    model = Model.load(SHIPPED_MODEL)
    print(f"loading the shipped model: {time.process_time() - began:.2f} s")
    mail = {name: Path(name).read_bytes() for name in files} or made_up()
    for name, raw in mail.items():
        ready = parsed(raw)
        found = features(ready)
        whole = median(lambda raw=raw: model.score(features(Message(raw))))  # type: ignore[misc]
        print(
            f"{name}, {len(raw)} octets, {len(found)} features: all {whole:.3f} ms, of it parsing "
            f"{median(lambda raw=raw: parsed(raw)):.3f}, features {median(lambda ready=ready: features(ready)):.3f}, "  # type: ignore[misc]
            f"score {median(lambda found=found: model.score(found)):.3f}; "  # type: ignore[misc]
            f"learning {median(lambda found=found: model.learn(found, False)):.3f}"  # type: ignore[misc]
        )
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
