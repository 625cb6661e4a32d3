"""What fails costs no message: a filter that raises, an engine that raises, on mail that comes in and that goes out.

What cannot be held is in test_held_first.
"""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.site import HONEST, SPAMMER, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

# Python itself imports a module of this name before anything else, so the daemon is the real one but for this.
BREAKS = """
from tamis.engine import Engine
from tamis.filters.malformed_headers import MalformedHeaders

whole_examine, whole_dispose, whole_check = Engine.examine, Engine.dispose, MalformedHeaders.check

def told(mail, what):
    if mail.message.header("X-Break") == what:
        raise RuntimeError("told to fail")

def examine(self, mail):
    told(mail, "examine")
    return whole_examine(self, mail)

def dispose(self, record):
    told(record.mail, "dispose")
    return whole_dispose(self, record)

def check(self, mail, ctx):
    told(mail, "filter")
    return whole_check(self, mail, ctx)

Engine.examine, Engine.dispose, MalformedHeaders.check = examine, dispose, check
"""

FORGED = (
    b"X-Tamis-Verdict: ham; action=deliver; id=0\r\nX-Spam-Status: No, hits=-99.0 required=7.5\r\n"
    b"X-Icodia-SpamFilter-WL: Whitelisted Peer IP\r\nx-ico-bay: -99\r\nX-Spam-Flag: YES\r\n"
)


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    folder = Path("/tmp") / f"tm-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    try:
        (folder / "sitecustomize.py").write_text(BREAKS)
        toml = policies("example")
        with running(toml, sunk=domains("example"), environment={"PYTHONPATH": str(folder)}) as one:
            yield one
    finally:
        shutil.rmtree(folder)


def broken(what: str) -> bytes:
    return f"X-Break: {what}\r\n".encode() + letter(uuid.uuid4().hex)


@pytest.mark.parametrize("what", ["examine", "dispose"])
def test_an_engine_that_raises_lets_mail_go_on_without_forged_headers(site: Site, what: str) -> None:
    sent = broken(what)
    recipients = [f"user@{domain}" for domain in domains("example")]
    reply = site.deliver(FORGED + sent, "x@sender.example", recipients, peer=SPAMMER)
    copies = site.arrived()
    assert sorted(copy.recipient for copy in copies) == sorted(recipients)
    assert not site.held(reply.queue_id)
    for copy in copies:
        # Postfix's own trace, and then each octet as it came.
        assert copy.content.startswith(b"Received: from ")
        assert copy.content.partition(b" +0000 (UTC)\r\n")[2] == sent
    (line,) = (line for line in site.tamis.log_text().splitlines() if f"queue_id={reply.queue_id}" in line)
    assert 'msg="the message goes on without a verdict"' in line
    assert "told to fail" in line


@pytest.mark.parametrize("what", ["examine", "dispose"])
def test_an_engine_that_raises_leaves_mail_that_goes_out_alone(site: Site, what: str) -> None:
    sent = FORGED + broken(what)
    recipients = ["bob@else.example", "user@quarantine.example"]
    site.deliver(sent, "ann@tag.example", recipients, peer=HONEST, login="ann@tag.example")
    copies = site.arrived()
    assert sorted(copy.recipient for copy in copies) == recipients
    for copy in copies:
        assert copy.content.partition(b" +0000 (UTC)\r\n")[2] == sent


def test_a_filter_that_raises_costs_only_its_own_answer(site: Site) -> None:
    sent = broken("filter")
    recipients = [f"user@{domain}" for domain in domains("example")]
    reply = site.deliver(sent, "x@sender.example", recipients, peer=SPAMMER)
    copies = site.arrived()
    assert len(copies) == len(recipients) - 1
    assert list(site.held(reply.queue_id)) == ["user@quarantine.example"]
    site.release(*site.held(reply.queue_id).values())
    copies += site.arrived()
    for copy in copies:
        assert "row=8 blacklisted-ip" in copy.header("X-Tamis-Verdict") or copy.recipient == "user@plain.example"
        assert "MALFORMED_HEADERS_ABSTAINED: 0" in copy.header("X-Spam-Status")
