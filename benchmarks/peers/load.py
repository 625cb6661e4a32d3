"""Sending mail to a filter, and what is measured meanwhile."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from benchmarks.milter_client import Letter, MilterClient
from benchmarks.peers.products import Product
from tamis.postfix.instance import PrivatePostfix

_TRIES = 3


@dataclass(slots=True)
class Figures:
    """Of one product and one setting: one number for each round, and the seconds of every session."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    memory: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the sessions ended."""
        ordered = sorted(self.waits)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def unique(letters: Sequence[Letter], mark: str) -> list[Letter]:
    """Return the letters, each with a body of its own."""
    return [replace(one, body=one.body + f"\r\n{mark}-{number}\r\n".encode()) for number, one in enumerate(letters)]


def of_size(letters: Sequence[Letter], size: int) -> list[Letter]:
    """Return letters of so many octets, made of the words of all of them; header fields stay, but for MIME's."""
    words = b" ".join(one.body for one in letters).split()
    words = [word for word in words if word.isalpha() and len(word) < 20] or [b"words"]
    made = []
    for number, one in enumerate(letters):
        chosen = random.Random(number)
        lines: list[bytes] = []
        room = size
        while room > 0:
            lines.append(b" ".join(chosen.choices(words, k=10)))
            room -= len(lines[-1]) + 2
        header = [(name, value) for name, value in one.header if not name.lower().startswith((b"content-", b"mime-"))]
        made.append(replace(one, header=header, body=b"\r\n".join(lines) + b"\r\n"))
    return made


def run(product: Product, mail: Sequence[Letter], clients: int, into: Figures, postfix: PrivatePostfix | None) -> None:
    """Send all mail by so many clients at once, and add what it took."""
    lock = threading.Lock()

    def send(start: int) -> None:
        for one in mail[start::clients]:
            began = time.perf_counter()
            answer = _by_smtp(postfix, one) if postfix else _by_milter(product.port, one)
            with lock:
                into.answers[answer] += 1
                into.waits.append(time.perf_counter() - began)

    before, began = product.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        for done in [threads.submit(send, start) for start in range(clients)]:
            done.result()
    into.rates.append(len(mail) / (time.perf_counter() - began))
    into.cpu.append(1000 * (product.cpu_seconds() - before) / len(mail))
    into.memory = max(into.memory, product.memory_mebibytes())


def _by_milter(port: int, letter: Letter) -> str:
    answer = "failed"
    for _ in range(_TRIES):
        with contextlib.suppress(OSError), MilterClient(port) as client:
            answer = client.send(letter)[:3]
        if not answer.startswith("450"):
            break
        time.sleep(0.01)
    return answer


def _by_smtp(postfix: PrivatePostfix, letter: Letter) -> str:
    message = b"".join(name + b":" + value + b"\n" for name, value in letter.header)
    message = message.replace(b"\n", b"\r\n") + b"\r\n" + letter.body
    answer = "failed"
    for _ in range(_TRIES):
        with contextlib.suppress(OSError):
            sent = postfix.send(
                message,
                letter.sender,
                [letter.recipient],
                peer=letter.peer,
                name=letter.rdns or None,
                helo=letter.helo,
            )
            answer = str(sent.code)
        if answer != "450":
            break
        time.sleep(0.01)
    return answer
