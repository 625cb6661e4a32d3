"""From evidence to score points: one monotone map, so that it changes no order, only the scale.

Summed log-odds of naive Bayes grow with the length of the message, because tokens are not
independent; the *mean* log-odds per token is comparable between a note and a newsletter. The scale
is pinned where it matters: 7.5 points are the mean log-odds that at most 0.1 % of held-out ham reaches.
"""

import math
from typing import Final

MIDDLE_LEVEL: Final = 7.5

NEUTRAL_TOKENS: Final = 20.0
"""Weight of the prior belief that a message is neutral, in tokens: three words convict nobody."""

CAUTION: Final = 0.4
"""Mean log-odds worth 7.5 points, at the very least, in the shipped model.

Measured: trained on the other sources only, at most 0.1 % of a source's ham reaches it
(docs/classifier.md). Held-out ham of the *same* sources would allow less, but tomorrow's ham comes
from elsewhere.
"""

FRESH_MIDDLE: Final = 0.25
"""Mean log-odds worth 7.5 points in a model that learns one site's own mail, where ham resembles earlier
ham: what 99.9 % of the ham of TREC 2007 stays below while it is learned message by message."""

_HAM_SCALE: Final = 1.5


def to_points(mean_log_odds: float, middle: float) -> float:
    """Return score points for a mean log-odds per token, where `middle` is the one worth 7.5.

    Straight through 0 and 7.5; logarithmic beyond both, so that clear spam prints 10 to 30 and clear
    ham a small negative number. Strictly increasing.
    """
    if mean_log_odds > middle:
        return MIDDLE_LEVEL * (1.0 + math.log(mean_log_odds / middle))
    if mean_log_odds < 0.0:
        return -_HAM_SCALE * math.log1p(-mean_log_odds)
    return MIDDLE_LEVEL * mean_log_odds / middle


def points_per_log_odds(middle: float) -> float:
    """Return the slope of the straight part, for weights of single tokens in points."""
    return MIDDLE_LEVEL / middle
