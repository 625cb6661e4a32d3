"""What patterns need: never something that a match can be without, whatever RE2 takes for a letter."""

import sys
import unicodedata

import pytest
import re2

from tamis.rules import patterns
from tamis.rules.folding import KEEPABLE, Keep
from tamis.rules.needs import Length, certain, needs
from tamis.rules.shipped import shipped_rules

NOTHING: Keep = frozenset()


@pytest.mark.parametrize(
    ("pattern", "sets"),
    [
        ("viagra", [{"viagra"}]),
        (r"\bc[i1]alis\b", [{"cialis", "c1alis"}]),
        ("cheap (?:meds|pills)", [{"cheap meds", "cheap pills"}]),
        ("(?P<what>meds?)", [{"med"}]),
        ("claim.{0,60}prize", [{"claim"}, {"prize"}]),
        ("(?:click|tap) [a-z]+ unsubscribe", [{"click ", "tap "}, {" unsubscribe"}]),
        ("(?:we|all) [a-z]+ unsubscribe", [{" unsubscribe"}]),
        ("(?:winner)+|lottery", [{"winner", "lottery"}]),
        ("(?m)^https://", [{"https://"}]),
        ("발표", [{"발표"}]),
        ("spa[^x]m|[0-9]", []),
        ("[a-z]+", []),
    ],
)
def test_words_that_are_needed(pattern: str, sets: list[set[str]]) -> None:
    assert list(needs(pattern).sets) == sets


@pytest.mark.parametrize(
    ("pattern", "others"),
    [
        ("viagra", []),
        ("earn.{0,30}[$€]", [(1, {"$", "€"})]),
        (r"[$€].{0,30}\bearn", [(0, {"$", "€"})]),
        ("(?:me|us) .{0,30}earn .{0,9}8[0-9]{2}.{0,9}earnings", [(0, {"me ", "us "}), (1, {"8"})]),
        ("claim.{0,60}[0-9]", []),
        (" .{0,9}claim", []),
    ],
)
def test_further_words(pattern: str, others: list[tuple[int, set[str]]]) -> None:
    assert sorted(needs(pattern).others) == others


@pytest.mark.parametrize(
    "pattern",
    [
        "viagra[[:digit:]]",
        "viagra[][:digit:]]",
        "viagra{,1}x",
        r"viagra\x{61}",
        r"viagra\141",
        r"\Qviagra.\E",
        r"viagra\pL",
        "(?i)viagra",
        "(?i:viagra)",
        "(?U)viagra+",
        "(?<name>viagra)",
    ],
)
def test_what_python_reads_otherwise_needs_nothing(pattern: str) -> None:
    patterns.check(pattern, NOTHING)
    assert needs(pattern) == needs("")._replace(length=None)


@pytest.mark.parametrize(
    ("pattern", "length"),
    [
        ("cheap.{0,60}meds", Length(69, 0)),
        (r"\bpills?[a-z0-9]+ now\b", Length(9, 1)),
        ("(?:a|bb|[0-9]+)c", Length(3, 1)),
        ("cheap.*meds", None),
        ("cheap[a-z ]+meds", None),
        (r"cheap\s+meds", None),
        ("cheap[^x]+meds", None),
        ("(?:very )*cheap", None),
    ],
)
def test_length(pattern: str, length: Length | None) -> None:
    assert needs(pattern).length == length


@pytest.mark.slow
@pytest.mark.parametrize("keep", [NOTHING, frozenset({"letters"})])
def test_letters_that_re2_takes_for_others_are_not_certain(keep: Keep) -> None:
    """Of all small letters that a folded text may hold, RE2 takes none for one that is certain.

    Letters are told apart by the bits of their numbers, so that a few patterns try all pairs. Folding makes a plain s
    of the long one where letters are not kept.
    """
    every = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    folded = [one for one in every if one.lower() == one and not one.isspace() and (keep or one != "ſ")]
    text = "".join(folded).encode()
    some = [one for one in folded if certain(one, keep) and unicodedata.category(one) != "Lo"]
    assert len(some) > 600
    assert certain("s", keep) == ("letters" not in keep)
    for bit in range(len(some).bit_length()):
        chosen = [one for at, one in enumerate(some) if at >> bit & 1]
        regexp = re2.compile(f"[{''.join(map(_in_class, chosen))}]+", patterns.options(keep))
        assert {*"".join(_all_matches(regexp, text))} == {*chosen}


@pytest.mark.slow
def test_letters_without_case_are_certain() -> None:
    """RE2 takes no other letter for one of category Lo, all of which are tried at once."""
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    regexp = re2.compile(r"\p{Lo}+", patterns.options(NOTHING))
    without = {one for one in every if unicodedata.category(one) == "Lo"}
    text = "".join(one for one in every if one not in without and unicodedata.category(one) not in ("Cn", "Co"))
    assert not [one for found in _all_matches(regexp, text.encode()) for one in found]


def _in_class(letter: str) -> str:
    return f"\\{letter}" if letter.isascii() and not letter.isalnum() else letter


def _all_matches(regexp: "re2.Pattern", text: bytes) -> list[str]:
    found, at = [], 0
    while (match := regexp.search(text, at)) is not None:
        found.append(text[match.start() : match.end()].decode())
        at = match.end()
    return found


def test_each_shipped_pattern_needs_some_word() -> None:
    without = [
        pattern
        for rule in shipped_rules().values()
        for pattern in rule.patterns
        if not needs(patterns.check(pattern, frozenset(rule.keep)), frozenset(rule.keep)).sets
    ]
    assert without == []


def test_kept_case_is_needed() -> None:
    assert needs("ViaGra", frozenset({"case"})).sets == (frozenset({"ViaGra"}),)
    assert needs("ViaGra").sets == (frozenset({"viagra"}),)
    assert {"case", "letters"} <= {*KEEPABLE}
