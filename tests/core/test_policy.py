"""Policies: the defaults, then `[policy]`, then the domain's own section, each value with where it came from."""

from typing import Any

from tamis.config import Config, parse
from tamis.filters.cyrillic import Cyrillic
from tamis.filters.order import ORDER
from tamis.policy import Mode, Policies
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


def test_the_documented_defaults() -> None:
    policy = Policies(Config(Settings())).for_domain("example.org")
    assert (policy.mode, policy.level, policy.antispam) == (Mode.QUARANTINE, 7.5, True)
    assert (policy.tag, policy.tag_redirections) == (False, False)
    off = {name for name, enabled in policy.enabled.items() if not enabled}
    assert off == {"greylisting", "cyrillic", "sinograms"}
    assert set(policy.sources.values()) == {"default"}


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
        assert own.sources[key] == source, key
    assert own.options["cyrillic"] == Cyrillic.Options(ratio=0.5)

    other = policies.for_recipient("ann@example.net")
    assert (other.level, other.antispam, other.enabled["spf"]) == (9, True, True)
    assert other.sources["filters.spf.enabled"] == "tamis.toml:18"
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
    policy = Policies(parse(TEXT, "x")).for_domain("example.org")
    assert set(policy.values()) == set(policy.sources)
