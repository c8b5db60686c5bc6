from __future__ import annotations

import uuid

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from models import Appeal, Essay, EssayState
from models.base import now
from models.session import session
from tests.factories import School, make_appeal, make_essay, make_school


@pytest.fixture
def school(database: None) -> School:
    return make_school()


def test_of_an_essay_one_appeal_is_open_and_any_number_answered(school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    first = make_appeal(essay, school.student)

    def another() -> Appeal:
        return Appeal(
            id=uuid.uuid4(),
            essay_id=essay.id,
            student_id=school.student.id,
            grading_id=first.grading_id,
            reason="And again.",
        )

    with session() as db:
        db.add(another())
        with pytest.raises(IntegrityError, match="uq_appeals_open"):
            db.commit()
    with session() as db:
        db.get_one(Appeal, first.id).answered_at = now()
        db.flush()
        db.add(another())
        db.commit()


def test_an_appeal_goes_with_its_essay(school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    make_appeal(essay, school.student)
    with session() as db:
        db.execute(delete(Essay).where(Essay.id == essay.id))
        db.commit()
        assert db.query(Appeal).count() == 0
