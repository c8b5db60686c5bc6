"""app/pages/costs.py: the page of ops, and the lines that teachers read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grading.costs.prices import PACKAGE, newest
from models.base import now
from tests.app.pages.conftest import Open, Visit
from tests.factories import School, make_call, make_saving


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


def test_the_page_says_of_when_the_prices_are(visit: Visit, school: School, calls: None) -> None:
    page = visit(school.ops).get("/costs")
    assert f"Prices: {PACKAGE}, the newest of" in page.text
    assert ("time", {"datetime": newest(now().date())}) in page.elements


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


def test_what_each_lever_saved_is_told_to_ops_and_to_the_teachers_of_the_class(
    visit: Visit, school: School, calls: None
) -> None:
    make_saving(school.school_class.id, baseline="10", prompt="4", local="3.5")
    for reader, path in ((school.ops, "/costs"), (school.teacher, f"/classes/{school.school_class.id}")):
        page = visit(reader).get(path).text
        assert "Saved by our own machine" in page
        assert "$3.50" in page
        assert "$7.50" in page
    assert "by lever" not in visit(school.other_teacher).get(f"/classes/{school.other_class.id}").text


def test_where_nothing_cost_anything_the_page_says_so_and_draws_nothing(visit: Visit, school: School) -> None:
    make_call(now() - timedelta(hours=1), "0", user_id=school.student.id, class_id=school.school_class.id)
    page = visit(school.ops).get("/costs").text
    assert "None of these calls cost anything" in page
    assert "data-chart" not in page
    assert "gpt-4.1-mini" in page


@pytest.mark.slow
def test_calls_and_cost_of_users_and_classes_are_seen(open_page: Open, school: School, calls: None, redis: Any) -> None:
    page = open_page(school.ops, "/costs", viewport={"width": 1200, "height": 900})
    tables = page.locator("[aria-labelledby=for-whom] .wide").all()
    assert len(tables) == 2
    for table in tables:
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth")


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
