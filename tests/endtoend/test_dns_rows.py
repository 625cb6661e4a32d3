"""The rows that ask the DNS, on a real Postfix, with the real daemon and a real name server, well and in trouble."""

import base64
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tamis import limits
from tamis.dns.zone import ZoneText
from tamis.message import Message
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.served import RunningTamis
from tests.dns_server import DnsServer, Fault, garbage, garbage_inside
from tests.images.drawn import qr, saved

pytestmark = pytest.mark.servers

ZONE: ZoneText = {
    "7.2.0.192.in-addr.arpa PTR": ["mail.sender.example"],
    "mail.sender.example": ["192.0.2.7", "192.0.2.66", "192.0.2.67"],
    "sender.example MX": ["10 mail.sender.example"],
    "bare.example": ["192.0.2.99"],
    "mail.listed.example MX": ["10 mail.sender.example"],
    "null.example MX": ["0 ."],
    "inside.example MX": ["10 mx.inside.example"],
    "mx.inside.example": ["10.0.0.1"],
    **{f"2.0.0.127.{name}.lists.example": ["127.0.0.2"] for name in ("one", "two", "three")},
    **{f"test.{name}.lists.example": ["127.0.1.2"] for name in ("four", "five", "six", "seven")},
    **{f"66.2.0.192.{name}.lists.example": ["127.0.0.2"] for name in ("one", "three")},
    "67.2.0.192.one.lists.example": ["127.0.0.2"],
    **{f"listed.example.{name}.lists.example": ["127.0.1.2"] for name in ("four", "five")},
    **{f"{number}.2.0.192.in-addr.arpa PTR": ["mail.sender.example"] for number in (66, 67)},
    **{f"evil.example.{name}.lists.example": ["127.0.1.2"] for name in ("six", "seven")},
    "listed.example MX": ["10 mail.sender.example"],
    "9.2.0.192.in-addr.arpa PTR": ["stray.sender.example"],
}

SETTINGS = """
[networks]
own_names = ["mx.example.net"]
[policy]
mode = "tag"

[dnslists]
one = { zone = "one.lists.example", kind = "ip" }
two = { zone = "two.lists.example", kind = "ip" }
three = { zone = "three.lists.example", kind = "ip", codes = ["127.0.0.2"] }
four = { zone = "four.lists.example", kind = "domain" }
five = { zone = "five.lists.example", kind = "domain" }
six = { zone = "six.lists.example", kind = "url" }
seven = { zone = "seven.lists.example", kind = "url" }

[redis]
server = "no-redis"
"""


@dataclass(frozen=True)
class Case:
    """A message, and the row that must decide it; an empty one where none may."""

    row: str = ""
    test: str = ""
    peer: str = "192.0.2.7"
    helo: str = "mail.sender.example"
    sender: str = "ann@sender.example"
    header: str = ""
    text: str = "hello\n"
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def message(self) -> bytes:
        return (
            f"From: ann@sender.example\nTo: user@example.net\nSubject: hello\nMessage-ID: <{self.marker}@x.example>\n"
            f"{self.header}\n{self.text}\n{self.marker}\n"
        ).encode()


CASES = [
    Case(),
    Case("reverse-dns", peer="192.0.2.8"),
    Case(test="RDNS_UNCONFIRMED", peer="192.0.2.9", helo="stray.sender.example"),
    Case("invalid-mx", "MX_NONE", sender="ann@nowhere.example"),
    Case("invalid-mx", "MX_NULL", sender="ann@null.example"),
    Case("invalid-mx", "MX_PRIVATE", sender="ann@inside.example"),
    Case(test="NO_MX", sender="ann@bare.example"),
    Case("maps-rbl", "RBL_PEER", peer="192.0.2.66"),
    Case("maps-rbl", "RBL_DOMAIN", sender="ann@mail.listed.example"),
    Case(test="RBL_SOME", peer="192.0.2.67"),
    Case(
        "surbl",
        "SURBL_LISTED",
        header="MIME-Version: 1.0\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n",
        text=base64.encodebytes(saved(qr("https://www.evil.example/x"))).decode(),
    ),
    Case("surbl", "SURBL_LISTED", text="click https://gateway.example/?u=http%3A%2F%2Fwww.evil.example%2F\n"),
    Case("helo", "HELO_LOCALHOST", helo="localhost"),
    Case("helo", "HELO_OURS", helo="mx.example.net"),
    Case("helo", "HELO_LITERAL", helo="[192.0.2.99]"),
    Case(test="HELO_MISMATCH", helo="other.example"),
]


