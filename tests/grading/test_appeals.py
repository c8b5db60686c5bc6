"""grading/lifecycle.py: a student's appeal, and the grade that answers it."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from grading import lifecycle, notices
from grading.lifecycle import NotAllowed, Outdated, Seen
from models import Appeal, Assignment, Essay, EssayState, EssayTransition, Grading, Notice, Release, Role
from models.base import now
from models.session import session
from tests.factories import School, a_grading, make_appeal, make_essay, make_user


@pytest.fixture
def essay(school: School) -> Essay:
    return make_essay(school.student, school.assignment, state=EssayState.graded)


def set_assignment(school: School, **columns: object) -> None:
    with session() as own:
        own.execute(update(Assignment).where(Assignment.id == school.assignment.id).values(columns))
        own.commit()


def answer(db: Session, school: School, essay: Essay, comment: str | None = None, seen: Seen | None = None) -> Grading:
    grading = a_grading(school.assignment)
    grading.total, grading.comment = Decimal(15), comment
    return lifecycle.override(db, essay.id, db.merge(school.teacher), grading, seen)


def told(db: Session, essay: Essay) -> list[tuple[uuid.UUID, str]]:
    """Who was told what of the essay, in order."""
    found = db.scalars(select(Notice).filter_by(essay_id=essay.id).order_by(Notice.created_at, Notice.kind))
    return [(notice.user_id, notice.kind) for notice in found]


class TestAppealing:
    def test_the_grade_stands_and_every_teacher_of_the_class_is_told(
        self, school: School, db: Session, essay: Essay
    ) -> None:
        second = make_user(Role.teacher, school.school_class)
        notices.left(db)
        made = lifecycle.appeal(db, essay.id, school.student, "I did say why.")
        left = notices.left(db)
        db.commit()
        found = db.get_one(Essay, essay.id)
        assert (found.state, found.current_grading_id) == (EssayState.graded, essay.current_grading_id)
        assert (made.grading_id, made.is_open) == (essay.current_grading_id, True)
        assert {(one.user_id, one.kind) for one in left} == {(school.teacher.id, "appeal"), (second.id, "appeal")}

    def test_it_is_in_the_record(self, school: School, db: Session, essay: Essay) -> None:
        make_appeal(essay, school.student)
        last = db.scalars(select(EssayTransition).order_by(EssayTransition.id.desc())).first()
        assert last is not None
        assert (last.before, last.after, last.actor) == (EssayState.graded, EssayState.graded, school.student.email)
        assert last.reason == "the student appeals"

    def test_a_second_one_waits_for_the_answer_to_the_first(self, school: School, db: Session, essay: Essay) -> None:
        make_appeal(essay, school.student)
        with pytest.raises(NotAllowed, match="already"):
            lifecycle.appeal(db, essay.id, school.student, "Again.")
        answer(db, school, essay)
        db.commit()
        assert lifecycle.appeal(db, essay.id, school.student, "Again.").is_open

    def test_of_many_at_the_same_moment_one_is_made(self, school: School, db: Session, essay: Essay) -> None:
        together, refused = threading.Barrier(6), []

        def ask() -> None:
            together.wait()
            with session() as own:
                try:
                    lifecycle.appeal(own, essay.id, school.student, "I did say why.")
                    own.commit()
                except NotAllowed as error:
                    refused.append(str(error))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 5
        assert len(db.scalars(select(Appeal)).all()) == 1
        assert [kind for _, kind in told(db, essay)] == ["graded", "appeal"]

    @pytest.mark.parametrize("state", [state for state in EssayState if state is not EssayState.graded])
    def test_what_has_no_grade_cannot_be_appealed(self, school: School, db: Session, state: EssayState) -> None:
        other = make_essay(school.student, school.assignment, state=state)
        with pytest.raises(NotAllowed, match="no grade yet"):
            lifecycle.appeal(db, other.id, school.student, "Why?")

    def test_what_is_not_seen_cannot_be_appealed(self, school: School, db: Session, essay: Essay) -> None:
        set_assignment(school, release=Release.on_release)
        with pytest.raises(NotAllowed, match="no grade yet"):
            lifecycle.appeal(db, essay.id, school.student, "Why?")

    def test_when_the_time_is_over_it_is_over(self, school: School, db: Session, essay: Essay) -> None:
        set_assignment(school, appeal_until=now() - timedelta(seconds=1))
        with pytest.raises(NotAllowed, match="is over"):
            lifecycle.appeal(db, essay.id, school.student, "Why?")


class TestAnswering:
    def test_a_teachers_grade_answers_it_and_the_student_is_told_once(
        self, school: School, db: Session, essay: Essay
    ) -> None:
        made = make_appeal(essay, school.student)
        grading = answer(db, school, essay, "You are right.")
        db.commit()
        db.expire_all()
        found = db.get_one(Appeal, made.id)
        assert not found.is_open
        assert (found.answer, found.answered_by_id) == ("You are right.", school.teacher.id)
        assert (found.grading_id, found.grading_id_after) == (essay.current_grading_id, grading.id)
        assert db.get_one(Essay, essay.id).current_grading_id == grading.id
        assert told(db, essay) == [
            (school.student.id, "graded"),
            (school.teacher.id, "appeal"),
            (school.student.id, "appeal_answered"),
        ]

    def test_without_an_appeal_it_is_a_regrade_as_ever(self, school: School, db: Session, essay: Essay) -> None:
        answer(db, school, essay)
        assert told(db, essay)[-1] == (school.student.id, "regraded")

    def test_nothing_is_answered_when_the_transaction_fails(self, school: School, db: Session, essay: Essay) -> None:
        made = make_appeal(essay, school.student)
        answer(db, school, essay)
        db.rollback()
        found = db.get_one(Appeal, made.id)
        assert found.is_open
        assert found.grading_id_after is None

    def test_a_decision_on_what_was_seen_stands(self, school: School, db: Session, essay: Essay) -> None:
        made = make_appeal(essay, school.student)
        answer(db, school, essay, seen=Seen(essay.current_grading_id, made.id))

    def test_a_decision_on_a_former_grade_is_refused(self, school: School, db: Session, essay: Essay) -> None:
        seen = Seen(essay.current_grading_id, None)
        answer(db, school, essay, seen=seen)
        db.commit()
        with pytest.raises(Outdated):
            answer(db, school, essay, seen=seen)

    def test_an_appeal_that_the_teacher_has_not_seen_is_not_answered(
        self, school: School, db: Session, essay: Essay
    ) -> None:
        made = make_appeal(essay, school.student)
        with pytest.raises(Outdated):
            answer(db, school, essay, seen=Seen(essay.current_grading_id, None))
        db.rollback()
        assert db.get_one(Appeal, made.id).is_open
