"""Reading mail on all cores, and going on after a kill."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tamis.models import extraction
from tamis.models.bayes import Model
from tamis.models.corpus import CorpusError, Entry, entries_of
from tamis.models.extraction import Extracted, extracted
from tamis.models.merging import merge
from tamis.models.training import Source


def extract(source: Source, entry: Entry) -> Extracted:
    return Extracted(entry.read()[:16], not entry.spam, b"\0\0\0\1", (source.name,))


@pytest.fixture
def sources(index: Path, monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    monkeypatch.setattr(extraction, "_PIECE", 7)
    return [Source("one", entries_of(index)), Source("two", entries_of(index)[:10])]


@pytest.mark.parametrize("processes", [1, 3, 50])
@pytest.mark.slow
def test_any_number_of_processes_gives_the_same(sources: list[Source], tmp_path: Path, processes: int) -> None:
    alone = list(extracted(sources, extract))
    assert len(alone) == 90
    assert list(extracted(sources, extract, tmp_path / "parts", processes)) == alone


def test_what_was_read_is_not_read_again(sources: list[Source], tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    whole = list(extracted(sources, extract, parts, 2))
    pieces = sorted(parts.glob("0*"))
    assert len(pieces) == 14
    for gone in pieces[4:6]:
        gone.unlink()
    before = {piece: piece.stat().st_mtime_ns for piece in pieces[:4] + pieces[6:]}
    assert list(extracted(sources, extract, parts, 2)) == whole
    assert {piece: piece.stat().st_mtime_ns for piece in before} == before
    assert [message for *_, message in extracted(sources[:1], extract, parts, 2)] == [one for *_, one in whole[:80]]
    assert len(list(parts.glob("0*"))) == 12, "another job begins anew"
    list(extracted(sources[:1], extract, parts, 2, "another question"))
    assert not before.items() & {piece: piece.stat().st_mtime_ns for piece in parts.glob("0*")}.items()


def test_what_cannot_be_read_is_said(sources: list[Source], index: Path, tmp_path: Path) -> None:
    (index.parent / "mail" / "40").unlink()
    with pytest.raises(CorpusError, match="mail/40: No such file"):
        list(extracted(sources, extract, tmp_path / "parts", 2))
    assert list((tmp_path / "parts").glob("0*")), "what was read stays"


def test_a_process_that_dies_is_noticed(sources: list[Source], tmp_path: Path) -> None:
    def die(source: Source, entry: Entry) -> Extracted:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    with pytest.raises(CorpusError, match="a process that reads mail died"):
        list(extracted(sources, die, tmp_path / "parts", 2))


TRAIN = (
    "import sys\nfrom tamis.models import extraction\nextraction._PIECE = 10\nfrom tamis.cli import main\n"
    "sys.exit(main(['train', sys.argv[1], '--start', 'none', '--jobs', sys.argv[3], '-o', sys.argv[2]]))\n"
)


def _held(fifo: Path, deadline: float) -> int:
    """Wait until somebody reads a FIFO, and return what keeps it waiting."""
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on(index: Path, tmp_path: Path) -> None:
    """With the same model in the end."""
    output, parts = tmp_path / "model.bin", tmp_path / "model.bin.parts"

    def train(model: Path, jobs: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", TRAIN, str(index), str(model), str(jobs)])

    stuck = index.parent / "mail" / "55"
    content = stuck.read_bytes()
    stuck.unlink()
    os.mkfifo(stuck)
    process = train(output, 1)
    deadline = time.monotonic() + 60
    while len(list(parts.glob("0*"))) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    held = _held(stuck, deadline)
    process.kill()
    process.wait()
    os.close(held)  # Whoever reads it goes on, and finds its parent dead.
    stuck.unlink()
    stuck.write_bytes(content)
    assert not output.exists()
    assert train(output, 2).wait(60) == 0
    assert not parts.exists()
    whole = tmp_path / "whole.bin"
    assert train(whole, 1).wait(60) == 0
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_models_of_several_machines_add_up(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tamis.cli import main

    lines = index.read_text().splitlines(keepends=True)
    parts = []
    for number in range(2):
        half = tmp_path / f"half{number}.tsv"
        half.write_text("".join(lines[number * 40 : number * 40 + 40]))
        parts.append(str(tmp_path / f"half{number}.bin"))
        assert main(["train", str(half), "--start", "none", "-o", parts[-1]]) == 0
    whole, merged, started = (str(tmp_path / name) for name in ("whole.bin", "merged.bin", "started.bin"))
    assert main(["train", str(index), "--start", "none", "-o", whole]) == 0
    assert main(["train", "--merge", *reversed(parts), "--start", "none", "-o", merged]) == 0
    one, other = Model.load(whole), Model.load(merged)
    assert (one.counts == other.counts).all()
    assert one.messages.tolist() == other.messages.tolist()
    assert set(other.weights) == set(one.weights)
    assert main(["train", "--merge", *parts, "-o", started]) == 0
    capsys.readouterr()
    for bad, why in (
        (["--merge", started, "--start", "none"], "would count twice"),
        (["--merge"], "no models to add up"),
        (["--merge", str(index)], "not a model"),
        (["--merge", parts[0], "--spam", whole], "leave out mail"),
    ):
        assert main(["train", *bad, "-o", merged]) == 2
        assert why in capsys.readouterr().err


def test_the_scale_of_several_models_is_the_most_cautious() -> None:
    one, other, start = Model(middle=0.5), Model(middle=0.6), Model(middle=0.9)
    assert merge([("one", one), ("other", other)], None).middle == 0.6
    assert merge([("one", one), ("other", other)], start).middle == 0.9
    assert merge([("one", Model(middle=1.2))], start).middle == 1.2
