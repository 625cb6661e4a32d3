"""250 only for what is durably held or on its way, else 451: and what need not be held goes on meanwhile."""

import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from tamis.postfix.client import SmtpReply
from tamis.postfix.served import service_user
from tests.endtoend.site import HONEST, SPAMMER, Site, as_service_user, domains, letter, policies, running

pytestmark = pytest.mark.servers

FILLING = b"".join(b"%075d\r\n" % number for number in range(30_000))
RUNS_AS_ROOT = service_user() == "root"


@pytest.fixture(scope="module")
def site(can_run_postfix: None) -> Iterator[Site]:
    with running(policies("example"), sunk=domains("example")) as one:
        # Something is held already, so there are a spool and a database.
        one.deliver(letter(uuid.uuid4().hex), "x@sender.example", ["ann@quarantine.example"], peer=SPAMMER)
        yield one


@contextmanager
def no_folder(site: Site) -> Iterator[None]:
    """A file where the spool was."""
    spool = site.tamis.folder / "state" / "spool"
    away = spool.rename(spool.with_name("away"))
    spool.write_bytes(b"")
    try:
        yield
    finally:
        spool.unlink()
        away.rename(spool)


@contextmanager
def not_writable(site: Site) -> Iterator[None]:
    folders = [one for one in (site.tamis.folder / "state" / "spool").rglob("*") if one.is_dir()]
    folders.append(site.tamis.folder / "state" / "spool")
    modes = [one.stat().st_mode for one in folders]
    for one in folders:
        one.chmod(0o500)
    try:
        yield
    finally:
        for one, mode in zip(folders, modes, strict=True):
            one.chmod(mode)


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Another process writes to the database, and does not come to an end."""
    with as_service_user(), closing(sqlite3.connect(site.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


CAUSES = [
    no_folder,
    pytest.param(not_writable, marks=pytest.mark.skipif(RUNS_AS_ROOT, reason="the daemon runs as root here")),
    pytest.param(locked, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("cause", CAUSES)
def test_what_cannot_be_held_is_asked_for_again_and_ham_goes_on(site: Site, cause: object) -> None:
    site.arrived()
    before = site.rows("SELECT count(*) FROM copy"), set(site.held())
    spam = [
        ("all held", letter(uuid.uuid4().hex), ["a@quarantine.example", "b@quarantine.example"]),
        ("some held", letter(uuid.uuid4().hex), ["c@quarantine.example", "d@tag.example", "e@plain.example"]),
        ("parted", letter(uuid.uuid4().hex), ["f@junk.example", "g@tag.example"]),
        ("large", letter(uuid.uuid4().hex) + FILLING, ["h@quarantine.example"]),
    ]
    unparted = letter(uuid.uuid4().hex)
    ham, large_ham = letter(uuid.uuid4().hex), letter(uuid.uuid4().hex) + FILLING

    def refused(one: tuple[str, bytes, list[str]]) -> SmtpReply:
        return site.send(one[1], "x@sender.example", one[2], peer=SPAMMER)

    with cause(site), ThreadPoolExecutor(len(spam)) as pool:  # type: ignore[operator]
        answers = pool.map(refused, spam)
        began = time.monotonic()
        everybody = [f"user@{one}" for one in domains("example")]
        assert site.send(ham, "x@sender.example", everybody, peer=HONEST).accepted
        assert site.send(large_ham, "x@sender.example", everybody, peer=HONEST).accepted
        # Nor is spam stopped that only gets another header.
        assert site.send(unparted, "x@sender.example", ["a@tag.example", "b@tag.example"], peer=SPAMMER).accepted
        assert time.monotonic() - began < 4
        assert site.postfix.wait_queue_empty()
        for (what, _, _), answer in zip(spam, answers, strict=True):
            assert (answer.code, answer.stage) == (451, "message"), (what, answer)
            said = re.fullmatch(r"4\.3\.0 Cannot be taken now, try again later \(([0-9a-f]{16})\)", answer.text)
            assert said is not None, answer
            assert f"id={said[1]}" in site.tamis.log_text()
    copies = site.arrived()
    assert len(copies) == 2 * len(everybody) + 2
    for octets, number in ((ham, len(everybody)), (large_ham, len(everybody)), (unparted.partition(b"\r\n\r\n")[2], 2)):
        assert sum(copy.content.endswith(octets) for copy in copies) == number
    assert (site.rows("SELECT count(*) FROM copy"), set(site.held())) == before
    # The client comes again, as it was told to, and nothing is lost and nothing is there twice.
    for _, octets, recipients in spam:
        site.deliver(octets, "x@sender.example", recipients, peer=SPAMMER)
    got = [copy.recipient for copy in site.arrived()] + sorted(set(site.held()) - before[1])
    assert sorted(got) == sorted(recipient for _, _, recipients in spam for recipient in recipients)
    site.release(*(copy_id for recipient, copy_id in site.held().items() if recipient not in before[1]))
    assert len(site.arrived()) == 4
