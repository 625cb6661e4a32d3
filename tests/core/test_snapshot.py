"""The mapped lists answer as those in memory do, and what is damaged is refused."""

import ipaddress
import os
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tamis import snapshot, snapshot_writer
from tamis.lists import Entry, ListName, Lists, normalise_value
from tamis.sealed_file import seal
from tamis.snapshot import MappedLists, SnapshotError, StoredLists
from tamis.snapshot_writer import Row, write

NOW = datetime(2024, 1, 1, tzinfo=UTC)
IP, SENDER = ListName.BLACKLIST_IP, ListName.WHITELIST_SENDER

_DOMAINS = st.sampled_from(["", "example.org", "example.net"])
_ENDS = st.sampled_from([None, NOW - timedelta(days=1), NOW, NOW + timedelta(microseconds=1), NOW + timedelta(days=1)])
_ADDRESSES = st.one_of(
    st.sampled_from(["192.0.2.7", "192.0.2.8", "198.51.100.1", "2001:db8::7", "::ffff:192.0.2.7", "::c000:207", "::1"]),
    st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number))),
    st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number))),
)
_SENDERS = st.sampled_from(
    [
        "ann@example.net",
        "bob@example.net",
        "example.net",
        ".net",
        ".mail.example.net",
        '"a@b"@example.net',
        "é@x.example",
    ]
)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """An address, or a network around it."""
    address = ipaddress.ip_address(draw(_ADDRESSES))
    most = address.max_prefixlen
    length = draw(st.one_of(st.sampled_from([most, most - 8]), st.integers(0, most)))
    return str(ipaddress.ip_network((address, length), strict=False))


_DIGESTS = st.sampled_from(["ab", "cd"])
_VALUES = {
    ListName.FLAGGED: st.builds(lambda peer, digest: f"{peer} {digest * 20}", _ADDRESSES, _DIGESTS),
    ListName.MALWARE_HASH: st.builds(lambda digest: digest * 32, _DIGESTS),
}


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    name = draw(st.sampled_from(ListName))
    value = normalise_value(name, draw(_VALUES.get(name, networks() if name.holds_networks else _SENDERS)))
    return Entry(name, value, draw(_DOMAINS), draw(st.sampled_from(["", "added by ann", "é"])), draw(_ENDS))


def rows(entries: Iterable[Entry]) -> Iterator[Row]:
    for entry in entries:
        end = entry.expires.replace(tzinfo=None) if entry.expires else None
        yield entry.list.value, entry.domain, entry.value, entry.source, end


def stored(path: Path, *entries: Entry) -> StoredLists:
    write(path, rows(entries), 1, "x")
    with path.open("rb") as file:
        return StoredLists(file)


def assert_same(mapped: Lists, lists: Lists, peers: Iterable[str], senders: Iterable[str]) -> None:
    assert mapped.size == lists.size
    for name in ListName:
        for domain in ("", "example.org", "example.net", "other.example"):
            assert mapped.holds(name) is lists.holds(name)
            assert mapped.has(name, domain) is lists.has(name, domain)
            for value in ("ab" * 32, *(f"{peer} {'ab' * 20}" for peer in peers)):
                assert mapped.match_value(name, domain, value, NOW) == lists.match_value(name, domain, value, NOW)
            for peer in map(ipaddress.ip_address, peers):
                assert mapped.has_flagged(domain, peer) is lists.has_flagged(domain, peer)
                assert mapped.match_ip(name, domain, peer, NOW) == lists.match_ip(name, domain, peer, NOW)
            for sender in senders:
                assert mapped.match_address(name, domain, sender, NOW) == lists.match_address(name, domain, sender, NOW)


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries(), max_size=12), st.lists(entries(), max_size=12), st.lists(_ADDRESSES, max_size=4))
@example([Entry(IP, "192.0.2.7", expires=NOW)], [Entry(IP, "192.0.2.7")], [])
@example([Entry(IP, "192.0.2.7")], [Entry(IP, "192.0.2.7", expires=NOW)], [])
@example([Entry(SENDER, "example.net", expires=NOW)], [Entry(SENDER, "example.net")], [])
@example([], [Entry(IP, "0.0.0.0/0"), Entry(IP, "::/0")], ["192.0.2.7", "2001:db8::7"])
@example([Entry(IP, "192.0.2.0/24")], [Entry(IP, "192.0.2.7", expires=NOW), Entry(IP, "192.0.0.0/16")], ["192.0.2.7"])
def test_they_answer_as_lists_in_memory(
    tmp_path: Path, configured: list[Entry], others: list[Entry], peers: list[str]
) -> None:
    """Whatever is written in the file, whatever is added by command, and whatever has ended."""
    mapped = MappedLists(configured, stored(tmp_path / "snapshot", *others))
    # Peers within and just outside of what is listed.
    listed = [ipaddress.ip_network(e.value) for e in (*configured, *others) if e.list.holds_networks]
    peers = [*peers, *(str(network[0]) for network in listed), *(str(network[-1]) for network in listed)]
    senders = ["ann@example.net", "bob@mail.example.net", '"a@b"@example.net', "é@x.example", "x@a.b.net", "net", ""]
    assert_same(mapped, Lists([*configured, *others]), peers, senders)


