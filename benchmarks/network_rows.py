"""What the rows that ask the network cost, on real mail: `python -m benchmarks.network_rows`.

All of them are on: greylisting (what is told to come back does so at once), SPF, DKIM, DMARC and ARC, reverse DNS, DNS
lists (four of addresses, two of domains, three of URLs), invalid MX, HELO, complaints, traps and bans. The daemon is
the real one, with two workers, the keeper and its private Redis, asked over its socket by a milter client of our own.
The mail is that of the folder TAMIS_CORPORA; peer and HELO name are those of its trace, the sender is its author. The
name server, `benchmarks.invented_dns`, runs in a process of its own.

First all of the mail goes to a daemon that knows nothing, then once more (*warm*), then to new workers that find only
Redis warm. CPU is that of all processes of Tamis, from their start of serving on, per message; the client's, and the
name server's, do not count. They share the cores, so messages a second are fewer than a mail server would see.
"""

import argparse
import contextlib
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.invented_dns import LISTS
from benchmarks.milter_client import Letter, MilterClient
from tamis.message import Message
from tamis.networks import parse_received
from tamis.postfix.served import RunningTamis

SHARES: Final = {"trec07p-first20k": 0.4, "spamassassin": 0.3, "modern": 0.3}
CLIENTS: Final = 8
_COUNTS: Final = ("memory", "on its way", "Redis", "servers", "answers asked", "answers known")
_GOOD: Final = ("c", "a")

SETTINGS: Final = """
[policy]
mode = "tag"
[policy.filters.greylisting]
enabled = true
delay_minutes = 0.0001
[log]
level = "warning"
[redis]
maxmemory = "512mb"
"""

COUNTING: Final = f"""
import mmap, os, struct, threading
from tamis.answers import Answers
from tamis.dns.resolver import Resolver
from tamis.dns.transport import Transport

lock, mine = threading.Lock(), {{}}
known, fetched, sent, answers = Resolver._known, Resolver._fetched, Transport.send, Answers.fetch

def add(*numbers):
    pid = os.getpid()
    with lock:
        if pid not in mine:
            path = os.path.join(os.environ["TAMIS_COUNTS"], str(pid))
            with open(path, "w+b") as file:
                file.truncate(8 * {len(_COUNTS)})
                mine[pid] = mmap.mmap(file.fileno(), 8 * {len(_COUNTS)})
        room = mine[pid]
        old = struct.unpack_from("{len(_COUNTS)}Q", room)
        struct.pack_into("{len(_COUNTS)}Q", room, 0, *(one + more for one, more in zip(old, numbers)))

def count_known(self, question, now):
    flight = known(self, question, now)
    if flight is not None and question.wire is not None:
        add(*((1, 0) if flight.answer is not None else (0, 1)), 0, 0, 0, 0)
    return flight

def count_fetched(self, fresh, entries):
    rest = fetched(self, fresh, entries)
    add(0, 0, len(fresh) - len(rest), 0, 0, 0)
    return rest

def count_sent(self, flights):
    add(0, 0, 0, len(flights), 0, 0)
    sent(self, flights)

def count_answers(self, keys, trip=None):
    found = answers(self, keys, trip)
    add(0, 0, 0, 0, len(found), len(found) - found.count(None))
    return found

Resolver._known, Resolver._fetched = count_known, count_fetched
Transport.send, Answers.fetch = count_sent, count_answers
"""
"""Python imports a module of the name sitecustomize before anything else: the daemon is the real one, and counts."""


def lists() -> str:
    """The settings of the DNS lists."""
    kinds = {"ip": 4, "domain": 2, "url": 3}
    names = ((kind, f"{kind}{number}") for kind, count in kinds.items() for number in range(count))
    return "".join(f'[dnslists.{name}]\nzone = "{name}.{LISTS}"\nkind = "{kind}"\n' for kind, name in names)


