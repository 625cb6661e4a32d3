"""One rule, as a rule file has it."""

import enum
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from tamis import limits

NAME: Final = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_NAME: Final = re.compile(NAME)
_LONGEST_NAME: Final = 40
_NOT_A_NAME: Final = ("and", "or", "not", "of", "any", "all")
_WHERE: Final = re.compile(r"subject|text|html|urls|files|header|header:[!-9;-~]{1,76}|ocr")
PLACES: Final = "subject, text, html, urls, files, header, header:NAME or ocr"

Language = Annotated[str, msgspec.Meta(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")]
Kept = Literal["case", "accents", "letters", "spacing"]


class Use(enum.StrEnum):
    """What a rule is for."""

    KEYWORD = "keyword"
    """Patterns that decide or score: row 19, and row 21 where they look at OCR text."""
    LOGIC = "logic"
    """An expression over other rules that decides or scores: row 20."""
    EXCEPTION = "exception"
    """What the operator wants to pass: row 18."""
    PART = "part"
    """Nothing by itself; expressions name it."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One rule. `score` is in score points; `keep` names what is not folded (`tamis.rules.folding`)."""

    description: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    use: Use = Use.KEYWORD
    where: tuple[str, ...] = ("subject", "text")
    patterns: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=limits.RULE_PATTERN_CHARS)], ...],
        msgspec.Meta(max_length=200),
    ] = ()
    expression: Annotated[str, msgspec.Meta(max_length=limits.RULE_EXPRESSION_CHARS)] = ""
    decides: bool = False
    score: Annotated[float, msgspec.Meta(ge=-20, le=20)] = 0.0
    keep: tuple[Kept, ...] = ()
    language: Language = ""
    enabled: bool = True

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Yield what cannot be together: a key, and what is wrong with it."""
        for place in self.where:
            if not _WHERE.fullmatch(place):
                yield "where", f"{place!r} is no place: write {PLACES}"
        if not self.where:
            yield "where", f"name a place: {PLACES}"
        if bool(self.patterns) == bool(self.expression):
            yield "patterns", "a rule has either patterns or an expression"
        elif self.use is Use.KEYWORD and not self.patterns:
            yield "expression", "a keyword has patterns; for an expression write use = 'logic'"
        elif self.use is Use.LOGIC and not self.expression:
            yield "patterns", "logic has an expression; for patterns write use = 'keyword' or 'part'"
        acts = self.decides or self.score != 0
        if self.use in (Use.KEYWORD, Use.LOGIC) and not acts:
            yield "decides", "say what a hit does: decides = true, or a score other than 0"
        if self.use in (Use.EXCEPTION, Use.PART) and acts:
            yield "decides" if self.decides else "score", f"use = '{self.use}' neither decides nor scores"
        if "ocr" in self.where and self.use is not Use.KEYWORD:
            yield "where", "only a keyword looks at OCR text: pictures are read after rows 18 to 20"


def acceptable(name: str) -> bool:
    """Whether a rule can have that name: an expression must be able to say it."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None and name not in _NOT_A_NAME


def test_name(name: str) -> str:
    """Return the name of the test that a rule's hit carries."""
    return "RULE_" + name.upper().replace("-", "_")
