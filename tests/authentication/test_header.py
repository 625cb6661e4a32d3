"""Authentication-Results: what is written, and which fields from outside claim to be ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.authentication.header import authserv_id, claimed, claims, written
from tamis.disposition import dispose
from tamis.headers import changes, forged
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.policy import Mode
from tamis.record import Record, Verdict
from tamis.settings import Headers
from tests.authentication.signing import BODY, HEADER, said, signed, zone
from tests.authentication.test_arc import DNS, sealed
from tests.authentication.test_dmarc import P_REJECT, spf

OURS = "mx.example.org"
NAME = "Authentication-Results"


def mail(message: bytes = HEADER + b"\r\n" + BODY, mta: str = OURS) -> Mail:
    return Mail(Message(message), parse_ip("192.0.2.7"), recipients=["bob@example.org"], mta=mta)


def value(message: bytes, dns: dict[str, object] | None = None, **more: object) -> str:
    found = said(message, dns, **more)  # type: ignore[arg-type]
    return written(found, mail(message), OURS)


def test_what_is_written() -> None:
    text = value(sealed(2), {**DNS, **P_REJECT}, spf=spf("pass"), rdns="mx.example.net")
    assert text == (
        "mx.example.org;\n\tspf=pass smtp.mailfrom=example.net;\n\t"
        "dkim=pass header.d=example.net header.s=sel header.a=rsa-sha256;\n\t"
        "dmarc=pass (p=reject) header.from=example.net;\n\tarc=pass (i=2);\n\tiprev=pass policy.iprev=192.0.2.7"
    )


def test_what_fails_says_why() -> None:
    text = value(signed().replace(b"Hello", b"Hullo"), {**zone(), **P_REJECT}, spf=spf("fail"))
    assert re.sub(r"\s+", " ", text) == (
        'mx.example.org; spf=fail smtp.mailfrom=example.net; dkim=fail reason="the body was changed" '
        "header.d=example.net header.s=sel header.a=rsa-sha256; dmarc=fail (p=reject) header.from=example.net; "
        'arc=none; iprev=permerror reason="the peer has no name in the DNS" policy.iprev=192.0.2.7'
    )


def test_unsigned_mail_without_spf() -> None:
    lines = value(HEADER + b"\r\n" + BODY, {}, rdns="x").split(";\n\t")
    assert lines[1:4] == ["dkim=none", "dmarc=none header.from=example.net", "arc=none"]


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_nothing_of_a_stranger_breaks_out(domain: bytes, selector: bytes) -> None:
    odd = b"v=1; a=rsa-sha256; d=%s; s=%s; h=from; bh=aaaa; b=aaaa" % (domain, selector)
    message = b"DKIM-Signature: " + odd.replace(b"\n", b"") + b"\r\nFrom: a@" + domain.replace(b"\n", b"") + b"\r\n\r\n"
    text = value(message, {}, rdns="x")
    assert all(" " <= letter <= "~" or letter in "\n\t" for letter in text)
    assert all(line.startswith(("\t", OURS)) for line in text.split("\n"))
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    methods = [part.split("=")[0].strip() for part in bare.split(";")[1:]]
    assert methods[-3:] == ["dmarc", "arc", "iprev"]
    assert set(methods[:-3]) <= {"dkim"}


@pytest.mark.parametrize(
    "text",
    [
        "mx.example.org; dkim=pass",
        "mx.example.org;dkim=pass",
        "mx.example.org",
        "  MX.Example.ORG ; none",
        "mx.example.org.; none",
        "mx.example.org 1; none",
        "mx.example.org/1; none",
        "mx.example.org (a comment; mx.other.example) 1 ; none",
        "(a comment) mx.example.org; none",
        "(nested (twice) \\) more) mx.example.org; none",
        "\n\tmx.example.org;\n\tdkim=pass",
        "(a\n comment)\n mx.example.org;\n\tdkim=pass",
        '"mx.example.org"; none',
        '"mx.exam\\ple.org" 1; none',
        '"mx.example.org" (x); none',
        "mx.example.org(x); none",
        "mx.example.org=1; none",
        "(never closed mx.example.org; none",
        '"never closed mx.example.org; none',
        "mx.example.org mx.other.example; none",
        "\0mx.example.org; none",
        "; mx.example.org; none",
    ],
)
def test_claims_to_be_ours(text: str) -> None:
    assert claims(text.encode(), OURS)


@pytest.mark.parametrize(
    "text",
    [
        "mx.other.example; dkim=pass header.d=mx.example.org",
        "other.mx.example.org; dkim=pass",
        "example.org; dkim=pass",
        "mx.example.org.evil.example; none",
        "mx.other.example (mx.example.org); none",
        "(mx.example.org) mx.other.example; none",
        "mx.other.example 1; none",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=x.example; dkim=pass",
        "",
        "dkim=pass",
    ],
)
def test_is_somebody_elses(text: str) -> None:
    assert not claims(text.encode(), OURS)


@given(st.binary(max_size=200))
def test_whatever_stands_there_can_be_asked(octets: bytes) -> None:
    claims(octets, OURS)


def test_our_name() -> None:
    assert authserv_id("mail.example.org", OURS) == "mail.example.org"
    assert authserv_id("", OURS) == OURS
    assert authserv_id("", "")
    assert authserv_id("", "mx example\r\n") == "localhost"


FORGED = (
    b"Authentication-Results: mx.example.org; dkim=pass\r\nauthentication-results: other.example; none\r\n"
    b"AUTHENTICATION-RESULTS: other.example; none\r\nAuthentication-Results :\r\n\t(x) MX.example.org 1; spf=pass\r\n"
)


def test_only_those_that_claim_our_name_go() -> None:
    message = Message(FORGED + HEADER + b"\r\n")
    assert claimed(message, NAME, OURS) == [1, 4]
    found = forged(mail(FORGED + HEADER + b"\r\n"), Headers())
    assert found.remove_some == {NAME: [1, 4]}
    assert NAME not in found.remove
    assert forged(mail(FORGED, mta="mx.third.example"), Headers()).remove_some == {}
    assert forged(mail(FORGED, mta=""), Headers(authserv_id="other.example")).remove_some == {NAME: [2, 3]}


def test_with_another_name_both_are_looked_at() -> None:
    renamed = Headers(authentication_results="X-Results")
    found = forged(mail(b"X-Results: mx.example.org; x\r\n" + FORGED), renamed)
    assert found.remove_some == {NAME: [1, 4], "X-Results": [1]}
    again = forged(mail(FORGED), Headers(authentication_results="AUTHENTICATION-results"))
    assert list(again.remove_some.values()) == [[1, 4]]


def test_switched_off_nothing_is_written_and_nothing_taken_out() -> None:
    """Another milter writes it, under the same name."""
    off = Headers(authentication_results="")
    verdict = Verdict("bob@example.org", False, "deliver", Mode.TAG, 7.5, 0, ())
    record = Record(mail(FORGED), verdicts=[verdict], authentication=said(signed()))
    found = changes(record, off)
    assert (found.remove_some, [name for name, _ in found.add if "Results" in name]) == ({}, [])
    assert NAME not in found.remove
    assert [name for name, _ in changes(record, Headers()).add][-1] == NAME


def test_past_the_cap_of_the_header_all_go() -> None:
    many = mail(b"X: y\r\n" * 2000 + FORGED)
    assert NAME in forged(many, Headers()).remove


def test_copies_that_are_held_or_made_anew_have_it_too() -> None:
    def verdict(recipient: str, action: str) -> Verdict:
        return Verdict(recipient, action != "deliver", action, Mode.QUARANTINE, 7.5, 0, ())

    record = Record(
        mail(FORGED),
        verdicts=[verdict("a@x", "deliver"), verdict("b@x", "tag"), verdict("c@x", "hold")],
        authentication=said(signed()),
    )
    found = dispose(record, Headers(), lambda _: {})
    assert found.stay is not None
    (held,) = found.held
    assert NAME in dict(held.fields)
    for group in (found.stay, *found.parted):
        assert NAME in dict(group.changes.add)
        assert group.changes.remove_some == {NAME: [1, 4]}
