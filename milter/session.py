"""One milter session: pymilter's callbacks made into transactions, and decisions into changes.

A session lasts as long as the SMTP session; it may bring any number of messages, and after XCLIENT it
starts again with another CONNECT. No exception leaves a callback (`protocol.guarded`).
"""

from concurrent.futures import Future
from typing import Any

import Milter

from tamis.contract import Stage
from tamis.mail import IPAddress, new_id, parse_ip
from tamis.milter import log, protocol
from tamis.milter.activity import Activity
from tamis.milter.ending import Ending, reply
from tamis.milter.examiner import Envelope, Examiner
from tamis.milter.protocol import LEADING_SPACE, guarded, noreply
from tamis.milter.recipients import as_queued
from tamis.milter.transaction import Recipient, Transaction
from tamis.quarantine.records import NewMessage


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
        self._kept: NewMessage | None = None
        self._asked_ahead: Future[None] | None = None
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
        self._asked_ahead = self._examiner.ask_ahead(self._envelope(), Stage.CONNECTION)

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
        transaction = self._begin_message(self._address("{mail_addr}", sender), _texts(parameters))
        if self._asked_ahead is not None:
            self._asked_ahead.cancel()  # Where it has not begun, this asks the same and more.
            self._asked_ahead = None
        self._examiner.ask_ahead(self._envelope(), Stage.SENDER, transaction.sender)

    @guarded
    def envrcpt(self, recipient: bytes, *parameters: bytes) -> int | None:
        transaction = self._current()
        address = self._address("{rcpt_addr}", recipient)
        answer = self._refuse_for_now(transaction.sender, address)
        if answer is None:
            queued = as_queued(recipient.decode("utf-8", "surrogateescape"))
            transaction.recipients.append(Recipient(address, _texts(parameters), queued))
        return answer

    @noreply
    @guarded
    def header(self, name: str, value: bytes) -> None:
        self._current().add_header(name, value if self._protocol & LEADING_SPACE else b" " + value)

    @noreply
    @guarded
    def body(self, chunk: bytes) -> None:
        with self._activity.busy():
            self._current().add_body(chunk)

    @guarded
    def abort(self) -> None:
        self._end_message()

    @guarded
    def eom(self) -> int:
        space = bool(self._protocol & LEADING_SPACE)
        ending = Ending(self, self._examiner, self._current(), self._envelope(), space)
        try:
            with self._activity.busy():
                return ending.answer()
        finally:
            self._end_message()
            self._kept = ending.kept

    def _begin_message(self, sender: str, parameters: tuple[str, ...] = ()) -> Transaction:
        self._end_message()
        self._transaction = Transaction(self._examiner.spool, sender, parameters)
        self._activity.message_began()
        return self._transaction

    def _end_message(self) -> None:
        if self._kept is not None:
            # Whatever comes next, the answer to the message before has been given.
            self._examiner.answered(self._kept)
            self._kept = None
        if self._transaction is not None:
            self._transaction.close()
            self._transaction = None
            self._activity.message_ended()

    def _current(self) -> Transaction:
        return self._transaction or self._begin_message("")

    def _refuse_for_now(self, sender: str, recipient: str) -> int | None:
        """The answer to RCPT where a row refuses the recipient for now; whatever fails refuses nobody."""
        message_id, envelope = new_id(), self._envelope()
        refused = self._examiner.refusal(envelope, sender, recipient, message_id)
        if refused is None:
            return None
        log.info(
            "refused for now",
            id=message_id,
            peer=str(envelope.peer or ""),
            helo=envelope.helo,
            sender=sender,
            recipient=recipient,
            row=f"{refused.row.number} {refused.row.name}",
            reason=refused.because,
        )
        text = f"Try again later ({refused.row.name}, {message_id})"
        return reply(self, protocol.TEMPFAIL, "450", "4.7.1", text)

    def _envelope(self) -> Envelope:
        return Envelope(
            peer=self._peer or parse_ip(self._macro("{client_addr}")),
            rdns=self._rdns,
            helo=self._helo,
            authenticated=bool(self._macro("{auth_authen}")),
            local_submission=self._is_local_submission(),
            queue_id=self._macro("i"),
            mta=self._macro("j"),
            listener=self._macro("{daemon_name}"),
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


def _texts(words: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(word.decode("utf-8", "surrogateescape") for word in words)


def _text(word: bytes) -> str:
    """A word of the envelope without its angle brackets; octets that are no UTF-8 survive as surrogates."""
    return word.decode("utf-8", "surrogateescape").strip().removeprefix("<").removesuffix(">")
