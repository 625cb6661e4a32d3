"""Complaints and proposals in the database."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tamis.complaint_store import ComplaintStore
from tamis.complaints import Complaint, Kind, Proposal, State, checked_value, kind_of
from tamis.database import open_database
from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName

DAY = datetime(2026, 1, 1, tzinfo=UTC)
PEER = "192.0.2.7"


def complaint(number: int, value: str = PEER, reporter: str = "", kind: str = "abuse") -> Complaint:
    at = DAY + timedelta(days=number)
    return Complaint(kind_of(value), value, f"{number:040x}", reporter or f"{number}@example.com", kind, at, "desk")


def many(numbers: Iterable[int], value: str = PEER) -> list[Complaint]:
    return [complaint(number, value) for number in numbers]


@pytest.fixture
def store(database_url: str) -> ComplaintStore:
    return ComplaintStore(database_url)


@pytest.fixture
def lists(database_url: str) -> ListStore:
    return ListStore(database_url)


def only(store: ComplaintStore) -> Proposal:
    (proposal,) = store.proposals()
    return proposal


def test_reading_makes_nothing(store: ComplaintStore, lists: ListStore) -> None:
    assert store.proposals() == []
    assert lists.version() == 0


def test_complaints_add_up(store: ComplaintStore) -> None:
    first = [complaint(3), complaint(1, kind="fraud"), complaint(2, reporter="3@example.com")]
    assert store.record(first) == (3, 0)
    assert store.record([complaint(9)]) == (1, 0)
    proposal = only(store)
    assert (proposal.kind, proposal.value, proposal.state, proposal.on_list) == (Kind.IP, PEER, State.OPEN, False)
    assert (proposal.complaints, proposal.reporters, proposal.types) == (4, 3, "3 abuse, 1 fraud")
    assert (proposal.first_seen, proposal.last_seen) == (DAY + timedelta(days=1), DAY + timedelta(days=9))


def test_the_same_report_counts_once(store: ComplaintStore) -> None:
    assert store.record(many(range(5)) + many(range(3))) == (5, 0)
    assert store.record(many(range(7))) == (2, 5)
    assert only(store).complaints == 7


def test_one_report_may_accuse_several(store: ComplaintStore) -> None:
    accused = [PEER, "ann@spammer.example", "spammer.example"]
    assert store.record(complaint(1, value) for value in accused) == (3, 0)
    assert sorted(proposal.kind for proposal in store.proposals()) == ["domain", "ip", "sender"]


def test_the_worst_come_first(store: ComplaintStore) -> None:
    for number in range(5):
        store.record(many(range(number + 1), f"192.0.2.{number}"))
    store.record(complaint(100 + number, "192.0.2.9", "the same") for number in range(50))
    assert [proposal.value for proposal in store.proposals(limit=3)] == ["192.0.2.4", "192.0.2.3", "192.0.2.2"]
    assert store.proposals(State.LISTED) == store.proposals(kind=Kind.DOMAIN) == []
    assert len(store.proposals(State.OPEN, Kind.IP)) == 6


def test_no_reporter_stands_in_the_database(store: ComplaintStore, database_url: str) -> None:
    store.record([complaint(1, reporter="secret@example.com")])
    with open_database(database_url).connect() as connection:
        rows = connection.execute(text("SELECT * FROM complaint")).all()
    assert "secret" not in str(rows)


# Decisions


def test_accepted_is_on_the_list(store: ComplaintStore, lists: ListStore) -> None:
    store.record(many(range(4)))
    until = datetime(2099, 1, 1, tzinfo=UTC)
    assert store.accept(PEER, "ann", until) is Kind.IP
    (stored,) = lists.stored(ListName.COMPLAINT_IP)
    assert (stored.entry.value, stored.entry.domain, stored.entry.expires, stored.added_by) == (PEER, "", until, "ann")
    assert stored.note == "4 complaints of 4 reporters: 4 abuse"
    proposal = only(store)
    assert (proposal.state, proposal.decided_by, proposal.on_list) == (State.LISTED, "ann", True)
    assert proposal.decided_at is not None


@pytest.mark.parametrize("value", ["ann@spammer.example", "spammer.example"])
def test_senders_and_domains_go_on_one_list(store: ComplaintStore, lists: ListStore, value: str) -> None:
    store.record([complaint(1, value)])
    store.accept(value.upper(), "ann", None, "why")
    (stored,) = lists.stored(ListName.COMPLAINT_SENDER)
    assert (stored.entry.value, stored.note) == (value, "why")
    assert only(store).on_list


def test_dismissed_is_taken_off_the_list(store: ComplaintStore, lists: ListStore) -> None:
    store.record(many(range(4)))
    assert store.dismiss(PEER, "ann") is False
    store.accept(PEER, "ann", None)
    assert store.dismiss(PEER, "bob", "solved") is True
    assert lists.stored() == []
    proposal = only(store)
    assert (proposal.state, proposal.decided_by, proposal.note) == (State.DISMISSED, "bob", "solved")


def test_dismissed_is_open_again_with_twice_the_complaints(store: ComplaintStore) -> None:
    store.record(many(range(4)))
    store.dismiss(PEER, "ann")
    store.record(many(range(7)))
    assert only(store).state is State.DISMISSED
    store.record(many(range(8)))
    assert only(store).state is State.OPEN


def test_listed_is_open_again_when_its_entry_is_over_and_it_goes_on(store: ComplaintStore, lists: ListStore) -> None:
    store.record(many(range(4)))
    store.accept(PEER, "ann", None)
    store.record(many(range(5)))
    assert only(store).state is State.LISTED
    lists.remove(ListName.COMPLAINT_IP, PEER, "")
    assert (only(store).state, only(store).on_list) == (State.LISTED, False)
    store.record(many(range(6)))
    assert only(store).state is State.OPEN
    store.accept(PEER, "ann", datetime.now(UTC) - timedelta(seconds=1))
    assert not only(store).on_list


def test_what_was_not_proposed_cannot_be_decided(store: ComplaintStore, lists: ListStore) -> None:
    store.record(many([1]))
    for decide in (lambda: store.accept("192.0.2.8", "ann", None), lambda: store.dismiss("192.0.2.8", "ann")):
        with pytest.raises(BadEntry, match=r"there is no proposal for 192\.0\.2\.8"):
            decide()
    with pytest.raises(BadEntry, match="is not a mail address or domain"):
        store.accept("a b", "ann", None)
    assert lists.stored() == []


def test_complaints_do_not_change_the_version_of_the_lists(store: ComplaintStore, lists: ListStore) -> None:
    store.record(many([1]))
    assert lists.version() == 0
    store.accept(PEER, "ann", None)
    assert lists.version() == 1


def test_many_machines_at_once(database_url: str) -> None:
    def take_up(number: int) -> tuple[int, int]:
        return ComplaintStore(database_url).record(many(range(5 * number, 5 * number + 10)))

    ComplaintStore(database_url).record(many([1000], "192.0.2.99"))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(take_up, range(4)))
    assert sum(new for new, _ in found) == 25
    (worst, _) = ComplaintStore(database_url).proposals()
    assert (worst.value, worst.complaints) == (PEER, 25)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("192.0.2.7", Kind.IP),
        ("192.0.2.0/24", Kind.IP),
        ("2001:db8::/32", Kind.IP),
        ("ann@example.net", Kind.SENDER),
        ("example.net", Kind.DOMAIN),
        ("@example.net", Kind.DOMAIN),
        (".example.net", Kind.DOMAIN),
    ],
)
def test_kinds(value: str, kind: Kind) -> None:
    assert kind_of(value) is kind
    checked_value(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.IP, "example.net"),
        (Kind.IP, "0.0.0.0/0"),
        (Kind.IP, "2000::/3"),
        (Kind.SENDER, "example.net"),
        (Kind.DOMAIN, "a@example.net"),
        (Kind.DOMAIN, "192.0.2.7"),
    ],
)
def test_values_of_another_kind(kind: Kind, value: str) -> None:
    with pytest.raises(BadEntry):
        checked_value(kind, value)
