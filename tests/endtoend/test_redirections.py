"""Spam never leaves the house because of an alias: each leg of a redirection or replication gets what its mode says.

The aliases are one leading to the next: test@ stands for alias@, and that for forward1@, forward2@ and forward3@, two
of them elsewhere and one here.
"""

import os
import re
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.site import HONEST, SPAMMER, Arrived, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

EXCEPTIONS = """
[domain."tag-out.example"]
mode = "tag"
tag_redirections = true

[domain."junk-out.example"]
mode = "junk"
tag_redirections = true
"""
DOMAINS = [*domains("example"), "tag-out.example", "junk-out.example"]
AWAY = "else.example"

LEGS = {
    "test": (["forward3@{0}"], ["forward1@else.example", "forward2@else.example"]),
    "single": ([], ["away@else.example"]),
    "team": (["ann@{0}", "bob@{0}"], []),
    "ann": (["ann@{0}"], []),
}
"""Of each address, its legs here and elsewhere."""

ACTIONS = {
    "quarantine": ("hold", "hold"),
    "tag": ("tag", "hold"),
    "junk": ("junk", "hold"),
    "tagged-junk": ("junk", "hold"),
    "plain": ("deliver", "deliver"),
    "observe": ("observe", "observe"),
    "tag-out": ("tag", "tag"),
    "junk-out": ("junk", "tag"),
}
"""What becomes of the legs here and of those elsewhere, by mode."""


def aliases() -> str:
    table = []
    for domain in DOMAINS:
        table += [
            f"test@{domain} alias@{domain}",
            f"alias@{domain} forward1@{AWAY}, forward2@{AWAY}, forward3@{domain}",
            f"single@{domain} away@{AWAY}",
            f"team@{domain} ann@{domain}, bob@{domain}",
        ]
    return "\n".join(table) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the daemon's user can read, with the tables of Postfix and of Tamis and a postmap for it."""
    one = Path("/tmp") / f"tm-{uuid.uuid4().hex[:8]}"
    one.mkdir(mode=0o755)
    for name in ("virtual", "asked"):
        (one / name).write_text(aliases())
    (one / "main.cf").write_text("compatibility_level = 3.6\n")
    program = one / "postmap"
    real = shutil.which("postmap", path=f"{os.environ['PATH']}:/usr/sbin")
    program.write_text(f'#!/bin/sh\nMAIL_CONFIG={one} exec {real} "$@"\n')
    program.chmod(0o755)
    for path in one.iterdir():
        os.utime(path, (1e9, 1e9))  # Postfix waits until a file has not changed for two seconds.
    yield one
    shutil.rmtree(one)


@pytest.fixture(scope="module")
def site(can_run_postfix: None, folder: Path) -> Iterator[Site]:
    here = ", ".join(f'"{domain}"' for domain in DOMAINS)
    toml = (
        f'[aliases]\nmaps = ["texthash:{folder}/asked"]\nlocal_domains = [{here}]\npostmap = "{folder}/postmap"\n'
        f"{policies('example')}{EXCEPTIONS}"
    )
    settings = {"virtual_alias_maps": f"texthash:{folder}/virtual", "recipient_delimiter": "+"}
    with running(toml, sunk=DOMAINS, settings=settings) as one:
        yield one


def action(copy: Arrived) -> str:
    return copy.header("X-Tamis-Verdict").split("; ")[1].removeprefix("action=")


def got(copies: list[Arrived]) -> Counter[tuple[str, str]]:
    return Counter((copy.recipient, action(copy)) for copy in copies)


def wanted(user: str, domain: str) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """What arrives of spam to an address, and what arrives once all that is held of it has been released."""
    actions = ACTIONS[domain.removesuffix(".example")]
    first: Counter[tuple[str, str]] = Counter()
    later: Counter[tuple[str, str]] = Counter()
    for legs, act in zip(LEGS[user], actions, strict=True):
        for leg in legs:
            (later if act == "hold" else first)[leg.format(domain), act] += 1
    return first, later


