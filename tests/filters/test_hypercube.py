"""Row 25: near a known bad family, near good ones, or nothing known."""

import random
from pathlib import Path

import pytest

from tamis import limits
from tamis.attachments import Attachments
from tamis.attachments.kinds import Kind
from tamis.attachments.known import KnownFiles
from tamis.attachments.known_file import Columns
from tamis.attachments.sketch import sketch
from tamis.contract import Abstain, Context
from tamis.filters.hypercube import Hypercube
from tamis.message import Message
from tamis.testing import hits, mail
from tests.attachments.making import PNG, text, zipped

FILTER = Hypercube()
PROGRAM = Path("/bin/ls").read_bytes()


def changed(content: bytes) -> bytes:
    found = bytearray(content)
    for at in random.Random(1).sample(range(200, len(content)), 200):
        found[at] ^= 0x55
    return bytes(found)


def known(bad: int, good: int = 0) -> KnownFiles:
    return Columns([], [(sketch(PROGRAM, Kind.ELF), "elf", "Test.Family", bad, good)]).known()


@pytest.mark.parametrize("content", [PROGRAM, changed(PROGRAM)])
@pytest.mark.parametrize("packed", [False, True])
def test_hit(content: bytes, packed: bool) -> None:
    file = ("a.zip", zipped({"x.bin": content})) if packed else ("x.bin", content)
    assert hits(FILTER, mail(text(file)), known_files=known(20)) == ["NEAR_MALWARE"]


def test_what_it_says() -> None:
    sent = text(("x.bin", PROGRAM))
    context = Context(FILTER.Options(), attachments=Attachments(Message(sent)), known_files=known(20))
    (hit,) = FILTER.check(mail(sent), context)
    assert hit.decides
    assert hit.because == "the file 'x.bin' is 0 bits from 'Test.Family'; near it 20 bad, 0 good"


def test_clean() -> None:
    other = Path("/bin/bash").read_bytes()
    assert hits(FILTER, mail(text(("x.bin", other), ("a.png", PNG))), known_files=known(20)) == []
    assert hits(FILTER, mail(text(("x.bin", PROGRAM)))) == []


def test_abstains_where_not_all_was_looked_at() -> None:
    with pytest.raises(Abstain, match="a cap"):
        hits(FILTER, mail(b"\n" + b"a" * limits.MESSAGE_BYTES), known_files=known(20))
    # Nothing is near anything while nothing is known.
    assert hits(FILTER, mail(b"\n" + b"a" * limits.MESSAGE_BYTES)) == []


def test_doubt_decides_nothing() -> None:
    assert hits(FILTER, mail(text(("x.bin", PROGRAM))), known_files=known(20, 20)) == ["NEAR_MALWARE_DOUBTFUL"]
    assert hits(FILTER, mail(text(("x.bin", PROGRAM))), known_files=known(1)) == ["NEAR_MALWARE_DOUBTFUL"]
