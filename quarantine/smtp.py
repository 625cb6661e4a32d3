"""Handing copies to the MTA's listener over SMTP, in pieces: a message may be larger than memory should be."""

import re
import smtplib
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

from tamis import faults
from tamis.quarantine.outbox import Envelope, Outgoing, Result
from tamis.quarantine.parameters import without_success

_ATOM: Final = re.compile(r"[^\x00-\x20\x7f()<>\[\]:;@\\,\"]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_ENDS_A_COMMAND: Final = re.compile(r"[\r\n\0]")
_FOR_GOOD: Final = range(500, 600)


class Listener:
    """A connection to an SMTP server, kept for as many copies as wanted. One thread at a time."""

    def __init__(self, server: str, timeout: float) -> None:
        host, _, port = server.rpartition(":")
        self._host, self._port, self._timeout = host.strip("[]"), int(port), timeout
        self._smtp: smtplib.SMTP | None = None

    def deliver(self, copy: Outgoing, pieces: Iterable[bytes], before_dot: Callable[[], None]) -> list[Result]:
        """Send a copy to its recipients and return what the server said of each.

        `before_dot` is called when all but the final dot has been sent; what it raises is raised, and the server
        has then taken nothing. Raises `OSError` or `smtplib.SMTPException` where no answer came.
        """
        smtp = self._open()
        try:
            return self._transaction(smtp, copy, pieces, before_dot)
        except BaseException:
            # In the middle of a message nothing else can be said: without its end it is not taken.
            self._drop()
            raise

    def close(self) -> None:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _open(self) -> smtplib.SMTP:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self._smtp.docmd("RSET")[0] == 250:
                    return self._smtp
            self._drop()
        smtp = smtplib.SMTP(timeout=self._timeout)
        code, text = smtp.connect(self._host, self._port)
        # The final dot is written alone, and must not wait until the other side acknowledges what came before it.
        if smtp.sock is not None:
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if code == 220:
            code, text = smtp.ehlo()
        if code != 250:
            smtp.close()
            raise smtplib.SMTPConnectError(code, text)
        self._smtp = smtp
        faults.point("send.connected")
        return smtp

    def _transaction(
        self, smtp: smtplib.SMTP, copy: Outgoing, pieces: Iterable[bytes], before_dot: Callable[[], None]
    ) -> list[Result]:
        # UTF-8 where it was agreed on; what is ASCII is the same in both.
        smtp.command_encoding = "utf-8"
        code, text = smtp.docmd(f"MAIL FROM:<{path(copy.sender)}>{_options(smtp, copy.mail_parameters)}")
        if code != 250:
            return [_result(envelope, envelope.addresses, code, text) for envelope in copy.recipients]
        refused: dict[tuple[str, str], tuple[int, bytes]] = {}
        accepted = 0
        for envelope in copy.recipients:
            parameters = envelope.parameters
            for address in envelope.addresses:
                code, text = smtp.docmd(f"RCPT TO:<{path(address)}>{_options(smtp, parameters)}")
                # One notice of success is enough for one recipient, however many addresses it stands for.
                parameters = without_success(envelope.parameters)
                if code in (250, 251):
                    accepted += 1
                else:
                    refused[envelope.copy_id, address] = code, text
        answer = self._content(smtp, pieces, before_dot) if accepted else (0, b"")
        faults.point("send.accepted")
        return [_answer(envelope, refused, answer) for envelope in copy.recipients]

    def _content(
        self, smtp: smtplib.SMTP, pieces: Iterable[bytes], before_dot: Callable[[], None]
    ) -> tuple[int, bytes]:
        code, text = smtp.docmd("DATA")
        if code != 354:
            return code, text
        for piece in stuffed(pieces):
            smtp.send(piece)
            faults.point("send.content")
        before_dot()
        smtp.send(b".\r\n")
        return smtp.getreply()


def _options(smtp: smtplib.SMTP, parameters: str) -> str:
    """The parameters that the server knows: one that knows no DSN must not be asked for one."""
    needs = {"RET": "dsn", "ENVID": "dsn", "NOTIFY": "dsn", "ORCPT": "dsn", "BODY": "8bitmime", "SMTPUTF8": "smtputf8"}
    words = [word for word in parameters.split() if needs.get(word.partition("=")[0].upper()) in smtp.esmtp_features]
    return "".join(f" {word}" for word in words)


def _answer(
    envelope: Envelope, refused: dict[tuple[str, str], tuple[int, bytes]], content: tuple[int, bytes]
) -> Result:
    """What became of one recipient's copy, from the answers to its addresses and to the content."""
    turned_away = tuple(address for address in envelope.addresses if (envelope.copy_id, address) in refused)
    if content[0] != 250 and len(turned_away) < len(envelope.addresses):
        return _result(envelope, envelope.addresses, *content)
    if not turned_away:
        return _result(envelope, (), *content)
    answers = [refused[envelope.copy_id, address] for address in turned_away]
    waiting = [answer for answer in answers if answer[0] not in _FOR_GOOD]
    return _result(envelope, turned_away, *(waiting or answers)[0])


def _result(envelope: Envelope, left: tuple[str, ...], code: int, text: bytes) -> Result:
    reply = f"{code} {text.decode('utf-8', 'replace')}".replace("\n", " ")
    return Result(envelope.copy_id, reply, left, bool(left) and code in _FOR_GOOD)


def path(address: str) -> str:
    """Return an address as it stands in a command: a local part that needs quotes gets them (RFC 5321, 4.1.2)."""
    local, at, domain = _ENDS_A_COMMAND.sub("?", address).rpartition("@")
    if not at:
        local, domain = domain, ""
    if not local or _QUOTED.fullmatch(local) or _ATOM.fullmatch(local):
        return f"{local}{at}{domain}"
    escaped = re.sub(r'(["\\])', r"\\\1", local)
    return f'"{escaped}"{at}{domain}'


def stuffed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a message with the dots at line starts doubled, ending in a line end (RFC 5321, section 4.5.2)."""
    at_start, kept = True, b""
    ended = True
    for piece in pieces:
        octets = kept + piece
        # A CR at the end may be one half of a line end.
        kept = b"\r" if octets.endswith(b"\r") else b""
        octets = octets[: len(octets) - len(kept)]
        if not octets:
            continue
        if at_start and octets.startswith(b"."):
            octets = b"." + octets
        at_start = ended = octets.endswith(b"\r\n")
        yield octets.replace(b"\r\n.", b"\r\n..")
    if kept or not ended:
        yield kept + b"\r\n"
