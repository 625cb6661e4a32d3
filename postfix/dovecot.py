"""A private Dovecot on loopback, for tests: mailboxes with the rule that files into Junk, gone without a trace.

It touches neither /etc/dovecot nor a Dovecot that is running. It runs as root or as an ordinary user.
"""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tamis.postfix import templates
from tamis.postfix.ports import free_ports, wait_listening

JUNK_RULE = Path(__file__).parent / "dovecot" / "junk.sieve"
"""The rule as it is shipped."""
PASSWORD = "secret"
"""Of every mailbox, for IMAP."""


class DovecotUnavailable(Exception):
    """A private Dovecot cannot run here; the text is one clear line that says why."""


def require_dovecot() -> None:
    """Raise `DovecotUnavailable` where Dovecot is not installed."""
    if shutil.which("dovecot", path=_path()) is None:
        raise DovecotUnavailable("Dovecot is not installed: run 'make setup'")


class PrivateDovecot:
    """A running Dovecot, as a context manager. Every address has a mailbox, which its first message makes.

    `transport` is what Postfix wants as a route, `imap_port` is for mail programs, with the address as name
    and `PASSWORD`. Without `rule` everything ends in the inbox; files in the folder conf.d add to the configuration.
    """

    def __init__(self, *, rule: bool = True) -> None:
        self._rule = rule
        self.folder = Path()
        self.lmtp_port = self.imap_port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """The configuration file, what ``doveadm -c`` wants."""
        return self.folder / "dovecot.conf"

    @property
    def transport(self) -> str:
        """The value for a Postfix transport that delivers into the mailboxes."""
        return f"lmtp:inet:127.0.0.1:{self.lmtp_port}"

    def __enter__(self) -> "PrivateDovecot":
        require_dovecot()
        try:
            self._prepare()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._stop(self._process)
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _prepare(self) -> None:
        # Short, since the paths of unix sockets are; readable, since Dovecot's programs run as other users.
        base = tempfile.gettempdir()
        self.folder = Path(tempfile.mkdtemp(prefix="tamis-", dir=base if len(base) < 40 else "/tmp"))
        self.folder.chmod(0o755)
        for name in ("run", "state", "mail", "sieve", "conf.d"):
            (self.folder / name).mkdir(mode=0o755)
        me = pwd.getpwuid(os.geteuid())
        owner = pwd.getpwnam("nobody") if me.pw_uid == 0 else me
        os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        self.lmtp_port, self.imap_port = free_ports(2)
        values = {
            "FOLDER": self.folder,
            "SERVICE_USER": "dovecot" if me.pw_uid == 0 else me.pw_name,
            "SERVICE_GROUP": "dovecot" if me.pw_uid == 0 else grp.getgrgid(me.pw_gid).gr_name,
            "LOGIN_USER": "dovenull" if me.pw_uid == 0 else me.pw_name,
            "PASSWORD": PASSWORD,
            "MAIL_UID": owner.pw_uid,
            "MAIL_GID": owner.pw_gid,
            "LMTP_PORT": self.lmtp_port,
            "IMAP_PORT": self.imap_port,
        }
        self.config.write_text(templates.fill("dovecot.conf.in", values), "utf-8")
        if self._rule:
            self._install_rule()

    def _install_rule(self) -> None:
        rule = shutil.copy(JUNK_RULE, self.folder / "sieve")
        settings = f"protocol lmtp {{\n  mail_plugins = sieve\n}}\nplugin {{\n  sieve_before = {rule}\n}}\n"
        (self.folder / "conf.d" / "junk.conf").write_text(settings, "utf-8")
        # Compiled beforehand: whoever delivers may not write beside the rule.
        compiled = self.run("sievec", "-c", str(self.config), str(rule))
        if compiled.returncode:
            raise DovecotUnavailable(f"the rule for Junk does not compile: {compiled.stderr.decode()}")

    def _start(self) -> None:
        with (self.folder / "start.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["dovecot", "-F", "-c", str(self.config)],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for port in (self.lmtp_port, self.imap_port):
            if not (wait_listening(port, 20.0) and _greets(port)):
                raise DovecotUnavailable(f"the private Dovecot did not start: {self.log_text()}")

    def _stop(self, process: "subprocess.Popen[bytes]") -> None:
        # All at once: alone, its master gives idle children several seconds.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20.0)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._process = None

    def environment(self) -> dict[str, str]:
        """The environment in which Dovecot's commands are found, wherever root's are."""
        return {**os.environ, "PATH": _path()}

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command of Dovecot's and return what it said."""
        return subprocess.run(
            command, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )

    def mailbox(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """Return the messages of one folder of a mailbox, in order of arrival; none where there is no mailbox."""
        name = "" if folder == "INBOX" else f".{folder}"
        maildir = self.folder / "mail" / address / "Maildir" / name
        files = [path for kind in ("new", "cur") for path in (maildir / kind).glob("*")]
        return [path.read_bytes() for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]

    def wait(self, address: str, folder: str = "INBOX", count: int = 1, timeout: float = 20.0) -> bool:
        """Wait until so many messages are in a folder; False when they were not in time."""
        deadline = time.monotonic() + timeout
        while len(self.mailbox(address, folder)) < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def log_text(self) -> str:
        """Return what it has logged so far."""
        logs = (self.folder / name for name in ("start.log", "dovecot.log"))
        return "".join(log.read_text("utf-8", "replace") for log in logs if log.exists())


def _greets(port: int) -> bool:
    """Whether a server speaks first, as those of LMTP and IMAP do once they are really there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 20.0) as probe:
        return bool(probe.recv(1))
    return False


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
