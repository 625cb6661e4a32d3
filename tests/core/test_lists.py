"""White- and blacklists as filters ask them."""

import ipaddress
import time
from datetime import UTC, datetime, timedelta

import pytest

from tamis.lists import CONFIGURED, BadEntry, Entry, ListName, Lists, flagged_value, normalise_value, recipient_domain
from tamis.mail import parse_ip

NOW = datetime(2024, 1, 1, tzinfo=UTC)
IP, SENDER = ListName.WHITELIST_IP, ListName.WHITELIST_SENDER


def matches_ip(value: str, ip: str) -> bool:
    address = parse_ip(ip)
    assert address is not None
    return Lists([Entry(IP, normalise_value(IP, value))]).match_ip(IP, "", address, NOW) is not None


def matches_sender(value: str, address: str) -> bool:
    return Lists([Entry(SENDER, normalise_value(SENDER, value))]).match_address(SENDER, "", address, NOW) is not None


@pytest.mark.parametrize(
    ("value", "ip", "expected"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("0.0.0.0/0", "203.0.113.1", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:DB8::7", "2001:db8:0:0::7", True),
        ("::/0", "192.0.2.7", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.0/120", "192.0.2.9", True),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("::c000:207", "192.0.2.7", False),
    ],
)
def test_addresses_and_networks(value: str, ip: str, expected: bool) -> None:
    assert matches_ip(value, ip) is expected


@pytest.mark.parametrize(
    ("value", "address", "expected"),
    [
        ("ann@example.net", "ann@example.net", True),
        ("Ann@Example.NET", "ann@example.net", True),
        ("ann@example.net", "bob@example.net", False),
        ("example.net", "ann@example.net", True),
        ("@example.net", "ann@example.net", True),
        ("example.net", "ann@mail.example.net", False),
        ("example.net", "ann@badexample.net", False),
        (".example.net", "ann@example.net", True),
        (".example.net", "ann@a.b.example.net", True),
        (".example.net", "ann@badexample.net", False),
        (".net", "ann@example.net", True),
        ("bücher.example", "ann@xn--bcher-kva.example", True),
        ("example.net", "", False),
        ("example.net", "example.net", False),
        ('"a@b"@example.net', '"a@b"@example.net', True),
    ],
)
def test_senders(value: str, address: str, expected: bool) -> None:
    assert matches_sender(value, address) is expected


@pytest.mark.parametrize(
    "value", ["", " ", "192.0.2.256", "192.0.2.1/24", "192.0.2.0/33", "example.net", "1.2.3", "::g", "192.0.2.0-9"]
)
def test_bad_addresses(value: str) -> None:
    with pytest.raises(BadEntry, match="is not an IP address or network") as caught:
        normalise_value(IP, value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["", "@", "ann@", "a b@example.net", "ann@exa mple.net", "ann@example..net", ".", "..example.net", "a@b@c.example",
     "<ann@example.net>", "*.example.net", "ann@.example.net", "a" * 64 + ".example", "a." * 130 + "b", "a\n@x.example",
     "ann@example.net\n", "ann@exam\0ple.net", "ann@[192.0.2.7]"],
)  # fmt: skip
def test_bad_senders(value: str) -> None:
    if value == "ann@example.net\n":
        assert normalise_value(SENDER, value) == "ann@example.net"
        return
    with pytest.raises(BadEntry, match="is not a mail address or domain") as caught:
        normalise_value(SENDER, value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "domain"),
    [("example.org", "example.org"), (" Example.ORG. ", "example.org"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_recipient_domains(text: str, domain: str) -> None:
    assert recipient_domain(text) == domain


@pytest.mark.parametrize("text", ["", ".example.org", "@example.org", "ann@example.org", "*.example.org", "a b"])
def test_bad_recipient_domains(text: str) -> None:
    with pytest.raises(BadEntry, match="is not a domain name"):
        recipient_domain(text)


DIGEST = "0123456789abcdef" * 2 + "01234567"
SHA256 = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        (ListName.BAN_IP, "192.0.2.0/24", "192.0.2.0/24"),
        (ListName.TRAP, "Hidden@Example.ORG", "hidden@example.org"),
        (ListName.TRAP, "@example.org", "example.org"),
        (ListName.FLAGGED, f"192.0.2.7 {DIGEST}", f"192.0.2.7 {DIGEST}"),
        (ListName.FLAGGED, f" 2001:DB8:0::7   {DIGEST.upper()} ", f"2001:db8::7 {DIGEST}"),
        (ListName.FLAGGED, f"::ffff:192.0.2.7 {DIGEST}", f"192.0.2.7 {DIGEST}"),
        (ListName.MALWARE_HASH, f" {SHA256.upper()} ", SHA256),
    ],
)
def test_other_values(name: ListName, written: str, value: str) -> None:
    assert normalise_value(name, written) == value


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (ListName.BAN_IP, "example.org", "is not an IP address or network"),
        (ListName.TRAP, "192.0.2.0/24", "is not a mail address or domain"),
        *(
            (ListName.FLAGGED, value, "is not an IP address and the 40 hexadecimal digits of a message")
            for value in ("", DIGEST, "192.0.2.7", f"192.0.2.0/24 {DIGEST}", f"192.0.2.7 {DIGEST}0", f"x {DIGEST}",
                          f"192.0.2.7 {DIGEST[:-2]} 0", f"192.0.2.7 {DIGEST[:-1]}g")
        ),
        *(
            (ListName.MALWARE_HASH, value, "is not a SHA-256: 64 hexadecimal digits")
            for value in ("", DIGEST, SHA256[:-1] + "g", SHA256 + "0", SHA256.replace("0", "\u0660"))
        ),
    ],
)  # fmt: skip
def test_other_bad_values(name: ListName, value: str, line: str) -> None:
    with pytest.raises(BadEntry, match=line) as caught:
        normalise_value(name, value)
    assert "\n" not in str(caught.value)


