"""Whatever a message holds: no fault inside, no unbounded time, and nothing asked that was not sent ahead."""

import mailbox
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.authentication import Authentication, evidence
from tamis.authentication.header import summary, written
from tamis.dns import Answer, Question, Status
from tamis.mail import Mail
from tamis.testing import mail
from tests.authentication.signing import BODY, HEADER, rsa_key, said, signed, zone
from tests.authentication.test_arc import DNS, sealed
from tests.core.test_message_fuzz import hostile

pytestmark = pytest.mark.slow

MODERN = Path(os.environ.get("TAMIS_CORPORA", ""), "modern")


class Anything:
    """Answers every question with the same octets, and keeps them."""

    def __init__(self, record: bytes) -> None:
        self.asked: list[str] = []
        self._record = record

    def ask(self, questions: list[Question]) -> list[Answer]:
        self.asked += map(str, questions)
        return [Answer(Status.OK, (self._record,) if one.type == "TXT" else ("x.example",), 60) for one in questions]


def all_of(found: Authentication, message: Mail) -> str:
    return written(found, message, "mx.example.org") + "".join([*summary(found), *evidence.found(found)])


tags = st.sampled_from([b"v=1", b"a=rsa-sha256", b"a=ed25519-sha256", b"d=x.example", b"s=s", b"i=1", b"i=@x.example"])
more = st.sampled_from(
    [b"h=from", b"h=:::", b"bh=aaaa", b"b=aaaa", b"c=relaxed", b"t=1", b"x=9999999999", b"l=0", b"cv=none"]
)
signature = st.lists(tags | more | st.binary(max_size=12), max_size=14, unique=True).map(b";".join)
names = st.sampled_from(
    [b"DKIM-Signature", b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results", b"From"]
)
fields = st.lists(st.tuples(names, signature).map(b": ".join), max_size=8).map(b"\n".join)
records = st.sampled_from([rsa_key().record.encode(), b"v=DMARC1; p=reject"]) | st.binary(max_size=80)


@given(fields, records)
def test_odd_signatures(header: bytes, record: bytes) -> None:
    message = mail(header + b"\nFrom: a@x.example\n\nbody\n")
    found = Authentication(message, Anything(record))
    found._safe = lambda work, otherwise: work()  # type: ignore[method-assign,assignment]
    all_of(found, message)


@given(hostile, records)
def test_hostile_messages(raw: bytes, record: bytes) -> None:
    message = mail(raw)
    found = Authentication(message, Anything(record))
    found._safe = lambda work, otherwise: work()  # type: ignore[method-assign,assignment]
    all_of(found, message)


def test_what_is_asked_was_sent_ahead() -> None:
    message = mail(sealed(3))
    dns = Anything(rsa_key().record.encode())
    found = Authentication(message, dns)
    ahead = {str(question) for question in found.questions()}
    assert dns.asked == []
    all_of(found, message)
    assert ahead == set(dns.asked) - {"x.example A"}
    assert ahead == {
        "7.2.0.192.in-addr.arpa PTR",
        "_dmarc.example.net TXT",
        *(f"sel._domainkey.{name} TXT" for name in ("example.net", "first.example", "second.example", "third.example")),
    }


def test_the_most_that_a_message_can_cost() -> None:
    """As many signatures as are looked at, over a body as large as is kept, in both forms."""
    line = b"word  word\tword " * 60 + b"\r\n"
    message = HEADER + b"\r\n" + line * ((limits.MESSAGE_BYTES - 200_000) // len(line))
    for number in range(12):
        message = signed(message, forms="simple/simple" if number % 2 else "relaxed/relaxed")
    found = said(message)
    began = time.process_time()
    assert [one.result for one in found.dkim] == ["pass"] * limits.DKIM_SIGNATURES
    assert time.process_time() - began < 1


def test_a_result_is_worked_out_once() -> None:
    found = said(sealed(1), {**DNS, **zone()})
    assert found.dkim is found.dkim
    assert found.arc is found.arc
    assert found.dmarc is found.dmarc


@pytest.mark.parametrize(
    ("message", "dns", "expected"),
    [
        (signed(), {**zone(), "_dmarc.example.net TXT": ["v=DMARC1; p=none"]}, ["DKIM_PASS", "DMARC_PASS"]),
        (signed(domain="other.example"), zone(domain="other.example"), ["DKIM_PASS_OTHER"]),
        (signed(), {}, ["DKIM_FAIL"]),
        (signed(), {"sel._domainkey.example.net TXT": "TIMEOUT"}, []),
        (sealed(1), DNS, ["DKIM_PASS", "ARC_PASS"]),
        (sealed(1).replace(b"Hello", b"Hullo"), DNS, ["DKIM_FAIL", "ARC_FAIL"]),
        (HEADER + b"\r\n" + BODY, {}, []),
    ],
)
def test_evidence(message: bytes, dns: dict[str, object], expected: list[str]) -> None:
    found = evidence.found(said(message, dns))
    assert found == expected
    assert set(found) <= set(evidence.TESTS)


@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.skipif(not MODERN.is_dir(), reason="TAMIS_CORPORA names no folder with modern mail")
def test_modern_mail(record_property: Callable[[str, object], None]) -> None:
    """Every signature of real mail can be read, or says why not; none of it takes long. The keys are not known."""
    counted: Counter[str] = Counter()
    files = [path for path in sorted(MODERN.rglob("*")) if path.is_file()]
    raws: list[bytes] = []
    for path in files:
        if path.suffix == ".mbox":
            raws += [bytes(one) for one in mailbox.mbox(path)]
        elif path.suffix not in (".tsv", ".md", ".txt"):
            raws.append(path.read_bytes())
    slowest = 0.0
    for raw in raws:
        message = mail(raw)
        found = Authentication(message, Anything(b""))
        found._safe = lambda work, otherwise: work()  # type: ignore[method-assign,assignment]
        began = time.process_time()
        all_of(found, message)
        slowest = max(slowest, time.process_time() - began)
        counted.update([f"dkim {one.result}: {one.reason}" for one in found.dkim])
        counted[f"arc {found.arc.result}: {found.arc.reason}"] += 1
    record_property("counted", f"{len(raws)} modern messages, slowest {1000 * slowest:.0f} ms: {dict(counted)}")
    assert raws
    assert slowest < 1
