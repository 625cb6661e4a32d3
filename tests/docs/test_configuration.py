"""docs/configuration.md and the example file know every key of the configuration, its default, and no other key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tamis.config import Config, load, parse
from tamis.filters.order import ORDER, Switch
from tamis.policy import Policies
from tamis.settings import ClamdSection, DnsListSection, DomainSection, Settings, enabled_lists

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs" / "tamis.toml.example"
LISTS = ROOT / "docs" / "dnslists.toml.example"
DOMAIN = "example.org"

Keys = dict[str, str]
"""Each key with its default as TOML writes it."""


def test_every_key_is_documented_with_its_default() -> None:
    assert dict(_documented("## `[", "| `")) == _settings()


def test_every_filter_option_is_documented_with_its_default() -> None:
    found = dict(_documented("## Filters", "| `"))
    assert found.pop("enabled") == "as in [filters.md](filters.md)"
    assert found == {
        f"{row.name}.{field.name}": _toml(field.default)
        for row in ORDER
        for field in msgspec.structs.fields(row.options_type)
    }


def test_the_rows_that_are_off_or_cannot_be_switched_are_named() -> None:
    for text, switch in (("Off by default:", Switch.OFF), ("Not to be switched on their own", Switch.ALWAYS)):
        (sentence,) = re.findall(rf"{text}([^.]*)\.", PAGE)
        assert re.findall(r"`([^`]+)`", sentence) == [row.name for row in ORDER if row.default is switch]


def test_limits_are_those_of_the_types() -> None:
    """A documented range "0 to 256" is the range of the type."""
    checked = 0
    for name, section in _sections():
        for field in msgspec.structs.fields(section):
            schema = msgspec.json.schema(field.type)
            if "maximum" in schema:
                (kind,) = re.findall(rf"^\| `{field.name}` \| ([^|]*) \|", _chapter(name), re.M)
                least = f"above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else schema["minimum"]
                assert kind.endswith(f", {least} to {schema['maximum']}"), field.name
                checked += 1
    assert checked >= 4


@pytest.mark.parametrize("block", re.findall(r"^```toml\n(.*?)^```$", PAGE, re.S | re.M))
def test_examples_are_valid(block: str) -> None:
    parse(block, "configuration.md")


def test_the_example_has_something_in_every_section() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.S | re.M)
    config = parse(block, "configuration.md")
    for name in Settings.__struct_fields__:
        assert getattr(config.settings, name) != getattr(Settings(), name), name


def test_the_example_file_is_valid_and_changes_nothing() -> None:
    config = load(EXAMPLE)
    assert _without_policies(config) == Settings()
    _assert_same_policies(config)


def test_the_example_file_holds_every_default() -> None:
    """With every key uncommented the file still says the defaults, and it misses none."""
    text = _uncommented()
    config = parse(text, "tamis.toml.example")
    assert _without_policies(config) == Settings()
    assert config.settings.policy.level == Settings().policy.level
    _assert_same_policies(config)
    assert config.lines is not None
    written = {".".join(map(str, path)) for path in config.lines}
    own = (key for key in _settings() if not key.startswith(("dnslists.", "clamd.")))
    wanted = {key.replace('domain."example.org"', f"domain.{DOMAIN}") for key in own}
    wanted |= {f"policy.filters.{row.name}.{name}" for row in ORDER for name in row.options_type.__struct_fields__}
    assert wanted <= written


def test_the_example_lists_are_valid_off_and_say_their_terms() -> None:
    config = load(LISTS)
    lists = config.settings.dnslists
    assert msgspec.structs.replace(config.settings, dnslists={}) == Settings()
    assert enabled_lists(lists) == []
    assert all(one.terms and one.note.startswith("https://") and one.codes for one in lists.values())
    assert min(sum(one.kind == kind for one in lists.values()) for kind in ("ip", "url")) >= 2


def _documented(chapter: str, start: str) -> Iterator[tuple[str, str]]:
    """Yield (key, default) of the table rows in the chapters whose heading begins so."""
    for heading, body in re.findall(r"^(## .*?)$(.*?)(?=^## |\Z)", PAGE, re.S | re.M):
        if not heading.startswith(chapter):
            continue
        section = re.findall(r"`\[(.*)\]`", heading)
        for line in body.splitlines():
            if line.startswith(start):
                cells = [cell.strip() for cell in line.strip("|").split(" | ")]
                key = cells[0].strip("`")
                plain = re.fullmatch(r"`([^`]*)`", cells[2])
                yield ".".join([*section, key]), plain.group(1) if plain else cells[2]


def _chapter(section: str) -> str:
    return PAGE.partition(f"## `[{section}]`")[2].partition("\n## ")[0]


def _sections() -> Iterator[tuple[str, Any]]:
    """Yield each table of the configuration file with its type."""
    for field in msgspec.structs.fields(Settings):
        if field.name == "domain":
            yield f'domain."{DOMAIN}"', DomainSection
        elif field.name == "dnslists":
            yield "dnslists.NAME", DnsListSection
        elif field.name == "clamd":
            yield "clamd.NAME", ClamdSection
        else:
            yield field.name, field.type


def _settings() -> Keys:
    found: Keys = {}
    for name, section in _sections():
        for field in msgspec.structs.fields(section):
            if field.required:
                found[f"{name}.{field.name}"] = "none"
                continue
            default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
            found[f"{name}.{field.name}"] = "as `[policy]`" if default is None else _toml(default)
    return found


def _toml(value: Any) -> str:
    """Return a value as it is written in a TOML file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _uncommented() -> str:
    return re.sub(r"^#(?=[a-z_]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.M)


def _without_policies(config: Config) -> Settings:
    return msgspec.structs.replace(config.settings, policy=Settings().policy, domain={})


def _assert_same_policies(config: Config) -> None:
    defaults = Policies(Config(Settings())).for_domain("").values()
    assert Policies(config).for_domain("").values() == defaults
    assert Policies(config).for_domain(DOMAIN).values() == defaults
