"""The shipped weights: learned for every test, small, and kind to honest mail of today."""

from pathlib import Path

import pytest

from tamis.message import Message
from tamis.models.bayes import Model
from tamis.models.corpus import entries_of
from tamis.models.features import features
from tamis.models.trait_audit import ENOUGH
from tamis.models.trait_fit import BOUNDS
from tamis.models.wire import message_on_the_wire
from tamis.traits import CANDIDATES, TRAITS, weighed
from tamis.traits.weights import learned

LETTERS = Path(__file__).with_name("letters")
"""Honest mail of today, made up: what shops, calendars, forges and people send."""


def _sum(raw: bytes) -> float:
    return sum(weight for _, weight in weighed(Message(raw)))


def test_every_test_has_a_weight_within_bounds() -> None:
    low, high = BOUNDS
    assert learned().tests.keys() <= CANDIDATES.keys()
    assert len(TRAITS) >= ENOUGH
    assert all(test.weight and low <= test.weight <= high for test in learned().tests.values())
    assert all(test.weight == round(test.weight, 3) for test in learned().tests.values())


@pytest.mark.parametrize("name", ["note", "reply", "newsletter", "order", "invitation", "forge"])
def test_honest_mail_of_today_gains_little(name: str, shipped_model: Model) -> None:
    raw = (LETTERS / f"{name}.eml").read_bytes()
    added = _sum(raw)
    assert -6 < added < 1
    assert shipped_model.score(features(Message(raw))) + added < 7.5


SPAM = b"""From: DR. JAMES OKORO <james2931@mail.example>
Subject: URGENT BUSINESS PROPOSAL!!!
To: undisclosed-recipients:;
Reply-To: barrister@other.example
X-Priority: 1
Date: Mon, 2 Nov 2026 10:00:00 +0000

Dear Friend,

I am Barrister James Okoro, attorney to the late Mr. George, who died leaving the sum of USD 18.5 Million Dollars in
a bank in Lagos, Nigeria. I seek your consent to present you as the next of kin, with utmost confidentiality.
"""


def test_spam_is_above_honest_mail() -> None:
    """Than their mean, and than each of them but the invitation, which comes from a machine too."""
    honest = sorted(_sum(path.read_bytes()) for path in LETTERS.glob("*.eml"))
    assert len(honest) == 6
    assert _sum(SPAM) > sum(honest) / 6 + 0.45
    assert _sum(SPAM) > honest[-2] + 0.2
    assert dict(weighed(Message(SPAM)))["WORDS_DOLLARS"] > 0


@pytest.mark.corpora
@pytest.mark.slow
def test_no_real_newsletter_gains_more_than_it_may(corpora: Path) -> None:
    entries = [entry for entry in entries_of(corpora / "modern") if entry.name.startswith("foff-milter/")]
    honest = [_sum(message_on_the_wire(Message(entry.read())).raw) for entry in entries if not entry.spam]
    assert len(honest) > 80
    assert max(honest) < 1.5
