"""A small made-up corpus: ham about a garden club, spam about pills, each message a little different."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

HAM_WORDS = ("garden club meeting tuesday minutes roses seeds greenhouse compost", "committee agenda tea thanks soil")
SPAM_WORDS = ("cheap pills pharmacy discount viagra order guaranteed", "offer winner casino credit refinance rolex")
COMMON_WORDS = ("the and you for with this that from have will your about",)

MakeMessage = Callable[[int, bool], bytes]


def _split(lines: tuple[str, ...]) -> list[str]:
    return [word for line in lines for word in line.split()]


@pytest.fixture(scope="session")
def make_message() -> MakeMessage:
    """Return a function from (number, is spam) to a message, the same for the same arguments."""

    def make(number: int, spam: bool) -> bytes:
        chance = random.Random(f"{number} {spam}")
        words, common = _split(SPAM_WORDS if spam else HAM_WORDS), _split(COMMON_WORDS)
        text = " ".join(chance.choice(words if chance.random() < 0.6 else common) for _ in range(40))
        sender = "shop" if spam else "club"
        lines = [
            f"Received: from {sender}.example ({sender}.example [192.0.2.{number % 250}]) by mx; Mon, 2 Nov 2026",
            f"From: Somebody <{sender}{number}@{sender}.example>",
            "To: paul@example.org",
            f"Subject: {chance.choice(words)} {chance.choice(words)}",
            f"Message-ID: <{number}.{sender}@{sender}.example>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "",
            f"Hello {number},",
            text,
            f"see https://{sender}.example/{number}",
            "",
        ]
        return "\n".join(lines).encode()

    return make


@pytest.fixture
def index(tmp_path: Path, make_message: MakeMessage) -> Path:
    """Write 80 messages, every other one spam, and return their index."""
    lines = []
    (tmp_path / "mail").mkdir()
    for number in range(80):
        spam = number % 2 == 1
        (tmp_path / "mail" / str(number)).write_bytes(make_message(number, spam))
        lines.append(f"{'spam' if spam else 'ham'}\tmail/{number}\n")
    path = tmp_path / "index.tsv"
    path.write_text("".join(lines))
    return path
