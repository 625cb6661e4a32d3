"""What only traps got is learned as spam, once, and not without bounds."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tamis import faults
from tamis.config import parse
from tamis.images.pool_process import PoolProcess, socket_path
from tamis.images.store import ImageStore
from tamis.learning.journal import Reading
from tamis.learning.teaching import Source, lesson
from tamis.quarantine import tasks, trap_learning
from tamis.quarantine.store import Store
from tests.images.drawn import drawn, letter, saved, speckled
from tests.quarantine.held import RAW, counter, hold


def spam(number: int) -> bytes:
    return RAW + b"buy zyxwv%d qponm%d now\r\n" % (number, number)


def learned(store: Store) -> list[tuple[str, bool, Source]]:
    """Digest, label and source of all that the journal has, in order."""
    with store.transaction() as connection:
        return [(entry.digest, entry.spam, entry.source) for entry in Reading(connection).entries()]


def test_it_is_learned_once(store: Store) -> None:
    assert trap_learning.learn(store) == 0
    hold(store, raw=spam(1), learn=True)
    hold(store, raw=spam(2))
    assert trap_learning.learn(store) == 1
    assert learned(store) == [(lesson(spam(1), True).digest, True, Source.TRAP)]
    assert trap_learning.learn(store) == 0
    assert counter(store, trap_learning.LEARNED) == 1


def test_copies_of_one_mailing_count_once(store: Store) -> None:
    for number in range(5):
        raw = spam(1) if number < 3 else b"Received: by %d\r\n" % number + spam(1)
        hold(store, raw=raw, learn=True, sender_key=f"a{number}@x.example")
    assert trap_learning.learn(store) == 1
    assert trap_learning.learn(store) == 0


def test_a_flood_teaches_no_more_than_so_much_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trap_learning, "_MOST_A_DAY", 3)
    monkeypatch.setattr(trap_learning, "_TOGETHER", 2)
    for number in range(6):
        hold(store, raw=spam(number), learn=True)
    assert [trap_learning.learn(store) for _ in range(4)] == [2, 1, 0, 0]


def test_what_has_gone_meanwhile_is_no_loss(store: Store) -> None:
    hold(store, raw=spam(1), learn=True)
    for digest in list(store.spool.digests()):
        store.spool.remove([digest])
    assert trap_learning.learn(store) == 0
    assert learned(store) == []


def test_what_fails_half_way_is_learned_the_next_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark and the journal are one transaction; a kill at any moment is no different."""
    hold(store, raw=spam(1), learn=True)

    def fail(point: str) -> None:
        raise OSError(point)

    with monkeypatch.context() as patched:
        patched.setattr(faults, "point", fail)
        with pytest.raises(OSError, match=r"trap\.marked"):
            trap_learning.learn(store)
    assert learned(store) == []
    assert trap_learning.learn(store) == 1


RUN = (
    "import sys\nfrom pathlib import Path\nfrom tamis.quarantine import trap_learning\n"
    "from tamis.quarantine.spool import Spool\nfrom tamis.quarantine.store import Store\n"
    "trap_learning.learn(Store(sys.argv[1], Spool(Path(sys.argv[2]))))\n"
)


@pytest.mark.slow
def test_a_keeper_that_is_killed_learns_each_message_once(store: Store, database_url: str, tmp_path: Path) -> None:
    fault = tmp_path / "faults"
    fault.mkdir()
    hold(store, raw=spam(1), learn=True)
    command = [sys.executable, "-c", RUN, database_url, str(tmp_path / "spool")]
    for point, rows in (("trap.marked", 0), ("trap.learned", 1)):
        (fault / f"{point}.kill").touch()
        done = subprocess.run(command, env={**os.environ, faults.VARIABLE: str(fault)}, timeout=60)
        assert done.returncode == -signal.SIGKILL
        assert len(learned(store)) == rows
    assert trap_learning.learn(store) == 0


@pytest.mark.slow
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
