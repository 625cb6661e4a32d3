"""What is refused: recipients for the moment at RCPT, and outgoing malware."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tamis.answers import Answers
from tamis.config import parse
from tamis.contract import Abstain, Hit
from tamis.decision_log import fields
from tamis.engine import Engine
from tamis.examination import Snapshot
from tamis.headers import Changes, changes
from tamis.lists import Entry, ListName, Lists
from tamis.mail import Mail, MailClass
from tamis.policy import Policies
from tamis.policy_texts import FixedTexts
from tamis.record import Record, Refusal, as_json
from tamis.redis_client import RedisClient
from tamis.refusal import examine_outgoing, may_refuse_anybody, refused_for_now
from tamis.settings import Headers
from tamis.testing import mail
from tests.core.probes import DECIDES, CachedProbe, Memory, Place, Probe

PEER, RECIPIENT = "192.0.2.7", "bob@example.org"
BAN = Entry(ListName.BAN_IP, PEER)


def snapshot(config: str, lists: Sequence[Entry] = ()) -> Snapshot:
    return Snapshot(Policies(parse(config, "x")), Lists(lists), None)


def refused(
    config: str = "", lists: Sequence[Entry] = (BAN,), recipient: str = RECIPIENT, message: Mail | None = None
) -> Refusal | None:
    asked = message or mail("", peer=PEER, recipients=[])
    known = snapshot(config, lists)
    found = refused_for_now(asked, recipient, known, Answers(RedisClient()))
    # What a worker goes by without asking.
    assert found is None or may_refuse_anybody(known.policies, known.lists)
    return found


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


@pytest.mark.parametrize(
    ("config", "texts", "expected"),
    [
        ("", {}, False),
        ("[policy.filters.greylisting]\nenabled = true\n", {}, True),
        ('[domain."example.org".filters.greylisting]\nenabled = true\n', {}, True),
        ('[domain."example.org".filters.greylisting]\nenabled = false\n', {}, False),
        ("", {"bob@example.org": "{}"}, True),
    ],
)
def test_whether_anybody_may_be_refused_is_known_without_asking(
    config: str, texts: dict[str, str], expected: bool
) -> None:
    policies = Policies(parse(config, "x"), FixedTexts(texts))
    assert may_refuse_anybody(policies, Lists([])) is expected
    assert may_refuse_anybody(policies, Lists([BAN]))


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


# Outgoing


def outgoing(
    config: str = "", text: bytes = b"\nbad", lists: Sequence[Entry] = (), cache: Answers | None = None
) -> Record:
    message = mail(text, peer="198.51.100.1", recipients=["bob@example.com", "carol@example.org"])
    message.mail_class = MailClass.OUTGOING
    return examine_outgoing(message, snapshot(config, lists), cache or Answers(RedisClient()))


BAD = [Entry(ListName.MALWARE_HASH, hashlib.sha256(b"bad").hexdigest())]


@pytest.mark.parametrize(
    ("config", "action"),
    [
        ("", "refuse"),
        ('[policy]\nmode = "tag"\n', "refuse"),
        ("[policy]\nantispam = false\n", "refuse"),
        ('[policy]\nmode = "observe"\n', "observe"),
        ("[policy.filters.attachment-hashes]\nenabled = false\n", ""),
        ('[domain."example.org"]\nmode = "observe"\nfilters.attachment-hashes.enabled = false\n', "refuse"),
    ],
)
def test_malware_is_refused_by_the_default_policy(config: str, action: str) -> None:
    record = outgoing(config, lists=BAD)
    assert (record.refusal.action if record.refusal else "") == action
    if record.refusal:
        verdict = record.refusal
        assert (verdict.row and verdict.row.number, verdict.test) == ("26", "KNOWN_MALWARE")
        assert dict(verdict.tests) == {"KNOWN_MALWARE": 0}


def test_it_has_no_verdict_and_no_header() -> None:
    for record in (outgoing(lists=BAD), outgoing()):
        assert list(record.verdicts) == []
        assert record.leading is None
        assert changes(record, Headers()) == Changes()


def test_only_malware_is_asked_for(place: Place) -> None:
    first, second, spf, bayes = Probe(), Probe(DECIDES), Probe(DECIDES), Probe(DECIDES)
    place(antivirus_1=first, antivirus_2=second, spf=spf, bayes=bayes)
    record = outgoing(lists=BAD)
    assert record.refusal is not None
    assert record.refusal.row is not None
    assert record.refusal.row.name == "antivirus-2"
    assert [answer.row.name for answer in record.answers] == ["antivirus-1", "antivirus-2"]
    assert first.asked == [("bob@example.com", "carol@example.org")]
    assert spf.asked == bayes.asked == []


def test_answers_are_cached_as_for_inbound_mail(place: Place) -> None:
    cache, probe = Memory(), CachedProbe(DECIDES)
    place(antivirus_1=probe)
    assert outgoing(cache=cache).refusal is not None
    assert outgoing(cache=cache).refusal is not None
    assert (len(probe.asked), cache.fetched) == (1, [1, 1])


def test_what_a_row_of_malware_takes_for_spam_is_not_refused(place: Place) -> None:
    place(attachment_hashes=Probe(Hit("NEW_EXECUTABLE_EVERYWHERE", "new", decides=True)))
    assert outgoing().refusal is None


def test_a_scanner_that_fails_lets_it_pass(place: Place) -> None:
    place(antivirus_1=Probe(ValueError("broken")))
    record = outgoing()
    assert record.refusal is None
    assert fields(record)["abstained"] == ["antivirus-1: ValueError: broken"]


def test_the_log_names_it() -> None:
    found = fields(outgoing(lists=BAD))
    assert (found["class"], found["verdict"], found["action"]) == ("outgoing", "malware", "refuse")
    assert (found["row"], found["mode"]) == ("26 attachment-hashes", "quarantine")
    assert found["reason"].startswith("a part of type text/plain is ")
    assert not {"verdict", "action", "row"} & fields(outgoing()).keys()
    assert as_json(outgoing(lists=BAD))["refusal"]["action"] == "refuse"
    assert as_json(outgoing())["refusal"] is None


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


@pytest.mark.slow
def test_outgoing_mail_of_a_banned_peer_is_no_malware(engine: Engine) -> None:
    message = mail("\nbody", peer=PEER)
    message.mail_class = MailClass.OUTGOING
    assert engine.examine(message).refusal is None
