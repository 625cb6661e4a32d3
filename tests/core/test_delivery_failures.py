"""Which messages are reports of failure, of whose delivery, and of which message."""

from pathlib import Path

import pytest

from tamis import limits
from tamis.delivery_failures import Failure, envelope_key, message_key, quoted_keys, read_failure
from tamis.message import Message
from tamis.models.corpus import entries_of

HOW_IT_WORKS = (Path(__file__).parents[2] / "docs" / "how-it-works.md").read_text(encoding="utf-8")

OURS = "<1@example.org>"
RETURNED = f"Received: from x\nFrom: ann@example.org\nMessage-ID: {OURS}\nSubject: hello\n"
STATUS = (
    "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; bob@example.net\nAction: failed\nStatus: 5.1.1\n"
)
DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\n"


def report(status: str = STATUS, returned: str = RETURNED, kind: str = "message/rfc822", header: str = DAEMON) -> str:
    """A report as Postfix and most others write it (RFC 3464)."""
    return (
        f"{header}Auto-Submitted: auto-replied\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\n\nI'm sorry.\n--b\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--b\nContent-Type: {kind}\n\n{returned}\n\nhello\n--b--\n"
    )


def failure(text: str) -> Failure | None:
    return read_failure(Message(text.encode()))


FAILED = Failure(("bob@example.net",), (message_key(OURS),))


@pytest.mark.parametrize("kind", ["message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers"])
def test_a_report_names_recipient_and_message(kind: str) -> None:
    assert failure(report(kind=kind)) == FAILED


def test_a_returned_message_with_parts_of_its_own() -> None:
    parts = 'Content-Type: multipart/mixed; boundary="c"\n\n--c\n\nhello\n--c--\n'
    assert failure(report(returned=RETURNED + parts)) == FAILED


def test_whoever_says_so() -> None:
    """Reports should come from the null sender and a mail system; what counts is what they say."""
    assert failure(report(header="From: Bob <bob@example.net>\n")) == FAILED


def test_the_message_may_be_known_by_its_envelope_id() -> None:
    status = "Original-Envelope-Id: Q q+1\n" + STATUS
    assert failure(report(status, returned="")) == Failure(("bob@example.net",), (envelope_key("Q q+1"),))
    both = failure(report(status))
    assert both is not None
    assert set(both.keys) == {envelope_key("Q q+1"), message_key(OURS)}


def test_an_alias_is_known_by_both_of_its_addresses() -> None:
    status = STATUS.replace("Action", "Original-Recipient: rfc822;Ann+41@Example.NET\nAction")
    said = failure(report(status))
    assert said is not None
    assert said.recipients == ("ann+41@example.net", "bob@example.net")


def test_only_those_that_failed_count() -> None:
    more = "\nFinal-Recipient: rfc822; {}@example.net\nAction: {}\n"
    others = "".join(more.format(action, action) for action in ("delayed", "delivered", "relayed", "expanded"))
    assert failure(report(STATUS + others)) == FAILED
    assert failure(report("Reporting-MTA: dns; x\n" + others)) is None


@pytest.mark.parametrize("action", ["delayed", "Delayed", "delivered", "relayed", "expanded", ""])
def test_a_delay_or_a_success_is_no_failure(action: str) -> None:
    assert failure(report(STATUS.replace("failed", action))) is None


@pytest.mark.parametrize("status", [STATUS.replace("\n\n", "\n"), STATUS.replace("\n\n", "\n \t\n"), "\n\n" + STATUS])
def test_reports_that_are_written_carelessly(status: str) -> None:
    assert failure(report(status)) == FAILED


def test_a_report_that_names_no_message_is_about_nothing() -> None:
    assert failure(report(returned="Subject: hello\n")) is None
    assert failure(report(returned=RETURNED.replace("1@", "1" * limits.MESSAGE_ID_CHARS + "@"))) is None


def test_a_message_that_encloses_a_report_is_none() -> None:
    forwarded = f"From: ann@example.org\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nlook\n--a\nContent-Type: message/rfc822\n\n{report()}\n--a--\n"  # noqa: E501
    assert failure(forwarded) is None
    wrapped = f"From: ann@example.org\nContent-Type: multipart/mixed; boundary=a\n\n--a\n{report(header='')}\n--a--\n"
    assert failure(wrapped) == FAILED, "a list server put its footer around it"


