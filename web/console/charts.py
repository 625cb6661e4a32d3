"""Charts as shapes that a template draws in SVG: no script, no style of their own, and a table beside each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 180
_GAP: Final = 0.15
"""Between two columns, as a share of one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle; `kind` is what it stands for, `title` says it in words."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of parts on top of each other. `rows` is the same as a table: a name, and a number for each kind."""

    kinds: tuple[str, ...]
    shapes: list[Shape] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    rows: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    total: int = 0
    highest: int = 0


def columns(
    names: Sequence[str], amounts: Sequence[Mapping[str, int]], kinds: Sequence[str], labels: int = 6
) -> Columns:
    """Return columns, one for each name, in their order; about `labels` names stand at the axis."""
    sums = [sum(one.get(kind, 0) for kind in kinds) for one in amounts]
    chart = Columns(tuple(kinds), total=sum(sums), highest=max(sums, default=0))
    step = WIDTH / max(1, len(names))
    scale = HEIGHT / max(1, chart.highest)
    every = max(1, -(-len(names) // labels))
    for place, (name, one) in enumerate(zip(names, amounts, strict=True)):
        top = float(HEIGHT)
        for kind in kinds:
            number = one.get(kind, 0)
            if number:
                height = number * scale
                top -= height
                left = place * step + step * _GAP / 2
                chart.shapes.append(
                    Shape(round(left, 2), round(top, 2), round(step * (1 - _GAP), 2), round(height, 2), kind,
                          f"{name}: {number}")
                )  # fmt: skip
        if place % every == 0:
            # Of a day and an hour the day is enough.
            chart.marks.append(Mark(round(place * step, 2), HEIGHT + 18, name.partition(" ")[0]))
        chart.rows.append((name, tuple(one.get(kind, 0) for kind in kinds)))
    return chart


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a list with a bar: `share` of the longest, from 0 to 100."""

    name: str
    number: int
    share: float
    note: str = ""


def bars(amounts: Mapping[str, int], most: int = 10) -> list[Bar]:
    """Return the largest amounts, largest first."""
    ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))[:most]
    longest = max((number for _, number in ranked), default=0) or 1
    return [Bar(name, number, round(100 * number / longest, 1)) for name, number in ranked if number]
