"""Hosts that are made to be taken for others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.addresses import normalise_domain
from tamis.phishing.lookalikes import like_a_brand, like_a_domain, one_step_apart, unicode_host


@pytest.mark.parametrize(
    ("host", "kind", "target"),
    [
        ("paypa1.com", "looks", "paypal"),
        ("www.paypaI.com".lower(), "looks", "paypal"),
        ("раураl.com", "looks", "paypal"),
        ("rnicrosoft.com", "looks", "microsoft"),
        ("netfliix.com", "typo", "netflix"),
        ("gogole.com", "typo", "google"),
        ("facebok.net", "typo", "facebook"),
        ("paypal.com.example.org", "subdomain", "paypal"),
        ("www.impots.gouv.fr.example.org", "subdomain", "impots.gouv"),
        ("paypal-secure.example", "word", "paypal"),
        ("paypal.example.org", "word", "paypal"),
        ("securepaypallogin.example", "word", "paypal"),
        ("colissimo-suivi.example", "word", "colissimo"),
        ("paypal.support", "word", "paypal"),
    ],
)
def test_like_a_brand(host: str, kind: str, target: str) -> None:
    found = like_a_brand(normalise_domain(host))
    assert found is not None
    assert found == (kind, target)


@pytest.mark.parametrize(
    "host",
    [
        "paypal.com",
        "www.paypal.fr",
        "amazon.nl",
        "huaweicloud.com",
        "optonline.net",
        "revolution-os.com",
        "orangejuice.com",
        "grange.com",
        "chaser.com",
        "example.org",
        "apply.com",
        "cloud.com",
        "amazone.fr.example.org",
    ],
)
def test_like_no_brand(host: str) -> None:
    assert like_a_brand(host) is None


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("exarnple-corp.org", "looks"),
        ("exаmple-corp.org", "looks"),
        ("éxample-corp.org", "looks"),
        ("mail.examplecorp.org", "typo"),
        ("example-corp.org.evil.net", "subdomain"),
        ("example-corps.org", "typo"),
    ],
)
def test_like_ones_own_domain(host: str, kind: str) -> None:
    found = like_a_domain(normalise_domain(host), "mail.example-corp.org")
    assert found == (kind, "example-corp.org")


@pytest.mark.parametrize("host", ["example-corp.org", "www.example-corp.org", "example-corp.com", "other.net", ""])
def test_not_like_ones_own_domain(host: str) -> None:
    assert like_a_domain(host, "example-corp.org") is None


@pytest.mark.parametrize(
    ("one", "other"), [("abcdef", "abcdf"), ("abcdef", "abxdef"), ("abcdef", "abcdeff"), ("ab", "ba")]
)
def test_one_step(one: str, other: str) -> None:
    assert one_step_apart(one, other)
    assert one_step_apart(other, one)


@pytest.mark.parametrize(("one", "other"), [("abcdef", "abcdef"), ("abcdef", "abcd"), ("abcdef", "axcdxf"), ("", "ab")])
def test_more_than_one_step(one: str, other: str) -> None:
    assert not one_step_apart(one, other)


@given(st.text(max_size=80), st.text(max_size=40))
def test_any_host(host: str, own: str) -> None:
    like_a_brand(host)
    like_a_domain(host, own)
    unicode_host(f"xn--{host}")
