"""The token evidence beside the named tests is that of models which have not seen the message."""

from collections.abc import Callable

import numpy as np
import pytest

from tamis.models.shipped import FEWEST_MESSAGES
from tamis.models.trait_hits import Hits
from tamis.models.trait_points import FOLDS, fifths, of_both_layers, of_counts, whole_sources

HAM, SPAM, SHARED = 10, 20, 30
"""Features of all ham, of all spam, and of all messages."""
MESSAGES = 4 * FEWEST_MESSAGES
"""Of each source."""


def _hits(own: int) -> Hits:
    """Ham and spam by turns; what spam of the source has is also a feature of its own."""
    spam = np.arange(MESSAGES) % 2 == 1
    tokens = [np.array([SPAM, SHARED, own] if label else [HAM, SHARED], dtype=np.uint32) for label in spam]
    return Hits((), np.zeros((MESSAGES, 0), dtype=np.bool_), spam, tokens)


@pytest.mark.slow
@pytest.mark.parametrize("points", [of_counts, of_both_layers])
def test_what_is_held_out_together_does_not_judge_itself(
    points: Callable[..., "dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]"],
) -> None:
    hits = {"a": _hits(101), "b/c": _hits(102), "d": _hits(103)}
    for held in (whole_sources(hits), fifths(hits)):
        found = points(hits, held)
        for name, of_source in found.items():
            assert (of_source[hits[name].spam] > 1).all()
            assert (of_source[~hits[name].spam] < 0).all()
    assert [len(one) for one in whole_sources(hits)] == [1, 1, 1]
    assert len(fifths(hits)) == FOLDS
    alone = points({"a": hits["a"]}, whole_sources({"a": hits["a"]}))
    assert not alone["a"].any(), "nobody else teaches anything"
