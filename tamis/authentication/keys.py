"""Public keys of signers: their records in the DNS, and signatures held against them (RFC 6376, section 3.6; 8463)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tamis import limits
from tamis.authentication.results import Result, Unverified
from tamis.authentication.tags import decode_base64, parse_tags
from tamis.dns import Answer, Status

_SHA256: Final = Prehashed(SHA256())
_ED25519_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A key. `verify` takes a signature and the SHA-256 it signs, and raises `InvalidSignature`.

    `testing`: the domain is only trying out its signatures (t=y). `same_domain`: i= must be d= itself (t=s).
    """

    verify: Callable[[bytes, bytes], None]
    testing: bool = False
    same_domain: bool = False


def key_of(answer: Answer, algorithm: str) -> Key:
    """Return the key in an answer, for signatures made with "rsa" or "ed25519". Raises `Unverified`."""
    if answer.temporary:
        raise Unverified(Result.TEMPERROR, f"the DNS does not answer for the key: {answer.status}")
    if answer.status is not Status.OK:
        raise Unverified(Result.PERMERROR, "there is no key")
    key = _read(answer.records[0], algorithm)
    if isinstance(key, Unverified):
        raise Unverified(key.result, key.reason)
    return key


@lru_cache(maxsize=limits.DKIM_KEYS)
def _read(record: bytes, algorithm: str) -> Key | Unverified:
    """Read a record, once for all messages that a signer signs so."""
    try:
        return _key(record, algorithm)
    except Unverified as why:
        return Unverified(why.result, why.reason)


def _key(record: bytes, algorithm: str) -> Key:
    tags = parse_tags(record) if len(record) <= limits.DKIM_KEY_BYTES else None
    if tags is None or tags.get("v", "DKIM1") != "DKIM1":
        raise Unverified(Result.PERMERROR, "the key record cannot be read")
    if "sha256" not in _words(tags.get("h", "sha256")):
        raise Unverified(Result.PERMERROR, "the key is not for SHA-256")
    if not {"*", "email"} & _words(tags.get("s", "*")):
        raise Unverified(Result.PERMERROR, "the key is not for mail")
    if tags.get("k", "rsa").lower() != algorithm:
        raise Unverified(Result.PERMERROR, "the key is of another kind than the signature")
    if tags.get("p") == "":
        raise Unverified(Result.PERMERROR, "the key was revoked")
    octets = decode_base64(tags.get("p", ""))
    if not octets:
        raise Unverified(Result.PERMERROR, "the key record cannot be read")
    flags = _words(tags.get("t", ""))
    verify = _rsa(octets) if algorithm == "rsa" else _ed25519(octets)
    return Key(verify, testing="y" in flags, same_domain="s" in flags)


def _words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(":")}


def _rsa(octets: bytes) -> Callable[[bytes, bytes], None]:
    try:
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise Unverified(Result.PERMERROR, "the key cannot be read")
    if not limits.RSA_LEAST_BITS <= key.key_size <= limits.RSA_MOST_BITS:
        raise Unverified(Result.POLICY, f"the key has {key.key_size} bits")
    if key.public_numbers().e.bit_length() > limits.RSA_EXPONENT_BITS:
        raise Unverified(Result.POLICY, "the exponent of the key is too large")
    return lambda signature, digest: key.verify(signature, digest, PKCS1v15(), _SHA256)


def _ed25519(octets: bytes) -> Callable[[bytes, bytes], None]:
    if len(octets) != _ED25519_BYTES:
        raise Unverified(Result.PERMERROR, "the key cannot be read")
    return Ed25519PublicKey.from_public_bytes(octets).verify


def check(key: Key, signature: bytes, digest: bytes) -> None:
    """Raise `Unverified` where a signature of a digest was not made with the key."""
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        raise Unverified(Result.NEUTRAL if key.testing else Result.FAIL, "the signature does not match") from None
