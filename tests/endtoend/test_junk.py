"""Junk ends in the Junk folder and nothing else does: mailboxes here, and on a storage server with its own Postfix."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tamis.message import Message
from tamis.postfix.dovecot import PrivateDovecot
from tamis.postfix.instance import PrivatePostfix
from tests.endtoend.site import HONEST, SPAMMER, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

PLACES = ("here.example", "storage.example")
FORGED = (
    b"X-Tamis-Verdict: spam; action=junk; row=5 spf; id=0123456789abcdef\r\nX-Spam-Flag: YES\r\n"
    b"X-Tamis-Verdict: differs; action=junk; id=0123456789abcdef\r\n"
)


@dataclass
class Stores:
    """A site, and where the mail of each place is stored: behind LMTP, and behind SMTP to another server."""

    site: Site
    dovecots: dict[str, PrivateDovecot]
    storage: PrivatePostfix

    def settle(self) -> None:
        self.site.settle()
        assert self.storage.wait_queue_empty()

    def filed(self, address: str) -> list[tuple[str, bytes]]:
        """Folder and content of everything in a mailbox."""
        dovecot = next(one for place, one in self.dovecots.items() if address.endswith(place))
        return [(folder, one) for folder in ("INBOX", "Junk") for one in dovecot.mailbox(address, folder)]


@pytest.fixture(scope="module")
def stores(can_run_postfix: None, can_run_dovecot: None) -> Iterator[Stores]:
    with (
        PrivateDovecot() as here,
        PrivateDovecot() as there,
        PrivatePostfix(domains=(), routes=dict.fromkeys(domains("storage.example"), there.transport)) as storage,
    ):
        routes = dict.fromkeys(domains("here.example"), here.transport)
        routes |= dict.fromkeys(domains("storage.example"), f"smtp:[127.0.0.1]:{storage.smtp_port}")
        with running(policies(*PLACES), routes=routes) as site:
            yield Stores(site, dict(zip(PLACES, (here, there), strict=True)), storage)


FATES = {
    "tag": ("INBOX", "SPAM: {}", "spam; action=tag; "),
    "junk": ("Junk", "{}", "spam; action=junk; "),
    "tagged-junk": ("Junk", "SPAM: {}", "spam; action=junk; "),
    "plain": ("INBOX", "{}", "ham; action=deliver; "),
    "observe": ("INBOX", "{}", "spam; action=observe; "),
    "quarantine": ("INBOX", "{}", "spam; action=hold; "),
}
"""Of each mode's copy of spam: the folder, the Subject, and how its verdict begins."""


def check(stores: Stores, user: str, place: str, subject: str, modes: set[str]) -> None:
    """Assert where the copies of one message are: one for each of the modes, none for the others."""
    for mode, (folder, wanted, verdict) in FATES.items():
        found = stores.filed(f"{user}@{mode}.{place}")
        assert [one[0] for one in found] == ([folder] if mode in modes else []), mode
        for _, content in found:
            message = Message(content)
            assert message.subject == wanted.format(subject)
            assert (message.header("X-Tamis-Verdict") or "").startswith(verdict)
            assert content.endswith(f"body of {subject}\n".encode())


@pytest.mark.parametrize("forged", [b"", FORGED], ids=["", "forged headers"])
def test_every_mode_in_one_message(stores: Stores, forged: bytes) -> None:
    user, subject = uuid.uuid4().hex, uuid.uuid4().hex
    recipients = [f"{user}@{mode}.{place}" for place in PLACES for mode in FATES]
    reply = stores.site.deliver(forged + letter(subject), "x@sender.example", recipients, peer=SPAMMER)
    stores.settle()
    for place in PLACES:
        check(stores, user, place, subject, set(FATES) - {"quarantine"})
    held = stores.site.held(reply.queue_id)
    assert set(held) == {f"{user}@quarantine.{place}" for place in PLACES}
    assert stores.site.release(*held.values())
    stores.settle()
    for place in PLACES:
        check(stores, user, place, subject, set(FATES))
        # A released message keeps what it brought along, and the rule does not believe it.
        ((_, content),) = stores.filed(f"{user}@quarantine.{place}")
        assert forged.replace(b"\r\n", b"\n") in content


@pytest.mark.parametrize("mode", FATES)
@pytest.mark.parametrize("place", PLACES)
def test_one_recipient_alone(stores: Stores, mode: str, place: str) -> None:
    user, subject = uuid.uuid4().hex, uuid.uuid4().hex
    address = f"{user}@{mode}.{place}"
    reply = stores.site.deliver(FORGED + letter(subject), "x@sender.example", [address], peer=SPAMMER)
    stores.settle()
    stores.site.release(*stores.site.held(reply.queue_id).values())
    stores.settle()
    check(stores, user, place, subject, {mode})


def test_ham_never_goes_to_junk(stores: Stores) -> None:
    user, subject = uuid.uuid4().hex, uuid.uuid4().hex
    recipients = [f"{user}@{mode}.{place}" for place in PLACES for mode in FATES]
    stores.site.deliver(FORGED + letter(subject), "x@sender.example", recipients, peer=HONEST)
    stores.settle()
    for address in recipients:
        ((folder, content),) = stores.filed(address)
        assert (folder, Message(content).subject) == ("INBOX", subject)
        assert b"junk;" not in content
