"""app/cli/evaluate_table.py: how figures are written."""

from __future__ import annotations

import pytest

from app.cli.evaluate_table import confidence_rows, number, signed


@pytest.mark.parametrize("value", [0.0, -0.0, -0.0004, 0.0004])
def test_nought_has_no_sign_in_a_column_without_signs(value: float) -> None:
    assert (number(value), signed(value)) == ("0.000", "+0.00")


def test_what_is_not_known_is_a_dash_and_all_else_is_rounded() -> None:
    assert (number(None), signed(None)) == ("–", "–")
    assert (number(-0.5), number(2.345, 1), signed(-0.5)) == ("-0.500", "2.3", "-0.50")


def test_a_confidence_that_there_is_not_says_why() -> None:
    known = {"auroc": 0.61234, "ece": 0.05, "essays": 40, "missing": None}
    none = {"auroc": None, "ece": None, "essays": 0, "missing": "no answer states one"}
    assert confidence_rows({"calibrated": known, "stated": none, "levels": {"auroc": 0.5}}) == [
        ["calibrated confidence", "0.612", "0.050", "40"],
        ["the model's own word (none: no answer states one)", "–", "–", "0"],
        ["levels", "0.500", "–", "–"],
    ]
