"""The brands and hosts in the data files, and names that name a brand."""

import pytest

from tamis.addresses import normalise_domain
from tamis.authentication.domains import organisational
from tamis.phishing.brand_index import brand_index
from tamis.phishing.brands import brands, brands_named, hosts, is_below, is_freemail
from tamis.phishing.lookalikes import like_a_brand


def named(text: str) -> list[tuple[str, bool]]:
    return [(brand.name, whole) for brand, whole in brands_named(text)]


def test_each_brand_has_a_name_and_true_domains() -> None:
    names = [brand.name for brand in brands()]
    assert len(set(names)) == len(names) > 90
    for brand in brands():
        assert brand.domains
        assert all(domain == normalise_domain(domain) for domain in brand.domains)
        assert all(brand.phrases)


def test_no_true_domain_looks_like_another_brand() -> None:
    assert [domain for brand in brands() for domain in brand.domains if like_a_brand(domain)] == []


def test_hosts_are_written_as_they_are_looked_up() -> None:
    known = hosts()
    for name in known.freemail | known.shorteners:
        assert organisational(name) in (name, name.partition(".")[2]) or name.count(".") == 1, name
    for names in (known.freemail, known.shorteners, known.anybody, known.gateways):
        assert all(name == normalise_domain(name) and "." in name for name in names)
    assert all("/" in address for address in known.redirectors)


@pytest.mark.parametrize(
    ("text", "brand"),
    [
        ("PayPal", "paypal"),
        ("PAYPAL Service", "paypal"),
        ("Pay Pal", "paypal"),
        ("Pаypаl", "paypal"),
        ("P.a.y.P.a.l", "paypal"),
        ("Crédit Agricole", "crédit agricole"),
        ("Credit agricole - votre banque", "crédit agricole"),
        ("impots.gouv.fr", "impots.gouv"),
        ("Orange", "orange"),
        ("Orange service client", "orange"),
        ("Apple Support", "apple"),
        ("La Poste", "la poste"),
    ],
)
def test_a_name_that_is_a_brands(text: str, brand: str) -> None:
    assert (brand, True) in named(text)


def test_a_name_that_holds_a_brands_among_others() -> None:
    assert named("Amazon gifts at Example") == [("amazon", False)]


@pytest.mark.parametrize(
    "text",
    ["", "Ann Example", "Orange Juice", "Chase Miller", "Apple Valley School", "Amazone", "poste", "visa pour Ann"],
)
def test_a_name_that_is_nobodys(text: str) -> None:
    assert named(text) == []


def test_domains_of_a_brand() -> None:
    (brand,) = (brand for brand in brands() if brand.name == "amazon")
    assert all(map(brand.owns, ("amazon.fr", "a.b.amazon.com", "amazon.nl", "amazon.com.tr", "amazonses.com")))
    assert not any(map(brand.owns, ("amazon.support", "amazon.com.example.org", "amazonx.com", "example.org")))
    (taxes,) = (brand for brand in brands() if brand.name == "impots.gouv")
    assert taxes.owns("impots.gouv.fr")
    assert not taxes.owns("impots-gouv.fr")


def test_freemail_and_names_below() -> None:
    assert is_freemail("gmail.com")
    assert not is_freemail("example.org")
    assert is_below("a.b.example.org", frozenset({"example.org"}))
    assert not is_below("badexample.org", frozenset({"example.org"}))


def test_the_index_leaves_no_brand_out() -> None:
    """Every brand is found by what its own names, domains and labels have in common with it."""
    index = brand_index(6)
    for place, brand in enumerate(brands()):
        for domain in brand.domains:
            assert index.may_be_owned(f"mail.{domain}", organisational(domain))
            if "." in domain:
                assert place in index.below(["login", *domain.split("."), "example"])
        for phrase in brand.phrases:
            assert brand in [named for named, _ in brands_named(" ".join(phrase))] or brand.common
        if not brand.common:
            assert place in index.like(brand.label)
            if len(brand.label) >= 7:
                assert place in index.like(brand.label[1:])
                assert place in index.like(brand.label[:2] + "q" + brand.label[3:])
