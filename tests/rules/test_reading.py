"""Rule files: every mistake by file, line, column and character; whatever else stands in the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.rules.matching import Rules
from tamis.rules.reading import RulesError, read

RULE = 'description = "x"\nscore = 1\n'


def mistakes(text: str, *more: str) -> list[str]:
    with pytest.raises(RulesError) as refused:
        read([("a.toml", text), *((f"{number}.toml", other) for number, other in enumerate(more))])
    return [str(mistake) for mistake in refused.value.mistakes]


def shown(text: str) -> str:
    """What stands in the file at the place that the one mistake points at."""
    with pytest.raises(RulesError) as refused:
        read([("a.toml", text)])
    (mistake,) = refused.value.mistakes
    line = text.split("\n")[(mistake.problem.line or 0) - 1]
    return line[mistake.column - 1 :]


@pytest.mark.parametrize(
    "value",
    [
        "['ok', 'a(?=b)']",
        '["ok", "a(?=b)"]',
        '["\\\\d \\u00e9 ok", "a(?=b)"]',
        '["\\\\d \\u00e9 ok\\t", "\\u00e9\\\\d(?=b)"]',
        "[\n  'ok',  # it's \"a\" comment\n  'a(?=b)',\n]",
        "['''ok\n''', '''\na(?=b)''']",
        '["""o"k""", """\\\n   a(?=b)"""]',
        "[ 'ok','a(?=b)' ]  # (?=b)",
    ],
)
def test_the_wrong_character_of_a_pattern_is_shown(value: str) -> None:
    assert shown(f"# a file\n[rule.x]\n{RULE}patterns = {value}\n").startswith("(?=b)")


def test_the_wrong_character_of_an_expression_is_shown() -> None:
    text = f'[rule.a]\n{RULE}patterns = ["x"]\n[rule.b]\n{RULE}use = "logic"\nexpression = """\na and\n  (a or q)"""\n'
    assert shown(text) == 'q)"""'


def test_the_wrong_character_of_the_toml_is_shown() -> None:
    assert shown("[rule.a]\ndescription = x\n") == "x"


def test_a_mistake_is_drawn() -> None:
    with pytest.raises(RulesError) as refused:
        read([("a.toml", f"[rule.x]\n{RULE}patterns = ['a(?=b)']\n")])
    lines = list(refused.value.mistakes[0].lines())
    assert lines[0].startswith("a.toml:4:15: rule.x.patterns[0]: (?=: looking ahead")
    assert lines[1] == "    patterns = ['a(?=b)']"
    assert lines[2] == "                  ^"
    assert lines[1][lines[2].index("^") :].startswith("(?=")


def test_all_mistakes_are_found() -> None:
    text = f"""
[rule.a]
{RULE}patterns = ['(', ')']
[rule.b]
{RULE}
where = ["body"]
patterns = ["x"]
[rule.c]
description = "x"
patterns = ["x"]
[rule.d]
{RULE}use = "logic"
expression = "a and b and nobody"
[rule.E]
{RULE}patterns = ["x"]
[rule.f]
{RULE}patternz = ["x"]
"""
    found = mistakes(text)
    assert [line.partition(": ")[2] for line in found] == [
        "rule.a.patterns[0]: a ( is never closed",
        "rule.a.patterns[1]: a ) that closes nothing",
        "rule.b.where: 'body' is no place: write subject, text, html, urls, files, header, header:NAME or ocr",
        "rule.c.decides: say what a hit does: decides = true, or a score other than 0",
        "rule.d.expression: there is no rule 'nobody'",
        "rule.E: no name of a rule: write small letters, digits and hyphens, at most 40",
        "rule.f.patternz: unknown key; did you mean 'patterns'?",
    ]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ('use = "logic"\npatterns = ["x"]', "logic has an expression"),
        ('expression = "a"', "a keyword has patterns"),
        ('use = "part"\npatterns = ["x"]', "neither decides nor scores"),
        ('use = "exception"\npatterns = ["x"]', "neither decides nor scores"),
        ('patterns = ["x"]\nexpression = "a"', "either patterns or an expression"),
        ('patterns = ["x"]\nuse = "keywords"', "did you mean 'keyword'?"),
        ('patterns = ["x"]\nkeep = ["cases"]', "did you mean 'case'?"),
        ('patterns = ["x"]\nlanguage = "French!"', "not a possible value"),
        ('patterns = ["x"]\nwhere = []', "name a place"),
        ("patterns = []", "either patterns or an expression"),
        ("patterns = [1]", "expected `str`"),
        ('patterns = "x"', "expected `array`"),
    ],
)
def test_what_cannot_be(keys: str, why: str) -> None:
    assert why in mistakes(f"[rule.x]\n{RULE}{keys}\n")[0]


