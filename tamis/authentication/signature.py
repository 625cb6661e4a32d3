"""One signature over header and body: DKIM's (RFC 6376), and ARC's over the message, which is made alike (RFC 8617)."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.addresses import normalise_domain
from tamis.authentication.keys import check, key_of
from tamis.authentication.results import Result, Unverified
from tamis.authentication.signed import SignedMessage
from tamis.authentication.tags import decode_base64, parse_tags
from tamis.dns import Answer, Question

_ALGORITHMS: Final = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
_FORMS: Final = {"simple": False, "relaxed": True}
_CLOCKS_SECONDS: Final = 300
"""By how much the clocks of others may be wrong."""
_NUMBER: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, with which key, and the signature: what all signatures have in common."""

    domain: str
    selector: str
    algorithm: str
    signature: bytes

    @property
    def question(self) -> Question:
        return Question(f"{self.selector}._domainkey.{self.domain}", "TXT")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over fields and body. `number` is that of its own field; `length` the octets of the body (l=)."""

    signer: Signer
    number: int
    relaxed_header: bool
    relaxed_body: bool
    names: tuple[bytes, ...]
    body_hash: bytes
    length: int | None
    identity: str


def tags_of(value: bytes) -> dict[str, str]:
    """Return the tags of a signature field. Raises `Unverified`."""
    if len(value) > limits.DKIM_FIELD_BYTES:
        raise Unverified(Result.NEUTRAL, "the signature is too long")
    tags = parse_tags(value)
    if tags is None:
        raise Unverified(Result.NEUTRAL, "the signature cannot be read")
    return tags


def signer_of(tags: dict[str, str]) -> Signer:
    """Return who signs. Raises `Unverified`."""
    domain, selector = normalise_domain(tags.get("d", "")), tags.get("s", "")
    signature = decode_base64(tags.get("b", ""))
    if not domain or not selector or not signature:
        raise Unverified(Result.NEUTRAL, "the signature lacks d=, s= or b=")
    algorithm = tags.get("a", "").lower()
    if algorithm == "rsa-sha1":
        raise Unverified(Result.POLICY, "SHA-1 is not accepted")
    if algorithm not in _ALGORITHMS:
        raise Unverified(Result.NEUTRAL, "the signature is of an unknown kind")
    return Signer(domain, selector, algorithm, signature)


def read(tags: dict[str, str], number: int, now: float, forms: str = "simple/simple") -> Signature:
    """Return a signature over a message. Raises `Unverified`. `now`: seconds since 1970; `forms`: without c=."""
    signer = signer_of(tags)
    header, _, body = tags.get("c", forms).lower().partition("/")
    body_hash = decode_base64(tags.get("bh", ""))
    if header not in _FORMS or (body or "simple") not in _FORMS or not body_hash:
        raise Unverified(Result.NEUTRAL, "the signature lacks bh=, or has an unknown c=")
    names = tuple(name.strip().lower().encode("utf-8", "surrogateescape") for name in tags.get("h", "").split(":"))
    signed_at, ends_at, length = (_number(tags, name) for name in "txl")
    if ends_at is not None and (ends_at < now - _CLOCKS_SECONDS or ends_at < (signed_at or 0)):
        raise Unverified(Result.FAIL, "the signature has expired")
    if signed_at is not None and signed_at > now + _CLOCKS_SECONDS:
        raise Unverified(Result.FAIL, "the signature is of the future")
    _, at, identity = tags.get("i", "").rpartition("@")
    identity = normalise_domain(identity) if at else signer.domain  # ARC's i= is a number.
    return Signature(signer, number, _FORMS[header], _FORMS[body or "simple"], names, body_hash, length, identity)


def _number(tags: dict[str, str], name: str) -> int | None:
    text = tags.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise Unverified(Result.NEUTRAL, f"{name}= of the signature is no number")
    return int(text)


def verify(message: SignedMessage, signature: Signature, answer: Answer) -> None:
    """Raise `Unverified` where a signature does not hold for a message; `answer` is the DNS's, for the key."""
    if not message.complete:
        raise Unverified(Result.TEMPERROR, "not all of the message is here")
    key = key_of(answer, _ALGORITHMS[signature.signer.algorithm])
    if key.same_domain and signature.identity != signature.signer.domain:
        raise Unverified(Result.PERMERROR, "the key is not for subdomains")
    digest, length = message.body_hash(signature.relaxed_body)
    if signature.length is not None and signature.length != length:
        # What follows may be anybody's; a text of others could even be put in front of it (RFC 6376, section 8.2).
        raise Unverified(Result.POLICY, "l= leaves a part of the body unsigned")
    if digest != signature.body_hash:
        raise Unverified(Result.NEUTRAL if key.testing else Result.FAIL, "the body was changed")
    signed = hashlib.sha256()
    for field in message.chosen(signature.names, signature.relaxed_header, signature.number):
        signed.update(field)
    signed.update(message.own_field(signature.number, signature.relaxed_header))
    check(key, signature.signer.signature, signed.digest())


def verify_digest(signer: Signer, answer: Answer, digest: bytes) -> None:
    """Raise `Unverified` where a digest was not signed so; `answer` is the DNS's, for the key."""
    check(key_of(answer, _ALGORITHMS[signer.algorithm]), signer.signature, digest)
