"""A message of 600 MB is held and released again, and neither a worker nor the keeper grows with it."""

import hashlib
import os
import smtplib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.postfix.client import xclient_attributes
from tests.endtoend.site import SPAMMER, Site, domains, letter, policies, running

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PIECES = 600
PIECE = b"".join(b"%0*d\r\n" % (126, number) for number in range(8192))
MEGABYTES = 300


@pytest.fixture
def site(can_run_postfix: None) -> Iterator[Site]:
    settings = {"message_size_limit": "0"}
    with running(policies("example"), stored=domains("example"), settings=settings) as one:
        yield one


def memory(site: Site) -> dict[str, list[int]]:
    """The most memory that each child of the daemon has had, in MB, by its name."""
    assert site.tamis.process is not None
    pid = site.tamis.process.pid
    found: dict[str, list[int]] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        status = dict(line.split(":", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines())
        found.setdefault(status["Name"].strip(), []).append(int(status["VmHWM"].split()[0]) // 1024)
    return found


def send(site: Site, header: bytes, recipients: list[str]) -> tuple[int, str]:
    """Send the message, piece by piece, and return the answer and the digest of the body."""
    digest = hashlib.sha256()
    with smtplib.SMTP("127.0.0.1", site.postfix.smtp_port, timeout=300) as smtp:
        smtp.ehlo("mail.sender.example")
        smtp.docmd("XCLIENT", " ".join(xclient_attributes(SPAMMER, "mail.sender.example", None)))
        smtp.ehlo("mail.sender.example")
        smtp.mail("x@sender.example")
        assert all(smtp.rcpt(recipient)[0] == 250 for recipient in recipients)
        assert smtp.docmd("DATA")[0] == 354
        smtp.send(header + b"\r\n")
        for number in range(PIECES):
            piece = b"piece %d\r\n" % number + PIECE
            digest.update(piece)
            smtp.send(piece)
        smtp.send(b".\r\n")
        return smtp.getreply()[0], digest.hexdigest()


def body(path: Path, header: bytes) -> str:
    """The digest of a delivered body, which must stand below the header that was sent."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        start = file.read(65536)
        end = start.index(b"\n\n")
        assert start[: end + 1].endswith(header.replace(b"\r\n", b"\n"))
        file.seek(end + 2)
        while chunk := file.read(1 << 20):
            digest.update(chunk.replace(b"\n", b"\r\n"))
    return digest.hexdigest()


def test_six_hundred_megabytes(site: Site) -> None:
    header = letter(uuid.uuid4().hex).partition(b"\r\n\r\n")[0] + b"\r\n"
    recipients = ["ann@quarantine.example", "bob@tag.example", "eve@junk.example"]
    began = time.monotonic()
    answer, sent = send(site, header, recipients)
    assert answer == 250
    held = site.held()
    assert list(held) == ["ann@quarantine.example"]
    site.settle(300)
    print(f"held and parted in {time.monotonic() - began:.0f} s, memory {memory(site)}")
    began = time.monotonic()
    site.release(*held.values())
    site.settle(300)
    used = memory(site)
    print(f"released in {time.monotonic() - began:.0f} s, memory {used}")
    assert max(used["tamis-worker"] + used["tamis-keeper"]) < MEGABYTES
    files = sorted(os.scandir(site.postfix.folder / "mail" / "all" / "new"), key=lambda one: one.stat().st_mtime_ns)
    assert len(files) == 3
    for number, file in enumerate(files):
        tagged = header.replace(b"Subject: ", b"Subject: SPAM: ") if number == 0 else header
        assert body(Path(file.path), tagged) == sent
