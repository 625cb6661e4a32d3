"""Two versions of Tamis against each other on the same real mail: `python -m benchmarks.versions OLD`.

OLD is a folder with the source of another version (`git worktree add OLD REVISION`). Of each version an engine runs in
a process of its own, with a Redis of its own, as a worker's does; one name server answers both. They get the same mail
(TAMIS_CORPORA), each fourth message for recipients of three policies, in turn, 25 messages each: first all of it,
unseen, then once more. Printed are microseconds of CPU a message, of the engine and of Redis apart, the least of both
together, how often an engine waited for Redis, and the ratio (median and quartiles of the turns). What was said of each
message (hits, verdicts, headers, the line of the log) must be the same in both, octet by octet, but for times and for
what was cached; what is not is printed, and the exit status 1.
"""

import argparse
import contextlib
import hashlib
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

_AT_ONCE: Final = 25
_OTHERS: Final = ("ann@other.example", "bob@third.example", "eve@other.example")
"""Whom each fourth message goes to as well."""
_POLICIES: Final = """
[domain."other.example"]
mode = "quarantine"
level = 4.5
[domain."other.example".filters]
mail-checksum.minutes = 5
keywords.enabled = false
missing-sender.enabled = false
[domain."third.example"]
mode = "observe"
antispam = false
[domain."third.example".filters]
maps-rbl.share = 0.9
cyrillic.enabled = false
"""
_BEGAN: Final = datetime(2026, 1, 5, tzinfo=UTC)
_UNLIKE: Final = frozenset({"ms", "ms_rows", "milliseconds", "cached"})


def cpu_of(pid: int) -> float:
    """Return the microseconds of CPU that all threads of a process have taken."""
    found = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += int((thread / "schedstat").read_text().split()[0])
    return found / 1000


def without_times(said: Any) -> Any:
    """Leave out what differs from run to run."""
    if isinstance(said, dict):
        return {key: without_times(value) for key, value in said.items() if key not in _UNLIKE}
    return [without_times(value) for value in said] if isinstance(said, list) else said


# --- the process of one version


def serve(folder: Path, network: int, number: int) -> None:
    """Examine what the other process names, a slice of the mail a line; print the CPU it took, and what was said."""
    from benchmarks.network_rows import letters, lists
    from benchmarks.stages import NothingLearned, raw
    from tamis import config as configuration
    from tamis import decision_log
    from tamis.contract import Stage
    from tamis.engine import Engine, preload
    from tamis.mail import Mail, MailClass, parse_ip
    from tamis.message import Message
    from tamis.record import as_json
    from tamis.redis_client import RedisClient
    from tamis.sources import Sources

    logging.disable(logging.CRITICAL)
    trips = [0]
    ask = RedisClient.ask

    def counted(self: RedisClient, *arguments: Any) -> Any:
        trips[0] += 1
        return ask(self, *arguments)

    setattr(RedisClient, "ask", counted)  # noqa: B010 - it is another's
    path = folder / "tamis.toml"
    path.write_text(
        f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n'
        f'[dns]\nservers = ["127.0.0.1:{network or 1}"]\n[policy]\nmode = "tag"\n'
        f"[policy.filters]\nocr.enabled = false\ncyrillic.enabled = true\nsinograms.enabled = true\n"
        f"greylisting.enabled = {str(bool(network)).lower()}\n{lists() if network else ''}{_POLICIES}"
    )
    config = configuration.load(path)
    preload(config)
    socket = folder / "redis.sock"
    server = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    redis = subprocess.Popen(server, stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.05)
        sources = replace(Sources.themselves(config), weights=NothingLearned())
        engine = Engine(config, f"unix://{socket}", sources, bool(network), answers_at_once=100)
        engine.refresh()
        mail = letters(Path(os.environ["TAMIS_CORPORA"]), number)
        octets = [raw(one) for one in mail]
        times = 0

        def examine(place: int) -> tuple[Any, Any, Any, Any]:
            letter, now = mail[place], _BEGAN + timedelta(seconds=times)
            one = Mail(
                message=Message(octets[place]),
                peer=parse_ip(letter.peer),
                rdns=letter.rdns,
                helo=letter.helo,
                sender=letter.sender,
                recipients=[letter.recipient, *_OTHERS] if place % 4 == 0 else [letter.recipient],
                mail_class=MailClass.INBOUND,
                queue_id="1",
                id=f"{place:016x}",
                now=now,
            )
            if network:  # As the session of a worker does.
                begun = replace(one, message=Message(b""), recipients=())
                engine.prefetch(replace(begun, sender="", sender_known=False), Stage.CONNECTION)
                engine.prefetch(begun, Stage.SENDER)
            refusal = engine.refusal(one, letter.recipient) if network else None
            record = engine.examine(one)
            disposed = engine.dispose(record)
            return refusal, record, disposed, decision_log.fields(record)

        print("ready", flush=True)
        for line in sys.stdin:
            start, end = map(int, line.split())
            before, redis_before, trips_before = time.process_time(), cpu_of(redis.pid), trips[0]
            said = []
            for place in range(start, end):
                said.append(examine(place))
                times += 1
            engine.refresh()
            spent = 1e6 * (time.process_time() - before), cpu_of(redis.pid) - redis_before, trips[0] - trips_before
            texts = [
                json.dumps(without_times([as_json(record), str(refusal), repr(disposed), log]), default=str)
                for refusal, record, disposed, log in said
            ]
            print(json.dumps({"spent": spent, "said": texts}), flush=True)
        engine.close()
    finally:
        redis.terminate()
        redis.wait()


