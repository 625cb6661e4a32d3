"""A site that holds mail, from the client to the last mailbox, and all of it that can be killed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tamis import config, faults
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.ports import free_ports
from tamis.postfix.served import DaemonFailed, RunningTamis
from tamis.postfix.sink import Sink
from tests.endtoend.faults.databases import Database, Sqlite, as_service_user
from tests.endtoend.faults.ledger import Ledger
from tests.endtoend.faults.mta import SPAMMER, Letter, Sending

ROOT = Path(__file__).parents[3]
MODES = {"hold.example": "quarantine", "tag.example": "tag", "junk.example": "junk", "observe.example": "observe"}
RECIPIENTS = tuple(f"bob@{domain}" for domain in MODES)
HELD = RECIPIENTS[0]
_PATIENCE_SECONDS = 30.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for something; what raises meanwhile is not true yet."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with suppress(Exception):
            if condition():
                return
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class World:
    """Client, Postfix, daemon, database, mailboxes; a context manager."""

    def __init__(
        self,
        database: Database,
        settings: str = "",
        environment: Mapping[str, str] | None = None,
        postfix: Mapping[str, str] | None = None,
    ) -> None:
        """`postfix` are further settings of main.cf."""
        self.database = database
        self._of_postfix = postfix
        self._settings = settings
        self._environment = dict(environment or {})
        self._parts = ExitStack()
        self._person: subprocess.Popen[str] | None = None
        self.letters: list[Letter] = []

    def __enter__(self) -> "World":
        with ExitStack() as parts:
            port = free_ports(1)[0]
            self.faults = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="tamis-faults-", dir="/tmp")))
            self.faults.chmod(0o777)
            self._environment[faults.VARIABLE] = str(self.faults)
            self.sink = parts.enter_context(Sink())
            self.postfix = PrivatePostfix(
                f"inet:127.0.0.1:{port}",
                routes=dict.fromkeys(MODES, self.sink.transport),
                domains=[],
                settings=self._of_postfix,
            )
            self.tamis = RunningTamis(
                self._text(),
                daemon="workers = 3",
                listen=f"inet:{port}@127.0.0.1",
                environment=self._environment,
            )
            parts.enter_context(self.tamis)
            parts.enter_context(self.postfix)
            settings = config.load(self.tamis.config)
            if isinstance(self.database, Sqlite):
                path = Path(settings.database_url.removeprefix("sqlite:///"))
                parts.enter_context(self.database.opened(path))
            self.spool = settings.spool_folder
            self.ledger = Ledger(self.database, self.spool, self.sink)
            parts.callback(self._end_person)
            self.send(Letter(RECIPIENTS)).wait()
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def _text(self) -> str:
        domains = "".join(f'[domain."{domain}"]\nmode = "{mode}"\n' for domain, mode in MODES.items())
        delivery = (
            f'server = "127.0.0.1:{self.postfix.own_port}"\nmailbox_server = "127.0.0.1:{self.postfix.mailbox_port}"\n'
        )
        url = f'[database]\nurl = "{self.database.url}"\n' if self.database.url else ""
        return f'[delivery]\n{delivery}{url}[lists]\nblacklist_ip = ["{SPAMMER}"]\n{self._settings}{domains}'

    # --- mail and commands

    def send(self, *letters: Letter) -> Sending:
        """Give letters to a client that sends them until they are accepted."""
        self.letters += letters
        return Sending(self.postfix.smtp_port, letters)

    def command(self, word: str, argument: object) -> str | None:
        """Have a person give one command; return what went wrong, None where nothing did."""
        person = self._person
        if person is None:
            person = self._person = self._start_person()
        assert person.stdin is not None
        assert person.stdout is not None
        with suppress(BrokenPipeError):
            person.stdin.write(json.dumps([word, argument]) + "\n")
            person.stdin.flush()
        answer = person.stdout.readline()
        if not answer:
            self._end_person()
            return "killed"
        error: str | None = json.loads(answer)
        return error

    def insist(self, word: str, argument: object) -> Counter[str]:
        """Give a command again until it has been carried out; return how often it failed in which way."""
        failures: Counter[str] = Counter()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (error := self.command(word, argument)) is not None:
            failures[error.partition(":")[0]] += 1
            assert time.monotonic() < deadline, error
            time.sleep(0.1)
        return failures

    def _start_person(self) -> "subprocess.Popen[str]":
        with (self.tamis.folder / "person.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.endtoend.faults.person", str(self.tamis.config)],
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                **as_service_user(),
            )

    def _end_person(self) -> None:
        if self._person is not None:
            self._person.kill()
            self._person.communicate()
            self._person = None

    def wait_quiet(self) -> None:
        """Wait until no copy is on its way."""
        try:
            wait_until(lambda: self.ledger.outbox_empty() and self.postfix.queue_empty(), "copies are on their way")
        except AssertionError as error:
            waiting = self.database.run("SELECT * FROM outbox")
            said = f"{waiting}\n{self.tamis.log_text()[-5000:]}\n{self.postfix.log_text()[-2000:]}"
            raise AssertionError(f"{error}: {said}") from None

    def held(self, letters: Sequence[Letter]) -> list[str]:
        """The ids of the held copies of these letters."""
        copies = self.ledger.copies()
        return [copies[letter.marker, HELD][0][2] for letter in letters]

    def age(self, letter: Letter, days: float) -> None:
        """Make a held copy so many days older."""
        moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
        text = moment.isoformat(" ", "microseconds")
        self.database.run("UPDATE copy SET held_at = ? WHERE id = ?", text, *self.held([letter]))

    # --- what is killed

    @contextmanager
    def killed_itself(self, point: str) -> Iterator[None]:
        """Whoever comes to a point first dies there."""
        armed = self.faults / f"{point}.kill"
        armed.touch()
        yield
        assert not armed.exists(), f"{point} was not reached"

    @contextmanager
    def struck(self, point: str, strike: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
        """When somebody comes to a point, `strike` is entered; then they go on, and it is left."""
        paused = self.faults / f"{point}.paused"
        failures: list[BaseException] = []

        def when_reached() -> None:
            try:
                wait_until(paused.exists, f"{point} was not reached")
                with strike():
                    paused.unlink()
            except BaseException as error:
                failures.append(error)
                paused.unlink(missing_ok=True)

        (self.faults / f"{point}.pause").touch()
        thread = threading.Thread(target=when_reached)
        thread.start()
        try:
            yield
        finally:
            thread.join()
        assert not failures, failures

    @contextmanager
    def supervisor_killed(self) -> Iterator[None]:
        """The supervisor is killed, and systemd, or a person, starts the daemon anew."""
        assert self.tamis.process is not None
        self.tamis.process.kill()
        yield
        self.tamis.stop()
        wait_until(self._starts, "the daemon did not start again")

    def _starts(self) -> bool:
        """Start the daemon; not while a worker that lost its supervisor still has the socket, as systemd knows, too."""
        try:
            self.tamis.start()
        except DaemonFailed as error:
            if not str(error).endswith("Address already in use"):
                raise
            return False
        return True

    def redis_killed(self) -> AbstractContextManager[None]:
        """The private redis-server is killed; the supervisor starts another."""
        os.kill(self._child("redis-server"), signal.SIGKILL)
        return nullcontext()

    def _child(self, name: str) -> int:
        assert self.tamis.process is not None
        pid = self.tamis.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == name:
                return int(child)
        raise AssertionError(f"no {name} runs")
