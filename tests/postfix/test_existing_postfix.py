"""docs/existing-postfix.md, executed as written: from a running Postfix to headers in observe mode and back out."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.ports import free_ports, wait_listening
from tests.postfix.page import BLOCKS, ROOT, machine, ours

pytestmark = pytest.mark.servers

MACHINE = {"before", "configure", "socket", "hand over", "listener of a filter", "back out", "clean up"}


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


def test_the_pieces_are_what_the_page_says() -> None:
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
