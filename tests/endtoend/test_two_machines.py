"""Two daemons in two network namespaces, on one PostgreSQL, one Redis and one spool: what one does, the other knows."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.postfix.instance import PostfixUnavailable, require_postfix
from tamis.postfix.ports import free_ports, wait_listening
from tamis.postfix.served import service_user
from tamis.postfix.sink import Sink
from tests.endtoend.two_machines import Machine, NoNamespaces
from tests.packaging.test_package import BLOCKS
from tests.postgresql import Cluster, programs

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SPAMMER, STRANGER, THIRD = "203.0.113.66", "203.0.113.25", "198.51.100.7"
SECONDS = 5.0
GREYLISTED = """
[domain."grey.example".filters.greylisting]
enabled = true
delay_minutes = 0.01
"""


def message(marker: str) -> bytes:
    header = f"From: ann@sender.example\r\nSubject: offer {marker}\r\nMessage-ID: <{marker}@sender.example>\r\n"
    return f"{header}\r\nAn offer.\r\n".encode()


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"], stdout=subprocess.DEVNULL
    )
    assert wait_listening(port, 10)
    yield port
    server.terminate()
    server.wait()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with Cluster(folder) as one:
        yield one


@pytest.fixture(scope="module")
def spool() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tamis-spool-", dir="/tmp") as name:
        user = pwd.getpwnam(service_user())
        os.chown(name, user.pw_uid, user.pw_gid)
        yield Path(name)


def test_two_machines_are_one_site(cluster: Cluster, redis_port: int, spool: Path, tmp_path: Path) -> None:
    url = cluster.new_database()
    settings = (
        f'[database]\nurl = "{url.replace("127.0.0.1", "HOST")}"\n[redis]\nurl = "redis://HOST:{redis_port}/0"\n'
        f'[quarantine]\nspool = "{spool}"\nDELIVERY[policy]\nmode = "quarantine"\n'
        f'[lists]\nblacklist_ip = ["{SPAMMER}"]\n{GREYLISTED}'
    )
    ports = [cluster.port, redis_port]
    try:
        require_postfix()
        with (
            Sink() as sink,
            Machine(1, settings, ports, sink.transport) as one,
            Machine(2, settings, ports, sink.transport) as other,
        ):
            # Held by one, which is gone before the other lets it out.
            assert one.postfix.send(message("a"), "ann@sender.example", ["bob@example.org"], peer=SPAMMER).accepted
            held = _held(other)
            one.tamis.stop()
            assert "delivered" in other.command("quarantine", "release", held)
            assert sink.messages[-1].content.endswith(message("a"))
            one.tamis.start()
            one.wait_listening()

            # Delayed by one, known to the other: counted in Redis.
            codes = []
            for machine in (one, other):
                reply = machine.postfix.send(message("g"), "ann@sender.example", ["bob@grey.example"], peer=THIRD)
                codes.append(reply.refused["bob@grey.example"][0] if reply.refused else reply.code)
                time.sleep(1.0)
            assert codes == [450, 250]

            # Learned by the other, acted on by the one.
            other.command("list", "add", "blacklist-ip", STRANGER)
            began = time.monotonic()
            while not _holds(one, "b"):
                assert time.monotonic() < began + SECONDS
            print(f"a list entry acts on the other machine after {time.monotonic() - began:.1f} s")

            _saved_and_restored(url, tmp_path)
    except (PostfixUnavailable, NoNamespaces) as error:
        pytest.skip(f"two machines cannot be made here: {error}")


def _held(machine: Machine) -> str:
    deadline = time.monotonic() + 30
    while not (found := re.findall(r"^([0-9a-f]{16})\.\d", machine.command("quarantine", "list"), re.M)):
        assert time.monotonic() < deadline
    return str(found[0])


def _holds(machine: Machine, marker: str) -> bool:
    """Whether a message of the stranger is held, by the log of the machine that decides."""
    before = machine.tamis.log_text().count("event=decision")
    assert machine.postfix.send(message(marker), "ann@sender.example", ["bob@example.org"], peer=STRANGER).accepted
    while machine.tamis.log_text().count("event=decision") == before:
        time.sleep(0.02)
    return "blacklisted-ip" in machine.tamis.log_text().rpartition("event=decision")[2]


def _saved_and_restored(url: str, folder: Path) -> None:
    """The blocks of docs/operations.md for PostgreSQL, as they stand there."""
    environment = {**os.environ, "BACKUP": str(folder), "DATABASE": url.replace("+psycopg", "")}
    environment["PATH"] += f":{programs()}"
    psql = ["psql", "-tAc", "SELECT count(*) FROM copy", environment["DATABASE"]]

    def counted() -> int:
        return int(subprocess.run(psql, env=environment, capture_output=True, text=True, check=True).stdout)

    before = counted()
    assert before
    for block in ("save postgresql", "restore postgresql"):
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", BLOCKS[block]], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        if block == "save postgresql":
            drop = [*psql[:2], "DELETE FROM copy", psql[3]]
            subprocess.run(drop, env=environment, check=True, capture_output=True)
            assert counted() == 0
    assert counted() == before
