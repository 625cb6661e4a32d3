"""A private PostgreSQL: a cluster of its own in a short folder, on loopback, gone without a trace."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg

from tamis.postfix.ports import free_ports

_START_SECONDS = 30.0
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 1 << 30


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found += [Path(path).parent for path in (shutil.which("initdb"),) if path]
    return max(found, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()], default=None)


class Cluster:
    """A running server, as a context manager; as root it runs as the user postgres, who alone may.

    Its time zone is not UTC, so that a time that is read in the wrong one is found. Nothing in it survives a
    power cut unless it is `durable`, which also has the memory that a server has by default and is on the disk.
    """

    def __init__(self, folder: Path, durable: bool = False, where: str = "") -> None:
        self._programs = folder
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self.port = free_ports(1)[0]
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir=where or _place(durable)))
        self._folder.chmod(0o711)
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)

    def __enter__(self) -> "Cluster":
        try:
            options = ("-A", "trust", "-U", "tamis", "-N", "--no-locale", "-E", "UTF8")
            self._spawn("initdb", "-D", str(self._data), *options).wait(_START_SECONDS)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def sockets(self) -> Path:
        """The folder of its unix socket."""
        return self._folder

    @property
    def log(self) -> str:
        """What it and its programs said."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), *arguments],
                cwd="/",
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )

    def start(self) -> None:
        """Start the server unless it runs, on the port it always had, and wait until it answers."""
        if self._process is not None:
            return
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "timezone": "America/New_York",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._process = self._spawn("postgres", "-D", str(self._data), *options)
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.run("SELECT 1")
                return
            except psycopg.OperationalError:
                time.sleep(0.02)
        raise AssertionError(f"PostgreSQL did not start:\n{self.log}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends every session, SIGQUIT is a crash."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_START_SECONDS)
            raise

    def kill(self) -> None:
        """SIGKILL the server and all of its sessions; `start` makes it recover."""
        assert self._process is not None
        process, self._process = self._process, None
        sessions = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.wait()
        for pid in sessions:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        # It does not start while one of them still has the shared memory.
        deadline = time.monotonic() + _START_SECONDS
        while any(map(_runs, sessions)) and time.monotonic() < deadline:
            time.sleep(0.01)

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the superuser, outside a transaction, and return its rows."""
        where = f"host=127.0.0.1 port={self.port} user=tamis dbname={database} connect_timeout=5"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """Make an empty database and return its url."""
        name = f"tamis{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://tamis@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected; nothing happens where the server does not run."""
        if self._process is not None:
            self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


def _place(durable: bool) -> str:
    """Where the files are: each database has 300, which a disk takes long to make and to remove."""
    in_memory = not durable and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return str(_MEMORY) if in_memory else "/tmp"


def _runs(pid: str) -> bool:
    """Whether a process has not ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
