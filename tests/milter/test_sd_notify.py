"""What systemd is told, over real datagram sockets."""

import os
import socket
import time
from pathlib import Path

import pytest

from tamis.milter.sd_notify import Notifier
from tamis.milter.sockets import CannotListen, activated, open_all
from tamis.settings import Daemon


@pytest.mark.parametrize("abstract", [False, True])
def test_datagrams_arrive(tmp_path: Path, abstract: bool) -> None:
    address = f"\0tamis-test-{os.getpid()}" if abstract else f"/tmp/tamis-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(30)
        environment = {"NOTIFY_SOCKET": address.replace("\0", "@"), "OTHER": "1"}
        notifier = Notifier(environment)
        assert environment == {"OTHER": "1"}
        notifier.ready("2 workers")
        notifier.status("x")
        notifier.alive()
        notifier.stopping()
        notifier.reloading()
        received = [systemd.recv(1000).decode() for _ in range(5)]
    if not abstract:
        os.unlink(address)
    assert received[:4] == [
        "READY=1\nSTATUS=2 workers",
        "STATUS=x",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=finishing the messages under way",
    ]
    reloading, _, since = received[4].partition("\nMONOTONIC_USEC=")
    assert reloading == "RELOADING=1"
    assert abs(int(since) / 1e6 - time.monotonic()) < 5


def test_nothing_happens_without_systemd() -> None:
    Notifier({}).ready("x")
    Notifier({"NOTIFY_SOCKET": "/no/such/socket"}).ready("x")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog_is_for_this_process_only(environment: dict[str, str], seconds: float | None) -> None:
    assert Notifier(environment).watchdog_seconds == seconds
    assert environment == {}


def test_passed_sockets_are_for_this_process_only() -> None:
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}
    assert list(activated(environment)) == [3, 4]
    assert environment == {}
    for other in ({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": str(os.getpid())}, {}):
        with pytest.raises(CannotListen, match="passed no socket"):
            activated(dict(other))


def test_a_failure_leaves_no_socket_open() -> None:
    path = f"/tmp/tamis-test-{os.getpid()}.sock"
    with pytest.raises(CannotListen, match="the port must be between"):
        open_all(Daemon(listen=(f"unix:{path}", "inet:0@127.0.0.1")), {})
    assert not os.path.exists(path)


def test_a_passed_descriptor_must_be_a_listening_socket() -> None:
    with socket.socket() as unconnected, pytest.raises(CannotListen, match="not a listening socket"):
        open_all(Daemon(listen=(f"fd:{os.dup(unconnected.fileno())}",)), {})
