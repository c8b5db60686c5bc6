"""app/pages/display.py: times, figures and texts as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from app.pages import display
from tests.conftest import use_environment

MOMENT = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)


@pytest.fixture(params=["en", "zh"])
def language(app: Flask, request: pytest.FixtureRequest) -> Iterator[str]:
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield request.param


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", {"en": "24 Nov 2026, 14:05 UTC", "zh": "2026年11月24日 14:05 UTC"}),
        ("Asia/Shanghai", {"en": "24 Nov 2026, 22:05 UTC+8", "zh": "2026年11月24日 22:05 UTC+8"}),
        ("America/New_York", {"en": "24 Nov 2026, 09:05 UTC-5", "zh": "2026年11月24日 09:05 UTC-5"}),
        ("Asia/Kolkata", {"en": "24 Nov 2026, 19:35 UTC+5:30", "zh": "2026年11月24日 19:35 UTC+5:30"}),
    ],
)
def test_a_time_is_the_schools_and_says_so(language: str, zone: str, shown: dict[str, str]) -> None:
    with use_environment({"PIZHU_TIME_ZONE": zone}):
        assert f">{shown[language]}<" in display.when(MOMENT)
        assert display.when(MOMENT.isoformat()) == display.when(MOMENT)


def test_what_is_typed_as_a_time_is_the_schools(app: Flask) -> None:
    with use_environment({"PIZHU_TIME_ZONE": "Asia/Shanghai"}):
        assert display.from_local_input("2026-11-24T22:05") == "2026-11-24T22:05:00+08:00"
        assert display.local_input(MOMENT) == "2026-11-24T22:05"
    assert display.from_local_input(" ") is None
    assert display.from_local_input("soon") == "soon"


def test_figures_are_written_as_the_language_does(language: str) -> None:
    assert [display.figure(value) for value in (20000, 12.5, 7.0, None)] == ["20,000", "12.5", "7", "–"]
    assert display.percent(0.834) == "83%"
    assert display.duration(None) == "–"
    assert display.duration(4000) == {"en": "67 minutes", "zh": "67分钟"}[language]


@pytest.mark.parametrize(("confidence", "word"), [(0.95, "high"), (0.8, "high"), (0.5, "medium"), (0.1, "low")])
def test_a_confidence_has_a_word(app: Flask, confidence: float, word: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert display.sureness(confidence) == word


def test_a_share_is_a_length_that_svg_understands() -> None:
    assert [display.share(part, 8) for part in (0, 5, 9)] == ["0.0%", "62.5%", "100.0%"]
    assert display.share(1, 0) == "0%"


def test_a_text_is_escaped_and_keeps_its_carriage_returns() -> None:
    assert display.verbatim("a\r\n<b>\r") == "a&#13;\n&lt;b&gt;&#13;"
