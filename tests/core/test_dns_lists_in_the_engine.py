"""DNS lists in the engine: they vote once they have passed their test, and not while they lie."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tamis import dns_list_tests
from tamis.config import parse
from tamis.dns.zone import Zone, ZoneText
from tamis.engine import Engine
from tamis.mail import Mail
from tamis.testing import mail
from tests.dns_server import DnsServer

GOOD: ZoneText = {f"{entry}.{name}.example": ["127.0.0.2"] for entry in ("2.0.0.127", "7.2.0.192") for name in "ab"}
LYING: ZoneText = {**GOOD, "1.0.0.127.b.example": ["127.0.0.2"]}
LISTS = "".join(f'[dnslists.{name}]\nzone = "{name}.example"\nkind = "ip"\n' for name in "ab")


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with DnsServer(GOOD, ttl=0) as server:
        yield server


@pytest.fixture
def engine_of(tmp_path: Path, names: DnsServer) -> Iterator[Callable[[], Engine]]:
    made: list[Engine] = []

    def make() -> Engine:
        where = f'[daemon]\nstate_directory = "{tmp_path}"\n[dns]\nservers = ["{names.address}"]\n'
        made.append(Engine(parse(where + LISTS, "x")))
        return made[-1]

    yield make
    for engine in made:
        engine._resolver.close()


def said(engine: Engine) -> list[str]:
    message: Mail = mail("From: ann@sender.example\n\nhello\n")
    (answer,) = (answer for answer in engine.examine(message).answers if answer.row.name == "maps-rbl")
    return [hit.name for hit in answer.hits] + ([answer.abstained] if answer.abstained else [])


def test_the_first_message_is_voted_on(engine_of: Callable[[], Engine]) -> None:
    assert said(engine_of()) == ["RBL_PEER"]


def test_a_liar_is_left_out_from_the_start_and_comes_back(
    engine_of: Callable[[], Engine], names: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_list_tests, "EVERY_SECONDS", 0.0)
    names.zone = Zone(LYING, ttl=0)
    engine = engine_of()
    assert said(engine) == ["RBL_SOME"]
    assert [one.name for one in engine.snapshot.site.dns_lists] == ["a"]
    names.zone = Zone(GOOD, ttl=0)
    deadline = time.monotonic() + 10
    while len(engine.snapshot.site.dns_lists) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
        engine.refresh()
    assert said(engine) == ["RBL_PEER"]


@pytest.mark.slow
def test_without_a_dns_no_list_votes_and_the_row_abstains(engine_of: Callable[[], Engine], names: DnsServer) -> None:
    names.silent = True
    engine = engine_of()
    assert said(engine) == ["no list has a vote: none has passed its test"]
    assert engine.snapshot.site.dns_lists == ()
