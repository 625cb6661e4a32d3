"""Row 11: no author, and null senders that are notices or are not."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tamis import limits
from tamis.addresses import parse_mailboxes
from tamis.answers import Answers
from tamis.config import parse
from tamis.contract import Abstain, Context
from tamis.delivery_failures import message_key
from tamis.examination import Examination, Snapshot
from tamis.filters.missing_sender import MissingSender
from tamis.lists import Lists
from tamis.mail import Mail
from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import entries_of
from tamis.models.storage import SHIPPED_MODEL
from tamis.notices import CLAUSES, shape_of_a_notice
from tamis.policy import Policies
from tamis.record import Record
from tamis.redis_client import RedisClient, RoundTrip
from tamis.sent_ids import SentIds
from tamis.testing import hits, mail
from tests.redis_server import Server

FILTER = MissingSender()
HOW_IT_WORKS = (Path(__file__).parents[2] / "docs" / "how-it-works.md").read_text(encoding="utf-8")
PLAIN = "From: ann@example.net\nTo: recipient@example.org\nSubject: hello\n\nhello\n"
SENDER = "ann@example.net"
OURS = ("recipient@example.org", "other@example.org")


def with_fields(fields: str) -> str:
    return fields + "\n" + PLAIN


def with_author(author: str) -> str:
    return PLAIN.replace("ann@example.net", author)


def with_type(content_type: str, body: str = "x\n") -> str:
    return f"From: ann@example.net\nContent-Type: {content_type}\n\n{body}"


def with_part(content_type: str, body: str) -> str:
    return with_type(
        "multipart/mixed; boundary=b", f"--b\n\ntext\n--b\nContent-Type: {content_type}\n\n{body}\n--b--\n"
    )


REPORTS = [
    with_type("multipart/report; report-type=delivery-status; boundary=b", "--b\n\nx\n--b--\n"),
    with_type('multipart/report; boundary="never"; report-type="Disposition-Notification"'),
    with_part("message/delivery-status", "Reporting-MTA: dns; mx.example.net\n"),
    with_part("message/global-delivery-status", "Reporting-MTA: dns; mx.example.net\n"),
    with_part("message/disposition-notification", "Disposition: manual-action; displayed\n"),
    with_part("message/feedback-report", "Feedback-Type: abuse\n"),
]
EVENT = '{"notificationType":"Bounce","bounce":{},"mail":{"messageId":"1"}}'
WRAPPED = json.dumps({"Type": "Notification", "Message": EVENT}, indent=2)
REPORTS_IN_JSON = [
    with_type("text/plain", EVENT),
    with_type("text/plain", f"\n {EVENT}\n--\nIf you wish to stop receiving notifications, visit the link\n"),
    with_type("text/plain", '{"eventType":"Delivery","mail":{"messageId":"1"}}'),
    with_type("text/plain", WRAPPED),
    with_type("text/plain", WRAPPED.replace("Bounce", "Bou!\n nce")),
    with_type("text/plain", EVENT.replace('"mail":', '"mail"!\n :')),
]
AUTOMATIC = [
    with_fields("Auto-Submitted: auto-replied"),
    with_fields("Auto-Submitted: Auto-Generated (failure)"),
    with_fields("Auto-Submitted: auto-replied; owner-email=x"),
    with_fields("X-Autoreply: yes"),
    with_fields("X-Autorespond: hello"),
    with_fields("Precedence: auto_reply"),
    with_fields("X-Failed-Recipients: bob@example.com"),
    with_fields("X-MS-Exchange-Inbox-Rules-Loop: ann@example.net"),
    with_fields("X-MLServer: fml [fml 4.0.3 release]"),
    with_fields("In-Reply-To: <1@example.org>").replace("Subject: ", "Subject: Auto: "),
    with_fields("In-Reply-To: <1@example.org>").replace("Subject: ", "Subject: Automatic reply: "),
]
DAEMONS = [
    with_author("MAILER-DAEMON@mx.example.net (Mail Delivery System)"),
    with_author("MAILER-DAEMON <>"),
    with_author("Postmaster <postmaster@example.net>"),
    with_author("post_master@example.net"),
    with_author("<MDaemon@example.net>"),
    with_author('"Mail Delivery Subsystem" <noreply@example.net>'),
    with_author("=?utf-8?q?Mail_Delivery_System?= <x@example.net>"),
]
RETURNED = [
    with_part("message/rfc822", "From: bob@example.org\nSubject: x\n\nx"),
    with_part("text/rfc822-headers", "From: bob@example.org\nSubject: x\n"),
    with_type("message/rfc822", "From: bob@example.org\nSubject: x\n\nx"),
]
QUOTED_HEADERS = [
    PLAIN + "\nReceived: from x\n\tby y; Mon, 1 Jan 2024\nFrom: bob@example.org\nSubject: x\n\nx\n",
    PLAIN + "> Message-ID: <1@example.org>\n> X-Mailer: y\n> To: bob@example.com\n> From: bob@example.org\n",
    PLAIN + "   Message-Id: <1@example.org>\n   Date: x\n   To: bob@example.com\n",
    PLAIN + "--- Original message follows ---\n\nFrom: a@b.example\nTo: c@d.example\nSubject: x\nDate: today\n",
]
NOTICES = dict(zip(CLAUSES, (REPORTS, REPORTS_IN_JSON, AUTOMATIC, DAEMONS, RETURNED, QUOTED_HEADERS), strict=True))
ODD = [
    PLAIN,
    with_type("multipart/report; boundary=b", "--b\n\nx\n--b--\n"),
    with_fields("Auto-Submitted: no"),
    with_fields("Auto-Submitted:"),
    with_fields("X-Auto-Response-Suppress: All"),
    with_fields("Precedence: bulk"),
    with_fields("X-Autoreply: no"),
    with_fields("X-MLServer: fml [fml 4.0.3 release]\nX-ML-Name: cats\nX-Mail-Count: 00022"),
    with_type("text/plain", f"look: {EVENT}"),
    with_type("text/plain", EVENT[:-2]),
    with_type("text/plain", EVENT.replace("messageId", "id")),
    with_type("text/plain", EVENT.replace('"Bounce"', "1")),
    with_type("text/plain", '{"notificationType": ' + "[" * 100_000),
    with_type("text/plain", '{"Type": "Notification", "Message": {"notificationType": "Bounce"}}'),
    PLAIN.replace("Subject: ", "Subject: Automatic reply: "),
    with_author("Postmaster General <ann@example.net>"),
    with_author("daemon.smith@example.net"),
    with_author("ann@postmaster.example"),
    PLAIN + "\n-----Original Message-----\nFrom: a@b.example\nSent: today\nTo: c@d.example\nSubject: x\n\nx\n",
    PLAIN + "From: a@b.example\nTo: c@d.example\nSubject: x\nDate: today\n",
    PLAIN + "Received: from x\n\nFrom: a@b.example\n\nSubject: x\n",
]


@pytest.mark.parametrize("sender", ["", SENDER])
def test_no_author_decides(sender: str) -> None:
    text = PLAIN.replace("From: ann@example.net\n", "")
    (hit,) = FILTER.check(mail(text, sender=sender), Context())
    assert (hit.name, hit.decides) == ("NO_AUTHOR", True)
    assert hits(FILTER, mail("Auto-Submitted: auto-replied\n" + text, sender=sender)) == ["NO_AUTHOR"]


@pytest.mark.parametrize("author", ["", "<>", "undisclosed", "MAILER DAEMON"])
def test_an_author_without_address_is_one_all_the_same(author: str) -> None:
    """What is odd about it is row 33's question."""
    assert hits(FILTER, mail(with_author(author), sender=SENDER)) == []


