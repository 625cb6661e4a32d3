"""What each recipient domain has chosen: effective values, and where each came from (SPEC, section 3)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tamis.addresses import domain_of
from tamis.config import Config
from tamis.contract import FilterOptions
from tamis.filters import order


class Mode(enum.StrEnum):
    """What happens to what is taken for spam."""

    QUARANTINE = "quarantine"
    TAG = "tag"
    JUNK = "junk"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class Policy:
    """The effective settings of one recipient domain. `sources` maps each key to where it was set.

    `tag`: what mode junk files is tagged, too. `tag_redirections`: spam goes towards redirections, tagged.
    `tell_sender`: the sender of held mail is told, `tell_own_domain` also where it is in the recipient's own domain;
    `whitelist_validated`: who proves to be a person is whitelisted. `digest`: the recipient is told what is held.
    """

    domain: str
    antispam: bool
    mode: Mode
    level: float
    tag: bool
    tag_redirections: bool
    tell_sender: bool
    tell_own_domain: bool
    whitelist_validated: bool
    digest: bool
    enabled: Mapping[str, bool]
    options: Mapping[str, FilterOptions]
    sources: Mapping[str, str]

    def judges(self, row: order.Row) -> bool:
        """Whether a decisive hit of that row counts: with the antispam off, malware alone does."""
        if row.judgement is order.Judgement.MALWARE:
            return self.enabled[row.name]
        return self.antispam and self.enabled[row.name]

    def values(self) -> dict[str, Any]:
        """Every effective value by its key, as `tamis policy` prints them."""
        found: dict[str, Any] = {"antispam": self.antispam, "mode": self.mode.value, "level": self.level}
        found |= {"tag": self.tag, "tag_redirections": self.tag_redirections, "tell_sender": self.tell_sender}
        found |= {"tell_own_domain": self.tell_own_domain, "whitelist_validated": self.whitelist_validated}
        found["digest"] = self.digest
        for row in order.ORDER:
            found[f"filters.{row.name}.enabled"] = self.enabled[row.name]
            for key, value in msgspec.structs.asdict(self.options[row.name]).items():
                found[f"filters.{row.name}.{key}"] = value
        return found


class Policies:
    """The policies of a configuration, built on first use of each domain."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._default = _resolve(config, "")
        self._known: dict[str, Policy] = {}

    def for_recipient(self, recipient: str) -> Policy:
        return self.for_domain(domain_of(recipient))

    def for_domain(self, domain: str) -> Policy:
        """Return the policy of a normalised domain; domains without a section of their own share the default."""
        if domain not in self._config.settings.domain:
            return self._default
        if domain not in self._known:
            self._known[domain] = _resolve(self._config, domain)
        return self._known[domain]


def _resolve(config: Config, domain: str) -> Policy:
    """Lay the defaults, `[policy]` and the domain's own section over each other."""
    settings = config.settings
    section = settings.domain.get(domain)
    sources: dict[str, str] = {}

    def chosen(key: str) -> Any:
        own = getattr(section, key) if section else None
        sources[key] = config.source("domain", domain, key) if own is not None else config.source("policy", key)
        return own if own is not None else getattr(settings.policy, key)

    enabled: dict[str, bool] = {}
    options: dict[str, FilterOptions] = {}
    for row in order.ORDER:
        merged: dict[str, Any] = {}
        layers: list[tuple[tuple[str, ...], dict[str, Any]]] = [(("policy",), settings.policy.filters)]
        if section:
            layers.append((("domain", domain), section.filters))
        prefix = f"filters.{row.name}."
        for key in ("enabled", *row.options_type.__struct_fields__):
            sources[prefix + key] = "default"
        for path, filters in layers:
            for key, value in filters.get(row.name, {}).items():
                merged[key] = value
                sources[prefix + key] = config.source(*path, "filters", row.name, key)
        enabled[row.name] = merged.pop("enabled", row.enabled_by_default)
        options[row.name] = msgspec.convert(merged, row.options_type)
    return Policy(
        domain=domain,
        antispam=chosen("antispam"),
        mode=Mode(chosen("mode")),
        level=float(chosen("level")),
        tag=chosen("tag"),
        tag_redirections=chosen("tag_redirections"),
        tell_sender=chosen("tell_sender"),
        tell_own_domain=chosen("tell_own_domain"),
        whitelist_validated=chosen("whitelist_validated"),
        digest=chosen("digest"),
        enabled=enabled,
        options=options,
        sources=sources,
    )
