"""The helper: macros, and what becomes of files that break it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis import limits
from tamis.answers import Answers
from tamis.attachments import Attachments
from tamis.attachments.files import Macros
from tamis.attachments.helper import Helper, NoAnswer
from tamis.attachments.kinds import Kind
from tamis.attachments.wire import Found, Request, packed
from tamis.redis_client import RedisClient
from tests.attachments.making import macros, message, office
from tests.redis_server import Server

pytestmark = pytest.mark.slow

DROPPER = 'Sub AutoOpen()\r\nSet s = CreateObject("WScript.Shell")\r\ns.Run "cmd.exe"\r\nEnd Sub'
HARMLESS = "Sub Add()\r\nx = 1 + 1\r\nEnd Sub"


@pytest.fixture(scope="module")
def helper() -> Iterator[Helper]:
    helper = Helper()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "HELPER_SECONDS", 60.0)  # However busy the machine is.
        yield helper
    helper.close()


def soon() -> float:
    return time.monotonic() + 60


@pytest.mark.parametrize(
    ("name", "form"), [("a.docm", lambda vba: office({"word/vbaProject.bin": vba})), ("a.doc", bytes)]
)
def test_macros_of_documents(name: str, form: type[bytes], helper: Helper) -> None:
    file = Attachments(message((name, form(macros(DROPPER)))), helper).files[1]
    assert file.kind in (Kind.OOXML_MACROS, Kind.OLE_MACROS)
    assert file.macros is not None
    assert file.macros.autoexec == ("AutoOpen",)
    assert {"CreateObject", "WScript.Shell"} <= set(file.macros.suspicious)
    assert file.executable_like


def test_macros_that_do_nothing(helper: Helper) -> None:
    file = Attachments(message(("a.doc", macros(HARMLESS))), helper).files[1]
    assert (file.macros, file.executable_like) == (Macros(), False)


def test_without_a_helper_macros_are_said_not_to_be_read() -> None:
    looked = Attachments(message(("a.doc", macros(DROPPER))))
    assert looked.files[1].macros == Macros()
    assert looked.found.macros_unread == ["the macros of the file 'a.doc' are not read: nothing here reads it"]


@pytest.mark.servers
def test_macros_are_remembered_by_the_hash_of_the_document(helper: Helper, server: Server) -> None:
    remembered = Answers(RedisClient(server.url, 2.0))
    first = Attachments(message(("a.doc", macros(DROPPER))), helper, remembered).files[1]
    again = Attachments(message(("b.doc", macros(DROPPER))), None, remembered).files[1]
    assert again.macros == first.macros != Macros()


def test_a_helper_that_dies_costs_one_file(helper: Helper) -> None:
    assert helper.ask(Request("macros", macros(DROPPER)), soon()).macros
    process = helper._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert helper.ask(Request("macros", macros(DROPPER)), soon()).macros


def test_a_helper_that_hangs_is_killed(helper: Helper) -> None:
    helper.ask(Request("macros", macros(HARMLESS)), soon())
    process = helper._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(NoAnswer, match="does not answer in time"):
        helper.ask(Request("macros", macros(HARMLESS)), time.monotonic() + 0.2)
    assert process.poll() == -signal.SIGKILL
    assert helper.ask(Request("macros", macros(DROPPER)), soon()).macros


def test_who_waits_too_long_for_a_turn_goes_without(helper: Helper) -> None:
    with helper._turn:
        failed: list[str] = []

        def ask() -> None:
            try:
                helper.ask(Request("macros", b""), time.monotonic() + 0.05)
            except NoAnswer as reason:
                failed.append(str(reason))

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert failed == ["the helper is busy with other files"]


def test_it_ends_with_its_worker(tmp_path: Path) -> None:
    """However the worker ends: here without a word."""
    code = (
        "import os, time; from tamis.attachments.helper import Helper; from tamis.attachments.wire import Request\n"
        "helper = Helper(); helper.ask(Request('macros', b'x'), time.monotonic() + 20)\n"
        "print(helper._process.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    process = Path(f"/proc/{int(run.stdout)}")
    deadline = time.monotonic() + 10
    while process.exists() and "(zombie)" not in (process / "status").read_text("ascii"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nonsense_is_no_macro(helper: Helper) -> None:
    found = helper.ask(Request("macros", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)), soon())
    assert (found.macros, bool(found.error)) == (False, True)
    found = helper.ask(Request("archive", b"7z\xbc\xaf\x27\x1c" + b"\xff" * 100, 1000, 10), soon())
    assert (found.members, bool(found.error)) == ([], True)


def test_the_process_is_bounded_in_memory_and_time(tmp_path: Path) -> None:
    """What the bounds do, asked of the process itself."""
    code = (
        "import sys; from tamis.attachments import helper_process as h; import signal\n"
        "import libarchive; from oletools import olevba\n"
        "h._bound()\n"
        "try: x = bytes(300 << 20)\n"
        "except MemoryError: print('no memory', flush=True)\n"
        "try: open(sys.argv[1], 'wb', 0).write(b'x')\n"
        "except OSError: print('no file', flush=True)\n"
        "signal.setitimer(signal.ITIMER_PROF, 0.1)\n"
        "while True: pass\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], capture_output=True, text=True, timeout=30)
    assert run.stdout.splitlines() == ["no memory", "no file"]
    assert run.returncode == -signal.SIGPROF


def test_an_answer_is_bounded() -> None:
    assert len(packed(Found(error="x" * 200))) < 300