@pytest.mark.parametrize(
    "field", ["Date: Thu, 29 Apr 1995 23:34:45 -0800", "To: <bob@example.org>", "MIME-Version: 1.0"]
)
def test_an_author_that_ran_into_the_field_before_is_one(field: str) -> None:
    text = f"{field} From: Mail Delivery Subsystem <MAILER-DAEMON@example.net>\nSubject: returned\n\nhello\n"
    assert hits(FILTER, mail(text, sender=SENDER)) == []
    assert hits(FILTER, mail(f"Auto-Submitted: auto-replied\n{text}")) == ["NULL_SENDER_NOTICE"]


@pytest.mark.parametrize("field", ["Subject: Fwd: From: ann@example.net", "X-Any: From: ann@example.net",
                                   "Date: now From: the moon", "To: xFrom: ann@example.net"])  # fmt: skip
def test_words_that_are_no_author(field: str) -> None:
    assert hits(FILTER, mail(f"{field}\n\nhello\n", sender=SENDER)) == ["NO_AUTHOR"]


@pytest.mark.parametrize(("words", "text"), [(words, text) for words, texts in NOTICES.items() for text in texts])
def test_a_notice(words: str, text: str) -> None:
    assert shape_of_a_notice(Message(text.encode())) == words
    (hit,) = FILTER.check(mail(text), Context())
    assert (hit.name, hit.amount, hit.decides, hit.decides_at_share) == ("NULL_SENDER_NOTICE", 0.0, False, None)
    assert hit.because == f"null sender, and {words}"


