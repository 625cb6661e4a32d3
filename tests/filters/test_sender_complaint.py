"""Row 7b."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tamis.answers import Answers
from tamis.config import ConfigError, parse
from tamis.contract import Context, Hit
from tamis.examination import Examination, Snapshot
from tamis.filters.sender_complaint import SenderComplaint
from tamis.lists import Entry, ListName, Lists
from tamis.mail import Mail
from tamis.policy import Policies
from tamis.record import Verdict
from tamis.redis_client import RedisClient
from tamis.testing import hits, mail

FILTER = SenderComplaint()


def complaint(value: str) -> Entry:
    return Entry(ListName.COMPLAINT_SENDER, value)


@pytest.mark.parametrize("value", ["ann@spammer.example", "spammer.example", ".spammer.example", ".example"])
def test_hit(value: str) -> None:
    message = mail("", sender="Ann@Spammer.example")
    assert hits(FILTER, message, lists=[complaint(value)]) == ["COMPLAINT_SENDER"]
    (hit,) = FILTER.check(message, Context(lists=Lists([complaint(value)])))
    assert hit == Hit("COMPLAINT_SENDER", f"envelope sender matches {value} (complaint_sender of the platform)", True)


def test_clean() -> None:
    message = mail("From: ann@spammer.example\n\n", sender="ann@other.example")
    over = Entry(ListName.COMPLAINT_SENDER, "other.example", expires=message.now)
    others = [complaint("spammer.example"), Entry(ListName.BLACKLIST_SENDER, "other.example"), over]
    assert hits(FILTER, message, lists=others) == []
    assert hits(FILTER, mail("", sender=""), lists=[complaint("example")]) == []
    assert hits(FILTER, message, lists=[Entry(over.list, over.value, expires=message.now + timedelta(seconds=1))])


# What it leads to


def verdict(config: str, lists: Sequence[Entry], message: Mail | None = None) -> Verdict:
    asked = message or mail("From: a@b.example\n\nhello\n", sender="ann@spammer.example")
    snapshot = Snapshot(Policies(parse(config, "x")), Lists([complaint("spammer.example"), *lists]), None)
    return Examination(asked, snapshot, Answers(RedisClient())).run().verdicts[0]


def test_it_is_spam_by_row_7b() -> None:
    found = verdict("", [])
    assert (found.spam, found.row and found.row.number, found.test) == (True, "7b", "COMPLAINT_SENDER")


def test_it_goes_before_the_blacklists() -> None:
    lists = [Entry(ListName.BLACKLIST_IP, "192.0.2.7"), Entry(ListName.BLACKLIST_SENDER, "spammer.example")]
    found = verdict("", lists)
    assert found.row
    assert found.row.number == "7b"


@pytest.mark.parametrize(
    "white",
    [
        Entry(ListName.WHITELIST_IP, "192.0.2.7"),
        Entry(ListName.WHITELIST_SENDER, "ann@spammer.example"),
        Entry(ListName.WHITELIST_SENDER, "spammer.example", "example.org"),
    ],
)
def test_whitelists_win(white: Entry) -> None:
    assert not verdict("", [white]).spam


def test_the_antispam_as_a_whole_switches_it_off_and_nothing_else_does() -> None:
    assert not verdict("[policy]\nantispam = false\n", []).spam
    for where in ("policy", 'domain."example.org"'):
        with pytest.raises(ConfigError, match="there is nothing to set here"):
            parse(f"[{where}.filters.sender-complaint]\nenabled = false\n", "x")


class Broken(Lists):
    """Lists that cannot be asked for senders."""

    def match_address(self, *_: object) -> Entry | None:
        raise OSError("the lists are gone")


def test_a_failure_makes_nobody_spam() -> None:
    message = mail("From: a@b.example\n\nhello\n", sender="ann@spammer.example")
    snapshot = Snapshot(Policies(parse("", "x")), Broken([complaint("spammer.example")]), None)
    record = Examination(message, snapshot, Answers(RedisClient())).run()
    assert not record.verdicts[0].spam
    (answer,) = (answer for answer in record.answers if answer.row.number == "7b")
    assert (answer.error, answer.abstained) == (True, "OSError: the lists are gone")
