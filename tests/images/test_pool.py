"""The readers of images: what they find out, and what becomes of them when they are stopped, killed or overrun."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.images.answers import Reply, Task
from tamis.images.client import SocketReaders
from tamis.images.pool_process import PoolProcess
from tests.images.conftest import PATIENCE
from tests.images.drawn import FRENCH, PILLS, bomb, drawn, qr, saved

pytestmark = pytest.mark.slow


def ask(readers: SocketReaders, task: Task, data: bytes, seconds: float = PATIENCE) -> Reply:
    return readers.ask(task, data, time.monotonic() + seconds)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_looks(readers: SocketReaders) -> None:
    reply = ask(readers, Task.LOOK, saved(drawn()))
    assert reply.look is not None
    assert (reply.look.width, reply.look.height, len(reply.look.shape), reply.look.codes) == (480, 240, 32, ())
    assert reply == ask(readers, Task.LOOK, saved(drawn()))


def test_reads_english(readers: SocketReaders) -> None:
    text = ask(readers, Task.READ, saved(drawn())).text
    assert text is not None
    assert text.split() == " ".join(PILLS).split()


def test_reads_french(readers: SocketReaders) -> None:
    text = ask(readers, Task.READ, saved(drawn(FRENCH))).text
    assert text is not None
    assert text.split() == " ".join(FRENCH).split()


@pytest.mark.parametrize(("ink", "page"), [("white", "black"), ("#40c040", "#c04040"), ("yellow", "#3050a0")])
def test_reads_what_hides_in_colours(readers: SocketReaders, ink: str, page: str) -> None:
    text = ask(readers, Task.READ, saved(drawn(ink=ink, page=page))).text
    assert text is not None
    assert "pharmacy" in text


def test_codes(readers: SocketReaders) -> None:
    address = "https://win-a-prize.example/?a=é"
    for image in (qr(address), qr(address).rotate(33, fillcolor="white", expand=True)):
        reply = ask(readers, Task.LOOK, saved(image))
        assert reply.look is not None
        assert reply.look.codes == (address,)


def test_a_bomb_is_refused(readers: SocketReaders) -> None:
    data = bomb(20_000, 10_000)
    began = time.monotonic()
    assert "20,000 x 10,000 pixels" in ask(readers, Task.READ, data).refused
    assert time.monotonic() - began < 5.0


def test_a_reader_that_is_stopped_is_killed_and_replaced(pool: PoolProcess, readers: SocketReaders) -> None:
    assert pool.pid is not None
    before = children(pool.pid)
    for reader in before:
        os.kill(reader, signal.SIGSTOP)
    # One after the other: for a moment there are fewer.
    until(lambda: len(set(children(pool.pid or 0)) - set(before)) == len(before))
    assert ask(readers, Task.LOOK, saved(drawn())).look is not None


def test_a_reader_that_is_killed_is_replaced(pool: PoolProcess, readers: SocketReaders) -> None:
    assert pool.pid is not None
    for reader in children(pool.pid):
        os.kill(reader, signal.SIGKILL)
    until(lambda: ask(readers, Task.LOOK, saved(drawn())).look is not None)


def test_a_pool_that_is_stopped_costs_one_wait(pool: PoolProcess) -> None:
    """Nobody waits past the deadline, and the next message does not wait at all."""
    assert pool.pid is not None
    readers = SocketReaders(pool.path, 0.5)
    # The pool first, so that it makes no more of them.
    os.kill(pool.pid, signal.SIGSTOP)
    everyone = [pool.pid, *children(pool.pid)]
    for each in everyone:
        os.kill(each, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert ask(readers, Task.LOOK, saved(drawn())).failed == "the readers of images do not answer in time"
        waited = time.monotonic() - began
        assert ask(readers, Task.LOOK, saved(drawn())).failed == "the readers of images do not answer"
        assert time.monotonic() - began - waited < 0.5 < waited < 5.0
    finally:
        for each in everyone:
            os.kill(each, signal.SIGCONT)
    until(lambda: ask(readers, Task.LOOK, saved(drawn())).look is not None)


def test_more_images_than_readers(readers: SocketReaders) -> None:
    replies: list[Reply] = []
    data = [saved(drawn((f"number {number}",))) for number in range(12)]
    threads = [threading.Thread(target=lambda one=one: replies.append(ask(readers, Task.LOOK, one))) for one in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({reply.look.pixels for reply in replies if reply.look}) == 12


def test_no_time_left_is_no_question(readers: SocketReaders) -> None:
    assert ask(readers, Task.LOOK, saved(drawn()), 0.1).failed == "the time for images is used up"


def test_a_pool_that_died_is_started_again_and_leaves_nothing(tmp_path: Path) -> None:
    process = PoolProcess(tmp_path / "s", tmp_path / "files", 1, "tesseract", ("eng",))
    process.start()
    process.wait_until_ready(PATIENCE)
    assert process.ended() is None
    assert process.pid is not None
    readers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: process.ended() == signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{reader}").exists() for reader in readers))
    process.start()
    assert ask(SocketReaders(process.path, PATIENCE), Task.LOOK, saved(drawn())).look is not None
    process.stop()
    assert not (tmp_path / "s").exists()
    assert (
        SocketReaders(tmp_path / "s").ask(Task.LOOK, b"", time.monotonic() + 5).failed
        == "there are no readers of images"
    )


@pytest.mark.parametrize(
    ("program", "languages", "why"),
    [
        ("/nonexistent/tesseract", ("eng",), "tesseract is not installed"),
        ("tesseract", ("xyz",), "tesseract has none of the languages xyz"),
    ],
)
def test_without_tesseract_only_reading_fails(
    tmp_path: Path, program: str, languages: tuple[str, ...], why: str
) -> None:
    process = PoolProcess(tmp_path / "s", tmp_path / "files", 1, program, languages)
    process.start()
    try:
        readers = SocketReaders(process.path, PATIENCE)
        assert ask(readers, Task.LOOK, saved(drawn())).look is not None
        assert ask(readers, Task.READ, saved(drawn())).failed == why
    finally:
        process.stop()
