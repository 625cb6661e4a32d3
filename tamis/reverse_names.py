"""The names that the DNS gives a peer (PTR, RFC 1035, section 3.5), and whether they point back to it."""

from collections.abc import Iterable, Sequence

from tamis import limits
from tamis.dns import Answer, Question, reversed_name
from tamis.mail import IPAddress, parse_ip


def pointer(peer: IPAddress) -> Question:
    """Return the question for a peer's names."""
    return Question(reversed_name(peer), "PTR")


def names_in(answer: Answer) -> tuple[str, ...]:
    """Return the names of a PTR answer, at most `limits.REVERSE_NAMES`; the root is none."""
    return tuple(name for name in answer.records if name not in ("", "."))[: limits.REVERSE_NAMES]


def forward(names: Iterable[str], peer: IPAddress) -> list[Question]:
    """Return the questions for the addresses of names, of the peer's family."""
    return [Question(name, "A" if peer.version == 4 else "AAAA") for name in names]


def points_to(answers: Sequence[Answer], peer: IPAddress) -> bool | None:
    """Whether one of the answers to `forward` is the peer; None where none is, but some are not known now."""
    if any(parse_ip(record) == peer for answer in answers for record in answer.records):
        return True
    return None if any(answer.temporary for answer in answers) else False
