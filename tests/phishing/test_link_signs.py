"""Row 23: links that pretend. Each sign is found in a message written for it, and in no plain one."""

from collections.abc import Sequence

import pytest

from tamis.contract import Abstain, Context
from tamis.dns_lists import DnsList
from tamis.filters.surbl import Surbl
from tamis.message import Message
from tamis.phishing.link_signs import SIGNS
from tamis.phishing.urls import Link, links_of
from tamis.site import Site
from tamis.testing import hits, mail

OWN = "ann@example-corp.org"


def page(body: str, author: str = "bob@sender.example.net") -> str:
    return f"From: {author}\nContent-Type: text/html; charset=utf-8\n\n<p>Hello Ann, {body} and more of the text.</p>\n"


def link(url: str, shown: str = "click here") -> str:
    return page(f'<a href="{url}">{shown}</a>')


def found(text: str, recipients: Sequence[str] = (OWN,)) -> list[str]:
    return hits(Surbl(), mail(text, recipients=recipients))


FIRED = {
    "LINK_SHOWN_OTHER": link("https://evil.example.org/x", "www.example.com"),
    "LINK_SHOWN_BRAND": link("https://evil.example.org/x", "https://www.paypal.com/signin"),
    "LINK_BRAND_LOOKS": link("https://paypa1.com/x"),
    "LINK_BRAND_TYPO": link("https://netfliix.com/x"),
    "LINK_BRAND_SUBDOMAIN": link("https://paypal.com.evil.example.org/x"),
    "LINK_BRAND_WORD": link("https://paypal-secure.example.org/x"),
    "LINK_OWN_LOOKALIKE": link("https://exarnple-corp.org/x"),
    "LINK_OWN_SHOWN": link("https://evil.example.org/x", "webmail.example-corp.org"),
    "LINK_MIXED_SCRIPT": link("https://exаmple.net/x"),
    "LINK_OTHER_SCRIPT": link("https://пример.example.net/x"),
    "LINK_ADDRESS": link("http://198.51.100.7/x"),
    "LINK_ADDRESS_DISGUISED": link("http://3325256711/x"),
    "LINK_USER": link("https://www.example.com@evil.example.org/x"),
    "LINK_PORT": link("https://evil.example.org:8123/x"),
    "LINK_SHORTENER": link("https://bit.ly/3xYz"),
    "LINK_REDIRECTOR": link("https://www.google.com/url?q=https%3A%2F%2Fevil.example.org%2Fx&amp;sa=D"),
    "LINK_DETOURS": link("https://a.example.com/r?u=https://b.example.net/?u=https%3A%2F%2Fc.example.org"),
    "LINK_ANYBODY": link("https://some-name.web.app/x"),
    "LINK_CHEAP": link("https://example.cfd/x"),
    "LINK_DATA": link("data:text/html;base64,PGgxPkhlbGxvPC9oMT4="),
    "LINK_SCRIPT": link("javascript:window.location='http://evil.example.org/'"),
    "LINK_RECIPIENT": link(f"https://some-name.web.app/x#{OWN}"),
}
TOGETHER = {
    "LINK_OWN_SHOWN": ["LINK_SHOWN_OTHER"],
    "LINK_ADDRESS_DISGUISED": ["LINK_ADDRESS"],
    "LINK_RECIPIENT": ["LINK_ANYBODY"],
}


def test_every_sign_has_its_message() -> None:
    assert list(FIRED) == list(SIGNS)


@pytest.mark.parametrize("name", FIRED)
def test_hit(name: str) -> None:
    """And nothing that is not bound to go with it."""
    assert sorted(found(FIRED[name])) == sorted([name, *TOGETHER.get(name, [])])


@pytest.mark.parametrize(
    "text",
    [
        link("https://www.example.com/x"),
        link("https://mail.example.com/x", "www.example.com"),
        link("https://clicks.example.com/x", "bob@example.org"),
        link("https://clicks.example.com/x", "read example.com and more"),
        link("https://clicks.example.com/x", "invoice.zip"),
        link("https://www.paypal.fr/x", "paypal.com"),
        link("https://clicks.example.com/?to=https%3A%2F%2Fwww.other.example.org%2F", "other.example.org"),
        link("https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example.com", "www.paypal.com"),
        page('<a href="https://clicks.example.com/x">www.example.net</a>', "bob@example.net"),
        link("mailto:ann@example.org", "ann@example.org"),
        link("tel:+33123456789"),
        link("#top"),
        link("/relative"),
        link("cid:image001"),
        link("javascript:void(0)"),
        link("data:image/png;base64,AAAA"),
        link("https://www.example.com:443/x"),
        link("https://shop.example.com/x"),
        link("https://www.example.com/@name/x"),
        link("http://10.0.0.1/intranet"),
        link("https://bit.ly"),
        link("https://www.example.com/?utm_source=https://www.example.com/a"),
        link("https://müller.example.net/x"),
        link("https://www.bücher.de/x"),
        "From: bob@example.net\n\nhttps://www.example.com/ is my page.\n",
    ],
)
def test_clean(text: str) -> None:
    assert found(text) == []


def test_plain_text_has_links_too() -> None:
    assert found("From: bob@example.net\n\nGo to http://198.51.100.7/x now\n") == ["LINK_ADDRESS"]


def test_what_is_about_ones_own_domain_is_about_that_domain_alone() -> None:
    message = mail(FIRED["LINK_OWN_LOOKALIKE"], recipients=[OWN, "carol@other.example"])
    (hit,) = Surbl().check(message, Context(options=Surbl.Options(), recipients=message.recipients))
    assert (hit.name, hit.domain, hit.decides) == ("LINK_OWN_LOOKALIKE", "example-corp.org", False)


def test_a_freemail_domain_is_nobodys_own() -> None:
    assert found(link("https://gmial.example.org/x", "gmail.com"), ["ann@gmail.com"]) == ["LINK_SHOWN_BRAND"]


def test_the_signs_stand_where_the_lists_do_not_answer() -> None:
    site = Site(dns_lists=tuple(DnsList(name, f"{name}.example", "url") for name in "ab"))
    message = mail(FIRED["LINK_USER"])
    with pytest.raises(Abstain) as raised:
        hits(Surbl(), message, site=site)
    assert [hit.name for hit in raised.value.evidence] == ["LINK_USER"]
    assert hits(Surbl(), message, dns={}, site=site) == ["LINK_USER"]


def test_each_sign_counts_once() -> None:
    assert found(page('<a href="http://198.51.100.7/a">a</a><a href="http://198.51.100.8/b">b</a>')) == ["LINK_ADDRESS"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example.com/x", "a.example.com"),
        ("HTTPS:\\\\a.example.com\\x", "a.example.com"),
        ("//a.example.com/x", "a.example.com"),
        ("https:/a.example.com", "a.example.com"),
        ("https://user:pw@a.example.com:1?x", "a.example.com"),
        ("mailto:x@a.example.com", None),
        ("a.example.com", None),
        ("", None),
    ],
)
def test_the_host_of_a_link(url: str, host: str | None) -> None:
    assert Link(url).host == host


def test_links_are_capped() -> None:
    from tamis import limits

    many = "".join(f'<a href="https://h{n}.example.com/">x</a>' for n in range(2 * limits.SIGN_LINKS))
    assert len(links_of(Message(page(many).encode()))) == limits.SIGN_LINKS
