"""Policies: what is built in, the file and the database over each other, each value with where it came from."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.config import Config, parse
from tamis.filters.cyrillic import Cyrillic
from tamis.filters.order import ORDER
from tamis.policy import Mode, Policies
from tamis.policy_keys import KEYS, PLATFORM
from tamis.policy_texts import FixedTexts
from tamis.policy_view import origins_of
from tamis.settings import Settings

TEXT = """\
[policy]
mode = "observe"
level = 9
filters.cyrillic = { enabled = true, ratio = 0.25 }

[policy.filters.spf]
enabled = false

[domain."example.org"]
tag = true
level = 4.5
antispam = false

[domain."example.org".filters.cyrillic]
ratio = 0.5

[domain."example.net".filters]
spf.enabled = true
"""


def sources(policies: Policies, owner: str) -> dict[str, str]:
    """Where each value of an owner comes from."""
    return {key: str(origin) for key, origin in origins_of(policies.layers(owner), {}).items()}


def stored(**owners: dict[str, Any]) -> FixedTexts:
    """Policies as the database has them."""
    return FixedTexts({owner: json.dumps(values) for owner, values in owners.items()})


def test_the_documented_defaults() -> None:
    policy = Policies(Config(Settings())).for_domain("example.org")
    assert (policy.mode, policy.level, policy.antispam) == (Mode.QUARANTINE, 7.5, True)
    assert (policy.tag, policy.tag_redirections) == (False, False)
    off = {name for name, enabled in policy.enabled.items() if not enabled}
    assert off == {"greylisting", "cyrillic", "sinograms"}
    assert (policy.tell_sender, policy.whitelist_validated, policy.digest) == (True, True, "daily")
    assert (policy.junk_days, policy.quota_percent) == (0, 0)
    assert set(sources(Policies(Config(Settings())), "example.org").values()) == {"default"}


def test_precedence_and_sources() -> None:
    policies = Policies(parse(TEXT, "tamis.toml"))
    own = policies.for_recipient("ann@example.org")
    expected: dict[str, tuple[Any, str]] = {
        "mode": ("observe", "tamis.toml:2"),
        "tag": (True, "tamis.toml:10"),
        "tag_redirections": (False, "default"),
        "level": (4.5, "tamis.toml:11"),
        "antispam": (False, "tamis.toml:12"),
        "filters.spf.enabled": (False, "tamis.toml:7"),
        "filters.cyrillic.ratio": (0.5, "tamis.toml:15"),
        "filters.cyrillic.enabled": (True, "tamis.toml:4"),
        "filters.bayes.enabled": (True, "default"),
    }
    for key, (value, source) in expected.items():
        assert own.values()[key] == value, key
        assert sources(policies, "example.org")[key] == source, key
    assert own.options["cyrillic"] == Cyrillic.Options(ratio=0.5)

    other = policies.for_recipient("ann@example.net")
    assert (other.level, other.antispam, other.enabled["spf"]) == (9, True, True)
    assert sources(policies, "example.net")["filters.spf.enabled"] == "tamis.toml:18"
    assert other.values()["filters.cyrillic.ratio"] == 0.25


def test_domains_without_a_section_share_one_policy() -> None:
    policies = Policies(parse(TEXT, "x"))
    assert policies.for_domain("a.example") is policies.for_domain("b.example") is policies.for_domain("")
    assert policies.for_domain("example.org") is policies.for_domain("example.org")
    assert policies.for_domain("sub.example.org") is policies.for_domain("")


def test_antispam_off_leaves_malware_alone() -> None:
    policy = Policies(parse("[policy]\nantispam = false\nfilters.antivirus-2.enabled = false\n", "x")).for_domain("")
    judged = [row.number for row in ORDER if policy.judges(row)]
    assert judged == ["1", "25", "26"]


def test_every_value_has_a_source() -> None:
    policies = Policies(parse(TEXT, "x"))
    assert list(policies.for_domain("example.org").values()) == list(sources(policies, "example.org")) == list(KEYS)


# The database

ADDRESS, DOMAIN = "ann@example.org", "example.org"
PLACES = ("file", "platform", "name of the domain", "file of the domain", "domain", "name of the address", "address")
"""From the weakest to the strongest."""
CHOICES: dict[str, list[Any]] = {
    "mode": ["quarantine", "tag", "junk", "observe"],
    "level": [3.0, 6.0, 7.5, 12.0],
    "antispam": [True, False],
    "junk_days": [0, 14, 30],
    "language": ["en", "fr"],
    "filters.cyrillic.enabled": [True, False],
    "filters.cyrillic.ratio": [0.0, 0.25, 1.0],
    "filters.spf.sealers": [[], ["example.com"], ["example.com", "example.net"]],
}
CHOSEN = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in CHOICES.items()})


def toml(section: str, values: dict[str, Any]) -> str:
    return f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


@given(st.fixed_dictionaries(dict.fromkeys(PLACES, CHOSEN)))
def test_the_nearest_place_wins_and_of_two_as_near_the_database(places: dict[str, dict[str, Any]]) -> None:
    config = parse(toml("policy", places["file"]) + toml(f'domain."{DOMAIN}"', places["file of the domain"]), "f")
    texts = {
        PLATFORM: places["platform"],
        "policy:d": places["name of the domain"],
        DOMAIN: {**places["domain"], "policy": "d"},
        "policy:a": places["name of the address"],
        ADDRESS: {**places["address"], "policy": "a"},
    }
    policies = Policies(config, stored(**texts))
    for owner, strongest in ((ADDRESS, len(PLACES)), (f"bob@{DOMAIN}", 5), (DOMAIN, 5), ("bob@example.net", 2)):
        found = (policies.for_recipient(owner) if "@" in owner else policies.for_domain(owner)).values()
        origins = sources(policies, owner)
        assert policies.effective(owner).values() == found
        for key, choices in CHOICES.items():
            chosen = [place for place in PLACES[:strongest] if key in places[place]]
            expected = places[chosen[-1]][key] if chosen else KEYS[key].default
            assert found[key] == (tuple(expected) if isinstance(choices[0], list) else expected), key
            said = "f:" if chosen and chosen[-1].startswith("file") else "policy of " if chosen else "default"
            assert origins[key].startswith(said), (key, origins[key])


def test_an_address_with_an_extension_has_the_policy_of_the_one_without() -> None:
    policies = Policies(parse("", "x"), stored(**{ADDRESS: {"mode": "tag"}, "ann+news@example.org": {"mode": "junk"}}))
    modes = {local: policies.for_recipient(f"{local}@example.org").mode for local in ("ann", "ann+x", "ann+news", "an")}
    assert modes == {"ann": "tag", "ann+x": "tag", "ann+news": "junk", "an": "quarantine"}
    plain = Policies(parse('[aliases]\nrecipient_delimiter = ""\n', "x"), stored(**{ADDRESS: {"mode": "tag"}}))
    assert plain.for_recipient("ann+x@example.org").mode is Mode.QUARANTINE


def test_those_who_have_chosen_the_same_share_one_policy() -> None:
    same = {f"user{number}@example.org": {"level": 6} for number in range(20)}
    policies = Policies(parse("", "x"), stored(**same, **{"example.org": {"mode": "tag"}}))
    assert len({id(policies.for_recipient(owner)) for owner in same}) == 1
    assert policies.for_recipient("user3@example.org").level == 6
    assert policies.for_recipient("other@example.org") is policies.for_domain("example.org")


def test_what_no_policy_can_be_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    texts = {DOMAIN: {"mode": "tag", "level": 5, "colour": "red", "filters.none.enabled": True}, ADDRESS: {}}
    policies = Policies(parse("", "x"), stored(**texts))
    with caplog.at_level(logging.WARNING):
        policy = policies.for_recipient(ADDRESS)
    assert (policy.mode, policy.level) == (Mode.TAG, 7.5)
    assert len(caplog.records) >= 3
    broken = Policies(parse("", "x"), FixedTexts({DOMAIN: "{"}))
    assert broken.for_domain(DOMAIN).values() == broken.for_domain("").values()


def test_a_name_that_is_none_changes_nothing() -> None:
    policies = Policies(parse("", "x"), stored(**{DOMAIN: {"policy": "gold", "level": 6}}))
    assert policies.for_domain(DOMAIN).level == 6
    assert policies.for_domain(DOMAIN).mode is Mode.QUARANTINE
