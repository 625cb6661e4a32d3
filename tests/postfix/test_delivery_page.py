"""docs/delivery.md, executed as written: to mailboxes with a Junk folder, on this machine and on a storage server."""

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tamis.config import parse
from tamis.postfix import client
from tamis.postfix.dovecot import DovecotUnavailable, PrivateDovecot, require_dovecot
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.ports import free_ports, wait_listening

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "delivery.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- tested: ([a-z ]+) -->\n```sh\n(.*?)```", PAGE, re.S))
JUNK = 'X-Tamis-Verdict: spam; action=junk; row=5 spf; because="action=deliver"; id=0123456789abcdef\n'
HAM = 'X-Tamis-Verdict: ham; action=deliver; row=4 whitelisted-ip; because="action=junk;"; id=0123456789abcdef\n'


@dataclass
class Machine:
    """A Postfix with a Dovecot that has no rule yet, and a checkout of Tamis."""

    postfix: PrivatePostfix
    dovecot: PrivateDovecot
    checkout: Path

    def run(self, block: str, change: Callable[[str], str] = str) -> str:
        """Execute a block of the page."""
        path = f"{self.dovecot.environment()['PATH']}:{self.postfix.environment()['PATH']}"
        before = self.postfix.front_ends()
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", change(BLOCKS[block])],
            cwd=self.checkout,
            env={**self.postfix.environment(), "PATH": path, "CONFIG_FILE": str(self.dovecot.config)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if "postfix reload" in BLOCKS[block]:
            self.postfix.wait_reloaded(before)
        return done.stdout

    def receives(self, domain: str, filed_by: PrivateDovecot) -> None:
        """Send junk and ham to somebody and see both where they belong."""
        address = f"{uuid.uuid4().hex}@{domain}"
        for header in (JUNK, HAM):
            message = f"{header}From: ann@sender.example\n\nhello\n".encode()
            reply = self.postfix.send(message, "ann@sender.example", [address])
            assert reply.accepted, reply
        assert filed_by.wait(address, "INBOX"), self.postfix.log_text()[-2000:] + filed_by.log_text()[-2000:]
        assert filed_by.wait(address, "Junk")
        assert [len(filed_by.mailbox(address, folder)) for folder in ("INBOX", "Junk")] == [1, 1]


@contextmanager
def machine(folder: Path, domain: str) -> Iterator[Machine]:
    shutil.copytree(ROOT / "postfix", folder / "postfix", ignore=shutil.ignore_patterns("__pycache__"))
    with PrivateDovecot(rule=False) as dovecot, PrivatePostfix(domains=(domain,)) as postfix:
        yield Machine(postfix, dovecot, folder)


@pytest.fixture(autouse=True)
def can_run(can_run_postfix: None) -> None:
    try:
        require_dovecot()
    except DovecotUnavailable as error:
        pytest.skip(str(error))


def test_the_page_has_the_blocks() -> None:
    assert set(BLOCKS) == {"dovecot", "reports", "postfix", "storage", "listeners", "aliases"}


@pytest.mark.slow
def test_to_mailboxes_on_this_machine_and_on_a_storage_server(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "here").mkdir()
    with machine(tmp_path / "storage", "example.net") as storage, machine(tmp_path / "here", "example.org") as here:
        for one in (storage, here):
            one.run("dovecot")
            one.run("postfix")
        here.receives("example.org", here.dovecot)

        where = f"[127.0.0.1]:{storage.postfix.smtp_port}"
        here.run("storage", lambda block: block.replace("[storage.example.net]", where))
        here.receives("example.net", storage.dovecot)
        here.receives("example.org", here.dovecot)
        for one in (storage, here):
            assert "warning" not in one.postfix.log_text()


def test_mail_handed_over_by_tamis(tmp_path: Path) -> None:
    with machine(tmp_path, "example.org") as one:
        ports = dict(zip(("127.0.0.1:10099", "127.0.0.1:10098"), free_ports(2), strict=True))
        piece = tmp_path / "postfix" / "master.cf.tamis"
        for listener, port in ports.items():
            piece.write_text(piece.read_text().replace(listener, f"127.0.0.1:{port}"))
        one.run("listeners")
        for port in ports.values():
            assert wait_listening(port, 10)
            assert client.send(port, b"Subject: released\n\nhello\n", "", ["ann@example.org"]).accepted
        assert one.postfix.wait_delivered(2)


def test_the_settings_to_know(tmp_path: Path) -> None:
    with machine(tmp_path, "example.org") as one:
        said = one.run("aliases")
        assert "virtual_alias_maps = texthash:" in said
        assert len(said.splitlines()) == 6
    learning, block = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.S | re.M)
    assert parse(learning, "delivery.md").settings.learning.reports == "/var/spool/tamis-learn"
    assert parse(block, "delivery.md").settings.aliases.local_domains == ("example.org", "example.net")
