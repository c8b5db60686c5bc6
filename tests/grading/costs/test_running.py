"""grading/costs/running.py: which totals a period is the difference of. That they are right, test_report.py shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from grading.costs.running import new_year, signs

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MARCH, APRIL = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4))


def test_a_period_is_the_difference_of_two_totals_however_long_it_is() -> None:
    assert signs(MARCH, APRIL) == {APRIL: 1, MARCH: -1}
    assert signs(MARCH, MARCH + timedelta(hours=1)) == {MARCH + timedelta(hours=1): 1, MARCH: -1}


def test_years_begin_anew() -> None:
    assert signs(NEW_YEAR, MARCH) == {MARCH: 1}
    assert signs(MARCH.replace(year=2025), NEW_YEAR) == {NEW_YEAR: 1, MARCH.replace(year=2025): -1}
    assert signs(MARCH.replace(year=2024), APRIL) == {
        APRIL: 1,
        NEW_YEAR: 1,
        NEW_YEAR.replace(year=2025): 1,
        MARCH.replace(year=2024): -1,
    }


def test_nothing_is_read_for_no_time() -> None:
    assert signs(MARCH, MARCH) == {}
    assert signs(APRIL, MARCH) == {}


def test_a_year_is_that_of_utc() -> None:
    assert new_year(datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=8)))) == NEW_YEAR.replace(year=2025)
