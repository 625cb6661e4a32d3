"""Policies of the database with a real Postfix: each change acts within seconds, on mail for that recipient alone."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tamis.message import Message
from tests.endtoend.site import HONEST, PATIENCE, SPAMMER, Site, letter, policies, running

pytestmark = pytest.mark.servers

ANN, BOB = "ann@mail.example", "bob@mail.example"
DOUBTFUL = Path(__file__).parents[2] / "demo" / "messages" / "ham-html-image.eml"
"""Ham at the level that is built in, and spam at a lower one."""


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    # One worker: what acts on one message acts on the next, of another test, too.
    with running(policies(), sunk=["mail.example"], workers=1) as one:
        yield one


def command(site: Site, *words: str) -> None:
    """Run a command as an administrator would."""
    action, options = list(words[:2]), list(words[2:])
    call = [sys.executable, "-m", "tamis.cli", *action, "-c", str(site.tamis.config), *options]
    done = subprocess.run(call, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def fates(site: Site, octets: bytes, sender: str, peer: str) -> dict[str, str]:
    """Send a message to both, and return what became of each one's copy."""
    reply = site.deliver(octets, sender, [ANN, BOB], peer=peer)
    arrived = {copy.recipient: copy.header("X-Tamis-Verdict").split("; ")[1] for copy in site.arrived()}
    held = dict.fromkeys(site.held(reply.queue_id), "action=hold")
    assert not {*arrived} & {*held}
    return {recipient: fate.removeprefix("action=") for recipient, fate in {**arrived, **held}.items()}


def wait_for(
    wanted: Mapping[str, str], ask: Callable[[], dict[str, str]], record_property: Callable[[str, object], None]
) -> None:
    """Send until both get what is wanted; how long that took is said, and never fails on a busy machine."""
    began = time.monotonic()
    while (found := ask()) != wanted:
        assert time.monotonic() < began + PATIENCE, found
        time.sleep(0.1)
    record_property("counted", f"a change of policy acted on mail within {time.monotonic() - began:.1f} s")


def test_changes_act_on_mail_for_whom_they_are_made(site: Site, record_property: Callable[[str, object], None]) -> None:
    def spam() -> dict[str, str]:
        return fates(site, letter(uuid.uuid4().hex), "offers@sender.example", SPAMMER)

    assert spam() == {ANN: "hold", BOB: "hold"}
    command(site, "policy", "set", ANN, "mode=tag")
    wait_for({ANN: "tag", BOB: "hold"}, spam, record_property)
    command(site, "policy", "set", "mail.example", "blacklisted-ip=off")
    wait_for({ANN: "deliver", BOB: "deliver"}, spam, record_property)
    command(site, "policy", "set", BOB, "blacklisted-ip=on", "mode=junk", "tag=on")
    wait_for({ANN: "deliver", BOB: "junk"}, spam, record_property)
    command(site, "policy", "unset", BOB, "--all")
    command(site, "policy", "unset", ANN, "--all")
    command(site, "policy", "unset", "mail.example", "blacklisted-ip")
    wait_for({ANN: "hold", BOB: "hold"}, spam, record_property)


def test_the_level_of_one_address(site: Site, record_property: Callable[[str, object], None]) -> None:
    message = DOUBTFUL.read_bytes()

    def doubtful() -> dict[str, str]:
        unlike = message.replace(b"\nSubject:", b"\nX-Number: " + uuid.uuid4().hex.encode() + b"\nSubject:", 1)
        return fates(site, unlike, "info@other.example", HONEST)

    assert Message(message).header("subject")
    assert doubtful() == {ANN: "deliver", BOB: "deliver"}
    command(site, "policy", "set", ANN, "level=3")
    wait_for({ANN: "hold", BOB: "deliver"}, doubtful, record_property)
    command(site, "policy", "unset", ANN, "level")
    wait_for({ANN: "deliver", BOB: "deliver"}, doubtful, record_property)


def test_a_list_of_one_address(site: Site, record_property: Callable[[str, object], None]) -> None:
    def letters() -> dict[str, str]:
        return fates(site, letter(uuid.uuid4().hex), "news@listed.example", HONEST)

    assert letters() == {ANN: "deliver", BOB: "deliver"}
    command(site, "list", "add", "blacklist-sender", "listed.example", "--address", BOB)
    wait_for({ANN: "deliver", BOB: "hold"}, letters, record_property)
    command(site, "list", "remove", "blacklist-sender", "listed.example", "--address", BOB)
    wait_for({ANN: "deliver", BOB: "deliver"}, letters, record_property)
