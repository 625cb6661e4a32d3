"""Row 27: the token evidence as a hit; the judgement is the engine's."""

import pytest

from tamis.contract import Abstain, Context
from tamis.engine import SHIPPED_MODEL
from tamis.filters.bayes import Bayes
from tamis.models.bayes import Model
from tamis.testing import hits, mail

SPAM = "Subject: V1agra and Cialis 80% OFF\nContent-Type: text/html\n\n<p>Buy cheap viagra now, no prescription</p>\n"
HAM = "Subject: minutes of the meeting\n\nPlease find attached the minutes; I think we should discuss the patch.\n"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(SHIPPED_MODEL)


def amount(text: str, model: Model) -> float:
    (hit,) = Bayes().check(mail(text), Context(model=model))
    assert hit.amount is not None
    assert not hit.decides
    return hit.amount


def test_hit(model: Model) -> None:
    assert hits(Bayes(), mail(SPAM), model=model) == ["BAYES"]
    assert amount(SPAM, model) > 7.5


def test_clean(model: Model) -> None:
    assert amount(HAM, model) < 2


def test_abstains_without_a_model() -> None:
    with pytest.raises(Abstain, match="no model"):
        hits(Bayes(), mail(HAM))
