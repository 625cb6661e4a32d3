"""ARC: chains made by dkimpy, whole and broken, and the validation cases of the public test suite."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dkim
import pytest

from tamis.authentication import Result
from tests.authentication.signing import BODY, HEADER, rsa_key, said, signed, zone

SUITE = Path(os.environ.get("TAMIS_CORPORA", ""), "authdata/arc_test_suite/tests/arc-draft-validation-tests.yml")
SEALERS = ("first.example", "second.example", "third.example")
DNS: dict[str, Any] = {**zone(), **{key: value for name in SEALERS for key, value in zone(domain=name).items()}}


def sealed(hops: int, message: bytes | None = None) -> bytes:
    """Return a signed message that went through some hands, each of which sealed it."""
    message = signed() if message is None else message
    for number, sealer in enumerate(SEALERS[:hops]):
        state = b"pass" if number else b"none"
        results = b"Authentication-Results: %s; arc=%s; dkim=pass\r\n" % (sealer.encode(), state)
        name = sealer.encode()
        fields = dkim.arc_sign(
            results + message, b"sel", name, rsa_key().private, name, include_headers=[b"from", b"subject"]
        )
        message = b"".join(fields) + results + message
    return message


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_chain_passes_and_names_its_sealers(hops: int) -> None:
    chain = said(sealed(hops), DNS).arc
    assert (chain.result, chain.reason) == ("pass", "")
    assert chain.sealers == SEALERS[:hops]


def test_without_a_chain_there_is_none() -> None:
    assert said(signed()).arc.result == Result.NONE


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Hello", b"Hallo", "the body was changed"),
        (b"Subject:  two", b"Subject:  one", "the signature does not match"),
        (
            b"ARC-Authentication-Results: i=1; first",
            b"ARC-Authentication-Results: i=1; worst",
            "the seal 1: the signature",
        ),
        (b"ARC-Authentication-Results: i=2", b"ARC-Authentication-Results: i=3", "the sets are not complete"),
        (b"ARC-Authentication-Results: i=2", b"ARC-Authentication-Results: i=1", "two fields of the set 1"),
        (b"ARC-Authentication-Results: i=2", b"ARC-Authentication-Results: x=2", "a field of ARC does not say"),
        (b"ARC-Authentication-Results: i=2", b"X-Authentication-Results: i=2", "the sets are not complete"),
        (b"cv=pass", b"cv=none", "the seal 2 says cv=none"),
        (b"cv=pass", b"cv=fail", "the seal 2 says cv=fail"),
        (b"cv=none", b"cv=pass", "the seal 1 says cv=pass"),
    ],
)
def test_a_broken_chain_fails(old: bytes, new: bytes, reason: str) -> None:
    message = sealed(2)
    assert old in message
    chain = said(message.replace(old, new, 1), DNS).arc
    assert chain.result == "fail"
    assert chain.reason.startswith(reason)
    assert chain.sealers == ()


def test_what_an_earlier_hand_signed_need_not_hold_any_more() -> None:
    changed = sealed(1).replace(b"Hello", b"[list] Hello")
    assert said(changed, DNS).arc.result == "fail"
    results = b"Authentication-Results: second.example; arc=pass\r\n"
    fields = dkim.arc_sign(results + changed, b"sel", b"second.example", rsa_key().private, b"second.example")
    assert said(b"".join(fields) + changed, DNS).arc.sealers == SEALERS[:2]


def test_a_key_that_the_dns_does_not_answer_is_no_failure() -> None:
    silent = {**DNS, "sel._domainkey.first.example TXT": "TIMEOUT"}
    assert said(sealed(2), silent).arc.result == "temperror"
    gone = {key: value for key, value in DNS.items() if "first" not in key}
    assert said(sealed(2), gone).arc.result == "fail"


def test_more_than_fifty_sets_are_not_looked_at() -> None:
    sets = b"".join(
        b"ARC-Seal: i=%d; cv=pass; a=rsa-sha256; d=x.example; s=s; b=aaaa\r\n"
        b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=x.example; s=s; h=from; bh=aaaa; b=aaaa\r\n"
        b"ARC-Authentication-Results: i=%d; x.example; none\r\n" % (number, number, number)
        for number in range(1, 52)
    )
    assert said(sets + HEADER + b"\r\n" + BODY).arc.reason == "the sets are not complete"


@pytest.mark.corpora
@pytest.mark.skipif(not SUITE.is_file(), reason="TAMIS_CORPORA names no folder with the ARC test suite")
def test_the_public_suite(record_property: Callable[[str, object], None]) -> None:
    import yaml  # type: ignore[import-untyped]

    counted = {"pass": 0, "fail": 0, "none": 0, "left open": 0}
    for scenario in yaml.safe_load_all(SUITE.read_text("utf-8")):
        records = {f"{name} TXT": [text.strip()] for name, text in (scenario.get("txt-records") or {}).items()}
        for name, case in scenario["tests"].items():
            # An empty cv is of a chain that says itself that it has failed: RFC 8617, section 5.2, step 2.
            wanted = (case["cv"] or "fail").lower()
            message = re.sub(rb"(?<!\r)\n", b"\r\n", case["message"].encode())
            assert said(message, records).arc.result == wanted, (name, case["description"])
            counted[wanted if case["cv"] else "left open"] += 1
    record_property("counted", f"ARC test suite, validation: {counted}")
    assert sum(counted.values()) == 171
