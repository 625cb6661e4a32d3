"""A real clamd with signatures of its own, a real spamd with rules of its own, and a server that lies: for tests."""

import contextlib
import hashlib
import io
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from tamis.postfix.ports import free_ports
from tamis.scanners import clamd, spamd
from tamis.scanners.endpoint import Unanswered, parse_endpoint

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two halves, so that no scanner takes this file for what it only describes."""
EICAR_SIGNATURE = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test"
_START_SECONDS = 20.0


def signature(name: str, text: bytes) -> str:
    """A line of a .ndb database: these octets anywhere."""
    return f"{name}:0:*:{text.hex()}"


class _Server(ABC):
    """A process in a folder of its own. A context manager."""

    program = ""

    def __init__(self) -> None:
        self.folder = Path()
        self.process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    @classmethod
    def installed(cls) -> bool:
        return shutil.which(cls.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None

    def __enter__(self):  # type: ignore[no-untyped-def]
        self.folder = Path(tempfile.mkdtemp(prefix="scan-", dir="/tmp"))
        self.folder.chmod(0o755)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            # Asked, it waits for its children; killed, it leaves them to whoever there is.
            self.resume()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @abstractmethod
    def prepare(self) -> None:
        """Write what it reads when it starts."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return what starts it."""

    @abstractmethod
    def answers(self) -> None:
        """Raise `Unanswered` where it does not."""

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                self.command(),
                env={**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self.answers()
            except Unanswered:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "out").read_text("utf-8", "replace")[-2000:]) from None
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        """Send a signal to it and to all its children."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def hang(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.process = None


class Clamd(_Server):
    """`signatures` are lines of a .ndb database; the test file of EICAR is known by its hash besides.

    `number` is that of its official database, which VERSION tells; 0 is none.
    """

    program = "clamd"

    def __init__(self, *signatures: str, number: int = 0, tcp: bool = False, settings: str = "") -> None:
        super().__init__()
        self._signatures = list(signatures)
        self._number = number
        self._port = free_ports(1)[0] if tcp else 0
        self._settings = settings

    def prepare(self) -> None:
        for name in ("db", "tmp"):
            (self.folder / name).mkdir()
        self.endpoint = f"inet:{self._port}@127.0.0.1" if self._port else f"unix:{self.folder}/s"
        listen = f"TCPAddr 127.0.0.1\nTCPSocket {self._port}" if self._port else f"LocalSocket {self.folder}/s"
        (self.folder / "clamd.conf").write_text(
            f"DatabaseDirectory {self.folder}/db\n{listen}\nTemporaryDirectory {self.folder}/tmp\nForeground yes\n"
            f"ConcurrentDatabaseReload yes\n{self._settings}\n"
        )
        self._write()
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "tmp"):
                shutil.chown(path, "clamav")

    def _write(self) -> None:
        (self.folder / "db" / "test.hdb").write_text(EICAR_SIGNATURE + "\n")
        (self.folder / "db" / "test.ndb").write_text("".join(f"{line}\n" for line in self._signatures))
        if not self._signatures:
            (self.folder / "db" / "test.ndb").unlink()
        if self._number:
            (self.folder / "db" / "daily.cud").write_bytes(_official(self._number))

    def command(self) -> Sequence[str]:
        return ["clamd", "-c", f"{self.folder}/clamd.conf"]

    def answers(self) -> None:
        self.version()

    def version(self) -> str:
        endpoint = parse_endpoint(self.endpoint)
        assert endpoint is not None
        return clamd.version(endpoint)

    def learn(self, *signatures: str) -> None:
        """Add signatures, count the database up, and have it reloaded."""
        self._signatures += signatures
        self._number += bool(self._number)
        self._write()
        before = self._reloads()
        endpoint = parse_endpoint(self.endpoint)
        assert endpoint is not None
        with socket.socket(endpoint.family, socket.SOCK_STREAM) as asked:
            asked.settimeout(5)
            asked.connect(endpoint.address)
            asked.sendall(b"zRELOAD\0")
            asked.recv(100)
        deadline = time.monotonic() + _START_SECONDS
        while self._reloads() == before:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _reloads(self) -> int:
        return (self.folder / "out").read_text("utf-8", "replace").count("Database correctly reloaded")


def _official(number: int) -> bytes:
    """A database of the form that ClamAV's own has, unsigned: it is what VERSION tells the number of."""
    head = f"ClamAV-VDB:25 Nov 2026 10-00 +0000:{number}:1:60:X:X:test:{1795600000 + number}"
    hashes = f"{number:032x}:77:Test.Number-{number}\n".encode()
    info = f"{head}\ndaily.hdb:{len(hashes)}:{hashlib.sha256(hashes).hexdigest()}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, octets in (("COPYING", b"x\n"), ("daily.info", info), ("daily.hdb", hashes)):
            member = tarfile.TarInfo(name)
            member.size = len(octets)
            archive.addfile(member, io.BytesIO(octets))
    return head.ljust(512).encode() + packed.getvalue()


class Spamd(_Server):
    """spamd without network and without Bayes. `rules` are further lines of local.cf."""

    program = "spamd"

    def __init__(self, rules: str = "", scores: bool = True) -> None:
        super().__init__()
        self._rules = rules
        self._scores = scores
        self._port = free_ports(1)[0]

    def prepare(self) -> None:
        site = self.folder / "site"
        site.mkdir()
        for path in Path("/etc/spamassassin").glob("*.pre"):
            shutil.copy(path, site)
        local = "use_bayes 0\ndns_available no\nskip_rbl_checks 1\nreport_safe 0\n"
        local += "add_header all Tests _TESTSSCORES(,)_\n" if self._scores else ""
        (site / "local.cf").write_text(local + self._rules)
        self.endpoint = f"inet:{self._port}@127.0.0.1"
        (self.folder / "home").mkdir()
        (self.folder / "log").touch()
        if os.geteuid() == 0:
            for name in ("home", "log"):
                os.chown(self.folder / name, pwd.getpwnam("nobody").pw_uid, -1)

    def command(self) -> Sequence[str]:
        where = f"-i 127.0.0.1 -p {self._port} -A 127.0.0.1 -m 2 --min-children=1 -H {self.folder}/home"
        files = f"-r {self.folder}/pid -s {self.folder}/log --siteconfigpath={self.folder}/site"
        user = "-u nobody" if os.geteuid() == 0 else ""
        return ["spamd", "-L", "-x", *f"{where} {files} --configpath=/usr/share/spamassassin {user}".split()]

    def answers(self) -> None:
        endpoint = parse_endpoint(self.endpoint)
        assert endpoint is not None
        spamd.ping(endpoint)

    def log_text(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")


class Liar:
    """A server on loopback that says what it is told, whatever it is asked. A context manager.

    `say` is called in a thread with each connection; it is closed when it returns.
    """

    def __init__(self, say: Callable[[socket.socket], object]) -> None:
        self._say = say
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"inet:{self._listener.getsockname()[1]}@127.0.0.1"
        self.connections = 0

    def __enter__(self) -> "Liar":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._say(connection)
