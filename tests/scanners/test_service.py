"""Failover and circuit breakers, with a real clamd that hangs, dies and comes back."""

import time

import pytest

from tamis.scanners import clamd
from tamis.scanners.endpoint import Endpoint, Unanswered
from tamis.scanners.service import Service
from tests.scanner_servers import Clamd
from tests.scanners.conftest import EVIL
from tests.scanners.test_clamd import place, soon

NOBODY = "inet:1@127.0.0.1"


def scan(endpoint: Endpoint, deadline: float) -> str:
    return clamd.scan(endpoint, [b"Subject: x\n\n" + EVIL], deadline)


@pytest.mark.servers
def test_failover_and_return(clam: Clamd) -> None:
    with Clamd(tcp=True) as first:
        service = Service("s", [place(first.endpoint), place(clam.endpoint)], clamd.version)
        assert service.ask(scan, soon()) == ""
        first.hang()
        assert service.ask(scan, soon()) == "Test.Evil.UNOFFICIAL"
        # Nobody waits for it any more.
        began = time.monotonic()
        assert service.ask(scan, soon()) == "Test.Evil.UNOFFICIAL"
        assert time.monotonic() - began < 1
        assert service.out_since is None
        first.resume()
        until = soon(10)
        while service.ask(scan, soon()) and time.monotonic() < until:
            service.probe()
            time.sleep(0.1)
        assert service.ask(scan, soon()) == ""
        first.kill()
        assert service.ask(scan, soon()) == "Test.Evil.UNOFFICIAL"


@pytest.mark.servers
def test_when_all_are_out(clam: Clamd) -> None:
    service = Service("s", [place(NOBODY), place("unix:/nowhere")], clamd.version)
    with pytest.raises(Unanswered, match=r"inet:1@127.0.0.1: no connection.*unix:/nowhere: no connection"):
        service.ask(scan, soon())
    began = service.out_since
    assert began is not None
    with pytest.raises(Unanswered, match="unix:/nowhere"):
        service.ask(scan, soon())
    service.probe()
    assert service.out_since == began
    assert service.versions == ()


@pytest.mark.servers
def test_an_error_with_one_message_opens_no_circuit(clam: Clamd) -> None:
    def error(endpoint: Endpoint, deadline: float) -> str:
        raise Unanswered("cannot read that", dead=False)

    service = Service("s", [place(clam.endpoint)], clamd.version)
    with pytest.raises(Unanswered, match="cannot read that"):
        service.ask(error, soon())
    assert service.out_since is None
    assert service.ask(scan, soon()) == "Test.Evil.UNOFFICIAL"
