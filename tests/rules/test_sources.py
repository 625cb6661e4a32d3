"""From rule files to the rules of workers: a change acts, a mistake is said once and changes nothing."""

import logging
import os
from pathlib import Path

import pytest

from tamis.config import Config, parse
from tamis.engine import worker_engine
from tamis.mail import Mail
from tamis.message import Message
from tamis.rules import sources
from tamis.rules.sources import KeptRules, KeptRulesError, RuleFiles, kept_path, preload
from tamis.rules.task import RulesTask

PILLS = '[rule.pills]\ndescription = "x"\npatterns = ["viagra"]\ndecides = true\n'
CHEAP = '[rule.cheap]\ndescription = "x"\npatterns = ["cheap"]\ndecides = true\n'
BROKEN = PILLS.replace("viagra", "viagra(")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "rules.d").mkdir()
    return parse(
        f'[daemon]\nstate_directory = "{tmp_path}"\n[rules]\nshipped = false\nfiles = ["{tmp_path}/rules.d"]\n', "x"
    )


def write(config: Config, text: str, name: str = "a.toml") -> Path:
    path = Path(config.settings.rules.files[0]) / name
    path.write_text(text)
    return path


def names(config: Config) -> list[str]:
    rules = KeptRules(config).fresh()
    assert rules is not None
    return sorted(rules.rules)


def test_a_changed_file_is_in_force(config: Config) -> None:
    task = RulesTask(config)
    task.run()
    assert names(config) == []
    write(config, PILLS)
    task.run()
    assert names(config) == ["pills"]
    write(config, CHEAP, "b.toml")
    task.run()
    assert names(config) == ["cheap", "pills"]
    os.unlink(write(config, PILLS))
    task.run()
    assert names(config) == ["cheap"]


def test_nothing_is_written_while_nothing_changes(config: Config) -> None:
    task = RulesTask(config)
    task.run()
    before = kept_path(config).stat().st_ino
    task.run()
    assert kept_path(config).stat().st_ino == before


def test_a_mistake_is_said_once_and_the_last_good_rules_stay(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    task = RulesTask(config)
    path = write(config, PILLS)
    task.run()
    write(config, BROKEN)
    for _ in range(3):
        task.run()
    (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert said == (
        f"a mistake in the rules, the last good rules stay: {path}:3:20: rule.pills.patterns[0]: a ( is never closed"
    )
    assert names(config) == ["pills"]
    # Another daemon finds it so, too.
    RulesTask(config).run()
    assert names(config) == ["pills"]
    write(config, CHEAP)
    task.run()
    assert names(config) == ["cheap"]


def test_without_good_rules_before_the_other_files_are_taken(config: Config) -> None:
    write(config, BROKEN)
    write(config, CHEAP, "b.toml")
    RulesTask(config).run()
    assert names(config) == ["cheap"]


def test_workers_take_up_what_the_keeper_wrote(config: Config) -> None:
    task = RulesTask(config)
    task.run()
    engine = worker_engine(config, "")
    mail = Mail(Message(b"From: a@b.example\nSubject: x\n\ncheap viagra"), recipients=["a@example.org"])

    def hit() -> list[str]:
        (verdict,) = engine.examine(mail).verdicts
        return [name for name, _ in verdict.tests if name.startswith("RULE_")]

    assert hit() == []
    write(config, PILLS)
    task.run()
    engine.refresh()
    assert hit() == ["RULE_PILLS"]
    write(config, BROKEN)
    task.run()
    engine.refresh()
    assert hit() == ["RULE_PILLS"]


def test_before_the_keeper_has_written_anything(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    write(config, BROKEN)
    write(config, CHEAP, "b.toml")
    kept = KeptRules(config)
    rules = kept.fresh()
    assert rules is not None
    assert [*rules.rules] == ["cheap"]
    assert kept.fresh() is None
    assert not caplog.records
    RulesTask(config).run()
    assert kept.fresh() is not None


def test_a_damaged_file_of_the_keeper_changes_nothing(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    write(config, PILLS)
    RulesTask(config).run()
    kept = KeptRules(config)
    assert kept.fresh() is not None
    assert kept.fresh() is None
    kept_path(config).write_bytes(b"{}")
    for _ in range(2):
        with pytest.raises(KeptRulesError):
            kept.fresh()
    engine = worker_engine(config, "")
    engine.refresh()
    assert len([record for record in caplog.records if "rules not read" in record.getMessage()]) == 1


def test_workers_share_what_was_compiled_before_the_fork(config: Config) -> None:
    write(config, PILLS)
    preload(config)
    RulesTask(config).run()
    assert KeptRules(config).fresh() is next(iter(sources.PRELOADED.values()))


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = parse(
        f'[daemon]\nstate_directory = "{tmp_path}"\n[rules]\nshipped = false\nfiles = ["{tmp_path}/none.toml"]\n', "x"
    )
    RulesTask(config).run()
    assert "none.toml: No such file or directory" in caplog.text
    assert names(config) == []


@pytest.mark.slow
def test_the_shipped_rules_stand_below_those_of_the_site(tmp_path: Path) -> None:
    config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")
    shipped = RuleFiles(config).fresh()
    assert shipped is not None
    assert len(shipped) > 0