# What mail systems say in words

TEXT = f"{DAEMON}Subject: Mail delivery failed\n\nbob@example.net: no such user\n\n{{}}{RETURNED}\nhello\n"


def test_a_mail_system_that_returns_a_message() -> None:
    everybody = Failure((), (message_key(OURS),))
    assert failure(TEXT.format("")) == everybody
    assert failure(TEXT.format("--- Below this line is a copy of the message.\n\n")) == everybody
    assert failure(TEXT.replace("Message-ID:", "> Message-ID:").format("")) == everybody


def test_exim_names_the_recipients() -> None:
    said = failure("X-Failed-Recipients: bob@example.net,\n eve@example.net\n" + TEXT.format(""))
    assert said == Failure(("bob@example.net", "eve@example.net"), (message_key(OURS),))


@pytest.mark.parametrize(
    "subject",
    [
        "Warning: message 1x delayed 24 hours",
        "Delivery Status Notification (Delay)",
        "Delayed Mail (still being retried)",
    ],
)
def test_a_delay_in_words_is_no_failure(subject: str) -> None:
    assert failure(TEXT.format("").replace("Mail delivery failed", subject)) is None


@pytest.mark.parametrize(
    "text",
    [
        f"From: Bob <bob@example.net>\nAuto-Submitted: auto-replied\nIn-Reply-To: {OURS}\nSubject: Auto: x\n\naway\n",
        f"From: Bob <bob@example.net>\nSubject: Re: hello\nIn-Reply-To: {OURS}\n\n> Message-ID: {OURS}\n",
        report().replace("delivery-status", "disposition-notification"),
        report().replace("delivery-status", "feedback-report"),
        DAEMON + "\nnothing is returned\n",
        "",
    ],
)
def test_automatic_replies_and_receipts_are_no_failures(text: str) -> None:
    assert failure(text) is None


@pytest.mark.parametrize("text", ["--b\n" * 1000, "Action: failed\n" * 5000, ("\n\n" + STATUS) * 2000, "\0\xff\ud800"])
def test_nothing_a_stranger_writes_breaks_it(text: str) -> None:
    raw = report("Final-Recipient: rfc822; \0\ud800@x\n" + text, text).encode("utf-8", "surrogatepass")
    said = read_failure(Message(raw))
    assert said is None or all(address.isprintable() for address in said.recipients)


# What a message answers


def test_message_ids_that_are_named_anywhere() -> None:
    for text in (
        f"In-Reply-To: {OURS}\n\nx",
        f"References: <0@x.example>\n {OURS}\n\nx",
        f"Subject: x\n\nYou wrote in {OURS}: hello\n",
        report(),
    ):
        assert message_key(OURS) in quoted_keys(Message(text.encode()))
    many = "".join(f"<{number}@example.org>\n" for number in range(1000))
    assert len(quoted_keys(Message(f"Subject: x\n\n{many}".encode()))) == limits.QUOTED_IDS


def test_keys_are_of_one_kind() -> None:
    assert message_key(" <1@example.org> ") == message_key("1@example.org") != envelope_key("1@example.org")
    assert message_key("") == message_key("<>") == message_key("x" * 1000) == ""


@pytest.mark.corpora
def test_real_reports(corpora: Path) -> None:
    """As many as docs/how-it-works.md says; none whose subject speaks of a delay, and no ordinary mail."""
    found = {}
    for entry in entries_of(corpora / "bounces"):
        raw = entry.read()
        # Some are kept with the line ends of old Macs.
        message = Message(raw if b"\n" in raw else raw.replace(b"\r", b"\n"))
        if read_failure(message) is not None:
            found[entry.name] = message.subject
    assert f"notices of the corpus `bounces`, {len(found)} are reports of failure" in HOW_IT_WORKS, len(found)
    assert not [subject for subject in found.values() if "delay" in subject.lower()]
    assert not any(read_failure(Message(entry.read())) for entry in entries_of(corpora / "modern") if not entry.spam)
