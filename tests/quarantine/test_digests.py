"""Digests: whose mail is whose, one a day for each mailbox, SPF hits first, all in it, whoever sends them."""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tamis.config import Config, parse
from tamis.destinations import Destination, DestinationUnknown, Kind
from tamis.filters.order import BY_NAME, ORDER, Judgement
from tamis.letters.reasons import REASONS, reason
from tamis.notice_tables import DIGEST, MAILBOX
from tamis.policy_store import PolicyStore
from tamis.postfix.sink import Sink
from tamis.quarantine import digests, mailboxes
from tamis.quarantine.digest_task import DigestTask
from tamis.quarantine.rows import now
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY
from tamis.secret import read_secret
from tamis.telling import Telling
from tamis.tokens import Purpose, Tokens
from tests.quarantine.held import age, copy, hold

MORNING = datetime(2026, 3, 1, 8, 0)


@pytest.fixture
def refused() -> dict[str, str]:
    return {}


@pytest.fixture
def sink(refused: dict[str, str]) -> Iterator[Sink]:
    with Sink(refuse=refused.get) as sink:
        yield sink


def configured(tmp_path: Path, database_url: str, port: int, more: str = "") -> Config:
    return parse(
        f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "{database_url}"\n'
        f'[delivery]\nserver = "127.0.0.1:{port}"\n[web]\nbase_url = "https://mail.example.org"\n{more}',
        "x",
    )


Make = Callable[..., DigestTask]


@pytest.fixture
def make(tmp_path: Path, database_url: str, store: Store, sink: Sink) -> Make:
    return lambda more="": DigestTask(configured(tmp_path, database_url, sink.port, more), store)


def letters(sink: Sink) -> dict[str, EmailMessage]:
    parsed = {
        one.recipients[0]: message_from_bytes(one.content, EmailMessage, policy=policy.default) for one in sink.messages
    }
    assert len(parsed) == len(sink.messages)
    return parsed


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_digest(store: Store, make: Make, sink: Sink, tmp_path: Path) -> None:
    hold(store, copy(row=BY_NAME["reverse-dns"]), subject="one", raw=b"Subject: 1\r\n\r\n")
    hold(store, copy(row=BY_NAME["spf"]), subject="two", raw=b"Subject: 2\r\n\r\n", telling=Telling.SPF)
    hold(store, copy("eve@example.org"), subject="not hers", raw=b"Subject: 3\r\n\r\n")
    age(store, 1)
    make().run(MORNING)
    found = letters(sink)
    assert set(found) == {"bob@example.org", "eve@example.org"}
    assert {one.sender for one in sink.messages} == {""}
    letter = found["bob@example.org"]
    assert letter["Subject"] == "2 messages are held for you"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = text_of(letter)
    assert text.index("two") < text.index("one")
    assert "has no name in the DNS" in text
    assert "not hers" not in text
    (link,) = re.findall(r"https://mail\.example\.org/mailbox/(\S+)", text)
    tokens = Tokens(read_secret(configured(tmp_path, "sqlite:///x", 1)))
    assert tokens.read(Purpose.MAILBOX, link).subject == "bob@example.org"


def test_once_a_day_and_only_with_something_new(store: Store, make: Make, sink: Sink) -> None:
    hold(store, raw=b"Subject: 1\r\n\r\n", subject="first")
    task = make()
    task.run(MORNING.replace(hour=6))
    assert not sink.messages
    for hour in (7, 8, 23):
        task.run(MORNING.replace(hour=hour))
    assert len(sink.messages) == 1
    task.run(MORNING + timedelta(days=1))
    assert len(sink.messages) == 1
    hold(store, raw=b"Subject: 2\r\n\r\n", subject="second")
    task.run(MORNING + timedelta(days=1))
    task.run(MORNING + timedelta(days=1))
    assert len(sink.messages) == 2
    letter = message_from_bytes(sink.messages[1].content, EmailMessage, policy=policy.default)
    text = text_of(letter)
    assert "second" in text
    assert "first" not in text
    assert "One message of earlier days" in text


@pytest.mark.parametrize("telling", list(Telling))
def test_whoever_may_be_told_it_stands_in_it(store: Store, make: Make, sink: Sink, telling: Telling) -> None:
    hold(store, copy(malware=telling is Telling.MALWARE), telling=telling)
    make().run(MORNING)
    assert len(sink.messages) == 1


@pytest.mark.parametrize("more", ['[policy]\ndigest = "off"', '[domain."example.org"]\ndigest = "off"'])
def test_who_wants_none_gets_none(store: Store, make: Make, sink: Sink, more: str) -> None:
    hold(store, copy("bob@example.org"), copy("bob@other.example", action="hold"))
    make(more).run(MORNING)
    assert [one.recipients for one in sink.messages] == ([("bob@other.example",)] if "domain" in more else [])