@pytest.mark.parametrize("user", LEGS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_each_leg_gets_what_its_mode_says(site: Site, domain: str, user: str) -> None:
    subject = uuid.uuid4().hex
    reply = site.deliver(letter(subject), "x@sender.example", [f"{user}@{domain}"], peer=SPAMMER)
    first, later = wanted(user, domain)
    copies = site.arrived()
    assert got(copies) == first
    held = site.held(reply.queue_id)
    assert set(held) == ({f"{user}@{domain}"} if later else set())
    assert len(site.release(*held.values())) == len(held)
    copies += (again := site.arrived())
    assert got(again) == later
    for copy in copies:
        tagged = action(copy) == "tag" or (action(copy) == "junk" and domain.startswith("tagged"))
        assert copy.header("Subject") == f"{'SPAM: ' * tagged}{subject}"
        assert copy.header("X-Spam-Flag") == ("YES" if action(copy) == "junk" else "")
        assert copy.content.endswith(f"body of {subject}\r\n".encode())


def test_all_at_once(site: Site) -> None:
    """One message to every kind of address in every mode: sixteen aliases, each copy once."""
    recipients = [f"{user}@{domain}" for domain in DOMAINS for user in LEGS]
    reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", recipients, peer=SPAMMER)
    first: Counter[tuple[str, str]] = Counter()
    later: Counter[tuple[str, str]] = Counter()
    for domain in DOMAINS:
        for user in LEGS:
            some, others = wanted(user, domain)
            first += some
            later += others
    assert got(site.arrived()) == first
    site.release(*site.held(reply.queue_id).values())
    assert got(site.arrived()) == later


def test_ham_goes_everywhere(site: Site) -> None:
    recipients = [f"{user}@{domain}" for domain in DOMAINS[:2] for user in LEGS]
    reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", recipients, peer=HONEST)
    legs = Counter(leg.format(domain) for domain in DOMAINS[:2] for some in LEGS.values() for leg in some[0] + some[1])
    assert Counter(copy.recipient for copy in site.arrived()) == legs
    assert not site.held(reply.queue_id)


def test_an_extension_goes_along(site: Site) -> None:
    reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", ["Test+ext@junk.example"], peer=SPAMMER)
    assert got(site.arrived()) == {("forward3+ext@junk.example", "junk"): 1}
    site.release(*site.held(reply.queue_id).values())
    assert got(site.arrived()) == {(f"forward{n}+ext@{AWAY}", "hold"): 1 for n in (1, 2)}


REPORTED = {
    "one replication": ["test@tag.example"],
    "replications": ["test@tag.example", "test@junk.example", "test@tagged-junk.example", "test@junk-out.example"],
    "one leg goes elsewhere, tagged": ["test@junk-out.example"],
    "a replication and a mailbox": ["test@junk.example", "ann@tag.example"],
    "mailboxes": [f"ann@{domain}" for domain in DOMAINS],
    "an alias that stays": ["team@junk.example"],
    "an alias that is held": ["team@quarantine.example"],
}


@pytest.mark.parametrize("recipients", REPORTED.values(), ids=REPORTED)
def test_success_is_reported_once_for_each_recipient(site: Site, recipients: list[str]) -> None:
    """However many it stands for: by Postfix where it expands it, else by whoever stores the first leg."""
    octets = letter(uuid.uuid4().hex)
    reply = site.deliver(octets, "x@sender.example", recipients, (), ("NOTIFY=SUCCESS,FAILURE",), peer=SPAMMER)
    copies = site.arrived()
    site.release(*site.held(reply.queue_id).values())
    # A notice is a message of its own, that Postfix makes once a copy is on its way.
    time.sleep(0.5)
    copies += site.arrived()
    reports: Counter[str] = Counter()
    for copy in copies:
        if copy.recipient == "x@sender.example":
            assert b"Action: expanded" in copy.content
            reports.update(re.findall(r"Original-Recipient: rfc822;(\S+)", copy.content.decode()))
            continue
        # Nobody is told of an address that he did not write to.
        (original,) = (word.removeprefix("ORCPT=rfc822;") for word in copy.parameters if word.startswith("ORCPT"))
        assert original in recipients
        assert len({"NOTIFY=FAILURE", "NOTIFY=SUCCESS,FAILURE"} & copy.parameters) == 1
        reports[original] += "NOTIFY=SUCCESS,FAILURE" in copy.parameters
    assert reports == dict.fromkeys(recipients, 1)


def test_what_is_elsewhere_does_not_decide_for_others(site: Site) -> None:
    """Two redirections of one domain, one of another: nobody's leg comes to somebody else."""
    recipients = ["test@tag.example", "test@junk.example", "ann@tag.example", "single@junk.example"]
    reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", recipients, peer=SPAMMER)
    first = {("forward3@tag.example", "tag"): 1, ("forward3@junk.example", "junk"): 1, ("ann@tag.example", "tag"): 1}
    assert got(site.arrived()) == first
    assert set(site.held(reply.queue_id)) == set(recipients) - {"ann@tag.example"}
    site.release(*site.held(reply.queue_id).values())
    later = {(f"forward1@{AWAY}", "hold"): 2, (f"forward2@{AWAY}", "hold"): 2, (f"away@{AWAY}", "hold"): 1}
    assert got(site.arrived()) == later


def test_tables_that_do_not_answer_send_nothing_away(site: Site, folder: Path) -> None:
    table = folder / "asked"
    away = table.rename(folder / "away")
    try:
        for mode, (here, _) in ACTIONS.items():
            # With an extension of its own, so that no answer of before is remembered.
            recipient = f"test+{uuid.uuid4().hex[:8]}@{mode}.example"
            reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", [recipient], peer=SPAMMER)
            extension = recipient.partition("@")[0].removeprefix("test")
            legs = [f"forward{n}{extension}@{AWAY}" for n in (1, 2)] + [f"forward3{extension}@{mode}.example"]
            arrived = got(site.arrived())
            # Where spam goes elsewhere as it goes here, nobody asks.
            if mode in ("plain", "observe", "tag-out"):
                assert arrived == {(leg, here): 1 for leg in legs}
                continue
            assert not arrived
            held = site.held(reply.queue_id)
            assert list(held) == [recipient]
            ((because,),) = site.rows("SELECT because FROM copy WHERE id = ?", *held.values())
            assert (str(table) in because) == (mode != "quarantine"), because
            # Somebody looks at it, and sends it on: then it goes where all mail goes.
            site.release(*held.values())
            assert got(site.arrived()) == {(leg, "hold"): 1 for leg in legs}
    finally:
        away.rename(table)