def test_a_key_that_many_entries_share_leads_to_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Same:
        def digest(self) -> bytes:
            return b"12345678"

    for module in (snapshot, snapshot_writer):
        monkeypatch.setattr(module, "hasher", lambda key: lambda text: Same())
    others = [Entry(SENDER, "ann@example.net", expires=NOW + timedelta(days=1)), Entry(SENDER, ".example.org")]
    others += [
        Entry(SENDER, "ann@example.net"),
        Entry(SENDER, "bob@example.net", "example.org"),
        Entry(IP, "192.0.2.7"),
    ]
    mapped, lists = MappedLists([], stored(tmp_path / "snapshot", *others)), Lists(others)
    for domain in ("", "example.org"):
        for sender in ("ann@example.net", "bob@example.net", "carol@example.net", "x@a.example.org"):
            assert mapped.match_address(SENDER, domain, sender, NOW) == lists.match_address(SENDER, domain, sender, NOW)
    assert mapped.match_ip(IP, "", ipaddress.ip_address("192.0.2.8"), NOW) is None


@pytest.mark.parametrize("odd", ["a\0b", "\udcff", "a\0b@example.net", "\ud800@\udcff", "x\0added by ann"])
def test_whatever_comes_from_the_wire_can_be_asked(tmp_path: Path, odd: str) -> None:
    mapped = MappedLists(
        [], stored(tmp_path / "snapshot", Entry(SENDER, "x", source="added by ann"), Entry(SENDER, "a"))
    )
    assert mapped.match_address(SENDER, "", odd) is None
    assert mapped.match_address(SENDER, odd, "ann@example.net") is None
    assert not mapped.has(SENDER, odd)


def test_no_entries_at_all(tmp_path: Path) -> None:
    mapped = MappedLists([], stored(tmp_path / "snapshot"))
    assert_same(mapped, Lists(), ["192.0.2.7", "::1"], ["ann@example.net"])


def test_the_first_of_several_words_is_marked(tmp_path: Path) -> None:
    """What is made of two things, as peer and content, need be computed only where one of the first is there."""
    found = stored(tmp_path / "snapshot", Entry(SENDER, "192.0.2.7 abc", "example.org"))
    assert found.has(SENDER, "example.org", "192.0.2.7")
    assert not found.has(SENDER, "example.org", "192.0.2.8")
    assert not found.has(SENDER, "", "192.0.2.7")
    assert found.find(SENDER, "example.org", "192.0.2.7") is None
    assert found.find(SENDER, "example.org", "192.0.2.7 abc") is not None


def test_rows_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    """As a newer version may write them; the others hold."""
    path = tmp_path / "snapshot"
    good = Entry(IP, "192.0.2.7")
    odd = [("no_such_list", "", "x", "", None), ("whitelist_sender", "", "a\0b", "", None)]
    odd += [(IP.value, "", value, "", None) for value in ("nonsense", "192.0.2.0/33", "192.0.2.0/x", "::/129", "::/-1")]
    assert write(path, [*odd, *rows([good])], 1, "x") == len(odd)
    with path.open("rb") as file:
        found = StoredLists(file)
    assert found.header.entries == 1
    assert found.find(IP, "", "192.0.2.7") == good


def damaged(path: Path, change: Any) -> None:
    data = bytearray(path.read_bytes())
    path.write_bytes(change(data))
    with path.open("rb") as file, pytest.raises(SnapshotError) as refused:
        StoredLists(file)
    assert "\n" not in str(refused.value)


def flipped(data: bytearray, at: int) -> bytearray:
    data[at] ^= 1 << (at % 8)
    return data


def test_damage_is_refused(tmp_path: Path) -> None:
    """Every octet that is another, every length that is shorter, and one that is longer."""
    path = tmp_path / "snapshot"
    stored(
        path, Entry(IP, "192.0.2.0/24", expires=NOW), Entry(SENDER, "ann@example.net", "example.org", "added by ann")
    )
    good = path.read_bytes()
    for at in range(len(good)):
        damaged(path, lambda data, at=at: flipped(data, at))
        path.write_bytes(good)
        damaged(path, lambda data, at=at: data[:at])
        path.write_bytes(good)
    damaged(path, lambda data: data + b"\0")


@pytest.mark.parametrize("content", [b"", b"TAMIS-SNAPSHOT 2" + bytes(100), b"this is no snapshot" * 10, bytes(4096)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(b"x")
    damaged(path, lambda _: content)


def test_a_whole_file_of_impossible_numbers_is_refused(tmp_path: Path) -> None:
    """As a Tamis with a fault would write it."""
    header = snapshot.Header(
        version=1, database="", key="", entries=2**40, marks=0, text_bytes=-(28 * 2**40), prefixes={}
    )
    path = tmp_path / "snapshot"
    seal(path, snapshot.MAGIC, header, [])
    with path.open("rb") as file, pytest.raises(SnapshotError):
        StoredLists(file)


def test_what_is_mapped_stays_when_another_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    first = stored(path, Entry(SENDER, "ann@example.net"))
    second = stored(path, Entry(SENDER, "bob@example.net"))
    path.unlink()
    assert first.find(SENDER, "", "ann@example.net")
    assert not first.find(SENDER, "", "bob@example.net")
    assert second.find(SENDER, "", "bob@example.net")


def test_writing_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snapshot"
    stored(path, Entry(SENDER, "ann@example.net"))
    before = path.read_bytes()

    def broken() -> Iterator[Row]:
        yield from rows([Entry(SENDER, "bob@example.net")])
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        write(path, broken(), 2, "x")

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, [], 2, "x")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    (tmp_path / "snapshot.new").symlink_to(tmp_path / "elsewhere")
    stored(path, Entry(SENDER, "ann@example.net"))
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    stored(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
