"""Lines and points of two figures as an SVG picture, so that a plot needs no plotting library."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 44, 56
COLOURS = ("#888888", "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#e377c2", "#000000")
"""The first is for the control: grey."""


@dataclass(frozen=True)
class Series:
    """A named line through points (x, y), or points without one, `size` their radius.

    `band` is the spread around it, as (x, low, high)."""

    name: str
    points: Sequence[tuple[float, float]]
    line: bool = True
    size: float | None = None
    band: Sequence[tuple[float, float, float]] = ()


def chart(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> str:
    """An SVG document. There is at least one point."""
    across = [x for one in series for x, _ in one.points]
    up = [y for one in series for _, y in one.points] + [y for one in series for _, *band in one.band for y in band]
    x_ticks, y_ticks = ticks(min(across), max(across)), ticks(min(up), max(up))
    x = _scale(x_ticks[0], x_ticks[-1], LEFT, WIDTH - RIGHT)
    y = _scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="#333"><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
    ]
    for tick in x_ticks:
        parts.append(_rule(x(tick), TOP, x(tick), HEIGHT - BOTTOM))
        parts.append(f'<text x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in y_ticks:
        parts.append(_rule(LEFT, y(tick), WIDTH - RIGHT, y(tick)))
        parts.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text transform="translate(18 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
    )
    for index, one in enumerate(series):
        parts += _drawn(one, COLOURS[index % len(COLOURS)], x, y)
        parts += _named(one, COLOURS[index % len(COLOURS)], TOP + 18 * index + 8)
    return "\n".join([*parts, "</svg>\n"])


def stacked(charts: Sequence[str]) -> str:
    """Charts one below the other, as one SVG document."""
    placed = [
        one.replace("<svg ", f'<svg y="{HEIGHT * row}" width="{WIDTH}" height="{HEIGHT}" ', 1)
        for row, one in enumerate(charts)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(charts)}">'
    return "\n".join([head, *placed, "</svg>\n"])


def ticks(low: float, high: float) -> list[float]:
    """Four to ten round numbers from at most the lowest to at least the highest."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 8 + 1e-6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, max(last, first + 1) + 1)]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _drawn(one: Series, colour: str, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    parts = []
    if one.band:
        around = [(at, high) for at, _, high in one.band] + [(at, low) for at, low, _ in reversed(one.band)]
        parts.append(f'<polygon points="{_path(around, x, y)}" fill="{colour}" opacity="0.18"/>')
    if one.line:
        path = _path(one.points, x, y)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    radius = one.size or (2.5 if one.line else 5)
    parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="{radius}" fill="{colour}"/>' for a, b in one.points]
    return parts


def _path(points: Sequence[tuple[float, float]], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)


def _named(one: Series, colour: str, top: float) -> list[str]:
    left = WIDTH - RIGHT + 18
    return [
        f'<circle cx="{left}" cy="{top}" r="5" fill="{colour}"/>',
        f'<text x="{left + 12}" y="{top + 4}">{escape(one.name)}</text>',
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#e4e4e4"/>'
