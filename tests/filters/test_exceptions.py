"""Row 18: the operator's exceptions; what they skip is in tests/core/test_exception_row.py."""

import pytest

from tamis.contract import Abstain, Context
from tamis.filters.exceptions import Exceptions
from tamis.rules.matching import Rules
from tamis.rules.reading import read
from tamis.testing import hits, mail

FILTER = Exceptions()
RULES = """
[rule.our-forum]
description = "the digest of our forum, which quotes anything"
use = "exception"
where = ["header:list-id"]
patterns = ['forum[.]example[.]org']
"""
TO_THE_FORUM = "From: a@x.example\nList-Id: <forum.example.org>\n\nviagra\n"
OTHER = "From: a@x.example\nList-Id: <other.example.org>\n\nviagra\n"


def test_hit() -> None:
    assert hits(FILTER, mail(TO_THE_FORUM), rules=RULES) == ["RULE_EXCEPTION"]


def test_clean() -> None:
    assert hits(FILTER, mail(OTHER), rules=RULES) == []


def test_abstains_without_rules() -> None:
    with pytest.raises(Abstain, match="no rules"):
        hits(FILTER, mail(TO_THE_FORUM))


def test_the_ground_names_the_rule_and_the_words() -> None:
    message = mail(TO_THE_FORUM)
    (hit,) = FILTER.check(message, Context(rules=Rules(read([("rules.toml", RULES)])).look_at(message.message)))
    assert hit.decides
    assert hit.let_through == "Keyword Exception"
    assert hit.because == "our-forum, header:list-id: 'forum.example.org'"


def test_an_expression_may_be_an_exception() -> None:
    both = (
        RULES
        + """
[rule.quoted]
description = "pills that are quoted on the forum"
use = "exception"
expression = "pills and not cheap"

[rule.pills]
description = "pills"
use = "part"
patterns = ['viagra']

[rule.cheap]
description = "a price"
use = "part"
patterns = ['cheap']
"""
    )
    assert hits(FILTER, mail(OTHER), rules=both) == ["RULE_EXCEPTION"]
    assert hits(FILTER, mail(OTHER + "cheap"), rules=both) == []
