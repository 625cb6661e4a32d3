"""Rules proposed from flagged mail: words that stand together in much of it, and never in ham.

A proposal is switched off: a person reads it, mends it, and switches it on.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tamis.message import Message
from tamis.rules.folding import fold

_TEXT_CHARS: Final = 8000
_WORDS: Final = range(2, 6)
"""Numbers of words that a proposed pattern may have."""
_LONGEST_WORD: Final = 24
_BREAKS: Final = re.compile(r"[^a-z0-9' %$€-]+")
_NAME: Final = re.compile(r"[^a-z0-9]+")

MODEL_SAYS: Final = "what the classifier learned as ham"
"""What proposals were held against, where no ham was given."""

Phrase = str
"""Folded words with a space between them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Words that stand together in `flagged` messages, and in no ham."""

    phrase: Phrase
    flagged: int


def phrases(message: Message) -> set[Phrase]:
    """Return the runs of two to five words of a message's subject and text, each once."""
    found: set[Phrase] = set()
    for text in (message.subject, message.text[:_TEXT_CHARS]):
        for piece in _BREAKS.split(fold(text)):
            words = piece.split()
            for length in _WORDS:
                found.update(" ".join(run) for run in _runs(words, length) if _says_something(run))
    return found


def _runs(words: list[str], length: int) -> Iterator[list[str]]:
    return (words[start : start + length] for start in range(len(words) - length + 1))


def _says_something(words: list[str]) -> bool:
    """Whether words make a pattern: some letters, no strings of chance, and not from a marker of quoting."""
    letters = sum(letter.isalpha() for word in words for letter in word)
    return letters >= 7 and all(len(word) <= _LONGEST_WORD and word.strip("'-%$€") for word in words)


def propose(
    flagged: Iterable[Message],
    ham: Iterable[Message],
    least: int,
    most: int,
    in_ham: Callable[[Collection[Phrase]], set[Phrase]] | None = None,
) -> tuple[list[Proposal], int, int]:
    """Return proposals, those that hit most first, and how many flagged messages and ham were looked at.

    A phrase must be in at least `least` flagged messages and in no ham. `in_ham` says which of some phrases something
    else knows from ham. Of phrases in the same messages the longest is proposed; one that would add no message to what
    the others hit is not.
    """
    where: list[set[Phrase]] = []
    counts: Counter[Phrase] = Counter()
    for message in flagged:
        where.append(phrases(message))
        counts.update(where[-1])
    candidates = {phrase for phrase, count in counts.items() if count >= least}
    looked_at = 0
    for message in ham:
        looked_at += 1
        candidates -= phrases(message)
    if in_ham is not None:
        candidates -= in_ham(candidates)
    hits: dict[Phrase, set[int]] = {phrase: set() for phrase in candidates}
    for number, found in enumerate(where):
        for phrase in found & candidates:
            hits[phrase].add(number)
    return list(_cover(hits, least, most)), len(where), looked_at


def _cover(hits: dict[Phrase, set[int]], least: int, most: int) -> Iterator[Proposal]:
    """Yield what adds most messages to those before it, as long as it adds enough."""
    covered: set[int] = set()
    left = dict(hits)
    for _ in range(most):
        best = max(left, key=lambda phrase: (len(left[phrase] - covered), len(phrase.split()), phrase), default=None)
        if best is None or len(left[best] - covered) < least:
            return
        yield Proposal(best, len(left[best]))
        covered |= left.pop(best)


def as_toml(proposals: Iterable[Proposal], flagged: int, ham: str) -> str:
    """Return a rule file with proposals, each switched off. `ham` says in words what they were held against."""
    lines = [
        f"# Proposed from {flagged} flagged messages; none of the phrases is in {ham}.",
        "# Nothing here acts before you have read it and written enabled = true.",
    ]
    taken: set[str] = set()
    for proposal in proposals:
        slug = _NAME.sub("-", proposal.phrase)[:24].strip("-")
        name = next(
            f"proposed-{slug}{end}" for end in ("", *(f"-{n}" for n in range(2, 9999))) if slug + end not in taken
        )
        taken.add(name.removeprefix("proposed-"))
        pattern = re.sub(r"([$%-])", r"[\1]", proposal.phrase).replace("'", ".")
        lines += [
            "",
            f"[rule.{name}]",
            f'description = "in {proposal.flagged} of {flagged} flagged messages, in no ham"',
            f"patterns = ['{_edge(proposal.phrase[0])}{pattern}{_edge(proposal.phrase[-1])}']",
            "score = 2.0",
            "enabled = false",
        ]
    return "\n".join(lines) + "\n"


def _edge(letter: str) -> str:
    """A word's edge in a pattern, where its letter makes one."""
    return r"\b" if letter.isalnum() else ""
