"""Rows 5, 10, 15, 16, 23 and 31 on real ham: nothing where the DNS is in order, and with one fault exactly its row."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tamis.authentication import Authentication
from tamis.authentication.domains import organisational
from tamis.contract import Abstain, Context, Filter, FilterOptions
from tamis.dns import reversed_name
from tamis.dns.zone import ZoneDns
from tamis.dns_lists import DnsList
from tamis.filters.helo import Helo
from tamis.filters.invalid_mx import InvalidMx
from tamis.filters.maps_rbl import MapsRbl
from tamis.filters.reverse_dns import ReverseDns
from tamis.filters.spf import SPF
from tamis.filters.surbl import Surbl
from tamis.mail import Mail
from tamis.message import Message
from tamis.networks import parse_received
from tamis.private_space import is_private
from tamis.site import Site
from tamis.spf import spf_of

pytestmark = [pytest.mark.corpora, pytest.mark.slow]

EVERY = int(os.environ.get("TAMIS_EVERY", "9"))
"""One of so many messages is tried with each fault, each fault with others of them; TAMIS_EVERY=1: all with each."""
LISTS = tuple(
    DnsList(f"{kind}-{number}", f"{kind}{number}.lists.example", kind)
    for kind in ("ip", "domain", "url")
    for number in range(2)
)
SITE = Site(dns_lists=LISTS)
ROWS: tuple[tuple[Filter, FilterOptions], ...] = (
    (SPF(), SPF.Options()),
    (ReverseDns(), ReverseDns.Options()),
    (InvalidMx(), InvalidMx.Options(peer_domain=False)),
    (MapsRbl(), MapsRbl.Options()),
    (Surbl(), Surbl.Options()),
    (Helo(), Helo.Options(mismatch_decides=True)),
)

Zone = dict[str, list[str] | str]


def as_sent(path: Path) -> Mail | None:
    """A message with the peer and HELO name that its uppermost public Received: names."""
    message = Message(path.read_bytes())
    for field in message.fields("received"):
        hop = parse_received(field.text)
        if hop is not None and not is_private(hop[0]):
            sender = message.header("return-path") or next((box.address for box in message.authors), "")
            # The corpus' publisher has taken some names out.
            helo = "redacted.example" if "<" in hop[2] else hop[2]
            return Mail(message, hop[0], hop[1], helo, sender, ["reader@reader.example"])
    return None


@cache
def ham(corpora: Path) -> tuple[Mail, ...]:
    lines = (corpora / "modern" / "index.tsv").read_text("utf-8").splitlines()
    paths = [corpora / "modern" / line.split("\t")[1] for line in lines if line.startswith("ham\t")]
    return tuple(mail for mail in map(as_sent, paths) if mail is not None)


def in_order(mail: Mail) -> Zone:
    """A zone in which the peer is named as it says it is, the sender's domain lets it send, and takes mail."""
    assert mail.peer is not None
    family = "A" if mail.peer.version == 4 else "AAAA"
    name = mail.helo.lower()
    return {
        pointer(mail): [name],
        f"{name} {family}": [str(mail.peer)],
        f"{mail.sender_domain or 'none.example'} MX": ["10 mx.reply.example"],
        "mx.reply.example A": ["203.0.113.1"],
        f"{mail.sender_domain or name} TXT": [f"v=spf1 ip{mail.peer.version}:{mail.peer} -all"],
    }


def pointer(mail: Mail) -> str:
    assert mail.peer is not None
    return f"{reversed_name(mail.peer)} PTR"


def decided(mail: Mail, zone: Zone) -> set[str]:
    """The rows that decide."""
    rows, dns = set(), ZoneDns(zone)
    for row, options in ROWS:
        authentication = Authentication(mail, dns, spf_of)
        context = Context(options, mail.recipients, authentication=authentication, dns=dns, site=SITE, now=mail.now)
        try:
            if any(hit.decides for hit in row.check(mail, context)):
                rows.add(row.name)
        except Abstain:
            continue
    return rows


def test_nothing_is_decided_where_the_dns_is_in_order(corpora: Path) -> None:
    assert len(ham(corpora)) > 2000
    assert [mail.helo for mail in ham(corpora) if decided(mail, in_order(mail))] == []


def another_peer(mail: Mail, zone: Zone) -> Iterator[str]:
    if mail.sender_domain:
        zone[f"{mail.sender_domain} TXT"] = ["v=spf1 ip4:203.0.113.1 -all"]
        yield "spf"


def no_name(mail: Mail, zone: Zone) -> Iterator[str]:
    del zone[pointer(mail)]
    yield "reverse-dns"


def another_name(mail: Mail, zone: Zone) -> Iterator[str]:
    zone[pointer(mail)] = ["other.example"]
    zone["other.example A"] = zone["other.example AAAA"] = "NODATA"
    zone[f"{mail.helo.lower()} A"] = zone[f"{mail.helo.lower()} AAAA"] = "NODATA"
    yield "helo"


def null_mx(mail: Mail, zone: Zone) -> Iterator[str]:
    if mail.sender_domain:
        zone[f"{mail.sender_domain} MX"] = ["0 ."]
        yield "invalid-mx"


def private_mx(mail: Mail, zone: Zone) -> Iterator[str]:
    if mail.sender_domain:
        zone["mx.reply.example A"] = ["127.0.0.1"]
        yield "invalid-mx"


def listed_peer(mail: Mail, zone: Zone) -> Iterator[str]:
    assert mail.peer is not None
    zone[reversed_name(mail.peer, "ip0.lists.example")] = ["127.0.0.2"]
    yield "maps-rbl"


def listed_sender(mail: Mail, zone: Zone) -> Iterator[str]:
    if mail.sender_domain:
        zone[f"{organisational(mail.sender_domain)}.domain1.lists.example"] = ["127.0.0.2"]
        yield "maps-rbl"


def listed_link(mail: Mail, zone: Zone) -> Iterator[str]:
    asks = [question.name for question in Surbl().site_queries(SITE, mail, Surbl.Options())]
    if asks:
        zone[asks[-1]] = ["127.0.0.2"]
        yield "surbl"


def dns_fails(mail: Mail, zone: Zone) -> Iterator[str]:
    zone.update(dict.fromkeys(zone, "SERVFAIL"))
    yield from ()


FAULTS = (another_peer, no_name, another_name, null_mx, private_mx, listed_peer, listed_sender, listed_link, dns_fails)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_found_by_its_row_alone(corpora: Path, fault: Callable[[Mail, Zone], Iterator[str]]) -> None:
    tried = 0
    for mail in ham(corpora)[FAULTS.index(fault) % EVERY :: EVERY]:
        zone = in_order(mail)
        expected = set(fault(mail, zone))
        tried += bool(expected)
        assert decided(mail, zone) == expected, (mail.message.subject, mail.helo)
    assert tried > 200 or fault is dns_fails