def test_which_stand_in_the_configuration() -> None:
    by_command = {ListName.FLAGGED, ListName.MALWARE_HASH, ListName.COMPLAINT_IP, ListName.COMPLAINT_SENDER}
    assert set(ListName) - set(CONFIGURED) == by_command
    assert {name for name in ListName if name.platform_only} == by_command - {ListName.FLAGGED}


def test_flagged_pairs() -> None:
    peer, other = ipaddress.ip_address("2001:db8::7"), ipaddress.ip_address("192.0.2.7")
    value = flagged_value(peer, bytes.fromhex(DIGEST))
    assert value == normalise_value(ListName.FLAGGED, value)
    lists = Lists([Entry(ListName.FLAGGED, value, "example.org", expires=NOW)])
    assert lists.has_flagged("example.org", peer)
    assert not lists.has_flagged("", peer)
    assert not lists.has_flagged("example.org", other)
    assert not Lists([Entry(IP, "192.0.2.7")]).has_flagged("", other)
    for moment, there in ((NOW - timedelta(seconds=1), True), (NOW, False)):
        assert (lists.match_value(ListName.FLAGGED, "example.org", value, moment) is not None) is there


def test_which_lists_hold_anything() -> None:
    lists = Lists([Entry(ListName.TRAP, "hidden@example.org", "example.org"), Entry(ListName.BAN_IP, "192.0.2.7")])
    assert [name for name in ListName if lists.holds(name)] == [ListName.BAN_IP, ListName.TRAP]
    assert lists.match_value(ListName.MALWARE_HASH, "", SHA256) is None


def test_each_domain_has_its_own() -> None:
    entries = [Entry(SENDER, "example.net", "example.org"), Entry(ListName.BLACKLIST_SENDER, "bad.example")]
    lists = Lists(entries)
    assert lists.size == 2
    assert lists.match_address(SENDER, "example.org", "ann@example.net") is entries[0]
    assert lists.match_address(SENDER, "", "ann@example.net") is None
    assert lists.match_address(ListName.BLACKLIST_SENDER, "example.org", "ann@bad.example") is None
    assert lists.match_address(ListName.BLACKLIST_SENDER, "", "ann@bad.example") is entries[1]


def test_entries_end() -> None:
    end = NOW + timedelta(hours=1)
    lists = Lists([Entry(SENDER, "example.net", expires=end), Entry(IP, "192.0.2.7", expires=end)])
    address = ipaddress.ip_address("192.0.2.7")
    for moment, there in ((NOW, True), (end - timedelta(microseconds=1), True), (end, False)):
        assert (lists.match_address(SENDER, "", "ann@example.net", moment) is not None) is there
        assert (lists.match_ip(IP, "", address, moment) is not None) is there


def test_an_ended_entry_does_not_hide_a_wider_one() -> None:
    entries = [
        Entry(IP, "192.0.2.7", expires=NOW),
        Entry(IP, "192.0.2.0/24", source="wider"),
        Entry(SENDER, "ann@example.net", expires=NOW),
        Entry(SENDER, ".net", source="wider"),
    ]
    found = Lists(entries).match_ip(IP, "", ipaddress.ip_address("192.0.2.7"), NOW)
    assert found is not None
    assert found.source == "wider"
    found = Lists(entries).match_address(SENDER, "", "ann@example.net", NOW)
    assert found is not None
    assert found.source == "wider"


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_entries_of_one_value_the_longer_holds(order: int) -> None:
    """What is written in the file for ever is not ended by what was added by command for a day."""
    for name, value in ((IP, "192.0.2.7"), (SENDER, "example.net")):
        ends = (None, NOW + timedelta(days=1), NOW)
        lists = Lists([Entry(name, value, expires=end) for end in ends[::order]])
        later = NOW + timedelta(days=9)
        if name is IP:
            assert lists.match_ip(name, "", ipaddress.ip_address(value), later) is not None
        else:
            assert lists.match_address(name, "", f"ann@{value}", later) is not None


def test_the_narrowest_network_is_named() -> None:
    lists = Lists([Entry(IP, "192.0.0.0/16"), Entry(IP, "192.0.2.0/24"), Entry(IP, "0.0.0.0/0")])
    found = lists.match_ip(IP, "", ipaddress.ip_address("192.0.2.7"))
    assert found is not None
    assert str(found) == "192.0.2.0/24 (whitelist_ip of the platform)"


@pytest.mark.slow
def test_a_hundred_thousand_entries() -> None:
    entries = [Entry(IP, f"10.{n >> 16}.{(n >> 8) & 255}.{n & 255}") for n in range(50_000)]
    entries += [Entry(SENDER, f"user{n}@example.net") for n in range(50_000)]
    started = time.process_time()
    lists = Lists(entries)
    assert time.process_time() - started < 5
    hit, miss = ipaddress.ip_address("10.0.195.79"), ipaddress.ip_address("192.0.2.7")
    started = time.process_time()
    for _ in range(1000):
        assert lists.match_ip(IP, "", hit, NOW)
        assert not lists.match_ip(IP, "", miss, NOW)
        assert lists.match_address(SENDER, "", "user49999@example.net", NOW)
        assert not lists.match_address(SENDER, "", "nobody@a.b.c.example.net", NOW)
    assert time.process_time() - started < 0.5
