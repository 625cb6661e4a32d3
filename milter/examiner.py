"""From a collected message to its decision, in a thread of ours, while the MTA is kept patient.

Filters do not run in libmilter's threads: its pool moves a session from thread to thread, and then Python's
thread states do not belong to the thread they run in, which extension modules may not survive. A hand-over
costs some tens of microseconds. The thread of the callback waits, and is the only one to talk to the MTA.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final

from tamis import limits
from tamis.config import Config
from tamis.headers import Changes, own_names
from tamis.mail import IPAddress, Mail, MailClass
from tamis.message import Message
from tamis.milter import forged
from tamis.milter.core import Core, Engine
from tamis.milter.transaction import Transaction
from tamis.networks import Identity
from tamis.policy import Policies

_PROGRESS_SECONDS: Final = 1.0
_THREADS: Final = 32
_GIVE_UP_SECONDS: Final = limits.END_OF_MESSAGE_SECONDS
"""The engine keeps its own budget, which ends earlier; this is for a filter that does not come back at all, and for
a message that waits too long for a thread."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the SMTP side knows of a message besides its content."""

    peer: IPAddress | None
    rdns: str
    helo: str
    authenticated: bool
    local_submission: bool
    queue_id: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to change on a message, and what to log of it."""

    changes: Changes
    fields: Mapping[str, object]


class Overdue(Exception):
    """No decision came in time; the message goes on without one."""


class Examiner:
    """Decides messages with the engine of this process."""

    def __init__(self, core: Core, config: Config, engine: Engine) -> None:
        self._core = core
        self._settings = config.settings
        self._engine = engine
        self._policies = Policies(config)
        self._own_names = own_names(config.settings.headers)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="examine")

    def decide(
        self, transaction: Transaction, envelope: Envelope, message_id: str, progress: Callable[[], object]
    ) -> Decision:
        """Return the decision; call `progress` each second meanwhile.

        Raises what the engine raises, `Overdue`, or `forged.Refused`.
        """
        future = self._pool.submit(self._examine, transaction, envelope, message_id)
        deadline = monotonic() + _GIVE_UP_SECONDS
        while not _finished(future, min(_PROGRESS_SECONDS, max(0.0, deadline - monotonic()))):
            if monotonic() >= deadline:
                future.cancel()
                raise Overdue(f"no decision within {_GIVE_UP_SECONDS:g} seconds")
            progress()
        return future.result()

    def forged_names(self, envelope: Envelope) -> list[str]:
        """The header names whose every copy is forged, for where no decision tells; on outgoing mail none is.

        Called from libmilter's threads too.
        """
        mail_class = self._identify(envelope, Message(b"")).mail_class
        return [] if mail_class is MailClass.OUTGOING else self._own_names

    def _identify(self, envelope: Envelope, message: Message) -> Identity:
        return self._core.identify(
            self._settings.networks,
            envelope.peer,
            envelope.rdns,
            envelope.helo,
            envelope.authenticated,
            envelope.local_submission,
            message,
        )

    def _examine(self, transaction: Transaction, envelope: Envelope, message_id: str) -> Decision:
        message = transaction.message()
        identity = self._identify(envelope, message)
        mail = Mail(
            message=message,
            peer=identity.peer,
            rdns=identity.rdns,
            helo=identity.helo,
            sender=transaction.sender,
            recipients=transaction.recipients,
            mail_class=identity.mail_class,
            queue_id=envelope.queue_id,
            id=message_id,
        )
        if identity.mail_class is not MailClass.OUTGOING:
            forged.check(mail, transaction, self._own_names, self._policies)
        record = self._engine.examine(mail)
        return Decision(self._core.changes(record, self._settings.headers), self._core.decision(record))


def _finished(future: "Future[Decision]", seconds: float) -> bool:
    """Wait for a while, and tell whether it is done; its own TimeoutError must not be taken for ours."""
    try:
        future.exception(seconds)
    except TimeoutError:
        return future.done()
    return True