@pytest.mark.parametrize("text", ODD)
def test_no_notice(text: str) -> None:
    (hit,) = FILTER.check(mail(text.replace("recipient@", "")), Context())
    assert (hit.name, hit.amount, hit.decides, hit.decides_at_share) == ("NULL_SENDER_ODD", 1.0, False, 0.5)
    assert hits(FILTER, mail(text, sender=SENDER)) == []


@pytest.mark.parametrize(
    "body", ["<Recipient@Example.ORG>: unknown", "To recipient@example.org.", "于recipient@example.org"]
)
def test_a_quoted_recipient(body: str) -> None:
    (hit,) = FILTER.check(mail(PLAIN + body), Context())
    assert (hit.name, hit.recipient) == ("NULL_SENDER_NOTICE", "recipient@example.org")


@pytest.mark.parametrize(
    "body", ["http://x.example/?u=recipient@example.org", "precipient@example.org", "recipient@example.organic", ""]
)
def test_not_quoted(body: str) -> None:
    assert hits(FILTER, mail(PLAIN + body)) == ["NULL_SENDER_ODD"]


def test_quoting_one_recipient_passes_the_message_for_that_one_alone() -> None:
    message = mail(PLAIN + "recipient@example.org", recipients=OURS)
    found = {hit.recipient: hit.name for hit in FILTER.check(message, Context(recipients=OURS))}
    assert found == {"recipient@example.org": "NULL_SENDER_NOTICE", "other@example.org": "NULL_SENDER_ODD"}


@pytest.mark.parametrize(
    "text",
    [
        with_fields("In-Reply-To: <1@example.org>"),
        with_fields("References: <0@x.example>\n <1@example.org>"),
        PLAIN + "about your message <1@example.org>\n",
    ],
)
def test_a_message_id_of_ours(server: Server, text: str) -> None:
    """Of outgoing mail that was sent within the last days, by whatever machine."""
    ours = SentIds(RedisClient(server.url))
    assert hits(FILTER, mail(text), sent=ours) == ["NULL_SENDER_ODD"]
    ours.add(message_key("<1@example.org>"), datetime.now(UTC))
    elsewhere = SentIds(RedisClient(server.url))
    assert hits(FILTER, mail(text, recipients=OURS), sent=elsewhere) == ["NULL_SENDER_NOTICE"]
    (hit,) = FILTER.check(mail(text), Context(sent=elsewhere))
    assert hit.because == "null sender, and it names a Message-ID of ours"
    assert hits(FILTER, mail(text.replace("<1@", "<2@")), sent=elsewhere) == ["NULL_SENDER_ODD"]


def test_abstains_where_nobody_says_whether_a_message_id_is_ours() -> None:
    away = SentIds(RedisClient())
    with pytest.raises(Abstain, match="Redis does not answer"):
        hits(FILTER, mail(with_fields("In-Reply-To: <1@example.org>")), sent=away)
    assert hits(FILTER, mail(PLAIN), sent=away) == ["NULL_SENDER_ODD"]


def test_abstains_where_the_sender_is_not_known() -> None:
    message = mail(PLAIN)
    message.sender_known = False
    with pytest.raises(Abstain, match="not known"):
        hits(FILTER, message)


def test_abstains_where_a_cap_hides_what_it_looks_for() -> None:
    with pytest.raises(Abstain, match="a cap"):
        hits(FILTER, mail(PLAIN + "a\n" * limits.MESSAGE_BYTES))
    with pytest.raises(Abstain, match="a cap"):
        hits(FILTER, mail("X: y\n" * (limits.HEADER_FIELDS + 1) + PLAIN))
    assert hits(FILTER, mail(AUTOMATIC[0] + "a\n" * limits.MESSAGE_BYTES)) == ["NULL_SENDER_NOTICE"]


def test_nothing_is_cached() -> None:
    """The answer takes less time than fetching it, and depends on sender and recipients besides the message."""
    assert FILTER.cache_key(mail(PLAIN)) is None


