"""`tamis serve` started for demo and tests, in a folder of its own and gone without a trace."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import tamis
from tamis.postfix.ports import free_ports

_STOP_SECONDS = 40.0
_COMPLAINT = re.compile(r"\bseverity\W{1,4}(?:warning|error)\b")
_NO_DNS = '[dns]\nservers = ["127.0.0.1:1"]\n'
"""Nobody listens there: without servers of its own an instance knows nothing, whatever the DNS of this machine says."""


class DaemonFailed(Exception):
    """`tamis serve` did not start; the text says what it said."""


def service_user() -> str:
    """The user that a daemon started as root becomes: nobody, but root where that would not do.

    In a user namespace root is an ordinary user already, who could not stop what another has started. And
    nobody cannot read a checkout in somebody's closed home directory.
    """
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]:
        return "root"
    needed = [Path(tamis.__file__), Path(sysconfig.get_paths()["purelib"]), Path(sys.executable)]
    folders = {folder for path in needed for start in (path, path.resolve()) for folder in start.parents}
    return "nobody" if all(folder.stat().st_mode & 0o001 for folder in folders) else "root"


class RunningTamis:
    """A running daemon, as a context manager.

    `settings` is the text of a tamis.toml without ``[daemon]`` (`daemon` holds further lines of that
    section); without ``[dns]`` in it there is no DNS. It listens on a loopback port, or on what `listen`
    names. `wrapper` is put in front of the command, `environment` is added to our own. `milter` is what
    Postfix's smtpd_milters wants.
    """

    def __init__(
        self,
        settings: str = "",
        *,
        daemon: str = "workers = 2",
        listen: str = "",
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._daemon = daemon
        self._listen = listen
        self._wrapper = tuple(wrapper)
        self._environment = dict(environment or {})
        self.folder = Path()
        self.milter = ""
        self.process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def config(self) -> Path:
        """The configuration file it runs with."""
        return self.folder / "tamis.toml"

    def __enter__(self) -> "RunningTamis":
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, kind: object = None, error: BaseException | None = None, *_: object) -> None:
        if error is not None and (complaints := self.complaints()):
            error.add_note(f"Tamis had logged:\n{complaints}")
        self.stop()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _prepare(self) -> None:
        base = tempfile.gettempdir()
        self.folder = Path(tempfile.mkdtemp(prefix="tamis-", dir=base if len(base) < 40 else "/tmp"))
        self.folder.chmod(0o755)
        user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() != 0 else service_user()
        for name in ("state", "run"):
            (self.folder / name).mkdir(mode=0o755)
            if os.geteuid() == 0:
                shutil.chown(self.folder / name, user)
        if not self._listen:
            self._port = free_ports(1)[0]
            self._listen = f"inet:{self._port}@127.0.0.1"
            self.milter = f"inet:127.0.0.1:{self._port}"
        self.write_settings(self._settings, user)

    def write_settings(self, settings: str, user: str | None = None) -> None:
        """Write the configuration file; a running daemon reads it again at its next SIGHUP."""
        user = user or service_user()
        if "[dns]" not in settings:
            settings = f"{_NO_DNS}\n{settings}"
        text = (
            f'[daemon]\nlisten = ["{self._listen}"]\nuser = "{user}"\n'
            f'state_directory = "{self.folder / "state"}"\nruntime_directory = "{self.folder / "run"}"\n'
            f"{self._daemon}\n\n{settings}\n"
        )
        self.config.write_text(text, "utf-8")

    def start(self) -> None:
        """Start the daemon and wait until it says that it is ready."""
        notify = self.folder / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (self.folder / "log").open("ab") as log:
            ready.bind(str(notify))
            notify.chmod(0o666)
            ready.settimeout(0.2)
            self.process = subprocess.Popen(
                [*self._wrapper, sys.executable, "-m", "tamis.cli", "serve", "--config", str(self.config)],
                env={**os.environ, "PYTHONUNBUFFERED": "1", "NOTIFY_SOCKET": str(notify), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._wait_ready(ready)

    def _wait_ready(self, ready: socket.socket) -> None:
        deadline = time.monotonic() + 30.0
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                if b"READY=1" in ready.recv(4096):
                    return
            except TimeoutError:
                # What waits for a first connection before it starts says nothing yet.
                if self._wrapper:
                    return
        raise DaemonFailed(f"tamis serve did not start: {self.log_text().strip() or 'it said nothing'}")

    def reload(self) -> None:
        """Send SIGHUP."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Send SIGTERM and wait; what does not end in time is killed with all its children."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def log_text(self) -> str:
        """Return what it has logged so far."""
        try:
            return (self.folder / "log").read_text("utf-8", "replace")
        except OSError:
            return ""

    def complaints(self) -> str:
        """Return the last lines of the log that are warnings or errors; empty where there are none."""
        return "\n".join([line for line in self.log_text().splitlines() if _COMPLAINT.search(line)][-50:])
