"""Two plots of one run as an SVG picture, drawn without a library: the ROC curve and the calibration."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tamis.models.evaluation import Scored
from tamis.settings import LEVELS

_SIZE: Final = 360
_EDGE: Final = 50
_LEAST: Final = 1e-4
"""Smallest share drawn on the logarithmic axes of the ROC curve."""
_POINTS: Final = range(-6, 22)
"""Score points of the calibration plot, one bin each."""

_Values = NDArray[np.float64]


def draw(scored: Sequence[Scored]) -> str:
    """Return an SVG: ham misfiled against spam missed, both logarithmic, and the share of spam at each score.

    Both layers are drawn in full, the counts alone dashed.
    """
    spam = np.array([one.spam for one in scored], dtype=np.bool_)
    layers = [np.array([one.score for one in scored]), np.array([one.counts for one in scored])]
    parts = [*_frame(0, "ham misfiled (0.01 % to 100 %)", "spam missed")]
    parts += [_line(_roc(points, spam), dashed) for points, dashed in zip(layers, ("", "4"), strict=True)]
    parts += _frame(_SIZE + 2 * _EDGE, "score", "share of spam")
    parts += [
        _line([(x + _SIZE + 2 * _EDGE, y) for x, y in _calibration(points, spam)], dashed)
        for points, dashed in zip(layers, ("", "4"), strict=True)
    ]
    for level in LEVELS:
        x = _SIZE + 3 * _EDGE + _SIZE * (level - _POINTS[0]) / len(_POINTS)
        parts.append(f'<text x="{x:.0f}" y="{_EDGE - 5}" font-size="9" text-anchor="middle">{level:g}</text>')
    width, height = 2 * _SIZE + 4 * _EDGE, _SIZE + 2 * _EDGE
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


def _roc(points: _Values, spam: NDArray[np.bool_]) -> Iterable[tuple[float, float]]:
    ham, rest = np.sort(points[~spam]), np.sort(points[spam])
    for bar in np.unique(points):
        misfiled = 1 - np.searchsorted(ham, bar) / max(1, len(ham))
        missed = np.searchsorted(rest, bar) / max(1, len(rest))
        yield _EDGE + _SIZE * _logarithmic(misfiled), _EDGE + _SIZE * (1 - _logarithmic(missed))


def _logarithmic(share: float) -> float:
    return 1 - float(np.log(max(share, _LEAST)) / np.log(_LEAST))


def _calibration(points: _Values, spam: NDArray[np.bool_]) -> Iterable[tuple[float, float]]:
    for number, low in enumerate(_POINTS):
        here = (points >= low) & (points < low + 1)
        if here.any():
            yield _EDGE + _SIZE * (number + 0.5) / len(_POINTS), _EDGE + _SIZE * (1 - float(spam[here].mean()))


def _frame(left: int, across: str, up: str) -> list[str]:
    x, y = left + _EDGE, _EDGE
    middle = left + _EDGE + _SIZE // 2
    return [
        f'<rect x="{x}" y="{y}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="gray"/>',
        f'<text x="{middle}" y="{_SIZE + 2 * _EDGE - 20}" font-size="12" text-anchor="middle">{across}</text>',
        f'<text transform="translate({left + 20} {y + _SIZE // 2}) rotate(-90)" font-size="12" '
        f'text-anchor="middle">{up}</text>',
    ]


def _line(places: Iterable[tuple[float, float]], dashed: str) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{drawn}" fill="none" stroke="black" stroke-dasharray="{dashed}"/>'
