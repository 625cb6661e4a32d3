"""The example filter of docs/writing-a-filter.md: one hit, one clean, one that cannot be answered."""

import pytest

from tamis import limits
from tamis.contract import Abstain
from tamis.testing import hits, mail
from tests.docs.example_filter import UnwantedFiles

WITH_FILE = """\
From: ann@example.net
Content-Type: application/octet-stream; name="Invoice.ISO"
Content-Transfer-Encoding: base64

AAAA
"""


def test_hit() -> None:
    assert hits(UnwantedFiles(), mail(WITH_FILE)) == ["UNWANTED_FILE"]


def test_clean() -> None:
    assert hits(UnwantedFiles(), mail("From: ann@example.net\n\nhello\n")) == []
    assert hits(UnwantedFiles(), mail(WITH_FILE), UnwantedFiles.Options(endings=(".exe",))) == []


def test_abstains_when_not_everything_was_looked_at() -> None:
    with pytest.raises(Abstain, match="a cap"):
        hits(UnwantedFiles(), mail("From: ann@example.net\n\n" + "a" * limits.MESSAGE_BYTES))
