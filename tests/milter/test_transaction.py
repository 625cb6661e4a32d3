"""A message as it comes in: in memory, in a file of the spool, and where there is no room for that."""

import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tamis import limits
from tamis.milter.transaction import Transaction
from tamis.quarantine.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def files(spool: Spool) -> list[Path]:
    return sorted(path for path in spool.folder.rglob("*") if path.is_file())


def stored(spool: Spool, transaction: Transaction) -> bytes:
    incoming = transaction.incoming()
    transaction.close()
    (path,) = files(spool)
    assert path == spool.path(incoming.digest)
    assert path.name == hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()
    assert path.stat().st_size == incoming.size
    return path.read_bytes()


def test_octets_are_those_of_the_wire(spool: Spool) -> None:
    transaction = Transaction(spool)
    transaction.add_header("Subject", b"  two\n\tlines")
    transaction.add_header("X-Odd", b"no space \xff")
    for chunk in (b"one\r\n.two\r", b"\nthree\0\r\n"):
        transaction.add_body(chunk)
    assert transaction.message().raw == b"Subject:  two\n\tlines\nX-Odd:no space \xff\n\none\n.two\nthree\0\n"
    wire = b"Subject:  two\r\n\tlines\r\nX-Odd:no space \xff\r\n\r\none\r\n.two\r\nthree\0\r\n"
    assert stored(spool, transaction) == wire


def test_line_ends_are_taken_for_what_they_are_once(spool: Spool) -> None:
    """A signature covers each octet: CR CR LF is a CR and a line end."""
    transaction = Transaction(spool)
    transaction.add_header("Subject", b" x")
    transaction.add_body(b"one\r\r\ntwo\r\n")
    message = transaction.message()
    assert message.body == b"one\r\ntwo\n"
    assert message.size == len(message.raw)


def test_without_a_body(spool: Spool) -> None:
    transaction = Transaction(spool)
    transaction.add_header("Subject", b" x")
    assert transaction.message().raw == b"Subject: x\n\n"
    assert stored(spool, transaction) == b"Subject: x\r\n\r\n"


@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_large_message_moves_to_the_spool_and_is_seen_the_same(
    spool: Spool, late: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IN_MEMORY_BYTES", 30 + 5 * late)
    transaction = Transaction(spool)
    transaction.add_header("Subject", b" x")
    for number in range(10):
        transaction.add_body(b"line %d\r\n" % number)
    lines = b"".join(b"line %d\n" % number for number in range(10))
    assert transaction.message().raw == b"Subject: x\n\n" + lines
    assert len(files(spool)) == 1
    assert stored(spool, transaction) == b"Subject: x\r\n\r\n" + lines.replace(b"\n", b"\r\n")


def test_what_lies_beyond_what_filters_see_can_be_read(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(limits, "MESSAGE_BYTES", 200)
    monkeypatch.setattr(limits, "MIB", 64)
    wire = b"Subject: x\r\n\r\n" + b"a line\r\n" * 60
    transaction = Transaction(spool)
    transaction.add_header("Subject", b" x")
    transaction.add_body(b"a line\r\n" * 60)
    message = transaction.message()
    assert message.size_capped
    assert b"".join(message.beyond()) == wire[200:]
    assert b"".join(message.beyond()) == wire[200:]
    transaction.close()
    with pytest.raises(OSError, match="not kept"):
        b"".join(message.beyond())


def test_without_a_file_nothing_lies_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGE_BYTES", 200)
    transaction = Transaction(None)
    transaction.add_body(b"a line\r\n" * 60)
    with pytest.raises(OSError, match="not kept"):
        b"".join(transaction.message().beyond())


def test_what_is_not_held_leaves_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IN_MEMORY_BYTES", 10)
    transaction = Transaction(spool)
    transaction.add_body(b"x" * 100)
    assert len(files(spool)) == 1
    transaction.close()
    assert files(spool) == []


@contextmanager
def room_for(octets: int) -> Iterator[None]:
    """No file of this process can become longer within the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 50, 5_000])
def test_a_full_disk_costs_no_message_that_is_not_held(
    spool: Spool, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IN_MEMORY_BYTES", 10)
    transaction = Transaction(spool)
    lines = [b"%098d\r\n" % number for number in range(100)]
    with room_for(room):
        transaction.add_header("Subject", b" x")
        for line in lines:
            transaction.add_body(line)
        message = transaction.message()
    assert message.raw == b"Subject: x\n\n" + b"".join(lines).replace(b"\r", b"")
    with pytest.raises(OSError, match="File too large"):
        transaction.incoming()
    transaction.close()
    assert files(spool) == []


def test_without_a_spool_nothing_can_be_held() -> None:
    transaction = Transaction(None)
    transaction.add_header("Subject", b" x")
    assert transaction.message().subject == "x"
    with pytest.raises(OSError, match="no spool"):
        transaction.incoming()
