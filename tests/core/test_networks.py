"""Which mail is filtered, and who brought it (SPEC, section 0)."""

import time

import pytest

from tamis.contract import Abstain
from tamis.filters.whitelisted_ip import WhitelistedIP
from tamis.lists import Entry, ListName
from tamis.mail import Mail, MailClass, parse_ip
from tamis.message import Message
from tamis.networks import Identity, identify, parse_received
from tamis.settings import Networks
from tamis.testing import hits

NETWORKS = Networks(own=("198.51.100.0/24", "2001:db8:1::/48"), trusted_relays=("203.0.113.1", "203.0.113.2/32"))
RELAY, OWN, STRANGER = "203.0.113.1", "198.51.100.7", "192.0.2.7"

POSTFIX = "from mail.example.net (mail.example.net [192.0.2.7])\n\tby mx.example.org (Postfix) with ESMTPS id 4F1;"
BY_RELAY = "Received: from relay2.example.org (relay2.example.org [203.0.113.2]) by relay1.example.org; x\n"


def who(
    peer: str = STRANGER, header: str = "", authenticated: bool = False, local: bool = False, rdns: str = "rdns.example"
) -> Identity:
    message = Message((header + "\nbody\n").encode())
    return identify(NETWORKS, parse_ip(peer), rdns, "helo.example", authenticated, local, message)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (who(), MailClass.INBOUND),
        (who(peer=""), MailClass.INBOUND),
        (who(authenticated=True), MailClass.OUTGOING),
        (who(local=True, peer=""), MailClass.OUTGOING),
        (who(peer=OWN), MailClass.OUTGOING),
        (who(peer="::ffff:198.51.100.7"), MailClass.OUTGOING),
        (who(peer="2001:db8:1::9"), MailClass.OUTGOING),
        (who(peer="2001:db8:2::9"), MailClass.INBOUND),
        (who(peer=RELAY), MailClass.RELAYED),
        (who(peer=RELAY, authenticated=True), MailClass.OUTGOING),
    ],
)
def test_classes(identity: Identity, expected: MailClass) -> None:
    assert identity.mail_class is expected


def test_a_stranger_is_who_connected() -> None:
    identity = who(header=f"Received: {POSTFIX} x\n")
    assert identity == Identity(MailClass.INBOUND, parse_ip(STRANGER), "rdns.example", "helo.example")


def test_loopback_is_no_own_network_unless_it_is_written() -> None:
    assert who(peer="127.0.0.1").mail_class is MailClass.INBOUND


@pytest.mark.parametrize(
    ("value", "ip", "rdns", "helo"),
    [
        (POSTFIX, "192.0.2.7", "mail.example.net", "mail.example.net"),
        (POSTFIX.replace("\n\t", " "), "192.0.2.7", "mail.example.net", "mail.example.net"),
        ("from [192.0.2.9] (unknown [192.0.2.7]) by mx.example.org (Postfix) id 1", "192.0.2.7", "", "[192.0.2.9]"),
        ("from friend (unknown [192.0.2.7]) by mx.example.org", "192.0.2.7", "", "friend"),
        ("from a.example (b.example [IPv6:2001:db8::7]) by mx.example.org", "2001:db8::7", "b.example", "a.example"),
        ("from a.example (b.example [192.0.2.7] (may be forged)) by mx.example.org (8.17/8.17) with ESMTP id x",
         "192.0.2.7", "b.example", "a.example"),
        ("from a.example ([192.0.2.7]) by mx.example.org (8.17/8.17)", "192.0.2.7", "", "a.example"),
        ("from a.example (ident@b.example [192.0.2.7]) by mx", "192.0.2.7", "b.example", "a.example"),
        ("from unknown (HELO [198.51.100.7]) (192.0.2.7) by mx with SMTP", "192.0.2.7", "", "[198.51.100.7]"),
        ("from unknown (HELO x) ([198.51.100.7]) (192.0.2.7) by mx with SMTP", "192.0.2.7", "", "x"),
        ("from [192.0.2.7] (helo=[198.51.100.7]) by mx with esmtp (Exim 4.96)", "192.0.2.7", "", "[198.51.100.7]"),
        ("from b.example ([192.0.2.7] helo=[198.51.100.7]) by mx with esmtp",
         "192.0.2.7", "b.example", "[198.51.100.7]"),
        ("from [198.51.100.7] ([192.0.2.7]) by mx.example.org (8.17/8.17)", "192.0.2.7", "", "[198.51.100.7]"),
        ("from [192.0.2.7] (helo=a.example) by mx.example.org with esmtp (Exim 4.96) id 1",
         "192.0.2.7", "", "a.example"),
        ("from b.example ([192.0.2.7] helo=a.example) by mx.example.org with esmtps (Exim 4.96)",
         "192.0.2.7", "b.example", "a.example"),
        ("from b.example ([192.0.2.7]:4711 helo=a.example) by mx.example.org with esmtp (Exim 4.96)",
         "192.0.2.7", "b.example", "a.example"),
        ("from unknown (HELO a.example) (192.0.2.7) by mx.example.org with SMTP; 1 Jan 2024",
         "192.0.2.7", "", "a.example"),
        ("from b.example (HELO a.example) (user@192.0.2.7) by mx.example.org with SMTP",
         "192.0.2.7", "b.example", "a.example"),
        ("from b.example (192.0.2.7) by 0 with SMTP", "192.0.2.7", "", "b.example"),
        ("from EX1.example.net (192.0.2.7) by EX2.example.org (203.0.113.9) with Microsoft SMTP Server id 15.2",
         "192.0.2.7", "", "EX1.example.net"),
        ("from EX1.example.net (2001:db8::7) by EX2.example.org (2001:db8::8) with Microsoft SMTP Server",
         "2001:db8::7", "", "EX1.example.net"),
        ("FROM a.example (B.Example [192.0.2.7]) BY mx.example.org", "192.0.2.7", "b.example", "a.example"),
    ],
)  # fmt: skip
def test_received_fields_of_the_usual_servers(value: str, ip: str, rdns: str, helo: str) -> None:
    assert parse_received(value) == (parse_ip(ip), rdns, helo)
    header = f"Received: {value}; Mon, 1 Jan 2024 10:00:00 +0000\n"
    assert who(peer=RELAY, header=header) == Identity(MailClass.RELAYED, parse_ip(ip), rdns, helo)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "by mx.example.org with ESMTP id 1; Mon, 1 Jan 2024 10:00:00 +0000",
        "(qmail 1234 invoked by uid 500); 1 Jan 2024 10:00:00 -0000",
        "(from root@localhost) by mx.example.org (8.17/8.17/Submit) id 1",
        "from mail.example.net by mx.example.org [192.0.2.7]; x",
        "from mail.example.net (mail.example.net [192.0.2.777]) by mx.example.org",
        "from mail.example.net; by [192.0.2.7]",
        "from " + "a" * 2000 + " [192.0.2.7] by x",
    ],
)
def test_unreadable_received_fields(value: str) -> None:
    assert parse_received(value) is None
    assert who(peer=RELAY, header=f"Received: {value}\n") == Identity(MailClass.RELAYED, None, "", "")


