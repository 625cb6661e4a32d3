"""Row 6."""

from datetime import UTC, datetime, timedelta

import pytest

from tamis.authentication import Authentication
from tamis.contract import Context, Hit
from tamis.dns.zone import ZoneDns
from tamis.filters.whitelisted_sender import WhitelistedSender
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail
from tests.authentication.test_dmarc import spf

FILTER = WhitelistedSender()
WITHOUT_AUTHOR = WhitelistedSender.Options(author=False)
MAIL = "From: Ann <ann@example.net>\n\nbody\n"


def entry(value: str, domain: str = "") -> Entry:
    return Entry(ListName.WHITELIST_SENDER, value, domain)


@pytest.mark.parametrize("value", ["bounce@lists.example", "lists.example", ".lists.example", ".example"])
def test_hit_on_the_envelope_sender(value: str) -> None:
    message = mail(MAIL, sender="<Bounce@Lists.Example>")
    assert hits(FILTER, message, WITHOUT_AUTHOR, lists=[entry(value)]) == ["WL_SENDER"]


@pytest.mark.parametrize("value", ["ann@example.net", "example.net", ".net"])
def test_hit_on_the_author(value: str) -> None:
    assert hits(FILTER, mail(MAIL, sender="bounce@lists.example"), lists=[entry(value)]) == ["WL_AUTHOR"]
    assert hits(FILTER, mail(MAIL, sender=""), lists=[entry(value)]) == ["WL_AUTHOR"]


def test_hit_on_both_names_the_envelope_first() -> None:
    assert hits(FILTER, mail(MAIL, sender="ann@example.net"), lists=[entry("example.net")]) == [
        "WL_SENDER",
        "WL_AUTHOR",
    ]


def test_the_words_of_the_header() -> None:
    message = mail(MAIL, sender="ann@example.net", recipients=["bob@example.org"])
    context = Context(FILTER.Options(), message.recipients, Lists([entry("ann@example.net", "example.org")]))
    envelope, author = FILTER.check(message, context)
    assert (envelope.let_through, author.let_through) == (
        "Whitelisted EMail Address",
        "Whitelisted EMail Address From (NRP)",
    )
    assert envelope.decides
    assert author.decides
    assert envelope.domain == author.domain == "example.org"


def test_the_author_is_an_option() -> None:
    assert hits(FILTER, mail(MAIL, sender=""), WITHOUT_AUTHOR, lists=[entry("example.net")]) == []


@pytest.mark.parametrize(
    "header",
    [
        "From: ann@example.net\nFrom: eve@evil.example",
        "From: eve@evil.example\nFrom: ann@example.net",
        "From: ann@example.net, eve@evil.example",
        'From: "ann@example.net" <eve@evil.example>',
        "From: ann@example.net <eve@evil.example>",
        "From: =?utf-8?q?ann=40example=2Enet?= <eve@evil.example>",
        "From: =?utf-8?q?ann=40example=2Enet=2C?= <eve@evil.example>",
        "From: eve@evil.example (ann@example.net)",
        "From: <ann@example.net> <eve@evil.example>",
        "From: ann@example.net.evil.example",
        "From: eve@evil.example\nSender: ann@example.net\nReply-To: ann@example.net",
        "Subject: x\n\nFrom: ann@example.net",
        "X-From: ann@example.net",
    ],
)
def test_nobody_gets_in_with_another_name(header: str) -> None:
    assert hits(FILTER, mail(f"{header}\n\nbody\n", sender="eve@evil.example"), lists=[entry("ann@example.net")]) == []


def test_clean() -> None:
    others = [
        entry("eve@example.net"),
        entry("mail.example.net"),
        entry("ann@example.net", "example.com"),
        Entry(ListName.BLACKLIST_SENDER, "ann@example.net"),
    ]
    assert hits(FILTER, mail(MAIL, sender="ann@example.net"), lists=others) == []
    assert hits(FILTER, mail("Subject: x\n\n", sender=""), lists=others) == []


