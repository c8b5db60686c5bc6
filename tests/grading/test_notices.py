from __future__ import annotations

from sqlalchemy.orm import Session

from grading import lifecycle, notices
from models import EssayState, Release, Role
from models.base import now
from models.session import session
from tests.factories import School, a_grading, make_assignment, make_essay, make_user
from tests.grading.states import claim, new, told


class TestNotices:
    def test_those_left_in_a_session_are_handed_out_once(self, school: School, db: Session) -> None:
        lifecycle.complete(db, claim(db, new(school, EssayState.queued)), a_grading(school.assignment))
        db.commit()
        assert [notice.user_id for notice in notices.left(db)] == [school.student.id]
        assert notices.left(db) == []

    def test_a_student_learns_of_a_held_grade_when_it_may_be_seen_and_only_once(self, school: School) -> None:
        held = make_assignment(school.school_class, release=Release.on_release)
        essay = make_essay(school.student, held, state=EssayState.graded)
        with session() as db:
            assert told(db, essay.id) == set()
            assert notices.leave_released(db) == []
            held.release_at = now()
            db.merge(held)
            db.commit()
            assert [(notice.user_id, notice.kind) for notice in notices.leave_released(db)] == [
                (school.student.id, "graded")
            ]
            db.commit()
            assert notices.leave_released(db) == []

    def test_that_a_person_is_needed_is_no_secret_even_where_grades_are_held(self, school: School) -> None:
        held = make_assignment(school.school_class, release=Release.on_release)
        essay = make_essay(school.student, held, state=EssayState.needs_review)
        with session() as db:
            assert (school.student.id, "needs_review") in told(db, essay.id)

    def test_teachers_of_another_class_learn_nothing(self, school: School, db: Session) -> None:
        make_user(Role.teacher, school.other_class)
        essay_id = new(school)
        lifecycle.give_to_teacher(db, essay_id, "because")
        db.commit()
        assert {reader for reader, _ in told(db, essay_id)} == {school.student.id, school.teacher.id}
