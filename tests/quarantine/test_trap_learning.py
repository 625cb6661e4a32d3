"""What only traps got is learned as spam, once, and not without bounds."""

from pathlib import Path

import pytest

from tamis.config import parse
from tamis.images.pool_process import PoolProcess, socket_path
from tamis.images.store import ImageStore
from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.features import features
from tamis.models.storage import SHIPPED_MODEL
from tamis.quarantine import tasks, trap_learning
from tamis.quarantine.store import Store
from tests.images.drawn import drawn, letter, saved, speckled
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
        store.spool.remove(digest)
    assert learn(store, model) == 0
    assert not model.exists()


def test_three_messages_teach_an_image(store: Store, database_url: str, tmp_path: Path) -> None:
    """By the keeper's own task and real readers; a logo that says little is never learned."""
    config = parse(
        f'[daemon]\nstate_directory = "{tmp_path}"\nruntime_directory = "{tmp_path}"\n'
        f'[database]\nurl = "{database_url}"\n[quarantine]\nspool = "{tmp_path}/spool"\n',
        "tamis.toml",
    )
    (task,) = [task for task in tasks.tasks(config) if task.name == "traps"]
    images = ImageStore(database_url)
    pool = PoolProcess(socket_path(config), tmp_path / "files", 1, "tesseract", ("eng",))
    pool.start()
    try:
        for number in range(1, 4):
            spam = [saved(speckled(drawn(), seed=number)), saved(drawn(("My Bank",)))]
            hold(store, raw=letter(*spam).replace(b"\n", b"\r\n"), learn=True)
            task.run()
            assert [(one.state, one.messages) for one in images.images()] == [
                ("known" if number == 3 else "proposed", number)
            ]
    finally:
        pool.stop()
