"""The daemon at 80 % of what it can do, for half an hour: `python -m benchmarks.soak`. Memory, descriptors, times.

What it can do is measured first, by as many connections as it has cores times four that never pause. Then messages come
at four fifths of that rate, and every few seconds all processes of the daemon are looked at. Printed are the samples,
and for each figure its slope over the second half, when caches have filled, with a verdict: flat, where what it would
gain in the time measured is less than 5 % of its mean (time: 20 %, since a machine has other work), or else growing.
"""

import argparse
import itertools
import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from random import Random

from benchmarks.milter_client import Letter, MilterClient
from tamis.postfix.served import RunningTamis

SHARE = 0.8
MEMORY, COUNT, TIME = 0.05, 0.05, 0.2
_WORDS = ("invoice", "meeting", "offer", "report", "weather", "garden", "music", "price", "order", "friend", "river")


@dataclass(frozen=True)
class Sample:
    """All processes of the daemon at one moment, and the messages since the sample before."""

    seconds: float
    megabytes: float
    descriptors: int
    threads: int
    p50_ms: float
    p99_ms: float
    a_second: float


def letters(seed: int) -> Iterator[Letter]:
    """Messages that are like no other, from many peers."""
    random = Random(seed)
    for number in itertools.count():
        text = " ".join(random.choices(_WORDS, k=random.choice((40, 200, 1000))))
        peer = f"198.51.{random.randrange(256)}.{random.randrange(1, 255)}"
        sender = f"a{random.randrange(5000)}@sender{random.randrange(500)}.example"
        header = [
            (b"From", f" {sender}".encode()),
            (b"Subject", f" {random.choice(_WORDS)} {seed}-{number}".encode()),
            (b"Message-ID", f" <{seed}.{number}@sender.example>".encode()),
        ]
        body = f"{text}\r\nhttp://www{random.randrange(500)}.example/\r\n".encode()
        yield Letter(peer, "mail.sender.example", "mail.sender.example", sender, "bob@example.org", header, body)


class Load:
    """Connections that bring messages, at a rate or as fast as they are taken."""

    def __init__(self, port: int, connections: int, a_second: float | None) -> None:
        self.taken: deque[float] = deque()
        self.failed = 0
        self._pause = connections / a_second if a_second else 0.0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(port, n), daemon=True) for n in range(connections)]
        for thread in self._threads:
            thread.start()

    def _run(self, port: int, number: int) -> None:
        source = letters(number + 1000 * int(bool(self._pause)))
        due = time.monotonic() + self._pause * (number / max(1, len(self._threads) or 1))
        while not self._stop.is_set():
            try:
                with MilterClient(port) as client:
                    # An SMTP session brings a few.
                    for letter in itertools.islice(source, 5):
                        if self._pause:
                            due = max(due + self._pause, time.monotonic() - 1.0)
                            if self._stop.wait(max(0.0, due - time.monotonic())):
                                return
                        began = time.perf_counter()
                        client.send(letter)
                        self.taken.append(time.perf_counter() - began)
                        if self._stop.is_set():
                            return
            except OSError:
                self.failed += 1

    def take(self) -> list[float]:
        """Return what each message took, in seconds, of those since the last time."""
        return [self.taken.popleft() for _ in range(len(self.taken))]

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in tree(int(child)))]


def look(pid: int, began: float, taken: list[float], window: float) -> Sample:
    kilobytes = descriptors = threads = 0
    for one in tree(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            kilobytes += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            descriptors += len(os.listdir(f"/proc/{one}/fd"))
            threads += len(os.listdir(f"/proc/{one}/task"))
        except OSError:
            continue  # It has just ended.
    order = sorted(taken) or [0.0]
    p99 = order[min(len(order) - 1, int(0.99 * len(order)))]
    seconds = time.monotonic() - began
    return Sample(
        seconds,
        kilobytes / 1024,
        descriptors,
        threads,
        1000 * statistics.median(order),
        1000 * p99,
        len(taken) / window,
    )


def verdict(name: str, samples: list[Sample], value: Callable[[Sample], float], most: float) -> str:
    """One line: the slope by least squares over the second half of the samples, and what it means."""
    half = samples[len(samples) // 2 :]
    times, values = [one.seconds for one in half], [value(one) for one in half]
    slope = statistics.linear_regression(times, values).slope if len(half) > 1 else 0.0
    mean = statistics.fmean(values)
    gained = slope * (times[-1] - times[0])
    flat = "flat" if gained <= most * mean else "GROWING"
    return (
        f"{name:12} mean {mean:10.1f}   {3600 * slope:+10.2f} an hour   {100 * gained / (mean or 1):+6.1f} %   {flat}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between samples (default: 10)")
    arguments = parser.parse_args()
    connections = 4 * (os.cpu_count() or 1)
    settings = '[policy]\nmode = "observe"\n[log]\nlevel = "error"\n'
    with RunningTamis(settings, daemon="workers = 0") as tamis:
        assert tamis.process is not None
        pid, port = tamis.process.pid, int(tamis.milter.rpartition(":")[2])
        full = Load(port, connections, None)
        time.sleep(10.0)
        full.take()
        time.sleep(15.0)
        able = len(full.take()) / 15.0
        full.stop()
        print(f"able: {able:.0f} messages a second over {connections} connections; now {SHARE * able:.0f} a second")
        load, began, samples = Load(port, connections, SHARE * able), time.monotonic(), list[Sample]()
        print(" ".join(f"{one.name:>12}" for one in fields(Sample)))
        while time.monotonic() - began < 60 * arguments.minutes:
            time.sleep(arguments.every)
            samples.append(look(pid, began, load.take(), arguments.every))
            print(" ".join(f"{value:12.1f}" for value in astuple(samples[-1])), flush=True)
        load.stop()
        print(f"connections that broke: {load.failed}")
        for name, value, most in (
            ("megabytes", lambda one: one.megabytes, MEMORY),
            ("descriptors", lambda one: one.descriptors, COUNT),
            ("threads", lambda one: one.threads, COUNT),
            ("p50 ms", lambda one: one.p50_ms, TIME),
            ("p99 ms", lambda one: one.p99_ms, TIME),
        ):
            print(verdict(name, samples, value, most))


if __name__ == "__main__":
    main()
