"""app/pages/costs.py: the page of ops, and the lines that teachers read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.base import now
from tests.app.pages.conftest import Open, Visit
from tests.factories import School, make_call


@pytest.fixture
def calls(school: School) -> None:
    mine = {"class_id": school.school_class.id, "assignment_id": school.assignment.id}
    for hour in range(30):
        user = (school.student, school.classmate)[hour % 3 == 0]
        make_call(now() - timedelta(hours=hour), "1.5", user_id=user.id, **mine)


def test_ops_read_what_was_spent_and_for_whom(visit: Visit, school: School, calls: None) -> None:
    page = visit(school.ops).get("/costs")
    assert "$45.00" in page.text
    assert school.student.name in page.text
    assert "What bought a grade or an answer" in page.text


def test_a_day_that_is_none_is_told_and_the_rest_is_shown(visit: Visit, school: School, calls: None) -> None:
    page = visit(school.ops).get("/costs?from=2026-99-01")
    assert "Must be a day such as 2026-11-01" in page.text
    assert "$45.00" in page.text


def test_without_calls_the_page_says_so(visit: Visit, school: School) -> None:
    assert "No model was asked in this time." in visit(school.ops).get("/costs").text


def test_teachers_read_what_their_class_and_their_assignment_have_cost(
    visit: Visit, school: School, calls: None
) -> None:
    teacher = visit(school.teacher)
    assert "$45.00 for 30 calls" in teacher.get(f"/classes/{school.school_class.id}").text
    assert "$45.00 for 30 calls" in teacher.get(f"/assignments/{school.assignment.id}").text
    other = visit(school.other_teacher)
    assert "No model was asked for this class" in other.get(f"/classes/{school.other_class.id}").text


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
def test_charts_are_drawn_and_fit_into_the_window(
    open_page: Open, school: School, calls: None, redis: Any, width: int
) -> None:
    page = open_page(school.ops, "/costs", viewport={"width": width, "height": 900})
    for kind in ("time", "parts", "share"):
        chart = page.locator(f"[data-chart={kind}] canvas")
        chart.wait_for()
        assert chart.bounding_box()["height"] > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= width
