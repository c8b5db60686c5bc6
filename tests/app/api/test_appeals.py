"""A student's appeal by HTTP: who may, when, and how the answer comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from models import Appeal, Essay, EssayState, Release
from models.base import now
from models.session import session
from tests.app.conftest import Clients
from tests.factories import School, make_appeal, make_assignment, make_essay, make_grading

ESSAYS = "/api/v1/essays"
REASON = {"reason": "I did say why, in the last paragraph. 最后一段。"}


@pytest.fixture
def student(client: Clients, school: School) -> FlaskClient:
    return client(school.student)


@pytest.fixture
def teacher(client: Clients, school: School) -> FlaskClient:
    return client(school.teacher)


@pytest.fixture
def essay(school: School) -> Essay:
    return make_essay(school.student, school.assignment, state=EssayState.graded)


def appeal(who: FlaskClient, essay: Essay, body: Any = REASON) -> Any:
    return who.post(f"{ESSAYS}/{essay.id}/appeal", json=body)


def grade(who: FlaskClient, essay: Essay, **body: Any) -> Any:
    return who.post(f"{ESSAYS}/{essay.id}/gradings", json=body)


def shown(who: FlaskClient, essay: Essay) -> Any:
    return who.get(f"{ESSAYS}/{essay.id}").get_json()


def kinds(who: FlaskClient) -> list[str]:
    return [one["kind"] for one in who.get("/api/v1/notices").get_json()["items"]]


def test_from_the_appeal_to_the_answer(
    student: FlaskClient, teacher: FlaskClient, school: School, essay: Essay
) -> None:
    before = shown(student, essay)
    assert (before["appeal"], before["open_to_appeal"]) == (None, True)

    answer = appeal(student, essay)
    assert answer.status_code == 201
    open_ = shown(student, essay)
    assert open_["appeal"] == answer.get_json() == shown(teacher, essay)["appeal"]
    assert (open_["status"], open_["open_to_appeal"]) == ("graded", False)
    assert open_["grading"] == before["grading"]
    assert open_["appeal"]["reason"] == REASON["reason"]
    assert open_["appeal"]["grading_id"] == before["grading"]["id"]
    assert open_["appeal"]["answered_at"] is None
    assert kinds(teacher) == ["appeal"]

    given = grade(teacher, essay, points={"ideas": 9}, comment="You are right.").get_json()
    answered = shown(student, essay)
    assert answered["appeal"]["answer"] == "You are right."
    assert answered["appeal"]["answered_by"] == school.teacher.name
    assert answered["appeal"]["grading_id_after"] == given["id"] == answered["grading"]["id"]
    assert answered["open_to_appeal"]
    assert "appeal_answered" in kinds(student)
    history = student.get(f"{ESSAYS}/{essay.id}/history").get_json()
    assert history["appeals"] == [answered["appeal"]]
    assert [one["total"] for one in history["gradings"]] == [12.4, 15.2]


def test_a_teacher_lets_the_grade_stand(student: FlaskClient, teacher: FlaskClient, essay: Essay) -> None:
    before = shown(student, essay)["grading"]
    appeal(student, essay)
    grade(teacher, essay, comment="I have read it again: it is asserted, not argued.")
    after = shown(student, essay)
    assert (after["grading"]["total"], after["grading"]["source"]) == (before["total"], "teacher")
    assert after["appeal"]["answer"].startswith("I have read it again")


def test_only_the_author_may(client: Clients, school: School, essay: Essay) -> None:
    asked = {who: appeal(client(getattr(school, who)), essay).status_code for who in ("classmate", "other_student")}
    asked |= {who: appeal(client(getattr(school, who)), essay).status_code for who in ("teacher", "other_teacher")}
    assert asked == {"classmate": 404, "other_student": 404, "teacher": 403, "other_teacher": 404}
    with session() as db:
        assert db.scalars(select(Appeal)).all() == []


def test_a_second_is_refused_while_the_first_is_open(student: FlaskClient, essay: Essay) -> None:
    appeal(student, essay)
    answer = appeal(student, essay)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert "already" in answer.get_json()["detail"]


def test_what_has_no_grade_that_is_seen_cannot_be_appealed(
    student: FlaskClient, teacher: FlaskClient, school: School
) -> None:
    held_back = make_assignment(school.school_class, release=Release.on_release)
    waiting = make_essay(school.student, school.assignment, state=EssayState.needs_review)
    for essay in (waiting, make_essay(school.student, held_back, state=EssayState.graded)):
        answer = appeal(student, essay)
        assert answer.status_code == 409
        assert "no grade yet" in answer.get_json()["detail"]
        assert not shown(student, essay)["open_to_appeal"]


def test_until_the_stated_day(student: FlaskClient, school: School) -> None:
    for until, status in ((now() + timedelta(hours=1), 201), (now() - timedelta(hours=1), 409)):
        assignment = make_assignment(school.school_class, appeal_until=until)
        essay = make_essay(school.student, assignment, state=EssayState.graded)
        assert shown(student, essay)["open_to_appeal"] is (status == 201)
        assert appeal(student, essay).status_code == status


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " \n"}, {"reason": "x" * 5001}, {"reason": "a\0"}, {"reason": 1}]
)
def test_a_reason_is_needed(student: FlaskClient, essay: Essay, body: dict[str, Any]) -> None:
    answer = appeal(student, essay, body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == ["reason"]


def test_the_answer_goes_when_the_grade_is_hidden_again(
    student: FlaskClient, teacher: FlaskClient, school: School
) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    appeal(student, essay)
    grade(teacher, essay, comment="You are right.")
    assignment = teacher.get(f"/api/v1/assignments/{school.assignment.id}").get_json()
    wanted = {name: assignment[name] for name in ("title", "prompt", "language", "rubric")}
    teacher.put(f"/api/v1/assignments/{school.assignment.id}", json=wanted | {"release": "on_release"})
    assert shown(student, essay)["appeal"] is None
    assert student.get(f"{ESSAYS}/{essay.id}/history").get_json()["appeals"] == []
    assert shown(teacher, essay)["appeal"]["answer"] == "You are right."


# --- a teacher's grade from what a model proposed --------------------------------------------------------------------


def test_a_proposal_is_taken_as_it_stands(teacher: FlaskClient, student: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.needs_review)
    proposal = make_grading(essay, school.assignment)
    assert student.get(f"{ESSAYS}/{essay.id}/history").get_json()["gradings"] == []
    answer = grade(teacher, essay, from_grading=str(proposal.id))
    assert answer.status_code == 201
    given = answer.get_json()
    assert (given["total"], given["source"], given["accepted"]) == (12.4, "teacher", True)
    assert given["criteria"] == proposal.criteria
    assert given["annotations"] == [{"found_by": "model"} | note for note in proposal.annotations]
    assert shown(student, essay)["grading"]["id"] == given["id"]
    assert [one["id"] for one in student.get(f"{ESSAYS}/{essay.id}/history").get_json()["gradings"]] == [given["id"]]


def test_a_grading_of_another_essay_is_none_of_this_one(teacher: FlaskClient, school: School, essay: Essay) -> None:
    other = make_essay(school.classmate, school.assignment, state=EssayState.graded)
    answer = grade(teacher, essay, from_grading=str(other.current_grading_id))
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "from_grading"


def test_a_decision_on_what_is_not_there_any_more_is_refused(
    teacher: FlaskClient, school: School, essay: Essay
) -> None:
    seen = {"grading_id": str(essay.current_grading_id), "appeal_id": None}
    assert grade(teacher, essay, seen=seen).status_code == 201
    again = grade(teacher, essay, seen=seen)
    assert again.status_code == 409
    assert "in the meantime" in again.get_json()["detail"]
    seen["grading_id"] = shown(teacher, essay)["grading"]["id"]
    make_appeal(essay, school.student)
    assert grade(teacher, essay, seen=seen).status_code == 409
    assert shown(teacher, essay)["appeal"]["answered_at"] is None
