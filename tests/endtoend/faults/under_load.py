"""One thing breaks while mail comes in: what Postfix answered, how long recovery took, and what became of every copy.

`python -m tests.endtoend.faults.under_load` runs all cases at a rate and writes the table of docs/reliability.md.
"""

import argparse
import re
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.endtoend.faults.breakages import AROUND, CASES
from tests.endtoend.faults.mta import STRANGER, Letter, Sending
from tests.endtoend.faults.surroundings import MADE, Surroundings, world_with
from tests.endtoend.faults.world import RECIPIENTS, World

PAGE: Final = Path(__file__).parents[3] / "docs" / "reliability.md"
_TABLE: Final = re.compile(r"(<!-- faults -->\n).*?(<!-- end of faults -->)", re.S)
_BROKEN_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 180.0
"""Longer than Postfix waits for a milter that hangs."""
_LONGEST_PAUSE_SECONDS: Final = 5.0
"""An MTA waits for minutes; hundreds that try again ten times a second are a load of their own."""


class Answers(Counter[int]):
    """The answers to one letter, and when each came (`time.monotonic`)."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, int]] = []

    def __setitem__(self, code: int, number: int) -> None:
        self.times.append((time.monotonic(), code))
        super().__setitem__(code, number)


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    what: str
    messages: int
    answers: Counter[int]
    fates: Counter[str]
    twice: int
    recovered: float
    """Seconds from the end of the fault to the last answer that was not 250; 0 where none came after it."""

    def __str__(self) -> str:
        other = " ".join(
            f"{code or 'broken off'}×{number}" for code, number in sorted(self.answers.items()) if code != 250
        )
        fates = ", ".join(f"{number} {state}" for state, number in sorted(self.fates.items()))
        recovered = f"{self.recovered:.1f} s" if self.recovered else "at once"
        return (
            f"| {self.what} | {self.messages} | {other or 'nothing else'} | {recovered} | {fates} | 0 | {self.twice} |"
        )


def run(
    world: World,
    around: Surroundings,
    what: str,
    a_second: float,
    broken: float = _BROKEN_SECONDS,
    before: float = 1.0,
) -> Result:
    """Send spam to four domains, and ham, before, during and after a fault; find every copy of every message."""
    letters: list[Letter] = []
    sendings: list[Sending] = []
    stop = threading.Event()

    def load() -> None:
        due = time.monotonic()
        while not stop.is_set():
            one = Letter(RECIPIENTS, answers=Answers()) if len(letters) % 2 else None
            one = one or Letter(RECIPIENTS[1:2], peer=STRANGER, answers=Answers())
            letters.append(one)
            sendings.append(Sending(world.postfix.smtp_port, [one], _PATIENCE_SECONDS, _LONGEST_PAUSE_SECONDS))
            due += 1 / a_second
            stop.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        time.sleep(before)
        with CASES[what](world, around):
            time.sleep(broken)
        ended = time.monotonic()
        time.sleep(2 * before)
    finally:
        stop.set()
        thread.join()
    for sending in sendings:
        sending.wait()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not world.ledger.outbox_empty() or not world.postfix.queue_empty():
        assert time.monotonic() < deadline, "copies are on their way"
        time.sleep(0.1)
    fates, twice = world.ledger.fates(letters)
    late = [at - ended for one in letters for at, code in one.answers.times if code != 250]  # type: ignore[attr-defined]
    answers: Counter[int] = sum((one.answers for one in letters), Counter())
    return Result(what, len(letters), answers, Counter(fates.values()), twice, max([0.0, *late]))


HEAD: Final = (
    "| what | messages | answers but 250 | recovered after | copies | lost | twice |\n|---|---|---|---|---|---|---|\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second (default: 100)")
    parser.add_argument("--like", default="", help="only faults whose names have this in them")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    arguments = parser.parse_args()
    lines = []
    for name in MADE:
        chosen = [what for what in CASES if AROUND[what] == name and arguments.like in what]
        if not chosen:
            continue
        # So long is the queue of its listen(2), too; what comes beyond waits for the kernel to try again.
        with world_with(name, postfix={"default_process_limit": "500"}) as (world, around):
            for what in chosen:
                lines.append(str(run(world, around, what, arguments.rate)))
                print(lines[-1], flush=True)
    if arguments.write:
        text = HEAD + "\n".join(lines) + "\n"
        PAGE.write_text(_TABLE.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
