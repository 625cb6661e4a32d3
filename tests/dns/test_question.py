"""Names as strangers write them: asked where that is possible, known to be invalid where not, never an exception."""

import ipaddress

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.dns import Question, reversed_name
from tamis.dns.question import text_of

LABEL = "a" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "a" * 61])


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("example.org", "example.org"),
        ("Example.ORG.", "example.org"),
        (b"Example.org", "example.org"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え。example", "xn--r8jz45g.example"),
        ("a b.example", "a\\032b.example"),
        ("a\\b.example", "a\\092b.example"),
        ("a\0.example", "a\\000.example"),
        (b"\xff.example", "\\255.example"),
        ("\udcff.example", "\\255.example"),
        ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa"),
        ("localhost", "localhost"),
        (".", "."),
        (LONGEST, LONGEST),
        (LONGEST + ".", LONGEST),
    ],
)
def test_names_that_can_be_asked(said: str | bytes, name: str) -> None:
    question = Question(said)
    assert question.name == name
    assert question.wire is not None
    assert question.wire.endswith(b"\0\0\1\0\1")
    assert len(question.wire) <= 255 + 4


@pytest.mark.parametrize(
    "said",
    [
        *(
            "",
            "..",
            ".example",
            "a..example",
            "example..",
            LABEL + "a.example",
            LONGEST + "a",
            "a." * 128,
            "a" * 100_000,
        ),
        *("\ud800.example", "ü" * 64 + ".example", "ü" * 300, "\u200b.example", "\ud800", "例。。え"),
        *(b"", b"..", b"a..b", b"\xff" * 64, b"a." * 200),
    ],
)
def test_names_that_cannot_be_asked(said: str | bytes) -> None:
    question = Question(said, "MX")
    assert question.wire is None
    assert question.type == "MX"
    assert str(question)


def test_the_same_question_in_another_spelling_is_equal() -> None:
    assert Question("Example.ORG.", "MX") == Question(b"example.org", "MX")
    assert hash(Question("Example.ORG.", "MX")) == hash(Question(b"example.org", "MX"))
    assert Question("example.org", "MX") != Question("example.org", "A")
    assert str(Question("Example.ORG.", "MX")) == "example.org MX"


def test_a_type_that_is_not_known_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        Question("example.org", "ANY")  # type: ignore[arg-type]


@given(st.text() | st.text(alphabet=".a\\-_ÜßЖ。\u200d\udcff\0 ", max_size=300) | st.binary(max_size=300))
def test_no_name_raises_and_what_is_sent_is_a_name(said: str | bytes) -> None:
    question = Question(said, "TXT")
    if question.wire is None:
        return
    name, used = dns.name.from_wire(question.wire, 0)
    assert used == len(question.wire) - 4
    assert name.is_absolute()
    if isinstance(said, bytes):
        assert [*name.labels[:-1]] == [label.lower() for label in said.removesuffix(b".").split(b".") if label]


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5))
def test_text_of_a_name_says_it_all(labels: list[bytes]) -> None:
    text = text_of(labels)
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert dns.name.from_text(text + ".").labels[:-1] == tuple(label.lower() for label in labels)


def test_reversed_names() -> None:
    four, six = ipaddress.ip_address("192.0.2.7"), ipaddress.ip_address("2001:db8::1")
    assert reversed_name(four) == "7.2.0.192.in-addr.arpa"
    assert reversed_name(four, "zen.example") == "7.2.0.192.zen.example"
    assert reversed_name(six, "zen.example") == "1." + "0." * 23 + "8.b.d.0.1.0.0.2.zen.example"
    assert Question(reversed_name(six), "PTR").wire is not None
