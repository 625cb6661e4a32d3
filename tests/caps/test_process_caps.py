"""Caps on memory and time of the programs that read for others, and on a foreign database."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tamis import directory_task, limits
from tamis.attachments.seen import SeenFiles
from tamis.attachments.wire import Request, packed
from tamis.config import Config
from tamis.images.answers import Reply, Task
from tamis.images.answers import Request as ImageRequest
from tamis.images.client import SocketReaders
from tamis.milter import examiner
from tamis.milter.core import real_core
from tamis.redis_client import RedisClient
from tamis.settings import Settings
from tamis.traits import marks

ROOT = Path(__file__).parents[2]


def python(code: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, cwd=ROOT, timeout=60, check=False
    )


@pytest.mark.slow
def test_memory_of_the_helper() -> None:
    code = """
import json, resource
from pathlib import Path
from tamis.attachments.helper_process import _bound
before = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
_bound()
print(json.dumps([before, resource.getrlimit(resource.RLIMIT_AS)[0]]))
"""
    before, most = json.loads(python(code).stdout)
    assert before < most <= before + limits.HELPER_BYTES + limits.MIB


@pytest.mark.slow
def test_memory_of_a_reader_of_images() -> None:
    code = """
import resource
from tamis.images.reader import Reader
Reader._bound(None)
print(resource.getrlimit(resource.RLIMIT_AS)[0])
"""
    assert int(python(code).stdout) == limits.IMAGE_MEMORY_BYTES


@pytest.mark.slow
def test_processor_time_of_the_helper() -> None:
    code = """
import tamis.attachments.helper_process as helper_process
def spin(_):
    while True: pass
helper_process._macros = spin
helper_process.main()
"""
    began = time.monotonic()
    done = python(code, packed(Request("macros", b"x")))
    assert done.returncode == -signal.SIGPROF
    assert time.monotonic() - began > limits.HELPER_CPU_SECONDS


def test_memory_of_automata(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    real = marks.re2.Set.SearchSet

    def made(options: Any) -> Any:
        given.append(options.max_mem)
        return real(options)

    monkeypatch.setattr(marks.re2.Set, "SearchSet", made)
    assert marks._compiled({"A": "a+", "B": "b+"}, 1)
    assert given == [limits.TRAIT_PATTERN_BYTES] * 2


def test_time_of_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def create(_url: object, connect_args: Mapping[str, Any], **_: object) -> None:
        given.update(connect_args)

    monkeypatch.setattr(directory_task, "create_engine", create)
    directory_task.open_directory("postgresql://ann@db.example/mail")
    assert f"statement_timeout={1000 * limits.DIRECTORY_QUERY_SECONDS:.0f}" in given["options"]


def test_files_of_one_message_in_the_statistics() -> None:
    kind = SimpleNamespace(value="other")
    files = [
        SimpleNamespace(
            digest=b"%032d" % number, size=1, kind=kind, name="x", executable_like=False, attached=True, label="x"
        )
        for number in range(limits.NOTED_FILES + 5)
    ]
    attachments = SimpleNamespace(files=files, known=files, sketches={}, sketches_made={})
    mail = SimpleNamespace(now=SimpleNamespace(timestamp=lambda: 1.0), recipients=["bob@example.org"])
    seen = SeenFiles(RedisClient())
    seen.note(SimpleNamespace(attachments=attachments, mail=mail, refusal=None, verdicts=[]))  # type: ignore[arg-type]
    assert len(seen._pending) == limits.NOTED_FILES


def test_time_of_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def exchange(_self: object, request: ImageRequest, _deadline: float) -> Reply:
        asked.append(request.seconds)
        return Reply()

    monkeypatch.setattr(SocketReaders, "_exchange", exchange)
    SocketReaders(Path("x")).ask(Task.LOOK, b"", time.monotonic() + 100)
    SocketReaders(Path("x"), limits.IMAGE_LEARN_SECONDS).ask(Task.LOOK, b"", time.monotonic() + 100)
    assert asked == pytest.approx([limits.IMAGE_SECONDS, limits.IMAGE_LEARN_SECONDS])


def test_time_to_hold_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOLD_SECONDS", 0.2)
    monkeypatch.setattr(examiner, "new_message", lambda *_: None)
    one = examiner.Examiner(real_core(), Config(Settings()), SimpleNamespace())  # type: ignore[arg-type]
    never: Future[None] = Future()
    one._holder = SimpleNamespace(hold=lambda _: never)  # type: ignore[assignment]
    decision = SimpleNamespace(disposition=SimpleNamespace(held=[1], parted=[]), mail=None)
    transaction = SimpleNamespace(parameters=(), recipients=[], incoming=lambda: None)
    with pytest.raises(examiner.Overdue):
        one.keep(decision, transaction, SimpleNamespace(mta=""), lambda: None)  # type: ignore[arg-type]
