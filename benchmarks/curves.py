"""Curves over a number of people as SVG, by plain code: axes from zero, so that a straight line looks like one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _GAP = 360, 240, 56, 56, 44, 40
_COLOURS = ("#005ea8", "#b3541e")
_TEXT = 'font-family="Open Sans, Segoe UI, sans-serif" font-size="12" fill="#222"'


@dataclass(frozen=True, slots=True)
class Curve:
    """A name, and points: how many people, and how much."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves of one measure."""

    title: str
    curves: Sequence[Curve]


def drawn(title: str, panels: Sequence[Panel]) -> str:
    """The panels side by side, as an SVG file."""
    width = len(panels) * (_WIDTH + _LEFT + _GAP)
    height = _TOP + _HEIGHT + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" {_TEXT} font-weight="600">{title}</text>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * (_WIDTH + _LEFT + _GAP) + _LEFT} {_TOP})">')
        parts += _panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> Iterator[str]:
    wide = _round(max(x for curve in panel.curves for x, _ in curve.points))
    high = _round(max(y for curve in panel.curves for _, y in curve.points))
    yield f'<text x="0" y="-12" {_TEXT}>{panel.title}</text>'
    for fifth in range(6):
        y, x = _HEIGHT * (1 - fifth / 5), _WIDTH * fifth / 5
        yield f'<line x1="0" x2="{_WIDTH}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>'
        yield f'<text x="-6" y="{y + 4:.0f}" text-anchor="end" {_TEXT}>{high * fifth / 5:,.4g}</text>'
        yield f'<text x="{x:.0f}" y="{_HEIGHT + 18}" text-anchor="middle" {_TEXT}>{wide * fifth / 5:,.0f}</text>'
    yield f'<text x="{_WIDTH / 2:.0f}" y="{_HEIGHT + 36}" text-anchor="middle" {_TEXT}>people</text>'
    for number, curve in enumerate(panel.curves):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(x / wide * _WIDTH, _HEIGHT * (1 - y / high)) for x, y in curve.points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        x, y = places[-1]
        yield f'<text x="{x - 8:.0f}" y="{y - 8:.0f}" text-anchor="end" {_TEXT}>{curve.name}</text>'


def _round(most: float) -> float:
    """The next round number, for the end of an axis."""
    step = 10 ** math.floor(math.log10(most))
    return next(step * times for times in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * times >= most)
