"""Row 7: what was learned lets through, with a proof of who sent it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tamis.authentication import Authentication, SpfCheck
from tamis.contract import Abstain, Context, Hit
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.filters.auto_whitelisted_sender import AutoWhitelistedSender
from tamis.sender_weights import Event, Weight
from tamis.testing import hits, mail
from tests.authentication.test_dmarc import spf

FILTER = AutoWhitelistedSender()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN, LISTS = "ann@example.net", "bounce@lists.example"
TEXT = f"From: Ann <{ANN}>\n\nbody\n"
NO_DMARC: ZoneText = {}


class Learned:
    """Weights in memory; each was learned at `NOW`."""

    half_life_days = 90.0

    def __init__(self, points: Mapping[tuple[str, str], float]) -> None:
        self._points = points

    def find(self, domain: str, sender: str) -> Weight | None:
        points = self._points.get((domain, sender))
        return None if points is None else Weight(points, NOW, {Event.RELEASE: 1})

    def complained_of(self, organisation: str, since: datetime) -> bool:
        return False


def answer(
    points: float = 1.0,
    sender: str = ANN,
    *,
    of: str = ANN,
    text: str = TEXT,
    check: SpfCheck | None = None,
    dns: ZoneText = NO_DMARC,
    options: AutoWhitelistedSender.Options | None = None,
    now: datetime = NOW,
) -> list[Hit]:
    """What is said of a message to bob@example.org and eve@other.example, where example.org knows `of`."""
    message = mail(text, sender=sender, recipients=["bob@example.org", "eve@other.example"])
    said = Authentication(message, ZoneDns(dns), check or spf("pass", sender.rpartition("@")[2]))
    learned = Learned({("example.org", of): points})
    options = options or FILTER.Options()
    context = Context(options, message.recipients, weights=learned, authentication=said, now=now)
    return list(FILTER.check(message, context))


def names(found: list[Hit]) -> list[str]:
    return [hit.name for hit in found]


def test_hit() -> None:
    envelope, author = answer()
    assert (envelope.name, envelope.decides, envelope.domain) == ("AUTO_WL_SENDER", True, "example.org")
    assert envelope.let_through == "Auto Whitelisted EMail Address"
    assert envelope.because == f"envelope sender {ANN} has earned 1.00 points with example.org, by 1 release"
    assert (author.name, author.let_through) == ("AUTO_WL_AUTHOR", "Auto Whitelisted EMail Address From (NRP)")


def test_clean() -> None:
    assert answer(of="somebody@example.net") == []
    assert answer(0.4) == []
    assert answer(-2.0) == []
    assert answer(sender="", text="From: x\n\nbody\n", of="") == []


def test_error() -> None:
    with pytest.raises(Abstain, match="has not been read yet"):
        hits(FILTER, mail(TEXT, sender=ANN))


@pytest.mark.parametrize(("days", "passes"), [(0, True), (89, True), (91, False), (-30, True)])
def test_what_was_learned_fades(days: int, passes: bool) -> None:
    """One point is half of one after a half-life; a clock that was set back makes it no more."""
    assert bool(answer(now=NOW + timedelta(days=days))) is passes
    assert not answer(0.45, now=NOW - timedelta(days=300))


def test_the_threshold_is_an_option() -> None:
    assert answer(1.0, options=FILTER.Options(threshold=1.5)) == []
    assert names(answer(2.0, options=FILTER.Options(threshold=1.5))) == ["AUTO_WL_SENDER", "AUTO_WL_AUTHOR"]


def test_the_author_alone_counts_and_is_an_option() -> None:
    aligned = spf("pass", "mail.example.net")
    assert names(answer(sender="x17@mail.example.net", check=aligned)) == ["AUTO_WL_AUTHOR"]
    assert answer(sender="x17@mail.example.net", check=aligned, options=FILTER.Options(author=False)) == []
    two = f"From: {ANN}, eve@evil.example\n\nbody\n"
    assert answer(sender="x17@mail.example.net", check=aligned, text=two) == []


@pytest.mark.parametrize("result", ["fail", "softfail", "none", "neutral", "permerror"])
def test_an_address_alone_proves_nothing(result: str) -> None:
    found = answer(check=spf(result))
    assert names(found) == ["AUTO_WL_UNAUTHENTIC", "AUTO_WL_UNAUTHENTIC"]
    assert not any(hit.decides or hit.let_through for hit in found)
    assert found[0].because.endswith("; but neither SPF nor DKIM proves it")


def test_a_pass_of_somebody_else_does_not_open_a_trusted_envelope() -> None:
    """The author signs as himself, and says a trusted address in MAIL FROM."""
    evil = "From: eve@evil.example\n\nbody\n"
    assert names(answer(text=evil, check=spf("pass", "evil.example"))) == ["AUTO_WL_UNAUTHENTIC"]


def test_a_trusted_envelope_does_not_open_another_author() -> None:
    """SPF proves the envelope, and nobody the author."""
    found = answer(sender=LISTS, of=LISTS)
    assert names(found) == ["AUTO_WL_UNAUTHENTIC"]


def test_what_the_dns_does_not_say_now_is_no_answer() -> None:
    with pytest.raises(Abstain, match="who sent the message is not known now"):
        answer(check=spf("temperror"))
    with pytest.raises(Abstain, match="who sent the message is not known now"):
        answer(check=spf("none"), dns={"_dmarc.example.net TXT": "SERVFAIL"})


def test_nobody_is_asked_where_nothing_was_learned() -> None:
    class Nobody:
        def ask(self, questions: object) -> list[object]:
            raise AssertionError

    message = mail(TEXT, sender=ANN)
    said = Authentication(message, Nobody())  # type: ignore[arg-type]
    context = Context(FILTER.Options(), message.recipients, weights=Learned({}), authentication=said)
    assert list(FILTER.check(message, context)) == []
