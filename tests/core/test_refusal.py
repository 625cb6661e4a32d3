"""What is refused: recipients for the moment at RCPT."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tamis.answers import Answers
from tamis.config import parse
from tamis.contract import Abstain, Hit
from tamis.engine import Engine
from tamis.examination import Snapshot
from tamis.lists import Entry, ListName, Lists
from tamis.mail import Mail, MailClass
from tamis.policy import Policies
from tamis.record import Refusal
from tamis.redis_client import RedisClient
from tamis.refusal import refused_for_now
from tamis.testing import mail
from tests.core.probes import DECIDES, Place, Probe

PEER, RECIPIENT = "192.0.2.7", "bob@example.org"
BAN = Entry(ListName.BAN_IP, PEER)


def snapshot(config: str, lists: Sequence[Entry] = ()) -> Snapshot:
    return Snapshot(Policies(parse(config, "x")), Lists(lists), None)


def refused(
    config: str = "", lists: Sequence[Entry] = (BAN,), recipient: str = RECIPIENT, message: Mail | None = None
) -> Refusal | None:
    asked = message or mail("", peer=PEER, recipients=[])
    return refused_for_now(asked, recipient, snapshot(config, lists), Answers(RedisClient()))


def row_of(refusal: Refusal | None) -> str:
    return refusal.row.name if refusal else ""


# At RCPT


def test_a_banned_peer() -> None:
    refusal = refused()
    assert refusal is not None
    assert (refusal.row.number, refusal.test) == ("2", "BANNED_IP")
    assert refusal.because == "peer matches 192.0.2.7 (ban_ip of the platform)"
    assert refused(lists=[]) is None
    assert refused(message=mail("", peer="192.0.2.8")) is None
    assert refused(message=mail("", peer="")) is None


@pytest.mark.parametrize(
    ("config", "row"),
    [
        ('[policy]\nmode = "tag"\n', "banned-ip"),
        ('[policy]\nmode = "junk"\n', "banned-ip"),
        ('[policy]\nmode = "observe"\n', ""),
        ("[policy]\nantispam = false\n", ""),
        ("[policy.filters.banned-ip]\nenabled = false\n", ""),
        ('[domain."example.org"]\nmode = "observe"\n', ""),
        ('[domain."example.org".filters.banned-ip]\nenabled = false\n', ""),
        ('[domain."example.com"]\nmode = "observe"\n', "banned-ip"),
    ],
)
def test_it_is_the_recipients_policy_that_refuses(config: str, row: str) -> None:
    assert row_of(refused(config)) == row
    assert row_of(refused(config, recipient="<Bob@Example.ORG>")) == row


def test_a_domains_ban_refuses_its_recipients_alone() -> None:
    own = [Entry(ListName.BAN_IP, PEER, "example.org")]
    assert row_of(refused(lists=own)) == "banned-ip"
    assert refused(lists=own, recipient="carol@example.com") is None


def test_no_whitelist_helps() -> None:
    assert row_of(refused(lists=[BAN, Entry(ListName.WHITELIST_IP, PEER)])) == "banned-ip"


def test_the_row_is_asked_for_that_recipient_alone(place: Place) -> None:
    probe = Probe(Hit("PROBE", "new", True, recipient=RECIPIENT))
    place(greylisting=probe)
    others = mail("", peer=PEER, recipients=["ann@example.org", "carol@example.org"])
    config = "[policy.filters.greylisting]\nenabled = true\n"
    assert row_of(refused(config, [], message=others)) == "greylisting"
    assert probe.asked == [(RECIPIENT,)]
    assert refused("", [], message=others) is None
    assert len(probe.asked) == 1


@pytest.mark.parametrize("said", [Hit("PROBE", "no decision"), Abstain("no answer"), ValueError("broken")])
def test_what_does_not_decide_refuses_nothing(place: Place, said: Hit | Exception) -> None:
    place(banned_ip=Probe(said))
    assert refused() is None


def test_rows_of_other_kinds_are_not_asked(place: Place) -> None:
    others = {name: Probe(DECIDES) for name in ("antivirus_1", "spf", "honeypot")}
    place(**others)
    assert refused(lists=[]) is None
    assert not any(probe.asked for probe in others.values())


# In the engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[lists]\nban_ip = ["{PEER}"]\n', "x"))


@pytest.mark.parametrize(
    ("mail_class", "row"), [(MailClass.INBOUND, "banned-ip"), (MailClass.RELAYED, ""), (MailClass.OUTGOING, "")]
)
def test_only_strangers_who_connect_themselves_are_refused(engine: Engine, mail_class: MailClass, row: str) -> None:
    message = mail("", peer=PEER, recipients=[RECIPIENT])
    message.mail_class = mail_class
    assert row_of(engine.refusal(message, RECIPIENT)) == row
