"""What a policy may choose: every key with its type and its default, and how keys, values and owners are written.

A policy belongs to the whole platform, to a domain, to an address, or to a name that others refer to (`owner`). In the
database its values are kept flat: `mode`, `filters.cyrillic.ratio`.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_origin

import msgspec

from tamis.filters.order import BY_NAME, ORDER
from tamis.lists import PLATFORM, BadEntry, ListName, normalise_value, recipient_domain
from tamis.mistakes import Problem, convert
from tamis.settings import PolicySection

NAMED: Final = "policy"
"""The key by which a domain or an address refers to a policy that has a name."""
NAME_PREFIX: Final = "policy:"
DEFAULT: Final = "default"
"""How a person writes the platform's policy."""

OFF_WARNING: Final = (
    "once it is off, software and mail programs need an optimal security policy to limit every risk (updates, no user "
    "who is administrator of the machine)"
)
"""The warning of the specification where row 26 is switched off."""
OFF_KEY: Final = "filters.attachment-hashes.enabled"
OFF_CONFIRMED: Final = "filters.attachment-hashes.off_confirmed"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ON_OFF: Final = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


class BadPolicy(ValueError):
    """A key or value that no policy can have; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `row`: the name of the row whose option it is; `field`: its name there, or in ``[policy]``."""

    name: str
    field: str
    row: str
    type: Any
    default: Any

    @property
    def is_list(self) -> bool:
        return get_origin(self.type) is tuple


@cache
def _section(row: str) -> Any:
    return BY_NAME[row].settings_type() if row else PolicySection


def _known_keys() -> dict[str, Key]:
    found = {
        field.name: Key(field.name, field.name, "", field.type, field.default)
        for field in msgspec.structs.fields(PolicySection)
        if field.name != "filters"
    }
    for row in ORDER:
        for field in msgspec.structs.fields(_section(row.name)):
            name = f"filters.{row.name}.{field.name}"
            switch = field.name == "enabled"
            default = row.enabled_by_default if switch else field.default
            found[name] = Key(name, field.name, row.name, bool if switch else field.type, default)
    return found


KEYS: Final[Mapping[str, Key]] = _known_keys()
"""Every key but `NAMED`, in the order in which `tamis policy` prints them."""


def is_name(text: str) -> bool:
    """Whether a policy can have that name."""
    return _NAME.fullmatch(text) is not None


def owner(text: str) -> str:
    """Return whose policy a text names, in its one spelling; ``""`` for the platform. Raises `BadEntry`.

    ``default``, a domain, an address, or ``policy:NAME``.
    """
    if text == DEFAULT:
        return PLATFORM
    if text.startswith(NAME_PREFIX):
        name = text.removeprefix(NAME_PREFIX)
        if not is_name(name):
            raise BadEntry(f"{text!r} is no name of a policy: up to 40 of a-z, 0-9, - and _")
        return text
    if "@" not in text.removeprefix("@"):
        return recipient_domain(text)
    address = normalise_value(ListName.WHITELIST_SENDER, text)
    if len(address) > 320:
        raise BadEntry(f"{text[:40]!r}… is longer than 320 characters")
    return address


def shown(whose: str) -> str:
    """Return how an owner is written for a person, and on the command line."""
    return whose or DEFAULT


def domain_of_owner(whose: str) -> str:
    """Return the domain that an owner is, or is in; empty for the platform and for names."""
    return "" if whose.startswith(NAME_PREFIX) else whose.rpartition("@")[2]


def kind_of(whose: str) -> str:
    """Return what an owner is, in one letter: an address, a domain, a name, or the platform (empty)."""
    return "@" if "@" in whose else ":" if whose.startswith(NAME_PREFIX) else "." if whose else ""


def canonical(key: str) -> str:
    """Return the full name of a key: ``cyrillic`` is the switch of that row, ``cyrillic.ratio`` its option.

    Raises `BadPolicy` with the nearest name.
    """
    if key in KEYS or key == NAMED:
        return key
    row, _, option = key.removeprefix("filters.").partition(".")
    if row in BY_NAME:
        full = f"filters.{row}.{option or 'enabled'}"
        if full in KEYS:
            return full
        if not option:
            raise BadPolicy(f"{key}: the row is not to be switched on its own")
        known = [one.field for one in KEYS.values() if one.row == row]
        raise BadPolicy(f"{key}: unknown key{_near(option, known) or _all(known)}")
    names = [*BY_NAME, *(name for name in KEYS if not name.startswith("filters.")), NAMED]
    if "." in key:
        raise BadPolicy(f"{key}: there is no filter of that name{_near(row, list(BY_NAME))}")
    raise BadPolicy(f"{key}: unknown key{_near(key, names) or _all(names[len(BY_NAME) :])}")


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _all(known: list[str]) -> str:
    return f"; known keys: {', '.join(sorted(known))}" if known else "; there is nothing to set here"


def checked(key: str, value: Any) -> Any:
    """Return a value of a key (by its full name) as it is stored. Raises `BadPolicy` for one that it cannot have."""
    if key == NAMED:
        if not isinstance(value, str) or not is_name(value):
            raise BadPolicy(f"{key}: {value!r} is no name of a policy: up to 40 of a-z, 0-9, - and _")
        return value
    if key not in KEYS:
        raise BadPolicy(f"{key}: unknown key")
    known = KEYS[key]
    problems: list[Problem] = []
    section = convert({known.field: value}, _section(known.row), (), "", {}, problems)
    if problems or value is None:
        raise BadPolicy(f"{key}: {problems[0].text if problems else 'a value is needed'}")
    return getattr(section, known.field)


def parsed(key: str, text: str) -> Any:
    """Return the value of a key (by its full name) as a person writes it. Raises `BadPolicy`.

    ``on`` and ``off``; numbers; words; lists with commas between their values, nothing for an empty one.
    """
    known = KEYS.get(key)
    if known is None:
        return checked(key, text)
    if known.is_list:
        return checked(key, [word.strip() for word in text.split(",") if word.strip()])
    if isinstance(known.default, bool):
        if text.lower() not in _ON_OFF:
            raise BadPolicy(f"{key}: {text!r} is neither on nor off")
        return checked(key, _ON_OFF[text.lower()])
    if isinstance(known.default, (int, float)):
        try:
            number = float(text)
        except ValueError:
            raise BadPolicy(f"{key}: {text!r} is not a number") from None
        return checked(key, int(number) if number.is_integer() else number)
    return checked(key, text)


def worded(value: Any) -> str:
    """Return a value as `parsed` reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
