"""app/cli/chart.py: pictures that a browser can show."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from app.cli.chart import Series, chart, stacked, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*series: Series) -> ElementTree.Element:
    return ElementTree.fromstring(chart("A < B", "cost", "error", series))  # noqa: S314 -- our own


def test_a_line_goes_through_its_points_in_the_right_direction() -> None:
    picture = drawn(Series("one", [(0, 0), (10, 1)]))
    line = picture.find(f"{SVG}polyline")
    assert line is not None
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in line.attrib["points"].split())
    assert x1 < x2
    assert y1 > y2, "up is more"


def test_points_alone_have_no_line_and_a_band_is_an_area() -> None:
    assert drawn(Series("one", [(0, 0)], line=False)).find(f"{SVG}polyline") is None
    assert drawn(Series("one", [(0, 0), (1, 1)], band=[(0, -1, 1), (1, 0, 2)])).find(f"{SVG}polygon") is not None


def test_words_are_escaped_and_every_series_named() -> None:
    words = ["".join(element.itertext()) for element in drawn(Series("<a>", [(0, 0)]), Series("b", [(1, 1)])).iter()]
    assert {"A < B", "cost", "error", "<a>", "b"} <= set(words)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.36, 0.52, [0.36, 0.38, 0.4, 0.42, 0.44, 0.46, 0.48, 0.5, 0.52]),
        (-3, 12, [-4, -2, 0, 2, 4, 6, 8, 10, 12]),
    ],
)
def test_ticks_are_round_numbers_around_the_figures(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


@pytest.mark.parametrize("value", [0, 5, -0.001])
def test_a_single_figure_has_ticks_around_it(value: float) -> None:
    found = ticks(value, value)
    assert len(found) > 1
    assert found[0] <= value <= found[-1]


def test_charts_are_stacked_in_one_document() -> None:
    one = chart("one", "x", "y", [Series("a", [(0, 0)])])
    picture = ElementTree.fromstring(stacked([one, one]))  # noqa: S314 -- our own
    assert [inner.attrib["y"] for inner in picture.findall(f"{SVG}svg")] == ["0", "480"]
