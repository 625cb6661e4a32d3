"""Which servers are asked: those of the configuration, else those of the system, and never others."""

from pathlib import Path

import pytest

from tamis.dns.servers import Address, addresses, parse_server, public_operator, system_servers


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", Address("127.0.0.1", 53)),
        ("192.0.2.1:5353", Address("192.0.2.1", 5353)),
        ("::1", Address("::1", 53)),
        ("[::1]", Address("::1", 53)),
        ("[::1]:53", Address("::1", 53)),
        ("[2001:DB8::1]:5353", Address("2001:db8::1", 5353)),
        ("fe80::1%eth0", Address("fe80::1%eth0", 53)),
        ("[fe80::1%eth0]:53", Address("fe80::1%eth0", 53)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_server(text) == address
    assert parse_server(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", "ns.example.org", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "1.2.3"),
        *("[127.0.0.1]:53", "[::1", "::1]", "[]", "[::1]x", "[::1]:", "127.0.0.1 ", "127.0.0.01", "https://192.0.2.1"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert parse_server(text) is None


def test_the_configured_ones_each_once() -> None:
    assert addresses(["192.0.2.1", "[::1]:53", "192.0.2.1:53"]) == [Address("192.0.2.1", 53), Address("::1", 53)]


def test_those_of_the_system(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(
        b"# nameserver 192.0.2.9\nsearch example.org\n\tnameserver\t192.0.2.1\nnameserver 2001:db8::1 # ours\n"
        b"nameserver fe80::1%eth0\nnameserver nonsense\nnameserver\noptions edns0\n; \xff\xfe\n"
    )
    assert system_servers(file) == [
        Address("192.0.2.1", 53),
        Address("2001:db8::1", 53),
        Address("fe80::1%eth0", 53),
    ]


@pytest.mark.parametrize("text", [None, "", "nameserver nonsense\n", "search example.org\n"])
def test_where_the_system_names_none_it_is_this_machine(tmp_path: Path, text: str | None) -> None:
    """resolv.conf(5). A public resolver is never asked because nobody said otherwise."""
    file = tmp_path / "resolv.conf"
    if text is not None:
        file.write_text(text)
    assert system_servers(file) == [Address("127.0.0.1", 53)]


@pytest.mark.parametrize(
    ("server", "operator"),
    [
        ("8.8.8.8", "Google"),
        ("8.8.4.4:53", "Google"),
        ("2001:4860:4860::8844", "Google"),
        ("1.1.1.1", "Cloudflare"),
        ("2606:4700:4700::1111", "Cloudflare"),
        ("9.9.9.9", "Quad9"),
        ("208.67.222.222", "OpenDNS"),
        ("127.0.0.1", ""),
        ("192.0.2.1", ""),
        ("10.0.0.53", ""),
        ("fe80::1%eth0", ""),
        ("8.8.8.9", ""),
    ],
)
def test_public_resolvers_are_known(server: str, operator: str) -> None:
    address = parse_server(server)
    assert address
    assert public_operator(address) == operator
