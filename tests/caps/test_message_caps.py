"""Caps on what is read of a message: encodings, markup, links, addresses, and what the named tests look at."""

import base64

import pytest

from tamis import limits
from tamis.addresses import parse_mailboxes
from tamis.delivery_failures import read_failure
from tamis.headers import SUBJECT_TAG, Changes, _fold, _tag
from tamis.links import _Found
from tamis.message import Message
from tamis.traits.letter import Letter
from tamis.traits.vocabulary import TOPICS, _look


def test_base64_pieces() -> None:
    """Beyond the cap the rest is read as one: its padding is no end of anything any more."""
    piece = base64.b64encode(b"a") + b"\n"
    head = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
    within, beyond = (Message(head + piece * number) for number in (100, limits.BASE64_PIECES))
    assert within.text.count("a") == 100
    # Each piece ends in two signs of padding.
    assert limits.BASE64_PIECES // 2 <= beyond.text.count("a") < limits.BASE64_PIECES


@pytest.mark.parametrize(("number", "complete"), [(1000, True), (limits.HTML_PIECES + 1, False)])
def test_html_pieces(number: int, complete: bool) -> None:
    page = f"<p {'a ' * number}>shown</p>"
    message = Message(f"Content-Type: text/html\n\n{page}\n".encode())
    assert message.pages[0].complete == complete
    assert "shown" in message.text


def test_link_chars() -> None:
    found, path = _Found(), "/" + "a" * (limits.URL_CHARS - 100)
    urls = [f"h{number}.example{path}" for number in range(limits.LINK_CHARS // len(path))]
    for url in urls:
        found.url(found.led_to, url)
    assert found.capped
    assert len(found.led_to) < len(urls)
    assert limits.LINK_CHARS - limits.URL_CHARS < sum(map(len, urls[: len(found.led_to)])) <= limits.LINK_CHARS


def test_addresses() -> None:
    many = ", ".join(f"a{number}@b.example" for number in range(limits.ADDRESSES + 5))
    assert len(parse_mailboxes(many.encode())) == limits.ADDRESSES
    broken = " ".join(f"<a{number}@b.example>" for number in range(limits.ADDRESSES + 5))
    assert len(parse_mailboxes(broken.encode())) == limits.ADDRESSES


@pytest.mark.parametrize(("length", "known"), [(limits.ADDRESS_CHARS, 1), (limits.ADDRESS_CHARS + 1, 0)])
def test_address_chars(length: int, known: int) -> None:
    address = f"{'a' * (length - len('@example.org'))}@example.org"
    text = (
        "From: mailer-daemon@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n"
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@example.org>\n\nx\n--b--\n"
    )
    failure = read_failure(Message(text.encode()))
    assert failure is not None
    assert len(failure.recipients) == known


def test_tagged_subjects() -> None:
    message = Message(b"Subject: x\n" * (limits.TAGGED_SUBJECTS + 5) + b"\nx\n")
    changes = Changes()
    _tag(message, changes)
    assert changes.subject == f"{SUBJECT_TAG} x" or changes.subject == f"{SUBJECT_TAG}x"
    assert len(changes.repeated_subjects) == limits.TAGGED_SUBJECTS - 1


def test_written_lines() -> None:
    lines = _fold("X-Spam-Status: Yes,", [f"TEST_{number}=0.1" for number in range(100)]).split("\n\t")
    assert len(lines) > 10
    assert max(map(len, lines)) <= limits.WRITTEN_LINE_CHARS


def test_letter() -> None:
    fields = b"".join(b"X-%d: %s\n" % (number, b"v" * 2000) for number in range(limits.TRAIT_FIELDS // 4))
    fields += b"X-Short: x\n" * limits.TRAIT_FIELDS
    urls = b"".join(b"http://h%d.example/\n" % number for number in range(limits.TRAIT_URLS + 10))
    text = b"a" * limits.TRAIT_TEXT_CHARS
    letter = Letter(Message(b"Subject: " + b"s" * 2000 + b"\n" + fields + b"\n" + urls + text))
    assert len(letter.headers) == limits.TRAIT_FIELDS
    assert len(letter.subject) == limits.TRAIT_VALUE_CHARS
    assert len(letter.field("x-1")) == limits.TRAIT_VALUE_CHARS
    assert len(letter.urls) == limits.TRAIT_URLS
    assert len(letter.text) == limits.TRAIT_TEXT_CHARS


def test_letter_of_many_parts() -> None:
    parts = b"--b\nContent-Type: text/html\n\n<b>%s</b>\n" % (b"x" * 1000)
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    letter = Letter(Message(head + parts * (limits.TRAIT_PARTS + 1) + b"--b--\n"))
    assert len(letter.parts) == limits.TRAIT_PARTS
    assert len(letter.html) == limits.TRAIT_HTML_CHARS


def test_words_of_a_letter() -> None:
    head, word = b"Subject: x\n\n", next(iter(_words()))
    for room, found in ((limits.TRAIT_WORD_CHARS - 100, True), (limits.TRAIT_WORD_CHARS + 100, False)):
        letter = Letter(Message(head + b"- " * (room // 2) + word + b"\n"), everything=True)
        assert bool(set(_look(letter, {}))) == found


def _words() -> list[bytes]:
    """Words of which each is about something all by itself."""
    plain = (word for topic in TOPICS.values() for word in str(topic["words"]).split("|"))
    return [word.encode() for word in plain if word.isalpha() and word.isascii() and len(word) > 4]
