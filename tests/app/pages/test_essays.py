"""app/pages/essays.py: the result, and a teacher's own grade."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from grading import lifecycle
from grading.engines.loading import DEMO_MODEL
from grading.routing import Route
from models import Essay, EssayState, Grading, Release, Source
from models.session import session
from tests.app.pages.browser import Page
from tests.app.pages.conftest import Visit
from tests.conftest import use_environment
from tests.factories import School, make_assignment, make_essay

POINTS = {"points.ideas": "8", "points.language": "6.5"}


def graded(school: School, text: str = "Computers help people. 电脑帮助人们。", **columns: Any) -> Essay:
    essay = make_essay(school.student, school.assignment, text, EssayState.graded)
    if columns:
        with session() as db:
            db.execute(update(Grading).where(Grading.essay_id == essay.id).values(columns))
            db.commit()
    return essay


def own_grade(visit: Visit, school: School, essay: Essay, **values: str) -> Page:
    visitor = visit(school.teacher)
    return visitor.send(visitor.get(f"/essays/{essay.id}"), "/grade", **values)


# --- the result ------------------------------------------------------------------------------------------------------


def test_the_result_says_what_was_given_how_and_how_surely(visit: Visit, school: School) -> None:
    page = visit(school.student).get(f"/essays/{graded(school).id}")
    for words in (
        "12.4 / 20",
        "Graded by a-model, prompt v1",
        "Confidence: high (80%)",
        "Ideas 立意 6.2 / 10 Clear. Level 4.1 of 6",
        "1 Well done Computers A good beginning.",
        "Strengths It is clear.",
        "Suggestions Say why.",
    ):
        assert words in page.text
    bars = [attributes["width"] for tag, attributes in page.elements if attributes.get("class") == "fill"]
    assert bars == ["62.0%", "62.0%"]


@pytest.mark.parametrize(
    "text",
    [
        "  Two  blanks,\ta tab,\n\n\nthree breaks and a last one.\n",
        "Windows\r\nline\rends.",
        '<script>alert("x")</script><img src=x onerror=alert(1)> & &amp;',
        "{{ 7 * 7 }} {% include 'base.html' %}",
        "שלום 😀 e\u0301 \u202e mixed",
    ],
)
def test_the_essay_stands_there_character_for_character(visit: Visit, school: School, text: str) -> None:
    page = visit(school.student).get(f"/essays/{graded(school, text).id}")
    assert page.essay == text
    assert "<script>alert" not in page.html
    assert not [1 for tag, attributes in page.elements if any(name.startswith("on") for name in attributes)]


def test_notes_that_overlap_are_all_linked_to_their_words(visit: Visit, school: School) -> None:
    notes = [
        {"start": 0, "end": 9, "quote": "Computers", "kind": "praise", "comment": "One."},
        {"start": 5, "end": 14, "quote": "ters help", "kind": "language", "comment": "<b>Two</b>."},
    ]
    page = visit(school.student).get(f"/essays/{graded(school, annotations=notes).id}")
    assert page.essay == "Computers help people. 电脑帮助人们。"
    marks = [attributes["data-notes"] for _, attributes in page.elements if "data-notes" in attributes]
    assert marks == ["1", "1 2", "2"]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert {"mark-1", "mark-2", "note-1", "note-2"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert "<b>Two</b>." in page.text


def test_notes_by_rule_are_told_from_the_models(visit: Visit, school: School) -> None:
    text = "We recieved it."
    rule = {"start": 3, "end": 11, "quote": "recieved", "kind": "spelling", "comment": "i before e", "found_by": "rule"}
    before_rules = {"start": 0, "end": 2, "quote": "We", "kind": "praise", "comment": "Good."}
    page = visit(school.student).get(f"/essays/{graded(school, text, annotations=[before_rules, rule]).id}")
    assert "1 Well done We Good." in page.text
    assert "2 Spelling by rule recieved i before e" in page.text
    assert "are by the spelling and grammar checker" in page.text
    page = visit(school.student).get(f"/essays/{graded(school, text, annotations=[before_rules]).id}")
    assert "checker" not in page.text


def test_an_essay_that_no_model_could_grade_has_the_notes_by_rule(visit: Visit, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment, "We recieved it.", EssayState.needs_review)
    noted = "1 Spelling by rule recieved"
    assert noted in visit(school.student).get(f"/essays/{essay.id}").text
    own_grade(visit, school, essay, **POINTS)
    assert noted in visit(school.student).get(f"/essays/{essay.id}").text, "they stay when the teacher has graded it"


def test_notes_by_rule_are_held_back_like_a_grade(visit: Visit, school: School) -> None:
    assignment = make_assignment(school.school_class, release=Release.on_release)
    essay = make_essay(school.student, assignment, "We recieved it.", EssayState.needs_review)
    assert "by rule" not in visit(school.student).get(f"/essays/{essay.id}").text
    assert "by rule" in visit(school.teacher).get(f"/essays/{essay.id}").text


def test_the_demonstration_model_is_named_for_what_it_is(visit: Visit, school: School) -> None:
    for essay, said in ((graded(school), False), (graded(school, model=DEMO_MODEL), True)):
        with use_environment({"PIZHU_LOCAL_MODEL": "none"}):
            page = visit(school.student).get(f"/essays/{essay.id}")
        assert ("Its judgement means nothing" in page.text) is said


def test_margin_notes_that_a_teacher_left_are_still_the_demonstration_models(visit: Visit, school: School) -> None:
    essay = graded(school, model=DEMO_MODEL)
    own_grade(visit, school, essay, **POINTS)
    page = visit(school.student).get(f"/essays/{essay.id}")
    assert "14.5 / 20" in page.text
    assert "come from a demonstration model" in page.text
    rule = {"start": 0, "end": 9, "quote": "Computers", "kind": "spelling", "comment": "", "found_by": "rule"}
    essay = graded(school, model=DEMO_MODEL, annotations=[rule])
    own_grade(visit, school, essay, **POINTS)
    assert "come from a demonstration model" not in visit(school.student).get(f"/essays/{essay.id}").text


def test_a_grade_that_is_held_back_is_nowhere_in_the_page(visit: Visit, school: School) -> None:
    assignment = make_assignment(school.school_class, release=Release.on_release)
    essay = make_essay(school.student, assignment, state=EssayState.graded)
    page = visit(school.student).get(f"/essays/{essay.id}")
    assert "Graded, but not released yet" in page.text
    for secret in ("12.4", "A good beginning", "It is clear", "a-model"):
        assert secret not in page.html
    assert "12.4" in visit(school.teacher).get(f"/essays/{essay.id}").text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (EssayState.submitted, "It is the next one in the line."),
        (EssayState.queued, "It is the next one in the line."),
        (EssayState.grading, "It is being read now."),
        (EssayState.needs_review, "your teacher reads the essay"),
        (EssayState.failed, "The fault is ours, not yours."),
        (EssayState.cancelled, "you can hand in another one"),
    ],
)
def test_every_state_is_explained(visit: Visit, school: School, state: EssayState, words: str) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    page = visit(school.student).get(f"/essays/{essay.id}")
    assert words in page.text
    assert page.essay == essay.text
    waits = state in (EssayState.submitted, EssayState.queued, EssayState.grading)
    assert ('<noscript><meta http-equiv="refresh"' in page.html) is waits
    stream = [attributes for _, attributes in page.elements if "data-stream" in attributes]
    assert [one["data-events"] for one in stream] == [f"/api/v1/essays/{essay.id}/events"] * waits


def test_the_place_in_the_line_is_shown(visit: Visit, school: School) -> None:
    first, second = (make_essay(school.student, school.assignment, state=EssayState.queued) for _ in range(2))
    assert "next one" in visit(school.student).get(f"/essays/{first.id}").text
    assert "Essays ahead of it: 1" in visit(school.student).get(f"/essays/{second.id}").text


def test_a_student_withdraws_an_essay(visit: Visit, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.grading)
    visitor = visit(school.student)
    page = visitor.send(visitor.get(f"/essays/{essay.id}"), "/cancel")
    assert "You have withdrawn the essay." in page.text
    with session() as db:
        assert db.get_one(Essay, essay.id).state is EssayState.cancelled


def test_too_late_to_withdraw_is_told_with_a_way_on(visit: Visit, school: School, redis: Any) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.grading)
    visitor = visit(school.student)
    page = visitor.get(f"/essays/{essay.id}")
    with session() as db:
        lifecycle.override(db, essay.id, db.merge(school.teacher), a_teachers_grading(school))
        db.commit()
    page = visitor.send(page, "/cancel")
    assert page.status == 409
    assert "Too late" in page.text
    assert "To the start page" in page.text


def a_teachers_grading(school: School) -> Grading:
    return Grading(
        rubric_id=school.assignment.rubric_id,
        source=Source.teacher,
        total=1,
        max=20,
        criteria=[],
        annotations=[],
        strengths=[],
        suggestions=[],
    )


# --- the teacher -----------------------------------------------------------------------------------------------------


def test_a_teachers_grade_counts_and_the_former_stays_in_the_history(visit: Visit, school: School, redis: Any) -> None:
    essay = graded(school)
    page = own_grade(visit, school, essay, comment="Well argued.\nMind your commas.", **POINTS)
    assert "Your grade is saved." in page.text
    page = visit(school.student).get(f"/essays/{essay.id}")
    for words in ("14.5 / 20", f"Graded by {school.teacher.name}", "Well argued. Mind your commas.", "12.4 / 20"):
        assert words in page.text
    assert page.text.index("14.5") < page.text.index("12.4")
    assert "1 Well done Computers A good beginning." in page.text
    with session() as db:
        latest = db.get_one(Essay, essay.id).current_grading
        assert latest is not None
        assert latest.comment == "Well argued.\nMind your commas."


def test_the_form_holds_the_current_grade(visit: Visit, school: School) -> None:
    page = visit(school.teacher).get(f"/essays/{graded(school).id}")
    fields = page.form("/grade").fields
    assert (fields["points.ideas"], fields["comments.ideas"], fields["comment"]) == ("6.2", "Clear.", "")


def test_points_of_another_rubric_are_not_offered(visit: Visit, school: School, redis: Any) -> None:
    essay = graded(school)
    teacher = visit(school.teacher)
    teacher.send(teacher.get(f"/assignments/{school.assignment.id}/edit"), **{"criteria-0-max": "40"})
    fields = teacher.get(f"/essays/{essay.id}").form("/grade").fields
    assert (fields["points.ideas"], fields["points.language"]) == ("", "6.2")


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("11", "“Ideas 立意”的分数须在 0 至 10 之间"),
        ("-1", "“Ideas 立意”的分数须在 0 至 10 之间"),
        ("1.234", "最多两位小数"),
        ("ten", "请填写一个数字。"),
        ("NaN", "请填写一个数字。"),
    ],
)
def test_wrong_points_are_told_beside_the_field_and_nothing_typed_is_lost(
    visit: Visit, school: School, points: str, reason: str
) -> None:
    essay = graded(school)
    visitor = visit(school.teacher, "zh")
    typed = POINTS | {"points.ideas": points, "comment": "A long word\nto the student."}
    page = visitor.send(visitor.get(f"/essays/{essay.id}"), "/grade", **typed)
    assert page.status == 422
    assert reason in page.text
    assert typed.items() <= page.form("/grade").fields.items()
    [field] = [attributes for _, attributes in page.elements if attributes.get("aria-invalid")]
    assert field["name"] == "points.ideas"
    with session() as db:
        assert len(db.scalars(select(Grading)).all()) == 1


def test_an_essay_without_a_grade_needs_all_points(visit: Visit, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.needs_review)
    page = own_grade(visit, school, essay, **{"points.ideas": "5"})
    assert page.status == 422
    assert "“Language 语言” needs points." in page.text


@pytest.mark.parametrize("state", [EssayState.needs_review, EssayState.failed])
def test_a_teacher_has_it_tried_again(visit: Visit, school: School, redis: Any, state: EssayState) -> None:
    essay = make_essay(school.student, school.assignment, state=state)
    visitor = visit(school.teacher)
    page = visitor.get(f"/essays/{essay.id}")
    assert "Reason: " in page.text
    page = visitor.send(page, "/retry")
    assert "The essay is being graded again." in page.text
    with session() as db:
        assert db.get_one(Essay, essay.id).state is EssayState.submitted


def test_the_teacher_sees_how_a_grade_came_about(visit: Visit, school: School) -> None:
    essay = graded(school, hashes={"prompt": "ab" * 32}, usage={"completion": 301})
    page = visit(school.teacher).get(f"/essays/{essay.id}")
    for words in ("a-model, test 1", "grade/en/v1", "ab" * 32, "Tokens of the reply 301", "worker:local"):
        assert words in page.text
    page = visit(school.student).get(f"/essays/{essay.id}")
    assert not re.search("worker:local|abab|test 1", page.html)


def test_who_waits_for_a_batch_is_told_no_place_in_a_line(visit: Visit, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with session() as db:
        lifecycle.put_in_queue(db, essay.id, Route("batches", "small", "wanted late"))
        db.commit()
        waiting = visit(school.student).get(f"/essays/{essay.id}").text
        assert lifecycle.claim(db, essay.id, "batches", lease=None)
        db.commit()
    for text in (waiting, visit(school.student).get(f"/essays/{essay.id}").text):
        assert "graded together with others" in text
        assert "line" not in text
