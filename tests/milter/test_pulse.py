"""libmilter's threads: many connections at once, and those that it forgets."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tamis.milter import pulse
from tamis.milter.activity import Activity
from tamis.milter.protocol import Line
from tamis.milter.pulse import Pulse
from tests.milter.conftest import wait_until

ROOT = Path(__file__).parents[2]
TOGETHER = 40


@pytest.mark.slow
def test_of_many_connections_at_once_none_waits_for_another_to_be_decided() -> None:
    script = [sys.executable, "-m", "tests.milter.pulsing_milter", str(TOGETHER + 1)]
    with subprocess.Popen(script, cwd=ROOT, stdout=subprocess.PIPE, text=True) as milter:
        assert milter.stdout is not None
        port = int(milter.stdout.readline())
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(TOGETHER)]
        for client in clients:
            client.sendall(struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0) + struct.pack("!Ic", 1, b"E"))
        assert milter.stdout.readline() == "together\n"
        for client in clients:
            client.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """Where libmilter listens, without libmilter."""
    made = object.__new__(Line)
    with socket.create_server(("127.0.0.1", 0)) as first:
        made.address, made._number = first.getsockname(), os.dup(first.fileno())
    made._unused, made._place, made._thread = tmp_path / "unused", None, None
    yield made
    os.close(made._number)


def accepted(listening: socket.socket, said: bytes) -> tuple[socket.socket, socket.socket]:
    client = socket.create_connection(listening.getsockname())
    client.sendall(said)
    return listening.accept()[0], client


def test_what_we_have_just_said_ourselves_is_not_taken_for_the_mta(line: Line) -> None:
    with socket.socket(fileno=os.dup(line._number)) as before, socket.create_server(("127.0.0.1", 0)) as listening:
        ours = accepted(before, b"said")
        line.listen_at(listening)
        theirs = accepted(listening, b"of the MTA")
        assert wait_until(lambda: list(line.waiting()) == [os.fstat(theirs[0].fileno()).st_ino])
        for one in (*ours, *theirs):
            one.close()
    assert line.waiting() == {}


def test_a_connection_is_not_taken_for_the_one_that_had_its_descriptor(line: Line) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line.listen_at(listening)
        seen, descriptors = [], set()
        for _ in range(3):
            one, client = accepted(listening, b"QUIT")
            descriptors.add(one.fileno())
            seen += line.waiting()
            one.close()
            client.close()
    assert (len(descriptors), len(set(seen))) == (1, 3)


class Libmilter:
    """What accepts sessions and answers them, as long as `answers`."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answers = True
        self.unread: Mapping[int, int] = {}
        self.late = ""
        self.busy = 0
        self.said: Counter[bytes] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(one,), daemon=True).start()

    def _answer(self, one: socket.socket) -> None:
        with one, suppress(ConnectionError):
            while said := one.recv(64):
                self.said[said[4:5]] += 1
                if self.answers:
                    one.sendall(said[:5])

    def pulse(self) -> Pulse:
        return Pulse(
            self.listener.family,
            self.listener.getsockname(),
            lambda: self.unread,
            lambda _: self.busy,
            lambda: self.late,
        )


@pytest.fixture
def libmilter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Libmilter]:
    monkeypatch.setattr(pulse, "_LOOK_SECONDS", 0.02)
    made = Libmilter()
    yield made
    made.listener.close()


@pytest.mark.slow
def test_no_answer_at_all_is_the_end(libmilter: Libmilter) -> None:
    beating = libmilter.pulse()
    libmilter.answers = False
    assert beating.run() == "libmilter has no thread to answer with"


@pytest.mark.slow
def test_what_lies_unread_while_others_are_answered_is_forgotten(libmilter: Libmilter) -> None:
    libmilter.unread = {7: 13}
    assert libmilter.pulse().run() == "libmilter has forgotten a connection"


@pytest.mark.slow
def test_what_is_read_slowly_is_not_forgotten(libmilter: Libmilter) -> None:
    left = list(range(100, 0, -1))

    def unread() -> Mapping[int, int]:
        if len(left) == 50:
            libmilter.late = "enough"
        return {7: left.pop()}

    beating = libmilter.pulse()
    beating._unread = unread
    assert beating.run() == "enough"


@pytest.mark.slow
def test_what_lies_unread_since_its_callback_waits_for_a_disk_is_not_forgotten(libmilter: Libmilter) -> None:
    looks = 0

    def unread() -> Mapping[int, int]:
        nonlocal looks
        looks += 1
        if looks == 40:
            libmilter.late = "enough"
        return {7: 65_536}

    libmilter.busy = 1
    beating = libmilter.pulse()
    beating._unread = unread
    assert beating.run() == "enough"


def test_callbacks_under_way() -> None:
    activity = Activity()
    assert (activity.longest, activity.busy_for(0)) == (0, 0)
    with activity.busy():
        time.sleep(0.02)
        assert activity.longest >= 0.02
        assert (activity.busy_for(0.01), activity.busy_for(60)) == (1, 0)
    assert activity.busy_for(0) == 0


def test_what_takes_too_long_is_the_end(libmilter: Libmilter) -> None:
    libmilter.late = "a message takes too long"
    assert libmilter.pulse().run() == "a message takes too long"


def test_one_that_waits_alone_is_no_reason_to_say_anything(libmilter: Libmilter) -> None:
    beating = libmilter.pulse()
    with beating.blocked():
        assert not beating._wanted.is_set()
        with beating.blocked():
            assert beating._wanted.is_set()


@pytest.mark.slow
def test_lack_of_memory_is_the_end(libmilter: Libmilter) -> None:
    def no_memory() -> Mapping[int, int]:
        raise MemoryError

    beating = libmilter.pulse()
    beating._unread = no_memory
    assert "no memory" in beating.run()
