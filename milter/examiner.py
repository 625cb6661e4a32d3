"""From a collected message to its decision, in a thread of ours, while the MTA is kept patient.

Filters do not run in libmilter's threads: its pool moves a session from thread to thread, and then Python's
thread states do not belong to the thread they run in, which extension modules may not survive. A hand-over
costs some tens of microseconds. The thread of the callback waits, and is the only one to talk to the MTA.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeVar

from tamis import limits, turn
from tamis.config import Config
from tamis.contract import Stage
from tamis.disposition import Disposition
from tamis.headers import Changes
from tamis.headers import forged as forged_fields
from tamis.mail import IPAddress, Mail, MailClass
from tamis.message import Message
from tamis.milter import forged, log
from tamis.milter.core import Core, Engine
from tamis.milter.transaction import Transaction
from tamis.networks import Identity
from tamis.pool import Pool
from tamis.quarantine.entry import SmtpFacts, new_message
from tamis.quarantine.holder import Holder
from tamis.quarantine.parameters import envelope_id
from tamis.quarantine.records import NewMessage
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.record import Refusal, Verdict

_PROGRESS_SECONDS: Final = 1.0
_THREADS: Final = 32
_GIVE_UP_SECONDS: Final = limits.END_OF_MESSAGE_SECONDS
"""The engine keeps its own budget, which ends earlier; this is for a filter that does not come back at all, and for
a message that waits too long for a thread."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the SMTP side knows of a message besides its content."""

    peer: IPAddress | None
    rdns: str
    helo: str
    authenticated: bool
    local_submission: bool
    queue_id: str
    mta: str = ""
    listener: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message, and what to log of it. `refusal`: outgoing mail is refused for that. `ask_again`: why
    the client is asked to come back, empty where it is not. `record` is the engine's own, for the history."""

    mail: Mail
    disposition: Disposition
    fields: Mapping[str, object]
    refusal: Verdict | None = None
    ask_again: str = ""
    record: Any = None


class Overdue(Exception):
    """What was asked for did not come in time."""


class NotReady(Exception):
    """The lists have never been read: nothing can be said of inbound mail yet."""


