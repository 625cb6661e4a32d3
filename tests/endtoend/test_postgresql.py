"""The daemon on PostgreSQL: what a command adds acts within seconds, and lasts while the server is away."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tamis.message import Message
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.served import RunningTamis
from tests.postgresql import Cluster, programs

pytestmark = pytest.mark.servers

PEER = "203.0.113.25"
SECONDS = 5.0
AWAY = "the last good lists stay: connection failed"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with Cluster(folder) as cluster:
        yield cluster


def tamis_list(tamis: RunningTamis, *words: str) -> None:
    action, *rest = words
    command = [sys.executable, "-m", "tamis.cli", "list", action, "-c", str(tamis.config), *rest]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def verdict(postfix: PrivatePostfix) -> str:
    """What the daemon says of a message that it is sent now."""
    before = postfix.delivered.count()
    assert postfix.send(b"Subject: hello\n\nhello\n", "ann@sender.example", ["bob@example.org"], peer=PEER).accepted
    assert postfix.wait_delivered(before + 1)
    return Message(postfix.deliveries()[-1]).header("X-Tamis-Verdict") or ""


def wait_for_verdict(postfix: PrivatePostfix, listed: bool) -> None:
    start = time.monotonic()
    while ("blacklisted-ip" in verdict(postfix)) != listed:
        assert time.monotonic() < start + SECONDS
        time.sleep(0.1)


def wait_until_away(tamis: RunningTamis, times: int) -> None:
    """Wait until the keeper has said so often that the database is away."""
    start = time.monotonic()
    while tamis.log_text().count(AWAY) < times:
        assert time.monotonic() < start + SECONDS
        time.sleep(0.05)


def test_lists_act_within_seconds(cluster: Cluster) -> None:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    settings = f'[policy]\nmode = "observe"\n[database]\nurl = "{cluster.new_database()}"\n'
    with RunningTamis(settings) as tamis, PrivatePostfix(tamis.milter) as postfix:
        assert "blacklisted-ip" not in verdict(postfix)
        tamis_list(tamis, "add", "blacklist-ip", PEER)
        wait_for_verdict(postfix, listed=True)
        cluster.stop()
        wait_until_away(tamis, 1)
        assert "blacklisted-ip" in verdict(postfix)
        # Also where the daemon is started anew meanwhile: it needs no database for that.
        tamis.stop()
        tamis.start()
        assert "blacklisted-ip" in verdict(postfix)
        wait_until_away(tamis, 2)
        assert tamis.log_text().count(AWAY) == 2
        cluster.start()
        tamis_list(tamis, "remove", "blacklist-ip", PEER)
        wait_for_verdict(postfix, listed=False)
        assert tamis.log_text().count(AWAY) == 2
