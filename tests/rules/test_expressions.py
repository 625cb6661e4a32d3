"""Expressions over rules: what they mean, and where they are wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rules.expressions import BadExpression, parse

KNOWN = ("a", "b", "c", "fr-tax", "fr-fee")


def holds(text: str, *true: str) -> bool:
    return parse(text, KNOWN).holds(true.__contains__)


@pytest.mark.parametrize(
    ("text", "true", "result"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("not a", "b", True),
        ("not not a", "a", True),
        ("a and b", "a", False),
        ("a and b", "a b", True),
        ("a or b and c", "a", True),
        ("(a or b) and c", "a", False),
        ("(a or b) and c", "a c", True),
        ("a and not (b or c)", "a", True),
        ("a and not (b or c)", "a c", False),
        ("2 of (a, b, c)", "a", False),
        ("2 of (a, b, c)", "a c", True),
        ("3 of (a, b, c)", "a b", False),
        ("2 of (a and b, c, not a)", "a b c", True),
        ("any of (fr-*)", "fr-fee", True),
        ("any of (fr-*, a)", "b", False),
        ("all of (fr-*)", "fr-fee", False),
        ("all of (fr-*)", "fr-fee fr-tax", True),
        ("not 2 of (a, b)", "a", True),
        ("\n a\n  and b ", "a b", True),
    ],
)
def test_what_it_means(text: str, true: str, result: bool) -> None:
    assert holds(text, *true.split()) is result


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("a and", 4, "expected a rule, not the end"),
        ("and a", 0, "expected a rule, not 'and'"),
        ("a b", 2, "expected 'and', 'or' or the end"),
        ("a and (b or c", 12, "expected ')' to close the ( at 7"),
        ("a)", 1, "expected 'and', 'or' or the end"),
        ("a and fr-taxes", 6, "there is no rule 'fr-taxes'"),
        ("a and A", 6, "begins no name"),
        ("a && b", 2, "begins no name"),
        ("2 (a, b)", 2, "expected 'of' after '2'"),
        ("3 of (a, b)", 0, "can never be counted"),
        ("0 of (a, b)", 0, "can never be counted"),
        ("2 of (a, b", 9, "expected ')' after the rules"),
        ("any of (de-*)", 8, "no rule has a name like 'de-*'"),
        ("fr-*", 0, "stands in 'of (...)' only"),
        ("", 0, "expected a rule"),
        ("(" * 100 + "a" + ")" * 100, 31, "nested more than"),
        ("not " * 100 + "a", 120, "nested more than"),
    ],
)
def test_where_it_is_wrong(text: str, at: int, why: str) -> None:
    with pytest.raises(BadExpression) as refused:
        parse(text, KNOWN)
    assert why in str(refused.value)
    assert abs(refused.value.at - at) <= (4 if "nested" in why else 0)


@given(st.text(alphabet="abc ()andorf,12*-ty", max_size=60))
def test_an_expression_is_read_or_refused(text: str) -> None:
    at = 0
    try:
        node = parse(text, KNOWN)
    except BadExpression as error:
        at = error.at
    else:
        assert node.holds(lambda name: True) in (True, False)
        assert {name for name, _ in node.names()} <= set(KNOWN)
    assert 0 <= at <= max(0, len(text) - 1)
