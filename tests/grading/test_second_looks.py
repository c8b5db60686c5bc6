"""A correction and the essays that it touches, in the database; pages and API are tested in tests/app."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select, update

from grading import lifecycle, marks, second_looks
from models import Assignment, Essay, EssayState, Grading, SecondLook
from models.session import session
from tests.factories import School, a_grading, make_appeal, make_assignment, make_essay, make_grading, make_school


@pytest.fixture
def school(database: None) -> School:
    return make_school()


def graded(school: School, assignment: Assignment | None = None) -> Essay:
    return make_essay(school.student, assignment or school.assignment, state=EssayState.graded)


def correct(school: School, essay: Essay, total: float) -> int:
    """The teacher gives that total; how many essays it touches."""
    with session() as db:
        grading = a_grading(db.get_one(Assignment, essay.assignment_id))
        grading.total, grading.model = Decimal(str(total)), None
        lifecycle.override(db, essay.id, db.merge(school.teacher), grading)
        count = second_looks.ask(db, grading)
        db.commit()
        return count


def open_looks() -> set[str]:
    with session() as db:
        looks = select(SecondLook.essay_id).join(Essay, Essay.id == SecondLook.essay_id).where(second_looks.is_open())
        return {str(essay_id) for essay_id in db.scalars(looks)}


@pytest.mark.parametrize(
    ("tolerance", "total", "touches"),
    [(None, 8.5, 0), (None, 8.3, 1), (2, 14.4, 0), (2, 14.5, 1), (Decimal("0.1"), 12, 1)],
)
def test_a_correction_beyond_the_tolerance_or_a_level_touches_others(
    school: School, tolerance: float | None, total: float, touches: int
) -> None:
    """The model gave 12.4 of 20, of which a level is 4."""
    assignment = make_assignment(school.school_class, tolerance=tolerance)
    essay, _ = graded(school, assignment), graded(school, assignment)
    assert correct(school, essay, total) == touches


def test_only_grades_of_the_same_model_by_the_same_rubric_for_the_same_assignment_are_touched(school: School) -> None:
    essay, alike = graded(school), graded(school)
    graded(school, make_assignment(school.school_class))
    other_model, marked = graded(school), graded(school)
    make_essay(school.student, school.assignment, state=EssayState.needs_review)
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == other_model.id).values(model="another"))
        db.commit()
    correct(school, marked, 12.4)
    assert correct(school, essay, 4) == 1
    assert open_looks() == {str(alike.id)}


def test_a_grade_that_was_not_trusted_is_corrected_too(school: School) -> None:
    graded(school)
    essay = make_essay(school.classmate, school.assignment, state=EssayState.needs_review)
    assert correct(school, essay, 4) == 0  # no model had said anything
    make_grading(essay, school.assignment)
    assert correct(school, essay, 4) == 1


def test_looking_settles_it_and_a_later_grade_of_the_corrected_essay_replaces_it(school: School) -> None:
    essay, first, second = graded(school), graded(school), graded(school)
    assert correct(school, essay, 4) == 2
    assert correct(school, first, 12.4) == 0
    assert open_looks() == {str(second.id)}
    with session() as db:
        assert second_looks.touched(db, essay.id) == 1
    correct(school, essay, 12.4)
    assert open_looks() == set()


def test_the_state_and_the_grade_of_what_is_touched_stay(school: School) -> None:
    essay, touched = graded(school), graded(school)
    correct(school, essay, 4)
    with session() as db:
        now = db.get_one(Essay, touched.id)
        assert (now.state, now.current_grading_id) == (EssayState.graded, touched.current_grading_id)
        assert len(now.gradings) == 1
        assert [change.after.value for change in now.transitions] == ["submitted", "queued", "grading", "graded"]


def test_a_settled_appeal_is_a_mark_that_calibration_learns_from(school: School) -> None:
    essay, other = graded(school), graded(school)
    make_appeal(essay, school.student)
    assert correct(school, essay, 18) == 1
    with session() as db:
        learned = marks.marked(db, db.get_one(Assignment, school.assignment.id))
        assert db.get_one(Essay, essay.id).appeals[0].grading_id_after == db.get_one(Essay, essay.id).current_grading_id
    assert learned.marks == {str(essay.id): 18.0}
    assert open_looks() == {str(other.id)}
