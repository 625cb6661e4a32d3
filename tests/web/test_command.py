"""`tamis web` as a process: on a port and on a unix socket, ended by SIGTERM."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tamis.postfix.ports import free_ports
from tamis.postfix.served import service_user

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the service user may write into, and reach: pytest's own are closed to others."""
    with TemporaryDirectory(prefix="tamis-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextmanager
def served(folder: Path, listen: str) -> Iterator[subprocess.Popen[str]]:
    file = folder / "tamis.toml"
    file.write_text(
        f'[daemon]\nuser = "{service_user()}"\nstate_directory = "{folder}/state"\n'
        f'runtime_directory = "{folder}"\n[web]\nlisten = "{listen}"\n'
    )
    command = [sys.executable, "-m", "tamis.cli", "web", "-c", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("unix", [False, True])
def test_it_serves_until_it_is_told_to_stop(folder: Path, unix: bool) -> None:
    (port,) = free_ports(1)
    path = str(folder / "web.sock")
    with served(folder, f"unix:{path}" if unix else f"127.0.0.1:{port}") as process:
        deadline = time.monotonic() + 60
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                if unix:
                    connection.sock = socket.socket(socket.AF_UNIX)
                    connection.sock.connect(path)
                connection.request("GET", "/health")
                break
            except OSError:
                assert process.poll() is None, process.stdout and process.stdout.read()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"ok\n")
        assert answer.getheader("Server") is None
        secret = folder / "state" / "web.secret"
        assert secret.stat().st_mode & 0o777 == 0o600
        if os.geteuid() == 0:
            assert secret.owner() == service_user()
        connection.close()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()


def test_a_socket_that_cannot_be_had_is_a_failure(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with served(folder, f"127.0.0.1:{taken.getsockname()[1]}") as process:
            assert process.wait(60) == 1
