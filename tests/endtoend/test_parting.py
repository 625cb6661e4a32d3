"""One message to recipients under different policies: each gets the copy of their own, once, and nobody another's."""

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.endtoend.site import SPAMMER, Arrived, Site, letter, policies, running

pytestmark = pytest.mark.servers

OWN_LISTS = """
[domain."first.example"]
mode = "tag"
blacklist_sender = ["listed.example"]

[domain."second.example"]
mode = "tag"
blacklist_sender = [".listed.example", "bulk@listed.example"]

[domain."strict.example"]
mode = "junk"
level = 3
"""
DOMAINS = ("first.example", "second.example", "strict.example", "sender.example")

FATES = {
    "tag.example": ("spam; action=tag", "SPAM: {}", "", ""),
    "junk.example": ("spam; action=junk", "{}", "YES", ""),
    "tagged-junk.example": ("spam; action=junk", "SPAM: {}", "YES", ""),
    "plain.example": ("ham; action=deliver", "{}", "", "Whitelisted Peer IP"),
    "observe.example": ("spam; action=observe", "{}", "", ""),
    "quarantine.example": ("spam; action=hold", "{}", "", "Released by admin@example.org"),
}
"""Of each domain's copy of spam: verdict and action, Subject, X-Spam-Flag, X-Icodia-SpamFilter-WL."""


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    with running(policies("example") + OWN_LISTS, sunk=[*FATES, *DOMAINS]) as one:
        yield one


def check(copy: Arrived, subject: str) -> None:
    """Assert that a copy is that of its recipient's policy, and says nothing twice."""
    verdict, tagged, flag, let_through = FATES[copy.recipient.rpartition("@")[2]]
    assert copy.header("X-Tamis-Verdict").startswith(f"{verdict}; row=")
    assert copy.header("Subject") == tagged.format(subject)
    assert copy.header("X-Spam-Flag") == flag
    assert copy.header("X-Icodia-SpamFilter-WL") == let_through
    for name in ("X-Ico-Bay", "X-Spam-Status", "X-Error-Return-Path", "X-HELO-In-Domain", "X-IcoServerMsgID"):
        assert copy.header(name)
    assert copy.header("X-ORG-IN-IP-Address") == SPAMMER
    assert copy.content.endswith(b"\r\nbody of " + subject.encode() + b"\r\n")


def test_every_mode_in_one_message(site: Site) -> None:
    subject = uuid.uuid4().hex
    reply = site.deliver(letter(subject), "offers@sender.example", [f"user@{one}" for one in FATES], peer=SPAMMER)
    copies = site.arrived()
    assert sorted(copy.recipient for copy in copies) == sorted(
        f"user@{one}" for one in FATES if one != "quarantine.example"
    )
    held = site.held(reply.queue_id)
    assert list(held) == ["user@quarantine.example"]
    assert site.release(*held.values())
    copies += site.arrived()
    assert len(copies) == len(FATES)
    for copy in copies:
        check(copy, subject)
        # Nobody learns who else got the message, nor that somebody else did.
        said = copy.content.decode()
        assert set(re.findall(r"user@([a-z-]+\.example)", said)) <= {copy.recipient.rpartition("@")[2]}
        assert copy.header("X-RCPT-TO") == ""
    assert len({copy.header("X-IcoServerMsgID") for copy in copies}) == 1


def test_the_copy_of_the_largest_group_stays_in_the_queue(site: Site) -> None:
    subject = uuid.uuid4().hex
    recipients = [
        "one@junk.example",
        "one@tag.example",
        "two@tag.example",
        "one@quarantine.example",
        "two@junk.example",
    ]
    reply = site.deliver(letter(subject), "x@sender.example", [*recipients, "three@junk.example"], peer=SPAMMER)
    copies = site.arrived()
    for copy in copies:
        check(copy, subject)
    stayed = {copy.recipient for copy in copies if _queue_id(copy) == reply.queue_id}
    assert stayed == {"one@junk.example", "two@junk.example", "three@junk.example"}
    # The two others share one copy, too.
    assert [copy.recipient for copy in copies if _queue_id(copy) != reply.queue_id] == [
        "one@tag.example",
        "two@tag.example",
    ]
    assert len({copy.transaction for copy in copies}) == 2


