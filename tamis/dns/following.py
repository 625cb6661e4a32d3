"""What is going to be asked because of an answer, whoever asks it: the hosts of an MX, the addresses of a name, what an
SPF record leads to. Where the DNS is slow these go out together, as soon as what leads to them is there."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from tamis import limits
from tamis.dns.answer import Answer, Status
from tamis.dns.question import Question, RecordType

_SPF: Final = re.compile(rb"v=spf1( |$)", re.I)
_TERM: Final = re.compile(
    r"[+?~-]?(?:(?P<more>include:|redirect=)|(?P<mx>mx)(?::|$|(?=/))|(?P<a>a)(?::|$|(?=/)))(?P<domain>[^/%]*)(?:/.*)?",
    re.I,
)
_TERMS: Final = 10
"""RFC 7208, section 4.6.4: a check follows no more."""


def following(question: Question, answer: Answer) -> Iterator[Question]:
    """Yield what one answer leads to: guesses, of which none has to be asked."""
    if answer.status is not Status.OK:
        return
    if question.type == "MX":
        for _, host in sorted(answer.records)[: limits.MX_HOSTS]:
            yield from (Question(host, "A"), Question(host, "AAAA"))
    elif question.type == "PTR":
        for name in answer.records[: limits.REVERSE_NAMES]:
            yield Question(name, "AAAA" if question.name.endswith(".ip6.arpa") else "A")
    elif question.type == "TXT":
        records = (record for record in answer.records if _SPF.match(record) and len(record) <= limits.SPF_RECORD_CHARS)
        for record in records:
            yield from islice(_of_spf(question.name, record.decode("ascii", "replace")), _TERMS)


def _of_spf(domain: str, record: str) -> Iterator[Question]:
    for term in record.split()[1:]:
        found = _TERM.fullmatch(term)
        if found:
            kind: RecordType = "TXT" if found["more"] else "MX" if found["mx"] else "A"
            yield Question(found["domain"] or domain, kind)
