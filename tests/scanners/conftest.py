"""The servers that the tests of scanners share: one real clamd, one real spamd."""

from collections.abc import Iterator

import pytest

from tests.scanner_servers import Clamd, Spamd, signature

EVIL = b"an evil word"


@pytest.fixture(scope="module")
def clam() -> Iterator[Clamd]:
    if not Clamd.installed():
        pytest.skip("clamd is not installed")
    with Clamd(signature("Test.Evil", EVIL), number=100, settings="StreamMaxLength 200K") as server:
        yield server


@pytest.fixture(scope="module")
def assassin() -> Iterator[Spamd]:
    if not Spamd.installed():
        pytest.skip("spamd is not installed")
    with Spamd("body T_CHEAP /cheapest/\nscore T_CHEAP 4.25\nheader T_FROM EnvelopeFrom =~ /box\\@sender/\n") as server:
        yield server
