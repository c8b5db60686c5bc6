"""app/cli/evaluate_table.py: how figures are written."""

from __future__ import annotations

import pytest

from app.cli.evaluate_table import number, signed


@pytest.mark.parametrize("value", [0.0, -0.0, -0.0004, 0.0004])
def test_nought_has_no_sign_in_a_column_without_signs(value: float) -> None:
    assert (number(value), signed(value)) == ("0.000", "+0.00")


def test_what_is_not_known_is_a_dash_and_all_else_is_rounded() -> None:
    assert (number(None), signed(None)) == ("–", "–")
    assert (number(-0.5), number(2.345, 1), signed(-0.5)) == ("-0.500", "2.3", "-0.50")
