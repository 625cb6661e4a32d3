"""How good a filter is: the measures of the TREC spam track (Cormack and Lynam, TREC 2005–2007).

All take arrays of scores, higher meaning more spam-like, and tell nothing about the scale of the score
but for the threshold line.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.points import MIDDLE_LEVEL

Scores = NDArray[np.float64]

HAM_MISFILED_SHARES: Final = (0.0, 0.0005, 0.001, 0.005)


@dataclass(frozen=True, slots=True)
class Measures:
    """What is printed about one run; shares are fractions, not per cent."""

    ham: int
    spam: int
    one_minus_roc_area: float
    spam_missed_at: dict[float, float]
    """Spam missed at the threshold that misfiles that share of the ham."""
    threshold: float
    ham_misfiled: float
    spam_missed: float
    logistic_average: float

    def lines(self) -> list[str]:
        """Return the lines that are printed, in per cent."""
        return [
            f"n_ham {self.ham} n_spam {self.spam}",
            f"1-ROCA% {100 * self.one_minus_roc_area:.4f}",
            *(f"sm@hm={100 * share:g}% {100 * missed:.2f}" for share, missed in self.spam_missed_at.items()),
            f"threshold {self.threshold:g} hm% {100 * self.ham_misfiled:.3f} sm% {100 * self.spam_missed:.3f} "
            f"lam% {100 * self.logistic_average:.3f}",
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the same as a JSON object."""
        return asdict(self) | {"spam_missed_at": {f"{share:g}": v for share, v in self.spam_missed_at.items()}}


def measure(ham: Scores, spam: Scores, threshold: float = MIDDLE_LEVEL) -> Measures:
    """Return all measures of one run. Both classes must be there."""
    misfiled = float(np.mean(ham >= threshold))
    missed = float(np.mean(spam < threshold))
    return Measures(
        ham=len(ham),
        spam=len(spam),
        one_minus_roc_area=1.0 - roc_area(ham, spam),
        spam_missed_at={share: spam_missed_at(ham, spam, share) for share in HAM_MISFILED_SHARES},
        threshold=threshold,
        ham_misfiled=misfiled,
        spam_missed=missed,
        logistic_average=logistic_average(misfiled, len(ham), missed, len(spam)),
    )


def roc_area(ham: Scores, spam: Scores) -> float:
    """Return the share of (ham, spam) pairs in the right order, ties counting one half (Mann and Whitney 1947)."""
    ordered = np.sort(ham)
    below = np.searchsorted(ordered, spam, side="left")
    not_above = np.searchsorted(ordered, spam, side="right")
    return float((below.sum() + not_above.sum()) / (2 * len(ham) * len(spam)))


def spam_missed_at(ham: Scores, spam: Scores, share: float) -> float:
    """Return the share of spam scoring no higher than the ham that stands first past the misfiled `share`."""
    descending = np.sort(ham)[::-1]
    bar = descending[min(int(share * len(ham)), len(ham) - 1)]
    return float(np.mean(spam <= bar))


def logistic_average(misfiled: float, ham: int, missed: float, spam: int) -> float:
    """Return the mean of both error rates on the logit scale; no rate is taken for less than half a message."""

    def log_odds(rate: float, count: int) -> float:
        least = 0.5 / count
        bounded = min(max(rate, least), 1 - least)
        return math.log(bounded / (1 - bounded))

    return 1 / (1 + math.exp(-(log_odds(misfiled, ham) + log_odds(missed, spam)) / 2))
