"""Addresses: what is compared with lists is what a mail client would answer to, whatever tricks stand around it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis import addresses
from tamis.addresses import bare_address, domain_of, normalise_address, normalise_domain, parse_mailboxes
from tamis.message import Message


@pytest.mark.parametrize(
    ("value", "addresses", "names"),
    [
        (b" ann@example.net", ["ann@example.net"], [""]),
        (b" Ann <ann@example.net>", ["ann@example.net"], ["Ann"]),
        (b' "a@evil.example" <b@good.example>', ["b@good.example"], ["a@evil.example"]),
        (b" a@evil.example <b@good.example>", ["b@good.example"], None),
        (b" =?utf-8?q?a=40evil=2Eexample?= <b@good.example>", ["b@good.example"], ["a@evil.example"]),
        (b" =?utf-8?q?=3Ca=40evil=2Eexample=3E?= <b@good.example>", ["b@good.example"], ["<a@evil.example>"]),
        (b" =?utf-8?q?x=2C_a=40evil=2Eexample?= <b@good.example>", ["b@good.example"], ["x, a@evil.example"]),
        (b" b@good.example (a@evil.example)", ["b@good.example"], None),
        (b" (a@evil.example) b@good.example", ["b@good.example"], None),
        (b' "<a@evil.example>" <b@good.example>', ["b@good.example"], ["<a@evil.example>"]),
        (b' "x\\" <a@evil.example>" <b@good.example>', ["b@good.example"], ['x" <a@evil.example>']),
        (b" Ann <ann@example.net>, Bob <bob@example.org>", ["ann@example.net", "bob@example.org"], ["Ann", "Bob"]),
        (b" Team: ann@example.net, bob@example.org;", ["ann@example.net", "bob@example.org"], None),
        (b" undisclosed-recipients:;", [], []),
        (b" ANN@Example.NET.", ["ann@example.net"], [""]),
        (b" <ann@ex\xc3\xa4mple.net>", ["ann@xn--exmple-cua.net"], [""]),
        (b' "Ann\n of example" <ann@example.net>', ["ann@example.net"], ["Ann of example"]),
        (b" ann@[192.0.2.7]", ["ann@[192.0.2.7]"], [""]),
        (b' "ann smith"@example.net', ['"ann smith"@example.net'], [""]),
        (b" Ann", [], []),
        (b" <>", [], []),
        (b"", [], []),
        (b" Ann at example <<ann@example.net>>", ["ann@example.net"], None),
    ],
)
def test_mailboxes(value: bytes, addresses: list[str], names: list[str] | None) -> None:
    boxes = parse_mailboxes(value)
    assert [box.address for box in boxes] == addresses
    if names is not None:
        assert [box.name for box in boxes] == names
    assert [box.domain for box in boxes] == [domain_of(address) for address in addresses]


def test_authors_of_several_from_fields() -> None:
    message = Message(b"From: ann@example.net\nX: y\nFrom: Bob <bob@example.org>\n\n")
    assert [box.address for box in message.authors] == ["ann@example.net", "bob@example.org"]


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("<Ann@Example.NET>", "ann@example.net"),
        (" ann@example.net. ", "ann@example.net"),
        ("<>", ""),
        ("", ""),
        ("ann", "ann"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("a@b@example.net", "a@b@example.net"),
    ],
)
def test_normalising(said: str, address: str) -> None:
    assert normalise_address(said) == address
    assert normalise_address(normalise_address(said)) == address


def test_as_said() -> None:
    assert bare_address(" <Ann@Example.NET> ") == "Ann@Example.NET"


@pytest.mark.parametrize("domain", ["\udc80.example", "ü" * 300, "a..b", ".", "", "\0", "xn--\xe4.example"])
def test_no_domain_raises(domain: str) -> None:
    normalise_domain(domain).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "value",
    [
        b" good@example.net <bad@example.org> x",
        b" good@example.net bad@example.org",
        b" <good@example.net> <bad@example.org>",
        b" good@example.net, <bad@example.org",
    ],
)
def test_what_cannot_be_told_is_several(value: bytes) -> None:
    """A whitelist asks for a single author: what only looks like one must not be it."""
    assert [box.address for box in parse_mailboxes(value)] != ["good@example.net"]


@pytest.mark.parametrize(
    "said", ["sender.example .", " sender.example. .", "sender.example.. \t", "SENDER.example\u2003."]
)
def test_dots_and_blanks_at_the_end_make_no_other_domain(said: str) -> None:
    assert normalise_domain(said) == "sender.example"


PIECES = [
    '"',
    "<",
    ">",
    "a",
    "b@c.example",
    "@",
    ".",
    " ",
    "\t",
    "'",
    "=?utf-8?q?x?=",
    "é",
    "(",
    ")",
    ",",
    "\0",
    "\x1f",
    "[",
    "]",
]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.text(alphabet="ab.-_=?'é\0\x7f", max_size=6))
@example('"Smith, Ann (Sales)" <ann@example.net>', "a")
@example('"a@b.example" <ann@example.net>', "a")
def test_the_short_ways_say_what_the_library_says(value: str, local: str) -> None:
    ones = f"{local}@a, {local}@b.example,\t{local}@{local} ,a@b"
    for flat in (value, f'"{value}" <{local}@c.example>', f" {local}@{local}", f'"{local}"<a@{local}>', ones):
        if addresses._QUOTED_NAME_OR_NONE.fullmatch(flat) or addresses._PLAIN_ONES.fullmatch(flat) or not flat.strip():
            assert parse_mailboxes(flat.encode()) == addresses._by_the_library(flat)