# --- the process that compares


class Version:
    """A version at work."""

    def __init__(self, tree: Path, folder: Path, network: int, number: int) -> None:
        command = [sys.executable, "-P", __file__, str(tree), "--serve", str(folder), "--port", str(network)]
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [*command, "-n", str(number)],
            cwd=tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a version ended")
        return line

    def examine(self, start: int, end: int) -> tuple[list[float], list[str]]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{start} {end}\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        return answer["spent"], answer["said"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def versions(trees: Sequence[Path], network: int, number: int) -> Iterator[list[Version]]:
    with contextlib.ExitStack() as stack:
        made = []
        for tree in trees:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tamis-")))
            made.append(Version(tree, folder, network, number))
            stack.callback(made[-1].close)
        yield made


def compare(title: str, both: list[Version], number: int, differences: list[str]) -> None:
    """Print what a message costs each version, and note where they say something else."""
    spent: tuple[list[list[float]], list[list[float]]] = [], []
    places = [0, 1]
    for start in range(0, number, _AT_ONCE):
        end = min(number, start + _AT_ONCE)
        said: list[list[str]] = [[], []]
        for place in places:
            figures, said[place] = both[place].examine(start, end)
            spent[place].append([figure / (end - start) for figure in figures])
        places.reverse()
        pairs = zip(said[0], said[1], strict=True)
        differences += [f"{title}: {one}\n{other}" for one, other in pairs if one != other]
    # The first turn has to load what the others find loaded.
    old, new = spent[0][1:], spent[1][1:]
    ratios = sorted((b[0] + b[1]) / (a[0] + a[1]) for a, b in zip(old, new, strict=True))
    cells = []
    for turns in (old, new):
        engine, redis, trips = (statistics.median(column) for column in zip(*turns, strict=True))
        least = min(one[0] + one[1] for one in turns)
        cells.append(f"{engine:.0f} + {redis:.0f} ({least:.0f}) | {trips:.1f}")
    ratio = f"{statistics.median(ratios):.3f} ({ratios[len(ratios) // 4]:.3f}-{ratios[3 * len(ratios) // 4]:.3f})"
    print(f"| {title} | {' | '.join(cells)} | {ratio} | {os.getloadavg()[0]:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versions", description=__doc__)
    parser.add_argument("old", type=Path, help="the source of the other version")
    parser.add_argument("-n", "--number", type=int, default=400, help="messages (default: 400)")
    parser.add_argument("--new", type=Path, default=Path(__file__).resolve().parent.parent, help="in place of this one")
    parser.add_argument("--network", choices=("on", "off", "both"), default="both")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, args.port, args.number)
        return
    from benchmarks.network_rows import name_server

    differences: list[str] = []
    print(
        "| | before: engine + Redis, µs (least) | trips | now | trips | now over before (quartiles) | load |\n"
        "|---|---|---|---|---|---|---|"
    )
    for network in ("off", "on"):
        if args.network in (network, "both"):
            with contextlib.ExitStack() as stack:
                port = stack.enter_context(name_server(0.0)) if network == "on" else 0
                both = stack.enter_context(versions([args.old.resolve(), args.new], port, args.number))
                compare(f"network {network}, new", both, args.number, differences)
                compare(f"network {network}, again", both, args.number, differences)
    digest = hashlib.blake2b("\n".join(differences).encode(), digest_size=4).hexdigest()
    print(f"{len(differences)} messages of which something else was said" + (f" ({digest})" if differences else ""))
    for difference in differences[:3]:
        print(*(line[:2000] for line in difference.splitlines()), sep="\n  ")
    raise SystemExit(1 if differences else 0)


if __name__ == "__main__":
    main()
