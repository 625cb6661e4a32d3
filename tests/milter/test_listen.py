"""Which sockets a daemon listens on: several, inet, passed by a parent, stale ones, taken ones."""

import functools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.servers

MESSAGE = b"From: a@x.example\nSubject: x\n\nBody.\n"


# The socket becomes descriptor 3, and LISTEN_PID names the very process that is going to use it.
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def send(postfix: Any) -> Any:
    return postfix.send(MESSAGE, "a@x.example", ["b@example.org"])


def test_unix_and_inet_listeners_at_once_have_workers_each(
    daemon: Any, mta: Any, ports: Any, until: Callable[..., bool]
) -> None:
    def answered_by(workers: list[int], postfix: Any) -> bool:
        # For a moment after a reload, Postfix still has processes that ask the milter of before.
        assert send(postfix).accepted
        return daemon.seen()[-1]["pid"] in workers

    four, six = ports(2)
    daemon.listen += [f"inet:{four}@127.0.0.1", f"inet:{six}@::1"]
    daemon.start()
    workers = sorted(daemon.workers())
    assert len(workers) == 6
    for position, milter in enumerate(["", f"inet:127.0.0.1:{four}", f"inet:[::1]:{six}"]):
        theirs = workers[2 * position : 2 * position + 2]
        assert until(functools.partial(answered_by, theirs, mta.ask(milter)))


def test_socket_passed_by_systemd_is_served_and_not_removed(daemon: Any, mta: Any) -> None:
    daemon.listen = ["systemd"]
    daemon.write_config("", '[redis]\nserver = "no-redis"')
    daemon.seen_file.touch()
    daemon.seen_file.chmod(0o666)
    with socket.socket(socket.AF_UNIX) as listening, daemon.log_file.open("ab") as log:
        listening.bind(str(daemon.socket))
        daemon.socket.chmod(0o666)
        listening.listen(64)
        daemon.process = subprocess.Popen(
            [sys.executable, "-c", AS_SYSTEMD, str(listening.fileno()), *daemon.command()],
            env=daemon.environment(),
            stderr=log,
            pass_fds=[listening.fileno()],
        )
        assert daemon.wait_log("msg=ready"), daemon.log()
        assert send(mta.ask()).accepted
        assert len(daemon.seen()) == 1
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_log("new workers serve")
        assert send(mta.ask()).accepted
        assert daemon.stop() == 0
    assert daemon.socket.exists()
    daemon.socket.unlink()


def test_without_a_passed_socket_systemd_is_one_clear_line(daemon: Any) -> None:
    daemon.listen = ["systemd"]
    assert_fails(daemon, "it has passed no socket")


def test_stale_socket_is_replaced_and_a_living_one_is_left_alone(daemon: Any) -> None:
    daemon.socket.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(daemon.socket))
    daemon.start()
    inode = os.stat(daemon.socket).st_ino
    assert_fails(daemon, "another process is listening there")
    assert os.stat(daemon.socket).st_ino == inode
    assert daemon.stop() == 0
    assert not daemon.socket.exists()


def test_a_file_that_is_no_socket_is_left_alone(daemon: Any) -> None:
    daemon.socket.write_text("precious")
    assert_fails(daemon, "is not a socket")
    assert daemon.socket.read_text() == "precious"
    daemon.socket.unlink()


def test_group_and_mode_of_the_socket(daemon: Any) -> None:
    daemon.start('socket_group = "daemon"')
    status = os.stat(daemon.socket)
    assert oct(status.st_mode)[-3:] == "666"
    assert status.st_gid != 0 or os.geteuid() != 0


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('socket_group = "no-such-group"', "does not exist"),
        ('listen = ["inet:1@192.0.2.1"]', "cannot listen on inet:1@192.0.2.1"),
        ('listen = ["unix:/no/such/folder/t.sock"]', "cannot listen on unix:/no/such/folder/t.sock: No such file"),
        ('listen = ["fd:9"]', "cannot listen on fd:9: Bad file descriptor"),
        ('user = "no-such-user"', "does not exist"),
        ('runtime_directory = "/dev/null/x"', "cannot make /dev/null/x (daemon.runtime_directory)"),
    ],
)
def test_what_cannot_be_had_is_one_clear_line(daemon: Any, line: str, text: str) -> None:
    daemon.write_config(line)
    key = line.split(" ")[0]
    lines = [one for one in daemon.config.read_text().splitlines() if one == line or not one.startswith(f"{key} ")]
    daemon.config.write_text("\n".join(lines))
    assert_fails(daemon, text, write=False)


def assert_fails(daemon: Any, text: str, status: int = 1, write: bool = True) -> None:
    if write:
        daemon.write_config()
    ended = subprocess.run(daemon.command(), env=daemon.environment(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == status, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert text in line
