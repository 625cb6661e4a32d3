"""The protocol of spamd: HEADERS and PING (spamd/PROTOCOL of SpamAssassin).

HEADERS tells score and threshold in its own header, and the tests in the fields that SpamAssassin writes above the
message. A score for each test stands only in a field that local.cf asks for; else the names alone are known.
"""

import re
import time
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.message import normalise
from tamis.mime import parse_header, unfold
from tamis.scanners.endpoint import Connection, Endpoint, Unanswered

SCORES_FIELD: Final = b"x-spam-tests"
"""``add_header all Tests _TESTSSCORES(,)_`` in SpamAssassin's local.cf writes it."""
_STATUS_FIELD: Final = b"x-spam-status"
_PING_SECONDS: Final = 0.5
_GREETING: Final = re.compile(rb"SPAMD/[0-9.]{1,8} ([0-9]{1,3}) [A-Z_]{1,20}\r\n")
_LENGTH: Final = re.compile(rb"^Content-length: ([0-9]{1,9})\r$", re.I | re.M)
_SPAM: Final = re.compile(
    rb"^Spam: (True|False|Yes|No) ; (-?[0-9]{1,6}(?:\.[0-9]{1,6})?) / (-?[0-9]{1,6}(?:\.[0-9]{1,6})?)\r$", re.M
)
_NAMES: Final = re.compile(rb"\btests=([A-Za-z0-9_,]+)")
_SCORED: Final = re.compile(rb"([A-Za-z0-9_]{1,80})=(-?[0-9]{1,6}(?:\.[0-9]{1,6})?)")
_USER: Final = re.compile(r"[A-Za-z0-9._+=@-]{1,254}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What SpamAssassin says: score and threshold in its own points; tests by name, with their scores where known."""

    spam: bool
    score: float
    threshold: float
    tests: tuple[tuple[str, float | None], ...] = ()

    def __str__(self) -> str:
        tests = ",".join(name if score is None else f"{name}={score:g}" for name, score in self.tests)
        return f"{self.score:g} of {self.threshold:g} ({tests or 'no test'})"


def ping(endpoint: Endpoint, seconds: float = _PING_SECONDS) -> str:
    """Return what it answers. Raises `Unanswered` where no spamd lives."""
    said = _ask(Connection(endpoint, time.monotonic() + seconds), b"PING SPAMC/1.5\r\n\r\n", 200)
    greeting = _GREETING.fullmatch(said)
    if greeting is None or b" PONG" not in said:
        raise Unanswered("is no spamd")
    return "PONG"


def judge(endpoint: Endpoint, octets: bytes, user: str, deadline: float) -> Judgement:
    """Return what it says of a message, in the name of a user where one is given. Raises `Unanswered`."""
    request = [b"HEADERS SPAMC/1.5", b"Content-length: %d" % len(octets)]
    if _USER.fullmatch(user):
        request.append(b"User: " + user.encode())
    connection = Connection(endpoint, deadline, lambda: _still_there(endpoint))
    said = _ask(connection, b"\r\n".join([*request, b"", b""]) + octets, limits.SPAMD_ANSWER_BYTES + len(octets))
    return _judgement(said)


def _still_there(endpoint: Endpoint) -> None:
    try:
        ping(endpoint)
    except Unanswered as failure:
        raise Unanswered(f"says nothing, and to PING: {failure}") from None


def _ask(connection: Connection, request: bytes, most: int) -> bytes:
    with connection:
        try:
            connection.send(request)
            connection.finish()
        except (BrokenPipeError, ConnectionResetError):
            pass  # It may have said why before it closed.
        return connection.receive(most)


def _judgement(said: bytes) -> Judgement:
    greeting = _GREETING.match(said)
    head, separator, body = said.partition(b"\r\n\r\n")
    if greeting is None or not separator:
        raise Unanswered("closed the connection without an answer" if not said else "is no spamd")
    if greeting[1] != b"0":
        # It could not, with this message.
        raise Unanswered(f"says {greeting[0].decode('ascii', 'replace').strip()!r}", dead=False)
    head += b"\r\n"
    length, spam = _LENGTH.search(head), _SPAM.search(head)
    if length is None or int(length[1]) != len(body) or spam is None:
        raise Unanswered("its answer is cut or makes no sense")
    return Judgement(spam[1] in (b"True", b"Yes"), float(spam[2]), float(spam[3]), _tests(body))


def _tests(header: bytes) -> tuple[tuple[str, float | None], ...]:
    """Return the tests that the topmost fields of SpamAssassin's name."""
    names: dict[str, float | None] = {}
    fields = parse_header(normalise(header)).fields
    for wanted in (SCORES_FIELD, _STATUS_FIELD):
        value = next((unfold(field.value) for field in fields if field.name.lower() == wanted), b"")
        value = re.sub(rb"[ \t]*,[ \t]*", b",", value)
        if wanted == SCORES_FIELD:
            names = {found[1].decode(): float(found[2]) for found in _SCORED.finditer(value)}
        elif found := _NAMES.search(value):
            names = dict.fromkeys(name.decode() for name in found[1].split(b",") if name and name != b"none")
        if names:
            break
    return tuple(names.items())[: limits.SPAMD_TESTS]
