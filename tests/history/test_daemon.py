"""A running daemon: what a worker decides is found by id within seconds, also after it was killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.milter_client import Letter, MilterClient
from tamis.postfix.ports import free_ports
from tamis.postfix.served import service_user
from tests.milter.conftest import Daemon, daemon_in, wait_until

pytestmark = pytest.mark.servers

REAL = '[redis]\nserver = "no-redis"\n[policy]\nmode = "junk"\n[lists]\nblacklist_sender = ["spammer.example"]\n'
REAL += 'ban_ip = ["198.51.100.9"]\n'


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Daemon, int]]:
    base = Path(tempfile.mkdtemp(prefix="th", dir="/tmp"))
    base.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(base, service_user())
    (port,) = free_ports(1)
    try:
        with daemon_in(base / "own") as daemon:
            daemon.listen = [f"inet:{port}@127.0.0.1"]
            daemon.start(rest=f'{REAL}[metrics]\nlisten = "127.0.0.1:{free_ports(1)[0]}"\n', real=True)
            yield daemon, port
    finally:
        shutil.rmtree(base, ignore_errors=True)


def send(port: int, sender: str, header_id: str, peer: str = "192.0.2.7") -> str:
    header = [(b"From", b" ann@example.net"), (b"Subject", b" secret words"), (b"Message-ID", f" {header_id}".encode())]
    letter = Letter(peer, "mail.example.net", "mail.example.net", sender, "bob@example.org", header, b"hello\r\n")
    with MilterClient(port) as client:
        return client.send(letter)


def tamis(daemon: Daemon, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tamis.cli", words[0], *words[1:], "-c", str(daemon.config)]
    done = subprocess.run(command, env=daemon.environment(), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout or done.stderr


def found(daemon: Daemon, *words: str) -> list[dict[str, Any]]:
    status, out = tamis(daemon, "history", "find", *words, "--json")
    assert status == 0, out
    return list(json.loads(out))


def test_decisions_are_found_and_explained(running: tuple[Daemon, int]) -> None:
    daemon, port = running
    send(port, "ann@example.net", "<ham@example.net>")
    send(port, "eve@spammer.example", "<spam@example.net>")
    assert wait_until(lambda: len(found(daemon, "bob@example.org")) == 2)
    (spam,) = found(daemon, "--sender", "spammer.example")
    assert (spam["verdict"], spam["answer"], spam["message_id"]) == ("spam", "250", "<spam@example.net>")
    assert f"id={spam['id']}" in daemon.log()
    status, out = tamis(daemon, "why", spam["id"])
    assert status == 0
    assert "decided by  row 9 blacklisted-sender (BL_SENDER)" in out
    assert "bayes" in out
    assert "secret words" not in out
    assert tamis(daemon, "why", "f" * 16)[0] == 2
    # One id from the SMTP answer to the log and the history.
    refused = send(port, "ann@example.net", "<never@example.net>", peer="198.51.100.9")
    answer = re.fullmatch(r"450 4\.7\.1 .*\(banned-ip, ([0-9a-f]{16})\)\s*", refused)
    assert answer, refused
    assert f"id={answer[1]}" in daemon.log()
    assert wait_until(lambda: tamis(daemon, "why", answer[1])[0] == 0)
    assert "decided by  row 2 banned-ip" in tamis(daemon, "why", answer[1])[1]
    status, out = tamis(daemon, "history", "stats", "--json")
    assert json.loads(out)["verdict"]["spam"] == 1


def ask(daemon: Daemon, path: str) -> tuple[int, str]:
    (listen,) = re.findall(r'^\[metrics\]\nlisten = "(.*)"', daemon.config.read_text(), re.M)
    try:
        with urllib.request.urlopen(f"http://{listen}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_tell_what_happened(running: tuple[Daemon, int]) -> None:
    daemon, port = running

    def samples() -> dict[str, float]:
        lines = [line for line in ask(daemon, "/metrics")[1].splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    decided = 'tamis_decided_total{filter="blacklisted-sender"}'
    already = samples().get(decided, 0)
    send(port, "eve@spammer.example", "<counted@example.net>")
    assert wait_until(lambda: samples().get(decided, 0) > already)
    assert wait_until(lambda: samples()["tamis_workers"] == 2)  # The supervisor tells once a second.
    found = samples()
    assert found["tamis_workers"] == found["tamis_workers_wanted"] == 2
    assert found['tamis_filter_asked_total{filter="bayes"}'] >= 1
    assert found["tamis_database_up"] == found["tamis_ready"] == 1
    assert any(name.startswith("tamis_model_info{version=") for name in found)
    assert ask(daemon, "/healthz") == (200, "ok\n")
    assert ask(daemon, "/readyz") == (200, "ready\n")
    before = found[decided]
    for pid in daemon.workers():
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: samples().get("tamis_worker_restarts_total", 0) == 2)
    assert wait_until(lambda: samples()["tamis_workers"] == 2)
    assert samples()[decided] == before


def test_a_killed_worker_takes_no_decision_with_it(running: tuple[Daemon, int]) -> None:
    daemon, port = running
    daemon.signal(signal.SIGHUP)  # Nobody has written anything yet.
    assert daemon.wait_log("new workers serve")
    send(port, "ann@example.net", "<last@example.net>")
    for pid in daemon.workers():
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: len(found(daemon, "last@example.net")) == 1)
