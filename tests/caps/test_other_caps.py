"""Caps on what others may answer over a socket or as a program, and on what is looked at of many images."""

import lzma
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import create_engine, text

from tamis import limits
from tamis.attachments.budget import Budget
from tamis.attachments.unpack import Damaged, unxz
from tamis.config import parse
from tamis.directory import PolicyMaps
from tamis.directory_task import DirectoryTask
from tamis.doveadm import Doveadm, DoveadmFailed
from tamis.images.answers import Look, Reply, Task
from tamis.images.pictures import Pictures
from tamis.message import Message
from tamis.policy_store import BadPolicy, PolicyStore
from tamis.scanners import clamd, spamd
from tamis.scanners.endpoint import Endpoint, Unanswered, parse_endpoint
from tamis.scanners.scanners import Scans
from tamis.settings import DirectorySection
from tests.images.drawn import drawn, letter, saved


class Talker:
    """A server that answers everybody with so many octets."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                client.recv(1 << 20)
                client.sendall(self._octets)

    @property
    def endpoint(self) -> Endpoint:
        found = parse_endpoint(f"inet:{self._listener.getsockname()[1]}@127.0.0.1")
        assert found is not None
        return found

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def talkers() -> Iterator[list[Talker]]:
    made: list[Talker] = []
    yield made
    for one in made:
        one.close()


def test_answer_of_clamd(talkers: list[Talker]) -> None:
    talkers.append(Talker(b"x" * (limits.VIRUS_ANSWER_BYTES + 1)))
    with pytest.raises(Unanswered, match="more than an answer can have"):
        clamd._ask(talkers[0].endpoint, b"zPING\0", 10.0)


def test_answer_of_spamd(talkers: list[Talker]) -> None:
    talkers.append(Talker(b"x" * (limits.SPAMD_ANSWER_BYTES + 100)))
    with pytest.raises(Unanswered, match="more than an answer can have"):
        spamd.judge(talkers[0].endpoint, b"x" * 10, "", time.monotonic() + 10)


def test_wait_for_scanners() -> None:
    latest = time.monotonic() + limits.SCANNERS_SECONDS
    assert latest <= Scans()._deadline <= time.monotonic() + limits.SCANNERS_SECONDS


def test_wait_for_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def ask(_program: str, _table: str, _keys: list[str], seconds: float) -> dict[str, str]:
        given.append(seconds)
        return {}

    monkeypatch.setattr("tamis.directory.ask", ask)
    tables = DirectorySection(policy_maps=("texthash:/x", "texthash:/y"))
    assert PolicyMaps(tables, "postmap").policy_of("a.example") == ""
    assert len(given) == 2
    assert 0 < max(given) <= limits.DIRECTORY_ASK_SECONDS


def test_memory_for_xz() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2 * limits.XZ_MEMORY}]
    asks_for_too_much = lzma.compress(b"x", format=lzma.FORMAT_XZ, filters=filters)
    with pytest.raises(Damaged):
        unxz(asks_for_too_much, Budget())
    assert unxz(lzma.compress(b"x", preset=9), Budget()) == b"x"


def test_policy_of_an_owner(tmp_path: Path) -> None:
    store = PolicyStore(f"sqlite:///{tmp_path}/tamis.db")
    with pytest.raises(BadPolicy, match=str(limits.POLICY_CHARS)):
        store._change("a.example", lambda _: {"mode": "x" * limits.POLICY_CHARS}, "ann", "")


class Reading:
    """Readers that find images of one size, and count what they are asked to read."""

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self.read = 0

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        if task is Task.READ:
            self.read += 1
            return Reply(text="the text")
        return Reply(look=Look(*self.size, 1, bytes(16), bytes(32), ()))


def _letter(number: int) -> Message:
    return Message(letter(*(saved(drawn((f"{n}",), size=(100, 50 + n))) for n in range(number))))


def test_images_that_are_read() -> None:
    readers = Reading(100, 50)
    assert len(Pictures(_letter(limits.OCR_IMAGES + 2), readers).texts()) == limits.OCR_IMAGES
    assert readers.read == limits.OCR_IMAGES


@pytest.mark.parametrize(("side", "seen"), [(limits.IMAGE_LEAST_SIDE, 1), (limits.IMAGE_LEAST_SIDE - 1, 0)])
def test_small_images(side: int, seen: int) -> None:
    assert len(Pictures(_letter(1), Reading(500, side)).looks()) == seen


def test_wait_for_doveadm(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def run(*_: object, timeout: float, **__: object) -> NoReturn:
        given.append(timeout)
        raise subprocess.TimeoutExpired("doveadm", timeout)

    monkeypatch.setattr("tamis.doveadm.subprocess.run", run)
    with pytest.raises(DoveadmFailed, match="in time"):
        Doveadm(("doveadm",))._run("user")
    assert given == [limits.DOVEADM_SECONDS]


def test_rows_of_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECTORY_ROWS", 3)
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE hosted (domain TEXT)"))
        for number in range(3):
            connection.execute(text("INSERT INTO hosted VALUES (:name)"), {"name": f"{number}.example"})
    query = 'domains_query = "SELECT domain FROM hosted"'
    config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[directory]\nurl = "{url}"\n{query}\n', "x")
    DirectoryTask(config).run()
    with create_engine(url).begin() as connection:
        connection.execute(text("INSERT INTO hosted VALUES ('3.example')"))
    with pytest.raises(Exception, match="more than 3 rows"):
        DirectoryTask(config).run()
