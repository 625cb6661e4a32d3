"""What docs/existing-postfix.md says of Tamis beside others: OpenDKIM, OpenDMARC, other filters."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dkim
import pytest

from tamis.message import Message
from tamis.postfix import client
from tamis.postfix.instance import HOSTNAME, PrivatePostfix
from tamis.postfix.ports import free_ports, wait_listening
from tamis.postfix.sink import Sink, SunkMessage
from tests.postfix.page import Machine, machine, ours

pytestmark = pytest.mark.servers

TAGGING = '[domain."example.org"]\nmode = "tag"\nblacklist_sender = ["sender.example"]\n'
"""As section 7 of the page has it: so that a Subject is changed, which must come after verification."""
THEIRS = '\n[headers]\nauthentication_results = ""\n'
"""As section 8 has it, where another milter writes Authentication-Results under the same name."""


@contextmanager
def milter(command: list[str], port: int) -> Iterator[str]:
    """A milter of Debian's, running in the foreground."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: run 'make setup'")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_listening(port, 10)
        yield f"inet:127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


class Keys:
    """One key, for signatures of ours and of a sender, and its record in the DNS."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "key.pem"
        for command in (
            ["openssl", "genrsa", "-traditional", "-out", str(self.path), "2048"],
            ["openssl", "rsa", "-in", str(self.path), "-pubout", "-out", str(folder / "public.pem")],
        ):
            subprocess.run(command, check=True, capture_output=True)
        public = re.sub(r"-----[^-]+-----|\s", "", (folder / "public.pem").read_text())
        self.record = f"v=DKIM1; k=rsa; p={public}"

    def sign(self, message: bytes) -> bytes:
        """A message as sender.example would send it."""
        wire = message.replace(b"\n", b"\r\n")
        simple = (b"simple", b"simple")
        return bytes(dkim.sign(wire, b"s", b"sender.example", self.path.read_bytes(), canonicalize=simple) + wire)


@contextmanager
def opendkim(folder: Path, keys: Keys) -> Iterator[str]:
    """A real OpenDKIM that signs for example.org and verifies; gives its socket."""
    names = folder / "keys"
    names.write_text("".join(f"s._domainkey.{name} {keys.record}\n" for name in ("example.org", "sender.example")))
    (port,) = free_ports(1)
    (folder / "opendkim.conf").write_text(
        f"Mode sv\nSocket inet:{port}@127.0.0.1\nDomain example.org\nSelector s\nKeyFile {keys.path}\n"
        f"Canonicalization simple/simple\nTestDNSData file:{names}\nInternalHosts 192.0.2.99\nUserID root\n"
        f"RequireSafeKeys no\nAuthservID {HOSTNAME}\nSyslog no\nPidFile {folder}/opendkim.pid\n"
    )
    with milter(["opendkim", "-f", "-x", str(folder / "opendkim.conf")], port) as socket:
        yield socket


@contextmanager
def opendmarc(folder: Path) -> Iterator[str]:
    """A real OpenDMARC that refuses what sender.example's policy wants refused; gives its socket."""
    names = folder / "policies"
    names.write_text("_dmarc.sender.example v=DMARC1; p=reject\n_dmarc.lenient.example v=DMARC1; p=none\n")
    (port,) = free_ports(1)
    (folder / "opendmarc.conf").write_text(
        f"Socket inet:{port}@127.0.0.1\nTestDNSData {names}\nAuthservID {HOSTNAME}\nUserID root\nSyslog no\n"
        f"PidFile {folder}/opendmarc.pid\nRejectFailures yes\n"
    )
    with milter(["opendmarc", "-f", "-c", str(folder / "opendmarc.conf")], port) as socket:
        yield socket


def installed(one: Machine, rest: str = "", trusted_relays: str = "[]") -> None:
    """Go through the page up to the handing over; `rest` is added to the configuration."""
    for block in ("before", "configure", "socket"):
        one.run(block)
    settings = one.config.read_text().replace("trusted_relays = []", f"trusted_relays = {trusted_relays}")
    one.config.write_text(settings + rest)
    one.start_daemon()
    one.run("hand over")


def results(message: Message) -> list[str]:
    """What the Authentication-Results say, but for the beginning of the signature (RFC 6008)."""
    said = [" ".join(field.text.split()) for field in message.fields("Authentication-Results")]
    return [re.sub(r"header\.b=\S+", "header.b", text) for text in said]


