"""DMARC, alignment, and organisational domains."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tamis.authentication import Authentication, Dmarc, SpfCheck
from tamis.authentication.domains import aligned, organisational
from tests.authentication.signing import BODY, HEADER, said, signed, zone

SUFFIXES = Path(os.environ.get("TAMIS_CORPORA", ""), "authdata/publicsuffix/tests/tests.txt")
UNSIGNED = HEADER + b"\r\n" + BODY
P_REJECT = {"_dmarc.example.net TXT": ["v=DMARC1; p=reject"]}


@dataclass(frozen=True)
class Spf:
    result: str
    domain: str = "example.net"


def spf(result: str, domain: str = "example.net") -> SpfCheck:
    return lambda mail, dns: Spf(result, domain)


def from_(address: str) -> bytes:
    return UNSIGNED.replace(b"From: Ann <ann@example.net>", b"From: " + address.encode())


def dmarc(message: bytes, dns: dict[str, Any], check: SpfCheck | None = spf("none")) -> Dmarc:  # noqa: B008
    return said(message, {**zone(), **dns}, check).dmarc


def test_passes_by_dkim_or_by_spf() -> None:
    by_dkim = dmarc(signed(), P_REJECT, None)
    assert (by_dkim.result, by_dkim.policy, by_dkim.aligned) == ("pass", "reject", "DKIM of example.net")
    by_spf = dmarc(UNSIGNED, P_REJECT, spf("pass", "bounces.example.net"))
    assert (by_spf.result, by_spf.aligned) == ("pass", "SPF of bounces.example.net")


@pytest.mark.parametrize("result", ["none", "fail", "softfail", "neutral", "permerror"])
def test_fails_where_nothing_passes(result: str) -> None:
    found = dmarc(UNSIGNED, P_REJECT, spf(result))
    assert (found.result, found.policy, found.unwanted) == ("fail", "reject", True)


def test_fails_where_what_passes_is_of_another_domain() -> None:
    other = signed(domain="other.example")
    dns = {**P_REJECT, **zone(domain="other.example")}
    assert said(other, dns).dkim[0].result == "pass"
    assert dmarc(other, dns, spf("pass", "other.example")).result == "fail"


@pytest.mark.parametrize(
    ("message", "dns", "check", "reason"),
    [
        (
            UNSIGNED,
            {"_dmarc.example.net TXT": "SERVFAIL"},
            spf("fail"),
            "the DNS does not answer for the policy: servfail",
        ),
        (UNSIGNED, P_REJECT, None, "SPF is not known"),
        (UNSIGNED, P_REJECT, spf("temperror"), "SPF is not known now"),
        (signed(), {**P_REJECT, "sel._domainkey.example.net TXT": "TIMEOUT"}, spf("fail"), "DKIM is not known now"),
    ],
)
def test_what_is_not_known_is_no_failure(message: bytes, dns: dict[str, Any], check: SpfCheck, reason: str) -> None:
    found = dmarc(message, dns, check)
    assert (found.result, found.reason, found.unwanted) == ("temperror", reason, False)


def test_what_is_not_known_of_others_does_not_keep_it_from_failing() -> None:
    assert dmarc(UNSIGNED, P_REJECT, spf("temperror", "other.example")).result == "fail"
    silent = {**P_REJECT, "sel._domainkey.other.example TXT": "TIMEOUT"}
    assert dmarc(signed(domain="other.example"), silent).result == "fail"


@pytest.mark.parametrize(
    ("record", "policy"),
    [
        ("v=DMARC1; p=none", "none"),
        ("v=DMARC1; p=quarantine; rua=mailto:a@example.net", "quarantine"),
        ("v=DMARC1;p=REJECT;pct=50", "reject"),
        ("v=DMARC1; p=reject; pct=0", "quarantine"),
        ("v=DMARC1; p=quarantine; t=y", "none"),
        ("v=DMARC1; p=none; pct=0", "none"),
        ("v=DMARC1; p=reject; sp=none", "reject"),
        ("v=DMARC1; p=nonsense; rua=mailto:a@example.net", "none"),
        ("v=DMARC1; rua=mailto:a@example.net", "none"),
    ],
)
def test_the_policy(record: str, policy: str) -> None:
    found = dmarc(UNSIGNED, {"_dmarc.example.net TXT": [record]}, spf("fail"))
    assert (found.result, found.policy) == ("fail", policy)
    assert found.unwanted == (policy != "none")


@pytest.mark.parametrize(
    ("records", "result"),
    [
        (["v=DMARC1; p=reject", "google-site-verification=x"], "fail"),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], "none"),
        (["v=DMARC2; p=reject"], "none"),
        (["p=reject; v=DMARC1"], "none"),
        (["V=DMARC1; p=reject"], "none"),
        (["v=DMARC1; p=reject; p=none"], "none"),
        (["v=DMARC1; p=nonsense"], "permerror"),
        (["v=DMARC1"], "permerror"),
        (["v=DMARC1; p=reject; x=" + "a" * 5000], "none"),
    ],
)
def test_records_that_are_none(records: list[str], result: str) -> None:
    assert dmarc(UNSIGNED, {"_dmarc.example.net TXT": records}, spf("fail")).result == result


def test_a_subdomain_is_under_the_policy_of_its_organisation() -> None:
    message = from_("ann@news.shop.example.co.uk")
    assert dmarc(message, {"_dmarc.example.co.uk TXT": ["v=DMARC1; p=reject"]}).policy == "reject"
    assert dmarc(message, {"_dmarc.example.co.uk TXT": ["v=DMARC1; p=reject; sp=quarantine"]}).policy == "quarantine"
    own = {"_dmarc.news.shop.example.co.uk TXT": ["v=DMARC1; p=none; sp=reject"]}
    assert dmarc(message, {**own, "_dmarc.example.co.uk TXT": ["v=DMARC1; p=reject"]}).policy == "none"
    # Neither a public suffix nor what lies between is asked.
    for name in ("shop.example.co.uk", "co.uk", "uk"):
        assert dmarc(message, {f"_dmarc.{name} TXT": ["v=DMARC1; p=reject"]}).result == "none"


def test_strict_alignment() -> None:
    message = signed(from_("ann@mail.example.net"))
    assert dmarc(message, P_REJECT).result == "pass"
    strict = {"_dmarc.example.net TXT": ["v=DMARC1; p=reject; adkim=s; aspf=s"]}
    assert dmarc(message, strict).result == "fail"
    assert dmarc(message, strict, spf("pass", "example.net")).result == "fail"
    assert dmarc(message, strict, spf("pass", "mail.example.net")).result == "pass"
    found = said(message, {**zone(), **strict})
    assert (found.dkim_aligned, found.aligned_pass) == (False, False)
    assert found.aligned("example.net")


@pytest.mark.parametrize(
    "header",
    [
        b"From: ann@example.net\r\nFrom: eve@evil.example\r\n",
        b"From: eve@evil.example\r\nFrom: ann@example.net\r\n",
        b"From: ann@example.net, eve@evil.example\r\n",
        b"From: nobody\r\n",
    ],
)
def test_without_one_author_nothing_is_aligned(header: bytes) -> None:
    message = signed(header + b"Subject: x\r\n\r\n" + BODY)
    found = said(message, {**zone(), **P_REJECT}, spf("pass"))
    assert found.dkim[0].result == "pass"
    assert (found.dmarc.result, found.dmarc.domain) == ("permerror", "")
    assert not found.dkim_aligned
    assert not found.spf_aligned
    assert not found.aligned_pass


def test_an_author_that_is_added_above_a_signature_ends_its_alignment() -> None:
    message = b"From: ceo@bank.example\r\n" + signed(include_headers=[b"from", b"subject"])
    assert not said(message, {**zone(), **P_REJECT}).aligned_pass


def test_helpers() -> None:
    both = said(signed(), zone(), spf("pass", "example.net"))
    assert both.dkim_aligned
    assert both.spf_aligned
    assert both.aligned_pass
    assert both.aligned("mail.example.net")
    assert not both.aligned("example.com")
    assert not both.aligned("")
    assert said(UNSIGNED, {}, spf("fail")).spf_fails
    assert not Authentication().aligned_pass


def test_organisations() -> None:
    assert organisational("a.b.example.co.uk") == "example.co.uk"
    assert organisational("co.uk") == "co.uk"
    assert organisational("a." * 500 + "com") == "a." * 500 + "com"
    assert aligned("a.example.co.uk", "b.example.co.uk")
    assert not aligned("a.co.uk", "b.co.uk")
    assert not aligned("a.example.net", "example.net", strict=True)
    assert not aligned("", "")
    # Customers of one host are not of one organisation.
    assert not aligned("one.github.io", "two.github.io")


@pytest.mark.corpora
@pytest.mark.skipif(not SUFFIXES.is_file(), reason="TAMIS_CORPORA names no folder with the public suffix tests")
def test_the_cases_of_the_list() -> None:
    for line in SUFFIXES.read_text("utf-8").splitlines():
        given, _, wanted = line.partition(" ")
        if line.startswith("//") or not wanted or given == "null" or given.startswith(".") or not line.isascii():
            continue
        assert organisational(given.lower()) == (given.lower() if wanted == "null" else wanted)


def test_what_goes_wrong_inside_costs_nothing_else() -> None:
    def broken(mail: object, dns: object) -> Spf:
        raise RuntimeError

    found = said(signed(), {**zone(), **P_REJECT}, broken)
    assert found.spf is None
    assert found.dmarc.result == "pass"
