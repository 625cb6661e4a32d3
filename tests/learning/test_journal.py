"""The journal: who said what of which message, moved, undone and forgotten; on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import inspect, select

from tamis import limits
from tamis.database import open_database
from tamis.learning.journal import Journal, Outcome
from tamis.learning.tables import LEARNED
from tamis.learning.teaching import Reporter, Source, lesson, packed, unpacked
from tamis.models.features import FEATURES
from tests.learning.mail import ADMIN, TRAPS, bob, ham, raw, spam

LONG_AGO = datetime.now(UTC) - timedelta(days=100)


def said(journal: Journal) -> list[tuple[str, bool]]:
    """Who said what, in order."""
    with journal.reading() as reading:
        return [(entry.by, entry.spam) for entry in reading.entries()] if reading else []


def test_nothing_is_there_before_the_first_lesson(journal: Journal) -> None:
    assert (journal.version(), journal.taught(), journal.undo("root"), journal.expire(1)) == (0, [], 0, 0)
    assert said(journal) == []


def test_the_same_again_is_nothing_and_the_opposite_moves(journal: Journal) -> None:
    one = spam()
    assert journal.learn(ADMIN, [one, one]) == [Outcome.LEARNED, Outcome.KNOWN]
    assert journal.learn(ADMIN, [ham()]) == [Outcome.MOVED]
    assert journal.learn(ADMIN, [ham()]) == [Outcome.KNOWN]
    assert journal.learn(bob(), [ham()]) == [Outcome.LEARNED], "another reporter speaks for himself"
    assert said(journal) == [("root", True), ("root", False), ("bob@example.org", False)]


def test_a_message_is_the_same_wherever_it_is_found() -> None:
    """In the spool as it came, and in a mailbox with what delivery and Tamis have added."""
    came = b"Received: from x by y; today\nFrom: Ann <ann@sender.example>\nSubject: hello\n\nbuy now\n"
    delivered = (
        b"Return-Path: <ann@sender.example>\nDelivered-To: bob@example.org\nReceived: by lmtp\n"
        b"X-Tamis-Verdict: spam; action=tag; id=1\nX-Spam-Status: Yes\n"
    ) + came.replace(b"Subject: ", b"Subject: SPAM: ")
    one, other = lesson(came.replace(b"\n", b"\r\n"), True), lesson(delivered, True)
    assert one.digest == other.digest
    assert one.features.tolist() == other.features.tolist()
    tagged_by_others = came.replace(b"Subject: ", b"Subject: SPAM: ")
    assert lesson(tagged_by_others, True).digest != one.digest


@pytest.mark.parametrize("empty", [b"", b"\n\n", b"Subject: x\n\n", b"\0" * 100])
def test_what_has_no_content_is_a_message_too(journal: Journal, empty: bytes) -> None:
    assert journal.learn(ADMIN, [lesson(empty, True)]) == [Outcome.LEARNED]


def test_no_text_is_kept(journal: Journal, config) -> None:
    journal.learn(ADMIN, [lesson(b"From: secretsender@x.example\nSubject: secretsubject\n\nsecretword\n" * 9, True)])
    with open_database(config.database_url).connect() as connection:
        (row,) = connection.execute(select(LEARNED)).all()
    assert b"secret" not in repr(tuple(row)).encode() + bytes(row.features)
    assert len(row.features) < 4000


def test_features_survive_packing() -> None:
    one = spam().features
    assert unpacked(packed(one)).tolist() == one.tolist()
    assert unpacked(packed(one[:0])).tolist() == []
    for bad in (
        b"",
        b"nonsense",
        packed(np.array([1, FEATURES], dtype=np.uint32)),
        packed(np.array([2, 2], np.uint32)),
    ):
        with pytest.raises(ValueError, match="features"):
            unpacked(bad)


def test_undo_by_somebody_or_since_a_time_or_both(journal: Journal) -> None:
    journal.learn(ADMIN, [spam(1)], LONG_AGO)
    journal.learn(bob(), [spam(2)], LONG_AGO)
    journal.learn(ADMIN, [ham(1), ham(3)])
    journal.learn(bob(), [ham(4)])
    week = datetime.now(UTC) - timedelta(days=7)
    assert journal.undo("root", week) == 2
    assert said(journal) == [("root", True), ("bob@example.org", True), ("bob@example.org", False)]
    assert journal.undo("bob@example.org") == 2
    assert journal.undo(since=LONG_AGO) == 1
    assert said(journal) == []
    with pytest.raises(ValueError, match="neither"):
        journal.undo()


def test_who_taught_how_much(journal: Journal) -> None:
    journal.learn(ADMIN, [spam(1)], LONG_AGO)
    journal.learn(bob(), [spam(1), spam(2), ham(3)])
    assert [(one.by, one.source, one.domain, one.ham, one.spam) for one in journal.taught()] == [
        ("bob@example.org", Source.RECIPIENT, "example.org", 1, 2),
        ("root", Source.ADMINISTRATOR, "", 0, 1),
    ]


def test_it_expires_by_age_and_by_number(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.learn(ADMIN, [spam(1)], LONG_AGO)
    journal.learn(ADMIN, [spam(number) for number in range(2, 7)])
    assert journal.expire(101) == 0
    assert journal.expire(99) == 1
    monkeypatch.setattr(limits, "LEARNED_MESSAGES", 3)
    version = journal.version()
    assert journal.expire(99) == 2
    assert journal.version() > version
    assert journal.expire(99) == 0
    assert len(said(journal)) == 3


def test_a_reporter_can_say_so_much_in_a_day(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LESSONS_A_DAY", 2)
    assert journal.learn(bob(), [spam(1)]) == [Outcome.LEARNED]
    outcomes = journal.learn(bob(), [spam(1), spam(2), spam(3), ham(2)])
    assert outcomes == [Outcome.KNOWN, Outcome.LEARNED, Outcome.TOO_MANY, Outcome.TOO_MANY]
    assert journal.learn(TRAPS, [spam(3)]) == [Outcome.LEARNED], "others are not concerned"
    assert journal.learn(ADMIN, [spam(number) for number in range(5)]) == 5 * [Outcome.LEARNED]


def test_names_from_outside_are_data(journal: Journal) -> None:
    for name in ("'; DROP TABLE learned; --", "x\0y\udcff", "n" * 400):
        reporter = Reporter(name, Source.RECIPIENT)
        assert journal.learn(reporter, [spam()]) == [Outcome.LEARNED]
        assert journal.learn(reporter, [spam()]) == [Outcome.KNOWN]
        assert journal.undo(name) == 1


def test_every_row_has_an_index_to_be_found_by(journal: Journal, config) -> None:
    journal.learn(ADMIN, [lesson(raw(1), True)])
    names = {index["name"] for index in inspect(open_database(config.database_url)).get_indexes("learned")}
    assert names == {"learned_digest", "learned_by", "learned_at", "learned_domain"}
