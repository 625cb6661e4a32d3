"""A chart of horizontal bars, as SVG."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

_COLOURS: Final = ("#1b6ca8", "#c9702c", "#7a7a7a", "#4f8f4f")
_WIDTH, _LABELS, _BAR, _GAP = 820, 300, 14, 12


def write_chart(path: Path, title: str, groups: Mapping[str, Mapping[str, float]]) -> None:
    """Write a chart: one group of bars for each setting, one bar for each product. Raises OSError."""
    names = list(dict.fromkeys(name for bars in groups.values() for name in bars))
    most = max((number for bars in groups.values() for number in bars.values()), default=1.0) or 1.0
    pieces: list[str] = []
    top = 58
    for place, name in enumerate(names):
        left = _LABELS + 140 * place
        pieces.append(f'<rect x="{left}" y="32" width="12" height="12" fill="{_COLOURS[place % len(_COLOURS)]}"/>')
        pieces.append(f'<text x="{left + 18}" y="43">{escape(name)}</text>')
    for label, bars in groups.items():
        middle = top + _BAR * len(bars) / 2 + 4
        pieces.append(f'<text x="{_LABELS - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for name, number in bars.items():
            width = max(1.0, number / most * (_WIDTH - _LABELS - 70))
            colour = _COLOURS[names.index(name) % len(_COLOURS)]
            pieces.append(
                f'<rect x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_BAR - 2}" fill="{colour}"/>'
                f'<text x="{_LABELS + width + 5:.1f}" y="{top + 10}">{number:.3g}</text>'
            )
            top += _BAR
        top += _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="10" y="20" font-size="15">{escape(title)}</text>'
    )
    path.write_text(f"{head}{''.join(pieces)}</svg>\n", "utf-8")
