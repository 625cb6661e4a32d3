"""Files through a real Postfix and the real daemon: new and everywhere, with macros, nearly malware; statistics."""

import hashlib
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tamis.attachments.kinds import Kind
from tamis.attachments.sketch import sketch
from tamis.attachments.store import FileStore, Statistics
from tests.attachments.making import macros, text, zipped
from tests.endtoend.site import PATIENCE, Site, as_service_user, running

pytestmark = pytest.mark.servers

PROGRAM = Path("/bin/ls").read_bytes()
SETTINGS = """
[policy]
mode = "tag"
filters.bayes.enabled = false
filters.reverse-dns.enabled = false
filters.invalid-mx.enabled = false
[bans]
automatic = false
"""
SENDER = "ann@sender.example"


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    with running(SETTINGS, sunk=["tag.example"]) as one:
        yield one


def letter(*files: tuple[str, bytes]) -> bytes:
    head = "To: you@tag.example\nSubject: file\nDate: Thu, 01 Jan 2026 12:00:00 +0000\n"
    head += f"Message-ID: <{uuid.uuid4()}@x.example>\n"
    return (head.encode() + text(*files)).replace(b"\n", b"\r\n")


def store(site: Site) -> FileStore:
    return FileStore(f"sqlite:///{site.database}")


def statistics(site: Site, content: bytes, until: Callable[[Statistics], bool]) -> Statistics:
    """What is known of a file, once it is as it should be."""
    digest, deadline = hashlib.sha256(content).hexdigest(), time.monotonic() + PATIENCE
    while True:
        with as_service_user():
            found = store(site).find(digest)
        if found is not None and until(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_new_program_that_is_everywhere_is_spam_and_counted(site: Site) -> None:
    program = PROGRAM + b"new"
    for number in range(12):
        recipient = [f"user{number}@tag.example"]
        site.deliver(letter((f"{number}.zip", zipped({"x": bytes([number]), "run": program}))), SENDER, recipient)
    copies = {one.recipient: one for one in site.arrived()}
    tagged = [number for number in range(12) if copies[f"user{number}@tag.example"].header("Subject") == "SPAM: file"]
    assert tagged == [9, 10, 11]
    verdict = copies["user11@tag.example"].header("X-Tamis-Verdict")
    assert "row=26 attachment-hashes" in verdict
    assert "went to 12 recipients within 60 min" in verdict
    assert "EXECUTABLE_IN_ARCHIVE: 2" in copies["user0@tag.example"].header("X-Spam-Status")
    found = statistics(site, program, lambda one: one.messages == 12)
    assert (found.name, found.kind, found.recipients, found.ham, found.spam) == ("run", "elf", 12, 9, 3)


def test_macros_are_read_by_a_process_apart(site: Site) -> None:
    source = 'Sub AutoOpen()\r\nCreateObject("WScript.Shell").Run "cmd.exe"\r\nEnd Sub'
    site.deliver(letter(("a.doc", macros(source))), SENDER, ["user@tag.example"])
    (copy,) = site.arrived()
    assert "MACROS_SUSPICIOUS: 1.5" in copy.header("X-Spam-Status")
    shown = subprocess.run(["pgrep", "-af", "helper_process"], capture_output=True, text=True, check=True).stdout
    assert "tamis.attachments.helper_process" in shown


def test_what_is_nearly_known_malware_is_held(site: Site) -> None:
    with as_service_user():
        store(site).teach(sketch(PROGRAM, Kind.ELF), "elf", "Test.Family", by="ann")
    deadline, held = time.monotonic() + PATIENCE, {}
    while not held:  # Until the keeper has written it, and the workers have taken it up.
        assert time.monotonic() < deadline
        time.sleep(0.5)
        reply = site.deliver(letter(("b", PROGRAM[:-64] + bytes(64))), SENDER, ["user@tag.example"])
        site.arrived()
        held = site.held(reply.queue_id)
    ((row, because),) = site.rows("SELECT row, because FROM copy WHERE recipient = 'user@tag.example'")
    assert (row, because.startswith("the file 'b' is ")) == ("25", True)
    assert "'Test.Family'" in because