class Examiner:
    """Decides messages with the engine of this process, and has them held.

    `blocked` is entered while a thread of libmilter waits.
    """

    def __init__(
        self,
        core: Core,
        config: Config,
        engine: Engine,
        blocked: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._core = core
        self._blocked = blocked
        self._settings = config.settings
        self._engine = engine
        self._pool = Pool(_THREADS, "examine")
        self.spool = Spool(config.spool_folder)
        self._holder = Holder(Store(config.database_url, self.spool))

    def refusal(self, envelope: Envelope, sender: str, recipient: str, message_id: str) -> Refusal | None:
        """Return why a recipient is refused for now, None where it is not. Raises what the engine raises."""

        if not self._engine.may_refuse(envelope.peer):
            return None

        def ask() -> Refusal | None:
            message = Message(b"")
            mail = self._mail(message, envelope, self._identify(envelope, message), sender, [recipient], message_id)
            refused = self._engine.refusal(mail, mail.recipients[0])
            if refused is not None:
                self._engine.refused(mail, refused, "450")
            return refused

        return self._wait(self._pool.submit(ask), _GIVE_UP_SECONDS, lambda: None)

    def ask_ahead(
        self, envelope: Envelope, stage: Stage, sender: str = "", recipients: Sequence[str] = ()
    ) -> "Future[None]":
        """Have the questions asked that can be asked by this stage; returns at once, whatever becomes of it.

        What is returned may be cancelled, where a later stage asks the same and more before this has begun.
        """

        def ask() -> None:
            message = Message(b"")
            identity = self._identify(envelope, message)
            mail = self._mail(message, envelope, identity, sender, list(recipients), "")
            mail.sender_known = stage is not Stage.CONNECTION
            self._engine.prefetch(mail, stage)

        asked = self._pool.submit(ask)
        asked.add_done_callback(_log_failure)
        return asked

    def decide(
        self, transaction: Transaction, envelope: Envelope, message_id: str, progress: Callable[[], object]
    ) -> Decision:
        """Return the decision; call `progress` each second meanwhile.

        Raises what the engine raises, `Overdue`, `NotReady`, or `forged.Refused`.
        """
        return self._wait(
            self._pool.submit(self._examine, transaction, envelope, message_id), _GIVE_UP_SECONDS, progress
        )

    def keep(
        self, decision: Decision, transaction: Transaction, envelope: Envelope, progress: Callable[[], object]
    ) -> NewMessage | None:
        """Hold what is to be held, and have made what is to be made anew; when it returns all of it is durable.

        Returns what was written. Raises `OSError`, `sqlalchemy.exc.SQLAlchemyError` or `Overdue`: the message must be
        asked for again.
        """
        disposition = decision.disposition
        if not disposition.held and not disposition.parted:
            return None
        facts = SmtpFacts(transaction.parameters, [one.parameters for one in transaction.recipients], envelope.mta)

        def write() -> "tuple[NewMessage, Future[None]]":
            message = new_message(decision.mail, disposition, facts, transaction.incoming())
            return message, self._holder.hold(message)

        deadline = monotonic() + limits.HOLD_SECONDS
        message, written = self._wait(self._pool.submit(write), limits.HOLD_SECONDS, progress)
        self._wait(written, deadline - monotonic(), progress)
        return message

    def concluded(self, decision: Decision, answer: str) -> None:
        """Log a decision, and keep it in the history; `answer` is what the client is told."""
        log.decision(decision.fields)
        self._engine.concluded(decision.record, answer)

    def undecided(self, about: Mapping[str, object], because: str, answer: str) -> None:
        """Keep in the history what became of a message that could not be decided."""
        self._engine.undecided(about, because, answer)

    def answered(self, message: NewMessage) -> None:
        """Say that the MTA has had the answer to a message that was kept."""
        self._holder.answered(message)

    def _wait(self, future: "Future[T]", seconds: float, progress: Callable[[], object]) -> T:
        deadline = monotonic() + seconds
        with self._blocked():
            while not _finished(future, min(_PROGRESS_SECONDS, max(0.0, deadline - monotonic()))):
                if monotonic() >= deadline:
                    future.cancel()
                    raise Overdue(f"no answer within {seconds:g} seconds")
                progress()
        return future.result()

    def _examine(self, transaction: Transaction, envelope: Envelope, message_id: str) -> Decision:
        with turn.taken():
            return self._decide(transaction, envelope, message_id)

    def _decide(self, transaction: Transaction, envelope: Envelope, message_id: str) -> Decision:
        message = transaction.message()
        identity = self._identify(envelope, message)
        if identity.mail_class is not MailClass.OUTGOING and not self._engine.ready:
            raise NotReady("the lists have never been read")
        recipients = [recipient.address for recipient in transaction.recipients]
        mail = self._mail(message, envelope, identity, transaction.sender, recipients, message_id)
        mail.envelope_id = envelope_id(transaction.parameters)
        if identity.mail_class is not MailClass.OUTGOING:
            forged.check(mail, transaction, forged_fields(mail, self._settings.headers), self._engine.policy_of)
        record = self._engine.examine(mail)
        return Decision(
            mail, self._engine.dispose(record), self._core.decision(record), record.refusal, record.ask_again, record
        )

    def forged(self, transaction: Transaction, envelope: Envelope) -> Changes:
        """The fields that are forged, for where no decision tells; on outgoing mail none is.

        Called from libmilter's threads too. Raises `OSError` where the message cannot be read.
        """
        identity = self._identify(envelope, Message(b""))
        if identity.mail_class is MailClass.OUTGOING:
            return Changes()
        mail = self._mail(transaction.message(), envelope, identity, "", [], "")
        return forged_fields(mail, self._settings.headers)

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

    def _mail(
        self,
        message: Message,
        envelope: Envelope,
        identity: Identity,
        sender: str,
        recipients: list[str],
        message_id: str,
    ) -> Mail:
        return Mail(
            message=message,
            peer=identity.peer,
            rdns=identity.rdns,
            helo=identity.helo,
            sender=sender,
            recipients=recipients,
            mail_class=identity.mail_class,
            queue_id=envelope.queue_id,
            id=message_id,
            listener=envelope.listener,
            mta=envelope.mta,
        )


def _log_failure(asked: "Future[None]") -> None:
    error = None if asked.cancelled() else asked.exception()
    if error is not None:
        log.failure("the network was not asked ahead", error)


def _finished(future: "Future[Any]", seconds: float) -> bool:
    """Wait for a while, and tell whether it is done; its own TimeoutError must not be taken for ours."""
    try:
        future.exception(seconds)
    except TimeoutError:
        return future.done()
    return True
