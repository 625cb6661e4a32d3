"""What a message leads to and names: in text, markup and header fields, hidden or not; in linear time."""

import base64
import ipaddress
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.hosts import host, host_of
from tamis.links import Links, links_of
from tamis.message import Message

HTML = b"Content-Type: text/html; charset=utf-8\n\n"
TEXT = b"Content-Type: text/plain; charset=utf-8\n\n"
EVIL = "evil.org"


def subjects(raw: bytes) -> list[str]:
    return [str(subject) for subject in links_of(Message(raw)).subjects]


# --- the host


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("www.evil.org/path", "www.evil.org"),
        ("EVIL.Org", "evil.org"),
        ("evil.org.", "evil.org"),
        ("evil.org:8080/x", "evil.org"),
        ("bank.com@evil.org/x", "evil.org"),
        ("bank.com:80@evil.org:81/x", "evil.org"),
        ("evil.org\\@bank.com", "evil.org"),
        ("evil.org?@bank.com", "evil.org"),
        ("evil.org#@bank.com", "evil.org"),
        ("%65vil.org/", "evil.org"),
        ("ev\u00adil.org", "evil.org"),
        ("\uff45vil\u3002org", "evil.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.0.2.1/x", "192.0.2.1"),
        ("3221225985/", "192.0.2.1"),
        ("0xC0000201", "192.0.2.1"),
        ("0300.0.2.1", "192.0.2.1"),
        ("192.0.513", "192.0.2.1"),
        ("[2001:db8::1]:80/", "2001:db8::1"),
        ("[::ffff:192.0.2.1]", "192.0.2.1"),
        ("localhost/", None),
        ("1.2.3.4.5", None),
        ("99999999999", None),
        ("a..b", None),
        ("", None),
        ("/", None),
        ("a b.org", None),
        (f"{'a' * 300}.org", None),
    ],
)
def test_the_host_of_a_url(rest: str, found: str | None) -> None:
    got = host_of(rest)
    assert (str(got) if got is not None else None) == found


@given(st.text(max_size=200) | st.text("a.0x1[]:@%\\/\u3002", max_size=40))
def test_a_host_is_a_name_or_an_address_or_nothing(text: str) -> None:
    for got in (host_of(text), host(text)):
        if isinstance(got, str):
            assert got.isascii()
            assert got == got.lower()
            assert "." in got.strip(".")
        else:
            assert got is None or isinstance(got, ipaddress.IPv4Address | ipaddress.IPv6Address)


# --- markup

_NESTED = quote("http://www.evil.org/x", safe="")
_BASE64 = base64.urlsafe_b64encode(b"http://www.evil.org/x").decode().rstrip("=")


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="http://www.evil.org/x">x</a>',
        "<a href='https://evil.org'>x</a>",
        "<a href=http://evil.org/>x</a>",
        '<a HREF = "http://evil.org/">x</a>',
        '<a href="  http://evil.org/">x</a>',
        '<a href="ht\ntp://ev\til.org/">x</a>',
        '<a href="//evil.org/x">x</a>',
        '<a href="\\\\evil.org/x">x</a>',
        '<a href="http:\\\\evil.org/x">x</a>',
        '<a href="http:/evil.org/x">x</a>',
        '<a href="http:////evil.org/x">x</a>',
        '<a href="&#104;ttp&#58;//evil&#46;org/">x</a>',
        '<a href="http://bank.com@evil.org/">x</a>',
        '<a href="mailto:x@evil.org?subject=y">x</a>',
        '<img src="http://evil.org/1.gif">',
        '<img srcset="http://evil.org/1.gif 1x">',
        '<form action="http://evil.org/">',
        '<button formaction="http://evil.org/">',
        '<body background="http://evil.org/b.gif">',
        '<base href="http://evil.org/">',
        '<meta http-equiv="refresh" content="0;url=http://evil.org/">',
        '<div style="background: url(http://evil.org/b.gif)">',
        '<script>location = "http://evil.org/"</script>',
        "<!-- http://evil.org/ -->",
        "<p>visit http://evil.org/ now</p>",
        "<p>visit www.evil.org</p>",
        "<p>visit evil.org</p>",
        '<a href="http://evil.org/' + "a" * 5000 + '">x</a>',
    ],
)
def test_in_markup(markup: str) -> None:
    assert EVIL in subjects(HTML + markup.encode())


@pytest.mark.parametrize(
    "url",
    [
        f"http://t.example/r?u={_NESTED}",
        f"http://t.example/r?u={quote(_NESTED, safe='')}",
        f"http://t.example/r?u={quote(quote(_NESTED, safe=''), safe='')}",
        "http://t.example/r?to=http://www.evil.org/",
        "http://t.example/r?to=//www.evil.org/",
        "http://t.example/r?to=www.evil.org",
        "http://t.example/http://www.evil.org/",
        f"http://t.example/r?u={_BASE64}",
        f"http://t.example/r/{_BASE64}/x",
        f"http://t.example/r?u={quote(_BASE64, safe='')}",
        "https://gateway.example/v2/url?u=http-3A__www.evil.org_path&d=x",
        "https://gateway.example/v3/__https://www.evil.org/__;!!x",
        "https://safelinks.example/?url=https%3A%2F%2Fwww.evil.org%2F&data=x",
    ],
)
def test_in_another_url(url: str) -> None:
    assert EVIL in subjects(HTML + f'<a href="{url}">x</a>'.encode())
    assert EVIL in subjects(TEXT + f"go to {url} now".encode())


