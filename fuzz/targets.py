"""What is fuzzed: a function of octets for each reader of the wire. What it raises is a finding, and so is what takes
long. Each also asserts what holds whatever comes in, as far as a line says it.
"""

import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from tamis import limits
from tamis.addresses import normalise_address, normalise_domain, parse_mailboxes
from tamis.charset import decode_bytes, decode_encoded_words
from tamis.delivery_failures import read_failure
from tamis.dns import Question, wire
from tamis.hosts import host
from tamis.links import bare_host, links_in
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.networks import parse_received
from tamis.rules import expressions, patterns, reading
from tamis.rules.finder import Finder, compiled
from tamis.rules.folding import fold
from tamis.tokens import BadToken, Purpose, Tokens

Target = Callable[[bytes], None]
TARGETS: Final[dict[str, Target]] = {}
SECONDS: Final = 10
"""An input that takes longer is a finding; instrumented code is several times slower than it is."""
_SECRET: Final = bytes(range(32))


def target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


@target
def message(octets: bytes) -> None:
    """The message view, all of it."""
    one = Message(octets)
    assert len(one.headers) <= limits.HEADER_FIELDS
    assert len(one.parts) <= limits.MIME_PARTS
    assert len(one.urls) <= limits.URLS
    assert all(len(url) <= limits.URL_CHARS for url in one.urls)
    _ = one.subject, one.authors, one.text, one.pages, one.text_parts, one.links, one.capped, one.digest
    read_failure(one)


@target
def headers(octets: bytes) -> None:
    """One field: encoded words, charsets, Received:."""
    value = Message(b"Subject: " + octets + b"\n\n").subject
    assert len(value) <= limits.HEADER_VALUE_CHARS
    decode_encoded_words(octets)
    charset, _, rest = octets.partition(b"\0")
    decode_bytes(rest, charset.decode("latin-1"))
    parse_received(octets.decode("utf-8", "surrogateescape"))


@target
def addresses(octets: bytes) -> None:
    found = parse_mailboxes(octets)
    assert len(found) <= limits.ADDRESSES
    text = octets.decode("utf-8", "surrogateescape")
    normalise_address(text)
    once = normalise_domain(text)
    assert normalise_domain(once) == once
    parse_ip(text)


@target
def urls(octets: bytes) -> None:
    text = octets.decode("utf-8", "replace")
    links_in(text)
    bare_host(text)
    host(text)


@target
def dns_packet(octets: bytes) -> None:
    """A reply to one of eight questions: read, or malformed."""
    kinds = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT")
    question = Question("www.example.org", kinds[octets[0] % 8] if octets else "A")  # type: ignore[arg-type]
    assert question.wire is not None
    reply = octets[1:]
    if octets[:1] >= b"\x80":
        # Past the comparison with the question, which most inputs would never pass.
        reply = reply[:2] + b"\x81\x80\0\1" + reply[6:12].ljust(6, b"\0") + question.wire + reply[12:]
    if wire.is_reply_to(reply, question.wire):
        found = wire.answer(reply, question.wire)
        assert len(found.records) <= limits.DNS_RECORDS
        wire.refuses_edns(reply)
        wire.is_truncated(reply)


@target
def dns_name(octets: bytes) -> None:
    for name in (octets, octets.decode("utf-8", "replace")):
        question = Question(name, "A")
        assert question.wire is None or len(question.wire) <= 255 + 4
        if question.wire is not None and isinstance(name, str) and "\\" not in question.name:
            # What is asked reads as it was asked, and asks the same again; octets that are no text are shown escaped.
            assert Question(question.name, "A").wire == question.wire


@target
def rules(octets: bytes) -> None:
    """A rule file, an expression and a pattern: read, or refused with what is wrong.

    Text behind a NUL is what a pattern meets: where the words that it needs are there, as anywhere else.
    """
    kind, text = octets[:1], octets[1:].decode("utf-8", "replace")
    try:
        if kind < b"\x55":
            reading.read([("fuzz.toml", text)])
        elif kind < b"\xaa":
            expressions.parse(text, {"a", "b", "c-d"})
        else:
            pattern, _, said = text.partition("\0")
            _find(patterns.check(pattern, frozenset()), fold(said).encode())
    except (reading.RulesError, expressions.BadExpression, patterns.BadPattern) as error:
        str(error)


