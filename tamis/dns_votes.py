"""The vote of DNS lists on one address or domain (SPEC, section 1, rows 16 and 23)."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tamis.dns import Question
from tamis.dns.lookups import Dns
from tamis.dns_lists import DnsList, Said
from tamis.mail import IPAddress

_log: Final = logging.getLogger("tamis")
_refusing: set[str] = set()
"""Lists of which it was said that they refuse, in this process."""

Subject = IPAddress | str


@dataclass(frozen=True, slots=True)
class Tally:
    """How the lists voted on a subject: the names of those that list it, how many answered, and how many were asked."""

    subject: Subject
    listing: tuple[str, ...]
    answered: int
    asked: int

    @property
    def share(self) -> float:
        """The part of the lists that answered which list it; 0 where none answered."""
        return len(self.listing) / self.answered if self.answered else 0.0

    def decides(self, share: float, answers: int) -> bool:
        """Whether enough lists answered, and that share of them, or more, lists it."""
        return self.answered >= answers and bool(self.listing) and self.share >= share

    def undecided(self, answers: int) -> bool:
        """Whether too few lists answered, though enough were asked."""
        return self.answered < answers <= self.asked

    def __str__(self) -> str:
        share = f"{len(self.listing)} of {self.answered} lists that answered ({self.share:.0%})"
        return f"{self.subject} is on {share}: {', '.join(self.listing) or 'none'}"


def questions(lists: Iterable[DnsList], subjects: Iterable[Subject]) -> Iterable[Question]:
    """Yield what a vote on these subjects asks, one subject after the other."""
    lists = list(lists)
    for subject in subjects:
        for one in lists:
            question = one.question(subject)
            if question is not None:
                yield question


def vote(dns: Dns, lists: Sequence[DnsList], subjects: Iterable[Subject]) -> list[Tally]:
    """Ask all lists about all subjects at once, and return a tally for each subject."""
    ballots = [
        (subject, one, question)
        for subject in subjects
        for one in lists
        if (question := one.question(subject)) is not None
    ]
    answers = dns.ask([question for _, _, question in ballots])
    votes: dict[Subject, list[tuple[DnsList, Said]]] = {}
    for (subject, one, _), answer in zip(ballots, answers, strict=True):
        said = one.reads(answer)
        if said is Said.REFUSED:
            warn_of_refusal(one)
        votes.setdefault(subject, []).append((one, said))
    return [_tally(subject, said) for subject, said in votes.items()]


def _tally(subject: Subject, votes: Sequence[tuple[DnsList, Said]]) -> Tally:
    listing = tuple(one.name for one, said in votes if said is Said.LISTED)
    answered = sum(said in (Said.LISTED, Said.NOT_LISTED) for _, said in votes)
    return Tally(subject, listing, answered, len(votes))


def warn_of_refusal(one: DnsList) -> None:
    """Say once that a list does not want to be asked from here."""
    if one.name not in _refusing:
        _refusing.add(one.name)
        _log.warning(
            "a DNS list refuses to answer: too many questions, or through a public resolver",
            extra={"fields": {"list": one.name, "zone": one.zone}},
        )


def answers_again(one: DnsList) -> None:
    """From now on a refusal is said again."""
    _refusing.discard(one.name)
