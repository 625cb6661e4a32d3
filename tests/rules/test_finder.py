"""What is found by words and around them: the same as by running every pattern over the whole text."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tamis.message import Message
from tamis.rules import finder, patterns, places
from tamis.rules.finder import Finder, compiled
from tamis.rules.folding import KEEPABLE, Keep, fold
from tamis.rules.needs import Words
from tamis.rules.patterns import BadPattern
from tamis.rules.shipped import shipped_rules

Found = dict[str, tuple[int, int]]
Drawn = tuple[str, str]
"""A pattern, and a text that it may match."""

LETTERS = "abkrsxKS019-. /€ßſKİσςΣдᲁÅµ漢ＡꞋɤ"
PLAIN = st.sampled_from(LETTERS).map(lambda one: ("\\" + one if one in "-./" else one, one))
WORDS = st.sampled_from(["rask", "bras", "skarab", "a bark", "КАДР", "straße", "漢字"]).map(lambda one: (one, one))
SPECIAL = st.sampled_from(
    [
        *[(".", one) for one in LETTERS],
        *[
            ("[ks]", "k"),
            ("[^k]", "s"),
            ("[a-s]", "r"),
            ("[0-9]", "1"),
            ("[€k漢]", "漢"),
            ("[]ks]", "]"),
            ("[k-]", "-"),
        ],
        *[(r"\b", ""), (r"\B", ""), ("^", ""), ("$", ""), ("(?m)", ""), ("(?s)", ""), ("(?i)", ""), (r"\A", "")],
        *[(r"\s", " "), (r"\w", "s"), (r"\d", "0"), (r"\D", "ſ"), (r"\x41", "a"), (r"\x{6b}", "k"), (r"\101", "A")],
        *[("[[:alpha:]]", "k"), ("[][:alpha:]]", "b"), ("{,2}", "{,2}"), (r"\Qa.b\E", "a.b"), (r"\pL", "д")],
        *[("[k--]", "k"), ("[a&&b]", "&"), ("(?-i:K)", "k"), ("(?U)", ""), ("-{2}", "--"), ("x{2}", "xx"), ("", "")],
    ]
)


def repeated(inner: st.SearchStrategy[Drawn]) -> st.SearchStrategy[Drawn]:
    how = [
        ("*", 0),
        ("*", 5),
        ("+", 1),
        ("+", 3),
        ("?", 0),
        ("?", 1),
        ("{2}", 2),
        ("{0,3}", 3),
        ("{1,2}?", 1),
        ("+?", 2),
    ]
    return st.builds(lambda one, times: (f"(?:{one[0]}){times[0]}", one[1] * times[1]), inner, st.sampled_from(how))


def joined(inner: st.SearchStrategy[Drawn]) -> st.SearchStrategy[Drawn]:
    return st.lists(inner, min_size=1, max_size=5).map(
        lambda some: ("".join(p for p, _ in some), "".join(t for _, t in some))
    )


def either(inner: st.SearchStrategy[Drawn]) -> st.SearchStrategy[Drawn]:
    return st.lists(inner, min_size=2, max_size=4).map(lambda some: (f"({'|'.join(p for p, _ in some)})", some[-1][1]))


DRAWN = joined(
    st.recursive(
        st.one_of(PLAIN, WORDS, SPECIAL),
        lambda inner: st.one_of(joined(inner), either(inner), repeated(inner)),
        max_leaves=8,
    )
)
KEEPS = st.frozensets(st.sampled_from(KEEPABLE))
BETWEEN = st.sampled_from(
    ["", " ", "\n", "x", "ra", " rask ", " bark" * 3, "s" * 40, " ſKς" * 3, " 0" * 400, " skara" * 120]
)


def everywhere(ready: list[tuple[finder.Pattern, str]], text: bytes) -> Found:
    """Run all patterns over all of the text."""
    found: Found = {}
    for pattern, owner in ready:
        met = None if owner in found else pattern.regexp.search(text)
        if met is not None:
            found[owner] = met.start(), met.end()
    return found


def by_words(ready: list[tuple[finder.Pattern, str]], text: bytes) -> Found:
    found: Found = {}
    for owner, start, end in Finder(ready).search(text, found):
        assert owner not in found
        found[owner] = start, end
    return found


def in_order(match: bytes, sets: Sequence[Words]) -> bool:
    """Whether a word of each set stands in what is matched, one after the other."""
    at = 0
    for words in sets:
        ends = [found + len(word) for word in map(str.encode, words) if (found := match.find(word, at)) >= 0]
        if not ends:
            return False
        at = min(ends)
    return True


def holds_what_it_needs(pattern: finder.Pattern, text: bytes) -> bool:
    """Whether its first match holds words of each set, one after the other, and is not longer than is said."""
    met = pattern.regexp.search(text)
    if met is None:
        return True
    match, sets = text[met.start() : met.end()], pattern.needs.sets
    if not in_order(match, sets):
        return False
    if not all(in_order(match, (*sets[:place], words, *sets[place:])) for place, words in pattern.needs.others):
        return False
    length = pattern.needs.length
    longest = max(map(len, text.decode().split()), default=0)
    return length is None or len(match.decode()) <= length.characters + length.runs * longest


@given(st.lists(DRAWN, min_size=1, max_size=4), KEEPS, st.data())
def test_the_same_as_everywhere(drawn: list[Drawn], keep: Keep, data: st.DataObject) -> None:
    ready = []
    for at, (pattern, _) in enumerate(drawn):
        try:
            ready.append((compiled(patterns.check(pattern, keep), keep), f"r{at // 2}"))
        except BadPattern:
            continue
    assume(ready)
    pieces = data.draw(st.lists(st.one_of(st.sampled_from([text for _, text in drawn]), BETWEEN), max_size=8))
    text = fold("".join(pieces), keep).encode()
    assert by_words(ready, text) == everywhere(ready, text)
    assert all(holds_what_it_needs(pattern, text) for pattern, _ in ready)


def test_a_pattern_runs_where_its_words_are_and_sees_beyond() -> None:
    patterns_found = [
        r"\brask.{0,9}bras\b",
        r"^rask.{0,9}bras",
        "rask.{0,9}bras$",
        "(?m)^rask.bras$",
        r"rask[a-z]+bras",
    ]
    ready = [(compiled(one, frozenset()), one) for one in patterns_found]
    far = "x " * 3000
    for text in (
        "rask bras",
        "xrask brasx",
        "rask bras\n",
        "\nrask bras\n",
        "raskkkbras",
        "bras rask",
        "rask raskbras bras",
    ):
        whole = f"{far}{text} {far}{text}{far}\n{text}".encode()
        assert by_words(ready, whole) == everywhere(ready, whole)


def test_words_on_the_border_of_pieces_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = [(compiled(one, frozenset()), one) for one in ("rask.{0,9}bras", "skarab", "漢字.{3}bras")]
    text = "x rask bras skarab skarab 漢字 x bras".encode()
    for size in range(1, len(text) + 2):
        monkeypatch.setattr(finder, "_PIECE", size)
        assert by_words(ready, text) == everywhere(ready, text)


def test_many_words_in_a_large_text() -> None:
    shipped = [(compiled(patterns.check(one, frozenset()), frozenset()), one) for one in _shipped()]
    words = [text for pattern, _ in shipped for some in pattern.needs.sets for text in sorted(some)[:3]]
    for seed in range(3):
        chance = random.Random(seed)
        text = " ".join(chance.choices(words, k=(40, 600, 6000)[seed])).encode()
        assert by_words(shipped, text) == everywhere(shipped, text)


@pytest.mark.corpora
@pytest.mark.slow
def test_real_mail(corpora: Path) -> None:
    shipped = [(compiled(patterns.check(one, frozenset()), frozenset()), one) for one in _shipped()]
    met = 0
    every = sorted(path for path in corpora.rglob("*") if path.is_file() and path.suffix != ".tsv")
    for path in every[:: len(every) // 400]:
        message = Message(path.read_bytes())
        for place in ("text", "header"):
            text, _ = places.folded(places.texts(message, place), place, frozenset())
            found = everywhere(shipped, text)
            met += len(found)
            assert by_words(shipped, text) == found
    assert met


def _shipped() -> list[str]:
    return [pattern for rule in shipped_rules().values() if not rule.keep for pattern in rule.patterns]
