"""docs/existing-postfix.md, executed as written: from a running Postfix to headers in observe mode and back out.

The Postfix is a private one, chrooted as Debian's is, which the commands reach through MAIL_CONFIG.
"""

import configparser
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dkim
import pytest

from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.ports import free_ports, wait_listening
from tamis.postfix.served import service_user
from tamis.settings import Headers

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "existing-postfix.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- tested: ([a-z ]+) -->\n```sh\n(.*?)```", PAGE, re.S))
MACROS = ("milter_connect_macros", "milter_mail_macros", "milter_end_of_data_macros")
MACHINE = {"before", "configure", "socket", "hand over", "back out", "clean up"}


class Machine:
    """A running Postfix with a Tamis that is installed beside it by the page."""

    def __init__(self, postfix: PrivatePostfix, letters: Any) -> None:
        self.postfix = postfix
        self.letters = letters
        self.config = postfix.folder / "tamis.toml"
        self.socket = postfix.folder / "queue" / "tamis" / "tamis.sock"
        self.daemon: subprocess.Popen[bytes] | None = None
        # The command as installed, whichever Python runs the tests.
        self.programs = postfix.folder / "bin"
        self.programs.mkdir()
        command = self.programs / "tamis"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tamis.cli "$@"\n')
        command.chmod(0o755)

    def run(self, block: str) -> str:
        """Execute a block of the page."""
        path = f"{self.programs}:{self.postfix.environment()['PATH']}"
        environment = {**self.postfix.environment(), "PATH": path, "TAMIS_CONFIG": str(self.config)}
        before = self.postfix.front_ends()
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", BLOCKS[block]],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if "postfix reload" in BLOCKS[block]:
            # Processes that were waiting for a client go away on their own time.
            deadline = time.monotonic() + 30
            while before & self.postfix.front_ends():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        return done.stdout

    def start_daemon(self) -> None:
        """What systemd does with tamis.socket and tamis.service, the folders and the user changed."""
        state = self.postfix.folder / "tamis"
        for name in ("", "state", "run"):
            (state / name).mkdir(mode=0o755)
            shutil.chown(state / name, service_user())
        lines = f'user = "{service_user()}"\nstate_directory = "{state}/state"\nruntime_directory = "{state}/run"\n'
        self.config.write_text(self.config.read_text().replace("[daemon]\n", f"[daemon]\n{lines}"))
        command = ["systemd-socket-activate", f"--listen={self.socket}", f"--setenv=TAMIS_CONFIG={self.config}"]
        with (self.postfix.folder / "tamis.log").open("wb") as log:
            self.daemon = subprocess.Popen(
                [*command, sys.executable, "-m", "tamis.cli", "serve"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not self.socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        unit = configparser.ConfigParser(strict=False)
        unit.read(ROOT / "systemd" / "tamis.socket")
        shutil.chown(self.socket, "root", unit["Socket"]["SocketGroup"])
        self.socket.chmod(int(unit["Socket"]["SocketMode"], 8))

    def stop_daemon(self) -> None:
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(30)
            self.daemon = None

    def receives(self, header: str = "From: ann@sender.example\nSubject: hello\n") -> Message:
        """Send a message from outside and return what arrives."""
        sent = self.letters.write(header)
        got = self.letters.pass_through(sent, "ann@sender.example", "ann@example.org")
        assert isinstance(got, Message)
        return got


@contextmanager
def machine(letters_of: Callable[[PrivatePostfix], Any], milters: str | None = None) -> Iterator[Machine]:
    with PrivatePostfix(milters, milter_default_action="tempfail") as postfix:
        # As a Postfix that nobody has prepared: its own macros, its listener in the chroot.
        postfix.run("postconf", "-X", *MACROS)
        postfix.run("postconf", "-F", f"127.0.0.1:{postfix.smtp_port}/inet/chroot=y")
        postfix.reload()
        one = Machine(postfix, letters_of(postfix))
        try:
            yield one
        finally:
            one.stop_daemon()


def ours(message: Message) -> list[str]:
    return [name for name in Headers().names().values() if message.fields(name)]


@pytest.fixture
def letters_of(can_run_postfix: None, letters_class: Any) -> Callable[[PrivatePostfix], Any]:
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd-socket-activate is not installed: run 'make setup'")
    return lambda postfix: letters_class(postfix)


def test_the_page_has_the_blocks() -> None:
    assert set(BLOCKS) == MACHINE


def test_to_headers_and_back_out_again(letters_of: Callable[[PrivatePostfix], Any]) -> None:
    with machine(letters_of) as one:
        assert ours(one.receives()) == []

        assert "smtpd_milters" in one.run("before")
        before = (one.postfix.config / "main.cf").read_text()
        assert "valid" in one.run("configure")
        one.run("socket")
        one.start_daemon()
        assert ours(one.receives()) == []

        one.run("hand over")
        got = one.receives()
        assert {"X-Ico-Bay", "X-Spam-Status", "X-Tamis-Verdict"} <= set(ours(got))
        assert got.subject == "hello"
        outgoing = one.letters.write()
        relayed = one.letters.pass_through(outgoing, "ann@example.org", "x@elsewhere.example", login="ann")
        assert ours(relayed) == []

        one.stop_daemon()
        one.socket.unlink()
        assert ours(one.receives()) == []  # default_action=accept

        one.run("back out")
        assert ours(one.receives()) == []
        one.run("clean up")
        after = (one.postfix.config / "main.cf").read_text()
        assert after.split() == before.split()
        assert not one.socket.parent.exists()
        assert "warning: unknown" not in one.postfix.log_text()


@contextmanager
def opendkim(folder: Path, postfix_domain: str) -> Iterator[tuple[str, str]]:
    """A real OpenDKIM that signs for one domain and verifies; gives its socket and its record in the DNS."""
    if shutil.which("opendkim") is None:
        pytest.skip("opendkim is not installed: run 'make setup'")
    key = folder / "key.pem"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(key), "2048"], check=True, capture_output=True)
    shown = subprocess.run(
        ["openssl", "rsa", "-in", str(key), "-pubout"], check=True, capture_output=True, text=True
    ).stdout
    record = "v=DKIM1; k=rsa; p=" + re.sub(r"-----[^-]+-----|\s", "", shown)
    names = folder / "dns"
    names.write_text(f"s._domainkey.{postfix_domain} {record}\ns._domainkey.sender.example {record}\n")
    (port,) = free_ports(1)
    (folder / "opendkim.conf").write_text(
        f"Mode sv\nSocket inet:{port}@127.0.0.1\nDomain {postfix_domain}\nSelector s\nKeyFile {key}\n"
        f"Canonicalization simple/simple\nTestDNSData file:{names}\nInternalHosts 192.0.2.99\nUserID root\n"
        f"RequireSafeKeys no\nAuthservID mx.tamis.example\nSyslog no\nPidFile {folder}/pid\n"
    )
    process = subprocess.Popen(["opendkim", "-f", "-x", str(folder / "opendkim.conf")], stderr=subprocess.PIPE)
    try:
        assert wait_listening(port, 10)
        yield f"inet:127.0.0.1:{port}", record
    finally:
        process.kill()
        process.communicate()


