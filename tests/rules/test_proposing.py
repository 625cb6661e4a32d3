"""Rules proposed from flagged mail: what is in much of it and in no ham, switched off, and well-formed."""

import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.cli import main
from tamis.content_digest import content_digest
from tamis.filters.order import BY_NAME
from tamis.list_store import ListStore
from tamis.lists import PLATFORM, ListName, flagged_value
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.rules.matching import Rules
from tamis.rules.proposing import Proposal, as_toml, phrases, propose
from tamis.rules.reading import read
from tests.quarantine.held import copy, hold

SPAM = "Subject: offer {0}\n\nDear {0}, our gold-plated widget, now {0}, is yours. Wonder widgets {0}!\n"
HAM = "Subject: hello\n\nDear all, is yours the gold-plated pen? Best regards\n"


def messages(*texts: str) -> list[Message]:
    return [Message(text.encode()) for text in texts]


def spam(number: int) -> list[Message]:
    return messages(*(SPAM.format(name) for name in ("ann", "bob", "eve", "kim", "lee", "zoe")[:number]))


def test_what_is_in_much_spam_and_in_no_ham() -> None:
    found, flagged, ham = propose(spam(5), messages(HAM), least=3, most=10)
    assert (flagged, ham) == (5, 1)
    assert found == [Proposal("our gold-plated widget", 5)]


def test_disguises_count_as_the_word() -> None:
    disguised = messages("\nfree w\u200bonder pills", "\nfree WÖNDER pills", "\nfree wоnder pills")
    (one,), _, _ = propose(disguised, [], least=3, most=10)
    assert one.phrase == "free wonder pills"


def test_fewer_messages_than_asked_for_give_nothing() -> None:
    assert propose(spam(2), [], least=3, most=10)[0] == []


def test_another_rule_is_proposed_only_where_it_adds_enough() -> None:
    other = messages(*(f"\nquite another thing for {name}" for name in ("ann", "bob", "eve")))
    found, _, _ = propose([*spam(5), *other], [], least=3, most=10)
    assert [(one.phrase, one.flagged) for one in found] == [
        ("our gold-plated widget", 5),
        ("quite another thing for", 3),
    ]


def test_what_it_prints_is_a_rule_file_that_does_nothing() -> None:
    text = as_toml([Proposal("our gold-plated widget", 5), Proposal("100% d'or pour", 4)], 9, "3 ham")
    rules = read([("proposed", text)])
    assert all(not rule.enabled for rule in rules.values())
    assert len(Rules(rules)) == 0
    on = Rules(read([("proposed", text.replace("enabled = false", "enabled = true"))]))
    assert [match.name for match in on.match("text", ["Our GOLD-plated widget"])] == ["proposed-our-gold-plated-widget"]
    assert [match.name for match in on.match("text", ["à 100% d’or pour vous"])] == ["proposed-100-d-or-pour"]


def test_names_do_not_meet() -> None:
    alike = [Proposal(f"the very same beginning of {end}", 3) for end in ("this", "that", "these")]
    assert len(read([("proposed", as_toml(alike, 9, "3 ham"))])) == 3


@given(st.lists(st.text(alphabet="ab'\"\\\n]$%-€[{.*é # =v i a g r a", max_size=60), min_size=3, max_size=5))
def test_whatever_the_wire_brings_it_prints_a_rule_file(texts: list[str]) -> None:
    found, flagged, _ = propose(messages(*("\n" + text for text in texts * 2)), [], least=2, most=5)
    rules = read([("proposed", as_toml(found, flagged, "0 ham"))])
    assert len(rules) == len(found)
    for proposal in found:
        assert proposal.phrase in phrases(Message(b"\n" + proposal.phrase.encode()))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return Store(f"sqlite:///{tmp_path}/tamis.db", spool)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "tamis.toml"
    user = pwd.getpwuid(os.geteuid()).pw_name
    file.write_text(f'[daemon]\nuser = "{user}"\nstate_directory = "{tmp_path}"\n', "utf-8")
    return file


@pytest.mark.slow
def test_of_held_mail_what_traps_got_and_people_flagged(
    config: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("ann", "bob", "eve")
    for name in names:
        raw = f"Subject: x\r\n\r\nthe trapped wonder for {name}\r\n".encode()
        hold(store, copy(row=BY_NAME["honeypot"]), raw=raw)
        raw = f"Subject: x\r\n\r\nthe flagged marvel of {name}\r\n".encode()
        hold(store, raw=raw)
        peer, digest = parse_ip("192.0.2.7"), content_digest(Message(raw))
        assert peer is not None
        assert digest is not None
        expires = datetime.now(UTC) + timedelta(days=1)
        lists = ListStore(f"sqlite:///{tmp_path}/tamis.db")
        lists.add(ListName.FLAGGED, flagged_value(peer, digest), PLATFORM, "ann", expires, "")
        hold(store, raw=f"Subject: x\r\n\r\nheld for its score alone by {name}\r\n".encode())
    ham = tmp_path / "ham.eml"
    ham.write_text("Subject: x\n\nnothing of it\n")
    assert main(["rules", "propose", "-c", str(config), "--least", "3", "--ham", str(ham)]) == 0
    printed = capsys.readouterr()
    assert printed.err == "tamis: 2 rules proposed from 6 flagged messages\n"
    patterns = {rule.patterns for rule in read([("proposed", printed.out)]).values()}
    assert patterns == {(r"\bthe trapped wonder for\b",), (r"\bthe flagged marvel of\b",)}
    assert main(["rules", "propose", "-c", str(config), "--since", "2099-01-01"]) == 0
    assert "0 rules proposed from 0 flagged messages" in capsys.readouterr().err


def test_without_ham_the_classifier_says_what_is_in_it(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "spam"
    folder.mkdir()
    for number in range(6):
        body = f"you can find the best zorgblatt quixotry at home number {number}"
        (folder / f"{number}.eml").write_text(f"Subject: x{number}\n\n{body}\n")
    assert main(["rules", "propose", "-c", str(config), "--spam", str(folder)]) == 0
    (rule,) = read([("proposed", capsys.readouterr().out)]).values()
    assert "zorgblatt" in rule.patterns[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--least", "1"], "--least is at least 2"),
        (["--since", "whenever"], "neither a span"),
        (["--spam", "/nowhere"], "no such file or folder"),
    ],
)
def test_bad_input(config: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    assert main(["rules", "propose", "-c", str(config), *options]) == 2
    assert said in capsys.readouterr().err