class Post:
    """Postfix, Tamis and the name server."""

    def __init__(self, names: DnsServer, postfix: PrivatePostfix) -> None:
        self.names = names
        self.postfix = postfix

    def send(self, case: Case) -> float:
        """Hand a message over, and return how many seconds the answer to its end took."""
        started = time.monotonic()
        reply = self.postfix.send(case.message, case.sender, ["user@example.net"], peer=case.peer, helo=case.helo)
        assert reply.accepted, reply
        return time.monotonic() - started

    def arrived(self, case: Case) -> Message:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for delivery in self.postfix.delivered.all():
                if case.marker.encode() in delivery.message:
                    return Message(delivery.content)
            time.sleep(0.02)
        raise AssertionError(f"lost: {case}\n{self.postfix.log_text()[-2000:]}")


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    with DnsServer(ZONE, ttl=0) as names:
        settings = f'[dns]\nservers = ["{names.address}"]\n{SETTINGS}'
        with RunningTamis(settings) as tamis, PrivatePostfix(tamis.milter, domains=["example.net"]) as postfix:
            yield Post(names, postfix)


def verdict(message: Message) -> str:
    return message.header("X-Tamis-Verdict") or ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.test or case.row or "clean")
def test_each_row_decides_its_own_case(post: Post, case: Case) -> None:
    post.send(case)
    message = post.arrived(case)
    if case.row:
        assert f" {case.row};" in verdict(message)
        assert (message.header("subject") or "").startswith("SPAM: ")
    else:
        assert verdict(message).startswith("ham;")
    assert case.test in (message.header("X-Spam-Status") or "")


@pytest.fixture(params=["killed", "servfail", "late", "garbage", "garbage inside"])
def trouble(request: pytest.FixtureRequest, post: Post) -> Iterator[str]:
    """The name server in trouble, then well again."""
    names, kind = post.names, request.param
    faults: dict[str, Fault] = {"garbage": garbage, "garbage inside": garbage_inside, "servfail": _servfail}
    if kind == "killed":
        names.stop()
    elif kind == "late":
        names.delay = 3.5
    else:
        names.fault_for_all = faults[kind]
    yield kind
    names.delay, names.fault_for_all = 0.0, None
    if kind == "killed":
        names.start()
    _until(lambda: _answers(post))


def _servfail(query: bytes, reply: bytes) -> list[bytes]:
    return [reply[:2] + bytes((reply[2], (reply[3] & 0xF0) | 2)) + reply[4:6] + bytes(6) + query[12:-11]]


def test_in_trouble_no_message_is_lost_nor_taken_for_spam(post: Post, trouble: str) -> None:
    """What would be clean stays so, and so does what the DNS alone could convict."""
    seconds = {}
    for case in [Case(test=case.test, **_what(case)) for case in CASES]:
        seconds[case.marker] = post.send(case)
        message = post.arrived(case)
        assert (" helo;" if case.test in _BY_ITSELF else "ham;") in verdict(message), (trouble, case)
    assert max(seconds.values()) < limits.DNS_SECONDS + 1.5, trouble


_BY_ITSELF = ("HELO_LOCALHOST", "HELO_OURS", "HELO_LITERAL")
"""What is known without the DNS."""


def _what(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in ("peer", "helo", "sender", "header", "text")}


def _answers(post: Post) -> bool:
    """Whether the daemon hears its name server again."""
    case = Case("reverse-dns", peer="192.0.2.8")
    post.send(case)
    return "reverse-dns" in verdict(post.arrived(case))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)
