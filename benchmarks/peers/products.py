"""The filters that are compared: how each is started, in a folder of its own, and what belongs to it.

Each has two processes that scan, a Redis of its own where it uses one, and the same name server. What is written here
is all that differs from what Debian or we ship; `configuration` says it in words.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from benchmarks.network_rows import family, lists
from tamis.postfix.ports import free_ports
from tamis.postfix.served import RunningTamis

_START_SECONDS: Final = 300.0
_HYPERSCAN: Final = Path(tempfile.gettempdir()) / "tamis-peers-hyperscan"
"""What rspamd compiles at its first start takes a minute; it is kept for the next."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_NOBODY: Final = 1
"""A port that nobody listens on: no network."""


class Product(ABC):
    """A filter that speaks milter. A context manager; `port` is that of its milter."""

    name = ""

    def __init__(self, dns: int | None, hold: bool) -> None:
        """`dns` is the port of the name server, None for no network; `hold`: what it takes for spam is kept back."""
        self.dns = dns
        self.hold = hold
        self.port = 0
        self.configuration = ""
        self.pids: list[int] = []

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    def processes(self) -> Iterator[int]:
        for pid in self.pids:
            yield from (one for one, _ in family(pid))

    def cpu_seconds(self) -> float:
        """Of all its processes, those that have ended too."""
        taken = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                taken += sum(map(int, fields[11:15]))
        return taken / _TICKS

    def memory_mebibytes(self) -> float:
        """Of all its processes, what they share counted once (PSS)."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024


class Tamis(Product):
    """As shipped, with every row of the order switched on but those that ask programs of others."""

    name = "Tamis"

    def __enter__(self) -> Self:
        greylisting = "[policy.filters.greylisting]\nenabled = true\ndelay_minutes = 0.0001\n" if self.dns else ""
        scripts = "[policy.filters.cyrillic]\nenabled = true\n[policy.filters.sinograms]\nenabled = true\n"
        settings = (
            f'[dns]\nservers = ["127.0.0.1:{self.dns or _NOBODY}"]\n'
            f'[policy]\nmode = "{"quarantine" if self.hold else "tag"}"\n'
            f"[policy.filters.ocr]\nenabled = false\n{greylisting}{scripts}"
            f'[log]\nlevel = "warning"\n[redis]\nmaxmemory = "512mb"\n{lists() if self.dns else ""}'
        )
        self.configuration = settings
        self._daemon = RunningTamis(settings)
        self._daemon.__enter__()
        assert self._daemon.process is not None
        self.pids = [self._daemon.process.pid]
        self.port = int(self._daemon.milter.rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        self._daemon.__exit__()


class _Installed(Product):
    """A filter of Debian's, in a folder that its own user may write to."""

    user = "nobody"

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="peer-", dir="/tmp"))
        shutil.chown(self.folder, self.user)
        self._running: list[subprocess.Popen[bytes]] = []
        try:
            self.start()
            _await_port(self.port, self._running, self.folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    @abstractmethod
    def start(self) -> None: ...

    def run(self, *command: str, user: str | None = None) -> None:
        with (self.folder / "out").open("ab") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                user=user,
                env={**os.environ, "HOME": str(self.folder), "PATH": f"{os.environ['PATH']}:/usr/sbin"},
            )
        self._running.append(process)
        self.pids.append(process.pid)

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Rspamd(_Installed):
    """rspamd with Debian's modules; its milter process scans itself, which is its quickest form."""

    name = "rspamd"
    user = "_rspamd"

    def start(self) -> None:
        self.port, controller = free_ports(2)
        local = self.folder / "local.d"
        local.mkdir()
        redis = self.folder / "redis.sock"
        written = {
            "worker-proxy.inc": f'bind_socket = "127.0.0.1:{self.port}";\ncount = 2;\n'
            'upstream "local" { default = yes; self_scan = yes; }\n',
            "worker-normal.inc": "enabled = false;\n",
            "worker-controller.inc": f'bind_socket = "127.0.0.1:{controller}";\n',
            "redis.conf": f'servers = "{redis}";\n',
            "logging.inc": 'level = "error";\n',
            "options.inc": f'hs_cache_dir = "{_HYPERSCAN}";\n'
            f'dns {{ nameserver = ["127.0.0.1:{self.dns or _NOBODY}:1"]; }}\n',
            # As Tamis in mode tag: all mail goes on, with a header.
            **({} if self.hold else {"actions.conf": "reject = 1000;\nadd_header = 7.5;\nrewrite_subject = 1000;\n"}),
            # Its servers are on the Internet, its delay makes clients come back: neither is to be measured.
            "fuzzy_check.conf": "enabled = false;\n",
            "greylist.conf": "enabled = false;\n",
            "rspamd_update.conf": "enabled = false;\n",
        }
        if self.hold:
            written["worker-proxy.inc"] += "quarantine_on_reject = true;\n"
        if not self.dns:
            # It asks for the names of peers whatever is off, and would wait for each.
            written["options.inc"] = written["options.inc"].replace(" }", " timeout = 0.001s; retransmits = 1; }")
            off = ("arc", "asn", "dkim", "dmarc", "hfilter", "mx_check", "rbl", "spf", "surbl")
            written |= {f"{name}.conf": "enabled = false;\n" for name in off}
        self.configuration = "".join(f"local.d/{name}: {' '.join(text.split())}\n" for name, text in written.items())
        for name, text in written.items():
            (local / name).write_text(text)
        _HYPERSCAN.mkdir(exist_ok=True)
        for path in (_HYPERSCAN, local, *local.iterdir()):
            shutil.chown(path, self.user)
        self.run(
            "redis-server", "--port", "0", "--unixsocket", str(redis), "--save", "", "--dir", str(self.folder),
            user=self.user,
        )  # fmt: skip
        folders = ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")
        variables = [f"--var={name}={self.folder}" for name in folders]
        self.run("rspamd", "-f", "-u", self.user, "-g", self.user, *variables)


