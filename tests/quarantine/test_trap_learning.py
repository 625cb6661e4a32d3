"""What only traps got is learned as spam, once, and not without bounds."""

from pathlib import Path

import pytest

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.features import features
from tamis.models.storage import SHIPPED_MODEL
from tamis.quarantine import trap_learning
from tamis.quarantine.store import Store
from tests.quarantine.held import RAW, counter, hold

pytestmark = pytest.mark.slow  # The model is read and written.


def spam(number: int) -> bytes:
    return RAW + b"buy zyxwv%d qponm%d now\r\n" % (number, number)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "model.bin"


def score(model: Path, raw: bytes) -> float:
    return Model.load(model).score(features(Message(raw)))


def learn(store: Store, model: Path) -> int:
    return trap_learning.learn(store, model, SHIPPED_MODEL)


def test_it_is_learned_once(store: Store, model: Path) -> None:
    assert learn(store, model) == 0
    hold(store, raw=spam(1), learn=True)
    hold(store, raw=spam(2))
    assert not model.exists()
    assert learn(store, model) == 1
    assert score(model, spam(1)) > score(SHIPPED_MODEL, spam(1))
    before = Model.load(model).messages.tolist()
    assert learn(store, model) == 0
    assert Model.load(model).messages.tolist() == before
    assert counter(store, trap_learning.LEARNED) == 1


def test_the_same_octets_count_once(store: Store, model: Path) -> None:
    for number in range(5):
        hold(store, raw=spam(1), learn=True, sender_key=f"a{number}@x.example")
    assert learn(store, model) == 1
    assert learn(store, model) == 0


def test_a_flood_teaches_no_more_than_so_much_a_day(store: Store, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trap_learning, "_MOST_A_DAY", 3)
    monkeypatch.setattr(trap_learning, "_TOGETHER", 2)
    for number in range(6):
        hold(store, raw=spam(number), learn=True)
    assert [learn(store, model) for _ in range(4)] == [2, 1, 0, 0]


def test_what_has_gone_meanwhile_is_no_loss(store: Store, model: Path) -> None:
    hold(store, raw=spam(1), learn=True)
    for digest in list(store.spool.digests()):
        store.spool.remove([digest])
    assert learn(store, model) == 0
    assert not model.exists()
