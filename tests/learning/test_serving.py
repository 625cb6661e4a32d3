"""From the journal to the score: counts that the keeper makes, and that workers and commands score with."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from tamis import faults
from tamis.config import Config, load, parse
from tamis.database import open_database
from tamis.engine import Engine, worker_engine
from tamis.learning.building import build
from tamis.learning.journal import Journal
from tamis.learning.published import PLATFORM, LearnedError, learned_path, read, write
from tamis.learning.tables import LEARNED
from tamis.learning.tasks import LearnedTask, rules_of, tasks
from tamis.learning.teaching import Lesson
from tamis.models.bayes import Model
from tamis.models.features import VIEWS
from tamis.models.points import MIDDLE_LEVEL
from tamis.models.sparse import SparseCounts
from tests.learning.mail import ADMIN, TODAY, TRAPS, bob, ham, spam


@pytest.fixture
def engine(config: Config) -> Engine:
    return worker_engine(config, "")


def score(engine: Engine, one: Lesson, domain: str = "") -> float:
    engine.refresh()
    model = engine.snapshot.model
    assert model is not None
    return model.for_domain(domain).score(one.features)


def publish(config: Config, journal: Journal) -> bytes:
    """What the keeper writes, whatever it wrote before."""
    LearnedTask(config, journal).run()
    return learned_path(config).read_bytes()


def test_workers_take_up_what_was_learned(config: Config, journal: Journal, engine: Engine) -> None:
    before = score(engine, spam())
    task = LearnedTask(config, journal)
    task.run()
    assert not learned_path(config).exists(), "nothing was learned yet"
    journal.learn(ADMIN, [spam(number) for number in range(5)])
    task.run()
    taught = score(engine, spam())
    assert taught > before + 1.9
    version = engine.snapshot.model.version if engine.snapshot.model else ""
    journal.learn(ADMIN, [ham(number) for number in range(5)])
    publish(config, journal)
    assert score(engine, spam()) < before
    assert engine.snapshot.model is not None
    assert engine.snapshot.model.version != version, "or cached answers would stay"
    journal.undo(ADMIN.by)
    publish(config, journal)
    assert score(engine, spam()) == before


def test_nothing_is_written_where_nothing_changes(config: Config, journal: Journal) -> None:
    task = LearnedTask(config, journal)
    journal.learn(ADMIN, [spam()])
    task.run()
    learned_path(config).chmod(0o640)
    task.run()
    assert learned_path(config).stat().st_mode & 0o777 == 0o640
    learned_path(config).unlink()
    task._not_before = 0
    task.run()
    assert learned_path(config).exists()


def test_after_undo_it_is_as_if_it_had_never_been(config: Config, journal: Journal) -> None:
    journal.learn(ADMIN, [spam(1), spam(2), ham(3, "minutes of the meeting")])
    journal.learn(bob(), [spam(4), ham(5, "garden club")])
    before = publish(config, journal)
    journal.learn(bob("eve"), [ham(1), ham(2), spam(5, "garden club"), *map(spam, range(50))])
    journal.learn(TRAPS, [spam(4), spam(1)])
    assert publish(config, journal) != before
    journal.undo("eve@example.org")
    journal.undo("traps")
    assert publish(config, journal) == before
    moment = datetime.now(UTC)
    journal.learn(ADMIN, [ham(1), ham(4)], moment + timedelta(seconds=1))
    assert publish(config, journal) != before
    journal.undo(since=moment)
    assert publish(config, journal) == before


def test_one_reporter_does_not_turn_what_others_taught(config: Config, journal: Journal, engine: Engine) -> None:
    """However often he says the opposite, of the same messages and of others like them."""
    for number, name in enumerate(("ann", "bob", "cem")):
        journal.learn(bob(name), [spam(number * 20 + one) for one in range(20)])
    publish(config, journal)
    taught = score(engine, spam(1000))
    journal.learn(bob("eve"), [ham(number) for number in range(300)])
    publish(config, journal)
    turned = score(engine, spam(1000))
    journal.undo("eve@example.org")
    journal.learn(ADMIN, [ham(number) for number in range(300)])
    publish(config, journal)
    assert taught > turned > score(engine, spam(1000)) + 2, "an administrator may turn it"
    assert turned > MIDDLE_LEVEL / 2, "what three have taught still speaks louder"


def test_machines_that_share_a_journal_count_alike(config: Config, journal: Journal, tmp_path: Path) -> None:
    journal.learn(bob(), [spam(1), ham(2)])
    paths = [tmp_path / name for name in ("one", "two")]
    for path in paths:
        with Journal(config.database_url).reading() as reading:
            assert reading is not None
            write(path, *build(reading, TODAY, rules_of(config), True))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_evidence_fades_and_ends(config: Config, journal: Journal, engine: Engine) -> None:
    """By the day on which the counts are made."""
    journal.learn(ADMIN, [spam(1), ham(2, "garden club")])
    masses = []
    for days in (0, 180, 360, 720):
        with journal.reading() as reading:
            assert reading is not None
            masses.append(build(reading, TODAY + timedelta(days=days), rules_of(config), True)[0][PLATFORM].mass.sum())
    assert masses[1:] == pytest.approx([masses[0] / 2, masses[0] / 4, 0])


def test_a_domain_learns_over_the_platform(config: Config, journal: Journal, engine: Engine) -> None:
    before = score(engine, spam(0))
    journal.learn(bob(), [spam(number) for number in range(4)])
    publish(config, journal)
    here, there = score(engine, spam(0), "example.org"), score(engine, spam(0), "example.net")
    assert here > there > before
    assert engine.snapshot.model is not None
    assert engine.snapshot.model.adapted(["example.net", "example.org"]) == ["example.org"]


def test_recipients_may_teach_their_domain_alone(config: Config, journal: Journal) -> None:
    journal.learn(bob(), [spam(number) for number in range(4)])
    with journal.reading() as reading:
        assert reading is not None
        vectors, _ = build(reading, TODAY, rules_of(config), recipients_teach_all=False)
    assert len(vectors[PLATFORM].indices) == 0
    assert len(vectors["example.org"].indices) > 0


def test_the_words_of_an_administrator_for_a_domain_are_for_it_alone(journal: Journal, config: Config) -> None:
    journal.learn(type(ADMIN)("root", ADMIN.source, "example.org"), [spam()])
    with journal.reading() as reading:
        assert reading is not None
        vectors, _ = build(reading, TODAY, rules_of(config), recipients_teach_all=True)
    assert len(vectors[PLATFORM].indices) == 0
    assert len(vectors["example.org"].indices) > 0


def test_features_of_another_version_count_for_nothing(config: Config, journal: Journal) -> None:
    journal.learn(ADMIN, [spam(1)])
    with open_database(config.database_url).begin() as connection:
        connection.execute(update(LEARNED).values(features_version=0))
    with journal.reading() as reading:
        assert reading is not None
        assert len(build(reading, TODAY, rules_of(config), True)[0][PLATFORM].indices) == 0


def test_the_last_good_counts_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the database is away, and where the file is damaged."""
    config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")
    journal, engine = Journal(config.database_url), worker_engine(config, "")
    journal.learn(ADMIN, [spam(number) for number in range(5)])
    task = LearnedTask(config, journal)
    task.run()
    taught = score(engine, spam())
    (tmp_path / "tamis.db").rename(tmp_path / "away.db")
    task._not_before = 0
    task.run()
    assert score(engine, spam()) == taught
    learned_path(config).write_bytes(learned_path(config).read_bytes()[:-1] + b"x")
    assert score(engine, spam()) == taught
    assert score(engine, spam()) == taught
    assert caplog.text.count("what was learned is not read") == 1
    assert score(worker_engine(config, ""), spam()) < taught, "the model itself serves where nothing else can be read"


