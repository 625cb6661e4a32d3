"""How often each test of row 26 hits ham and spam, and what looking at files costs.

``TAMIS_CORPORA=FOLDER python -m benchmarks.attachments [CORPUS...]`` prints a table for docs/attachments.md. Without
names, every corpus that the folder has is read.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path

from tamis.attachments import Attachments
from tamis.attachments.evidence import TESTS, evidence
from tamis.attachments.helper import Helper
from tamis.message import Message
from tamis.models.corpus import entries_of


def main() -> None:
    folder = Path(os.environ["TAMIS_CORPORA"])
    names = sys.argv[1:] or sorted(path.parent.name for path in folder.glob("*/index.tsv"))
    hits: Counter[tuple[str, bool]] = Counter()
    messages: Counter[bool] = Counter()
    examples: dict[tuple[str, bool], list[str]] = {}
    files, seconds, slowest = 0, 0.0, 0.0
    helper = Helper()
    for name in names:
        for entry in entries_of(folder / name):
            message, spam = Message(entry.read()), entry.spam
            _ = [part.payload for part in message.parts]
            began = time.thread_time()
            attachments = Attachments(message, helper)
            found = list(evidence(attachments))
            took = time.thread_time() - began
            seconds, slowest = seconds + took, max(slowest, took)
            files += len(attachments.files)
            messages[spam] += 1
            for hit in found:
                hits[hit.name, spam] += 1
                examples.setdefault((hit.name, spam), []).append(f"{entry.name}: {hit.because}")
    helper.close()
    print(f"{messages[False]} ham, {messages[True]} spam, {files} files")
    print(f"{1e6 * seconds / sum(messages.values()):.0f} µs a message, {1000 * slowest:.0f} ms the slowest")
    print(f"{'test':<24}{'ham':>8}{'spam':>8}")
    for test in TESTS:
        print(f"{test:<24}{hits[test, False]:>8}{hits[test, True]:>8}")
    if os.environ.get("EXAMPLES"):
        for (test, spam), said in sorted(examples.items()):
            for one in said[: int(os.environ["EXAMPLES"])]:
                print(test, "spam" if spam else "ham", one[:160])


if __name__ == "__main__":
    main()
