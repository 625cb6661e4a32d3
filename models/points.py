"""From evidence to score points: one monotone map, so that it changes no order, only the scale.

Summed log-odds of naive Bayes grow with the length of the message, because tokens are not
independent; the *mean* log-odds per token is comparable between a note and a newsletter, and what the second layer
adds is bounded. The scale is pinned where it matters: 7.5 points are the evidence that at most 0.1 % of held-out ham
reaches. What others are trained on lies on the same scale, so that a level means the same at every site.
"""

import math
from typing import Final

MIDDLE_LEVEL: Final = 7.5

NEUTRAL_TOKENS: Final = 20.0
"""Weight of the prior belief that a message is neutral, in tokens: three words convict nobody."""

CAUTION: Final = 0.9
"""Evidence worth 7.5 points, at the very least, in the shipped model.

Measured: trained on the other sources only, about 0.1 % of a source's ham reaches it
(docs/classifier.md). Held-out ham of the *same* sources would allow less, but tomorrow's ham comes
from elsewhere.
"""

FRESH_MIDDLE: Final = 0.7
"""Evidence worth 7.5 points in a model that learns one site's own mail, where ham resembles earlier
ham: what 99.9 % of the ham of TREC 2007 stays below while it is learned message by message."""

LEAST_MIDDLE: Final = 0.5
"""Evidence worth 7.5 points, at the very least, in a model whose held-out mail allows less than `FRESH_MIDDLE`."""

MOST_MIDDLE: Final = 1.5
"""The same, at the very most, or spam among what is called ham would put the level out of reach. Both are chosen on
three groups of corpora (docs/classifier-log.md, round 8)."""

_HAM_SCALE: Final = 1.5


def to_points(evidence: float, middle: float) -> float:
    """Return score points for evidence (`bayes.Model.evidence`), where `middle` is the one worth 7.5.

    Straight through 0 and 7.5; logarithmic beyond both, so that clear spam prints 10 to 30 and clear
    ham a small negative number. Strictly increasing.
    """
    if evidence > middle:
        return MIDDLE_LEVEL * (1.0 + math.log(evidence / middle))
    if evidence < 0.0:
        return -_HAM_SCALE * math.log1p(-evidence)
    return MIDDLE_LEVEL * evidence / middle


def points_per_unit(middle: float) -> float:
    """Return the slope of the straight part, for shares of single tokens in points."""
    return MIDDLE_LEVEL / middle
