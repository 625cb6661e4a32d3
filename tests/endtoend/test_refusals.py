"""Row 2: a banned peer is refused for the moment, for those recipients alone whose policy says so."""

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.endtoend.site import HONEST, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

BANNED = "198.51.100.66"
BANNED_BY_SOME = "198.51.100.67"
OWN_AND_BANNED = "10.20.0.66"
OF_SOME = f"""
[domain."first.example"]
mode = "tag"
ban_ip = ["{BANNED_BY_SOME}"]

[domain."watching.example"]
mode = "observe"
ban_ip = ["{BANNED_BY_SOME}"]

[domain."off.example"]
antispam = false

[domain."without.example"]
filters.banned-ip.enabled = false
"""
DOMAINS = [*domains("example"), "first.example", "watching.example", "off.example", "without.example"]
NEVER_REFUSE = {"observe.example", "watching.example", "off.example", "without.example"}


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    toml = policies("example", lists=f'ban_ip = ["{BANNED}", "{OWN_AND_BANNED}"]') + OF_SOME
    with running(toml, sunk=DOMAINS) as one:
        yield one


def refused(site: Site, peer: str, recipients: list[str], **how: str) -> tuple[set[str], set[str]]:
    """Send ham from a peer; return who was refused, and who got it."""
    before = site.tamis.log_text().count("refused for now")
    reply = site.send(letter(uuid.uuid4().hex), "x@sender.example", recipients, peer=peer, **how)
    for recipient, (code, text) in reply.refused.items():
        assert code == 450
        said = re.fullmatch(rf"4\.7\.1 <{recipient}>: Try again later \(banned-ip, ([0-9a-f]{{16}})\)", text)
        said = said or re.fullmatch(r"4\.7\.1 Try again later \(banned-ip, ([0-9a-f]{16})\)", text)
        assert said is not None, text
        assert f"id={said[1]} peer={peer}" in site.tamis.log_text()
    assert site.tamis.log_text().count("refused for now") == before + len(reply.refused)
    assert reply.accepted or set(reply.refused) == set(recipients)
    copies = site.arrived()
    assert not site.held()
    for copy in copies if len(recipients) == 1 else []:
        # Where nothing is refused because the domain only watches, it is said that it would have been.
        watching = {"watching.example"} | ({"observe.example"} if peer == BANNED else set())
        said = "BANNED_IP: 0" in copy.header("X-Spam-Status")
        assert said == (peer != HONEST and copy.recipient.partition("@")[2] in watching)
    return {one.partition("@")[2] for one in reply.refused}, {copy.recipient.partition("@")[2] for copy in copies}


@pytest.mark.parametrize(
    ("peer", "wanted"),
    [(HONEST, set()), (BANNED, set(DOMAINS) - NEVER_REFUSE), (BANNED_BY_SOME, {"first.example"})],
    ids=["nobody's", "of the platform", "of some domains"],
)
def test_those_recipients_alone_whose_policy_says_so(site: Site, peer: str, wanted: set[str]) -> None:
    everybody = [f"user@{domain}" for domain in DOMAINS]
    assert refused(site, peer, everybody) == (wanted, set(DOMAINS) - wanted)
    for domain in DOMAINS:
        alone = ({domain}, set()) if domain in wanted else (set(), {domain})
        assert refused(site, peer, [f"user@{domain}"]) == alone


def test_who_logs_in_is_never_refused(site: Site) -> None:
    everybody = [f"user@{domain}" for domain in DOMAINS]
    assert refused(site, BANNED, everybody, login="ann@tag.example") == (set(), set(DOMAINS))


def test_our_own_networks_are_never_refused(site: Site) -> None:
    everybody = [f"user@{domain}" for domain in DOMAINS]
    assert refused(site, OWN_AND_BANNED, everybody) == (set(), set(DOMAINS))


def test_the_session_goes_on(site: Site) -> None:
    """A refusal concerns one recipient; the client may go on with others, and with other messages."""
    with site.session(peer=BANNED) as session:
        for _ in range(2):
            reply = session.send(letter(uuid.uuid4().hex), "x@sender.example", ["a@tag.example"])
            assert (reply.code, reply.stage) == (450, "rcpt")
            subject = uuid.uuid4().hex
            recipients = ["a@tag.example", "b@observe.example", "c@junk.example"]
            assert session.send(letter(subject), "x@sender.example", recipients).accepted
            (copy,) = site.arrived()
            assert (copy.recipient, copy.header("Subject")) == ("b@observe.example", subject)
            # Two were refused before the message had a content: nobody of them is held or gets it later.
            assert copy.header("X-RCPT-TO") == "<b@observe.example>"
