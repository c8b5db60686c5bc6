"""app/api/review.py and app/review.py: what waits for a teacher, and in which order."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from app import review
from models import Essay, EssayState, Grading, Membership
from models.session import session
from tests.app.conftest import Clients
from tests.factories import School, make_appeal, make_assignment, make_essay, make_grading


@pytest.fixture
def teacher(client: Clients, school: School) -> FlaskClient:
    return client(school.teacher)


def listed(who: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = who.get("/api/v1/review", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["next"] is None
    rows: list[dict[str, Any]] = answer.get_json()["items"]
    return rows


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def graded(school: School, confidence: float | None, assignment: Any = None, **columns: Any) -> Essay:
    essay = make_essay(school.student, assignment or school.assignment, state=EssayState.graded)
    with session() as db:
        values = {"confidence": confidence} | columns
        db.execute(update(Grading).where(Grading.essay_id == essay.id).values(values))
        db.commit()
    return essay


def test_what_waits_and_why(teacher: FlaskClient, school: School) -> None:
    unsure = graded(school, 0.6)
    graded(school, 0.95)
    failed = make_essay(school.student, school.assignment, state=EssayState.failed)
    ungraded = make_essay(school.student, school.assignment, state=EssayState.needs_review)
    make_grading(ungraded, school.assignment, confidence=0.3, total=4)
    make_grading(ungraded, school.assignment, confidence=0.45, total=14)
    appealed = graded(school, 0.9)
    make_appeal(appealed, school.student, "Please look again.")
    for state in (EssayState.queued, EssayState.grading, EssayState.cancelled):
        make_essay(school.student, school.assignment, state=state)

    rows = listed(teacher)
    assert ids(rows) == [str(one.id) for one in (appealed, ungraded, failed, unsure)]
    assert [row["why"] for row in rows] == ["appeal", "needs_review", "failed", "unsure"]
    assert [row["uncertainty"] for row in rows] == [0.1, 0.55, 1.0, 0.4]
    assert [row["disagreement"] for row in rows] == [0.0, 0.5, 0.0, 0.0]
    assert [row["appeal"] and row["appeal"]["reason"] for row in rows] == ["Please look again.", None, None, None]
    assert rows[1]["reason"] == "the model said nothing of use"


def test_what_a_teacher_has_marked_is_done_unless_it_is_appealed(
    teacher: FlaskClient, client: Clients, school: School
) -> None:
    essay = graded(school, 0.2)
    assert ids(listed(teacher)) == [str(essay.id)]
    assert teacher.post(f"/api/v1/essays/{essay.id}/gradings", json={}).status_code == 201
    assert listed(teacher) == []
    make_appeal(essay, school.student)
    (row,) = listed(teacher)
    assert (row["why"], row["source"]) == ("appeal", "teacher")
    teacher.post(f"/api/v1/essays/{essay.id}/gradings", json={})
    assert listed(teacher) == []


def test_a_grade_of_unknown_confidence_is_looked_at(teacher: FlaskClient, school: School) -> None:
    graded(school, None)
    (row,) = listed(teacher)
    assert (row["uncertainty"], row["confidence"]) == (1.0, None)


def test_a_sure_grade_of_an_essay_that_speaks_to_the_grader_is_looked_at_first(
    teacher: FlaskClient, client: Clients, school: School
) -> None:
    unsure, suspicious = graded(school, 0.2), graded(school, 0.95)
    found = {"spans": [{"start": 0, "end": 3, "kind": "score"}], "points": 1.5, "swayed": False}
    with session() as db:
        grading = db.get_one(Essay, suspicious.id).current_grading
        assert grading
        grading.suspicions = found
        db.commit()
    assert [(row["id"], row["why"]) for row in listed(teacher)] == [
        (str(suspicious.id), "suspicious"),
        (str(unsure.id), "unsure"),
    ]
    address = f"/api/v1/essays/{suspicious.id}"
    for reader, seen in ((teacher, found), (client(school.student), None)):
        shown = reader.get(address).json
        assert shown
        assert shown["grading"]["suspicions"] == seen
    teacher.post(f"{address}/gradings", json={})
    assert ids(listed(teacher)) == [str(unsure.id)]


def test_a_correction_asks_for_a_second_look_at_what_is_like_it(
    teacher: FlaskClient, client: Clients, school: School
) -> None:
    corrected, unsure, sure = graded(school, 0.9), graded(school, 0.3), graded(school, 0.95)
    elsewhere = graded(school, 0.2, make_assignment(school.school_class))
    failed = make_essay(school.student, school.assignment, state=EssayState.failed)
    sees = client(school.student).get(f"/api/v1/essays/{sure.id}").json
    teacher.post(f"/api/v1/essays/{corrected.id}/gradings", json={"points": {"ideas": 1, "language": 1}})

    rows = listed(teacher)
    assert [(row["id"], row["why"]) for row in rows] == [
        (str(failed.id), "failed"),
        (str(unsure.id), "second_look"),
        (str(sure.id), "second_look"),
        (str(elsewhere.id), "unsure"),
    ]
    assert rows[1]["correction"]["essay_id"] == str(corrected.id)
    assert (rows[1]["correction"]["points"], rows[0]["correction"], rows[3]["correction"]) == (-10.4, None, None)
    assert ids(listed(teacher, touched_by=corrected.id)) == [str(unsure.id), str(sure.id)]
    assert listed(teacher, touched_by=unsure.id) == []
    assert client(school.student).get(f"/api/v1/essays/{sure.id}").json == sees

    teacher.post(f"/api/v1/essays/{sure.id}/gradings", json={})
    assert ids(listed(teacher, touched_by=corrected.id)) == [str(unsure.id)]


def test_only_what_is_of_ones_own_classes(client: Clients, school: School) -> None:
    make_essay(school.student, school.assignment, state=EssayState.needs_review)
    assert listed(client(school.other_teacher)) == []
    assert listed(client(school.other_teacher), class_id=school.school_class.id) == []
    for who in (school.student, school.ops):
        assert client(who).get("/api/v1/review").status_code == 403


def test_it_can_be_narrowed_down(teacher: FlaskClient, school: School) -> None:
    with session() as db:
        db.add(Membership(class_id=school.other_class.id, user_id=school.teacher.id))
        db.commit()
    elsewhere = make_assignment(school.other_class)
    here = make_essay(school.student, school.assignment, state=EssayState.needs_review)
    there = make_essay(school.other_student, elsewhere, state=EssayState.needs_review)
    assert set(ids(listed(teacher))) == {str(here.id), str(there.id)}
    assert ids(listed(teacher, class_id=school.school_class.id)) == [str(here.id)]
    assert ids(listed(teacher, assignment_id=elsewhere.id)) == [str(there.id)]
    assert len(listed(teacher, limit=1)) == 1
    assert teacher.get("/api/v1/review?limit=101").status_code == 422


def test_an_assignment_with_few_marks_comes_before_one_with_many(teacher: FlaskClient, school: School) -> None:
    other = make_assignment(school.school_class)
    for _ in range(3):
        teacher.post(f"/api/v1/essays/{graded(school, 0.7).id}/gradings", json={})
    known, new = graded(school, 0.5), graded(school, 0.6, other)
    assert ids(listed(teacher)) == [str(new.id), str(known.id)]


def test_the_navigation_counts_who_waits_for_a_word_and_not_what_could_be_looked_at(school: School) -> None:
    graded(school, 0.2)
    make_essay(school.student, school.assignment, state=EssayState.needs_review)
    make_essay(school.student, school.assignment, state=EssayState.failed)
    make_appeal(graded(school, 0.9), school.student)
    with session() as db:
        assert review.waiting(db, db.merge(school.teacher)) == 3
        assert review.waiting(db, db.merge(school.other_teacher)) == 0


MANY = """
    INSERT INTO {table} SELECT changed.* FROM {table} one, generate_series(1, 10000) number,
    jsonb_populate_record(one, jsonb_build_object({columns})) changed WHERE one.id = :id
"""
"""A row again, ten thousand times, with these columns of its own."""


def test_ten_thousand_unsure_grades_are_no_burden(teacher: FlaskClient, school: School) -> None:
    """The crowd of one assignment hides no other, and the list comes in well under a second."""
    crowd, alone = graded(school, 0.5), graded(school, 0.75, make_assignment(school.school_class))
    essay_id, grading_id = "md5(number || 'essay')::uuid", "md5(number || 'grading')::uuid"
    essays = f"'id', {essay_id}, 'current_grading_id', {grading_id}"
    gradings = f"'id', {grading_id}, 'essay_id', {essay_id}, 'confidence', random() * 0.7"
    with session() as db:
        db.execute(text(MANY.format(table="essays", columns=essays)), {"id": crowd.id})
        db.execute(text(MANY.format(table="gradings", columns=gradings)), {"id": crowd.current_grading_id})
        db.execute(text("ANALYZE essays, gradings"))
        db.commit()
    listed(teacher)
    begin = time.perf_counter()
    rows = listed(teacher)
    took = time.perf_counter() - begin
    assert len(rows) == 50
    assert str(alone.id) in ids(rows)
    assert took < 1.0, took
