"""app/static/review.js: a teacher who keeps their hands on the keyboard, in a real Chromium."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from models import Essay, EssayState
from models.session import session
from tests.app.pages.conftest import Open
from tests.factories import School, a_grading, make_appeal, make_essay, make_grading

pytestmark = pytest.mark.slow


@pytest.fixture
def essays(school: School, redis: Any) -> list[Essay]:
    """Three that wait, in the order of the queue; the second has two proposals, of which the second is shown first."""
    appealed = make_essay(school.student, school.assignment, state=EssayState.graded)
    make_appeal(appealed, school.student)
    unknown = make_essay(school.classmate, school.assignment, state=EssayState.needs_review)
    criteria = [criterion | {"points": 3} for criterion in a_grading(school.assignment).criteria]
    make_grading(unknown, school.assignment, model="small", criteria=criteria, total=6, confidence=0.1)
    make_grading(unknown, school.assignment, model="large", confidence=0.2)
    last = make_essay(school.student, school.assignment, state=EssayState.needs_review)
    make_grading(last, school.assignment, confidence=0.7)
    return [appealed, unknown, last]


def expect_at(page: Page, essay: Essay) -> None:
    """That essay's page is open, and its script listens."""
    expect(page).to_have_url(re.compile(f"/review/{essay.id}"), timeout=20_000)
    expect(page.get_by_role("button", name="Keys")).to_be_visible(timeout=20_000)


def total(essay: Essay) -> float:
    with session() as db:
        grading = db.get_one(Essay, essay.id).current_grading
        assert grading
        assert grading.source.value == "teacher"
        return float(grading.total)


def test_from_essay_to_essay(open_page: Open, school: School, essays: list[Essay]) -> None:
    page = open_page(school.teacher, f"/review/{essays[0].id}")
    for key, essay in (("j", essays[1]), ("ArrowRight", essays[2]), ("k", essays[1]), ("ArrowLeft", essays[0])):
        page.keyboard.press(key)
        expect_at(page, essay)
    page.keyboard.press("k")  # there is none before the first
    expect_at(page, essays[0])


def test_choose_take_change_and_save(open_page: Open, school: School, essays: list[Essay]) -> None:
    page = open_page(school.teacher, f"/review/{essays[0].id}")
    expect_at(page, essays[0])
    page.keyboard.press("a")
    expect_at(page, essays[1])
    assert total(essays[0]) == 12.4

    points = page.locator("input[name='points.ideas']")
    expect(points).to_have_value("6.2")
    page.keyboard.press("1")
    expect(points).to_have_value("3", timeout=20_000)
    expect_at(page, essays[1])
    points.fill("9")
    page.keyboard.press("Control+Enter")
    expect_at(page, essays[2])
    assert total(essays[1]) == 12

    page.keyboard.press("a")
    expect(page.get_by_text("Nothing else waits for you here.")).to_be_visible(timeout=20_000)
    assert total(essays[2]) == 12.4


def test_what_is_typed_is_text(open_page: Open, school: School, essays: list[Essay]) -> None:
    page = open_page(school.teacher, f"/review/{essays[0].id}")
    expect_at(page, essays[0])
    word = page.locator("textarea[name=comment]")
    word.focus()
    page.keyboard.type("just a joke? 1")
    expect(word).to_have_value("just a joke? 1")
    expect_at(page, essays[0])
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(word).not_to_be_focused()
    page.keyboard.press("j")
    expect_at(page, essays[1])


def test_the_keys_are_explained(open_page: Open, school: School, essays: list[Essay]) -> None:
    page = open_page(school.teacher, f"/review/{essays[0].id}")
    page.get_by_role("button", name="Keys").click()
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")
    expect_at(page, essays[0])
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("?")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#keys")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1024, 1440])
def test_nothing_is_wider_than_the_window(open_page: Open, school: School, essays: list[Essay], width: int) -> None:
    page = open_page(school.teacher, "/review", viewport={"width": width, "height": 800})
    for path in ("/review", f"/review/{essays[0].id}", f"/review/{essays[1].id}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_answer_reaches_a_student_who_is_looking(open_page: Open, school: School, essays: list[Essay]) -> None:
    student = open_page(school.student, f"/essays/{essays[0].id}")
    expect(student.get_by_text("Until then the grade stands.")).to_be_visible()
    student.wait_for_function("() => window.io")
    teacher = open_page(school.teacher, f"/review/{essays[0].id}")
    teacher.locator("textarea[name=comment]").fill("You are right.")
    teacher.keyboard.press("Control+Enter")
    expect(student.locator("#essay").get_by_text("You are right.")).to_be_visible(timeout=20_000)
    expect_at(teacher, essays[1])
