"""What SpamAssassin is shown of a message, and whom it is asked of (SPEC, section 1, row 28)."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tamis.headers import sanitise
from tamis.mail import Mail
from tamis.scanners import spamd
from tamis.scanners.endpoint import Endpoint, TooLarge, parse_endpoint
from tamis.scanners.service import Service
from tamis.trace import received

if TYPE_CHECKING:
    from tamis.settings import SpamdSection

_LEFT_OUT: Final = (b"return-path", b"x-envelope-from", b"envelope-sender")
_ITS_OWN: Final = b"x-spam-"


@dataclass(slots=True)
class SpamAssassin:
    """The spamd of a site, of which any endpoint will do."""

    service: Service
    max_bytes: int
    by_recipient: bool = True

    def user(self, mail: Mail) -> str:
        """In whose name it is asked: the recipient's, where there is one."""
        return mail.recipients[0] if self.by_recipient and len(mail.recipients) == 1 else ""

    def judge(self, mail: Mail, deadline: float) -> spamd.Judgement:
        """Return what it says. Raises `Unanswered`, or `TooLarge`."""
        if mail.message.size > self.max_bytes or mail.message.size_capped:
            raise TooLarge
        octets, user = shown(mail), self.user(mail)

        def question(endpoint: Endpoint, until: float) -> spamd.Judgement:
            return spamd.judge(endpoint, octets, user, until)

        return self.service.ask(question, deadline)

    def key(self, mail: Mail) -> bytes | None:
        """All that its answer depends on: the message, and the envelope that it is told."""
        if mail.message.size_capped:
            return None
        digest = hashlib.blake2b(mail.message.digest, digest_size=20)
        digest.update(repr((str(mail.peer), mail.rdns, mail.helo, mail.mail_from, self.user(mail))).encode())
        return digest.digest()


def spamassassin(settings: "SpamdSection") -> SpamAssassin | None:
    """Return the spamd of a site, None where none is configured."""
    endpoints = [endpoint for endpoint in map(parse_endpoint, settings.endpoints) if endpoint is not None]
    if not endpoints:
        return None
    service = Service("spamd", endpoints, spamd.ping, watched=False)
    return SpamAssassin(service, settings.max_bytes, settings.by_recipient)


def shown(mail: Mail) -> bytes:
    """Return a message with the envelope above it, as SpamAssassin reads it: `Return-Path:` and `Received:`.

    What the message itself says there is left out, and what SpamAssassin would have written.
    """
    message = mail.message
    start = f"Return-Path: <{sanitise(mail.mail_from)}>\nReceived: {received(mail, mail.mta)}\n".encode()
    kept = (
        b"%s:%s\n" % (one.name, one.value)
        for one in message.headers
        if one.name.lower() not in _LEFT_OUT and not one.name.lower().startswith(_ITS_OWN)
    )
    return (start + b"".join(kept) + b"\n" + message.body).replace(b"\n", b"\r\n")
