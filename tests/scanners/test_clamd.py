"""The client of clamd: what a real one says, and servers that lie, say nothing, or never stop."""

import base64
import contextlib
import os
import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.message import Message
from tamis.scanners import clamd, shown
from tamis.scanners.endpoint import Endpoint, TooLarge, Unanswered, parse_endpoint
from tests.scanner_servers import EICAR, Clamd, Liar
from tests.scanners.conftest import EVIL

EICAR_MAIL = (
    b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\nhi\n--b\n'
    b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
    + base64.b64encode(EICAR)
    + b"\n--b--\n"
)


def place(text: str) -> Endpoint:
    endpoint = parse_endpoint(text)
    assert endpoint is not None
    return endpoint


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


@pytest.mark.servers
@pytest.mark.parametrize(
    ("message", "found"),
    [
        (b"Subject: a\n\n" + EVIL + b"\n", "Test.Evil.UNOFFICIAL"),
        (b"Subject: " + EVIL + b"\n\nhello\n", "Test.Evil.UNOFFICIAL"),
        (b"Subject: a\n\nhello\n", ""),
        (b"", ""),
        (EICAR_MAIL, "Eicar-Test.UNOFFICIAL"),
        # A first field that makes a picture of a message would keep its parts from being opened.
        (b"GIF89a: x\n" + EICAR_MAIL, "Eicar-Test.UNOFFICIAL"),
    ],
)
def test_what_a_real_one_finds(clam: Clamd, message: bytes, found: str) -> None:
    assert clamd.scan(place(clam.endpoint), shown.pieces(Message(message)), soon()) == found


@pytest.mark.servers
def test_what_it_says_of_itself(clam: Clamd) -> None:
    clamd.ping(place(clam.endpoint))
    said = clamd.version(place(clam.endpoint))
    assert clamd.database(said).startswith("100/")
    assert clamd.database("ClamAV 1.4.6") == ""


@pytest.mark.servers
def test_a_stream_that_is_longer_than_it_takes(clam: Clamd) -> None:
    with pytest.raises(TooLarge):
        clamd.scan(place(clam.endpoint), [b"a" * 100_000] * 20, soon())


def test_nobody_there() -> None:
    for text in ("unix:/nowhere/clamd", "inet:1@127.0.0.1"):
        with pytest.raises(Unanswered, match="no connection") as failure:
            clamd.scan(place(text), [b"x"], soon())
        assert failure.value.dead


@pytest.mark.parametrize("text", ["", "unix:relative", "inet:0@127.0.0.1", "inet:70000@::1", "inet:3310@host", "fd:3"])
def test_what_is_no_endpoint(text: str) -> None:
    assert parse_endpoint(text) is None


def test_endpoints() -> None:
    assert place("unix:/run/clamav/clamd.ctl").family is socket.AF_UNIX
    assert place("inet:3310@[::1]").address == ("::1", 3310)


def say(octets: bytes) -> "Liar":
    """A server that takes the whole stream and then says these octets."""

    def answer(connection: socket.socket) -> None:
        taken = b""
        while not taken.endswith(bytes(4)) and not taken.endswith(b"N\0") and not taken.endswith(b"G\0"):
            piece = connection.recv(65536)
            if not piece:
                break
            taken += piece
        connection.sendall(octets)

    return Liar(answer)


@pytest.mark.parametrize(
    ("octets", "dead"),
    [
        (b"", True),
        (b"stream: OK", True),
        (b"stream: OK\0stream: X FOUND\0", False),
        (b"stream:  FOUND\0", False),
        (b"OK\0", False),
        (b"stream: Can't allocate memory ERROR\0", False),
        (b"x" * 100_000, True),
        (b"\xff\xfe\0", False),
    ],
)
def test_what_is_no_verdict(octets: bytes, dead: bool) -> None:
    with say(octets) as liar, pytest.raises(Unanswered) as failure:
        clamd.scan(place(liar.endpoint), [b"Subject: x\n\n"], soon(2))
    assert failure.value.dead is dead


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_only_the_exact_words_are_clean(octets: bytes) -> None:
    with contextlib.suppress(Unanswered, TooLarge):
        assert clamd._verdict(octets) != "" or octets == b"stream: OK\0"


def test_a_name_is_safe_and_short() -> None:
    name = clamd._verdict(b"stream: A\r\nB\x1b" + b"x" * 3000 + b" FOUND\0")
    assert name.startswith("A??B?x")
    assert len(name) == 200


@pytest.mark.servers
def test_one_that_says_nothing_is_asked_whether_it_lives() -> None:
    asked: list[bytes] = []

    def silent(connection: socket.socket) -> None:
        asked.append(connection.recv(100))
        connection.recv(100)
        time.sleep(10)

    began = time.monotonic()
    with Liar(silent) as liar, pytest.raises(Unanswered, match="PING") as failure:
        clamd.scan(place(liar.endpoint), [b"x"], soon(5))
    assert failure.value.dead
    assert time.monotonic() - began < 4
    assert any(said.startswith(b"zPING") for said in asked)


@pytest.mark.servers
def test_one_that_lives_and_is_slow_has_until_the_deadline() -> None:
    def slow(connection: socket.socket) -> None:
        said = connection.recv(100)
        if said.startswith(b"zPING"):
            connection.sendall(b"PONG\0")
            return
        time.sleep(1.6)
        connection.sendall(b"stream: OK\0")
        connection.recv(100)

    with Liar(slow) as liar:
        assert clamd.scan(place(liar.endpoint), [b"x"], soon(10)) == ""
        with pytest.raises(Unanswered, match="in time") as failure:
            clamd.scan(place(liar.endpoint), [b"x"], soon(1.2))
        assert not failure.value.dead


@pytest.mark.servers
def test_one_that_drips_ends_with_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"s")
            time.sleep(0.05)

    began = time.monotonic()
    with Liar(drip) as liar, pytest.raises(Unanswered):
        clamd.scan(place(liar.endpoint), [os.urandom(1000)], soon(0.8))
    assert time.monotonic() - began < 3


@pytest.mark.servers
def test_one_that_takes_nothing_ends_with_the_deadline() -> None:
    with Liar(lambda connection: time.sleep(10)) as liar, pytest.raises(Unanswered):
        clamd.scan(place(liar.endpoint), (b"a" * 1_000_000 for _ in range(50)), soon(3))
