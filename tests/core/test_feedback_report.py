"""Feedback reports (RFC 5965), well-formed and not."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.complaints import Kind
from tamis.feedback_report import NoComplaint, NoReport, Report, read_report
from tamis.message import Message

NOW = datetime(2026, 3, 1, tzinfo=UTC)

# RFC 5965, appendix B.2, with addresses of RFC 5737.
FIELDS = """\
Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <somespammer@Example.net>
Original-Rcpt-To: <user@example.com>
Received-Date: Thu, 8 Mar 2005 14:00:00 EDT
Source-IP: 192.0.2.1
Authentication-Results: mail.example.com; spf=fail smtp.mail=somespammer@example.com
Reported-Domain: example.net
Reported-Uri: http://example.net/earn_money.html
"""


def report(fields: str = FIELDS, header: str = "", kind: str = "message/feedback-report") -> bytes:
    return f"""\
From: <abusedesk@example.com>
Date: Thu, 8 Mar 2005 17:40:36 EDT
Subject: FW: Earn money
To: <abuse@example.net>
{header}MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1
Content-Type: {kind}

{fields}
--part1
Content-Type: message/rfc822
Content-Disposition: inline

Received: from mailserver.example.net (mailserver.example.net [192.0.2.1])
From: <somespammer@example.net>
Subject: Earn money

Spam Spam Spam
--part1--
""".encode()


def read(raw: bytes) -> Report:
    return read_report(Message(raw), NOW)


def test_the_example_of_the_rfc() -> None:
    found = read(report())
    assert found.type == "abuse"
    assert found.accused == (
        (Kind.IP, "192.0.2.1"),
        (Kind.SENDER, "somespammer@example.net"),
        (Kind.DOMAIN, "example.net"),
    )
    assert found.reporter == "user@example.com"
    assert found.at == datetime(2005, 3, 8, 18, 0, tzinfo=UTC)
    complaints = found.complaints("desk")
    assert [(one.kind, one.value, one.source) for one in complaints] == [
        (kind, value, "desk") for kind, value in found.accused
    ]
    assert {one.report for one in complaints} == {found.digest}


def test_each_report_has_a_digest_of_its_own() -> None:
    assert read(report()).digest == read(report().replace(b"\n", b"\r\n")).digest
    named = report(header="Message-ID: <2@example.com>\n")
    assert read(report()).digest != read(named).digest
    assert read(named).digest == read(b"Received: by desk\n" + named + b"\n\n").digest
    assert read(named).digest != read(named.replace(b"192.0.2.1\n", b"192.0.2.9\n")).digest


@pytest.mark.parametrize(
    ("field", "changed", "accused"),
    [
        ("Source-IP: 192.0.2.1", "Source-IP: [2001:DB8::1]", (Kind.IP, "2001:db8::1")),
        ("Source-IP: 192.0.2.1", "source-ip:192.0.2.1 ", (Kind.IP, "192.0.2.1")),
        ("Source-IP: 192.0.2.1", "Source-IP: ::ffff:192.0.2.1", (Kind.IP, "192.0.2.1")),
        ("Reported-Domain: example.net", "Reported-Domain: Bücher.example", (Kind.DOMAIN, "xn--bcher-kva.example")),
    ],
)
def test_spellings(field: str, changed: str, accused: tuple[Kind, str]) -> None:
    assert accused in read(report(FIELDS.replace(field, changed))).accused


def test_domains_may_be_many_and_only_so_many_are_read() -> None:
    many = "".join(f"Reported-Domain: d{number}.example\n" for number in range(1000))
    found = read(report(many + FIELDS))
    assert len([value for kind, value in found.accused if kind is Kind.DOMAIN]) == limits.REPORTED_DOMAINS


def test_the_null_sender_and_nonsense_are_not_accused() -> None:
    domains = "Reported-Domain: a b\nReported-Domain: x@y\n"
    for address in ("unknown", "0.0.0.0/0", "192.0.2.0/24", "192.0.2.1 192.0.2.2"):
        fields = f"Feedback-Type: abuse\nOriginal-Mail-From: <>\nSource-IP: {address}\n{domains}"
        with pytest.raises(NoReport, match="names neither"):
            read(report(fields))


@pytest.mark.parametrize(
    ("said", "kind"), [("fraud", "fraud"), ("VIRUS", "virus"), ("x\r\n y", "other"), ("", "other")]
)
def test_types(said: str, kind: str) -> None:
    assert read(report(FIELDS.replace("abuse", said, 1))).type == kind


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "opt-out"])
def test_what_complains_of_nobody(kind: str) -> None:
    with pytest.raises(NoComplaint):
        read(report(FIELDS.replace("abuse", kind, 1)))


@pytest.mark.parametrize("raw", [b"", b"From: a@b.example\n\nhello\n", report(kind="text/plain")])
def test_what_is_no_report(raw: bytes) -> None:
    with pytest.raises(NoReport, match="is no feedback report"):
        read(raw)


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Thu, 8 Mar 2035 14:00:00 +0000", NOW),
        ("nonsense", datetime(2005, 3, 8, 21, 40, 36, tzinfo=UTC)),
        ("Thu, 8 Mar 2005 14:00:00 -0000", datetime(2005, 3, 8, 14, tzinfo=UTC)),
        ("Thu, 8 Mar 99999 14:00:00 +0000", datetime(2005, 3, 8, 21, 40, 36, tzinfo=UTC)),
    ],
)
def test_when(date: str, at: datetime) -> None:
    assert read(report(FIELDS.replace("Thu, 8 Mar 2005 14:00:00 EDT", date))).at == at


def test_the_reporter_is_who_wrote_where_nothing_else_is_said() -> None:
    fields = FIELDS.replace("Original-Rcpt-To: <user@example.com>\n", "")
    assert read(report(fields)).reporter == "abusedesk@example.com"


@given(st.binary(max_size=300))
def test_nothing_raises_but_what_is_said(octets: bytes) -> None:
    raw = report().replace(FIELDS.encode(), octets)
    try:
        found = read(raw)
    except (NoReport, NoComplaint):
        return
    assert found.accused
