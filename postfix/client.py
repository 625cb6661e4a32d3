"""A small SMTP client for tests and demo: it says who it is by XCLIENT and keeps the octets as they are."""

import re
import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_QUEUE_ID = re.compile(r"queued as ([0-9A-Za-z]+)")
_BARE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """How the server took one message.

    `stage` is the command that was answered last: connect, ehlo, xclient, mail, rcpt, data or message.
    `refused` holds the recipients that were turned away, each with its reply.
    """

    code: int
    text: str
    stage: str
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the server has taken the message over, for one recipient at least."""
        return self.stage == "message" and self.code == 250

    @property
    def queue_id(self) -> str:
        """Postfix's name for the message, empty when it was not accepted."""
        found = _QUEUE_ID.search(self.text)
        return found.group(1) if found else ""


def xtext(value: str) -> str:
    """Encode an XCLIENT attribute value (RFC 3461, section 4)."""
    return "".join(
        chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}" for byte in value.encode("utf-8")
    )


def xclient_attributes(peer: str | None, name: str | None, login: str | None) -> list[str]:
    """Return the attributes for a peer; a peer without a name has no reverse DNS."""
    attributes = []
    if peer is not None:
        host = xtext(name) if name else "[UNAVAILABLE]"
        address = f"IPV6:{peer}" if ":" in peer else peer
        attributes += [f"ADDR={address}", f"NAME={host}", f"REVERSE_NAME={host}"]
    if login is not None:
        attributes.append(f"LOGIN={xtext(login)}")
    return attributes


class SmtpSession:
    """One connection, for as many messages as wanted. A context manager."""

    def __init__(
        self,
        port: int,
        peer: str | None = None,
        name: str | None = None,
        helo: str = "client.example",
        login: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._smtp = smtplib.SMTP(timeout=timeout)
        self._smtp.command_encoding = "utf-8"
        self.refusal: SmtpReply | None = None
        self._open(port, helo, xclient_attributes(peer, name, login))

    def _open(self, port: int, helo: str, attributes: Sequence[str]) -> None:
        code, text = self._smtp.connect("127.0.0.1", port)
        if code != 220:
            self.refusal = _reply(code, text, "connect")
            return
        steps = [("EHLO", helo, 250)]
        if attributes:
            # XCLIENT resets the session: only the EHLO said after it counts.
            steps += [("XCLIENT", " ".join(attributes), 220), ("EHLO", helo, 250)]
        for verb, argument, wanted in steps:
            code, text = self._smtp.docmd(verb, argument)
            if code != wanted:
                self.refusal = _reply(code, text, verb.lower())
                return

    def send(
        self,
        message: bytes,
        sender: str,
        recipients: Sequence[str],
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] | Mapping[str, Sequence[str]] = (),
    ) -> SmtpReply:
        """Send one message; line ends become CRLF, nothing else is changed.

        `rcpt_options` are those of every recipient, or of each one by name.
        """
        if self.refusal is not None:
            return self.refusal
        code, text = self._smtp.docmd(_command(f"MAIL FROM:<{sender}>", mail_options))
        if code != 250:
            self._smtp.docmd("RSET")
            return _reply(code, text, "mail")
        refused: dict[str, tuple[int, str]] = {}
        for recipient in recipients:
            options = rcpt_options.get(recipient, ()) if isinstance(rcpt_options, Mapping) else rcpt_options
            code, text = self._smtp.docmd(_command(f"RCPT TO:<{recipient}>", options))
            if code not in (250, 251):
                refused[recipient] = (code, text.decode("utf-8", "replace"))
        if len(refused) == len(recipients):
            self._smtp.docmd("RSET")
            return _reply(code, text, "rcpt", refused)
        code, text = self._smtp.docmd("DATA")
        if code != 354:
            return _reply(code, text, "data", refused)
        self._smtp.send(dot_stuffed(message))
        code, text = self._smtp.getreply()
        return _reply(code, text, "message", refused)

    def close(self) -> None:
        """Say goodbye; a server that has already gone is no error."""
        try:
            self._smtp.quit()
        except (smtplib.SMTPException, OSError):
            self._smtp.close()

    def __enter__(self) -> "SmtpSession":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            # QUIT in the middle of a message would be part of it, and never be answered.
            self._smtp.close()


def dot_stuffed(message: bytes) -> bytes:
    """Return a message as it goes over the wire after DATA, the final dot included."""
    wire = _BARE_LF.sub(b"\r\n", message)
    if not wire.endswith(b"\r\n"):
        wire += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", wire) + b".\r\n"


def _command(verb: str, options: Sequence[str]) -> str:
    return " ".join([verb, *options])


def _reply(code: int, text: bytes, stage: str, refused: dict[str, tuple[int, str]] | None = None) -> SmtpReply:
    return SmtpReply(code, text.decode("utf-8", "replace"), stage, refused or {})


def send(
    port: int,
    message: bytes,
    sender: str,
    recipients: Sequence[str],
    *,
    peer: str | None = None,
    name: str | None = None,
    helo: str = "client.example",
    login: str | None = None,
    timeout: float = 60.0,
) -> SmtpReply:
    """Send one message over a connection of its own; a connection that breaks is a reply with code 0."""
    try:
        with SmtpSession(port, peer, name, helo, login, timeout) as session:
            return session.send(message, sender, recipients)
    except (smtplib.SMTPException, OSError) as error:
        return SmtpReply(0, str(error) or type(error).__name__, "connection")