@pytest.mark.parametrize("spoil", ["", "x", "cut", "longer", "magic", "header"])
def test_a_spoilt_file_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "learned"
    one = SparseCounts(np.array([1, 5], np.uint32), np.ones((2, 2), np.float32), np.ones((len(VIEWS), 2)))
    write(path, {PLATFORM: one, "example.org": one}, "lessons")
    with path.open("rb") as file:
        vectors = read(file).vectors
    assert vectors["example.org"].at(np.array([0, 5, 9], np.uint32)).tolist() == [[0, 1, 0], [0, 1, 0]]
    assert vectors[PLATFORM].mass.tolist() == [[2, 2], *[[0, 0]] * (len(VIEWS) - 1)]
    good = path.read_bytes()
    spoilt = {
        "": b"",
        "x": b"x",
        "cut": good[:-4],
        "longer": good + b"\0\0\0\0",
        "magic": b"Y" + good[1:],
        "header": good.replace(b"version", b"nothing"),
    }
    path.write_bytes(spoilt[spoil])
    with path.open("rb") as file, pytest.raises(LearnedError, match="what was learned"):
        read(file)


def test_what_is_added_is_what_a_model_would_have_learned() -> None:
    """Counts over a model give the score of the same messages counted in it; the second layer is the model's own."""
    lessons = [spam(1), spam(2), ham(3, "minutes of the meeting"), ham(4, "garden club")]
    whole, base = Model(), Model()
    for one in lessons:
        whole.add(one.features, one.spam)
    for one in lessons[:2]:
        base.add(one.features, one.spam)
    rest = Model()
    for one in lessons[2:]:
        rest.add(one.features, one.spam)
    known = np.flatnonzero(rest.counts.any(axis=0)).astype(np.uint32)
    taught = base.taught(SparseCounts(known, rest.counts[:, known], rest.messages.astype(np.float64)), "x")
    for one in (*lessons, spam(9, "something else altogether")):
        assert taught.score(one.features) == pytest.approx(whole.score(one.features), abs=1e-9)
        assert taught.log_odds(one.features) == pytest.approx(whole.log_odds(one.features), abs=1e-6)