@pytest.mark.parametrize(
    "filler", ["a", "a@", "a.", "a@b.", "> ", ">", "From: ", "From:\n", " \n", "\n", "original ", "!\n ", '{"mail":']
)
@pytest.mark.slow
def test_hostile_text_takes_bounded_time(filler: str) -> None:
    for text in (PLAIN, with_type("text/plain", '{"notificationType": ')):
        message = mail(text + filler * (limits.TEXT_BYTES // len(filler)))
        started = time.process_time()
        hits(FILTER, message)
        assert time.process_time() - started < 2


def test_hostile_fields_take_bounded_time() -> None:
    message = mail("".join(f"{name}: {'From: ' * 10_000}\n" for name in ("Date", "To", "Cc")) + "\n")
    started = time.process_time()
    hits(FILTER, message)
    assert time.process_time() - started < 2


# Real mail


class Uncached(Answers):
    """No cache, and no server to ask for one."""

    def __init__(self) -> None:
        super().__init__(RedisClient())

    def fetch(self, keys: Sequence[bytes], trip: RoundTrip | None = None) -> list[bytes | None]:
        if trip:
            trip.go()
        return [None] * len(keys)

    def remember(self, answers: Mapping[bytes, bytes]) -> None:
        pass


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return Snapshot(Policies(parse("", "x")), Lists(), Model.load(SHIPPED_MODEL))


def examine(raw: bytes, snapshot: Snapshot) -> Record:
    """Examine a message of the corpora as if it had come with a null sender to those whom it is addressed to.

    Some bounces are kept with the line ends of old Macs, which no message has on the wire.
    """
    message = Message(raw if b"\n" in raw else raw.replace(b"\r", b"\n"))
    fields = message.fields("to") + message.fields("delivered-to")
    ours = [box.address for field in fields for box in parse_mailboxes(field.value)]
    return Examination(Mail(message, recipients=ours or ["nobody@example.org"]), snapshot, Uncached()).run()


def outcome(record: Record) -> str:
    """What row 11 said of a message, a recipient quoted for all who are."""
    (answer,) = (answer for answer in record.answers if answer.row.name == "missing-sender")
    said = {hit.because if "body quotes" not in hit.because else QUOTED for hit in answer.hits}
    return QUOTED if QUOTED in said else said.pop() if said else answer.abstained


QUOTED = "null sender, and the body quotes a recipient"


def documented(counted: Counter[str]) -> None:
    """Hold a table of docs/how-it-works.md to what was counted, and print it."""
    table = "\n".join(
        ["| row 11 said | messages |", "|---|---|", *(f"| {said} | {n} |" for said, n in counted.most_common())]
    )
    print(table)
    assert f"\n{table}\n\n" in HOW_IT_WORKS


@pytest.mark.corpora
def test_real_bounces(corpora: Path, snapshot: Snapshot) -> None:
    """No bounce becomes spam, and all pass but the one that the corpus itself says is none."""
    counted: Counter[str] = Counter()
    others: dict[str, list[str]] = {}
    for entry in entries_of(corpora / "bounces"):
        record = examine(entry.read(), snapshot)
        said = outcome(record)
        counted[said] += 1
        if not said.startswith("null sender, and it"):
            others.setdefault(said, []).append(Path(entry.name).stem)
        assert not any(verdict.spam for verdict in record.verdicts), entry.name
    documented(counted)
    assert counted.total() == 784
    assert others == {"null sender, and no sign of a notice": ["is-not-bounce-01"]}


@pytest.mark.corpora
def test_spam_with_a_null_sender(corpora: Path, snapshot: Snapshot) -> None:
    """Every n-th spam of two corpora, 300 in all. The shipped model knows them: what it decides flatters it."""
    counted: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for name in ("trec07p-first20k", "spamassassin"):
        spam = [entry for entry in entries_of(corpora / name) if entry.spam]
        for entry in spam[:: len(spam) // 150][:150]:
            record = examine(entry.read(), snapshot)
            said = outcome(record)
            counted[said] += 1
            leading = record.leading
            assert leading is not None
            if said == "null sender, and no sign of a notice":
                rows[leading.row.name if leading.row else "none"] += 1
    print(rows)
    documented(counted)
    assert counted.total() == 300
    assert rows["missing-sender"] >= 0.95 * counted["null sender, and no sign of a notice"]
