"""`tamis check-config` says which scanners do not answer, and which are something else."""

import socket

import pytest

from tamis.commands.check_config import warnings
from tamis.config import parse
from tests.scanner_servers import Clamd, Liar, Spamd


def said(toml: str) -> list[str]:
    toml = '[policy]\nmode = "tag"\n[daemon]\nlisten = ["inet:1@127.0.0.1"]\n[dns]\nservers = ["127.0.0.1"]\n' + toml
    return list(warnings(parse(toml, "tamis.toml")))


def test_nobody_there() -> None:
    first, second = said('[clamd.main]\nendpoints = ["unix:/nowhere"]\n[spamd]\nendpoints = ["inet:1@127.0.0.1"]\n')
    assert first.startswith("tamis.toml:8: clamd.main.endpoints: nobody answers at unix:/nowhere: no connection")
    assert second.startswith("tamis.toml:10: spamd.endpoints: nobody answers at inet:1@127.0.0.1: no connection")


def test_somebody_else() -> None:
    def say(connection: socket.socket) -> None:
        # What is closed with something unread is reset.
        connection.recv(100)
        connection.sendall(b"220 mail.example ESMTP\r\n\0")

    with Liar(say) as other:
        (line,) = said(f'[clamd.main]\nendpoints = ["{other.endpoint}"]\n')
        assert "is no clamd" in line
        (line,) = said(f'[spamd]\nendpoints = ["{other.endpoint}"]\n')
        assert "is no spamd" in line


@pytest.mark.servers
def test_all_there(clam: Clamd, assassin: Spamd) -> None:
    assert said(f'[clamd.main]\nendpoints = ["{clam.endpoint}"]\n[spamd]\nendpoints = ["{assassin.endpoint}"]\n') == []
