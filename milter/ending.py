"""The end of a message: the decision asked for, what is to be held held, the changes sent, the answer given."""

from typing import Protocol

from tamis import faults
from tamis.headers import Changes, sanitise
from tamis.mail import new_id
from tamis.milter import forged, log, protocol
from tamis.milter.examiner import Decision, Envelope, Examiner, NotReady
from tamis.milter.transaction import Transaction
from tamis.quarantine.records import NewMessage
from tamis.record import Verdict


class Mta(Protocol):
    """What can be said to the MTA about the message in hand; Milter.Base says it."""

    def addheader(self, name: str, value: str, position: int = -1) -> object: ...

    def chgheader(self, name: str, number: int, value: str | None) -> object: ...

    def delrcpt(self, recipient: str) -> object: ...

    def setreply(self, code: str, enhanced: str, text: str) -> object: ...

    def progress(self) -> object: ...


def reply(mta: Mta, answer: int, code: str, enhanced: str, text: str) -> int:
    """Give an answer of our own words, which must be safe; return `answer`."""
    mta.setreply(code, enhanced, text.replace("%", "%%"))
    return answer


class Ending:
    """One message at its end. `answer` once."""

    def __init__(
        self, mta: Mta, examiner: Examiner, transaction: Transaction, envelope: Envelope, leading_space: bool
    ) -> None:
        self._mta = mta
        self._examiner = examiner
        self._transaction = transaction
        self._envelope = envelope
        self._space = " " if leading_space else ""
        self._id = new_id()
        self.kept: NewMessage | None = None
        """What was written of the message, where the answer says that it has been taken."""
        self._about: dict[str, object] = {
            "queue_id": envelope.queue_id,
            "id": self._id,
            "peer": str(envelope.peer or ""),
            "sender": transaction.sender,
            "recipients": [recipient.address for recipient in transaction.recipients],
        }

    def answer(self) -> int:
        """Decide, and return what the MTA is told. Never raises."""
        try:
            decision = self._examiner.decide(self._transaction, self._envelope, self._id, self._mta.progress)
        except NotReady as error:
            log.failure("the message is asked for again", error, **self._about)
            self._examiner.undecided(self._about, str(error), "451")
            return self._try_again()
        except forged.Refused as refusal:
            log.warning("the message is refused", because=str(refusal), **self._about)
            self._examiner.undecided(self._about, str(refusal), "554")
            return reply(self._mta, protocol.REJECT, "554", "5.7.1", f"Message refused: {refusal}")
        except Exception as error:
            return self._without_verdict(error)
        if decision.refusal is not None and decision.refusal.action == "refuse":
            self._examiner.concluded(decision, "554")
            return self._refuse(decision.refusal)
        if decision.ask_again:
            self._examiner.concluded(decision, "451")
            return self._try_again()
        return self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> int:
        disposition = decision.disposition
        try:
            kept = self._examiner.keep(decision, self._transaction, self._envelope, self._mta.progress)
            if disposition.stay is not None:
                self._remove_recipients(decision)
                self._apply(disposition.stay.changes)
        except Exception as error:
            if not disposition.keeps:
                return self._without_verdict(error)
            log.failure("the message is not held, and is asked for again", error, **self._about)
            self._examiner.undecided(self._about, f"cannot be held: {error}", "451")
            return self._try_again()
        faults.point("hold.answered")
        self.kept = kept
        self._examiner.concluded(decision, "250")
        return protocol.DISCARD if disposition.stay is None else protocol.CONTINUE

    def _without_verdict(self, error: Exception) -> int:
        """Let the message go on, but let no stranger's word stand for a verdict that could not be given."""
        log.failure("the message goes on without a verdict", error, **self._about)
        self._examiner.undecided(self._about, f"no verdict: {type(error).__name__}: {error}", "250")
        try:
            changes = self._examiner.forged(self._transaction, self._envelope)
            if copies := forged.too_many(changes, self._transaction):
                raise ValueError(f"{copies} are too many to remove")
            self._remove(changes)
        except Exception as failure:
            log.failure("forged headers stay on a message", failure, queue_id=self._envelope.queue_id, id=self._id)
        return protocol.CONTINUE

    def _try_again(self) -> int:
        text = f"Cannot be taken now, try again later ({self._id})"
        return reply(self._mta, protocol.TEMPFAIL, "451", "4.3.0", text)

    def _refuse(self, verdict: Verdict) -> int:
        name = verdict.row.name if verdict.row else "refused"
        text = f"Refused: {sanitise(verdict.because, 200)} ({name}, {self._id})"
        return reply(self._mta, protocol.REJECT, "554", "5.7.1", text)

    def _remove_recipients(self, decision: Decision) -> None:
        """Take out of the MTA's own copy whoever gets another, or none for now, in every spelling that was said."""
        removed = set(decision.disposition.removed)
        for said, recipient in zip(self._transaction.recipients, decision.mail.recipients, strict=True):
            if recipient in removed:
                self._mta.delrcpt(said.queued)

    def _apply(self, changes: Changes) -> None:
        """Send the changes: what is removed first."""
        additions = [(name, self._space + value) for name, value in changes.add]
        subject = None if changes.subject is None else self._space + changes.subject
        # All or nothing: what cannot be sent is found before anything is.
        repeated = [(number, self._space + value) for number, value in changes.repeated_subjects.items()]
        for name, value in [*additions, ("Subject", subject or ""), *(("Subject", value) for _, value in repeated)]:
            if b"\0" in f"{name}{value}".encode():
                raise ValueError(f"the header {name} holds a NUL")
        if not forged.too_many(changes, self._transaction):
            self._remove(changes)
        if subject is not None and self._transaction.copies("Subject"):
            self._mta.chgheader("Subject", 1, subject)
        elif subject is not None:
            self._mta.addheader("Subject", subject)
        for number, value in repeated:
            self._mta.chgheader("Subject", number, value)
        for name, value in reversed(additions):
            self._mta.addheader(name, value, 0)

    def _remove(self, changes: Changes) -> None:
        """Remove what is forged, the highest copy first, since copies are counted from the top."""
        every = {name: range(1, self._transaction.copies(name) + 1) for name in changes.remove}
        for name, numbers in (*every.items(), *changes.remove_some.items()):
            for number in sorted(numbers, reverse=True):
                self._mta.chgheader(name, number, None)
