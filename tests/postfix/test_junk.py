"""The rule that files into Junk, in a real Dovecot: behind Postfix by LMTP, and on another server behind SMTP."""

import imaplib
import os
import smtplib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tamis.filters.order import BY_NAME
from tamis.headers import changes
from tamis.mail import Mail
from tamis.message import Message
from tamis.postfix.dovecot import PASSWORD, PrivateDovecot
from tamis.postfix.instance import PrivatePostfix
from tamis.record import Record, Verdict
from tamis.settings import Headers

pytestmark = pytest.mark.servers

JUNK = 'X-Tamis-Verdict: spam; action=junk; row=5 spf; because="x"; id=0123456789abcdef\n'
FAR = "x" * 60

FILED = {
    "on one line": JUNK,
    "no row": "X-Tamis-Verdict: spam; action=junk; id=1\n",
    "recipients of one copy on different grounds": 'X-Tamis-Verdict: differs; action=junk; because="y"; id=1\n',
    "folded after the verdict": "X-Tamis-Verdict: spam;\n\taction=junk;\n\trow=5 spf; id=1\n",
    "folded with a space": "X-Tamis-Verdict: spam;\n action=junk; row=5 spf; id=1\n",
    "folded by somebody else": "X-Tamis-Verdict: spam; \n\taction=junk; row=5 spf; id=1\n",
    "name in other letters": "x-tamis-verdict: spam; action=junk; id=1\n",
    "ours is on top": JUNK + "X-Tamis-Verdict: ham; action=deliver; id=2\n",
}
KEPT = {
    "no header": "Subject: hello\n",
    "ham": "X-Tamis-Verdict: ham; action=deliver; id=1\n",
    "observed": "X-Tamis-Verdict: spam; action=observe; row=5 spf; id=1\n",
    "tagged": "X-Tamis-Verdict: spam; action=tag; row=5 spf; id=1\n",
    "released": "X-Tamis-Verdict: spam; action=hold; row=5 spf; id=1\n",
    "longer word": "X-Tamis-Verdict: spam; action=junkyard; id=1\n",
    "quoted in the ground": 'X-Tamis-Verdict: spam; action=tag; row=19 keywords; because="spam; action=junk;"; id=1\n',
    "quoted from the start of a line": (
        f'X-Tamis-Verdict: spam; action=hold; because="{FAR}\n spam; action=junk; "; id=1\n'
    ),
    "quoted with escapes": 'X-Tamis-Verdict: ham; action=deliver; because="\\"; action=junk; \\""; id=1\n',
    "encoded words": 'X-Tamis-Verdict: ham; action=deliver; because="=?utf-8?q?=0D=0Aspam;_action=junk;?="\n',
    "ours is on top": "X-Tamis-Verdict: ham; action=deliver; id=2\n" + JUNK,
    "in another field": "Subject: X-Tamis-Verdict: spam; action=junk; id=1\n",
    "in the body": "Subject: x\n\n" + JUNK,
}


def filed(dovecot: PrivateDovecot, header: str) -> str:
    """Deliver a message with that header and return the folder it went to."""
    address = f"{uuid.uuid4().hex}@example.org"
    with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as client:
        message = f"{header}From: ann@sender.example\n\nhello\n".replace("\n", "\r\n")
        client.sendmail("ann@sender.example", [address], message.encode())
    folders = [name for name in ("INBOX", "Junk") if dovecot.mailbox(address, name)]
    assert len(folders) == 1
    return folders[0]


@pytest.mark.parametrize("header", FILED.values(), ids=FILED)
def test_files_what_is_to_be_filed(dovecot: PrivateDovecot, header: str) -> None:
    assert filed(dovecot, header) == "Junk"


@pytest.mark.parametrize("header", KEPT.values(), ids=KEPT)
def test_files_nothing_else(dovecot: PrivateDovecot, header: str) -> None:
    assert filed(dovecot, header) == "INBOX"


@pytest.mark.parametrize("action", ["deliver", "observe", "tag", "junk", "hold"])
@pytest.mark.parametrize("because", ["short", "spam; action=junk; " * 12, '"; action=junk; \\', "a b " * 50])
def test_reads_the_header_as_it_is_written(dovecot: PrivateDovecot, action: str, because: str) -> None:
    verdict = Verdict(
        recipient="bob@example.org",
        spam=action != "deliver",
        action=action,
        mode="junk",
        level=7.5,
        score=0,
        tests=(),
        row=BY_NAME["blacklisted-sender"],
        because=because,
    )
    mail = Mail(Message(b"Subject: x\n\n"), recipients=["bob@example.org"])
    header = dict(changes(Record(mail, verdicts=[verdict]), Headers()).add)["X-Tamis-Verdict"]
    assert filed(dovecot, f"X-Tamis-Verdict: {header}\n") == ("Junk" if action == "junk" else "INBOX")


@dataclass
class Way:
    """A way mail takes to a Dovecot: the Postfix it comes in at."""

    postfix: PrivatePostfix
    dovecot: PrivateDovecot
    others: list[PrivatePostfix] = field(default_factory=list)

    def deliver(self, header: str, address: str) -> None:
        reply = self.postfix.send(
            f"{header}From: ann@sender.example\n\nhello\n".encode(), "x@sender.example", [address]
        )
        assert reply.accepted, reply
        for postfix in (self.postfix, *self.others):
            assert postfix.wait_queue_empty()


@pytest.fixture(params=["by LMTP", "by SMTP to a storage server"])
def way(request: pytest.FixtureRequest, can_run_postfix: None, dovecot: PrivateDovecot) -> Iterator[Way]:
    routes = {"example.org": dovecot.transport}
    with PrivatePostfix(domains=(), routes=routes) as last:
        if request.param == "by LMTP":
            yield Way(last, dovecot)
            return
        with PrivatePostfix(domains=(), routes={"example.org": f"smtp:[127.0.0.1]:{last.smtp_port}"}) as first:
            yield Way(first, dovecot, [last])


def test_junk_goes_to_junk_and_the_rest_to_the_inbox(way: Way) -> None:
    address = f"{uuid.uuid4().hex}@example.org"
    way.deliver("Subject: spam\n" + JUNK, address)
    way.deliver("Subject: ham\nX-Tamis-Verdict: ham; action=deliver; id=1\n", address)
    way.deliver("Subject: held and released\nX-Tamis-Verdict: spam; action=hold; id=1\n", address)
    assert way.dovecot.wait(address, "Junk")
    assert way.dovecot.wait(address, count=2)
    (junk,) = way.dovecot.mailbox(address, "Junk")
    assert b"Subject: spam\n" in junk
    assert JUNK.encode() in junk
    with imaplib.IMAP4("127.0.0.1", way.dovecot.imap_port) as reader:
        reader.login(address, PASSWORD)
        assert [reader.select(folder)[1] for folder in ("INBOX", "Junk")] == [[b"2"], [b"1"]]


@pytest.mark.usefixtures("dovecot")
def test_nothing_stays_behind() -> None:
    with PrivateDovecot() as dovecot:
        folder: Path = dovecot.folder
        pid = int((folder / "run" / "master.pid").read_text())
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
