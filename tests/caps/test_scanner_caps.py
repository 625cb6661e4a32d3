"""Caps on what other programs may answer: clamd, spamd, and Postfix's tables."""

import pytest

from tamis import limits
from tamis.destinations import Destinations, DestinationUnknown
from tamis.directory import PolicyMaps
from tamis.scanners import clamd, spamd
from tamis.scanners.endpoint import Unanswered
from tamis.settings import Aliases, DirectorySection


def test_virus_name() -> None:
    said = b"stream: " + b"V" * 1000 + b" FOUND\0"
    assert clamd._verdict(said) == "V" * limits.VIRUS_NAME_CHARS


def test_what_clamd_says_else() -> None:
    with pytest.raises(Unanswered) as raised:
        clamd._verdict(b"e" * 1000 + b"\0")
    assert str(raised.value).count("e") <= limits.VIRUS_NAME_CHARS + 10


def test_spamd_tests() -> None:
    names = ",".join(f"TEST_{number}" for number in range(limits.SPAMD_TESTS + 10))
    header = f"X-Spam-Status: Yes, score=9.0 required=5.0 tests={names} autolearn=no\n\n".encode()
    assert len(spamd._tests(header)) == limits.SPAMD_TESTS


def test_alias_addresses() -> None:
    known = Destinations(Aliases())
    for length, asked in ((limits.ALIAS_ADDRESS_CHARS, True), (limits.ALIAS_ADDRESS_CHARS + 1, False)):
        address = f"{'a' * (length - len('@b.example'))}@b.example"
        found = known.find_all([address])[address]
        unasked = isinstance(found, DestinationUnknown) and str(found) == "not an address that can be looked up"
        assert unasked != asked


def test_directory_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(_program: str, _table: str, keys: list[str], _seconds: float) -> dict[str, str]:
        asked.extend(keys)
        return dict.fromkeys(keys, "strict")

    monkeypatch.setattr("tamis.directory.ask", ask)
    maps = PolicyMaps(DirectorySection(policy_maps=("texthash:/x",)), "postmap")
    for number in range(limits.DIRECTORY_REMEMBERED + 10):
        assert maps.policy_of(f"{number}.example") == "strict"
    assert len(maps._known) == limits.DIRECTORY_REMEMBERED
    maps.policy_of(f"{limits.DIRECTORY_REMEMBERED}.example")
    assert len(asked) == limits.DIRECTORY_REMEMBERED + 10
