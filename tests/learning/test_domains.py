"""A domain's own counts: for its recipients alone, bounded, and no reason to score others' mail anew."""

from pathlib import Path
from typing import Any

import pytest

from tamis.answers import Answers
from tamis.config import Config, parse
from tamis.engine import Engine, worker_engine
from tamis.examination import Examination
from tamis.learning.journal import Journal
from tamis.learning.tasks import LearnedTask
from tamis.learning.teaching import Reporter, Source
from tamis.record import Record
from tamis.redis_client import RedisClient, RoundTrip
from tamis.testing import mail
from tests.learning.mail import raw, spam

HERE, THERE = "bob@example.org", "eve@example.net"


class Memory(Answers):
    """Answers that are kept in this process."""

    def __init__(self) -> None:
        super().__init__(RedisClient())
        self.kept: dict[bytes, bytes] = {}

    def fetch(self, keys: Any, trip: RoundTrip | None = None) -> list[bytes | None]:
        if trip:
            trip.go()
        return [self.kept.get(key) for key in keys]

    def remember(self, answers: Any) -> None:
        self.kept.update(answers)


def site(folder: Path, text: str = "") -> Config:
    return parse(f'[daemon]\nstate_directory = "{folder}"\n{text}', "x")


def taught(config: Config, lessons: int) -> Engine:
    """An engine of a site where an administrator has taught example.org alone."""
    journal = Journal(config.database_url)
    journal.learn(Reporter("root", Source.ADMINISTRATOR, "example.org"), [spam(number) for number in range(lessons)])
    LearnedTask(config, journal).run()
    return worker_engine(config, "")


def examine(engine: Engine, recipients: list[str], answers: Answers | None = None) -> Record:
    message = mail(raw(99).decode(), recipients=recipients)
    return Examination(message, engine.snapshot, answers or Memory()).run()


def bayes_of(record: Record, recipient: str) -> dict[str, int]:
    (verdict,) = [one for one in record.verdicts if one.recipient == recipient]
    assert verdict.score == sum(weight for _, weight in verdict.tests), "the printed weights add up"
    return {name: weight for name, weight in verdict.tests if name.startswith("BAYES")}


def test_it_counts_for_its_recipients_alone(tmp_path: Path) -> None:
    engine = taught(site(tmp_path), 2)
    record = examine(engine, [HERE, THERE])
    here, there = bayes_of(record, HERE), bayes_of(record, THERE)
    assert here["BAYES"] == there["BAYES"]
    assert 0 < here["BAYES_DOMAIN"] <= 3000
    assert "BAYES_DOMAIN" not in there


@pytest.mark.parametrize(("options", "bound"), [("", 3000), ("adaptation = 0.5", 500)])
def test_it_is_bounded(tmp_path: Path, options: str, bound: int) -> None:
    engine = taught(site(tmp_path, f'[domain."example.org".filters.bayes]\n{options}\n'), 40)
    assert bayes_of(examine(engine, [HERE]), HERE)["BAYES_DOMAIN"] == bound


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    engine = taught(site(tmp_path, '[domain."example.org".filters.bayes]\nadaptation = 0.0\n'), 40)
    assert set(bayes_of(examine(engine, [HERE]), HERE)) == {"BAYES"}


def test_answers_are_shared_by_whom_they_are_the_same_for(tmp_path: Path) -> None:
    engine, answers = taught(site(tmp_path), 5), Memory()

    def cached(recipients: list[str]) -> bool:
        (answer,) = [one for one in examine(engine, recipients, answers).answers if one.row.name == "bayes"]
        return answer.cached

    assert not cached([THERE])
    assert cached(["carl@example.com"]), "neither has learned anything"
    assert not cached([HERE])
    assert cached(["dora@example.org", THERE])
    assert bayes_of(examine(engine, [HERE], answers), HERE)["BAYES_DOMAIN"] > 0
