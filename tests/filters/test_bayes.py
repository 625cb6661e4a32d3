"""Row 27: the token evidence; the judgement is the engine's (tests/core/test_examination.py)."""

import pytest

from tamis.contract import Abstain, Context
from tamis.filters.bayes import Bayes
from tamis.models.bayes import Model
from tamis.models.features import features
from tamis.testing import hits, mail
from tamis.traits import weighed

FILTER = Bayes()
SPAM = "Subject: cheap watches\n\ncheap replica watches, buy now at our shop, cheap pills\n"
SPAM_WITH_HEADER = f"X-Priority: 1\nFrom: A <a@example.net>\n{SPAM}"
HAM = "Subject: the minutes\n\nplease find below the minutes of our meeting on the harbour\n"


@pytest.fixture(scope="module")
def model() -> Model:
    learned = Model()
    for text, spam in ((SPAM, True), (HAM, False)):
        for _ in range(20):
            learned.learn(features(mail(text).message), spam)
    return learned


def amount(text: str, model: Model) -> float:
    hit = next(iter(FILTER.check(mail(text), Context(model=model))))
    assert hit.name == "BAYES"
    assert hit.amount is not None
    assert not hit.decides
    return hit.amount


def test_hit(model: Model) -> None:
    assert hits(FILTER, mail(SPAM), model=model)[0] == "BAYES"
    assert amount(SPAM, model) > 1


def test_clean(model: Model) -> None:
    assert amount(HAM, model) < -0.5


def test_what_was_never_seen_is_neutral(model: Model) -> None:
    assert amount("\n", Model()) == 0
    assert abs(amount("\nzzyzx qwghlm\n", model)) < 0.5


def test_named_tests_of_the_message_add_their_weights(model: Model) -> None:
    found = list(FILTER.check(mail(SPAM_WITH_HEADER), Context(model=model)))[1:]
    assert len(found) > 10
    assert [hit.name for hit in found] == [name for name, _ in weighed(mail(SPAM_WITH_HEADER).message)]
    assert all(hit.amount and not hit.decides and hit.name in Bayes.tests for hit in found)


def test_abstains_without_a_model() -> None:
    with pytest.raises(Abstain, match="no model"):
        hits(FILTER, mail(SPAM))


def test_the_answer_depends_on_the_whole_message() -> None:
    assert FILTER.cache_key(mail(SPAM)) == FILTER.cache_key(mail(SPAM, peer="", sender="other@example.net"))
    assert FILTER.cache_key(mail(SPAM)) != FILTER.cache_key(mail(SPAM.replace("Subject: ", "Subject:  ")))
    assert FILTER.cache_key(mail(SPAM)) != FILTER.cache_key(mail(SPAM + "."))
