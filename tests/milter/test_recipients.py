"""Which word takes exactly one recipient off a message in a real Postfix, and what is left then."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.postfix import client
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix
from tamis.postfix.ports import free_ports, wait_listening

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
MILTER = Path(__file__).with_name("removing_milter.py")

SPELLINGS = [
    "<Ann@Example.ORG>",
    "Ann@example.org",
    "< Ann@example.org >",
    "<Ann+List@example.org>",
    "<Jürgen@example.org>",
    '<"Ann"@example.org>',
    '<"Ann Smith"@example.org>',
    '<"Ann\\"s, (box): <1>"@example.org>',
    '<"Ann@example.org">',
    "<A\\nn@example.org>",
    "<Ann..X@example.org>",
    "<.Ann@example.org>",
    "<Ann(comment)@example.org>",
    "<Ann @example.org>",
    "<Ann@example.org.>",
    "<Ann@example.org,>",
    "<Ann@example.org;>",
    "<group:Ann@example.org;>",
    "<Ann%example.org>",
    "<example.org!Ann>",
    "<Ann:X@example.org>",
    "<<Ann@example.org>>",
    "<Somebody <Ann@example.org>>",
    "<@relay.example:Ann@example.org>",
    "<@one.example,@two.example:Ann@example.org>",
    "<@one.example:@two.example:Ann@example.org>",
    "< @relay.example : Ann@example.org >",
    '<@relay.example:"Ann:X"@example.org>',
    "<@relay.example:Ann@example.org,>",
    "<@:Ann@example.org>",
    "@relay.example:Ann@example.org",
]


class Remover:
    """A Postfix that asks the removing milter."""

    def __init__(self, postfix: PrivatePostfix) -> None:
        self.postfix = postfix

    def configure(self, **settings: str) -> None:
        self.postfix.run("postconf", "-e", *(f"{key} = {value}" for key, value in settings.items()))
        self.postfix.reload()

    def left(self, words: list[str], order: str) -> list[str]:
        """Send a message to these recipients, have it done to as ordered, and return who gets it."""
        self.postfix.delivered.clear()
        with client.SmtpSession(self.postfix.smtp_port, "203.0.113.25", "mail.sender.example") as session:
            smtp = session._smtp
            commands = ["MAIL FROM:<a@sender.example> SMTPUTF8", *(f"RCPT TO:{word}" for word in words), "DATA"]
            assert [smtp.docmd(command)[0] for command in commands] == [250] * (len(words) + 1) + [354]
            smtp.send(client.dot_stuffed(f"From: a@sender.example\nX-Do: {order}\n\nhello\n".encode()))
            assert smtp.getreply()[0] == 250
        assert self.postfix.wait_queue_empty()
        return sorted(one.address for one in self.postfix.delivered.all())


@pytest.fixture(scope="module")
def remover() -> Iterator[Remover]:
    (port,) = free_ports(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(MILTER), f"inet:{port}@127.0.0.1"], env=environment)
    aliases = {"team@example.org": "ann@example.org, carol@example.org"}
    try:
        assert wait_listening(port, 20.0)
        with PrivatePostfix(f"inet:127.0.0.1:{port}", aliases=aliases) as postfix:
            yield Remover(postfix)
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("word", SPELLINGS)
def test_exactly_the_recipient_is_removed(remover: Remover, word: str) -> None:
    before = remover.left([word, "<bob@example.org>"], "")
    assert len(before) == 2
    assert remover.left([word, "<bob@example.org>"], "0") == ["bob@example.org"]
    (kept,) = set(before) - {"bob@example.org"}
    assert remover.left([word, "<bob@example.org>"], "1") == [kept]


def test_one_of_several_extensions(remover: Remover) -> None:
    words = ["<ann@example.org>", "<ann+a@example.org>", "<ann+b@example.org>"]
    assert remover.left(words, "1") == ["ann+b@example.org", "ann@example.org"]
    assert remover.left(words, "0") == ["ann+a@example.org", "ann+b@example.org"]


def test_an_address_said_twice_is_one_recipient(remover: Remover) -> None:
    words = ["<ann@example.org>", "<ann@example.org>", "<bob@example.org>"]
    assert remover.left(words, "") == ["ann@example.org", "bob@example.org"]
    assert remover.left(words, "1") == ["bob@example.org"]


def test_an_address_said_with_and_without_a_route_is_two_copies_that_go_together(remover: Remover) -> None:
    words = ["<ann@example.org>", "<@relay.example:ann@example.org>", "<bob@example.org>"]
    assert remover.left(words, "") == ["ann@example.org", "ann@example.org", "bob@example.org"]
    assert remover.left(words, "1") == ["bob@example.org"]


def test_of_two_spellings_that_differ_in_case_every_one_must_be_removed(remover: Remover) -> None:
    words = ["<ann@example.org>", "<Ann@example.org>", "<bob@example.org>"]
    assert remover.left(words, "") == ["ann@example.org", "bob@example.org"]
    assert remover.left(words, "1") == ["ann@example.org", "bob@example.org"]
    assert remover.left(words, "0 1") == ["bob@example.org"]


def test_an_alias_goes_with_all_it_stands_for_and_a_member_of_its_own_right_stays(remover: Remover) -> None:
    assert remover.left(["<team@example.org>", "<bob@example.org>"], "0") == ["bob@example.org"]
    words = ["<team@example.org>", "<ann@example.org>"]
    assert remover.left(words, "0") == ["ann@example.org"]
    assert remover.left(words, "1") == ["ann@example.org", "carol@example.org"]


def test_without_original_recipients_a_member_goes_with_the_alias(remover: Remover) -> None:
    words = ["<team@example.org>", "<ann@example.org>", "<bob@example.org>"]
    remover.configure(enable_original_recipient="no")
    try:
        assert remover.left(words, "0") == ["bob@example.org"]
        assert remover.left(words, "1") == ["ann@example.org", "bob@example.org", "carol@example.org"]
    finally:
        remover.configure(enable_original_recipient="yes")


def test_with_nobody_left_nothing_is_delivered_nor_bounced(remover: Remover) -> None:
    assert remover.left(["<ann@example.org>", "<bob@example.org>"], "0 1") == []
    assert remover.left(["<ann@example.org>", "<bob@example.org>"], "discard") == []


@pytest.mark.parametrize(
    "setting",
    [{"always_bcc": "log@example.org"}, {"recipient_bcc_maps": "inline:{ ann@example.org=log@example.org }"}],
    ids=lambda setting: next(iter(setting)),
)
def test_discard_keeps_it_from_the_archive_and_removing_everybody_does_not(
    remover: Remover, setting: dict[str, str]
) -> None:
    remover.configure(**setting)
    try:
        assert remover.left(["<ann@example.org>"], "") == ["ann@example.org", "log@example.org"]
        assert remover.left(["<ann@example.org>"], "0") == ["log@example.org"]
        assert remover.left(["<ann@example.org>"], "discard") == []
    finally:
        remover.configure(**dict.fromkeys(setting, ""))
