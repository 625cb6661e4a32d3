"""A compiled set of rules: where it looks, what it finds, and at what worst cost."""

import time

import pytest

from tamis import limits
from tamis.message import Message
from tamis.rules.matching import Rules, version_of
from tamis.rules.reading import read
from tamis.rules.rule import Rule, Use

MESSAGE = """\
From: "The Post" <info@post.example>
Subject: =?utf-8?q?Votre_colis_est_arriv=C3=A9?=
X-Mailer: Bulk 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<p title="hidden">Your <b>par&shy;cel</b>
   waits</p><a href="https://evil.example/p%61y?x">here</a>
--b
Content-Type: application/pdf; name="Facture.PDF"

x
--b--
"""


def rules(**patterns: tuple[str, str]) -> Rules:
    """One rule for each (place, pattern)."""
    return Rules(
        {
            name.replace("_", "-"): Rule(description="x", where=(place,), patterns=(pattern,), score=1)
            for name, (place, pattern) in patterns.items()
        }
    )


@pytest.mark.parametrize(
    ("place", "pattern", "words"),
    [
        ("subject", "colis est arrive$", "colis est arrive"),
        ("text", "your parcel waits", "your parcel waits"),
        ("html", 'title="hidden"', 'title="hidden"'),
        ("urls", "(?m)^https://evil.example/pay", "https://evil.example/pay"),
        ("files", r"(?m)^facture\.pdf$", "facture.pdf"),
        ("header", "(?m)^x-mailer: bulk", "x-mailer: bulk"),
        ("header:from", "the post", "the post"),
        ("header:X-Mailer", "^bulk", "bulk"),
    ],
)
def test_places(place: str, pattern: str, words: str) -> None:
    (match,) = rules(x=(place, pattern)).look_at(Message(MESSAGE.encode())).everything()
    assert (match.place, match.words, match.test) == (place, words, "RULE_X")
    other = "html" if place != "html" else "urls"
    assert rules(x=(other, pattern)).look_at(Message(MESSAGE.encode())).everything() == ()


def test_text_of_pictures_is_matched_by_rules_that_look_at_it() -> None:
    found = rules(picture=("ocr", "viagra"), words=("text", "viagra"))
    assert [match.name for match in found.match("ocr", ["CHEAP V1AGRA", "V I A G R A"])] == ["picture"]
    looked = found.look_at(Message(b"Subject: x\n\nviagra"))
    assert [match.name for match in looked.found(Use.KEYWORD)] == ["words"]
    assert [match.name for match in looked.match("ocr", ["viagra"])] == ["picture"]


def test_decisive_rules_come_first() -> None:
    text = """
[rule.a]
description = "a"
patterns = ["x"]
score = 1
[rule.z]
description = "z"
patterns = ["x"]
decides = true
"""
    looked = Rules(read([("f", text)])).look_at(Message(b"\nx"))
    assert [match.name for match in looked.found(Use.KEYWORD)] == ["z", "a"]


def test_a_pattern_without_a_word_is_found_too() -> None:
    assert rules(x=("text", "[0-9]{3}")).match("text", ["abc 123"])
    assert rules(x=("text", "[0-9]{3}"), y=("text", "abc")).match("text", ["123"])


def test_the_version_tells_rules_apart() -> None:
    one = {"x": Rule(description="x", patterns=("a",), score=1)}
    assert version_of(one) == Rules(one).version == version_of(dict(one))
    assert version_of(one) != version_of({"x": Rule(description="x", patterns=("a",), score=2)})
    assert version_of(one) != version_of({"x": Rule(description="x", patterns=("a",), score=1, enabled=False)})


def test_many_rules_are_all_found() -> None:
    """More than shipped ones by far."""
    found = rules(**{f"r{number}": ("text", rf"\bword{number} of a rule with some length\b") for number in range(3000)})
    text = (
        "x word7 of a rule with some length, word1500 of a rule with some length; word2999 of a rule with some length"
    )
    assert [match.name for match in found.match("text", [text])] == ["r1500", "r2999", "r7"]


@pytest.mark.slow
def test_a_thousand_rules_on_text_that_holds_all_their_words() -> None:
    """The worst that a stranger can send who knows the rules: every pattern is run, and none is found."""
    found = rules(
        **{f"r{number}": ("text", rf"\bword{number}\b.{{0,40}}(?:alpha|beta){number}\b") for number in range(1000)}
    )
    text = " ".join(f"alpha{number} x word{number}" for number in range(1000))
    text = (text + " ") * (limits.RULE_TEXT_CHARS // len(text) + 1)
    started = time.process_time()
    assert len(found.match("text", [text])) <= 1
    assert time.process_time() - started < 4


def test_what_is_too_long_is_looked_at_from_both_ends() -> None:
    found = rules(first=("text", "begins"), last=("text", "the end$"), middle=("text", "between"))
    body = "begins " + "x " * limits.RULE_TEXT_CHARS + " between " + "x " * limits.RULE_TEXT_CHARS + "the end"
    looked = found.look_at(Message(b"\n" + body.encode()))
    assert [match.name for match in looked.everything()] == ["first", "last"]
    assert looked.capped
    assert not found.look_at(Message(b"\nshort")).capped


def test_the_ground_quotes_no_more_than_some_words() -> None:
    (match,) = rules(x=("text", "a[a-z ]+z")).match("text", ["a" + "b " * 1000 + "z"])
    assert len(match.because) < 100
