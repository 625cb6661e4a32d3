"""The fields of the decision line."""

from typing import Any

from tamis.decision_log import fields
from tamis.filters.order import BY_NAME
from tamis.mail import MailClass
from tamis.record import Answer, Record, Verdict, as_json
from tamis.testing import mail


def verdict(recipient: str = "bob@example.org", spam: bool = True, **changed: Any) -> Verdict:
    known: dict[str, Any] = {"action": "tag" if spam else "deliver", "mode": "tag", "level": 7.5, "score": 109}
    known |= {"tests": (("BAYES", 59), ("A", 50)), "row": BY_NAME["blacklisted-ip"] if spam else None}
    known |= {"because": "peer matches x" if spam else ""}
    return Verdict(recipient, spam, **(known | changed))


def record(*verdicts: Verdict, **envelope: Any) -> Record:
    text = "Message-ID: <1@example.net>\n\nbody\n"
    message = mail(text, rdns="mail.example.net", helo="helo", sender="ann@example.net", **envelope)
    message.queue_id, message.id = "4F1", "0123456789abcdef"
    answers = [
        Answer(BY_NAME["whitelisted-ip"], milliseconds=0.123),
        Answer(BY_NAME["spf"], abstained="no answer", milliseconds=1),
        Answer(BY_NAME["bayes"], cached=True),
    ]
    return Record(message, answers, verdicts, milliseconds=12.3456)


def test_everything_an_administrator_searches_for() -> None:
    assert fields(record(verdict())) == {
        "event": "decision",
        "queue_id": "4F1",
        "id": "0123456789abcdef",
        "class": "inbound",
        "peer": "192.0.2.7",
        "rdns": "mail.example.net",
        "helo": "helo",
        "sender": "ann@example.net",
        "recipients": ["recipient@example.org"],
        "message_id": "<1@example.net>",
        "size": 34,
        "verdict": "spam",
        "action": "tag",
        "mode": "tag",
        "row": "8 blacklisted-ip",
        "reason": "peer matches x",
        "score": "0.109",
        "level": "7.5",
        "tests": ["BAYES:0.059", "A:0.05"],
        "abstained": ["spf: no answer"],
        "ms": 12.35,
        "ms_rows": ["whitelisted-ip:0.12", "spf:1.00", "bayes:0.00"],
        "cached": ["bayes"],
    }


def test_recipients_who_differ_are_named() -> None:
    found = fields(record(verdict("a@example.org", spam=False), verdict("b@example.org"), verdict("c@example.org")))
    assert found["verdict"] == "spam"
    assert found["ham_for"] == ["a@example.org"]


def test_traps_are_named() -> None:
    written_to = record(verdict())
    assert "traps" not in fields(written_to)
    written_to.traps = frozenset({"hidden@example.org", "gone@example.org"})
    assert fields(written_to)["traps"] == ["gone@example.org", "hidden@example.org"]


def test_outgoing_mail_has_no_verdict() -> None:
    outgoing = record()
    outgoing.mail.mail_class = MailClass.OUTGOING
    found = fields(outgoing)
    assert found["class"] == "outgoing"
    assert not {"verdict", "row", "score"} & found.keys()


def test_what_is_unknown_is_empty() -> None:
    found = fields(record(verdict(spam=False), peer=""))
    assert (found["peer"], found["row"], found["reason"]) == ("", "", "")


def test_the_record_as_json() -> None:
    found = as_json(record(verdict()))
    (said,) = found["verdicts"]
    assert (said["verdict"], said["row"], said["name"], said["score"]) == ("spam", "8", "blacklisted-ip", 0.109)
    assert said["tests"] == {"BAYES": 0.059, "A": 0.05}
    assert [row["abstained"] for row in found["rows"]] == [None, "no answer", None]
