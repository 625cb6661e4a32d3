"""Where mail really goes: what a real Postfix does with an address is what was said of it beforehand."""

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tamis.addresses import normalise_address
from tamis.destinations import Destinations, DestinationUnknown
from tamis.postfix import client
from tamis.postfix.instance import HOSTNAME, PrivatePostfix
from tamis.settings import Aliases

pytestmark = pytest.mark.servers

DOMAINS = ("example.org", "example.net", "catch.example", "moved.example", "late.example")
FIRST = {
    "test@example.org": "alias@example.org",
    "alias@example.org": "forward1@else.example, forward2@else.example, forward3@third.example",
    "single@example.org": "ann@example.org",
    "team@example.org": "ann@example.org, bob@example.org ,carol@example.net",
    "both@example.org": "both@example.org, copy@else.example",
    "Upper@example.org": "Mixed@Else.example",
    "deep@example.org": "team@example.org, test@example.org, both@example.org",
    "spaces@example.org": "ann@example.org bob@example.org\tcopy@else.example",
    "plus+known@example.org": "known@else.example",
    "plus@example.org": "ann@example.org, copy@else.example",
    "@catch.example": "catchall@example.org",
    "known@catch.example": "known@catch.example",
    "@moved.example": "@else.example",
    "root": "admin@else.example",
    "system@example.org": "root",
    "user@example.org": "ann",
    "quoted@example.org": '"john"@else.example, "john smith"@else.example',
    "owner-list@example.org": "owner@else.example",
    "-dash@example.org": "dash@else.example",
    "jürgen@example.org": "jörg@else.example",
    "twice@example.org": "ann@example.org, ANN@example.org, ann@example.org",
    "second@example.org": "first@else.example",
    "literal@example.org": "ann@[192.0.2.1]",
    "loop1@example.org": "loop2@example.org",
    "loop2@example.org": "loop1@example.org, ann@example.org",
}
SECOND = {
    "second@example.org": "second@else.example",
    "hashed@example.org": "ann@example.org",
    "@late.example": "b@x.example",
}
THIRD = "/^(sales|info)\\.(.*)@example\\.org$/ $2@$1.example\n/^@example\\.org$/ never@else.example\n"

RECIPIENTS = (
    *(key for key in FIRST if "@" in key[1:] and not key.startswith("loop")),
    "ann@example.org",
    "Team@Example.ORG",
    "ann+x@example.org",
    "team+x@example.org",
    "both+x@example.org",
    "plus+other@example.org",
    "PLUS+Other@example.org",
    "+x@example.org",
    "plus+@example.org",
    "someone@catch.example",
    "someone+x@catch.example",
    "known+x@catch.example",
    "someone@moved.example",
    "someone+x@moved.example",
    f"root@{HOSTNAME}",
    f"root+x@{HOSTNAME}",
    f"someone@{HOSTNAME}",
    "root@example.org",
    "postmaster+x@example.org",
    "owner-list+x@example.org",
    "hashed@example.org",
    "b@late.example",
    "sales.eve@example.org",
    "sales.eve+x@example.org",
    "nobody@example.org",
    "#hash@example.org",
    '"ann smith"@example.org',
    '"ann;|touch x"@example.org',
    '"$(touch x)"@example.org',
    '"a\'b\\"c"@example.org',
)


@dataclass
class Site:
    """A Postfix with three alias tables, and what Tamis says of them."""

    postfix: PrivatePostfix
    destinations: Destinations

    def send(self, recipient: str, mark: str) -> client.SmtpReply:
        message = f"From: a@sender.example\n\n{mark}\n".encode()
        with client.SmtpSession(self.postfix.smtp_port, "203.0.113.25", "mail.sender.example") as session:
            return session.send(message, "a@sender.example", [recipient], ["SMTPUTF8"])

    def goes_to(self, recipient: str) -> set[str]:
        """Send a message to a recipient and return where it arrived."""
        mark = uuid.uuid4().hex
        reply = self.send(recipient, mark)
        assert reply.accepted, reply
        assert self.postfix.wait_queue_empty()
        arrived = [one.address for one in self.postfix.delivered.all() if mark.encode() in one.message]
        return {normalise_address(address) for address in arrived}


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    settings = {
        "recipient_delimiter": "+",
        "mydestination": HOSTNAME,
        "local_transport": "virtual",
        "local_recipient_maps": "",
        "allow_min_user": "yes",
    }
    with PrivatePostfix(domains=DOMAINS, aliases=FIRST, settings=settings) as postfix:
        conf = postfix.config
        (conf / "second").write_text("".join(f"{key} {value}\n" for key, value in SECOND.items()))
        (conf / "third").write_text(THIRD)
        postfix.run("postmap", f"hash:{conf}/second")
        maps = (f"texthash:{conf}/virtual", f"hash:{conf}/second", f"regexp:{conf}/third")
        postfix.run("postconf", "-e", f"virtual_alias_maps = {', '.join(maps)}")
        for path in conf.iterdir():
            os.utime(path, (1e9, 1e9))  # Postfix waits until a file has not changed for two seconds.
        postfix.reload()
        program = conf / "postmap"
        real = shutil.which("postmap", path=f"{os.environ['PATH']}:/usr/sbin")
        program.write_text(f'#!/bin/sh\nMAIL_CONFIG={conf} exec {real} "$@"\n')
        program.chmod(0o755)
        asked = Aliases(maps=maps, local_domains=DOMAINS, system_domains=(HOSTNAME,), postmap=str(program))
        yield Site(postfix, Destinations(asked))


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_is_what_postfix_does(site: Site, recipient: str) -> None:
    said = site.destinations.find(recipient)
    assert {*said.local, *said.outward} == site.goes_to(recipient)
    assert all(address.endswith((*DOMAINS, HOSTNAME)) for address in said.local)
    assert not any(address.endswith((*DOMAINS, HOSTNAME)) for address in said.outward)


@pytest.mark.parametrize("recipient", ["loop1@example.org", "loop2@example.org"])
def test_what_has_no_end_is_taken_by_neither(site: Site, recipient: str) -> None:
    assert site.send(recipient, "loop").code == 451
    with pytest.raises(DestinationUnknown, match="no end"):
        site.destinations.find(recipient)
