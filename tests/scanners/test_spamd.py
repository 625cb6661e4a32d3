"""The client of spamd: what a real one says, and answers that are cut, huge or no answers."""

import contextlib
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.scanners import spamd
from tamis.scanners.endpoint import Unanswered
from tamis.scanners.spamassassin import shown
from tamis.testing import mail
from tests.scanner_servers import Liar, Spamd
from tests.scanners.test_clamd import place, soon

TEXT = """\
From: Ann <ann@sender.example>
Subject: offer
X-Spam-Tests: FORGED=99
X-Spam-Status: No, tests=FORGED2

{}
"""
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def octets(text: str) -> bytes:
    return shown(mail(TEXT.format(text), sender="box@sender.example", helo="mx.sender.example", mta="mx.example"))


@pytest.mark.servers
def test_score_and_tests_of_a_real_one(assassin: Spamd) -> None:
    said = spamd.judge(place(assassin.endpoint), octets("our cheapest offer"), "ann@example.org", soon())
    tests = dict(said.tests)
    assert tests["T_CHEAP"] == 4.25
    # It is told the envelope, and nothing that the message says of SpamAssassin.
    assert "T_FROM" in tests
    assert not [name for name in tests if name.startswith("FORGED")]
    assert said.threshold == 5.0
    assert said.score == pytest.approx(sum(score or 0 for score in tests.values()), abs=0.11)
    assert "for ann@example.org" in assassin.log_text()
    assert spamd.judge(place(assassin.endpoint), octets(GTUBE), "", soon()).spam


@pytest.mark.servers
def test_names_alone_where_local_cf_asks_for_no_scores() -> None:
    if not Spamd.installed():
        pytest.skip("spamd is not installed")
    with Spamd("body T_CHEAP /cheapest/\n", scores=False) as server:
        said = spamd.judge(place(server.endpoint), octets("our cheapest offer"), "", soon())
    assert dict(said.tests)["T_CHEAP"] is None
    assert "T_CHEAP" in str(said)


def answer(octets: bytes) -> Liar:
    def say(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass
        connection.sendall(octets)

    return Liar(say)


GOOD = b"SPAMD/1.1 0 EX_OK\r\nContent-length: 2\r\nSpam: True ; 8.9 / 5.0\r\n\r\n\r\n"


def test_the_least_answer() -> None:
    with answer(GOOD) as liar:
        said = spamd.judge(place(liar.endpoint), b"x", "a b\r\nEvil: 1", soon())
    assert (said.spam, said.score, said.threshold, said.tests) == (True, 8.9, 5.0, ())


@pytest.mark.parametrize(
    ("said", "dead"),
    [
        (b"", True),
        (GOOD[:-3], True),
        (GOOD.replace(b"8.9", b"nan"), True),
        (GOOD.replace(b"True", b"Perhaps"), True),
        (GOOD.replace(b": 2", b": 999999999"), True),
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
        (b"SPAMD/1.0 76 Bad header line\r\n\r\n", True),
        (b"SPAMD/1.0 76 EX_PROTOCOL\r\n\r\n", False),
        (b"x" * 5_000_000, True),
    ],
)
def test_what_is_no_answer(said: bytes, dead: bool) -> None:
    with answer(said) as liar, pytest.raises(Unanswered) as failure:
        spamd.judge(place(liar.endpoint), b"x", "", soon(3))
    assert failure.value.dead is dead


@given(st.binary(max_size=200))
def test_no_octets_are_too_odd(said: bytes) -> None:
    for octets in (said, GOOD.replace(b"\r\n\r\n\r\n", b"\r\n\r\n") + said, GOOD + said):
        with contextlib.suppress(Unanswered):
            spamd._judgement(octets)
    spamd._tests(b"X-Spam-Tests: " + said + b"\nX-Spam-Status: Yes, tests=" + said)


@pytest.mark.servers
def test_one_that_says_nothing_is_found_dead() -> None:
    began = time.monotonic()
    with Liar(lambda connection: time.sleep(10)) as liar, pytest.raises(Unanswered, match="PING"):
        spamd.judge(place(liar.endpoint), b"x", "", soon(5))
    assert time.monotonic() - began < 4