def _find(pattern: str, text: bytes) -> None:
    ready = compiled(pattern, frozenset())
    met = ready.regexp.search(text)
    assert [*Finder([(ready, "x")]).search(text, ())] == ([("x", met.start(), met.end())] if met else [])


@target
def tokens(octets: bytes) -> None:
    """Nothing that was not signed is read, and what was is read in one spelling alone."""
    one = Tokens(_SECRET)
    text = octets.decode("latin-1")
    try:
        read = one.read(Purpose.RELEASE, text, now=0.0)
    except BadToken:
        return
    raise AssertionError(f"forged: {read}")


@target
def callbacks(octets: bytes) -> None:
    """A session of milter callbacks in any order, with the whole engine behind it. No callback and no row may fail."""
    wire = _session()
    pieces = octets.split(b"\xff")
    for piece in pieces[:200]:
        _call(wire, piece[:1], piece[1:])
    wire.session.close()


def _call(wire: Any, which: bytes, rest: bytes) -> None:
    session, words = wire.session, rest.split(b"\0")
    match which:
        case b"C":
            # libmilter's binding hands over text that is UTF-8 alone.
            session.connect(words[0].decode("utf-8", "replace"), 2, (words[-1].decode("latin-1"), len(rest)))
        case b"O":
            session.hello(rest.decode("utf-8", "replace"))
        case b"M":
            session.envfrom(*words)
        case b"R":
            session.envrcpt(*words)
        case b"H":
            session.header(words[0].decode("utf-8", "surrogateescape"), b"\0".join(words[1:]))
        case b"B":
            session.body(rest)
        case b"E":
            session.eom()
        case b"A":
            session.abort()
        case b"{":
            wire.macros[words[0].decode("latin-1")] = words[-1].decode("utf-8", "replace")


def _raise(*words: object, **_: object) -> None:
    error = next((word for word in words if isinstance(word, BaseException)), None)
    raise AssertionError(f"a callback failed: {words}") from error


class _Wire:
    def __init__(self, session: Any) -> None:
        self.session = session
        self.macros: dict[str, str] = {"i": "4ABC"}
        session._setctx(None)
        session.getsymval = self.macros.get
        for name in ("addheader", "chgheader", "delrcpt", "setreply", "progress"):
            setattr(session, name, lambda *_: None)
        session.negotiate([0x1FF, 0x1FFFFF, 0, 0])


def prepare(name: str) -> None:
    """Import and build what a target needs at its first input."""
    if name == "callbacks":
        _session().session.close()


def _session() -> _Wire:
    from tamis.milter.activity import Activity
    from tamis.milter.session import Session

    return _Wire(Session(_examiner(), Activity()))


@cache
def _examiner() -> Any:
    """The examiner of a worker around a real engine, without network, database or spool; what fails in it is raised."""
    # Here, since this is most of Tamis: the other targets start in a tenth of the time without it.
    from tamis.config import Config
    from tamis.contract import Stage
    from tamis.engine import Engine
    from tamis.mail import Mail
    from tamis.milter import log
    from tamis.milter.core import real_core
    from tamis.milter.examiner import Examiner

    log.failure = _raise
    log.info = lambda *_, **__: None

    class FailingEngine(Engine):
        """A row that fails abstains, and costs no message: here it is a finding."""

        def examine(self, mail: Mail) -> Any:
            record = super().examine(mail)
            failed = [(one.row.name, one.abstained) for one in record.answers if one.error]
            assert not failed, failed
            return record

        def prefetch(self, mail: Mail, stage: Stage) -> None: ...

    config = Config(configuration())
    return Examiner(real_core(), config, FailingEngine(config))


def configuration() -> Any:
    """All rows that ask nobody outside."""
    from tamis import config
    from tamis.contract import Filter
    from tamis.filters.order import ORDER

    state = tempfile.mkdtemp(prefix="tamis-fuzz-")
    outside = [row.name for row in ORDER if row.filter and row.filter.queries is not Filter.queries]
    off = "".join(f"[policy.filters.{name}]\nenabled = false\n" for name in outside)
    text = f'[daemon]\nstate_directory = "{state}"\n[dns]\nservers = ["127.0.0.1:1"]\n[policy]\nmode = "tag"\n{off}'
    return config.parse(text, "fuzz").settings
