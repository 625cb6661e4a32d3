"""Row 33: every named test is fired by one message written for it, and by no well-formed one."""

import time

import pytest

from tamis.contract import Context
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.testing import hits, mail

FILTER = MalformedHeaders()
CLEAN = b"""\
Received: from mail.example.net (mail.example.net [192.0.2.7]) by mx.example.org (Postfix) with ESMTP id 4F1;
\tMon, 1 Jan 2024 10:00:05 +0100 (CET)
From: "Ann, of example" <ann@example.net>
To: Bob <bob@example.org>
Cc: carol@example.org
Reply-To: ann@example.net
Sender: office@example.net
Subject: =?utf-8?q?caf=C3=A9?= and more,
 folded
Date: Mon, 1 Jan 2024 10:00:00 +0100
Message-ID: <20240101.1@mail.example.net>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

caf\xc3\xa9
--b
Content-Type: text/html; charset="iso-8859-1"
Content-Transfer-Encoding: quoted-printable

<p>caf=E9</p>
--b--
"""
FIELD = {line.partition(b":")[0]: line for line in CLEAN.partition(b"\n\n")[0].replace(b"\n ", b"\n\t").split(b"\n")}


def without(name: bytes) -> bytes:
    """The clean message without a field and its folded lines."""
    lines = CLEAN.split(b"\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(name + b":"))
    end = start + 1
    while lines[end][:1] in (b" ", b"\t"):
        end += 1
    return b"\n".join(lines[:start] + lines[end:])


def with_field(name: bytes, value: bytes) -> bytes:
    """The clean message with another value of a field."""
    return name + b":" + value + b"\n" + without(name)


def more(lines: bytes) -> bytes:
    """The clean message with more header lines."""
    return lines + b"\n" + CLEAN


ONCE = (
    b"From",
    b"To",
    b"Cc",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"Reply-To",
    b"Sender",
    b"MIME-Version",
    b"Content-Type",
)

FIRED: dict[str, bytes] = {
    "MISSING_FROM": without(b"From"),
    "MISSING_DATE": without(b"Date"),
    "MISSING_TO": without(b"To").replace(b"Cc: carol@example.org\n", b""),
    "MISSING_SUBJECT": without(b"Subject"),
    "MISSING_MESSAGE_ID": without(b"Message-ID"),
    "EMPTY_SUBJECT": with_field(b"Subject", b" "),
    "EMPTY_TO": with_field(b"To", b""),
    **{f"REPEATED_{name.decode().upper().replace('-', '_')}": more(FIELD[name]) for name in ONCE},
    "FROM_NO_ADDRESS": with_field(b"From", b" Ann of example"),
    "FROM_SEVERAL": with_field(b"From", b" ann@example.net, eve@example.net"),
    "DATE_INVALID": with_field(b"Date", b" yesterday"),
    "DATE_BEFORE_RECEIVED": with_field(b"Date", b" Mon, 25 Dec 2023 10:00:00 +0100"),
    "DATE_AFTER_RECEIVED": with_field(b"Date", b" Mon, 1 Jan 2024 12:00:06 +0100"),
    "MESSAGE_ID_INVALID": with_field(b"Message-ID", b" 20240101.1@mail.example.net"),
    "MESSAGE_ID_SHORT_HOST": with_field(b"Message-ID", b" <1@localhost>"),
    "FIELD_8BIT": more(b"X-Note: caf\xe9"),
    "SUBJECT_8BIT": with_field(b"Subject", b" caf\xc3\xa9"),
    "FROM_8BIT": with_field(b"From", b" Zo\xc3\xab <zoe@example.net>"),
    "FIELD_CONTROL": more(b"X-Note: bell\x07"),
    "FIELD_NUL": more(b"X-Note: nul\0"),
    "FIELD_LONG_LINE": more(b"X-Note: " + b"a" * 1000),
    "FIELD_BLANK_FOLD": more(b"X-Note: a\n \n b"),
    "FIELD_NAME_LONG": more(b"X-" + b"a" * 60 + b": b"),
    "HEADER_ENDED_EARLY": CLEAN.replace(b"\n\n", b"\nthis is no field\n\n", 1),
    "ENCODED_WORD_BROKEN": more(b"X-Note: =?no-such-charset?q?a?="),
    "SUBJECT_NEEDLESSLY_ENCODED": with_field(b"Subject", b" =?utf-8?q?hello?="),
    "MIME_WITHOUT_VERSION": without(b"MIME-Version"),
    "MIME_NO_BOUNDARY": with_field(b"Content-Type", b" multipart/mixed; boundary=never"),
    "MIME_UNCLOSED": CLEAN.replace(b"--b--\n", b""),
    "MIME_CHARSET_UNKNOWN": CLEAN.replace(b"charset=utf-8", b"charset=no-such"),
    "MIME_ENCODING_UNKNOWN": CLEAN.replace(b": 8bit", b": x-none"),
    "MIME_TYPE_INVALID": with_field(b"Content-Type", b" text"),
    "RECEIVED_NONE": without(b"Received"),
}


def test_every_name_has_its_message() -> None:
    """Those with a given weight are signs of phishing (tests/phishing)."""
    assert list(FIRED) == [name for name in FILTER.tests if name not in FILTER.given]


def test_clean() -> None:
    assert hits(FILTER, mail(CLEAN)) == []
    assert hits(FILTER, mail(CLEAN.replace(b"\n", b"\r\n"))) == []


@pytest.mark.parametrize("name", FIRED)
def test_hit(name: str) -> None:
    """The written message fires its test, and nothing that is not bound to go with it."""
    found = hits(FILTER, mail(FIRED[name]))
    assert name in found
    together = {
        "SUBJECT_8BIT": ["FIELD_8BIT"],
        "FROM_8BIT": ["FIELD_8BIT"],
        "FIELD_NUL": [],
        "REPEATED_FROM": ["FROM_SEVERAL"],
        "REPEATED_CONTENT_TYPE": [],
    }
    assert sorted(found) == sorted([name, *together.get(name, [])])


def test_no_hit_decides() -> None:
    for text in FIRED.values():
        assert not any(hit.decides for hit in FILTER.check(mail(text), Context(options=FILTER.Options())))


@pytest.mark.parametrize(
    "date",
    [
        b"Mon, 1 Jan 2024 10:00:00 +0100",
        b"1 Jan 2024 09:00:00 GMT",
        b"Mon, 1 Jan 2024 10:00 +0100",
        b"Mon,  1 Jan 2024 04:00:00 EST",
        b"Mon, 01 Jan 2024 10:00:00 +0100 (CET)",
    ],
)
def test_dates_that_are_right(date: bytes) -> None:
    assert hits(FILTER, mail(with_field(b"Date", b" " + date))) == []


@pytest.mark.parametrize("year", [b"0001", b"9999", b"1900", b"10000", b"0000", b"9" * 30])
@pytest.mark.parametrize("zone", [b"+0000", b"-2359", b"+2359", b"+9999", b"-0000"])
def test_no_year_and_no_zone_raises(year: bytes, zone: bytes) -> None:
    """The row would abstain, and a sender could switch all of its tests off by one forged hop."""
    for day in (b"31 Dec ", b"1 Jan "):
        date = day + year + b" 23:59:59 " + zone
        hits(FILTER, mail(with_field(b"Date", b" " + date)))
        hits(FILTER, mail(with_field(b"Received", b" from x by y; " + date)))
        hits(FILTER, mail(more(b"Received: from x by y; " + date)))


def test_a_date_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the time of the place where Tamis runs: the same message gets the same score everywhere."""
    text = with_field(b"Date", b" Mon, 1 Jan 2024 09:00:00 -0000")
    for zone in ("Pacific/Auckland", "America/Los_Angeles", "UTC"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert hits(FILTER, mail(text)) == []
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("filler", [b" ", b";", b"; ", b"a;", b"=?", b"=?a?q?", b"\n ", b"?=", b"<a@"])
def test_hostile_headers_take_bounded_time(filler: bytes) -> None:
    value = filler * (4000 // len(filler)) + b"x"
    fields = b"".join(
        name + b": a; " + value + b"\n" for name in (b"Received", b"Subject", b"Message-ID", b"Date") * 15
    )
    started = time.process_time()
    hits(FILTER, mail(fields + b"\nbody\n"))
    assert time.process_time() - started < 0.5