# A keeper that is killed

RUN = (
    "import sys\nfrom pathlib import Path\nfrom tamis.config import load\nfrom tamis.learning.tasks import tasks\n"
    "config = load(Path(sys.argv[1]))\nfor task in tasks(config):\n    task.run()\n"
)


def keeper(config_file: Path, fault: Path) -> int:
    """The tasks of a keeper, once, in a process of their own."""
    environment = {**os.environ, faults.VARIABLE: str(fault)}
    return subprocess.run([sys.executable, "-c", RUN, str(config_file)], env=environment, timeout=60).returncode


@pytest.mark.slow
def test_a_keeper_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    reports, fault = tmp_path / "reports", tmp_path / "faults"
    reports.mkdir()
    fault.mkdir()
    file = tmp_path / "tamis.toml"
    file.write_text(f'[daemon]\nstate_directory = "{tmp_path}"\n[learning]\nreports = "{reports}"\n')
    config = load(file)
    assert {task.name for task in tasks(config)} == {"learned", "second layer", "forget learned", "reports"}
    journal = Journal(config.database_url)
    journal.learn(ADMIN, [spam(1)])
    for number, point in enumerate(("learned.built", "learned.written", "report.read", "report.learned")):
        (reports / f"{number}").write_bytes(b"spam bob@example.org\nSubject: pills\n\nbuy pills %d\n" % number)
        (fault / f"{point}.kill").touch()
        assert keeper(file, fault) == -signal.SIGKILL
    assert keeper(file, fault) == 0
    assert [(one.by, one.spam) for one in journal.taught()] == [("bob@example.org", 4), ("root", 1)]
    assert list(reports.iterdir()) == []
    for task in tasks(config):
        task.run()
    with learned_path(config).open("rb") as opened:
        vectors = read(opened).vectors
    assert set(vectors) == {PLATFORM, "example.org"}
    assert vectors[PLATFORM].messages[0].tolist() == [0, 5]
