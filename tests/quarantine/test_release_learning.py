"""What people release is learned as ham; what a sender validates is not."""

import pytest

from tamis.learning.journal import Reading
from tamis.learning.teaching import Reporter, Source
from tamis.quarantine import transitions, trap_learning
from tamis.quarantine.store import Store
from tamis.sender_weights import Event
from tamis.weight_store import Lesson
from tests.quarantine.held import RAW, copy, hold

RELEASE, VALIDATION = Lesson(Event.RELEASE, 90.0), Lesson(Event.VALIDATION, 90.0)


def learned(store: Store) -> list[tuple[Reporter, bool]]:
    """Who said what, in order."""
    with store.transaction() as connection:
        entries = Reading(connection).entries()
    return [(Reporter(one.by, one.source, one.domain), one.spam) for one in entries]


def test_a_release_teaches_each_domain_ham_once(store: Store) -> None:
    one = hold(store, copy("bob@example.org"), copy("eve@example.org"), copy("cem@example.net"))
    ids = [f"{one}.{number}" for number in range(1, 4)]
    assert transitions.release(store, ids, "ann", "", lesson=RELEASE) == ids
    domains = ("example.net", "example.org")
    assert sorted(learned(store), key=str) == [(Reporter("ann", Source.RELEASE, one), False) for one in domains]
    transitions.release(store, ids, "ann", "", lesson=RELEASE)
    assert len(learned(store)) == 2


@pytest.mark.parametrize("lesson", [VALIDATION, None])
def test_a_senders_validation_teaches_nothing(store: Store, lesson: Lesson | None) -> None:
    one = hold(store)
    assert transitions.release(store, [f"{one}.1"], "ann@sender.example", "", lesson=lesson)
    assert learned(store) == []


def test_malware_teaches_nothing(store: Store) -> None:
    one = hold(store, copy(malware=True))
    assert transitions.release(store, [f"{one}.1"], "ann", "", malware=True, lesson=RELEASE)
    assert learned(store) == []


def test_a_content_that_has_gone_does_not_keep_it_held(store: Store) -> None:
    one = hold(store)
    store.spool.remove(list(store.spool.digests()))
    assert transitions.release(store, [f"{one}.1"], "ann", "", lesson=RELEASE)
    assert learned(store) == []


def test_who_releases_what_traps_taught_is_believed(store: Store) -> None:
    one = hold(store, raw=RAW + b"more\r\n", learn=True)
    assert trap_learning.learn(store) == 1
    transitions.release(store, [f"{one}.1"], "ann", "", lesson=RELEASE)
    assert [(reporter.source, spam) for reporter, spam in learned(store)] == [
        (Source.TRAP, True),
        (Source.RELEASE, False),
    ]