def test_beside_opendkim(letters_of: Callable[[PrivatePostfix], Any], tmp_path: Path) -> None:
    with opendkim(tmp_path, "example.org") as (milter, record), machine(letters_of, milter) as one:
        for block in ("before", "configure", "socket"):
            one.run(block)
        # As section 7 of the page has it: so that a Subject is changed, which must come after verification.
        one.config.write_text(
            one.config.read_text() + '[domain."example.org"]\nmode = "tag"\nblacklist_sender = ["sender.example"]\n'
        )
        one.start_daemon()
        one.run("hand over")

        wire = one.letters.write().replace(b"\n", b"\r\n")
        key = (tmp_path / "key.pem").read_bytes()
        signature = dkim.sign(wire, b"s", b"sender.example", key, canonicalize=(b"simple", b"simple"))
        got = one.letters.pass_through(signature + wire, "ann@sender.example", "ann@example.org")
        assert "dkim=pass" in got.header("Authentication-Results")
        assert got.subject == "SPAM: hello"
        assert "X-Ico-Bay" in ours(got)

        sent = one.letters.write("From: ann@example.org\nSubject: signed by us\n")
        out = one.letters.pass_through(sent, "ann@example.org", "x@elsewhere.example", login="ann")
        assert ours(out) == []
        assert dkim.verify(out.raw.replace(b"\n", b"\r\n"), dnsfunc=lambda *_, **__: record.encode())

        one.run("back out")
        assert one.postfix.run("postconf", "-h", "smtpd_milters").stdout.decode().strip() == milter
        assert ours(one.receives()) == []


def test_the_pieces_are_what_the_page_says(tmp_path: Path) -> None:
    pieces = ROOT / "postfix"
    setting = re.search(r"^smtpd_milters = (\{.*\})$", (pieces / "main.cf.tamis").read_text(), re.M)
    assert setting is not None
    assert setting.group(1) in BLOCKS["hand over"]


def test_own_listeners_as_given_for_master_cf(letters_of: Callable[[PrivatePostfix], Any]) -> None:
    with machine(letters_of) as one:
        master, virtual = one.postfix.config / "master.cf", one.postfix.config / "virtual"
        piece = (ROOT / "postfix" / "master.cf.tamis").read_text()
        ports = dict(zip(("127.0.0.1:10099", "127.0.0.1:10098"), free_ports(2), strict=True))
        for listener, port in ports.items():
            assert piece.count(listener) == 1
            piece = piece.replace(listener, f"127.0.0.1:{port}")
        master.write_text(master.read_text() + piece)
        virtual.write_text("team@example.org bob@example.org\n")
        # A filter that is not there: mail that asks it is deferred, mail of Tamis's own goes through, and is not
        # changed, as Debian's own settings would change it, nor too large.
        one.postfix.run(
            "postconf",
            "-e",
            "smtpd_milters = inet:127.0.0.1:1",
            "always_bcc = archive@example.org",
            "local_header_rewrite_clients = permit_inet_interfaces",
            "message_size_limit = 2000",
            "smtpd_end_of_data_restrictions = reject",
        )
        one.postfix.reload()
        refused = one.postfix.send(one.letters.write(), "ann@sender.example", ["ann@example.org"])
        assert refused.code // 100 == 4
        for port, address in zip(ports.values(), ("bob@example.org", "team@example.org"), strict=True):
            assert wait_listening(port, 10)
            sent = one.letters.write(header="Subject: bare\n", text="a line of twenty four\n" * 100)
            reply = one.postfix.send(sent, "", ["team@example.org"], peer=None, port=port)
            assert reply.accepted, reply
            delivery = one.letters.arrived(sent)
            assert delivery.address == address
            assert delivery.content.partition(b"Subject:")[2] == sent.partition(b"Subject:")[2]
            assert b"From:" not in delivery.content
        assert one.postfix.wait_queue_empty()
        assert one.postfix.deliveries("archive@example.org") == []