def _queue_id(copy: Arrived) -> str:
    found = re.search(r" with \S+ id (\w+)", copy.message.fields("received")[0].text)
    assert found is not None
    return found.group(1)


def test_a_hundred_recipients(site: Site) -> None:
    subject = uuid.uuid4().hex
    recipients = [f"user{number}@{list(FATES)[number % len(FATES)]}" for number in range(100)]
    reply = site.deliver(letter(subject), "x@sender.example", recipients, peer=SPAMMER)
    held = site.held(reply.queue_id)
    copies = site.arrived()
    assert sorted([*(copy.recipient for copy in copies), *held]) == sorted(recipients)
    assert {one.rpartition("@")[2] for one in held} == {"quarantine.example"}
    assert sorted(site.release(*held.values())) == sorted(held.values())
    copies += site.arrived()
    assert sorted(copy.recipient for copy in copies) == sorted(recipients)
    for copy in copies:
        check(copy, subject)


def test_one_recipient_alone_is_named(site: Site) -> None:
    for domain in FATES:
        subject = uuid.uuid4().hex
        reply = site.deliver(letter(subject), "x@sender.example", [f"Only@{domain}"], peer=SPAMMER)
        site.release(*site.held(reply.queue_id).values())
        (copy,) = site.arrived()
        check(copy, subject)
        assert copy.header("X-RCPT-TO") == f"<Only@{domain}>"


def test_who_is_left_alone_is_not_named_all_the_same(site: Site) -> None:
    """The copy that stays is for one recipient; that another one was taken off must not be seen."""
    subject = uuid.uuid4().hex
    recipients = ["a@quarantine.example", "b@tag.example"]
    reply = site.deliver(letter(subject), "x@sender.example", recipients, peer=SPAMMER)
    (copy,) = site.arrived()
    assert (copy.recipient, copy.header("X-RCPT-TO")) == ("b@tag.example", "")
    assert b"quarantine" not in copy.content
    site.release(*site.held(reply.queue_id).values())
    (copy,) = site.arrived()
    assert (copy.recipient, copy.header("X-RCPT-TO")) == ("a@quarantine.example", "")
    assert b"tag.example" not in copy.content


def test_recipients_of_one_copy_do_not_learn_of_each_others_lists(site: Site) -> None:
    subject = uuid.uuid4().hex
    reply = site.deliver(letter(subject), "bulk@listed.example", ["a@first.example", "b@second.example"])
    first, second = site.arrived()
    assert (first.transaction, _queue_id(first)) == (second.transaction, reply.queue_id)
    assert first.header("X-Tamis-Verdict").startswith("spam; action=tag; row=9 blacklisted-sender; id=")
    assert b"first" not in first.content
    assert b"second" not in first.content


def test_another_level_alone_parts_nobody(site: Site) -> None:
    subject = uuid.uuid4().hex
    reply = site.deliver(letter(subject), "x@sender.example", ["a@junk.example", "b@strict.example"], peer=SPAMMER)
    first, second = site.arrived()
    assert (first.transaction, _queue_id(first)) == (second.transaction, reply.queue_id)
    assert "required=3 " in first.header("X-Spam-Status")


def test_mail_of_our_own_people_has_one_copy_whatever_the_policies(site: Site) -> None:
    subject = uuid.uuid4().hex
    recipients = [f"user@{one}" for one in FATES]
    for peer, login in ((SPAMMER, "ann@tag.example"), ("10.20.0.7", None)):
        reply = site.deliver(letter(subject), "ann@tag.example", recipients, peer=peer, login=login)
        copies = site.arrived()
        assert sorted(copy.recipient for copy in copies) == sorted(recipients)
        assert {_queue_id(copy) for copy in copies} == {reply.queue_id}
        assert not site.held(reply.queue_id)
        assert {copy.header("Subject") for copy in copies} == {subject}
        assert {copy.header("X-Tamis-Verdict") for copy in copies} == {""}