# --- text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see http://a.evil.org/x.", [EVIL]),
        ("see hxxp://evil.org/x", [EVIL]),
        ("see (www.evil.org), please", [EVIL]),
        ("see evil.org today", [EVIL]),
        ("see a.b.evil.org.", [EVIL]),
        ("write to ann@mail.evil.org", [EVIL]),
        ("see http://192.0.2.1/x", ["192.0.2.1"]),
        ("see evil.co.uk and x.github.io", ["evil.co.uk", "x.github.io"]),
        ("see bücher.de", ["xn--bcher-kva.de"]),
        ("in README.md and setup.py, e.g. here, i.e. now", []),
        ("version 1.2.3 of libfoo.so, at 10.30", []),
        ("end of a sentence.And another", []),
        ("host.invalid-tld and mail.corp", []),
        ("co.uk is no domain of anybody", []),
    ],
)
def test_in_text(text: str, found: Sequence[str]) -> None:
    assert subjects(TEXT + text.encode()) == found


def test_in_header_fields() -> None:
    raw = (
        b"From: Ann <ann@mail.a.org>\nReply-To: x@b.org\nList-Unsubscribe: <https://u.c.org/?x>, <mailto:u@d.org>\n"
        b"Subject: look at e.org\nX-Other: http://f.org/\n\n"
    )
    assert sorted(subjects(raw)) == ["a.org", "b.org", "c.org", "d.org", "e.org"]


def test_where_one_is_led_to_comes_before_what_is_named() -> None:
    raw = b"From: a@first.org\nContent-Type: text/html\n\nsecond.org <img src='http://third.org/'><a href='http://last.org/'>"
    assert subjects(raw) == ["last.org", "third.org", "first.org", "second.org"]


def test_each_once_and_repetition_costs_nothing() -> None:
    links = links_of(Message(HTML + b'<a href="http://www.evil.org/">x</a>' * 5000))
    assert links == Links((EVIL,))


def test_too_many_are_noted() -> None:
    urls = "\n".join(f"http://host{number}.org/" for number in range(limits.LINKS + 1))
    links = links_of(Message(TEXT + urls.encode()))
    assert links.capped
    assert len(links.subjects) == limits.LINKS


# --- whatever comes

_PIECES = st.sampled_from(
    [
        "http://",
        "//",
        "https%3A%2F%2F",
        "aHR0c",
        "href=",
        '"',
        "'",
        "<a ",
        ">",
        "&#46;",
        "@",
        "evil.org",
        "%",
        "?u=",
        "\\",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=10), max_size=60).map("".join), st.sampled_from([HTML, TEXT, b"From: "]))
def test_whatever_comes_it_does_not_fail(text: str, head: bytes) -> None:
    links = links_of(Message(head + text.encode("utf-8", "surrogatepass")))
    assert all(subject for subject in links.subjects)


@given(st.binary(max_size=500))
def test_nor_does_it_on_octets(raw: bytes) -> None:
    links_of(Message(HTML + raw))


@pytest.mark.slow
@pytest.mark.parametrize("head", [HTML, TEXT])
@pytest.mark.parametrize(
    "piece",
    [
        b"http://",
        b"http://a/?%2568ttp%253A%252F%252F",
        b"http://a.org/?aHR0cDovL2V4YW1wbGUuY29tL2FIUjBjRG92TDJWNFlXMXdiR1V1WTI5dA ",
        b"a@",
        b"@a.a.a.a.a.a.a.a",
        b"a.",
        b"&amp;",
        b'href="',
        b"href='href=",
        b"a",
        b"www.",
        b"http://a.com/?a=a.a.a.a",
        b"<",
        b"/",
        b"%25",
        "ü.".encode(),
    ],
)
def test_a_megabyte_takes_a_bounded_time(head: bytes, piece: bytes) -> None:
    message = Message(head + piece * (limits.MIB // len(piece)))
    _ = message.text
    started = time.process_time()
    links_of(message)
    assert time.process_time() - started < 2.0


@pytest.mark.corpora
@pytest.mark.slow
def test_public_suffixes_are_those_of_the_list(corpora: Path) -> None:
    """The cases of the list's own test."""
    from tamis.addresses import normalise_domain
    from tamis.authentication.domains import is_suffix, organisational

    checked = 0
    for line in (corpora / "authdata/publicsuffix/tests/tests.txt").read_text("utf-8").splitlines():
        if line.startswith("//") or not line.strip():
            continue
        name, registered = line.split()
        name = normalise_domain(name)
        if name in ("null", "") or name.startswith("."):
            continue
        checked += 1
        if registered == "null":
            assert organisational(name) == name
            assert is_suffix(name) or "." not in name
        else:
            assert organisational(name) == normalise_domain(registered)
    assert checked > 50