def letters(corpora: Path, number: int) -> list[Letter]:
    """Return so many messages of three corpora, in an order that mixes them."""
    paths: list[Path] = []
    for name, share in SHARES.items():
        lines = (corpora / name / "index.tsv").read_text("utf-8").splitlines()
        wanted = round(share * number)
        paths += [corpora / name / lines[len(lines) * place // wanted].split("\t")[1] for place in range(wanted)]
    return [letter(path.read_bytes()) for path in sorted(paths, key=lambda path: zlib.crc32(str(path).encode()))]


def letter(raw: bytes) -> Letter:
    """A message with the envelope that its trace tells; what it does not tell is made up from its octets."""
    message = Message(raw)
    spare = zlib.crc32(raw)
    found = next(filter(None, (parse_received(field.text) for field in message.fields("received"))), None)
    address, name, helo = found if found else (None, "", "")
    if address is None or address.version != 4 or not address.is_global:
        address, name = None, ""
    author = message.authors[0].address if message.authors else ""
    head, _, body = message.raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        name_of, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = fields[-1][0], fields[-1][1] + b"\n" + line
        elif colon and name_of.isascii():
            fields.append((name_of, value))
    sender = author if author.isascii() and "@" in author else f"someone@sender{spare % 3000}.example"
    return Letter(
        peer=str(address or f"198.51.{spare % 200}.{spare // 200 % 250 + 1}"),
        rdns=name or "",
        helo=helo or "mail.sender.example",
        sender=sender,
        recipient=f"user{spare % 50}@example.net",
        header=[(one, value.replace(b"\0", b"")) for one, value in fields],
        body=body.replace(b"\n", b"\r\n"),
    )


@contextlib.contextmanager
def name_server(delay: float) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.invented_dns", str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def family(pid: int) -> Iterator[tuple[int, str]]:
    """Yield a process and all below it, each with what it is called."""
    with contextlib.suppress(OSError):
        yield pid, Path(f"/proc/{pid}/comm").read_text().strip()
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from family(int(child))


def seconds_of(pid: int) -> dict[str, float]:
    """Return the seconds of CPU that a daemon's processes have taken, by their names."""
    taken: dict[str, float] = defaultdict(float)
    for one, name in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            taken[name] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return taken


def counts_in(folder: Path) -> Counter[str]:
    """Return what all workers have counted so far."""
    found: Counter[str] = Counter()
    for path in folder.iterdir():
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as room:
            found.update(dict(zip(_COUNTS, struct.unpack_from(f"{len(_COUNTS)}Q", room), strict=True)))
    return found


def send_all(port: int, mail: list[Letter]) -> tuple[float, Counter[str], list[float]]:
    """Send all mail by some clients at once; return the seconds, the answers, and the seconds of each session."""
    answers: Counter[str] = Counter()
    waits: list[float] = []
    lock = threading.Lock()

    def run(start: int) -> None:
        for one in mail[start::CLIENTS]:
            for _ in range(3):
                began = time.perf_counter()
                with MilterClient(port) as client:
                    answer = client.send(one)
                with lock:
                    answers[answer[:9] if answer not in _GOOD else "accepted"] += 1
                    waits.append(time.perf_counter() - began)
                if not answer.startswith("450"):
                    break
                time.sleep(0.01)

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        for done in [threads.submit(run, start) for start in range(CLIENTS)]:
            done.result()
    return time.perf_counter() - began, answers, waits


def measure(title: str, tamis: RunningTamis, folder: Path, mail: list[Letter]) -> None:
    """Print what it takes to send all mail once."""
    assert tamis.process is not None
    before, counted = seconds_of(tamis.process.pid), counts_in(folder)
    seconds, answers, waits = send_all(int(tamis.milter.rpartition(":")[2]), mail)
    after, now = seconds_of(tamis.process.pid), counts_in(folder)
    cpu = {name: 1000 * (after[name] - before.get(name, 0.0)) / len(mail) for name in after}
    dns = {name: now[name] - counted[name] for name in _COUNTS}
    asked = sum(dns[name] for name in _COUNTS[:4])
    waits.sort()
    print(f"{title}: {len(mail) / seconds:.0f} messages a second, CPU {sum(cpu.values()):.2f} ms each")
    print("  CPU by process: " + ", ".join(f"{name} {number:.2f}" for name, number in sorted(cpu.items())))
    where = ", ".join(f"{name} {share(dns[name], asked)}" for name in _COUNTS[:4])
    print(f"  DNS: {asked / len(mail):.1f} questions a message, {share(asked - dns['servers'], asked)} known: {where}")
    filters = dns["answers asked"]
    print(f"  filters' answers in Redis: {share(dns['answers known'], filters)} of {filters / len(mail):.1f} a message")
    late = 1000 * waits[int(0.99 * (len(waits) - 1))]
    print(
        f"  a session: median {1000 * waits[len(waits) // 2]:.0f} ms, 99 of 100 within {late:.0f} ms; {dict(answers)}"
    )
    sys.stdout.flush()


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network_rows", description=__doc__)
    parser.add_argument("-n", "--number", type=int, default=10_000, help="messages (default: 10000)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the name server waits (default: 0)")
    args = parser.parse_args()
    if "TAMIS_CORPORA" not in os.environ:
        raise SystemExit("TAMIS_CORPORA has to name the folder of the corpora")
    mail = letters(Path(os.environ["TAMIS_CORPORA"]), args.number)
    with tempfile.TemporaryDirectory() as place, name_server(args.delay) as port:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "sitecustomize.py").write_text(COUNTING, "utf-8")
        counts = folder / "counts"
        counts.mkdir()
        counts.chmod(0o777)
        environment = {"PYTHONPATH": str(folder), "TAMIS_COUNTS": str(counts)}
        settings = f'[dns]\nservers = ["127.0.0.1:{port}"]\n{SETTINGS}{lists()}'
        with RunningTamis(settings, environment=environment) as tamis:
            print(f"{len(mail)} messages, the name server answers after {1000 * args.delay:g} ms")
            measure("cold", tamis, counts, mail)
            measure("warm", tamis, counts, mail)
            tamis.reload()
            time.sleep(5)
            measure("new workers, Redis warm", tamis, counts, mail)
            said = [line for line in tamis.log_text().splitlines() if "severity=info" not in line]
            print(f"warnings and errors in the log: {len(said)}", *said[:5], sep="\n  ")


if __name__ == "__main__":
    main()
