"""A private Postfix on loopback, for demo and tests: started in a folder of its own and gone without a trace.

It touches neither /etc/postfix nor a Postfix that is running. It needs root, or a user namespace with
several users in it, because Postfix's own programs change users.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tamis.postfix import client, templates
from tamis.postfix.client import SmtpReply
from tamis.postfix.maildir import Deliveries
from tamis.postfix.ports import free_ports, wait_listening

HOSTNAME = "mx.tamis.example"
_COMPLAINT = re.compile(r": (?:warning|error|fatal|panic): |: (?:timeout|lost connection|too many errors) after ")
_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")


class PostfixUnavailable(Exception):
    """A private Postfix cannot run here; the text is one clear line that says what it needs."""


def require_postfix() -> None:
    """Raise `PostfixUnavailable` where a private Postfix cannot run."""
    if shutil.which("postfix", path=_path()) is None:
        raise PostfixUnavailable("Postfix is not installed: run 'make setup'")
    if os.geteuid() != 0:
        raise PostfixUnavailable(
            "a private Postfix needs root: use sudo, "
            "or 'unshare --map-root-user --map-auto' of the Debian package uidmap"
        )


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class PrivatePostfix:
    """A running Postfix, as a context manager.

    `domains` are the inbound domains; mail for them, and any outgoing mail, ends in one Maildir that
    `deliveries` reads. `routes` sends domains somewhere else, as a transport such as
    ``lmtp:inet:127.0.0.1:2400`` or ``smtp:[127.0.0.1]:2500``; `default_transport` sends everything
    else there. `milters` are the values of smtpd_milters, `local_milters` those for sendmail(1), the
    same where not given. `settings` are further lines of main.cf, which win over the template's.
    """

    def __init__(
        self,
        milters: str | Sequence[str] | None = None,
        *,
        domains: Sequence[str] = ("example.org",),
        routes: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
        local_milters: str | Sequence[str] | None = None,
        milter_default_action: str = "tempfail",
        own_networks: Sequence[str] = ("10.255.255.255/32",),
        default_transport: str = "virtual",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._milters = templates.milter_list(milters)
        self._local_milters = self._milters if local_milters is None else templates.milter_list(local_milters)
        self._domains = tuple(domains)
        self._routes = dict(routes or {})
        self._aliases = dict(aliases or {})
        self._default_action = milter_default_action
        self._own_networks = tuple(own_networks)
        self._default_transport = default_transport
        self._settings = dict(settings or {})
        self.folder = Path()
        # Known before the start: what delivers to its listeners may have to be told first.
        self.smtp_port, self.submission_port, self.own_port, self.mailbox_port = free_ports(4)
        self._deliveries = Deliveries(Path())

    @property
    def milters(self) -> str:
        """The value of smtpd_milters."""
        return self._milters

    @property
    def config(self) -> Path:
        """The folder of main.cf and master.cf, what ``postfix -c`` and MAIL_CONFIG want."""
        return self.folder / "conf"

    # --- life

    def __enter__(self) -> "PrivatePostfix":
        require_postfix()
        try:
            self._make_folder()
            self._write_configuration()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, kind: object = None, error: BaseException | None = None, *_: object) -> None:
        if self.folder != Path():
            if error is not None and (complaints := self.complaints()):
                error.add_note(f"Postfix had logged:\n{complaints}")
            self._stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _make_folder(self) -> None:
        # Short, since the paths of unix sockets are; readable, since Postfix's programs run as other users.
        base = tempfile.gettempdir()
        self.folder = Path(tempfile.mkdtemp(prefix="tamis-", dir=base if len(base) < 40 else "/tmp"))
        self.folder.chmod(0o755)
        for name in ("conf", "queue", "data", "mail"):
            (self.folder / name).mkdir(mode=0o755)
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        os.chown(self.folder / "data", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.folder / "mail", nobody.pw_uid, nobody.pw_gid)
        self._deliveries = Deliveries(self.folder / "mail" / "all")

    def _write_configuration(self) -> None:
        nobody = pwd.getpwnam("nobody")
        values = {
            "FOLDER": self.folder,
            "HOSTNAME": HOSTNAME,
            "OWN_NETWORKS": ", ".join(self._own_networks),
            "DEFAULT_TRANSPORT": self._default_transport,
            "ROUTED_DOMAINS": ", ".join(self._routes),
            "DOMAINS": ", ".join(self._domains),
            "MAIL_UID": nobody.pw_uid,
            "MAIL_GID": nobody.pw_gid,
            "MILTERS": self._milters,
            "LOCAL_MILTERS": self._local_milters,
            "MILTER_DEFAULT_ACTION": self._default_action,
            "SMTP_PORT": self.smtp_port,
            "SUBMISSION_PORT": self.submission_port,
            "OWN_PORT": self.own_port,
            "MAILBOX_PORT": self.mailbox_port,
        }
        for name in ("main.cf", "master.cf"):
            (self.config / name).write_text(templates.fill(f"{name}.in", values), "utf-8")
        (self.config / "transport").write_text(templates.table(self._routes), "utf-8")
        (self.config / "virtual").write_text(templates.table(self._aliases), "utf-8")
        if self._settings:
            self.run("postconf", "-e", *(f"{key} = {value}" for key, value in self._settings.items()))

    def _start(self) -> None:
        # Into a file: the master keeps a pipe open for ever.
        log = self.folder / "start.log"
        with log.open("wb") as output:
            started = subprocess.run(
                ["postfix", "-c", str(self.config), "start"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=60,
                start_new_session=True,
            )
        if started.returncode != 0 or not wait_listening(self.smtp_port, 30.0):
            said = f"{log.read_text()}{self.log_text()}".strip()
            raise PostfixUnavailable(f"the private Postfix did not start: {said}")

    def _stop(self) -> None:
        pid = self.master_pid()
        if pid is None:
            return
        self.run("postfix", "stop", check=False)
        deadline = time.monotonic() + 10.0
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        if _alive(pid):
            os.killpg(pid, signal.SIGKILL)

    def master_pid(self) -> int | None:
        """Return the process id of the running master, None when there is none."""
        try:
            pid = int((self.folder / "queue" / "pid" / "master.pid").read_text().strip())
        except (OSError, ValueError):
            return None
        return pid if _alive(pid) else None

    # --- use

    def environment(self) -> dict[str, str]:
        """The environment in which ``postconf``, ``postfix`` and ``sendmail`` act on this instance alone."""
        return {**os.environ, "MAIL_CONFIG": str(self.config), "PATH": _path()}

    def run(self, *command: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a command of Postfix's on this instance and return what it said; Ctrl-C does not reach it."""
        return subprocess.run(
            command,
            input=stdin,
            env=self.environment(),
            check=check,
            capture_output=True,
            timeout=60,
            start_new_session=True,
        )

    def reload(self) -> None:
        """Read main.cf and master.cf again, after a ``postconf -e``; no process acts on the old ones any more."""
        before = self.front_ends()
        self.run("postfix", "reload")
        self.wait_reloaded(before)

    def wait_reloaded(self, before: set[int]) -> bool:
        """Wait until none of the `front_ends` of before a reload is left; False when some were after the time."""
        return _wait(lambda: not before & self.front_ends(), 30.0)

    def front_ends(self) -> set[int]:
        """The processes that speak SMTP or ask milters; after a reload those of before go on their own time."""
        master = self.master_pid()
        children = Path(f"/proc/{master}/task/{master}/children")
        try:
            pids = [int(pid) for pid in children.read_text().split()]
        except OSError:
            return set()
        return {pid for pid in pids if _name(pid) in ("smtpd", "cleanup")}

    def send(
        self,
        message: bytes,
        sender: str,
        recipients: Sequence[str],
        *,
        peer: str | None = "203.0.113.25",
        name: str | None = "mail.sender.example",
        helo: str = "mail.sender.example",
        login: str | None = None,
        port: int | None = None,
    ) -> SmtpReply:
        """Send a message by SMTP as the given peer; with `login` to the submission listener.

        `name` None is a peer without reverse DNS; `peer` None is 127.0.0.1 itself.
        """
        if port is None:
            port = self.submission_port if login is not None else self.smtp_port
        return client.send(port, message, sender, recipients, peer=peer, name=name, helo=helo, login=login)

    def send_own(self, message: bytes, sender: str, recipients: Sequence[str]) -> SmtpReply:
        """Hand over a message as Tamis itself does: to the listener without milters."""
        return client.send(self.own_port, message, sender, recipients, helo="localhost")

    def sendmail(self, message: bytes, sender: str, recipients: Sequence[str]) -> None:
        """Submit a message locally, with sendmail(1)."""
        self.run("sendmail", "-C", str(self.config), "-i", "-f", sender, "--", *recipients, stdin=message)

    def deliveries(self, address: str | None = None) -> list[bytes]:
        """Return what was delivered to an address, or everything, in order of arrival."""
        return [one.message for one in self._deliveries.all() if address in (None, one.address)]

    @property
    def delivered(self) -> Deliveries:
        """The Maildir that everything ends in."""
        return self._deliveries

    def wait_delivered(self, count: int, timeout: float = 20.0) -> bool:
        """Wait until so many messages have been delivered in all; False when they were not in time."""
        return _wait(lambda: self._deliveries.count() >= count, timeout)

    def wait_queue_empty(self, timeout: float = 20.0) -> bool:
        """Wait until Postfix has nothing left to deliver; False when it still had after the time."""
        return _wait(self.queue_empty, timeout)

    def queue_empty(self) -> bool:
        """Whether no message waits in any queue."""
        queue = self.folder / "queue"
        return not any(files for name in _QUEUES for _, _, files in os.walk(queue / name))

    def log_text(self) -> str:
        """Return Postfix's log so far."""
        try:
            return (self.folder / "mail.log").read_text("utf-8", "replace")
        except OSError:
            return ""

    def complaints(self) -> str:
        """Return the last lines of the log that say what went wrong; empty when nothing did."""
        return "\n".join([line for line in self.log_text().splitlines() if _COMPLAINT.search(line)][-50:])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _wait(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
