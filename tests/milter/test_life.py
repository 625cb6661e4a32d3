"""The daemon's life under load, through a real Postfix: reload, stop, deaths of workers and of Redis."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tamis.postfix.client import SmtpReply, SmtpSession
from tamis.postfix.served import service_user

pytestmark = pytest.mark.servers

NO_REDIS = '[redis]\nserver = "no-redis"'


class Load:
    """Clients that send without pause, several messages a session, and note every answer."""

    def __init__(self, port: int, clients: int = 4, messages: int = 5, order: str = "sleep 0.01") -> None:
        self._port = port
        self._messages = messages
        self._order = order
        self._going = True
        self.answers: dict[str, SmtpReply] = {}
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def _client(self, number: int) -> None:
        round_ = 0
        while self._going:
            round_ += 1
            try:
                with SmtpSession(self._port, "203.0.113.9", "mail.sender.example") as session:
                    for message in range(self._messages):
                        name = f"m{number}-{round_}-{message}"
                        content = f"Subject: {name}\nX-Do: {self._order}\n\nx\n".encode()
                        self.answers[name] = session.send(content, "a@x.example", ["b@example.org"])
            except OSError as error:
                self.answers[f"m{number}-{round_}-broken"] = SmtpReply(0, str(error), "connection")

    def stop(self) -> None:
        self._going = False
        for thread in self._threads:
            thread.join()

    @property
    def accepted(self) -> set[str]:
        return {name for name, answer in self.answers.items() if answer.accepted}

    def codes(self) -> Counter[int]:
        return Counter(answer.code for answer in list(self.answers.values()))


def delivered_names(postfix: Any) -> Counter[str]:
    names = [re.search(rb"(?m)^Subject: (\S+)", message) for message in postfix.deliveries()]
    return Counter(found.group(1).decode() for found in names if found)


def assert_nothing_lost(postfix: Any, load: Load) -> None:
    """Every message that was accepted has been delivered, once, with its header; no other was."""
    assert postfix.wait_delivered(len(load.accepted)), "accepted messages are missing"
    assert postfix.wait_queue_empty()
    assert delivered_names(postfix) == Counter(load.accepted)
    assert all(b"\nX-Test-First: one\n" in message for message in postfix.deliveries())


def test_reload_under_load_loses_nothing_and_turns_nobody_away(
    daemon: Any, mta: Any, until: Callable[..., bool]
) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    load = Load(postfix.smtp_port)

    def marks() -> set[str]:
        return set(re.findall(r"X-Test-Mark: (\S+)", "".join(m.decode() for m in postfix.deliveries())))

    def through(configurations: int) -> bool:
        """Wait until messages have been through so many of them."""
        return until(lambda: len(marks()) >= configurations)

    for reload in range(1, 4):
        assert through(reload)
        daemon.write_config(rest=f'{NO_REDIS}\n[headers]\nid = "X-Id-{reload}"')
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_log("new workers serve", reload)
    assert through(4)
    load.stop()
    assert load.codes() == {250: len(load.answers)}
    assert_nothing_lost(postfix, load)
    assert marks() == {"X-IcoServerMsgID", "X-Id-1", "X-Id-2", "X-Id-3"}
    assert until(lambda: len(daemon.workers()) == 2)


def test_stop_under_load_loses_nothing(daemon: Any, mta: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    load = Load(postfix.smtp_port, order="sleep 0.1")
    assert until(lambda: load.codes()[250] > 10)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 15
    assert until(lambda: load.codes()[451] > 0)
    load.stop()
    assert set(load.codes()) == {250, 451}
    assert_nothing_lost(postfix, load)
    assert not daemon.socket.exists()


def test_message_under_way_is_finished_before_the_stop(daemon: Any, mta: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    load = Load(postfix.smtp_port, clients=1, messages=1, order="sleep 1.5")
    assert until(daemon.seen)
    assert daemon.stop() == 0
    load.stop()
    assert load.answers["m0-1-0"].accepted
    assert_nothing_lost(postfix, load)


def test_idle_session_does_not_hold_up_the_stop_and_is_asked_to_try_again(daemon: Any, mta: Any) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    with SmtpSession(postfix.smtp_port, "203.0.113.9", "mail.sender.example") as session:
        assert session.send(b"Subject: first\n\nx\n", "a@x.example", ["b@example.org"]).accepted
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 15
        answer = session.send(b"Subject: second\n\nx\n", "a@x.example", ["b@example.org"])
    assert answer.code == 451


def test_idle_session_outlives_a_reload(daemon: Any, mta: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    old = set(daemon.workers())
    with SmtpSession(postfix.smtp_port, "203.0.113.9", "mail.sender.example") as session:
        assert session.send(b"Subject: first\n\nx\n", "a@x.example", ["b@example.org"]).accepted
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_log("new workers serve")
        assert until(lambda: len(old & set(daemon.workers())) == 1)
        time.sleep(1.0)
        assert len(old & set(daemon.workers())) == 1
        assert session.send(b"Subject: second\n\nx\n", "a@x.example", ["b@example.org"]).accepted
    pids = [seen["pid"] for seen in daemon.seen()]
    assert pids[0] == pids[1]


def test_time_for_finishing_is_bounded(daemon: Any, mta: Any, until: Callable[..., bool]) -> None:
    daemon.start("drain_seconds = 1", rest=NO_REDIS)
    postfix = mta.ask()
    load = Load(postfix.smtp_port, clients=1, messages=1, order="sleep 30")
    assert until(daemon.seen)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 15
    load.stop()
    assert load.answers["m0-1-0"].code == 451
    assert "ends with work under way" in daemon.log()


def test_killed_worker_is_replaced_and_costs_only_what_it_had_in_hand(
    daemon: Any, mta: Any, until: Callable[..., bool]
) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    load = Load(postfix.smtp_port, order="sleep 0.05")
    assert until(lambda: len(load.answers) > 20)
    victim = daemon.workers()[0]
    os.kill(victim, signal.SIGKILL)
    assert daemon.wait_log("a worker died")
    assert until(lambda: len(daemon.workers()) == 2)
    later = len(load.answers) + 20
    assert until(lambda: len(load.answers) > later)
    load.stop()
    codes = load.codes()
    assert set(codes) <= {250, 451}
    assert codes[451] <= 4 * 5
    assert_nothing_lost(postfix, load)
    assert len(daemon.workers()) == 2
    assert victim not in daemon.workers()


def test_workers_that_die_again_and_again_are_started_ever_more_slowly(daemon: Any, mta: Any) -> None:
    daemon.start(rest=NO_REDIS)
    postfix = mta.ask()
    for death in range(1, 5):
        postfix.send(b"X-Do: die\n\nx\n", "a@x.example", ["b@example.org"])
        assert daemon.wait_log("a worker died", death)
        time.sleep(0.3)
    waits = [float(found) for found in re.findall(r"a worker died.*seconds=([\d.]+)", daemon.log())]
    assert waits[0] == 0.1
    assert waits == sorted(waits)
    assert waits[-1] >= 0.4
    assert "exit status 3" in daemon.log()


def test_workers_go_when_the_supervisor_is_killed(daemon: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest="")
    children = daemon.children()
    daemon.process.kill()
    daemon.process.wait()
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def test_signals_for_the_whole_group_do_not_hurt_workers(daemon: Any, mta: Any) -> None:
    daemon.start(rest=NO_REDIS)
    before = daemon.workers()
    for pid in before:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
    time.sleep(0.3)
    assert daemon.workers() == before
    assert mta.ask().send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted


def test_bad_configuration_leaves_the_running_one_in_force(daemon: Any, mta: Any) -> None:
    daemon.start(rest=NO_REDIS)
    before = daemon.workers()
    daemon.write_config(rest="[daemon2]\nx = 1\n[log]\nformat = 7\n")
    daemon.signal(signal.SIGHUP)
    assert daemon.wait_log("configuration not taken", 2)
    assert f"{daemon.config}:12: log.format" in daemon.log()
    assert "daemon2: unknown key" in daemon.log()
    assert daemon.workers() == before
    assert mta.ask().send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted


def test_new_workers_that_do_not_start_leave_the_running_ones_in_force(daemon: Any, until: Callable[..., bool]) -> None:
    daemon.start(rest=NO_REDIS, TAMIS_BREAK="X-Broken")
    before = daemon.workers()
    daemon.write_config(rest=f'{NO_REDIS}\n[headers]\nid = "X-Broken"')
    daemon.signal(signal.SIGHUP)
    assert daemon.wait_log("new workers do not start")
    assert until(lambda: daemon.workers() == before)
    assert "told not to start" in daemon.log()


def test_worker_that_cannot_start_ends_the_daemon(daemon: Any) -> None:
    with pytest.raises(AssertionError, match="told not to start"):
        daemon.start(rest=NO_REDIS, TAMIS_BREAK="X-IcoServerMsgID")
    assert daemon.process.wait(30) == 1
    # Of the daemon itself; its other worker may have the last word.
    (line,) = [line for line in daemon.log().splitlines() if line.startswith("tamis: ")]
    assert line.startswith("tamis: cannot start:")


def test_private_redis_is_started_again_and_mail_goes_on(daemon: Any, mta: Any, until: Callable[..., bool]) -> None:
    def servers() -> list[int]:
        return [pid for pid, name in daemon.children().items() if name == "redis-server"]

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(daemon.folder / "run" / "redis.sock")):
                return False
            client.sendall(b"CONFIG GET maxmemory*\r\n")
            return b"allkeys-lfu" in client.recv(1000)

    daemon.start(rest='[redis]\nmaxmemory = "16mb"')
    assert answers()
    (first,) = servers()
    postfix = mta.ask()
    load = Load(postfix.smtp_port, clients=2)
    os.kill(first, signal.SIGKILL)
    assert daemon.wait_log("the private redis-server ended")
    assert until(lambda: servers() and servers() != [first] and answers())
    load.stop()
    assert load.codes() == {250: len(load.answers)}
    assert_nothing_lost(postfix, load)
    assert daemon.seen()[0]["redis"] == f"unix://{daemon.folder}/run/redis.sock"
    (second,) = servers()
    assert daemon.stop() == 0
    assert not Path(f"/proc/{second}").exists()
    assert not (daemon.folder / "run" / "redis.sock").exists()


def test_without_redis_there_is_one_warning_and_mail_goes_on(daemon: Any, mta: Any) -> None:
    daemon.start(rest=NO_REDIS)
    assert mta.ask().send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted
    (line,) = [line for line in daemon.log().splitlines() if "severity=warning" in line]
    assert "missing=no-redis" in line
    assert daemon.seen()[0]["redis"] == ""


def test_systemd_is_told_of_every_step(daemon: Any, base: Path, until: Callable[..., bool]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(base / "notify"))
        (base / "notify").chmod(0o666)
        systemd.settimeout(30)
        seen: list[str] = []

        def listen() -> None:
            # All the time: the kernel keeps few datagrams for who does not fetch them.
            with contextlib.suppress(TimeoutError):
                while not seen or not seen[-1].startswith("STOPPING=1"):
                    seen.append(systemd.recv(1000).decode())

        listener = threading.Thread(target=listen)
        listener.start()
        daemon.start(rest=NO_REDIS, NOTIFY_SOCKET=str(base / "notify"), WATCHDOG_USEC="400000")
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_log("new workers serve")
        assert until(lambda: seen.count("WATCHDOG=1") >= 3)
        assert daemon.stop() == 0
        listener.join()
    assert seen[0].startswith("READY=1\nSTATUS=2 workers")
    others = [text for text in seen if text != "WATCHDOG=1"]
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", others[1])
    assert others[2].startswith("READY=1")
    assert others[3].startswith("STOPPING=1")


def test_real_engine_serves_and_logs_its_decision(daemon: Any, mta: Any) -> None:
    daemon.start(rest='[log]\nformat = "logfmt"', real=True)
    postfix = mta.ask()
    reply = postfix.send(b"From: a@x.example\nSubject: hello\n\nhello\n", "a@x.example", ["b@example.org"])
    assert reply.accepted
    assert postfix.wait_delivered(1)
    (message,) = postfix.deliveries()
    assert b"\nX-Ico-Bay: " in message
    assert b"\nX-Spam-Status: " in message
    assert daemon.wait_log("event=decision")  # Written after the MTA has its answer.
    (line,) = [line for line in daemon.log().splitlines() if "event=decision" in line]
    assert f"queue_id={reply.queue_id} " in line


def test_workers_share_a_single_threaded_supervisor_and_never_load_scikit_learn(daemon: Any, mta: Any) -> None:
    daemon.start(rest=NO_REDIS, real=True)
    assert mta.ask().send(b"Subject: x\n\nx\n", "a@x.example", ["b@example.org"]).accepted
    assert "\nThreads:\t1\n" in Path(f"/proc/{daemon.pid}/status").read_text()
    for pid in daemon.workers():
        assert "sklearn" not in Path(f"/proc/{pid}/maps").read_text()
    if os.geteuid() == 0 and service_user() != "root":
        assert "\nUid:\t0\t" not in Path(f"/proc/{daemon.pid}/status").read_text()


def test_bad_configuration_at_the_start_is_one_line_each(daemon: Any) -> None:
    daemon.write_config("workers2 = 1", "[nonsense]")
    ended = subprocess.run(
        daemon.command(real=True), env=daemon.environment(), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == ["tamis", "tamis"]
