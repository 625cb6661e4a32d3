"""The second layer follows the journal: made anew by a process of its own, to the bit, and stale until then."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from tamis import faults
from tamis.config import Config, parse
from tamis.engine import Engine, worker_engine
from tamis.learning import corrected
from tamis.learning.corrected import CorrectedError, Made, corrected_path
from tamis.learning.correction_task import REST_SECONDS, CorrectionTask, NotRebuilt
from tamis.learning.journal import Journal
from tamis.learning.rebuild_process import Pace
from tamis.learning.rebuilding import FEWEST, Disturbed, job_of, rebuild
from tamis.learning.standing import is_stale, standing
from tamis.learning.tasks import LearnedTask
from tamis.learning.teaching import Lesson
from tamis.models.bayes import Model
from tamis.models.correction import Correction
from tamis.models.sparse import SparseWeights
from tamis.models.storage import SHIPPED_MODEL
from tests.learning.mail import ADMIN, TODAY, bob, ham, spam

HAM = [ham(number, f"minutes of the meeting {chr(97 + number % 26) * 2}") for number in range(FEWEST + 5)]
SPAM = [spam(number, f"buy zyxwv qponm now {chr(97 + number % 26) * 2}") for number in range(FEWEST + 5)]


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run_to_the_end(task: CorrectionTask) -> None:
    """Let a rebuild begin, and take up what it made."""
    task.run()
    deadline = time.monotonic() + 60
    while task.running and time.monotonic() < deadline:
        time.sleep(0.02)
        task.run()
    assert not task.running


def keep(config: Config, journal: Journal) -> bytes:
    """What the keeper, and the process that it starts, write of the journal: counts, and then the second layer."""
    LearnedTask(config, journal).run()
    corrected.write(corrected_path(config), *rebuild(job_of(config, TODAY)))
    return corrected_path(config).read_bytes()


def gap(correction: Correction) -> float:
    """How far the second layer tells spam from ham."""
    return correction.log_odds(SPAM[0].features) - correction.log_odds(HAM[0].features)


def model_of(engine: Engine) -> Model:
    engine.refresh()
    assert engine.snapshot.model is not None
    return engine.snapshot.model


def site(folder: Path) -> Config:
    folder.mkdir()
    return parse(f'[daemon]\nstate_directory = "{folder}"\n', "x")


def test_lessons_move_the_second_layer_and_an_undo_takes_them_back(config: Config, journal: Journal) -> None:
    engine = worker_engine(config, "")
    assert not model_of(engine).stale
    own = gap(model_of(engine).correction)
    journal.learn(ADMIN, [*HAM, *SPAM])
    LearnedTask(config, journal).run()
    counted = model_of(engine)
    assert counted.stale, "the counts know the lessons, the second layer does not yet"
    assert gap(counted.correction) == own
    assert standing(config).layer_stale
    before = keep(config, journal)
    moved = model_of(engine)
    assert not moved.stale
    assert moved.version != counted.version, "or cached answers would stay"
    assert gap(moved.correction) > own + 1
    assert moved.shares(SPAM[0].features).sum() == pytest.approx(moved.evidence(SPAM[0].features))
    journal.learn(bob(), [spam(number, "garden club letter") for number in range(3)])
    assert keep(config, journal) != before
    journal.undo(bob().by)
    found = standing(config)
    assert (found.counts_stale, found.layer_stale) == (True, True), "whether or not there is a keeper"
    LearnedTask(config, journal).run()
    assert model_of(engine).stale
    assert keep(config, journal) == before
    assert not model_of(engine).stale
    found = standing(config)
    assert (found.counts_stale, found.layer_stale, found.rows) == (False, False, len(HAM) + len(SPAM))
    assert found.made is not None
    assert (found.made.ham, found.made.spam) == (len(HAM), len(SPAM))


@pytest.mark.slow
def test_rebuilt_after_an_undo_it_is_that_of_a_journal_that_never_knew(tmp_path: Path) -> None:
    """On another machine, in another order, with other row ids; to the bit."""
    undone, fresh = site(tmp_path / "undone"), site(tmp_path / "fresh")
    journal = Journal(undone.database_url)
    journal.learn(bob("eve"), [ham(number, "buy zyxwv qponm now") for number in range(30)])
    journal.learn(ADMIN, HAM[:9])
    journal.learn(bob("eve"), [spam(number, "garden club letter") for number in range(30)])
    journal.learn(ADMIN, [*HAM[9:], *SPAM])
    known = rebuild(job_of(undone, TODAY))
    journal.undo("eve@example.org")
    Journal(fresh.database_url).learn(ADMIN, [*reversed(SPAM), *HAM])
    (made, moved), (other_made, other) = rebuild(job_of(undone, TODAY)), rebuild(job_of(fresh, TODAY))
    assert len(moved.indices) > 100
    assert made == other_made != known[0]
    assert np.array_equal(moved.indices, other.indices)
    assert np.array_equal(moved.weights, other.weights)
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, content in zip(paths, ((made, moved), (other_made, other)), strict=True):
        corrected.write(path, *content)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_it_learns_what_the_model_would_learn(tmp_path: Path) -> None:
    """One message after the other by their digests, three times; the less ham there is, the smaller the steps."""
    config = site(tmp_path / "site")
    lessons = [*HAM[:FEWEST], *SPAM[:FEWEST]]
    Journal(config.database_url).learn(ADMIN, lessons)
    expected = Model.load(SHIPPED_MODEL)
    for done in range(3):
        for one in sorted(lessons, key=lambda one: one.digest):
            expected.correction.learn(one.features, one.spam, done, FEWEST / (FEWEST + 100) if one.spam else 1)
    _, moved = rebuild(job_of(config, TODAY))
    start = Model.load(SHIPPED_MODEL)
    served = start.corrected(moved, "x", stale=False)
    for one in (*lessons, spam(99, "something else altogether")):
        assert served.evidence(one.features) == expected.evidence(one.features)
    assert gap(start.correction) < gap(served.correction), "the model itself is as it was"


@pytest.mark.parametrize("few", [HAM[: FEWEST - 1] + SPAM, HAM + SPAM[: FEWEST - 1], SPAM, []])
def test_too_few_of_a_class_move_nothing(tmp_path: Path, few: list[Lesson]) -> None:
    """Errors of one class alone would move what all mail has in common."""
    config = site(tmp_path / "site")
    if few:
        Journal(config.database_url).learn(ADMIN, few)
    made, moved = rebuild(job_of(config, TODAY))
    assert (made.ham, made.spam, len(moved.indices)) == (0, 0, 0)
    corrected.write(corrected_path(config), made, moved)
    assert not is_stale(config), "it knows the lessons, and makes nothing of them"


@pytest.mark.slow
def test_one_reporter_does_not_turn_it(tmp_path: Path) -> None:
    config = site(tmp_path / "site")
    journal = Journal(config.database_url)
    names = ("ann", "cem", "dan", "ed", "fay", "gus")
    for number, name in enumerate(names):
        journal.learn(bob(name), [*HAM[number :: len(names)], *SPAM[number :: len(names)]])
    job, start = job_of(config, TODAY), Model.load(SHIPPED_MODEL).correction
    taught = gap(start.over(rebuild(job)[1]))
    journal.learn(bob("eve"), [ham(number) for number in range(300)])
    turned = gap(start.over(rebuild(job)[1]))
    journal.undo("eve@example.org")
    journal.learn(ADMIN, [ham(number) for number in range(300)])
    by_administrator = gap(start.over(rebuild(job)[1]))
    assert taught > turned > gap(start) + 1, "what others have taught still speaks louder"
    assert turned > by_administrator + 1, "an administrator may turn it"


def test_it_is_made_of_what_it_could_read(tmp_path: Path) -> None:
    """Rows that somebody takes back meanwhile: to be done again."""
    config = site(tmp_path / "site")
    journal = Journal(config.database_url)
    journal.learn(ADMIN, [*HAM, *SPAM])
    journal.learn(bob(), [spam(number, "garden club letter") for number in range(3)])
    asked: list[int] = []

    def alive() -> None:
        if not asked:
            journal.undo(bob().by)
        asked.append(1)

    try:
        made, _ = rebuild(job_of(config, TODAY), alive)
    except Disturbed:
        made, _ = rebuild(job_of(config, TODAY))
        assert made.spam == len(SPAM)
    else:
        assert made.spam == len(SPAM) + 3, "the rows were read before they went"


@pytest.mark.slow
def test_a_layer_over_another_model_does_not_serve(tmp_path: Path) -> None:
    config = site(tmp_path / "site")
    journal, engine = Journal(config.database_url), worker_engine(config, "")
    journal.learn(ADMIN, [*HAM, *SPAM])
    keep(config, journal)
    assert not model_of(engine).stale
    other = Model()
    for one in (*HAM, *SPAM):
        other.learn(one.features, one.spam)
    other.save(config.site_model)
    assert model_of(engine).stale
    assert gap(model_of(engine).correction) == gap(other.correction)
    assert is_stale(config)
    keep(config, journal)
    assert not model_of(engine).stale


@pytest.fixture
def fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "faults"
    folder.mkdir()
    monkeypatch.setenv(faults.VARIABLE, str(folder))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("point", ["corrected.read", "corrected.made"])
def test_a_rebuild_that_is_killed_loses_nothing(tmp_path: Path, fault: Path, point: str) -> None:
    config, clock = site(tmp_path / "site"), Clock()
    journal, engine = Journal(config.database_url), worker_engine(config, "")
    journal.learn(ADMIN, [*HAM, *SPAM])
    before = keep(config, journal)
    corrected_path(config).unlink()
    task = CorrectionTask(config, clock)
    run_to_the_end(task)
    assert corrected_path(config).read_bytes() == before, "by the process it is what it is without one"
    clock.now += REST_SECONDS + 1
    journal.learn(ADMIN, [spam(99, "garden club letter")])
    LearnedTask(config, journal).run()
    (fault / f"{point}.kill").touch()
    with pytest.raises(NotRebuilt, match=f"status {-signal.SIGKILL}"):
        run_to_the_end(task)
    assert corrected_path(config).read_bytes() == before
    assert model_of(engine).stale
    assert gap(model_of(engine).correction) > gap(Model.load(SHIPPED_MODEL).correction), "the last good one serves"
    with pytest.raises(NotRebuilt):
        task.run()
    assert not task.running, "not again at once"
    clock.now += REST_SECONDS + 1
    with pytest.raises(NotRebuilt):
        task.run()
    assert task.running
    while is_stale(config):
        time.sleep(0.02)
        with suppress(NotRebuilt):
            task.run()
    task.run()
    assert not model_of(engine).stale
    left = {path.name for path in config.state_directory.iterdir() if not path.name.startswith("tamis.db")}
    assert left == {"learned", "corrected"}


@pytest.mark.slow
def test_a_rebuild_that_needs_too_much_memory_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = site(tmp_path / "site")
    journal = Journal(config.database_url)
    journal.learn(ADMIN, [*HAM, *SPAM])
    LearnedTask(config, journal).run()
    small = "import sys; from tamis import limits; limits.REBUILD_MEMORY_BYTES = 1 << 20; "
    small += "from tamis.learning.rebuild_process import main; sys.exit(main())"
    monkeypatch.setattr("tamis.learning.correction_task._COMMAND", (sys.executable, "-c", small))
    with pytest.raises(NotRebuilt, match="MemoryError"):
        run_to_the_end(CorrectionTask(config))
    assert not corrected_path(config).exists()


def test_a_rebuild_rests_where_its_priority_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("tamis.learning.rebuild_process.time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    for times in (0.0, 3.0):
        pace = Pace(times)
        for _ in range(1000):
            now[0] += 0.001
            pace.step()
        assert sum(slept) == pytest.approx(times, abs=0.2)


PARENT = (
    "import os, subprocess, sys, time\nfrom tamis.learning.correction_task import _COMMAND\n"
    "said = open(sys.argv[2], 'wb')\n"
    "child = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)\n"
    "child.stdin.write(sys.stdin.buffer.read())\nchild.stdin.close()\n"
    "while not os.path.exists(sys.argv[1]):\n    time.sleep(0.02)\nprint(child.pid)\nos._exit(0)\n"
)


@pytest.mark.slow
def test_a_rebuild_ends_with_its_keeper(tmp_path: Path, fault: Path) -> None:
    """The next keeper begins anew; two would be twice the work."""
    config = site(tmp_path / "site")
    Journal(config.database_url).learn(ADMIN, [*HAM, *SPAM])
    (fault / "corrected.read.pause").touch()
    (fault / "corrected.made.error").touch()
    paused, said = fault / "corrected.read.paused", tmp_path / "said"
    command, job = [sys.executable, "-c", PARENT, str(paused), str(said)], msgspec.json.encode(job_of(config, TODAY))
    done = subprocess.run(command, input=job, stdout=subprocess.PIPE, timeout=60)
    child = int(done.stdout)
    assert Path(f"/proc/{child}").exists()
    reader = os.pidfd_open(child)
    paused.unlink()
    assert select.select([reader], [], [], 60)[0], "it has ended"
    os.close(reader)
    assert said.read_bytes() == b"", "and not by the fault at its end"


@pytest.mark.parametrize("spoil", ["", "x", "cut", "longer", "magic", "header", "bits"])
def test_a_spoilt_file_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "corrected"
    weights = SparseWeights(np.array([1, 5], np.uint32), np.array([-7, 9], np.int16))
    made = corrected.write(path, Made(model="m", lessons="l", ham=1, spam=2), weights)
    with path.open("rb") as file:
        found = corrected.read(file)
    assert found.made == made
    assert Correction().over(found.moved).of(np.array([0, 1, 5, 9], np.uint32)).tolist() == [0, -7, 9, 0]
    good = path.read_bytes()
    spoilt = {
        "": b"",
        "x": b"x",
        "cut": good[:-2],
        "longer": good + b"\0\0",
        "magic": b"Y" + good[1:],
        "header": good.replace(b"lessons", b"nothing"),
        "bits": good[:-1] + b"x",
    }
    path.write_bytes(spoilt[spoil])
    with path.open("rb") as file, pytest.raises(CorrectedError, match="the second layer"):
        corrected.read(file)
