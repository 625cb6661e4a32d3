"""Real images through a real Postfix and a real tesseract; and the readers hung, killed and slow under load."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamis import limits
from tamis.postfix.client import SmtpReply
from tests.endtoend.site import Site, domains, policies, running
from tests.images.drawn import MINUTES, PILLS, bomb, drawn, letter, saved, speckled

pytestmark = [pytest.mark.servers, pytest.mark.slow]

DOMAINS = domains("example")
SENDER = "ann@sender.example"
TOML = policies("example") + (
    "[bans]\nautomatic = false\n[policy.filters]\nbayes.enabled = false\nmail-checksum.enabled = false\n"
    "keywords.enabled = false\nregex-logic.enabled = false\n"
)
REPLY = limits.END_OF_MESSAGE_SECONDS + 3
"""Seconds that the answer to a message may take; the connection and the rest of SMTP need their time, too."""
PATIENCE = 30.0


@pytest.fixture(scope="module")
def site(can_run_postfix: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that knows one spam image."""
    with running(TOML, sunk=DOMAINS) as one:
        file = tmp_path_factory.mktemp("spam") / "spam.png"
        file.write_bytes(saved(drawn()))
        learned = command(one, "image", "learn", str(file))
        assert "1 learned, 1 of them new" in learned
        until(lambda: "row=21" in verdict(one, saved(drawn())))
        # The file itself is known without the readers, which may still be starting.
        until(lambda: "row=21" in verdict(one, saved(speckled(drawn(), seed=int(time.time())))))
        yield one


def command(site: Site, *words: str) -> str:
    run = [sys.executable, "-m", "tamis.cli", *words, "-c", str(site.tamis.config)]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def verdict(site: Site, *images: bytes, recipient: str = "user@observe.example") -> str:
    """Return what is said of a message with images, that of someone who gets everything."""
    site.deliver(letter(*images, text="words enough for a letter", subject=uuid.uuid4().hex), SENDER, [recipient])
    (copy,) = site.arrived()
    return copy.header("X-Tamis-Verdict") + copy.header("X-Spam-Status")


def pool(site: Site) -> list[int]:
    """The process of the pool, and its readers."""
    assert site.tamis.process is not None
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True).stdout
    rows = [(int(pid), int(ppid), args) for pid, ppid, args in (line.split(None, 2) for line in listed.splitlines())]
    own = [pid for pid, ppid, args in rows if ppid == site.tamis.process.pid and "tamis.images" in args]
    return own + [pid for pid, ppid, _ in rows if ppid in own]


@pytest.mark.parametrize(
    "image",
    [
        saved(speckled(drawn(ink="#202060", page="#fffff0")), "GIF"),
        saved(drawn((*PILLS[::-1], "www.other.example"), size=(520, 260)), "JPEG"),
    ],
    ids=["looks the same", "says the same"],
)
def test_spam_in_every_mode(site: Site, image: bytes) -> None:
    sent = letter(image, subject=uuid.uuid4().hex)
    reply = site.deliver(sent, SENDER, [f"user@{domain}" for domain in DOMAINS])
    copies = {copy.recipient: copy for copy in site.arrived()}
    assert set(site.held(reply.queue_id)) == {"user@quarantine.example", "user@plain.example"}
    assert set(copies) == {f"user@{domain}" for domain in DOMAINS} - set(site.held(reply.queue_id))
    assert copies["user@tag.example"].message.subject.startswith("SPAM: ")
    for copy in copies.values():
        assert "row=21 ocr; because=" in copy.header("X-Tamis-Verdict")
        assert "known spam image" in copy.header("X-Tamis-Verdict")


def test_honest_images(site: Site) -> None:
    assert verdict(site, saved(drawn(MINUTES)), saved(drawn(("Ann", "Smith"), size=(200, 100)))).startswith("ham; ")


def test_a_bomb_goes_through_with_a_reason(site: Site) -> None:
    before = len(site.tamis.log_text())
    assert "OCR_ABSTAINED: 0" in verdict(site, bomb(20_000, 10_000))
    assert "20,000 x 10,000 pixels, more than 25,000,000" in site.tamis.log_text()[before:]


def test_a_person_takes_an_image_back(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "offer.png"
    file.write_bytes(saved(drawn(("Solar panels for every roof", "Call this number before Friday morning"))))
    command(site, "image", "learn", str(file))
    until(lambda: "row=21" in verdict(site, file.read_bytes()))
    found = command(site, "image", "list").splitlines()
    (line,) = [line for line in found if "Solar" in line]
    command(site, "image", "forget", line.split()[0])
    until(lambda: "row=21" not in verdict(site, file.read_bytes()))


# --- the readers in trouble, under load


def timed(site: Site, octets: bytes) -> tuple[SmtpReply, float]:
    began = time.monotonic()
    reply = site.send(octets, SENDER, ["user@quarantine.example"])
    return reply, time.monotonic() - began


def under_load(site: Site, trouble: Callable[[], object], messages: int = 16) -> None:
    """Send clean and spam images, four at a time, while something happens; account for all of them."""
    site.arrived()
    # The known file itself is known without the readers; every other message has a picture to be looked at.
    images = [saved(drawn()) if number % 4 == 0 else saved(drawn((uuid.uuid4().hex,))) for number in range(messages)]
    sent = [letter(image, text="words enough", subject=uuid.uuid4().hex) for image in images]
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(timed, site, octets) for octets in sent]
        trouble()
        answers = [future.result() for future in futures]
    assert all(reply.accepted for reply, _ in answers), answers
    assert max(seconds for _, seconds in answers) < REPLY
    arrived = {copy.message.subject for copy in site.arrived()}
    for number, (octets, (reply, _)) in enumerate(zip(sent, answers, strict=True)):
        subject = octets.partition(b"Subject: ")[2].partition(b"\n")[0].decode()
        assert (subject in arrived) is (number % 4 != 0)
        assert bool(site.held(reply.queue_id)) is (number % 4 == 0)


def slow(site: Site) -> None:
    """Let the readers work a quarter of the time."""
    for _ in range(5):
        for number, seconds in ((signal.SIGSTOP, 0.6), (signal.SIGCONT, 0.2)):
            tell(site, number)
            time.sleep(seconds)


def tell(site: Site, number: int, readers: bool = True) -> None:
    for pid in pool(site)[: None if readers else 1]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


TROUBLE: dict[str, Callable[[Site], object]] = {
    "hangs": lambda site: tell(site, signal.SIGSTOP),
    "readers are killed": lambda site: tell(site, signal.SIGKILL),
    "is killed": lambda site: tell(site, signal.SIGKILL, readers=False),
    "is slow": slow,
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_nothing_is_lost(site: Site, trouble: str) -> None:
    until(lambda: len(pool(site)) >= 3)
    before = pool(site)
    under_load(site, lambda: TROUBLE[trouble](site))
    # A pool that hangs as a whole is killed, and another takes its place: nobody has to help.
    until(lambda: "row=21" in verdict(site, saved(speckled(drawn(), seed=int(time.time())))))
    assert trouble == "is slow" or not set(before) <= set(pool(site))
