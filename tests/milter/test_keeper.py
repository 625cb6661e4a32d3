"""The keeper of a running daemon: one at a time, replaced when it dies or a reload asks; and the lists it writes."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tamis.postfix.client import SmtpSession

pytestmark = pytest.mark.servers

NO_REDIS = '[redis]\nserver = "no-redis"'
REAL = f'{NO_REDIS}\n[policy]\nmode = "observe"\n'
PEER = "203.0.113.25"
SECONDS = 5.0
"""Within which a change of the lists acts in every worker."""


# --- its life


def steps(daemon: Any) -> list[tuple[int, str]]:
    return [(seen["keeper"], seen["step"]) for seen in daemon.seen() if "keeper" in seen]


def assert_one_at_a_time(daemon: Any) -> None:
    """Every run has ended before the next began, whoever the keeper was."""
    seen = steps(daemon)
    whole = seen[: len(seen) // 2 * 2]
    assert [step for _, step in whole] == ["begins", "ends"] * (len(whole) // 2)
    assert all(whole[at][0] == whole[at + 1][0] for at in range(0, len(whole), 2))


def test_a_reload_replaces_it_after_its_task(daemon: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS, TAMIS_TASK_SECONDS="0.7")
    (old,) = daemon.keepers()
    assert until(lambda: (old, "begins") in steps(daemon))
    daemon.write_config(rest=f'{NO_REDIS}\n[headers]\nid = "X-Other"')
    daemon.signal(signal.SIGHUP)
    assert daemon.wait_log("new workers serve")
    assert until(lambda: daemon.keepers() and daemon.keepers() != [old] and len(daemon.keepers()) == 1)
    (new,) = daemon.keepers()
    assert until(lambda: (new, "ends") in steps(daemon))
    assert_one_at_a_time(daemon)
    marks = {seen["keeper"]: seen["mark"] for seen in daemon.seen()}
    assert marks == {old: "X-IcoServerMsgID", new: "X-Other"}
    assert "keeper died" not in daemon.log()


def test_a_reload_that_fails_leaves_it(daemon: Any) -> None:
    daemon.start(rest=NO_REDIS, TAMIS_BREAK="X-Broken")
    before = daemon.keepers()
    assert len(before) == 1
    daemon.write_config(rest=f'{NO_REDIS}\n[headers]\nid = "X-Broken"')
    daemon.signal(signal.SIGHUP)
    assert daemon.wait_log("new workers do not start")
    assert daemon.keepers() == before


def test_a_killed_keeper_is_replaced_ever_more_slowly(daemon: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS, TAMIS_TASK_SECONDS="0.01")
    workers = daemon.workers()
    victims: set[int] = set()
    for death in range(1, 5):
        assert until(lambda: set(daemon.keepers()) - victims)
        (victim,) = daemon.keepers()
        victims.add(victim)
        os.kill(victim, signal.SIGKILL)
        assert daemon.wait_log("the keeper died; another takes its place", death)
    # None may have had the time for a first step.
    assert until(lambda: daemon.keepers() and [pid for pid, _ in steps(daemon)[-1:]] == daemon.keepers())
    waits = [float(found) for found in re.findall(r"the keeper died.*SIGKILL.*seconds=([\d.]+)", daemon.log())]
    assert waits == [0.1, 0.2, 0.4, 0.8]
    assert daemon.workers() == workers


def test_a_stop_waits_for_its_task(daemon: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS, TAMIS_TASK_SECONDS="1.5")
    assert until(lambda: steps(daemon))
    assert daemon.stop() == 0
    assert steps(daemon)[-1][1] == "ends"
    assert_one_at_a_time(daemon)
    assert "killed" not in daemon.log()


def test_a_stop_waits_for_its_task_no_longer_than_for_messages(daemon: Any, until: Callable[..., bool]) -> None:
    daemon.start("drain_seconds = 1", rest=NO_REDIS, TAMIS_TASK_SECONDS="60")
    assert until(lambda: steps(daemon))
    (keeper,) = daemon.keepers()
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 3
    assert not Path(f"/proc/{keeper}").exists()
    assert 'msg="the keeper ends with tasks under way"' in daemon.log()
    assert "tasks=fake" in daemon.log()


def test_it_does_not_keep_the_sockets_open(daemon: Any, until: Callable[..., bool]) -> None:
    """Else Postfix would connect to a daemon that has none to answer."""
    daemon.start(rest=NO_REDIS)
    (keeper,) = daemon.keepers()
    inodes = {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines() if str(daemon.socket) in line}
    links = [os.readlink(link) for link in Path(f"/proc/{keeper}/fd").iterdir()]
    assert inodes
    assert not [link for link in links if link in {f"socket:[{inode}]" for inode in inodes}]


def test_signals_for_the_whole_group_do_not_hurt_it(daemon: Any) -> None:
    daemon.start(rest=NO_REDIS)
    before = daemon.keepers()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(before[0], number)
    time.sleep(0.3)
    assert daemon.keepers() == before


def test_of_two_daemons_with_one_state_directory_one_keeper_acts(daemon: Any, until: Callable[..., bool]) -> None:
    second = type(daemon)(daemon.folder)
    second.socket = daemon.folder / "second.sock"
    second.config, second.log_file = daemon.folder / "second.toml", daemon.folder / "second.log"
    second.listen = [f"unix:{second.socket}"]
    daemon.start(rest=NO_REDIS, TAMIS_TASK_SECONDS="0.01")
    assert until(lambda: steps(daemon))
    (first,) = daemon.keepers()
    try:
        second.start(rest=NO_REDIS, TAMIS_TASK_SECONDS="0.01")
        assert second.wait_log("another keeper acts for this state directory; this one waits")
        assert {pid for pid, _ in steps(daemon)} == {first}
        daemon.stop()
        assert until(lambda: steps(daemon)[-1][0] == second.keepers()[0])
        assert_one_at_a_time(daemon)
    finally:
        assert second.stop() == 0


def test_without_a_lock_it_says_so_and_mail_goes_on(daemon: Any, mta: Any) -> None:
    (daemon.folder / "state" / "keeper.lock").mkdir()
    daemon.start(rest=NO_REDIS)
    assert daemon.wait_log("the keeper cannot work", 2)
    assert "Is a directory" in daemon.log()
    assert mta.ask().send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted


# --- the lists


def tamis_list(daemon: Any, *words: str) -> None:
    action, *rest = words
    command = [sys.executable, "-m", "tamis.cli", "list", action, "-c", str(daemon.config), *rest]
    done = subprocess.run(command, env=daemon.environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def rows_by_worker(daemon: Any, postfix: Any) -> dict[int, str]:
    """Which row decided in each worker that got one of a number of messages that are sent now."""
    daemon.forget()

    def send(_: int) -> None:
        with SmtpSession(postfix.smtp_port, PEER, "mail.sender.example") as session:
            assert session.send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(send, range(16)))
    assert daemon.wait_log("event=decision", 16)
    found = re.findall(r'event=decision.*? row="(?:\d+ )?([\w-]*)".*? pid=(\d+)', daemon.log())
    assert len(found) == 16
    return {int(pid): row for row, pid in found}


def assert_acts_everywhere(daemon: Any, postfix: Any, listed: bool, since: float) -> None:
    """Wait until every worker has said so, and none says otherwise; not longer than a change may take."""
    while True:
        late = time.monotonic() - since > SECONDS
        rows = rows_by_worker(daemon, postfix)
        everywhere = set(rows) == set(daemon.workers())
        if everywhere and all((row == "blacklisted-ip") is listed for row in rows.values()):
            return
        assert not late, rows


def test_a_change_by_command_acts_in_every_worker(daemon: Any, mta: Any) -> None:
    daemon.start(rest=REAL, TAMIS_REAL="1")
    postfix = mta.ask()
    for action in ("add", "remove", "add"):
        tamis_list(daemon, action, "blacklist-ip", PEER)
        assert_acts_everywhere(daemon, postfix, action == "add", time.monotonic())


def test_the_first_message_sees_the_lists(daemon: Any, mta: Any) -> None:
    daemon.write_config(rest=REAL)
    tamis_list(daemon, "add", "blacklist-ip", PEER)
    daemon.start(rest=REAL, TAMIS_REAL="1")
    assert set(rows_by_worker(daemon, mta.ask()).values()) == {"blacklisted-ip"}


def test_workers_share_one_file(daemon: Any) -> None:
    daemon.start(rest=REAL, real=True)
    inode = str((daemon.folder / "state" / "snapshot").stat().st_ino)
    for pid in daemon.workers():
        lines = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "snapshot" in line]
        assert [(line[1], line[4]) for line in lines] == [("r--s", inode)]


def test_changes_act_again_after_the_keeper_was_killed(daemon: Any, mta: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=REAL, TAMIS_REAL="1")
    postfix = mta.ask()
    tamis_list(daemon, "add", "blacklist-ip", PEER)
    assert_acts_everywhere(daemon, postfix, True, time.monotonic())
    os.kill(daemon.keepers()[0], signal.SIGKILL)
    tamis_list(daemon, "remove", "blacklist-ip", PEER)
    assert_acts_everywhere(daemon, postfix, False, time.monotonic())


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """As by a program that keeps the file to itself."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()


