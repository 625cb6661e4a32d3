"""Authentication-Results through a real Postfix: what is written, and which of those from outside are taken out."""

from collections.abc import Iterator

import pytest

from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis
from tests.authentication.signing import HEADER, ed25519_key, signed, zone
from tests.authentication.test_arc import DNS, sealed
from tests.dns_server import DnsServer
from tests.postfix.conftest import Letters

pytestmark = pytest.mark.servers

ZONE = {
    **DNS,
    **zone(ed25519_key(), "list.example"),
    "_dmarc.example.net TXT": ["v=DMARC1; p=reject"],
    "example.net TXT": ["v=spf1 ip4:203.0.113.25 -all"],
    "25.113.0.203.in-addr.arpa PTR": ["mx.example.net"],
    "mx.example.net A": ["203.0.113.25"],
}
PEER = {"peer": "203.0.113.25", "name": "mx.example.net"}
NAME = "Authentication-Results"
SETTINGS = '[policy]\nmode = "tag"\n[lists]\nwhitelist_sender = ["ann@example.net"]\n'


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Letters]:
    with (
        DnsServer(ZONE) as dns,
        RunningTamis(f'[dns]\nservers = ["{dns.address}"]\n{SETTINGS}') as tamis,
        PrivatePostfix(tamis.milter) as postfix,
    ):
        yield Letters(postfix)


def got(site: Letters, message: bytes, recipient: str = "ann@example.org") -> Message:
    return site.pass_through(message.replace(b"\r\n", b"\n"), "ann@example.net", recipient, **PEER)


def results(message: Message) -> list[str]:
    return [" ".join(field.text.split()) for field in message.fields(NAME)]


def letter(site: Letters, header: bytes = HEADER) -> bytes:
    return site.write(header.replace(b"\r\n", b"\n").decode(), "Hello,\n\n  blanks \t here  \n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("forms", ["simple/simple", "relaxed/relaxed"])
def test_signatures_are_verified_as_they_came(site: Letters, forms: str) -> None:
    message = signed(signed(letter(site), ed25519_key(), "list.example", forms), forms=forms)
    (said,) = results(got(site, message))
    name = site.postfix.run("postconf", "-h", "myhostname").stdout.decode().strip()
    assert said.startswith(f"{name}; ")
    assert "dkim=pass header.d=example.net header.s=sel header.a=rsa-sha256" in said
    assert "dkim=pass header.d=list.example header.s=sel header.a=ed25519-sha256" in said
    assert "spf=pass smtp.mailfrom=example.net" in said
    assert "dmarc=pass (p=reject) header.from=example.net" in said
    assert "iprev=pass policy.iprev=203.0.113.25" in said


def test_what_was_changed_on_the_way_fails(site: Letters) -> None:
    (said,) = results(got(site, signed(letter(site)).replace(b"Hello", b"Hullo")))
    assert 'dkim=fail reason="the body was changed"' in said


def test_nobody_is_whitelisted_whom_spf_and_dmarc_contradict(site: Letters) -> None:
    """The author is on the whitelist; the same message from another host is not let through."""
    assert got(site, letter(site)).header("X-Icodia-SpamFilter-WL")
    elsewhere = {"peer": "203.0.113.99", "name": "mx.elsewhere.example"}
    sent = letter(site).replace(b"\r\n", b"\n")
    message = site.pass_through(sent, "ann@elsewhere.example", "ann@example.org", **elsewhere)
    assert not message.header("X-Icodia-SpamFilter-WL")
    assert "dmarc=fail (p=reject)" in results(message)[0]


def test_a_chain_passes(site: Letters) -> None:
    message = got(site, sealed(3, letter(site)))
    assert "arc=pass (i=3)" in results(message)[0]
    assert len(results(message)) == 4  # Those of the three sealers stay.


def test_those_that_claim_our_name_go_and_no_other(site: Letters) -> None:
    name = site.postfix.run("postconf", "-h", "myhostname").stdout.decode().strip()
    forged = (
        f"{NAME}: {name}; dkim=pass header.d=bank.example\n",
        f"{NAME}: other.example; dkim=pass (1)\n",
        f"AUTHENTICATION-RESULTS:(a comment; x)\n\t{name.upper()} 1; spf=pass\n",
        f'authentication-results: "{name}"; arc=pass\n',
        f"{NAME}: other.example; dkim=pass (2)\n",
        f"{NAME}:{name};dmarc=pass\n",
        f"{NAME}: spf=pass (no name) smtp.mailfrom=x.example\n",
    )
    header = "".join(forged[:4]) + "From: ann@example.net\n" + "".join(forged[4:]) + "Subject: hello\n"
    message = got(site, site.write(header))
    said = results(message)
    assert said[0].startswith(f"{name}; ")
    assert "bank.example" not in said[0]
    assert said[1:] == [
        "other.example; dkim=pass (1)",
        "other.example; dkim=pass (2)",
        "spf=pass (no name) smtp.mailfrom=x.example",
    ]


def test_a_signature_over_them_survives_where_they_are_others(site: Letters) -> None:
    import dkim

    header = f"{NAME}: other.example; dkim=pass\r\n".encode() + HEADER
    message = signed(letter(site, header), include_headers=[b"from", NAME.lower().encode()], forms="simple/simple")
    assert "dkim=pass" in results(got(site, message))[0]
    # Where nobody took anything out, another program finds it whole below our headers.
    delivered = got(site, signed(letter(site), forms="simple/simple")).raw.replace(b"\n", b"\r\n")
    assert dkim.verify(delivered, dnsfunc=lambda *_, **__: ZONE["sel._domainkey.example.net TXT"][0].encode())


def test_very_many_are_refused(site: Letters) -> None:
    name = site.postfix.run("postconf", "-h", "myhostname").stdout.decode().strip()
    header = f"{NAME}: {name}; dkim=pass\n" * 900 + "From: ann@example.net\n"
    reply = site.postfix.send(site.write(header), "ann@example.net", ["ann@example.org"])
    assert (reply.code, reply.text[:5]) == (554, "5.7.1")


def test_a_key_that_is_not_there(site: Letters) -> None:
    header = HEADER.replace(b"example.net", b"silent.example")
    (said,) = results(got(site, signed(letter(site, header), domain="silent.example")))
    assert "dkim=permerror" in said
