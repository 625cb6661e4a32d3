"""Row 20: expressions over rules."""

import pytest

from tamis import limits
from tamis.contract import Abstain, Context
from tamis.filters.regex_logic import RegexLogic
from tamis.rules.matching import Rules
from tamis.rules.reading import read
from tamis.testing import hits, mail

FILTER = RegexLogic()
RULES = """
[rule.parcel]
description = "a parcel"
use = "part"
patterns = ['parcel']

[rule.fee]
description = "a fee"
use = "part"
patterns = ['fee']

[rule.carrier]
description = "the carrier itself"
use = "part"
where = ["header:from"]
patterns = ['@post[.]example']

[rule.parcel-scam]
description = "a fee for a parcel, not from the carrier"
use = "logic"
expression = "parcel and fee and not carrier"
decides = true
"""


def test_hit() -> None:
    assert hits(FILTER, mail("From: a@x.example\n\nyour parcel waits, pay the fee"), rules=RULES) == [
        "RULE_PARCEL_SCAM"
    ]


def test_the_ground_names_what_holds() -> None:
    message = mail("From: a@x.example\n\nyour parcel waits, pay the fee")
    rules = Rules(read([("rules.toml", RULES)])).look_at(message.message)
    (hit,) = FILTER.check(message, Context(options=RegexLogic.Options(), rules=rules))
    assert hit.because == "parcel-scam: parcel, fee"
    assert hit.decides


@pytest.mark.parametrize("text", ["From: a@post.example\n\nparcel, fee", "From: a@x.example\n\nyour parcel waits"])
def test_clean(text: str) -> None:
    assert hits(FILTER, mail(text), rules=RULES) == []


def test_abstains_without_rules() -> None:
    with pytest.raises(Abstain, match="no rules"):
        hits(FILTER, mail("\nparcel, fee"))


def test_abstains_where_a_cap_may_have_hidden_what_is_excluded() -> None:
    with pytest.raises(Abstain, match="cap"):
        hits(FILTER, mail("\nparcel, fee" + "x" * limits.RULE_TEXT_CHARS), rules=RULES)
