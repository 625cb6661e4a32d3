"""One milter session: pymilter's callbacks made into transactions, and decisions into changes.

A session lasts as long as the SMTP session; it may bring any number of messages, and after XCLIENT it
starts again with another CONNECT. No exception leaves a callback (`protocol.guarded`).
"""

from collections.abc import Iterable
from typing import Any

import Milter

from tamis.headers import Changes
from tamis.mail import IPAddress, new_id, parse_ip
from tamis.milter import forged, log
from tamis.milter.activity import Activity
from tamis.milter.examiner import Envelope, Examiner
from tamis.milter.protocol import CONTINUE, LEADING_SPACE, REJECT, guarded, noreply
from tamis.milter.transaction import Transaction


@Milter.header_leading_space
class Session(Milter.Base):  # type: ignore[misc]
    """What libmilter calls. Every attribute exists before any callback, since a callback may be left out:
    libmilter's Python binding drops those whose text is not UTF-8."""

    _last_negotiated = 0

    def __init__(self, examiner: Examiner, activity: Activity) -> None:
        self._examiner = examiner
        self._activity = activity
        self._protocol = 0
        self._peer: IPAddress | None = None
        self._port: int | None = None
        self._rdns = ""
        self._helo = ""
        self._transaction: Transaction | None = None
        self._open = True
        activity.session_opened()

    # --- the connection

    def negotiate(self, options: list[int]) -> int:
        answer: int = super().negotiate(options)
        Session._last_negotiated = self._protocol
        return answer

    @noreply
    @guarded
    def connect(self, hostname: str, family: int, address: Any) -> None:
        if not self._protocol:
            # A connection used again (SMFIC_QUIT_NC) does not negotiate a second time.
            self._protocol = Session._last_negotiated
        self._end_message()
        self._peer = parse_ip(str(address[0])) if isinstance(address, tuple) else None
        self._port = int(address[1]) if isinstance(address, tuple) else None
        self._rdns = "" if hostname.startswith("[") or hostname.lower() == "unknown" else hostname
        self._helo = ""

    @noreply
    @guarded
    def hello(self, hostname: str) -> None:
        self._end_message()
        self._helo = hostname

    @guarded
    def close(self) -> None:
        self._end_message()
        if self._open:
            self._open = False
            self._activity.session_closed()

    # --- the message

    # The MTA's own reading of an address goes before the client's spelling of it: quotes, comments, routes,
    # "user%domain" and the like would be ways around lists and policies.

    @noreply
    @guarded
    def envfrom(self, sender: bytes, *parameters: bytes) -> None:
        self._begin_message(self._address("{mail_addr}", sender))

    @noreply
    @guarded
    def envrcpt(self, recipient: bytes, *parameters: bytes) -> None:
        self._current().recipients.append(self._address("{rcpt_addr}", recipient))

    @noreply
    @guarded
    def header(self, name: str, value: bytes) -> None:
        self._current().add_header(name, value if self._protocol & LEADING_SPACE else b" " + value)

    @noreply
    @guarded
    def body(self, chunk: bytes) -> None:
        self._current().add_body(chunk)

    @guarded
    def abort(self) -> None:
        self._end_message()

    @guarded
    def eom(self) -> int:
        try:
            return self._decide(self._current())
        finally:
            self._end_message()

    def _begin_message(self, sender: str) -> Transaction:
        self._end_message()
        self._transaction = Transaction(sender)
        self._activity.message_began()
        return self._transaction

    def _end_message(self) -> None:
        if self._transaction is not None:
            self._transaction = None
            self._activity.message_ended()

    def _current(self) -> Transaction:
        return self._transaction or self._begin_message("")

    # --- the decision

    def _decide(self, transaction: Transaction) -> int:
        message_id, envelope = new_id(), self._envelope()
        about: dict[str, object] = {
            "queue_id": envelope.queue_id,
            "id": message_id,
            "peer": str(envelope.peer or ""),
            "sender": transaction.sender,
            "recipients": transaction.recipients,
        }
        try:
            decision = self._examiner.decide(transaction, envelope, message_id, self.progress)
            self._apply(decision.changes, transaction)
        except forged.Refused as refusal:
            log.warning("the message is refused", because=str(refusal), **about)
            self.setreply("554", "5.7.1", f"Message refused: {refusal}")
            return REJECT
        except Exception as error:
            log.failure("the message goes on without a verdict", error, **about)
            self._remove_forged(transaction, envelope, message_id)
        else:
            log.decision(decision.fields)
        return CONTINUE

    def _remove_forged(self, transaction: Transaction, envelope: Envelope, message_id: str) -> None:
        """Let no stranger's word stand for a verdict that could not be given."""
        try:
            names = self._examiner.forged_names(envelope)
            if copies := forged.too_many(names, transaction):
                raise ValueError(f"{copies} are too many to remove")
            self._remove(names, transaction)
        except Exception as error:
            log.failure("forged headers stay on a message", error, queue_id=envelope.queue_id, id=message_id)

    def _envelope(self) -> Envelope:
        return Envelope(
            peer=self._peer or parse_ip(self._macro("{client_addr}")),
            rdns=self._rdns,
            helo=self._helo,
            authenticated=bool(self._macro("{auth_authen}")),
            local_submission=self._is_local_submission(),
            queue_id=self._macro("i"),
        )

    def _is_local_submission(self) -> bool:
        """Whether sendmail(1) handed the message over.

        Postfix then has no client and invents one, at 127.0.0.1 with port 0 for both ends (non_smtpd_milters).
        A client that really connected, over loopback too, has a port.
        """
        if self._port != 0 or self._peer is None or not self._peer.is_loopback:
            return False
        return self._macro("{daemon_port}") in ("", "0")

    def _macro(self, name: str) -> str:
        """The value of a macro of the MTA, empty when it has none or when it is not UTF-8."""
        try:
            return self.getsymval(name) or ""
        except Exception:
            return ""

    def _address(self, macro: str, said: bytes) -> str:
        """The address as the MTA reads it; as the client said it where only the case differs, which Postfix folds."""
        read, text = self._macro(macro), _text(said)
        return text if not read or read.lower() == text.lower() else read

    def _apply(self, changes: Changes, transaction: Transaction) -> None:
        """Send the changes: what is removed first."""
        space = " " if self._protocol & LEADING_SPACE else ""
        additions = [(name, space + value) for name, value in changes.add]
        subject = None if changes.subject is None else space + changes.subject
        # All or nothing: what cannot be sent is found before anything is.
        repeated = [(number, space + value) for number, value in changes.repeated_subjects.items()]
        for name, value in [*additions, ("Subject", subject or ""), *(("Subject", value) for _, value in repeated)]:
            if b"\0" in f"{name}{value}".encode():
                raise ValueError(f"the header {name} holds a NUL")
        if not forged.too_many(changes.remove, transaction):
            self._remove(changes.remove, transaction)
        if subject is not None and transaction.copies("Subject"):
            self.chgheader("Subject", 1, subject)
        elif subject is not None:
            self.addheader("Subject", subject)
        for number, value in repeated:
            self.chgheader("Subject", number, value)
        for name, value in reversed(additions):
            self.addheader(name, value, 0)

    def _remove(self, names: Iterable[str], transaction: Transaction) -> None:
        """Remove every copy of these fields, the highest first, since copies are counted from the top."""
        for name in names:
            for copy in range(transaction.copies(name), 0, -1):
                self.chgheader(name, copy, None)


def _text(word: bytes) -> str:
    """A word of the envelope without its angle brackets; octets that are no UTF-8 survive as surrogates."""
    return word.decode("utf-8", "surrogateescape").strip().removeprefix("<").removesuffix(">")
