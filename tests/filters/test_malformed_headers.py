"""Row 33: each oddity fires on a message that has it, and none on one that is in order."""

import pytest

from tamis.filters.malformed_headers import MalformedHeaders
from tamis.testing import hits, mail

ORDERLY = (
    "Received: from a.example (a.example [192.0.2.7]) by mx.example; Mon, 2 Nov 2026 10:00:05 +0000\n"
    "From: Ann <ann@example.com>\nTo: bob@example.org\nSubject: Lunch\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n"
    "Message-ID: <1@mail.example.com>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
)
BODY = "\nhello\n"


def without(name: str) -> str:
    return "".join(line for line in ORDERLY.splitlines(True) if not line.startswith(f"{name}:")) + BODY


def instead(name: str, value: str) -> str:
    return (
        ORDERLY.replace(next(x for x in ORDERLY.splitlines(True) if x.startswith(f"{name}:")), f"{name}:{value}\n")
        + BODY
    )


def more(line: str) -> str:
    return f"{ORDERLY}{line}\n{BODY}"


MULTIPART = ORDERLY.replace("text/plain; charset=utf-8", "multipart/mixed; boundary=b")
ODD: dict[str, str | bytes] = {
    "MISSING_FROM": without("From"),
    "MISSING_DATE": without("Date"),
    "MISSING_TO": without("To"),
    "MISSING_SUBJECT": without("Subject"),
    "MISSING_MESSAGE_ID": without("Message-ID"),
    "EMPTY_SUBJECT": instead("Subject", " "),
    "EMPTY_TO": instead("To", " "),
    "REPEATED_FROM": more("From: ann@example.com"),
    "REPEATED_TO": more("To: carol@example.org"),
    "REPEATED_CC": more("Cc: carol@example.org\nCc: dave@example.org"),
    "REPEATED_SUBJECT": more("Subject: again"),
    "REPEATED_DATE": more("Date: Mon, 2 Nov 2026 10:00:00 +0000"),
    "REPEATED_MESSAGE_ID": more("Message-ID: <2@mail.example.com>"),
    "REPEATED_REPLY_TO": more("Reply-To: a@example.com\nReply-To: b@example.com"),
    "REPEATED_SENDER": more("Sender: a@example.com\nSender: b@example.com"),
    "REPEATED_MIME_VERSION": more("MIME-Version: 1.0"),
    "REPEATED_CONTENT_TYPE": more("Content-Type: text/plain"),
    "FROM_NO_ADDRESS": instead("From", " Ann"),
    "FROM_SEVERAL": instead("From", " ann@example.com, amy@example.com"),
    "DATE_INVALID": instead("Date", " yesterday"),
    "DATE_BEFORE_RECEIVED": instead("Date", " Thu, 29 Oct 2026 10:00:00 +0000"),
    "DATE_AFTER_RECEIVED": instead("Date", " Mon, 2 Nov 2026 14:00:00 +0000"),
    "MESSAGE_ID_INVALID": instead("Message-ID", " 12345"),
    "MESSAGE_ID_SHORT_HOST": instead("Message-ID", " <1@localhost>"),
    "FIELD_8BIT": more("X-Mailer: Mañana").encode(),
    "SUBJECT_8BIT": instead("Subject", " déjeuner").encode("latin-1"),
    "FROM_8BIT": instead("From", " Zoé <z@example.com>").encode("latin-1"),
    "FIELD_CONTROL": more("X-Mailer: a\x08b"),
    "FIELD_NUL": more("X-Mailer: a\x00b"),
    "FIELD_LONG_LINE": more("X-Mailer: " + "a" * 1000),
    "FIELD_BLANK_FOLD": more("X-Mailer: a\n \n b"),
    "FIELD_NAME_LONG": more("X-" + "a" * 60 + ": b"),
    "HEADER_ENDED_EARLY": f"{ORDERLY}this is no field{BODY}",
    "ENCODED_WORD_BROKEN": more("X-Mailer: =?no-such-charset?Q?a?="),
    "SUBJECT_NEEDLESSLY_ENCODED": instead("Subject", " =?utf-8?Q?Lunch?="),
    "MIME_WITHOUT_VERSION": without("MIME-Version"),
    "MIME_NO_BOUNDARY": MULTIPART.replace("; boundary=b", "") + BODY,
    "MIME_UNCLOSED": f"{MULTIPART}\n--b\n\nhello\n",
    "MIME_CHARSET_UNKNOWN": instead("Content-Type", " text/plain; charset=no-such-charset"),
    "MIME_ENCODING_UNKNOWN": more("Content-Transfer-Encoding: rot13"),
    "MIME_TYPE_INVALID": instead("Content-Type", " text"),
    "RECEIVED_NONE": without("Received"),
}


@pytest.mark.parametrize("name", MalformedHeaders.tests)
def test_hit(name: str) -> None:
    assert name in hits(MalformedHeaders(), mail(ODD[name]))


def test_clean() -> None:
    assert hits(MalformedHeaders(), mail(ORDERLY + BODY)) == []
    assert hits(MalformedHeaders(), mail(f"{MULTIPART}\n--b\n\nhello\n--b--\n")) == []
    assert hits(MalformedHeaders(), mail(instead("Subject", " =?utf-8?Q?d=C3=A9jeuner?="))) == []


def test_nothing_at_all_is_no_error() -> None:
    assert "MISSING_FROM" in hits(MalformedHeaders(), mail(""))
    assert "DATE_INVALID" in hits(MalformedHeaders(), mail(instead("Date", " Mon, 99 Foo 99999 99:99:99 +9999")))