def test_only_keywords_look_at_ocr_text() -> None:
    part = '[rule.x]\ndescription = "x"\nuse = "part"\nwhere = ["ocr"]\npatterns = ["x"]'
    assert "only a keyword looks at OCR text" in mistakes(part)[0]
    ocr = f'[rule.x]\n{RULE}where = ["ocr"]\npatterns = ["x"]\n[rule.y]\n{RULE}use = "logic"\nexpression = "not x"'
    assert "'x' looks at OCR text alone" in mistakes(ocr)[0]


def test_a_circle_is_refused() -> None:
    logic = "[rule.{}]\n" + RULE + 'use = "logic"\nexpression = "{}"\n'
    (found,) = mistakes(logic.format("a", "not b") + logic.format("b", "c or c") + logic.format("c", "a"))
    assert "leads back to itself: a -> b -> c -> a" in found
    assert "there is no rule 'a'" in mistakes(logic.format("a", "a"))[0]


def test_names_are_unique_among_the_files_of_a_site() -> None:
    text = f'[rule.x]\n{RULE}patterns = ["x"]\n'
    assert mistakes(text, text) == ["0.toml:1: rule.x: there is a rule of that name in a.toml"]


def test_a_rule_of_the_site_takes_the_place_of_a_shipped_one() -> None:
    def rule(pattern: str, more: str = "") -> str:
        return f'[rule.x]\n{RULE}patterns = ["{pattern}"]\n{more}'

    logic = f'[rule.y]\n{RULE}use = "logic"\nexpression = "x"\n'
    assert read([("site", rule("b"))], [("shipped", rule("a"))])["x"].patterns == ("b",)
    rules = Rules(read([("site", rule("b", "enabled = false"))], [("shipped", rule("a") + logic)]))
    assert [*rules.rules] == ["y"]
    assert rules.match("text", ["a b"]) == ()


def test_the_language_of_a_file_is_that_of_its_rules() -> None:
    text = f'language = "fr"\n[rule.x]\n{RULE}patterns=["x"]\n[rule.y]\n{RULE}patterns=["y"]\nlanguage = "en"\n'
    assert {name: rule.language for name, rule in read([("a", text)]).items()} == {"x": "fr", "y": "en"}


def test_too_many_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RULES", 1)
    (found,) = mistakes(f'[rule.x]\n{RULE}patterns=["x"]\n[rule.y]\n{RULE}patterns=["y"]\n')
    assert "2 rules; at most 1" in found


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 3000, "a = " + "9" * 5000, "\x00", "rule = 1", "[[rule]]", "[rule]\nx=1"]
)
def test_what_is_no_rule_file(text: str) -> None:
    assert mistakes(text)


_PIECES = [
    *("[rule.a]", "[rule.b]", "\n", 'description = "x"', "patterns = ['a(']", 'patterns = ["b", "c"]', "score = 1"),
    *('expression = "a and b"', 'use = "logic"', "decides = true", "'''", '"', "#", "=", "[", "é", "\\", "where = []"),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=20), st.booleans())
def test_a_file_is_read_or_refused(pieces: list[str], lines: bool) -> None:
    try:
        rules = read([("fuzz", ("\n" if lines else "").join(pieces))])
    except RulesError as error:
        lines_shown = [line for mistake in error.mistakes for line in mistake.lines()]
    else:
        Rules(rules)
        return
    assert lines_shown
    assert all("\n" not in line for line in lines_shown)
