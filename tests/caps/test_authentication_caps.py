"""Caps on signatures, keys and what is written in the DNS about mail."""

import base64
from ipaddress import ip_address

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tamis import limits
from tamis.authentication import dmarc
from tamis.authentication.keys import _read, key_of
from tamis.authentication.results import Unverified
from tamis.dns import Answer, Status
from tamis.dns.zone import ZoneDns
from tamis.spf_query import SpfQuery
from tests.authentication.signing import rsa_key, said

POINTER = "7.2.0.192.in-addr.arpa PTR"
PLAIN = b"From: a@example.net\r\n\r\nx\r\n"


def _answer(record: bytes) -> Answer:
    return Answer(Status.OK, (record,))


def _record(key: rsa.RSAPublicKey) -> bytes:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; p=" + base64.b64encode(der)


def test_key_record() -> None:
    record = rsa_key().record.encode()
    room = limits.DKIM_KEY_BYTES - len(record) - len("; n=")
    assert key_of(_answer(record + b"; n=" + b"x" * room), "rsa")
    with pytest.raises(Unverified, match="cannot be read"):
        key_of(_answer(record + b"; n=" + b"x" * (room + 1)), "rsa")


def test_keys_kept() -> None:
    _read.cache_clear()
    for number in range(limits.DKIM_KEYS + 10):
        _read(b"v=DKIM1; p=; n=%d" % number, "rsa")
    assert _read.cache_info().currsize == limits.DKIM_KEYS
    _read.cache_clear()


@pytest.mark.parametrize("bits", [limits.RSA_LEAST_BITS // 2, limits.RSA_MOST_BITS + 512])
def test_rsa_bits(bits: int) -> None:
    public = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) | 1).public_key()
    with pytest.raises(Unverified, match=f"{bits} bits"):
        key_of(_answer(_record(public)), "rsa")


def test_rsa_exponent() -> None:
    modulus = rsa_key_modulus()
    exponent = (1 << limits.RSA_EXPONENT_BITS) | 1
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    with pytest.raises(Unverified, match="exponent"):
        key_of(_answer(_record(public)), "rsa")


def rsa_key_modulus() -> int:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key().public_numbers().n


@pytest.mark.parametrize(("number", "why"), [(limits.ARC_SETS, "h="), (limits.ARC_SETS + 1, "not complete")])
def test_arc_sets(number: int, why: str) -> None:
    one = b"ARC-Authentication-Results: i=%d; x\r\nARC-Message-Signature: i=%d; a=b\r\nARC-Seal: i=%d; h=x; a=b\r\n"
    fields = b"".join(one % (i, i, i) for i in range(number, 0, -1))
    result = said(fields + PLAIN).arc
    assert result.result == "fail"
    assert why in result.reason


def test_dmarc_record() -> None:
    record = b"v=DMARC1; p=reject; x="
    room = limits.DMARC_RECORD_BYTES - len(record)
    assert dmarc._records(_answer(record + b"x" * room))
    assert not dmarc._records(_answer(record + b"x" * (room + 1)))


@pytest.mark.parametrize(("place", "result"), [(limits.PEER_NAMES, "pass"), (limits.PEER_NAMES + 1, "fail")])
def test_peer_names(place: int, result: str) -> None:
    names = [f"n{number}.example" for number in range(1, place + 1)]
    zone = {POINTER: names, f"{names[-1]} A": ["192.0.2.7"]}
    assert said(PLAIN, zone).iprev.result == result


@pytest.mark.parametrize(("more", "result"), [(0, "pass"), (1, "permerror")])
def test_spf_terms(more: int, result: str) -> None:
    term = f"moo={'x' * (limits.SPF_TERM_CHARS + more - len('moo='))}"
    dns = ZoneDns({"example.net TXT": [f"v=spf1 {term} +all"]})
    assert SpfQuery(dns, ip_address("192.0.2.7"), "ann", "example.net", "mx.example.net").check()[0] == result
