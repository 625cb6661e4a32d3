"""What it costs to authenticate one message: `python -m benchmarks.authentication`.

CPU of this process, keys and policies known already (no DNS on the way), medians. dkimpy signs, and verifies beside us.
"""

import statistics
import time
from collections.abc import Callable, Sequence

import dkim

from tamis.authentication import Authentication
from tamis.dns import Answer, Question, Status
from tamis.mail import Mail
from tamis.message import Message
from tests.authentication.signing import HEADER, ed25519_key, rsa_key, signed
from tests.authentication.test_arc import sealed

ROUNDS = 100
BODY = b"a line of the body, as long as they are, with words and blanks\r\n"


class Known:
    """Every answer at once."""

    def __init__(self, record: str) -> None:
        self._answer = Answer(Status.OK, (record.encode(),), 300)

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer] * len(questions)


def print_cost(title: str, size: int, work: Callable[..., object], *arguments: object) -> None:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work(*arguments)
        times.append(1000 * (time.process_time() - began))
    print(f"{title:28}{size // 1000:>6} KB {statistics.median(times):8.3f} ms")


def main() -> None:
    for size in (5_000, 50_000, 1_000_000):
        message = HEADER + b"\r\n" + BODY * (size // len(BODY))
        for title, key in (("RSA 2048", rsa_key()), ("RSA 4096", rsa_key(4096)), ("Ed25519", ed25519_key())):
            print_cost(f"DKIM, {title}", size, our_dkim, signed(message, key), key.record)
        print_cost("DKIM, RSA 2048, dkimpy", size, their_dkim, signed(message))
        chain = sealed(3, signed(message))
        print_cost("ARC, 3 hops", size, our_arc, chain, rsa_key().record)
        print_cost("ARC, 3 hops, dkimpy", size, their_arc, chain)
    print_cost("unsigned", 5_000, our_dkim, HEADER + b"\r\n" + BODY * 80, "")


def our_dkim(text: bytes, record: str) -> None:
    _ = read(text, record).dkim


def our_arc(text: bytes, record: str) -> None:
    _ = read(text, record).arc


def their_dkim(text: bytes) -> None:
    dkim.verify(text, dnsfunc=known_key)


def their_arc(text: bytes) -> None:
    dkim.arc_verify(text, dnsfunc=known_key)


def known_key(*_: object, **__: object) -> bytes:
    return rsa_key().record.encode()


def read(text: bytes, record: str) -> Authentication:
    message = Message(text)
    _ = message.headers
    return Authentication(Mail(message), Known(record))


if __name__ == "__main__":
    main()
