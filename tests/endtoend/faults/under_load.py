"""One thing breaks while mail comes in: what Postfix answered, how long recovery took, and what became of every copy.

`python -m tests.endtoend.faults.under_load` runs all cases at a rate and writes the table of docs/reliability.md.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from tests.endtoend.faults.databases import Sqlite, as_service_user
from tests.endtoend.faults.mta import STRANGER, Letter, Sending
from tests.endtoend.faults.tasks import descendants, no_more_tasks
from tests.endtoend.faults.world import RECIPIENTS, World, wait_until

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


Case = Callable[[World], AbstractContextManager[None]]
CASES: Final[dict[str, Case]] = {}


def case(what: str) -> Callable[[Callable[[World], Iterator[None]]], Case]:
    def add(function: Callable[[World], Iterator[None]]) -> Case:
        CASES[what] = contextmanager(function)
        return CASES[what]

    return add


def workers(world: World) -> list[int]:
    assert world.tamis.process is not None
    pid = world.tamis.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in children if Path(f"/proc/{one}/comm").read_text().strip() == "tamis-worker"]


def _redis(world: World) -> "redis.Redis":
    (socket,) = (world.tamis.folder / "run").glob("**/redis*.sock")
    return redis.Redis.from_url(f"unix://{socket}")


@contextmanager
def _limited(world: World, name: str, room: Callable[[int], int]) -> Iterator[None]:
    """Each worker has no more of a resource than `room` says of it."""
    victims = workers(world)
    before = {pid: _limit(pid, name) for pid in victims}
    for pid in victims:
        _limit(pid, name, str(room(pid)))
    try:
        yield
    finally:
        for pid, old in before.items():
            with suppress(subprocess.CalledProcessError):  # Who has ended has no limit.
                _limit(pid, name, old)


def _limit(pid: int, name: str, soft: str = "") -> str:
    """Return the soft limit of a process, or set it, as the user that it runs as: root may lack a capability for it."""
    how = f"--{name}={soft}:" if soft else f"--{name}"
    command = ["prlimit", f"--pid={pid}", how, "--raw", "--noheadings", "--output=SOFT"]
    return subprocess.run(command, check=True, capture_output=True, text=True, **as_service_user()).stdout.strip()


@case("nothing")
def _nothing(world: World) -> Iterator[None]:
    yield


@case("a worker is killed")
def _killed(world: World) -> Iterator[None]:
    os.kill(workers(world)[0], signal.SIGKILL)
    yield


@case("a worker hangs (SIGSTOP), and goes on")
def _hangs(world: World) -> Iterator[None]:
    pid = workers(world)[0]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@case("a worker hangs, and is killed")
def _hangs_for_good(world: World) -> Iterator[None]:
    pid = workers(world)[0]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGKILL)


@case("redis-server is killed")
def _no_redis(world: World) -> Iterator[None]:
    with world.redis_killed():
        yield


@case("redis-server hangs")
def _redis_hangs(world: World) -> Iterator[None]:
    pid = world._child("redis-server")
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@case("Redis is full")
def _redis_full(world: World) -> Iterator[None]:
    client = _redis(world)
    before = client.config_get("maxmemory*")
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    yield
    for name in ("maxmemory", "maxmemory-policy"):
        client.config_set(name, before[name])


@case("Redis lies: every value is another, or of another type")
def _redis_lies(world: World) -> Iterator[None]:
    client, stop = _redis(world), threading.Event()

    def spoil() -> None:
        while not stop.wait(0.01):
            for number, key in enumerate(client.scan_iter(count=1000)):
                with client.pipeline() as both:
                    both.delete(key)
                    if number % 2:
                        both.rpush(key, b"\xff\xfe", b"1" * 100)
                    else:
                        both.set(key, b"\x81\xa4true\xc0" * 9)
                    both.execute()

    thread = threading.Thread(target=spoil)
    thread.start()
    yield
    stop.set()
    thread.join()
    client.flushall()


@case("no descriptor is left in any worker")
def _descriptors(world: World) -> Iterator[None]:
    with _limited(world, "nofile", lambda pid: len(os.listdir(f"/proc/{pid}/fd"))):
        yield


@case("no memory is left in any worker")
def _memory(world: World) -> Iterator[None]:
    def size(pid: int) -> int:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + (1 << 20)

    with _limited(world, "as", size):
        yield


@case("no thread can be started in any worker")
def _threads(world: World) -> Iterator[None]:
    with _limited(world, "nproc", lambda _: 1):
        yield


@case("no task can be started in the whole service (TasksMax=)")
def _tasks(world: World) -> Iterator[None]:
    assert world.tamis.process is not None
    with no_more_tasks(descendants(world.tamis.process.pid)):
        yield


@case("reload with a broken file")
def _broken_file(world: World) -> Iterator[None]:
    good = world.tamis.config.read_text()
    world.tamis.config.write_text(good + '\n[policy]\nmode = "shred"\n')
    world.tamis.reload()
    yield
    world.tamis.config.write_text(good)
    world.tamis.reload()


@case("reload")
def _reload(world: World) -> Iterator[None]:
    world.tamis.reload()
    yield


@case("upgrade: stopped, and the new one started, without systemd's socket")
def _upgrade(world: World) -> Iterator[None]:
    world.tamis.stop()
    wait_until(world._starts, "the daemon did not start again")
    yield


@case("the supervisor is killed, and started again")
def _supervisor(world: World) -> Iterator[None]:
    with world.supervisor_killed():
        pass
    yield


def run(world: World, what: str, a_second: float, broken: float = _BROKEN_SECONDS, before: float = 1.0) -> Result:
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
        with CASES[what](world):
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
    # So long is the queue of its listen(2), too. What comes beyond waits for the kernel to try again, up to a minute.
    with World(Sqlite(), postfix={"default_process_limit": "500"}) as world:
        for what in (what for what in CASES if arguments.like in what):
            lines.append(str(run(world, what, arguments.rate)))
            print(lines[-1], flush=True)
    if arguments.write:
        text = HEAD + "\n".join(lines) + "\n"
        PAGE.write_text(_TABLE.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
