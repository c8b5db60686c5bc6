"""The scripts of the pages, in a real Chromium: words stream in, grades arrive, nothing typed is taken away."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from grading import lifecycle, notices, progress
from grading.routing import Route
from models import Essay, EssayState, Grading
from models.session import session
from tests.app.pages.conftest import Open
from tests.factories import School, a_grading, make_assignment, make_essay

pytestmark = pytest.mark.slow

TEXT = "Computers help people.\n\nThey are  quick. 电脑帮助人们。\n" * 6


@pytest.fixture
def visit(open_page: Open) -> Open:
    return open_page


def queue(essay: Essay) -> None:
    with session() as db:
        lifecycle.put_in_queue(db, essay.id, Route("local", "local", "a test"))
        db.commit()
    progress.announce(essay.id, essay.student_id, "state", {"status": "queued"})


def begin(essay: Essay) -> lifecycle.Claim:
    with session() as db:
        claim = lifecycle.claim(db, essay.id, "local", 60)
        db.commit()
    assert claim
    progress.announce(essay.id, essay.student_id, "state", {"status": "grading"})
    return claim


def write(essay: Essay, field: str, text: str) -> None:
    progress.publish(essay.id, "delta", {"field": field, "text": text})


def finish(essay: Essay, claim: lifecycle.Claim, grading: Grading) -> None:
    with session() as db:
        assert lifecycle.complete(db, claim, grading)
        db.commit()
        progress.notify(notices.left(db))
    progress.announce(essay.id, essay.student_id, "graded", {"status": "graded"})


def test_words_stream_in_and_the_marks_appear(visit: Open, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment, TEXT)
    page = visit(school.student, f"/essays/{essay.id}")
    stream = page.locator("[data-stream]")
    expect(page.get_by_text("It is the next one in the line.")).to_be_visible()
    expect(stream).to_be_empty()
    queue(essay)
    claim = begin(essay)
    expect(page.get_by_text("It is being read now.")).to_be_visible()
    for word in ("It ", "argues ", "<b>well</b>."):
        write(essay, "comments.ideas", word)
    write(essay, "strengths.0", "Clear.")
    write(essay, "strengths.1", "Short.")
    expect(stream.get_by_role("heading")).to_have_text(["Ideas 立意", "Strengths"])
    expect(stream.get_by_role("paragraph")).to_have_text(["It argues <b>well</b>.", "Clear.", "Short."])
    progress.publish(essay.id, "delta", {"field": "", "text": "", "restart": True})
    write(essay, "comments.ideas", "Once more.")
    expect(stream.get_by_role("paragraph")).to_have_text(["Once more."])
    finish(essay, claim, a_grading(school.assignment, TEXT))
    expect(page.locator("[data-result]")).to_be_visible()
    expect(page.locator("[data-total]")).to_contain_text("12.4")
    assert page.locator("[data-essay-text]").evaluate("element => element.textContent") == TEXT


def test_the_page_that_is_opened_late_has_all_the_words(visit: Open, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    begin(essay)
    write(essay, "comments.ideas", "It argues ")
    page = visit(school.student, f"/essays/{essay.id}")
    expect(page.get_by_text("It argues")).to_be_visible()
    write(essay, "comments.ideas", "well.")
    expect(page.get_by_text("It argues well.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("It argues well.")).to_be_visible()


def test_a_reply_that_begins_anew_without_a_word_replaces_the_first(visit: Open, school: School, redis: Any) -> None:
    """So it is when the worker was lost in the middle of a reply."""
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    begin(essay)
    page = visit(school.student, f"/essays/{essay.id}")
    for field, text in (("ideas", "First."), ("language", "Fir"), ("ideas", "Second.")):
        write(essay, f"comments.{field}", text)
    expect(page.locator("[data-stream]").get_by_role("paragraph")).to_have_text(["Second."])


def test_a_teachers_grade_arrives_where_the_result_is_open_and_is_told_elsewhere(
    visit: Open, school: School, redis: Any
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    result = visit(school.student, f"/essays/{essay.id}")
    elsewhere = visit(school.student, f"/assignments/{school.assignment.id}")
    elsewhere.locator("textarea[name=text]").fill("Half an essay")
    desk = visit(school.teacher, f"/essays/{essay.id}")
    for field in desk.locator("input[name^=points]").all():
        field.fill("9.5")
    desk.locator("textarea[name=comment]").fill("You argue well.")
    desk.get_by_role("button", name="Save").click()
    expect(result.get_by_text("You argue well.").first).to_be_visible()
    expect(result.locator("[data-total]")).to_contain_text("19")
    toast = elsewhere.locator(".toast")
    expect(toast).to_contain_text("Your teacher has changed the grade of your essay.")
    expect(elsewhere.locator("textarea[name=text]")).to_have_value("Half an essay")
    toast.get_by_role("link").click()
    elsewhere.wait_for_url(f"**/essays/{essay.id}")


def test_what_a_teacher_types_is_not_taken_away_by_news(visit: Open, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    claim = begin(essay)
    desk = visit(school.teacher, f"/essays/{essay.id}")
    desk.locator("textarea[name=comment]").fill("Half a comment")
    finish(essay, claim, a_grading(school.assignment))
    expect(desk.locator("[data-result]")).to_be_visible()
    expect(desk.locator("textarea[name=comment]")).to_have_value("Half a comment")


def test_a_form_that_nobody_typed_in_takes_the_grade_that_came(visit: Open, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    claim = begin(essay)
    desk = visit(school.teacher, f"/essays/{essay.id}")
    expect(desk.get_by_label("Ideas 立意", exact=True)).to_have_value("")
    finish(essay, claim, a_grading(school.assignment))
    expect(desk.get_by_label("Ideas 立意", exact=True)).to_have_value("6.2")


@pytest.mark.parametrize("width", [1280, 390])
def test_margin_notes_stand_beside_their_words_or_below_on_a_phone(
    visit: Open, school: School, redis: Any, width: int
) -> None:
    essay = make_essay(school.student, school.assignment, TEXT, EssayState.graded)
    places = [TEXT.index("help"), TEXT.index("people"), TEXT.rindex("quick")]
    notes = [
        {"start": start, "end": start + 4, "quote": TEXT[start : start + 4], "kind": "idea", "comment": "Why? " * 12}
        for start in places
    ]
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == essay.id).values(annotations=notes))
        db.commit()
    page = visit(school.student, f"/essays/{essay.id}", viewport={"width": width, "height": 900})
    expect(page.locator(".note")).to_have_count(3)
    page.evaluate("document.fonts.ready")
    boxes = [note.bounding_box() or {} for note in page.locator(".note").all()]
    marks = [mark.bounding_box() or {} for mark in page.locator(".marked").all()]
    paper = page.locator("[data-essay-text]").bounding_box() or {}
    for upper, lower in pairwise(boxes):
        assert lower["y"] >= upper["y"] + upper["height"]
    if width > 1000:
        assert abs(boxes[0]["y"] - marks[0]["y"]) < 30
        assert abs(boxes[2]["y"] - marks[2]["y"]) < 30
        assert boxes[0]["x"] > paper["x"] + paper["width"]
    else:
        assert boxes[0]["y"] > paper["y"] + paper["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_a_word_without_end_breaks_no_page(visit: Open, school: School, redis: Any, width: int) -> None:
    """A small model does write such a thing, and so does somebody who leans on a key."""
    endless = "json_string" * 40
    assignment = make_assignment(school.school_class, title="T" * 200, prompt=endless)
    essay = make_essay(school.student, assignment, endless, EssayState.graded)
    criteria = [{**criterion, "comment": endless} for criterion in a_grading(assignment, endless).criteria]
    words = {"criteria": criteria, "strengths": [endless], "comment": endless}
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == essay.id).values(words))
        db.commit()
    viewport = {"width": width, "height": 900}
    for user, paths in (
        (school.student, ["/assignments", f"/assignments/{assignment.id}", f"/essays/{essay.id}"]),
        (
            school.teacher,
            [f"/classes/{school.school_class.id}", f"/assignments/{assignment.id}", f"/essays/{essay.id}"],
        ),
    ):
        page = visit(user, "/notices", viewport=viewport)
        for path in paths:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_characters_are_counted_as_the_server_counts_them(visit: Open, school: School, redis: Any) -> None:
    page = visit(school.student, f"/assignments/{school.assignment.id}")
    page.locator("textarea[name=text]").fill("路😀\na")
    expect(page.locator("#text-count")).to_have_text("4 characters")


def test_a_double_click_makes_one_essay(visit: Open, school: School, redis: Any) -> None:
    page = visit(school.student, f"/assignments/{school.assignment.id}")
    page.locator("textarea[name=text]").fill(TEXT)
    page.get_by_role("button", name="Submit").dblclick()
    page.wait_for_url("**/essays/*")
    with session() as db:
        [essay] = db.query(Essay).all()
        assert essay.text == TEXT
