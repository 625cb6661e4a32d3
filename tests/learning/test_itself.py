"""Learning without anybody: where independent sources agree, from a worker's file to the journal."""

from dataclasses import replace
from pathlib import Path

import pytest

from tamis.config import parse
from tamis.contract import Hit
from tamis.engine import worker_engine
from tamis.filters.order import BY_NAME
from tamis.learning import itself
from tamis.learning.itself import Itself, ItselfTask, label_of
from tamis.learning.journal import Journal
from tamis.learning.tasks import tasks
from tamis.learning.teaching import Source, lesson
from tamis.record import Answer, Record, Verdict
from tamis.testing import mail
from tests.learning.mail import raw

DECIDES, SCORES = (Hit("X", "listed", True),), (Hit("X", "a little"),)
RCPT = "bob@example.org"
HAM = Verdict(RCPT, spam=False, action="deliver", mode="quarantine", level=7.5, score=0, tests=())
EARNED = replace(HAM, row=BY_NAME["auto-whitelisted-sender"], let_through="Auto Whitelisted EMail Address")
OTHERS_WORD = replace(HAM, row=BY_NAME["whitelisted-ip"], let_through="Whitelisted Peer IP")


def record(verdicts: list[Verdict] | None = None, **hits: tuple[Hit, ...] | str) -> Record:
    """What rows answered, hits or why they abstained."""
    answers = []
    for name, said in hits.items():
        row = BY_NAME[name.replace("_", "-")]
        answers.append(Answer(row, abstained=said) if isinstance(said, str) else Answer(row, said))
    return Record(mail(raw(1).decode(), recipients=[RCPT]), answers, [HAM] if verdicts is None else verdicts)


@pytest.mark.parametrize(
    ("one", "label"),
    [
        (record(maps_rbl=DECIDES, surbl=DECIDES), True),
        (record(maps_rbl=DECIDES, spamassassin=DECIDES, surbl=()), True),
        (record(maps_rbl=DECIDES), None),
        (record(maps_rbl=DECIDES, surbl=SCORES), None),
        (record(maps_rbl=DECIDES, bayes=DECIDES, keywords=DECIDES), None),
        (record([OTHERS_WORD], maps_rbl=DECIDES, surbl=DECIDES), None),
        (record([EARNED], maps_rbl=(), surbl=()), False),
        (record([EARNED], maps_rbl=SCORES), None),
        (record([EARNED], maps_rbl="no list answered"), None),
        (record([EARNED]), None),
        (record([EARNED, HAM], maps_rbl=()), None),
        (record([OTHERS_WORD], maps_rbl=()), None),
        (record([], maps_rbl=()), None),
        (record(), None),
    ],
)
def test_only_where_two_others_agree(one: Record, label: bool | None) -> None:
    assert label_of(one) is label


def test_from_the_worker_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, journal = tmp_path / "itself", Journal(f"sqlite:///{tmp_path}/tamis.db")
    task = ItselfTask(folder, journal)
    task.run()
    worker = Itself(folder)
    worker.note(record(maps_rbl=DECIDES))
    assert not folder.exists()
    worker.note(record(maps_rbl=DECIDES, surbl=DECIDES))
    worker.note(record(maps_rbl=DECIDES, surbl=DECIDES))
    assert len(list(folder.iterdir())) == 1, "no more than one in ten seconds"
    (folder / "bad.lesson").write_bytes(b"nonsense")
    (folder / "unfinished").write_bytes(b"")
    task.run()
    assert [path.name for path in folder.iterdir()] == ["unfinished"]
    with journal.reading() as reading:
        assert reading is not None
        (entry,) = reading.entries()
    assert (entry.by, entry.source, entry.spam) == ("itself", Source.SELF, True)
    assert entry.digest == lesson(raw(1), True).digest
    worker = Itself(folder)
    worker.note(record(maps_rbl=DECIDES, surbl=DECIDES))
    task.run()
    assert journal.taught()[0].spam == 1, "the same again is nothing"


@pytest.mark.parametrize(("setting", "wanted"), [("", False), ("itself = true", True)])
def test_a_site_has_to_ask_for_it(tmp_path: Path, setting: str, wanted: bool) -> None:
    config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[learning]\n{setting}\n', "x")
    assert ("itself" in {task.name for task in tasks(config)}) is wanted
    engine = worker_engine(config, "")
    engine._follow(record(maps_rbl=DECIDES, surbl=DECIDES), engine.snapshot)
    assert itself.folder_of(config).exists() is wanted
