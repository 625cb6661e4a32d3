"""Signed words: what stands in a link of a mail, in a cookie or in a form, and nobody else can have written.

A token says for what it is (its purpose), of whom it speaks (its subject) and until when it holds. What is signed for
one purpose is worth nothing for another. HMAC-SHA-256 under the site's secret (`tamis.secret`).
"""

import base64
import binascii
import enum
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Final

from tamis import limits

_MAC_BYTES: Final = 20


class Purpose(enum.StrEnum):
    """What a token is for. Links and the visits that follow them are apart: a cookie is no link."""

    RELEASE = "release"
    """The link in a notice: held messages of the sender that the subject names."""
    RELEASE_VISIT = "release-visit"
    MAILBOX = "mailbox"
    """The link in a digest: held mail of the mailbox that the subject names."""
    MAILBOX_VISIT = "mailbox-visit"
    FORM = "form"
    """A form of ours, for the visit that the subject names."""
    CODE = "code"
    """A code to be read from an image."""


class BadToken(ValueError):
    """A token that nobody of this site has signed for that purpose."""


class Expired(BadToken):
    """A token that held once."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. `expires` is in seconds since 1970."""

    subject: str
    expires: int


class Tokens:
    """Makes and reads tokens under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, purpose: Purpose, subject: str, seconds: float, now: float | None = None) -> str:
        """Return a token that holds for so many seconds, of letters that a URL and a cookie take as they are."""
        expires = int((time.time() if now is None else now) + seconds)
        body = f"{expires}:{subject}".encode()
        return _encode(self.mac(purpose, body) + body)

    def read(self, purpose: Purpose, text: str, now: float | None = None) -> Token:
        """Return what a token says. Raises `Expired`, or `BadToken` for all that was not made for that purpose."""
        if len(text) > limits.TOKEN_CHARS or not text.isascii():
            raise BadToken("not a token")
        try:
            octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BadToken("not a token") from None
        mac, body = octets[:_MAC_BYTES], octets[_MAC_BYTES:]
        # What has spare bits at its end would be the same token by another name.
        if not hmac.compare_digest(mac, self.mac(purpose, body)) or _encode(octets) != text:
            raise BadToken("not signed here for this")
        expires, _, subject = body.decode().partition(":")
        if (time.time() if now is None else now) >= int(expires):
            raise Expired("it held until a moment that has passed")
        return Token(subject, int(expires))

    def mac(self, purpose: Purpose, octets: bytes) -> bytes:
        """Return what only this site can work out of some octets, for that purpose."""
        return hmac.digest(self._secret, purpose.value.encode() + b"\0" + octets, hashlib.sha256)[:_MAC_BYTES]


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
