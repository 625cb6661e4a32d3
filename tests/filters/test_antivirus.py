"""Rows 1 and 24, with a real clamd: a hit, a clean message, guesses, caps, and when nobody answers."""

from collections.abc import Iterator

import pytest

from tamis.config import parse
from tamis.contract import Abstain, Filter
from tamis.filters.antivirus_1 import FirstStage
from tamis.filters.antivirus_2 import SecondStage
from tamis.scanners.row import AntivirusRow
from tamis.scanners.scanners import Scanners
from tamis.site import Site
from tamis.testing import hits, mail
from tests.scanner_servers import Clamd, signature

SECTION = '[clamd.{}]\nendpoints = ["{}"]\nstage = {}\n'
NOBODY = "inet:1@127.0.0.1"
EVIL, ODD = mail("Subject: x\n\nan evil word\n"), mail("Subject: x\n\nan odd word\n")
CLEAN = mail("Subject: x\n\nhello\n")


def site(*scanners: tuple[str, str, int]) -> Site:
    return Site(scanners=Scanners(parse("".join(SECTION.format(*one) for one in scanners), "x").settings))


@pytest.fixture(scope="module")
def clam() -> Iterator[Clamd]:
    if not Clamd.installed():
        pytest.skip("clamd is not installed")
    with Clamd(signature("Test.Evil", b"an evil word"), signature("Heuristics.Odd", b"an odd word")) as server:
        yield server


@pytest.mark.servers
@pytest.mark.parametrize(("row", "stage"), [(FirstStage(), 1), (SecondStage(), 2)])
def test_hit_clean_and_guess(clam: Clamd, row: Filter, stage: int) -> None:
    asked = site(("main", clam.endpoint, stage))
    assert hits(row, EVIL, site=asked) == [f"AV{stage}_MALWARE"]
    assert hits(row, CLEAN, site=asked) == []
    assert hits(row, ODD, site=asked) == [f"AV{stage}_GUESS"]
    strict = AntivirusRow.Options(score_only=())
    assert hits(row, ODD, strict, site=asked) == [f"AV{stage}_MALWARE"]
    # The scanners of the other stage are not this row's.
    assert hits(row, EVIL, site=site(("main", clam.endpoint, 3 - stage))) == []


@pytest.mark.servers
def test_all_scanners_of_a_stage_are_asked(clam: Clamd) -> None:
    with Clamd() as other:
        assert hits(FirstStage(), EVIL, site=site(("a", other.endpoint, 1), ("b", clam.endpoint, 1))) == ["AV1_MALWARE"]
    dead_too = site(("a", NOBODY, 1), ("b", clam.endpoint, 1))
    assert hits(FirstStage(), EVIL, site=dead_too) == ["AV1_MALWARE"]
    with pytest.raises(Abstain, match=r"a: inet:1@127\.0\.0\.1: no connection") as abstention:
        hits(FirstStage(), CLEAN, site=dead_too)
    assert (abstention.value.test, abstention.value.ask_again) == ("AV_UNAVAILABLE", False)


def test_nobody_answers() -> None:
    dead = site(("a", NOBODY, 1))
    with pytest.raises(Abstain) as abstention:
        hits(FirstStage(), CLEAN, site=dead)
    assert (abstention.value.test, abstention.value.ask_again) == ("AV_UNAVAILABLE", True)


@pytest.mark.servers
def test_larger_than_the_scanner_takes(clam: Clamd) -> None:
    settings = parse(SECTION.format("a", clam.endpoint, 1) + "max_bytes = 100\n", "x").settings
    with pytest.raises(Abstain, match="larger") as abstention:
        hits(FirstStage(), mail("Subject: x\n\n" + "a" * 200), site=Site(scanners=Scanners(settings)))
    assert (abstention.value.test, abstention.value.ask_again) == ("SIZE_CAPPED", False)


def test_nothing_is_asked_where_nothing_is_configured() -> None:
    for row in (FirstStage(), SecondStage()):
        assert hits(row, EVIL) == []
        assert row.site_cache_key(Site(), EVIL) is None
        assert row.site_cache_key(site(), EVIL) is None
