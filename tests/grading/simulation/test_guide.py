"""grading/simulation/guide.py: the guide's arithmetic, done again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from grading.simulation import guide

FIGURES = {figure.what: figure for figure in guide.figures()}


@pytest.mark.parametrize(
    ("what", "printed", "correct"),
    [
        ("one call, GPT-4 Turbo", "0.0440", "0.0440"),  # 0.020 + 0.024
        ("one call, GPT-3.5 Turbo", "0.0022", "0.0022"),  # 0.0010 + 0.0012
        ("one essay, of a bill of $4,800", "0.34", "0.0107"),
        ("a month, all GPT-4 Turbo", "5150", "19800"),
        ("cascade of 100 calls", "0.924", "0.9636"),  # 78 · 0.0022 = 0.1716, and 18 · 0.044 = 0.792
        ("plan A: all hosted, routed", "4950", "4950"),
        ("plan B: local only", "500", "500"),
        ("plan C: 90 % local, 10 % hosted", "1490", "995"),
    ],
)
def test_a_figure_stands_beside_what_it_should_be(what: str, printed: str, correct: str) -> None:
    found = FIGURES[what]
    assert found.printed == Decimal(printed)
    assert round(found.correct, 4) == Decimal(correct)


def test_the_steps_save_what_the_guide_says() -> None:
    assert [step["saved"] for step in guide.to_json()["steps"]] == [0, 0.709, 0.845, 0.903]
