"""The named tests whose weights a training learns: those a message answers by itself, without envelope or network."""

from collections.abc import Sequence

from tamis.message import Message


def hit_by(message: Message) -> Sequence[str]:
    """Return the names of the tests that a message hits."""
    # Filters import the classifier, so the classifier imports filters only when it is asked.
    from tamis.filters.malformed_headers import anomalies

    return anomalies(message)
