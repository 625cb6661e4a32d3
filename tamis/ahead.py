"""What filters declare that they are going to ask and to count, so that it is on its way before they are asked."""

import logging
from collections.abc import Iterable, Iterator

from tamis import limits
from tamis.contract import Filter, FilterOptions
from tamis.counters import Count
from tamis.dns import Question
from tamis.mail import Mail
from tamis.site import Site

_log = logging.getLogger("tamis")


def declared(mail: Mail, asked: Iterable[tuple[Filter, FilterOptions]], site: Site) -> Iterator[Question]:
    """Yield what these filters, with these options, are going to ask about a mail. A filter that fails declares less.

    Of one filter no more is taken than the whole message may ask.
    """
    for filter, options in asked:
        kind = type(filter)
        if kind.queries is Filter.queries and kind.site_queries is Filter.site_queries:
            continue
        if filter.needs_peer and mail.peer is None:
            continue
        try:
            for number, question in enumerate(_questions(filter, mail, options, site)):
                if number >= limits.DNS_QUESTIONS:
                    break
                yield question
        except Exception:  # Nothing is lost: the filter asks again when its turn comes.
            _log.exception("a filter cannot say what it is going to ask", extra={"fields": {"filter": filter.name}})


def counted(mail: Mail, asked: Iterable[tuple[Filter, FilterOptions]]) -> Iterator[Count]:
    """Yield what these filters are going to count of a message that is known. One that fails declares less."""
    for filter, options in asked:
        if type(filter).counts is Filter.counts:
            continue
        try:
            yield from filter.counts(mail, options)
        except Exception:  # As above.
            _log.exception("a filter cannot say what it is going to count", extra={"fields": {"filter": filter.name}})


def _questions(filter: Filter, mail: Mail, options: FilterOptions, site: Site) -> Iterator[Question]:
    yield from filter.queries(mail, options)
    yield from filter.site_queries(site, mail, options)
