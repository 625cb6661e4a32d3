"""What is learned of senders, in the database and in the file that workers map."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tamis.complaint_store import ComplaintStore
from tamis.complaints import Complaint, Kind, kind_of
from tamis.config import Config, parse
from tamis.contract import Abstain
from tamis.database import open_database
from tamis.engine import Engine, worker_engine
from tamis.list_store import ListStore
from tamis.lists import BadEntry
from tamis.sender_weights import MOST, Event, Weight, decode, encode, faded
from tamis.tasks import Task
from tamis.weight_store import Lesson, OwnDomain, WeightStore, complain, learn, unlearn
from tamis.weight_tables import SENDER_WEIGHT
from tamis.weight_tasks import tasks
from tamis.weights import DatabaseWeights, Weights, points_of

ORG, ANN = "example.org", "ann@example.net"
HALF_LIFE = 90.0
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SENT = Lesson(Event.SENT, HALF_LIFE)


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "{database_url}"\n', "x")


@pytest.fixture
def store(config: Config) -> WeightStore:
    return WeightStore(config.database_url, HALF_LIFE)


def weight(store: WeightStore, sender: str = ANN, domain: str = ORG) -> Weight:
    found = store.find(domain, sender)
    assert found is not None
    return found


def points(engine: Engine, sender: str = ANN) -> float:
    weights = engine.snapshot.weights
    assert weights is not None
    return round(points_of(weights, ORG, sender, datetime.now(UTC))[0], 3)


def test_nothing_is_known_of_strangers_and_asking_makes_nothing(store: WeightStore, config: Config) -> None:
    assert store.find(ORG, ANN) is None
    assert (store.known(), store.version(), store.forget(ORG, ANN), store.forget_faded()) == ([], 0, False, 0)
    assert ListStore(config.database_url).version("weights") == 0


def test_events_add_up(store: WeightStore) -> None:
    """Captcha validation +, release ++, mail sent +, complaint -- (SPEC, row 7)."""
    so_far = [store.learn(ORG, ANN, event, "bob") for event in (Event.VALIDATION, Event.RELEASE, Event.COMPLAINT)]
    assert so_far == pytest.approx([1, 3, 1], abs=0.001)
    found = weight(store)
    assert found.counts == {Event.VALIDATION: 1, Event.RELEASE: 1, Event.SENT: 0, Event.COMPLAINT: 1}
    assert found.why == "1 validation, 1 release, 1 complaint"
    assert store.find("other.example", ANN) is None, "each domain learns for itself"


def test_one_complaint_is_always_felt(store: WeightStore) -> None:
    for _ in range(10):
        store.learn(ORG, ANN, Event.RELEASE, "bob")
    assert weight(store).points == pytest.approx(MOST, abs=0.001)
    assert store.learn(ORG, ANN, Event.COMPLAINT, "bob") == pytest.approx(2, abs=0.001)


def test_addresses_have_one_spelling(store: WeightStore) -> None:
    store.learn("Example.ORG.", " Ann@Example.NET ", Event.RELEASE, "bob")
    assert weight(store).points == pytest.approx(2)


@pytest.mark.parametrize("sender", ["", "example.net", ".example.net", "a b@example.net", "ann@", "x" * 400 + "@a.b"])
def test_what_is_no_address_is_not_learned(store: WeightStore, config: Config, sender: str) -> None:
    with pytest.raises(BadEntry):
        store.learn(ORG, sender, Event.RELEASE, "bob")
    with ListStore(config.database_url).change() as connection:
        assert not learn(connection, ORG, sender, SENT, "bob", NOW)


def test_nothing_is_learned_of_the_own_domain(store: WeightStore) -> None:
    """Its addresses on mail from outside are forged (SPEC, section 3)."""
    with pytest.raises(OwnDomain, match=r"an address of example\.org itself"):
        store.learn(ORG, "boss@Example.org", Event.RELEASE, "bob")


def test_it_fades_by_the_half_life(store: WeightStore, config: Config) -> None:
    assert faded(NOW, NOW + timedelta(days=90), HALF_LIFE) == pytest.approx(0.5)
    assert weight_at(config, store, NOW).at_time(NOW + timedelta(days=180), HALF_LIFE) == pytest.approx(0.25)
    with ListStore(config.database_url).change() as connection:
        learn(connection, ORG, ANN, SENT, "bob", NOW + timedelta(days=90))
    assert weight(store).points == pytest.approx(1.5)


def weight_at(config: Config, store: WeightStore, moment: datetime) -> Weight:
    with ListStore(config.database_url).change() as connection:
        learn(connection, ORG, ANN, SENT, "bob", moment)
    return weight(store)


def test_what_is_taken_back_leaves_nothing(store: WeightStore, config: Config) -> None:
    weight_at(config, store, NOW)
    with ListStore(config.database_url).change() as connection:
        unlearn(connection, ORG, ANN, SENT, NOW, "bob", NOW + timedelta(days=90))
    found = weight(store)
    assert found.points == pytest.approx(0)
    assert found.counts[Event.SENT] == 0


def test_a_complaint_lowers_a_sender_with_every_domain(store: WeightStore, config: Config) -> None:
    for domain in (ORG, "other.example"):
        store.learn(domain, ANN, Event.RELEASE, "bob")
    store.learn(ORG, "carl@example.net", Event.RELEASE, "bob")
    report = Complaint(Kind.SENDER, ANN, "0" * 40, "x@example.com", "abuse", NOW, "desk")
    other = Complaint(Kind.DOMAIN, "example.net", "0" * 40, "x@example.com", "abuse", NOW, "desk")
    for _ in range(2):  # The same report counts once.
        ComplaintStore(config.database_url, HALF_LIFE).record([report, other])
    assert [weight(store, ANN, domain).points for domain in (ORG, "other.example")] == pytest.approx([0, 0], abs=0.001)
    assert weight(store, "carl@example.net").points == pytest.approx(2, abs=0.001)
    with ListStore(config.database_url).change() as connection:
        assert complain(connection, "nobody@example.net", HALF_LIFE, "desk", NOW) == 0
    assert store.find(ORG, "nobody@example.net") is None


def test_what_is_learned_at_once_is_all_kept(store: WeightStore, config: Config) -> None:
    store.learn(ORG, "first@example.net", Event.SENT, "bob")

    def teach(number: int) -> None:
        WeightStore(config.database_url, HALF_LIFE).learn(ORG, ANN, Event.VALIDATION, f"{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(teach, range(4)))
    assert weight(store).counts[Event.VALIDATION] == 4


def test_known_and_forgotten(store: WeightStore) -> None:
    store.learn(ORG, ANN, Event.VALIDATION, "bob")
    store.learn(ORG, "carl@example.net", Event.RELEASE, "eve")
    store.learn("other.example", ANN, Event.COMPLAINT, "eve")
    assert [(one.domain, one.sender) for one in store.known()] == [
        (ORG, "carl@example.net"),
        (ORG, ANN),
        ("other.example", ANN),
    ]
    assert [one.changed_by for one in store.known(ORG, ANN)] == ["bob"]
    assert store.forget(ORG, ANN)
    assert not store.forget(ORG, ANN)
    assert store.find(ORG, ANN) is None


def test_what_has_faded_is_forgotten(store: WeightStore, config: Config) -> None:
    store.learn(ORG, ANN, Event.RELEASE, "bob")
    store.learn(ORG, "carl@example.net", Event.RELEASE, "bob")
    old = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=8 * HALF_LIFE)
    with open_database(config.database_url).begin() as connection:
        connection.execute(update(SENDER_WEIGHT).where(SENDER_WEIGHT.c.sender == ANN).values(at=old))
    assert store.forget_faded() == 1
    assert [one.sender for one in store.known()] == ["carl@example.net"]


# The file that workers map


def task(config: Config) -> Task:
    return next(task for task in tasks(config) if task.name == "weights")


def test_workers_take_up_what_the_keeper_writes(store: WeightStore, config: Config) -> None:
    write = task(config)
    engine = worker_engine(config, "")
    assert engine.snapshot.weights is None, "row 7 abstains"
    write.run()
    engine.refresh()
    assert points(engine) == 0
    store.learn(ORG, ANN, Event.RELEASE, "bob")
    task(config).run()
    engine.refresh()
    assert points(engine) == pytest.approx(2, abs=0.001)
    assert points(engine, "x\udcff\0@example.net") == 0
    store.forget(ORG, ANN)
    task(config).run()
    engine.refresh()
    assert points(engine) == 0


def test_complaints_of_an_organisation_reach_workers_until_they_are_dismissed(config: Config) -> None:
    complaints, since = ComplaintStore(config.database_url), datetime.now(UTC) - timedelta(days=1)
    accused = {"ann@mail.spammer.example": 0, "bulk.example": 0, "192.0.2.7": 0, "old.example": 91}
    complaints.record(
        Complaint(kind_of(value), value, f"{number:040x}", "x", "abuse", datetime.now(UTC) - timedelta(days=days), "y")
        for number, (value, days) in enumerate(accused.items())
    )

    def known(weights: Weights | None) -> list[str]:
        assert weights is not None
        asked = ("spammer.example", "bulk.example", "old.example", "other.example", "x\udcff\0.example")
        return [one for one in asked if weights.complained_of(one, since)]

    engine = worker_engine(config, "")
    for left in (["spammer.example", "bulk.example"], ["spammer.example"]):
        task(config).run()
        engine.refresh()
        assert known(engine.snapshot.weights) == known(DatabaseWeights(config)) == left
        complaints.dismiss("bulk.example", "eve")
    weights = engine.snapshot.weights
    assert weights is not None
    assert not weights.complained_of("spammer.example", datetime.now(UTC) + timedelta(seconds=2))


def test_commands_ask_the_database(store: WeightStore, config: Config) -> None:
    engine = Engine(config, network=False)
    store.learn(ORG, ANN, Event.RELEASE, "bob")
    assert points(engine) == pytest.approx(2, abs=0.001)


def test_what_is_no_text_can_be_asked_for(config: Config, store: WeightStore) -> None:
    """An address may come with any octets: found by fuzzing."""
    store.learn(ORG, ANN, Event.RELEASE, "bob")
    for sender in ("\udcbc", "ann\udcff@example.net", "ann\0@example.net"):
        assert store.find(ORG, sender) is None
        assert DatabaseWeights(config).find(sender, ANN) is None


def test_a_database_that_is_away_is_no_answer(tmp_path: Path) -> None:
    away = parse(f'[database]\nurl = "sqlite:///{tmp_path}"\n', "x")
    with pytest.raises(Abstain, match="what was learned of senders cannot be read"):
        DatabaseWeights(away).find(ORG, ANN)


def test_a_bad_file_leaves_the_last_good_one(config: Config, store: WeightStore, tmp_path: Path) -> None:
    store.learn(ORG, ANN, Event.RELEASE, "bob")
    task(config).run()
    engine = worker_engine(config, "")
    (tmp_path / "weights").unlink()
    (tmp_path / "weights").write_bytes(b"no snapshot")
    for _ in range(2):
        engine.refresh()
        assert points(engine) == pytest.approx(2, abs=0.001)


def test_weights_survive_as_text() -> None:
    one = Weight(-1.25, NOW, {event: number for number, event in enumerate(Event)})
    assert decode(encode(one.points, NOW.replace(tzinfo=None), one.counts.values())) == one
    for text in ("", "x", "1 2", "1 2 3 4 5", "1 2 3 4 5 x", "1 1e99 0 0 0 0"):
        assert decode(text) is None
