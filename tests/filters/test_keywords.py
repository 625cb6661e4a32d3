"""Row 19: rules with patterns decide or score; what they match is told in folded words."""

import pytest

from tamis import limits
from tamis.contract import Abstain, Context, Hit
from tamis.filters.keywords import Keywords
from tamis.mail import Mail
from tamis.rules.matching import Rules
from tamis.rules.reading import read
from tamis.testing import hits, mail

FILTER = Keywords()
RULES = r"""
[rule.pills]
description = "pills"
patterns = ['\bviagra\b']
decides = true

[rule.cheap]
description = "a price"
where = ["subject"]
patterns = ['cheap']
score = 1.5

[rule.noted]
description = "only named by others"
use = "part"
patterns = ['now']
"""
SPAM = "Subject: cheap\n\nbuy V.1.A.G.R.A and V I A G R A now\n"


def answer(mail: Mail, text: str = RULES, without: tuple[str, ...] = ()) -> list[Hit]:
    rules = Rules(read([("rules.toml", text)])).look_at(mail.message)
    return list(FILTER.check(mail, Context(options=Keywords.Options(without=without), rules=rules)))


def test_hit() -> None:
    assert hits(FILTER, mail(SPAM), rules=RULES) == ["RULE_PILLS", "RULE_CHEAP"]


def test_a_decisive_hit_comes_first_and_says_what_was_found() -> None:
    pills, cheap = answer(mail(SPAM))
    assert (pills.decides, pills.amount, pills.because) == (True, 0.0, "pills, text: 'viagra'")
    assert (cheap.decides, cheap.amount, cheap.because) == (False, 1.5, "cheap, subject: 'cheap'")


def test_clean() -> None:
    assert hits(FILTER, mail("Subject: minutes\n\nplease find the cheap minutes below\n"), rules=RULES) == []


def test_a_domain_may_go_without_a_rule() -> None:
    assert [hit.name for hit in answer(mail(SPAM), without=("pills",))] == ["RULE_CHEAP"]


def test_abstains_without_rules() -> None:
    with pytest.raises(Abstain, match="no rules"):
        hits(FILTER, mail(SPAM))


def test_abstains_where_a_cap_hid_what_might_have_been_there() -> None:
    padding = "x" * (limits.RULE_TEXT_CHARS + 10)
    with pytest.raises(Abstain, match="cap"):
        hits(FILTER, mail(f"Subject: minutes\n\n{padding}"), rules=RULES)
    assert hits(FILTER, mail(f"{SPAM}{padding}"), rules=RULES) == ["RULE_PILLS", "RULE_CHEAP"]
    assert hits(FILTER, mail(f"Subject: x\n\n{padding} viagra"), rules=RULES) == ["RULE_PILLS"]


def test_the_answer_depends_on_the_whole_message_and_the_rules() -> None:
    assert FILTER.uses_rules
    assert FILTER.cache_key(mail(SPAM)) != FILTER.cache_key(mail(SPAM.replace("cheap", "dear")))