class SpamAssassin(_Installed):
    """spamd, asked by spamass-milter."""

    name = "SpamAssassin"

    def start(self) -> None:
        self.port, port = free_ports(2)
        local = self.folder / "local.cf"
        servers = f"dns_server 127.0.0.1:{self.dns}\n" if self.dns else ""
        local.write_text(f"{servers}use_bayes 0\n")
        shutil.copytree("/etc/spamassassin", self.folder / "etc", dirs_exist_ok=True)
        shutil.copy(local, self.folder / "etc" / "local.cf")
        rules = max(Path("/var/lib/spamassassin").glob("*.*"), default=Path("/usr/share/spamassassin"))
        options = ["--siteconfigpath", str(self.folder / "etc"), "-u", self.user, "-x", "--min-children=2"]
        options += ["--max-children=2", *([] if self.dns else ["-L"]), "-i", "127.0.0.1", "-p", str(port)]
        self.configuration = f"spamd {' '.join(options)}; local.cf: {' '.join(local.read_text().split())}; {rules}\n"
        self.run("spamd", *options)
        _await_port(port, self._running, self.folder)
        self.run("spamass-milter", "-p", f"inet:{self.port}@127.0.0.1", "--", "-d", "127.0.0.1", "-p", str(port))


def _await_port(port: int, running: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if any(process.poll() is not None for process in running) or time.monotonic() > deadline:
            said = (folder / "out").read_text("utf-8", "replace")[-2000:]
            raise RuntimeError(f"{[process.args for process in running]} did not start: {said}")
        time.sleep(0.05)


def installed() -> list[type[Product]]:
    """Return those that are installed here, ours first."""
    found: list[type[Product]] = [Tamis]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    with contextlib.suppress(KeyError):
        if shutil.which("rspamd", path=path) and pwd.getpwnam(Rspamd.user):
            found.append(Rspamd)
    if shutil.which("spamd", path=path) and shutil.which("spamass-milter", path=path):
        found.append(SpamAssassin)
    return found
