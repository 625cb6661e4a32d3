"""The peer's name in the DNS, and back."""

import pytest

from tests.authentication.signing import BODY, HEADER, said

MESSAGE = HEADER + b"\r\n" + BODY
PTR = "7.2.0.192.in-addr.arpa PTR"


@pytest.mark.parametrize(
    ("dns", "result"),
    [
        ({}, "permerror"),
        ({PTR: "SERVFAIL"}, "temperror"),
        ({PTR: ["mx.example.net"]}, "fail"),
        ({PTR: ["mx.example.net"], "mx.example.net A": ["192.0.2.8"]}, "fail"),
        ({PTR: ["mx.example.net"], "mx.example.net A": "TIMEOUT"}, "temperror"),
        ({PTR: ["no.example.net", "mx.example.net"], "mx.example.net A": ["192.0.2.8", "192.0.2.7"]}, "pass"),
        (
            {PTR: [*(f"n{n}.example.net" for n in range(9)), "mx.example.net"], "mx.example.net A": ["192.0.2.7"]},
            "fail",
        ),
    ],
)
def test_a_name_that_the_mta_did_not_verify(dns: dict[str, object], result: str) -> None:
    assert said(MESSAGE, dns).iprev.result == result


def test_one_that_it_did_is_not_asked_again() -> None:
    assert said(MESSAGE, {PTR: "SERVFAIL"}, rdns="mx.example.net").iprev.result == "pass"


def test_ipv6() -> None:
    pointer = "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa PTR"
    dns = {pointer: ["mx.example.net"], "mx.example.net AAAA": ["2001:db8::1"]}
    assert said(MESSAGE, dns, peer="2001:db8::1").iprev.result == "pass"


def test_without_a_peer_there_is_none() -> None:
    assert said(MESSAGE, {}, peer="").iprev.result == "none"
