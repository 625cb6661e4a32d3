"""What the daemon takes around the engine: `python -m benchmarks.daemon`.

The daemon runs with an engine that does nothing, and with the real one (network off). Both are sent the same real mail
(TAMIS_CORPORA) over the milter socket, each message in a session of its own, eight at once, and the CPU and the context
switches of all processes are counted for each message. `--before FOLDER` starts another checkout beside this one and
asks both in turn, which is the only way to compare on a machine that has other work. Each message is one that nobody
has seen. `idle` is what the daemon takes in a second without mail.
"""

import argparse
import contextlib
import os
import socket
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from benchmarks.milter_client import Letter, MilterClient
from benchmarks.network_rows import family, letters
from benchmarks.peers.load import unique
from tamis import config as configuration
from tamis.config import Config
from tamis.disposition import Disposition, Group
from tamis.headers import Changes
from tamis.mail import Mail
from tamis.milter.core import Core
from tamis.milter.supervisor import Supervisor
from tamis.networks import identify
from tamis.policy import Policies
from tamis.postfix.served import RunningTamis
from tamis.record import Refusal

_SETTINGS: Final = (
    '[policy]\nmode = "tag"\n[policy.filters.ocr]\nenabled = false\n[log]\nlevel = "warning"\n[dns]\n'
    'servers = ["127.0.0.1:1"]\n'
)
_TICK: Final = 1000 / os.sysconf("SC_CLK_TCK")
_NAMES: Final = {"tamis-worker": "workers", "tamis-keeper": "keeper", "redis-server": "Redis"}


class Nothing:
    """An engine that adds five fields to every message, as the real one does, and knows nothing of it."""

    ready = True

    def __init__(self, config: Config, redis_url: str) -> None:
        self.policy_of = Policies(config).for_recipient

    def examine(self, mail: Mail) -> Any:
        return SimpleNamespace(mail=mail, refusal=None, ask_again="")

    def dispose(self, record: Any) -> Disposition:
        return Disposition(stay=Group((), Changes(add=[(f"X-Field-{number}", "value") for number in range(5)])))

    def may_refuse(self, peer: object) -> bool:
        return False

    def refusal(self, mail: Mail, recipient: str) -> Refusal | None:
        return None

    def prefetch(self, mail: Mail, stage: object) -> None:
        """Asks nothing."""

    def concluded(self, record: Any, answer: str) -> None:
        """Keeps nothing."""

    def refused(self, mail: Mail, refusal: Refusal, answer: str) -> None:
        """Keeps nothing."""

    def undecided(self, about: Mapping[str, object], because: str, answer: str) -> None:
        """Keeps nothing."""

    def refresh(self) -> None:
        """Has nothing to refresh."""

    def keep(self) -> None:
        """Has nothing to keep."""


def serve(path: Path) -> int:
    """Be the daemon with an engine that does nothing."""
    core = Core(lambda _: None, Nothing, identify, lambda record: {"queue_id": record.mail.queue_id})
    return Supervisor(path, configuration.load(path), core).run()


@contextlib.contextmanager
def running(checkout: Path, real: bool) -> Iterator[RunningTamis]:
    """The daemon of a checkout."""
    wrapper = ["env", "-C", str(checkout), f"PYTHONPATH={checkout}"]
    if not real:
        wrapper += [sys.executable, "-P", str(Path(__file__).resolve()), "--serve"]
    with RunningTamis(_SETTINGS, wrapper=wrapper) as tamis:
        yield tamis


_FAMILIES: Final[dict[int, dict[int, str]]] = defaultdict(dict)
"""The kernel's list of children leaves some out while another of them ends: who was seen once is asked again."""


def taken(pid: int) -> dict[str, float]:
    """What the processes of a daemon have taken so far: milliseconds of CPU by kind, and context switches."""
    found: dict[str, float] = defaultdict(float)
    _FAMILIES[pid].update(family(pid))
    for one, name in _FAMILIES[pid].items():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            kind = _NAMES.get(name, "others")
            found[kind] += _TICK * sum(map(int, fields[11:15]))
            if kind == "workers":
                found["in the kernel"] += _TICK * int(fields[12])
                found["switches"] += _switches(one)
    return found


def _switches(pid: int) -> int:
    number = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            lines = (task / "status").read_text().splitlines()[-2:]
            number += sum(int(line.split()[1]) for line in lines)
    return number


_COLUMNS: Final = ("rate", "all", "workers", "in the kernel", "switches", "keeper", "Redis", "others")


