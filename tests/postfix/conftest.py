"""What the tests of a real Postfix share."""

import shutil
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from tamis.message import Message
from tamis.postfix.dovecot import DovecotUnavailable, PrivateDovecot, require_dovecot
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.maildir import Delivery
from tamis.postfix.served import RunningTamis

SETTINGS = """
[networks]
own = ["10.20.0.0/16"]
trusted_relays = ["198.51.100.0/28"]

[lists]
whitelist_ip = ["192.0.2.10", "198.51.100.0/28"]
blacklist_ip = ["203.0.113.66"]

[policy]
mode = "tag"

[domain."observe.example"]
mode = "observe"
blacklist_sender = ["signer.example"]
"""


@pytest.fixture(scope="session")
def can_run_postfix() -> None:
    """Skip, saying why, where a private Postfix cannot run."""
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def plain_postfix(can_run_postfix: None) -> Iterator[PrivatePostfix]:
    """One Postfix without a milter for the whole session."""
    with PrivatePostfix(aliases={"team@example.org": "ann@example.org, bob@example.org"}) as postfix:
        yield postfix


@pytest.fixture(scope="session")
def filtering_postfix(can_run_postfix: None) -> Iterator[PrivatePostfix]:
    """One Postfix that hands everything to the real daemon, for the whole session."""
    domains = ["example.org", "observe.example"]
    with (
        RunningTamis(SETTINGS) as tamis,
        PrivatePostfix(tamis.milter, domains=domains, own_networks=["10.20.0.0/16"]) as postfix,
    ):
        yield postfix


@pytest.fixture(scope="session")
def dovecot() -> Iterator[PrivateDovecot]:
    """One Dovecot with the rule for Junk, for the whole session; each test writes to an address of its own."""
    try:
        require_dovecot()
    except DovecotUnavailable as error:
        pytest.skip(str(error))
    with PrivateDovecot() as one:
        yield one


class Letters:
    """Sends messages and waits for them; each is told from the others by a line of its body."""

    def __init__(self, postfix: PrivatePostfix) -> None:
        self.postfix = postfix

    @staticmethod
    def write(header: str = "From: ann@sender.example\nSubject: hello\n", text: str = "hello\n") -> bytes:
        """Write a message that `arrived` finds again."""
        return f"{header}\n{text}{uuid.uuid4().hex}\n".encode()

    def arrived(self, sent: bytes) -> Delivery:
        """Wait for a message and return it as delivered."""
        marker = sent.rstrip().rpartition(b"\n")[2]
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for delivery in self.postfix.delivered.all():
                if marker in delivery.message:
                    return delivery
            time.sleep(0.02)
        raise AssertionError(f"it did not arrive:\n{self.postfix.log_text()[-2000:]}")

    def pass_through(self, sent: bytes, sender: str, recipient: str, **peer: str | None) -> Message:
        """Send a message by SMTP and return what arrived, without the trace of delivery itself."""
        reply = self.postfix.send(sent, sender, [recipient], **peer)  # type: ignore[arg-type]
        assert reply.accepted, reply
        return Message(self.arrived(sent).content)


@pytest.fixture
def letters(filtering_postfix: PrivatePostfix) -> Letters:
    """Letters through the Postfix that filters."""
    return Letters(filtering_postfix)


@pytest.fixture(scope="session")
def letters_of(can_run_postfix: None) -> Callable[[PrivatePostfix], Letters]:
    """What `tests.postfix.page.machine` wants, where the page can be executed."""
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd-socket-activate is not installed: run 'make setup'")
    return Letters
