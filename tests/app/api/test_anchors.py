"""What the API lets teachers and ops say about anchors."""

from __future__ import annotations

from datetime import datetime
from unittest.mock import ANY

from sqlalchemy import select, update

from grading import anchors
from grading.sentinel import ANCHORS, FROM
from models import Anchor, Assignment, Essay, EssayState, Grading
from models.base import now
from models.session import session
from tests.app.conftest import Clients
from tests.factories import TEXT, School, make_assignment, make_essay


def graded(school: School, number: int = 0) -> Essay:
    """An essay that the local tier has graded."""
    essay = make_essay(school.student, school.assignment, f"{TEXT} {number}", EssayState.graded)
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == essay.id).values(tier="local"))
        db.commit()
    return essay


def address(essay: Essay) -> str:
    return f"/api/v1/essays/{essay.id}/anchor"


def test_a_teacher_keeps_one_and_takes_it_back_and_twice_is_no_error(school: School, client: Clients) -> None:
    essay, teacher = graded(school), client(school.teacher)
    today = now().date().isoformat()
    kept = [{"essay_id": str(essay.id), "kept": True, "since": today, "kept_by": school.teacher.email, "kept_at": ANY}]
    listing = f"/api/v1/assignments/{school.assignment.id}/anchors"
    assert teacher.get(listing).get_json()["items"] == []
    for _ in range(2):
        answer = teacher.put(address(essay))
        assert (answer.status_code, answer.get_json()["items"]) == (200, kept)
    assert client(school.ops).get(listing).get_json()["items"] == kept
    for _ in range(2):
        answer = teacher.delete(address(essay))
        assert (answer.status_code, answer.get_json()["items"]) == (200, [])
    assert teacher.put(address(essay)).get_json()["items"] == kept


def test_ops_keep_one_without_reading_it_and_nobody_else_does(school: School, client: Clients) -> None:
    essay = graded(school)
    assert client(school.ops).get(f"/api/v1/essays/{essay.id}").status_code == 404
    assert client(school.ops).put(address(essay)).status_code == 200
    for who, status in ((school.student, 403), (school.classmate, 404), (school.other_teacher, 404)):
        assert client(who).delete(address(essay)).status_code == status
    with session() as db:
        assert [anchor.retired_at for anchor in db.scalars(select(Anchor))] == [None]


def test_an_essay_that_no_model_has_graded_by_the_rubric_in_use_is_refused(school: School, client: Clients) -> None:
    waiting, before = make_essay(school.student, school.assignment), graded(school)
    other = make_assignment(school.school_class)
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == before.id).values(rubric_id=other.rubric_id))
        db.commit()
    for essay in (waiting, before):
        answer = client(school.teacher).put(address(essay))
        assert answer.status_code == 409
        assert "by the rubric in use" in answer.get_json()["detail"]


def test_one_too_many_is_refused_and_says_how_many_there_may_be(school: School, client: Clients) -> None:
    teacher = client(school.teacher)
    first, *others = [graded(school, number) for number in range(ANCHORS + 1)]
    for essay in others:
        assert teacher.put(address(essay)).status_code == 200
    refused = teacher.put(address(first))
    assert refused.status_code == 409
    assert f"People keep {ANCHORS} anchors of this assignment already" in refused.get_json()["detail"]
    teacher.delete(address(others[0]))
    assert teacher.put(address(first)).status_code == 200


def test_who_has_kept_and_dismissed_it_and_when_is_told_the_latest_first(school: School, client: Clients) -> None:
    essay, began = graded(school), now()
    client(school.teacher).put(address(essay))
    client(school.ops).delete(address(essay))
    client(school.ops).delete(address(essay))
    client(school.ops).put(address(essay))
    said = client(school.teacher).get(address(essay)).get_json()["items"]
    assert [(one["keep"], one["by"]) for one in said] == [
        (True, school.ops.email),
        (False, school.ops.email),
        (True, school.teacher.email),
    ]
    times = [began, *(datetime.fromisoformat(one["at"]) for one in reversed(said)), now()]
    assert times == sorted(times)


def test_one_that_was_kept_by_another_rubric_has_not_been_dismissed(school: School, client: Clients) -> None:
    """Back at its rubric, it may be chosen automatically like any other."""
    essay = graded(school)
    client(school.teacher).put(address(essay))
    others, mine = make_assignment(school.school_class).rubric_id, school.assignment.rubric_id
    for rubric in (others, mine):
        with session() as db:
            assignment = db.get_one(Assignment, school.assignment.id)
            assignment.rubric_id = rubric
            db.flush()
            anchors.appoint(db, assignment)
            db.commit()
    with session() as db:
        assert anchors.dismissed_of(db, db.get_one(Assignment, school.assignment.id)) == []
    for number in range(1, FROM):
        graded(school, number)
    with session() as db:  # two by two in the order of marks, and of each two the better: the best is one of them
        db.execute(update(Grading).where(Grading.essay_id != essay.id).values(total=0))
        chosen = anchors.appoint(db, db.get_one(Assignment, school.assignment.id))
    assert essay.id in {anchor.essay_id for anchor in chosen}