def test_the_first_hop_that_is_no_relay_of_ours() -> None:
    header = (
        BY_RELAY + f"Received: {POSTFIX} x\n" + "Received: from forged (forged [198.18.0.1]) by mail.example.net; x\n"
    )
    identity = who(peer=RELAY, header=header)
    assert identity.peer == parse_ip(STRANGER)


def test_deeper_lines_are_forged_and_never_looked_at() -> None:
    """What stands below the first hop we do not trust is the sender's own invention."""
    forged = f"Received: from relay1.example.org (relay1.example.org [{RELAY}]) by relay2.example.org; x\n"
    whitelisted = "Received: from good.example (good.example [198.51.100.7]) by relay1.example.org; x\n"
    identity = who(peer=RELAY, header=f"Received: {POSTFIX} x\n" + forged + whitelisted)
    assert identity.peer == parse_ip(STRANGER)


def test_a_hop_that_cannot_be_read_ends_the_search() -> None:
    """Beyond it anything may be forged: better no peer than a wrong one."""
    identity = who(peer=RELAY, header=BY_RELAY + "Received: by somewhere; x\n" + f"Received: {POSTFIX} x\n")
    assert identity == Identity(MailClass.RELAYED, None, "", "")


def test_relays_all_the_way_down() -> None:
    assert who(peer=RELAY, header=BY_RELAY * 100).peer is None
    assert who(peer=RELAY).peer is None


def test_a_relays_own_filters_on_loopback_are_passed_over() -> None:
    header = "Received: from localhost (localhost [127.0.0.1]) by relay1.example.org; x\n" + f"Received: {POSTFIX} x\n"
    assert who(peer=RELAY, header=header).peer == parse_ip(STRANGER)


def test_an_unknown_peer_makes_row_4_abstain() -> None:
    identity = who(peer=RELAY, header="Received: by somewhere; x\n")
    mail = Mail(Message(b"\n"), identity.peer, recipients=["bob@example.org"])
    with pytest.raises(Abstain, match="the peer is not known"):
        hits(WhitelistedIP(), mail, lists=[Entry(ListName.WHITELIST_IP, "0.0.0.0/0")])


@pytest.mark.parametrize("filler", [" ", "a ", "(", "[", "[1", "helo ", "(a@", " by", "1:", ";"])
def test_hostile_fields_take_bounded_time(filler: str) -> None:
    value = "from a" + filler * (16_000 // len(filler)) + "x"
    started = time.process_time()
    parse_received(value)
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" IPv6:2001:db8::7 ", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
        ("", None),
        ("192.0.2.7.", None),
        ("192.0.2.07", None),
    ],
)
def test_addresses(text: str, address: str | None) -> None:
    found = parse_ip(text)
    assert (str(found) if found else None) == address
