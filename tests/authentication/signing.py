"""Signed mail for the tests: dkimpy signs what Tamis verifies. Keys are made once for each run."""

import base64
from dataclasses import dataclass
from functools import cache
from typing import Any

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tamis.authentication import Authentication, SpfCheck
from tamis.dns.zone import ZoneDns
from tamis.mail import Mail, parse_ip
from tamis.message import Message

HEADER = (
    b"From: Ann <ann@example.net>\r\nTo:bob@example.org,\r\n  eve@example.org\r\nSubject:  two  spaces \r\n"
    b"Date: Tue, 14 Oct 2025 09:12:00 +0200\r\nMessage-ID: <1@example.net>\r\n"
)
BODY = b"Hello,\r\n\r\n \t dots .  and\tspaces \r\n\r\n\r\n"
FIELDS = [b"from", b"to", b"subject", b"date", b"message-id", b"list-id"]


@dataclass(frozen=True)
class Key:
    """A private key as dkimpy wants it, and the record of its public half."""

    private: bytes
    record: str
    algorithm: bytes


@cache
def rsa_key(bits: int = 2048) -> Key:
    key = rsa.generate_private_key(65537, bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}", b"rsa-sha256")


@cache
def ed25519_key() -> Key:
    key = ed25519.Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return Key(base64.b64encode(key.private_bytes_raw()), f"v=DKIM1; k=ed25519; p={public}", b"ed25519-sha256")


def signed(
    message: bytes = HEADER + b"\r\n" + BODY,
    key: Key | None = None,
    domain: str = "example.net",
    forms: str = "relaxed/relaxed",
    **more: Any,
) -> bytes:
    """Put a signature above a message with CRLF line ends."""
    key = key or rsa_key()
    header, body = forms.encode().split(b"/")
    signature: bytes = dkim.sign(
        message,
        b"sel",
        domain.encode(),
        key.private,
        canonicalize=(header, body),
        signature_algorithm=key.algorithm,
        include_headers=more.pop("include_headers", FIELDS),
        **more,
    )
    return signature + message


def zone(key: Key | None = None, domain: str = "example.net") -> dict[str, Any]:
    """Return what the DNS holds of a signer."""
    return {f"sel._domainkey.{domain} TXT": [(key or rsa_key()).record]}


def said(
    message: bytes, dns: dict[str, Any] | None = None, spf: SpfCheck | None = None, **envelope: Any
) -> Authentication:
    """Return what is said of a message with CRLF line ends."""
    peer = parse_ip(envelope.pop("peer", "192.0.2.7"))
    mail = Mail(Message(message), peer, **{"sender": "ann@example.net", **envelope})
    return Authentication(mail, ZoneDns(dns if dns is not None else zone()), spf)
