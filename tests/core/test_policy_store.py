"""Policies in the database, on SQLite and PostgreSQL alike: changes, their history, and the file of the keeper."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tamis.config import Config, parse
from tamis.policy import Mode, Policies
from tamis.policy_keys import BadPolicy, canonical, checked, owner, parsed
from tamis.policy_store import NeedsConfirmation, PolicyStore, policies_task
from tamis.policy_texts import DatabaseTexts, MappedTextSource
from tamis.policy_view import effective
from tamis.snapshot import SnapshotError, policies_path

DOMAIN, ADDRESS = "example.org", "ann@example.org"


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "{database_url}"\n', "x")


@pytest.fixture
def store(database_url: str) -> PolicyStore:
    return PolicyStore(database_url)


def changes(store: PolicyStore, **which: Any) -> list[tuple[str, str, Any, Any, str]]:
    return [(one.owner, one.key, one.old, one.new, one.by) for one in store.history(**which)]


def test_reading_makes_nothing(store: PolicyStore) -> None:
    assert store.chosen(DOMAIN) == {}
    assert store.stored() == store.history() == []
    assert store.version() == 0
    assert store.unset(DOMAIN, None, "ann") == []


@pytest.mark.parametrize("owner", ["bob\udcabexample.org", "\udc84\3", "a\0b@example.org"])
def test_what_is_no_text_has_no_policy(store: PolicyStore, owner: str) -> None:
    """An address may come with any octets: found by fuzzing."""
    store.set(DOMAIN, {"mode": "tag"}, "ann")
    assert store.text(owner) is None
    assert store.chosen(owner) == {}


def test_set_and_unset_with_who_and_when(store: PolicyStore) -> None:
    first = store.set(DOMAIN, {"mode": "tag", "filters.spf.sealers": ["a.example"]}, "ann", "why not")
    assert {one.key for one in first} == {"mode", "filters.spf.sealers"}
    assert store.chosen(DOMAIN) == {"mode": "tag", "filters.spf.sealers": ["a.example"]}
    before = store.version()
    assert store.set(DOMAIN, {"mode": "tag", "filters.spf.sealers": ("a.example",)}, "bob") == []
    assert store.version() == before
    (event,) = store.set(DOMAIN, {"mode": "junk"}, "bob")
    assert (event.old, event.new) == ("tag", "junk")
    assert store.version() > before
    store.set(ADDRESS, {"level": 6}, "bob")
    assert store.unset(DOMAIN, ["level"], "bob") == []
    store.unset(DOMAIN, None, "eve")
    assert store.chosen(DOMAIN) == {}
    assert changes(store, limit=3) == [
        (DOMAIN, "mode", "junk", None, "eve"),
        (DOMAIN, "filters.spf.sealers", ["a.example"], None, "eve"),
        (ADDRESS, "level", None, 6.0, "bob"),
    ]
    assert changes(store, owner=ADDRESS) == [(ADDRESS, "level", None, 6.0, "bob")]
    assert len(store.history(domain=DOMAIN)) == 6
    assert store.history(domain="example.net") == []
    last = store.history(domain=DOMAIN)[1]
    assert [one.id for one in store.history(before=last.id)] == [one.id for one in store.history()[2:]]
    assert store.history(owner=DOMAIN)[-1].note == "why not"


def test_who_has_chosen_something(store: PolicyStore) -> None:
    for whose in (DOMAIN, ADDRESS, "example.net", "policy:gold", "", "a_b@example.org"):
        store.set(whose, {"level": 6}, "ann")
    assert [one.owner for one in store.stored()] == sorted(
        [DOMAIN, ADDRESS, "example.net", "policy:gold", "", "a_b@example.org"]
    )
    assert [one.owner for one in store.stored(domain=DOMAIN)] == ["a_b@example.org", ADDRESS, DOMAIN]
    assert [one.owner for one in store.stored(part="_")] == ["a_b@example.org"]
    assert [one.owner for one in store.stored(domain=DOMAIN, limit=1, after="a_b@example.org")] == [ADDRESS]


def test_all_or_nothing(store: PolicyStore) -> None:
    with pytest.raises(BadPolicy, match="level"):
        store.set(DOMAIN, {"mode": "tag", "level": 5}, "ann")
    assert store.chosen(DOMAIN) == {}
    for whose in ("", "policy:gold"):
        with pytest.raises(BadPolicy, match="only a domain or an address"):
            store.set(whose, {"policy": "silver"}, "ann")
    with pytest.raises(BadPolicy, match="characters of policy"):
        store.set(DOMAIN, {"filters.keywords.without": [f"RULE_{n}" for n in range(20_000)]}, "ann")


def test_row_26_is_switched_off_by_whoever_has_read_the_warning(store: PolicyStore) -> None:
    off, confirmed = "filters.attachment-hashes.enabled", "filters.attachment-hashes.off_confirmed"
    with pytest.raises(NeedsConfirmation, match="optimal security policy"):
        store.set(DOMAIN, {off: False}, "ann")
    assert store.history() == []
    store.set(DOMAIN, {off: False}, "ann", confirmed=True)
    assert store.chosen(DOMAIN) == {off: False, confirmed: True}
    store.unset(DOMAIN, [off], "ann")
    assert store.chosen(DOMAIN) == {}
    store.set(DOMAIN, {off: False, confirmed: True}, "ann")
    store.set(DOMAIN, {"filters.cyrillic.enabled": True}, "ann")


def test_changes_at_the_same_time_are_all_kept(config: Config) -> None:
    def change(number: int) -> None:
        PolicyStore(config.database_url).set(DOMAIN, {"junk_days": number + 1}, f"user{number}")

    PolicyStore(config.database_url).set(DOMAIN, {"level": 6}, "ann")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(12)))
    days = [event for event in reversed(PolicyStore(config.database_url).history()) if event.key == "junk_days"]
    assert len(days) == 12
    assert [one.old for one in days] == [None, *(one.new for one in days[:-1])]


def test_effective_values_with_who_set_them(config: Config, store: PolicyStore) -> None:
    store.set(DOMAIN, {"mode": "tag"}, "ann")
    store.set("policy:gold", {"level": 9}, "bob")
    store.set(ADDRESS, {"policy": "gold"}, "ann")
    values = {one.key: one for one in effective(config, ADDRESS)}
    assert (values["mode"].value, values["mode"].origin.by, values["mode"].origin.owner) == ("tag", "ann", DOMAIN)
    assert str(values["level"].origin).startswith("policy of policy:gold, set by bob 20")
    assert str(values["tag"].origin) == "default"
    assert {one.key: one.value for one in effective(config, DOMAIN)}["level"] == 7.5


# The file that workers map


def test_a_change_reaches_the_file_and_those_who_map_it(config: Config, store: PolicyStore) -> None:
    task, source = policies_task(config), MappedTextSource(config)
    with pytest.raises(FileNotFoundError):
        source.fresh()
    task.run()
    none = source.fresh()
    assert none is not None
    assert none.empty
    assert not none.addresses
    for whose, values in ((DOMAIN, {"mode": "tag"}), ("", {"level": 9}), ("policy:gold", {"level": 12})):
        store.set(whose, values, "ann")
    store.set("Bé@example.org".lower(), {"policy": "gold"}, "ann")
    task.run()
    texts = source.fresh()
    assert texts is not None
    assert source.fresh() is None
    assert texts.addresses
    assert not texts.empty
    policies, asked = Policies(config, texts), Policies(config, DatabaseTexts(config))
    for address, expected in (
        ("x@y.example", (9, "quarantine")),
        (ADDRESS, (9, "tag")),
        ("bé@example.org", (12, "tag")),
    ):
        policy = policies.for_recipient(address)
        assert (policy.level, policy.mode) == expected
        assert asked.for_recipient(address).values() == policy.values()
    store.unset(DOMAIN, None, "ann")
    task.run()
    changed = source.fresh()
    assert changed is not None
    assert Policies(config, changed).for_domain(DOMAIN).mode is Mode.QUARANTINE
    assert Policies(config, texts).for_domain(DOMAIN).mode is Mode.TAG


def test_a_damaged_file_is_not_taken(config: Config, store: PolicyStore) -> None:
    store.set(DOMAIN, {"mode": "tag"}, "ann")
    policies_task(config).run()
    source = MappedTextSource(config)
    assert source.fresh() is not None
    path = policies_path(config)
    octets = bytearray(path.read_bytes())
    octets[-1] ^= 1
    path.unlink()
    path.write_bytes(octets)
    for _ in range(2):
        with pytest.raises(SnapshotError):
            source.fresh()


# Keys, values and owners as people write them


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("mode", "mode"),
        ("policy", "policy"),
        ("cyrillic", "filters.cyrillic.enabled"),
        ("filters.cyrillic", "filters.cyrillic.enabled"),
        ("cyrillic.ratio", "filters.cyrillic.ratio"),
        ("filters.spf.strict", "filters.spf.strict"),
    ],
)
def test_keys(written: str, full: str) -> None:
    assert canonical(written) == full


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("moed", "moed: unknown key; did you mean 'mode'?"),
        ("cyrilic", "cyrilic: unknown key; did you mean 'cyrillic'?"),
        ("cyrilic.ratio", "cyrilic.ratio: there is no filter of that name; did you mean 'cyrillic'?"),
        ("spf.strickt", "spf.strickt: unknown key; did you mean 'strict'?"),
        ("sender-complaint", "sender-complaint: the row is not to be switched on its own"),
        ("delivery.x", "delivery.x: unknown key; there is nothing to set here"),
    ],
)
def test_keys_that_are_none(written: str, said: str) -> None:
    with pytest.raises(BadPolicy) as raised:
        canonical(written)
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("tag", "on", True),
        ("filters.cyrillic.enabled", "No", False),
        ("level", "6", 6.0),
        ("level", "4.5", 4.5),
        ("junk_days", "14", 14),
        ("mode", "junk", "junk"),
        ("filters.spf.sealers", "a.example, b.example", ("a.example", "b.example")),
        ("filters.spf.sealers", "", ()),
        ("filters.cyrillic.ratio", "1", 1.0),
    ],
)
def test_values(key: str, text: str, value: object) -> None:
    assert parsed(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("level", "5", "level: 5 is not one of the seven levels 3, 4.5, 6, 7.5, 9, 10.5, 12"),
        ("level", "high", "level: 'high' is not a number"),
        ("mode", "jnuk", "mode: 'jnuk' is not one of quarantine, tag, junk, observe; did you mean 'junk'?"),
        ("tag", "perhaps", "tag: 'perhaps' is neither on nor off"),
        ("junk_days", "-1", "junk_days: expected `int` >= 0"),
        ("junk_days", "1.5", "junk_days: expected `int`, got `float`"),
        ("filters.cyrillic.ratio", "2", "filters.cyrillic.ratio: expected `float` <= 1.0"),
        ("policy", "a b", "policy: 'a b' is no name of a policy: up to 40 of a-z, 0-9, - and _"),
    ],
)
def test_values_that_are_none(key: str, text: str, said: str) -> None:
    with pytest.raises(BadPolicy) as raised:
        parsed(key, text)
    assert str(raised.value) == said


def test_none_is_no_value() -> None:
    with pytest.raises(BadPolicy):
        checked("filters.cyrillic.enabled", None)


def test_owners() -> None:
    assert owner("default") == ""
    assert owner("Example.ORG.") == DOMAIN
    assert owner("Ann@Example.ORG") == ADDRESS
    assert owner("policy:gold-2") == "policy:gold-2"
    for bad in ("", "policy:", "policy:A", "a b", ".example.org", "@example.org", "a@b@c", "x" * 330 + "@example.org"):
        with pytest.raises(ValueError, match=r"."):
            owner(bad)
