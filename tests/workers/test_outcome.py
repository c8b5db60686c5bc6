from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload

from grading import lifecycle, progress
from grading.grader import Grade, grade, unobserved
from grading.lifecycle import Claim
from models import Assignment, Essay, EssayState, Grading, Notice, User
from models.session import session
from tests.doubles.engine import InstantEngine
from tests.factories import TEXT, make_essay, make_school
from workers import outcome
from workers.outcome import Opinion
from workers.turn import take, task_of


@pytest.fixture
def claimed(database: None, redis: Redis) -> tuple[Claim, Essay]:
    school = make_school()
    taken = take(make_essay(school.student, school.assignment, state=EssayState.queued).id, "local")
    assert taken
    return taken


def a_grade(assignment: Assignment) -> Grade:
    return grade(
        TEXT,
        task_of(assignment),
        InstantEngine(),
        request_id="r",
        secret="s",
        on_progress=lambda field, text: None,
        cancelled=threading.Event(),
        deadline=10,
        on_call=unobserved,
    )


def kept(essay: Essay) -> Essay:
    with session() as db:
        return db.scalars(select(Essay).filter_by(id=essay.id).options(joinedload(Essay.gradings))).unique().one()


def last_event(essay: Essay) -> Any:
    *_, last = iter(progress.follow(essay.id, wait=0.01).__next__, None)
    return last


class Answerless(Session):
    """A session whose first commit takes effect, or does not, and whose answer is lost."""

    def __init__(self, *arguments: Any, takes_effect: bool, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.takes_effect = takes_effect

    def commit(self) -> None:
        if self.takes_effect:
            super().commit()
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


@pytest.fixture(params=[True, False], ids=["took effect", "took none"])
def lost_answer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first commit's answer is lost; counts the sessions that were opened."""
    opened: list[int] = []

    @contextmanager
    def broken_once() -> Iterator[Session]:
        opened.append(1)
        if len(opened) == 1:
            with session() as real, Answerless(real.get_bind(), takes_effect=request.param) as db:
                yield db
        else:
            with session() as db:
                yield db

    monkeypatch.setattr(outcome, "session", broken_once)
    return opened


class TestFinishing:
    def test_a_grade_outlives_a_lost_answer_of_the_database_and_is_stored_once(
        self, claimed: tuple[Claim, Essay], lost_answer: list[int]
    ) -> None:
        claim, essay = claimed
        outcome.finish(claim, essay, Opinion(a_grade(essay.assignment), "local", ()))
        found = kept(essay)
        assert len(lost_answer) == 2
        assert found.state is EssayState.graded
        assert [grading.id for grading in found.gradings] == [found.current_grading_id]
        event = last_event(essay)
        assert (event.type, event.data["grading_id"]) == ("graded", str(found.current_grading_id))

    def test_a_late_grade_is_dropped_and_nobody_is_told(self, claimed: tuple[Claim, Essay]) -> None:
        claim, essay = claimed
        with session() as db:
            lifecycle.release(db, claim, "taken away")
            db.commit()
        outcome.finish(claim, essay, Opinion(a_grade(essay.assignment), "local", ()))
        assert kept(essay).state is EssayState.queued
        assert kept(essay).gradings == []
        assert next(progress.follow(essay.id, wait=0.01)) is None

    def test_points_are_kept_to_the_cent(self, claimed: tuple[Claim, Essay]) -> None:
        claim, essay = claimed
        result = a_grade(essay.assignment)
        outcome.finish(claim, essay, Opinion(result, "local", ()))
        with session() as db:
            grading = db.scalars(select(Grading)).one()
        assert (grading.total, grading.max) == (result.total, result.max)


class TestGivingUp:
    def test_outlives_a_lost_answer_too(self, claimed: tuple[Claim, Essay], lost_answer: list[int]) -> None:
        claim, essay = claimed
        outcome.give_up(claim, essay, "no grade came")
        found = kept(essay)
        assert (found.state, found.reason) == (EssayState.needs_review, "no grade came")
        assert last_event(essay).data["reason"] == "no grade came"
        with session() as db:
            assert len(db.scalars(select(Notice)).all()) == 2  # the student's and the teacher's, once each

    def test_comes_to_nothing_when_the_claim_is_lost(self, claimed: tuple[Claim, Essay]) -> None:
        claim, essay = claimed
        with session() as db:
            lifecycle.release(db, claim, "taken away")
            db.commit()
        outcome.give_up(claim, essay, "no grade came")
        assert kept(essay).state is EssayState.queued


class TestGivingBack:
    def test_puts_the_essay_in_its_queue_again(self, claimed: tuple[Claim, Essay]) -> None:
        claim, essay = claimed
        outcome.give_back(claim, essay)
        assert (kept(essay).state, kept(essay).queue) == (EssayState.queued, "local")
        assert last_event(essay).data == {"status": "queued", "queue": "local"}

    def test_leaves_a_cancelled_essay_cancelled(self, claimed: tuple[Claim, Essay]) -> None:
        claim, essay = claimed
        with session() as db:
            lifecycle.cancel(db, essay.id, db.get_one(User, essay.student_id))
            db.commit()
        outcome.give_back(claim, essay)
        assert kept(essay).state is EssayState.cancelled
        assert next(progress.follow(essay.id, wait=0.01)) is None

    def test_leaves_the_rest_to_the_lease_when_the_database_is_away(
        self, claimed: tuple[Claim, Essay], lost_answer: list[int]
    ) -> None:
        outcome.give_back(*claimed)
        assert len(lost_answer) == 1