@contextlib.contextmanager
def broken(database: Path) -> Iterator[None]:
    good = database.read_bytes()
    database.write_bytes(b"this is no database" * 1000)
    yield
    database.write_bytes(good)


@contextlib.contextmanager
def missing(database: Path) -> Iterator[None]:
    # With what is still in its log alone; the daemon may make another database meanwhile.
    names = [f"{database.name}{end}" for end in ("", "-wal", "-shm")]
    away = database.with_name("away")
    away.mkdir()
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            database.with_name(name).rename(away / name)
    yield
    for name in names:
        database.with_name(name).unlink(missing_ok=True)
    for file in away.iterdir():
        file.rename(database.with_name(file.name))


@pytest.mark.parametrize("away", [locked, broken, missing])
def test_the_last_good_lists_outlast_database_and_restart(
    daemon: Any, mta: Any, away: Callable[[Path], contextlib.AbstractContextManager[None]]
) -> None:
    daemon.start(rest=REAL, TAMIS_REAL="1")
    postfix = mta.ask()
    tamis_list(daemon, "add", "blacklist-ip", PEER)
    assert_acts_everywhere(daemon, postfix, True, time.monotonic())
    with away(daemon.folder / "state" / "tamis.db"):
        assert daemon.wait_log("the last good lists stay")
        assert_acts_everywhere(daemon, postfix, True, time.monotonic())
        assert daemon.stop() == 0
        daemon.start(rest=REAL, TAMIS_REAL="1")
        assert daemon.wait_log("the last good lists stay")
        assert daemon.log().count("the last good lists stay") == 1
        assert set(rows_by_worker(daemon, postfix).values()) == {"blacklisted-ip"}
    tamis_list(daemon, "remove", "blacklist-ip", PEER)
    assert_acts_everywhere(daemon, postfix, False, time.monotonic())


def test_without_any_lists_it_is_said_and_they_are_taken_up_when_there_are(
    daemon: Any, mta: Any, until: Callable[..., bool]
) -> None:
    database = daemon.folder / "state" / "tamis.db"
    daemon.write_config(rest=REAL)
    tamis_list(daemon, "add", "blacklist-ip", PEER)
    postfix = mta.ask()
    with broken(database):
        daemon.start(rest=REAL, TAMIS_REAL="1")
        none = "lists not read, there are none but those of the configuration yet"
        assert until(lambda: daemon.log().count(none) == len(daemon.workers()), 15)
        time.sleep(2.0)
        assert daemon.log().count(none) == len(daemon.workers())
        reply = postfix.send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"], peer=PEER)
        assert (reply.code, reply.text[:5]) == (451, "4.3.0")
    assert until(lambda: postfix.send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted, 5)
    # Of each worker by itself: one may be ready before the other.
    assert until(lambda: daemon.log().count("lists read again") == len(daemon.workers()), 5)
    assert_acts_everywhere(daemon, postfix, True, time.monotonic())