def difference(before: Mapping[str, float], after: Mapping[str, float], number: float) -> dict[str, float]:
    found = {name: (after.get(name, 0.0) - before.get(name, 0.0)) / number for name in after}
    found["all"] = sum(found.get(name, 0.0) for name in ("workers", "keeper", "Redis", "others"))
    return found


def _send(port: int, mail: Sequence[Letter]) -> None:
    for one in mail:
        with MilterClient(port) as client:
            if (answer := client.send(one)) != "c":
                raise RuntimeError(f"an answer other than expected: {answer}")


def sent(tamis: RunningTamis, mail: list[Letter], clients: int) -> dict[str, float]:
    """Send all mail, and return what one message took."""
    assert tamis.process is not None
    before, began = taken(tamis.process.pid), time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        for done in [threads.submit(_send, _port(tamis), mail[start::clients]) for start in range(clients)]:
            done.result()
    rate = len(mail) / (time.perf_counter() - began)
    return {"rate": rate, **difference(before, taken(tamis.process.pid), len(mail))}


def table(title: str, rounds: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Print the medians of the rounds, with the least of the CPU, and the ratio of the two versions."""
    for name, each in rounds.items():
        middle = " | ".join(f"{statistics.median(one.get(key, 0.0) for one in each):.2f}" for key in _COLUMNS)
        print(f"| {title}, {name} | {middle} | {min(one['all'] for one in each):.2f} |")
    if len(rounds) == 2:
        then, now = rounds.values()
        ratios = sorted(new["all"] / old["all"] for new, old in zip(now, then, strict=True) if old["all"])
        if ratios:
            print(f"  now over before: {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})")
    sys.stdout.flush()


def measure(checkouts: Mapping[str, Path], real: bool, mail: Sequence[Letter], args: argparse.Namespace) -> None:
    title = "real engine" if real else "no engine"
    with contextlib.ExitStack() as stack:
        daemons = {name: stack.enter_context(running(path, real)) for name, path in checkouts.items()}
        for name, tamis in daemons.items():
            _await(tamis)
            sent(tamis, unique(mail[:40], f"first-{name}"), 4)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in daemons}
        for turn in range(args.rounds):
            chosen = [mail[(turn * args.number + place) % len(mail)] for place in range(args.number)]
            fresh = unique(chosen, f"{title}-{turn}".replace(" ", "-"))
            order = list(daemons) if turn % 2 else list(daemons)[::-1]
            for name in order:
                found[name].append(sent(daemons[name], fresh, args.clients))
        table(f"{title}, ms a message", found)
        for name, tamis in daemons.items():
            print(*(f"  {name}: {line}" for line in tamis.log_text().splitlines()), sep="\n")
        if real:
            time.sleep(5.0)
            pids = {name: tamis.process.pid for name, tamis in daemons.items() if tamis.process}
            before = {name: taken(pid) for name, pid in pids.items()}
            time.sleep(10.0)
            idle = {name: [difference(before[name], taken(pid), 10.0)] for name, pid in pids.items()}
            table("idle, ms a second", idle)


def _await(tamis: RunningTamis) -> None:
    """Wait until somebody listens; who connects then waits for the first worker."""
    deadline = time.monotonic() + 60.0
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", _port(tamis)), 1.0):
            return
        if time.monotonic() > deadline or tamis.process is None or tamis.process.poll() is not None:
            raise RuntimeError(f"it does not start: {tamis.log_text()}")
        time.sleep(0.1)


def _port(tamis: RunningTamis) -> int:
    return int(tamis.milter.rpartition(":")[2])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.daemon", description=__doc__)
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("-n", "--number", type=int, default=300, help="messages in each round (default: 300)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--clients", type=int, default=8, help="sessions at once (default: 8)")
    parser.add_argument("--only", choices=("real", "nothing"), help="one of the two engines")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if "TAMIS_CORPORA" not in os.environ:
        raise SystemExit("TAMIS_CORPORA has to name the folder of the corpora")
    mail = letters(Path(os.environ["TAMIS_CORPORA"]), max(2000, args.number))
    here = Path(__file__).resolve().parents[1]
    checkouts = {"before": args.before.resolve(), "now": here} if args.before else {"now": here}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"| | {' | '.join(_COLUMNS)} | least |")
    for real in (False, True):
        if args.only != ("nothing" if real else "real"):
            measure(checkouts, real, mail, args)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        sys.exit(serve(Path(sys.argv[-1])))
    main()