def test_once_a_week(store: Store, make: Make, sink: Sink) -> None:
    task = make('[domain."example.org"]\ndigest = "weekly"\nlanguage = "fr"')
    for number in range(3):
        hold(store, raw=b"Subject: %d\r\n\r\n" % number)
        task.run(MORNING + timedelta(days=number))
    assert len(sink.messages) == 1
    assert letters(sink)["bob@example.org"]["Subject"] == "1 message est retenu pour vous"
    with store.transaction() as connection:
        connection.execute(update(DIGEST).values(until=now() - timedelta(days=7)))
        connection.execute(update(COPY).values(held_at=now() - timedelta(days=6)))
    task.run(MORNING + timedelta(days=7))
    assert len(sink.messages) == 2


def test_what_an_address_has_chosen_in_the_database_counts(
    store: Store, make: Make, sink: Sink, database_url: str
) -> None:
    PolicyStore(database_url).set("bob@example.org", {"digest": "off"}, "bob")
    hold(store, copy("bob@example.org"), copy("eve@example.org"))
    make().run(MORNING)
    assert [one.recipients for one in sink.messages] == [("eve@example.org",)]


def test_several_keepers_send_it_once(store: Store, make: Make, sink: Sink) -> None:
    for number in range(6):
        hold(store, copy(f"p{number % 3}@example.org"), raw=b"Subject: %d\r\n\r\n" % number)
    tasks = [make() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(task.run, MORNING) for task in tasks]:
            future.result()
    assert set(letters(sink)) == {"p0@example.org", "p1@example.org", "p2@example.org"}


def test_a_server_that_is_busy_is_asked_again(store: Store, make: Make, sink: Sink, refused: dict[str, str]) -> None:
    refused["bob@example.org"] = "450 4.2.0 later"
    hold(store)
    task = make()
    task.run(MORNING)
    del refused["bob@example.org"]
    task.run(MORNING)
    assert not sink.messages
    with store.transaction() as connection:
        connection.execute(update(DIGEST).values(next_at=datetime(2020, 1, 1)))
    task.run(MORNING)
    assert len(sink.messages) == 1


def test_what_was_refused_is_in_the_next_one(store: Store, make: Make, sink: Sink, refused: dict[str, str]) -> None:
    refused["bob@example.org"] = "550 5.1.1 nobody"
    hold(store)
    task = make()
    task.run(MORNING)
    del refused["bob@example.org"]
    task.run(MORNING)
    assert not sink.messages
    task.run(MORNING + timedelta(days=1))
    assert len(sink.messages) == 1


def test_aliases_and_catch_alls_are_merged(store: Store) -> None:
    known = {
        "sales@example.org": Destination(Kind.ALIAS, ("bob@example.org", "eve@example.org")),
        "anything@example.org": Destination(Kind.ALIAS, ("bob@example.org",)),
        "bob+shop@example.org": Destination(Kind.MAILBOX, ("bob+shop@example.org",)),
        "away@example.org": Destination(Kind.REDIRECTION, (), ("x@elsewhere.example",)),
        "unknown@example.org": DestinationUnknown("the map does not answer"),
    }
    names = {name: f"{hold(store, copy(name), raw=name.encode())}.1" for name in known}
    asked: list[str] = []

    def resolve(recipients: Iterable[str]) -> dict[str, Destination | DestinationUnknown]:
        asked.extend(recipients)
        return {one: known[one] for one in asked}

    assert mailboxes.refresh(store, resolve, "+") == 5
    assert mailboxes.refresh(store, resolve, "+") == 0
    assert sorted(asked) == sorted(known)
    with store.transaction() as connection:
        found = {
            box: {one.recipient for one in mailboxes.held_of_mailbox(connection, box, 10)}
            for box in (
                "bob@example.org",
                "eve@example.org",
                "away@example.org",
                "unknown@example.org",
                "sales@example.org",
            )
        }
        assert found == {
            "bob@example.org": {"sales@example.org", "anything@example.org", "bob+shop@example.org"},
            "eve@example.org": {"sales@example.org"},
            "away@example.org": {"away@example.org"},
            "unknown@example.org": {"unknown@example.org"},
            "sales@example.org": set(),
        }
        every = sorted(names.values())
        mine = [one.recipient for one in mailboxes.owned(connection, "eve@example.org", every)]
        assert mine == ["sales@example.org"]
    digests.forget(store)
    with store.transaction() as connection:
        assert len(connection.execute(select(MAILBOX)).all()) == 6


def test_every_row_that_holds_has_its_sentence() -> None:
    for row in ORDER:
        if row.judgement in (Judgement.SPAM, Judgement.MALWARE):
            assert row.name in REASONS, row.name
    assert len(set(REASONS)) == len(REASONS)
    assert set(REASONS) <= set(BY_NAME)
    assert reason("", str.upper) == "A FILTER TOOK IT FOR SPAM."
