"""A set of rules, compiled, and what of it matches a message.

All patterns of the same folding are looked for together (`tamis.rules.finder`): one pass over the text finds which of
the words that patterns need are there, and only those run whose words are. So a thousand rules cost little more than a
few. Everything takes linear time (`tamis.rules.patterns`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from tamis import limits
from tamis.rules import expressions, patterns, places
from tamis.rules.finder import Finder, Pattern, compiled
from tamis.rules.folding import Keep
from tamis.rules.rule import Rule, Use, test_name

if TYPE_CHECKING:
    from tamis.message import Message

_FORMAT: Final = 1
"""Raised when the same rules would match something else, so that cached answers are forgotten."""
_SHOWN_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds: where, and the folded words that met it; of logic, the rules that hold below it."""

    name: str
    rule: Rule
    place: str
    words: str

    @property
    def test(self) -> str:
        """The name of the test its hit carries."""
        return test_name(self.name)

    @property
    def because(self) -> str:
        """The ground in words; it quotes the wire."""
        return f"{self.name}: {self.words}" if self.rule.expression else f"{self.name}, {self.place}: {self.words!r}"


class Rules:
    """Rules in force. It never changes; any number of threads may ask it."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        """Compile rules that `tamis.rules.reading` has found without mistakes, or were so when they were kept.

        Raises `ValueError` for others.
        """
        self.rules: Final = {name: rule for name, rule in rules.items() if rule.enabled}
        self.version: Final = version_of(rules)
        # A rule that is switched off may be named, and never holds.
        self._nodes = {
            name: expressions.parse(rule.expression, rules.keys() - {name})
            for name, rule in self.rules.items()
            if rule.expression
        }
        # By place: most rules look at a few, and words take their time where nobody looks for them, too.
        together: dict[tuple[Keep, str], list[tuple[Pattern, str]]] = {}
        for name, rule in self.rules.items():
            keep = frozenset(rule.keep)
            for pattern in rule.patterns:
                ready = compiled(patterns.check(pattern, keep), keep)
                for place in dict.fromkeys(rule.where):
                    together.setdefault((keep, place), []).append((ready, name))
        self._logic: dict[frozenset[str], dict[str, Match]] = {}
        """Of each combination of rules with patterns, the rules with expressions that hold."""
        self._finders = {place: Finder(found) for place, found in together.items()}

    def __len__(self) -> int:
        return len(self.rules)

    def without_words(self) -> list[str]:
        """Return the rules of which a pattern needs no literal, so that it is run over every text."""
        return sorted(set().union(*(finder.without_words() for finder in self._finders.values())))

    def look_at(self, message: "Message") -> "MessageRules":
        """Return what these rules say of a message; nothing is looked at before it is asked."""
        return MessageRules(self, message)

    def match(self, place: str, texts: Iterable[str]) -> tuple[Match, ...]:
        """Return the rules with patterns that look at that place and match one of the texts, the decisive ones first.

        The texts are folded here. For row 21: `match("ocr", texts)`, which gives keywords alone.
        """
        found: dict[str, Match] = {}
        lines = list(texts)
        for keep, known in self._finders:
            if place == known:
                text, _ = places.folded(iter(lines), place, keep)
                self._search(keep, place, text, found)
        return _sorted(found.values())

    def matches(self, message: "Message") -> tuple[dict[str, Match], bool]:
        """Return the rules with patterns that match a message, and whether a cap kept some text from being seen."""
        found: dict[str, Match] = {}
        capped = message.capped
        for keep, place in self._finders:
            if place == places.OCR:
                continue
            text, cut = places.folded(places.texts(message, place), place, keep)
            capped = capped or cut
            self._search(keep, place, text, found)
        return found, capped

    def _search(self, keep: Keep, place: str, text: bytes, found: dict[str, Match]) -> None:
        if not text:
            return
        for name, start, end in self._finders[keep, place].search(text, found):
            words = text[start:end][: 4 * _SHOWN_CHARS].decode("utf-8", "replace")
            found[name] = Match(name, self.rules[name], place, words[:_SHOWN_CHARS])

    def logic(self, found: Mapping[str, Match]) -> dict[str, Match]:
        """Return the rules with expressions that hold, given those with patterns that do."""
        names = frozenset(found)
        known = self._logic.get(names)
        if known is None:
            known = self._hold(names)
            # Most messages meet no rule, or the same few. Strangers choose which, so there is an end to it.
            if len(self._logic) >= limits.RULE_COMBINATIONS:
                self._logic = {}
            self._logic[names] = known
        return known

    def _hold(self, found: frozenset[str]) -> dict[str, Match]:
        known: dict[str, bool] = {}

        def holds(name: str) -> bool:
            if name not in known:
                node = self._nodes.get(name)
                known[name] = name in found if node is None else node.holds(holds)
            return known[name]

        true = {}
        for name, node in self._nodes.items():
            if holds(name):
                below = dict.fromkeys(other for other, _ in node.names() if holds(other))
                true[name] = Match(name, self.rules[name], "", ", ".join(below) or "none of what it excludes")
        return true


class MessageRules:
    """What rules say of one message, computed once, when the first row asks. For `Context.rules`."""

    def __init__(self, rules: Rules, message: "Message") -> None:
        self.all = rules
        self._message = message
        self._found: dict[str, Match] | None = None
        self._capped = False

    def found(self, use: Use) -> tuple[Match, ...]:
        """Return the rules of that use that hold, the decisive ones first."""
        return _sorted(match for match in self._everything().values() if match.rule.use == use)

    def everything(self) -> tuple[Match, ...]:
        """Return all rules that hold, parts too."""
        return _sorted(self._everything().values())

    @property
    def capped(self) -> bool:
        """Whether a cap kept something from being looked at."""
        self._everything()
        return self._capped

    def match(self, place: str, texts: Iterable[str]) -> tuple[Match, ...]:
        """Return the rules that look at a place and match texts that are not in the message itself: OCR's."""
        return self.all.match(place, texts)

    def _everything(self) -> dict[str, Match]:
        if self._found is None:
            found, self._capped = self.all.matches(self._message)
            self._found = found | self.all.logic(found)
        return self._found


def _sorted(found: Iterable[Match]) -> tuple[Match, ...]:
    return tuple(sorted(found, key=lambda match: (not match.rule.decides, match.name)))


def version_of(rules: Mapping[str, Rule]) -> str:
    """Return what tells these rules from others, 16 hexadecimal digits."""
    plain = msgspec.json.encode([_FORMAT, sorted(rules.items())])
    return hashlib.blake2b(plain, digest_size=8).hexdigest()
