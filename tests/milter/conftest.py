"""A running daemon, real or around the small engine of `fake_daemon`, and a Postfix that asks it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix
from tamis.postfix.ports import free_ports
from tamis.postfix.served import service_user

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_daemon.py")


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    """Ask again and again until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Daemon:
    """A daemon in a folder of its own; `socket` is the unix socket it listens on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder.parent / "t.sock"
        self.config = folder / "tamis.toml"
        self.log_file = folder / "log"
        self.seen_file = folder / "seen"
        self.listen = [f"unix:{self.socket}"]
        self.process: subprocess.Popen[bytes] | None = None

    def write_config(self, daemon: str = "", rest: str = "") -> None:
        listen = json.dumps(self.listen)
        if "[dns]" not in rest:
            rest += '\n[dns]\nservers = ["127.0.0.1:1"]  # Nobody listens there.'
        self.config.write_text(
            f'[daemon]\nlisten = {listen}\nsocket_mode = "0666"\nworkers = 2\nuser = "{service_user()}"\n'
            f'state_directory = "{self.folder}/state"\nruntime_directory = "{self.folder}/run"\n{daemon}\n{rest}\n'
        )

    def command(self, real: bool = False) -> list[str]:
        how = ["-m", "tamis.cli", "serve", "-c"] if real else [str(FAKE)]
        return [sys.executable, *how, str(self.config)]

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "TAMIS_SEEN": str(self.seen_file), **more}

    def start(
        self, daemon: str = "", rest: str = '[redis]\nserver = "no-redis"', real: bool = False, **environment: str
    ) -> None:
        self.write_config(daemon, rest)
        self.seen_file.touch()
        self.seen_file.chmod(0o666)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(real),
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if not self.wait_log("msg=ready"):
            raise AssertionError(f"the daemon did not start:\n{self.log()}")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def children(self) -> dict[int, str]:
        """The daemon's children with their names."""
        pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        found = {}
        for pid in map(int, pids):
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
        return found

    def workers(self) -> list[int]:
        return [pid for pid, name in self.children().items() if name == "tamis-worker"]

    def keepers(self) -> list[int]:
        return [pid for pid, name in self.children().items() if name == "tamis-keeper"]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def wait_log(self, text: str, count: int = 1, seconds: float = 30.0) -> bool:
        def found() -> bool:
            return self.log().count(text) >= count or (self.process is not None and self.process.poll() is not None)

        return wait_until(found, seconds) and self.log().count(text) >= count

    def seen(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.seen_file.read_text().splitlines()]

    def forget(self) -> None:
        """Forget what was seen and logged so far."""
        os.truncate(self.seen_file, 0)
        os.truncate(self.log_file, 0)

    def stop(self) -> int:
        """Stop it in good order and return its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """The folder of all daemons: short, for unix sockets, and readable by Postfix's users."""
    path = Path(tempfile.mkdtemp(prefix="tm", dir="/tmp"))
    path.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(path, service_user())
    yield path
    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def daemon_in(folder: Path) -> Iterator[Daemon]:
    """A daemon not started yet, in a fresh folder; stopped in the end."""
    for name in ("run", "state"):
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(folder / name, service_user())
    one = Daemon(folder)
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def daemon(base: Path) -> Iterator[Daemon]:
    """A daemon of a test's own. Its socket has the same path in every test."""
    with daemon_in(base / "own") as one:
        yield one


@pytest.fixture(scope="module")
def shared(base: Path) -> Iterator[Daemon]:
    """A running daemon that the tests of a module share."""
    with daemon_in(base / "shared") as one:
        one.start()
        yield one


class Mta:
    """One Postfix for all tests, which asks the milter on the usual socket unless told otherwise."""

    def __init__(self, postfix: PrivatePostfix, milter: str) -> None:
        self.postfix = postfix
        self._usual = {"smtpd_milters": milter, "non_smtpd_milters": milter, "milter_content_timeout": "300s"}
        self._lines = self._usual

    def ask(self, milter: str = "", **settings: str) -> PrivatePostfix:
        """Return the Postfix, set up so, with an empty queue and an empty Maildir."""
        lines = {**self._usual, **settings}
        if milter:
            lines |= {"smtpd_milters": milter, "non_smtpd_milters": milter}
        if lines != self._lines:
            self._lines = lines
            self.postfix.run("postconf", "-e", *(f"{key} = {value}" for key, value in lines.items()))
            self.postfix.reload()
        self.postfix.wait_queue_empty()
        self.postfix.delivered.clear()
        return self.postfix


@pytest.fixture(scope="session")
def mta(base: Path) -> Iterator[Mta]:
    milter = f"unix:{base}/t.sock"
    try:
        with PrivatePostfix(milter) as postfix:
            yield Mta(postfix, milter)
    except PostfixUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ports() -> Callable[[int], list[int]]:
    return free_ports


@pytest.fixture
def until() -> Callable[..., bool]:
    return wait_until