def test_an_ended_entry_is_none() -> None:
    ended = Entry(ListName.WHITELIST_SENDER, "example.net", expires=datetime.now(UTC) - timedelta(seconds=1))
    assert hits(FILTER, mail(MAIL, sender="ann@example.net"), lists=[ended]) == []


def answer(result: str, policy: str = "", author: str = "ann@example.net", listed: str = "example.net") -> list[Hit]:
    """What is said of a message without a signature, by what SPF says of lists.example, and DMARC's policy."""
    message = mail(f"From: {author}\n\nbody\n", sender="bounce@lists.example", recipients=["bob@example.org"])
    dns = {"_dmarc.example.net TXT": [f"v=DMARC1; p={policy}"] if policy != "unknown" else "SERVFAIL"} if policy else {}
    said = Authentication(message, ZoneDns(dns), spf(result, "lists.example"))
    lists = Lists([entry(listed), entry("lists.example")])
    return list(FILTER.check(message, Context(FILTER.Options(), message.recipients, lists, authentication=said)))


def names(found: list[Hit]) -> list[str]:
    return [hit.name for hit in found]


@pytest.mark.parametrize("result", ["pass", "none", "neutral", "softfail", "temperror", "permerror"])
@pytest.mark.parametrize("policy", ["", "none", "unknown"])
def test_an_entry_applies_where_nothing_speaks_against_it(result: str, policy: str) -> None:
    assert names(answer(result, policy)) == ["WL_SENDER", "WL_AUTHOR"]


def test_no_entry_applies_while_spf_fails() -> None:
    found = answer("fail")
    assert names(found) == ["WL_UNAUTHENTIC", "WL_UNAUTHENTIC"]
    assert not any(hit.decides for hit in found)
    assert found[0].because == "envelope sender matches lists.example (whitelist_sender of the platform); but SPF fails"


@pytest.mark.parametrize("policy", ["quarantine", "reject"])
def test_no_entry_applies_while_dmarc_of_the_author_fails(policy: str) -> None:
    found = answer("pass", policy)
    assert names(found) == ["WL_UNAUTHENTIC", "WL_UNAUTHENTIC"]
    assert found[1].because.endswith(f"; but DMARC of example.net fails, which asks for {policy}")
    assert names(answer("pass", policy, author="ann@lists.example", listed="x.example")) == ["WL_SENDER", "WL_AUTHOR"]


def test_nobody_is_asked_where_no_entry_matches() -> None:
    class Nobody:
        def ask(self, questions: object) -> list[object]:
            raise AssertionError

    message = mail(MAIL, sender="ann@example.net")
    said = Authentication(message, Nobody())  # type: ignore[arg-type]
    context = Context(FILTER.Options(), message.recipients, Lists([entry("other.example")]), authentication=said)
    assert list(FILTER.check(message, context)) == []


@pytest.mark.parametrize(("result", "of", "found"), [
    ("pass", "lists.example", ["WL_SENDER"]),
    ("pass", "elsewhere.example", ["WL_UNAUTHENTIC"]),
    ("none", "lists.example", ["WL_UNAUTHENTIC"]),
    ("softfail", "lists.example", ["WL_UNAUTHENTIC"]),
    ("temperror", "lists.example", ["WL_UNAUTHENTIC"]),
])  # fmt: skip
def test_who_made_its_entry_itself_must_be_proved(result: str, of: str, found: list[str]) -> None:
    message = mail("From: eve@other.example\n\nbody\n", sender="ann@lists.example", recipients=["bob@example.org"])
    said = Authentication(message, ZoneDns({}), spf(result, of))
    made = Entry(ListName.WHITELIST_SENDER, "ann@lists.example", "example.org", "added by captcha")
    context = Context(FILTER.Options(), message.recipients, Lists([made]), authentication=said)
    assert names(list(FILTER.check(message, context))) == found
    by_hand = Entry(ListName.WHITELIST_SENDER, "ann@lists.example", "example.org", "added by bob")
    context = Context(FILTER.Options(), message.recipients, Lists([by_hand]), authentication=said)
    assert names(list(FILTER.check(message, context))) == ["WL_SENDER"]
