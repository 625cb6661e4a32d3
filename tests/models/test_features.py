"""The same message gives the same features wherever it comes from, and no message makes them fail."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.message import Message
from tamis.models.features import (
    BODY,
    FEATURES,
    HEADER,
    VIEW_STARTS,
    body_only,
    families,
    features,
    split_views,
    without_local_parts,
)

WIRE = (
    b"Received: from client.example by relay.example; Mon, 2 Nov 2026 09:59:58 +0100\n"
    b"From: Anna <anna@example.org>\n"
    b"To: paul@example.net\n"
    b"Subject: =?utf-8?q?R=C3=A9union_de_mardi?=\n"
    b"\tet de mercredi\n"
    b"MIME-Version: 1.0\n"
    b"Content-Type: text/html; charset=utf-8\n"
    b"\n"
    b"<p>Bonjour \xc3\xa0 tous, rendez-vous mardi 12:30 <a href='https://example.org/plan'>plan</a></p>\n"
    b"<p>\xe4\xbb\xa3\xe5\xbc\x80\xe5\x8f\x91\xe7\xa5\xa8</p>\n"
)


def _pieces(raw: bytes) -> set[str]:
    return {
        f"{family.kind}: {family.text(at)}" for family in families(Message(raw)) for at in range(len(family.indices))
    }


@pytest.mark.parametrize(
    "variant",
    [
        WIRE.replace(b"\n", b"\r\n"),
        b"From anna@example.org Mon Nov  2 10:00:00 2026\n" + WIRE,
        b"From anna@example.org Mon Nov  2 10:00:00 2026\r\n" + WIRE.replace(b"\n", b"\r\n"),
        b"Return-Path: <anna@example.org>\nX-Original-To: paul@example.net\nDelivered-To: paul@example.net\n"
        b"Received: from relay.example by mx.example.net; Mon, 2 Nov 2026 10:00:00 +0100\n" + WIRE,
        b"X-Ico-Bay: 12.345\nX-Spam-Status: Yes, hits=12.3 required=7.5\n\ttests=BAYES: 12.345\n"
        b"X-Tamis-Verdict: spam; action=tag\nStatus: RO\n" + WIRE,
    ],
    ids=["CRLF", "mbox", "mbox with CRLF", "delivered", "judged by us"],
)
def test_variants_of_one_message_agree(variant: bytes) -> None:
    assert np.array_equal(features(Message(variant)), features(Message(WIRE)))


def test_sorted_distinct_and_in_range() -> None:
    found = features(Message(WIRE))
    assert found.dtype == np.uint32
    assert np.array_equal(found, np.unique(found))
    assert found[-1] < FEATURES


def test_header_and_body_share_no_index() -> None:
    found = features(Message(WIRE))
    body = body_only(found)
    assert 0 < len(body) < len(found)
    assert body[-1] < VIEW_STARTS[HEADER] <= found[len(body)]


def test_no_local_part_of_an_address_makes_a_feature_outside_the_header() -> None:
    one = b"Subject: for anna.k@example.org\n\nwrite to <anna.k@example.org> or mailto:anna.k@example.org\n"
    other = one.replace(b"anna.k", b"paul+x")
    assert np.array_equal(body_only(features(Message(one))), body_only(features(Message(other))))
    assert without_local_parts("a@b, é.l%l@d @") == " @b,      @d @"
    assert len(without_local_parts("@" * 500 + "x@y")) == 503


def test_a_digest_of_an_attachment_is_a_feature_and_its_bytes_are_no_words() -> None:
    def mail(data: bytes) -> Message:
        return Message(
            b"Subject: photos\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsunday\n"
            b"--b\nContent-Type: image/jpeg; name=a.jpg\n\n" + data + b"\n--b--\n"
        )

    first, second = set(_pieces(mail(b"xx").raw)), set(_pieces(mail(b"yy").raw))
    different = first ^ second
    assert sum(piece.startswith("make: attachment: digest ") for piece in different) == 2
    assert not {piece for piece in different if piece.startswith(("word", "subject"))}


def test_only_subject_of_the_header_reaches_the_body_view() -> None:
    other = WIRE.replace(b"anna@example.org", b"else@example.com").replace(b"client.example", b"other.example")
    assert np.array_equal(body_only(features(Message(other))), body_only(features(Message(WIRE))))
    other = WIRE.replace(b"mercredi", b"jeudi")
    assert not np.array_equal(body_only(features(Message(other))), body_only(features(Message(WIRE))))


def test_words_pairs_bigrams_and_structure() -> None:
    pieces = _pieces(WIRE)
    assert {"word: bonjour", "word: bonjour à", "subject: réunion", "url: plan", "word: 发票"} <= pieces
    assert "make: structure: part 0 text/html" in pieces
    assert "header: anna" in pieces
    assert "octets: ubje" in pieces
    assert not {piece for piece in pieces if piece.startswith("word: <")}


def test_numbers_of_one_shape_agree() -> None:
    first, second = (Message(b"Subject: x\n\ncall " + number) for number in (b"555-1234", b"555-9876"))
    assert np.array_equal(split_views(features(first))[BODY], split_views(features(second))[BODY])


def test_a_word_is_the_same_wherever_it_stands() -> None:
    def words(raw: bytes) -> set[int]:
        return {
            int(index)
            for family in families(Message(raw))
            if family.kind == "word"
            for index in family.indices.tolist()
        }

    (alone,) = words(b"\n\nmortgage")
    assert alone in words(b"\n\nmortgage is here")
    assert alone in words(b"\n\n" + b"x " * 3000 + b"mortgage")
    assert alone not in words(b"\n\nzzz")


def test_nothing_gives_next_to_nothing() -> None:
    assert len(features(Message(b""))) < 30


def test_version_3_stays_what_it_is() -> None:
    """A change here makes every model trained so far worthless: raise FEATURES_VERSION and build anew."""
    digest = hashlib.blake2b(features(Message(WIRE)).astype("<u4").tobytes(), digest_size=8).hexdigest()
    assert digest == "813a47b681e3affd"


_PIECES = st.sampled_from(
    [
        b"Subject: ",
        b"Content-Type: multipart/mixed; boundary=a\n",
        b"--a\n",
        b"--a--\n",
        b"Content-Type: text/html; charset=utf-16\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Received: ",
        b"Return-Path: <>\n",
        b"=?gb2312?b?",
        b"\xff\xfe\x00\xd8",
        b"\xed\xa0\x80",
        b"<a href=http://x/>",
        b"\n\n",
        b"\r\n",
        b"\n",
        b"\0",
        "İıſß".encode(),
        "😀".encode() * 3,
    ]
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=40)), max_size=25).map(b"".join))
def test_never_raises(raw: bytes) -> None:
    found = features(Message(raw))
    assert found.dtype == np.uint32
    for family in families(Message(raw)):
        assert len(family.indices) == len(family.starts) == len(family.ends)
        assert all(isinstance(family.text(at), str) for at in range(len(family.indices)))


def test_lone_surrogates_do_not_raise() -> None:
    message = Message(b"\n\nx")
    message.__dict__["text"] = "abc \ud800 def"
    assert len(features(message))
