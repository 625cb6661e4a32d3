"""What each recipient has chosen: effective values, and where each came from (SPEC, section 3).

The layers, each over the one before: what is built in, the file's ``[policy]``, the database's platform; then of the
recipient's domain the named policy it refers to, the file's section, the database; then of the address the named
policy, and the database. So the nearer to the recipient always wins, and at the same distance the database.
"""

import enum
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from tamis import limits
from tamis.addresses import base_address, domain_of
from tamis.config import Config
from tamis.contract import FilterOptions
from tamis.directory import NO_DIRECTORY, Directory
from tamis.filters import order
from tamis.lists import PLATFORM
from tamis.policy_keys import KEYS, NAME_PREFIX, NAMED, BadPolicy, checked, shown
from tamis.policy_texts import NO_TEXTS, PolicyTexts

_log: Final = logging.getLogger("tamis")


class Mode(enum.StrEnum):
    """What happens to what is taken for spam."""

    QUARANTINE = "quarantine"
    TAG = "tag"
    JUNK = "junk"
    OBSERVE = "observe"


class Digest(enum.StrEnum):
    """How often a mailbox is told what is held for it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    OFF = "off"


class Language(enum.StrEnum):
    """In which what Tamis writes to people is written."""

    ENGLISH = "en"
    FRENCH = "fr"


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Effective settings, shared by all recipients who have chosen the same; what each means: docs/configuration.md."""

    antispam: bool
    mode: Mode
    level: float
    tag: bool
    tag_redirections: bool
    tell_sender: bool
    tell_own_domain: bool
    whitelist_validated: bool
    digest: Digest
    language: Language
    junk_days: int
    quota_percent: int
    enabled: Mapping[str, bool]
    options: Mapping[str, FilterOptions]

    def judges(self, row: order.Row) -> bool:
        """Whether a decisive hit of that row counts: with the antispam off, malware alone does."""
        if row.judgement is order.Judgement.MALWARE:
            return self.enabled[row.name]
        return self.antispam and self.enabled[row.name]

    def values(self) -> dict[str, Any]:
        """Every effective value by its key, in the order of `KEYS`."""
        return {name: self.value(name) for name in KEYS}

    def value(self, name: str) -> Any:
        """Return the effective value of a key, by its full name."""
        key = KEYS[name]
        if not key.row:
            found = getattr(self, key.field)
            return found.value if isinstance(found, enum.Enum) else found
        return self.enabled[key.row] if key.field == "enabled" else getattr(self.options[key.row], key.field)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place has chosen. `owner`: whose; `lines`: where a file says it, by key; `text`: as the database has it,
    of which layers with the same text say the same."""

    owner: str
    text: str = ""
    values: Mapping[str, Any] | None = None
    lines: Mapping[str, str] | None = None

    @property
    def stored(self) -> bool:
        """Whether it is from the database."""
        return self.lines is None

    def chosen(self) -> Mapping[str, Any]:
        return self.values if self.values is not None else decode(self.text, self.owner)


def decode(text: str, owner: str) -> dict[str, Any]:
    """Return the values of a layer; what this version does not know, or no key can be, is left out and said."""
    try:
        raw = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        _log.warning("a policy cannot be read", extra={"fields": {"policy": shown(owner), "why": str(error)}})
        return {}
    found = {}
    for key, value in raw.items():
        try:
            found[key] = checked(key, value)
        except BadPolicy as error:
            _log.warning("left out of a policy", extra={"fields": {"policy": shown(owner), "why": str(error)}})
    return found


class Policies:
    """The policies of a configuration and of the database, as they are now; built as they are asked for.

    Any thread may ask. A recipient costs a few look-ups, whatever the number of policies.
    """

    def __init__(self, config: Config, texts: PolicyTexts = NO_TEXTS, directory: Directory = NO_DIRECTORY) -> None:
        self._config = config
        self._texts = texts
        self._directory = directory
        self._delimiters = config.settings.aliases.recipient_delimiter
        self._built: dict[object, Policy] = {}
        self._domains: dict[str, Policy] = {}
        self._default = self._build(self.layers(PLATFORM))

    def for_recipient(self, recipient: str) -> Policy:
        """Return the policy of a normalised address."""
        domain = domain_of(recipient)
        if not self._texts.addresses and not self._directory.addresses:
            return self.for_domain(domain)
        own = list(self._of_address(recipient))
        return self._build(own, self.for_domain(domain)) if own else self.for_domain(domain)

    def for_domain(self, domain: str) -> Policy:
        """Return the policy of a normalised domain, of the platform for none; those that chose nothing share it."""
        if not domain:
            return self._default
        known = self._domains.get(domain)
        if known is None:
            known = self._build(list(self._of_domain(domain)), self._default)
            if not self._directory.changing:
                _put(self._domains, domain, known)
        return known

    def may_enable(self, row: str) -> bool:
        """Whether any policy may have a row enabled, by its name; False only where surely none has."""
        if not self._texts.empty or self._default.enabled[row]:
            return True
        sections = self._config.settings.domain.values()
        return any(section.filters.get(row, {}).get("enabled", False) for section in sections)

    def layers(self, owner: str) -> list[Layer]:
        """Return what makes the policy of an owner (`tamis.policy_keys.owner`), the strongest last."""
        found = list(self._of_platform())
        if owner.startswith(NAME_PREFIX):
            found += self._stored(owner)
        elif owner:
            found += self._of_domain(domain_of(owner) or owner)
            found += self._of_address(owner) if "@" in owner else ()
        return found

    def effective(self, owner: str) -> Policy:
        """Return the policy of an owner, whatever it is."""
        return self._build(self.layers(owner))

    # --- the places

    def _of_platform(self) -> Iterator[Layer]:
        yield self._written(PLATFORM, ("policy",), self._config.settings.policy)
        yield from self._stored(PLATFORM)

    def _of_domain(self, domain: str) -> Iterator[Layer]:
        own = list(self._stored(domain))
        yield from self._named(own, domain)
        if (section := self._config.settings.domain.get(domain)) is not None:
            yield self._written(domain, ("domain", domain), section)
        yield from own

    def _of_address(self, address: str) -> Iterator[Layer]:
        own = list(self._stored(address))
        base = base_address(address, self._delimiters)
        if not own and base != address:
            own = list(self._stored(base))
        yield from self._named(own, address, base)
        yield from own

    def _named(self, own: list[Layer], *owners: str) -> Iterator[Layer]:
        """Yield the named policy that an owner refers to, by choice, or as the directory says."""
        name = next((layer.chosen()[NAMED] for layer in own if NAMED in layer.chosen()), "")
        for owner in dict.fromkeys(owners):
            name = name or self._directory.policy_of(owner)
        if name:
            yield from self._stored(NAME_PREFIX + name)

    def _stored(self, owner: str) -> Iterator[Layer]:
        text = self._texts.find(owner)
        if text is not None:
            yield Layer(owner, text)

    def _written(self, owner: str, path: tuple[str, ...], section: msgspec.Struct) -> Layer:
        """Return what a section of the file says, with the lines that say it."""
        values: dict[str, Any] = {}
        lines: dict[str, str] = {}
        for key in KEYS.values():
            if key.row:
                options: Mapping[str, Any] = section.filters.get(key.row, {})  # type: ignore[attr-defined]
                where, value = (*path, "filters", key.row, key.field), options.get(key.field)
            else:
                where, value = (*path, key.field), getattr(section, key.field)
            said = self._config.source(*where)
            # What `[policy]` does not say is built in.
            if value is not None:
                values[key.name] = checked(key.name, value)
                lines[key.name] = said
        return Layer(owner, values=values, lines=lines)

    # --- the whole

    def _build(self, layers: list[Layer], base: Policy | None = None) -> Policy:
        policy = base or _BUILT_IN
        for layer in layers:
            key = (policy, layer.text if layer.stored else layer.owner, layer.stored)
            known = self._built.get(key)
            if known is None:
                known = overlaid(policy, layer.chosen())
                _put(self._built, key, known)
            policy = known
        return policy


def _put(known: dict[Any, Policy], key: object, policy: Policy) -> None:
    if len(known) >= limits.POLICIES_REMEMBERED:
        known.clear()
    known[key] = policy


def overlaid(policy: Policy, values: Mapping[str, Any]) -> Policy:
    """Return a policy with other values for some keys; only what they touch is made anew."""
    top: dict[str, Any] = {}
    enabled: dict[str, bool] = {}
    options: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        key = KEYS.get(name)
        if key is None:
            continue
        if not key.row:
            top[key.field] = _TYPES.get(key.field, _as_it_is)(value)
        elif key.field == "enabled":
            enabled[key.row] = value
        else:
            options.setdefault(key.row, {})[key.field] = value
    if enabled:
        top["enabled"] = {**policy.enabled, **enabled}
    if options:
        new = {row: msgspec.structs.replace(policy.options[row], **some) for row, some in options.items()}
        top["options"] = {**policy.options, **new}
    return replace(policy, **top) if top else policy


def _as_it_is(value: Any) -> Any:
    return value


_TYPES: Final[Mapping[str, Any]] = {"mode": Mode, "level": float, "digest": Digest, "language": Language}

_BUILT_IN: Final = Policy(
    **{key.field: _TYPES.get(key.field, _as_it_is)(key.default) for key in KEYS.values() if not key.row},
    enabled={row.name: row.enabled_by_default for row in order.ORDER},
    options={row.name: row.options_type() for row in order.ORDER},
)