def test_beside_opendkim(letters_of: Callable[[PrivatePostfix], Any], tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    with opendkim(tmp_path, keys) as dkim_milter, machine(letters_of, [dkim_milter]) as one:
        installed(one, TAGGING + THEIRS)
        signed = keys.sign(one.letters.write())
        got = one.letters.pass_through(signed, "ann@sender.example", "ann@example.org")
        assert "dkim=pass" in results(got)[0]
        assert got.subject == "SPAM: hello"
        assert "X-Ico-Bay" in ours(got)

        sent = one.letters.write("From: ann@example.org\nSubject: signed by us\n")
        out = one.letters.pass_through(sent, "ann@example.org", "x@elsewhere.example", login="ann")
        assert ours(out) == []
        assert dkim.verify(out.raw.replace(b"\n", b"\r\n"), dnsfunc=lambda *_, **__: keys.record.encode())

        one.run("back out")
        assert one.postfix.run("postconf", "-h", "smtpd_milters").stdout.decode().strip() == dkim_milter
        assert ours(one.receives()) == []


def test_beside_opendkim_and_opendmarc(letters_of: Callable[[PrivatePostfix], Any], tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    with opendkim(tmp_path, keys) as first, opendmarc(tmp_path) as second, machine(letters_of, [first, second]) as one:
        without = one.letters.pass_through(keys.sign(one.letters.write()), "ann@sender.example", "ann@example.org")
        assert "dmarc=pass" in " ".join(results(without))

        installed(one, TAGGING + THEIRS)
        got = one.letters.pass_through(keys.sign(one.letters.write()), "ann@sender.example", "ann@example.org")
        assert results(got) == results(without)
        assert got.subject == "SPAM: hello"
        assert "X-Ico-Bay" in ours(got)

        lenient = one.receives("From: ann@lenient.example\nSubject: hello\n")
        assert "dmarc=fail" in " ".join(results(lenient))
        assert "X-Ico-Bay" in ours(lenient)

        # What OpenDMARC refuses, Tamis is not asked about.
        refused = one.postfix.send(one.letters.write(), "ann@sender.example", ["ann@example.org"])
        assert refused.code == 550
        assert len(one.postfix.deliveries()) == 3
        assert len(one.decisions(2)) == 2

        one.run("back out")
        left = one.postfix.run("postconf", "-h", "smtpd_milters").stdout.decode()
        assert left.strip() == f"{first}, {second}"


class Filter(Sink):
    """A content_filter as amavis is one: it takes a message by SMTP and gives it back on another port."""

    def __init__(self, back: int) -> None:
        super().__init__()
        self.back = back

    def take(self, message: SunkMessage) -> None:
        with client.SmtpSession(self.back, helo="localhost") as session:
            content = b"X-Filtered: yes\r\n" + message.content
            reply = session.send(content, message.sender, message.recipients)
        if not reply.accepted:
            raise ConnectionError(reply.text)  # The message stays in the queue.
        super().take(message)


LISTENER = """
127.0.0.1:{port} inet n - n - - smtpd
  -o syslog_name=postfix/back
  -o content_filter=
  -o mynetworks=127.0.0.0/8
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o receive_override_options=no_header_body_checks,no_unknown_recipient_checks
"""


def test_before_a_content_filter(letters_of: Callable[[PrivatePostfix], Any]) -> None:
    (port,) = free_ports(1)
    with Filter(port) as content_filter, machine(letters_of) as one:
        # As it was before Tamis came: the filter's listener follows main.cf in its milters, of which there are none.
        master = one.postfix.config / "master.cf"
        master.write_text(master.read_text() + LISTENER.format(port=port))
        one.postfix.run("postconf", "-e", f"content_filter = {content_filter.transport}")
        one.postfix.reload()
        assert wait_listening(port, 10)
        assert one.receives().header("X-Filtered") == "yes"

        installed(one, TAGGING)
        one.receives()
        classes = [re.findall("class=([a-z]+)", line) for line in one.decisions(2)]
        assert classes == [["inbound"], ["outgoing"]]

        one.run("listener of a filter", ("127.0.0.1:10025", f"127.0.0.1:{port}"))
        got = one.receives()
        assert got.header("X-Filtered") == "yes"
        assert got.subject == "SPAM: hello"
        assert {name: len(got.fields(name)) for name in ours(got)} == dict.fromkeys(ours(got), 1)
        assert got.header("X-ORG-IN-IP-Address") == "203.0.113.25"
        assert b"X-Ico-Bay:" in content_filter.messages[-1].content
        assert len(one.decisions(3)) == 3

        sent = one.letters.write()
        out = one.letters.pass_through(sent, "ann@example.org", "x@elsewhere.example", login="ann")
        assert ours(out) == []
        assert len(one.decisions(4)) == 4
        assert one.postfix.wait_queue_empty()
        assert len(one.postfix.deliveries()) == content_filter.count == 4


def test_behind_a_filter_before_the_queue(letters_of: Callable[[PrivatePostfix], Any]) -> None:
    (port,) = free_ports(1)
    with Filter(port) as proxy, machine(letters_of) as one:
        master = one.postfix.config / "master.cf"
        master.write_text(master.read_text() + LISTENER.format(port=port))
        front = f"127.0.0.1:{one.postfix.smtp_port}/inet"
        one.postfix.run("postconf", "-P", f"{front}/smtpd_proxy_filter=127.0.0.1:{proxy.port}")
        installed(one, trusted_relays='["127.0.0.1"]')
        got = one.receives()
        assert got.header("X-Filtered") == "yes"
        assert got.header("X-ORG-IN-IP-Address") == "203.0.113.25"
        assert got.header("X-HELO-In-Domain") == "mail.sender.example"
        assert len(one.decisions(1)) == 1
        assert len(one.postfix.deliveries()) == proxy.count == 1
