"""What is broken while mail comes in (`under_load`): one thing for each case, in the surroundings that it needs."""

import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

import redis

from tests.dns_server import garbage, garbage_inside, wrong_id, wrong_question
from tests.endtoend.faults.databases import Sqlite, as_service_user
from tests.endtoend.faults.surroundings import Surroundings
from tests.endtoend.faults.tasks import descendants, no_more_tasks
from tests.endtoend.faults.world import World, wait_until

Case = Callable[[World, Surroundings], AbstractContextManager[None]]
CASES: Final[dict[str, Case]] = {}
AROUND: Final[dict[str, str]] = {}
"""The surroundings of each, by their name (`surroundings.MADE`)."""


def case(what: str, around: str = "") -> Callable[[Callable[..., Iterator[None]]], Case]:
    """Make a case of a function that breaks something until it goes on; it is given the surroundings if it has any."""

    def add(function: Callable[..., Iterator[None]]) -> Case:
        within = contextmanager(function)
        CASES[what] = within if around else lambda world, _: within(world)
        AROUND[what] = around
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


# --- what is around the daemon


@case("the database is locked for 8 seconds")
def _locked(world: World) -> Iterator[None]:
    assert isinstance(world.database, Sqlite)
    with world.database.locked():
        yield


@case("the file of the database is gone, and comes back")
def _away(world: World) -> Iterator[None]:
    assert isinstance(world.database, Sqlite)
    with world.database.away():
        yield


@case("the disk of the spool is full", "disk")
def _full_disk(_: World, around: Surroundings) -> Iterator[None]:
    with around.disk.full():
        yield


@case("the clock jumps a day ahead, and back", "clock")
def _ahead(_: World, around: Surroundings) -> Iterator[None]:
    around.clock.set(1)
    yield
    around.clock.set(0)


@case("the clock jumps a day back, and ahead", "clock")
def _back(_: World, around: Surroundings) -> Iterator[None]:
    around.clock.set(-1)
    yield
    around.clock.set(0)


@case("the DNS says nothing", "dns")
def _silent(_: World, around: Surroundings) -> Iterator[None]:
    around.dns.silent = True
    yield
    around.dns.silent = False


@case("the DNS answers after 3 seconds", "dns")
def _slow_dns(_: World, around: Surroundings) -> Iterator[None]:
    around.dns.delay = 3.0
    yield
    around.dns.delay = 0.0


@case("the DNS lies: rubbish, other ids, answers to other questions", "dns")
def _lying_dns(_: World, around: Surroundings) -> Iterator[None]:
    lies = (garbage, garbage_inside, wrong_id, wrong_question)
    around.dns.fault_for_all = lambda query, reply: random.choice(lies)(query, reply)
    yield
    around.dns.fault_for_all = None


@contextmanager
def _scanner_hangs(_: World, around: Surroundings) -> Iterator[None]:
    around.scanner.hang()
    yield
    around.scanner.resume()


for _name in ("clamd", "spamd"):
    _what = f"{_name} hangs (SIGSTOP), and goes on"
    CASES[_what], AROUND[_what] = _scanner_hangs, _name
