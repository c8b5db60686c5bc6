from __future__ import annotations

import json
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from redis import Redis
from sqlalchemy import delete, select, update

from grading import lifecycle, progress, queues
from grading.costs import budget
from models import BudgetSpending, CostHour, Essay, EssayState, Period, Release
from models.base import now
from models.session import session
from tests.conftest import use_environment
from tests.factories import School, make_assignment, make_call, make_essay
from workers import upkeep
from workers.queue import enqueue, messages_waiting
from workers.upkeep import sweep


def kept(essay_id: uuid.UUID) -> Essay:
    with session() as db:
        return db.get_one(Essay, essay_id)


def lose_worker(school: School, times: int = 1) -> uuid.UUID:
    """An essay whose lease has run out, for the last of so many times."""
    essay = make_essay(school.student, school.assignment, state=EssayState.queued)
    with session() as db:
        for _ in range(times):
            lifecycle.expire_leases(db, max_attempts=times + 1)
            assert lifecycle.claim(db, essay.id, "local", -1)
        db.commit()
    return essay.id


def make_old() -> None:
    with session() as db:
        db.execute(update(Essay).values(enqueued_at=now() - timedelta(hours=1)))
        db.commit()


class TestLostWorkers:
    def test_their_essays_are_queued_again_told_to_the_broker_and_shown(self, school: School) -> None:
        essay_id = lose_worker(school)
        sweep()
        assert (kept(essay_id).state, kept(essay_id).attempts) == (EssayState.queued, 1)
        assert messages_waiting("local") == 1
        event = next(progress.follow(essay_id))
        assert event
        assert event.data["status"] == "queued"

    def test_after_the_last_attempt_student_and_teacher_are_told(self, school: School, redis: Redis) -> None:
        essay_id = lose_worker(school, times=3)
        with redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(progress.SOCKET_CHANNEL)
            channel.get_message(timeout=1)
            with use_environment({"PIZHU_MAX_ATTEMPTS": "3"}):
                sweep()
            heard = []
            while message := channel.get_message(timeout=0.5):
                heard.append(json.loads(message["data"]))
        assert kept(essay_id).state is EssayState.failed
        assert messages_waiting("local") == 0
        told = {(message["room"], message["event"]) for message in heard}
        student, teacher = progress.room(school.student.id), progress.room(school.teacher.id)
        assert told == {(student, "state"), (student, "notice"), (teacher, "notice")}


class TestLostMessages:
    def test_what_was_never_told_is_told_now(self, school: School) -> None:
        submitted = make_essay(school.student, school.assignment)
        queued = make_essay(school.student, school.assignment, state=EssayState.queued)
        with session() as db:
            queues.mark_untold(db, [submitted.id, queued.id])
            db.commit()
        sweep()
        sweep()
        assert (messages_waiting("triage"), messages_waiting("local")) == (1, 1)

    def test_what_the_broker_has_forgotten_is_told_again(self, school: School) -> None:
        make_essay(school.student, school.assignment)
        sweep()
        assert messages_waiting("triage") == 0, "it may still be on its way"
        make_old()
        sweep()
        assert messages_waiting("triage") == 1

    def test_a_queue_that_is_merely_long_is_not_told_again(self, school: School) -> None:
        essay = make_essay(school.student, school.assignment)
        enqueue("triage", [essay.id])
        make_old()
        sweep()
        assert messages_waiting("triage") == 1

    def test_a_broker_that_is_down_is_tried_again_next_time(self, school: School) -> None:
        essay = make_essay(school.student, school.assignment)
        make_old()
        with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
            sweep()
        assert messages_waiting("triage") == 0
        sweep()
        assert messages_waiting("triage") == 1
        assert kept(essay.id).state is EssayState.submitted

    def test_leases_are_looked_after_even_while_the_broker_is_down(self, school: School) -> None:
        essay_id = lose_worker(school)
        with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
            sweep()
        assert kept(essay_id).state is EssayState.queued
        sweep()
        assert messages_waiting("local") == 1


def test_a_database_that_is_down_is_no_error(servers: None, redis: Redis) -> None:
    with use_environment({"PIZHU_DATABASE_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/nothing"}):
        sweep()


def test_one_step_that_fails_keeps_no_other_from_its_turn(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep.lifecycle, "expire_leases", lambda *_: 1 / 0)
    essay = make_essay(school.student, school.assignment)
    with session() as db:
        queues.mark_untold(db, [essay.id])
        db.commit()
    sweep()
    assert messages_waiting("triage") == 1


def test_a_grade_whose_day_has_come_is_told_to_its_student(school: School, redis: Redis) -> None:
    tomorrow = make_assignment(school.school_class, release=Release.from_date, release_at=now() + timedelta(days=1))
    make_essay(school.student, tomorrow, state=EssayState.graded)
    with redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(progress.SOCKET_CHANNEL)
        channel.get_message(timeout=1)
        sweep()
        assert channel.get_message(timeout=0.5) is None
        with session() as db:
            db.merge(tomorrow).release_at = now()
            db.commit()
        sweep()
        message = channel.get_message(timeout=5)
    assert message
    assert json.loads(message["data"])["room"] == progress.room(school.student.id)


def test_sums_that_nobody_looks_at_any_more_are_dropped(school: School) -> None:
    with session() as db:
        row = budget.put(db, "platform", None, Period.day, soft=None, hard=Decimal(1))
        days = [now().date() - timedelta(days=ago) for ago in (0, 100)]
        db.execute(delete(BudgetSpending))
        for day in days:
            db.add(BudgetSpending(budget_id=row.id, subject=budget.PLATFORM, starts_on=day, spent_usd=Decimal(1)))
        db.commit()
    make_call(now() - timedelta(hours=2))
    upkeep.roll_up()
    with session() as db:
        db.execute(update(CostHour).values(hour=CostHour.hour - timedelta(days=4 * 366)))
        db.commit()
    upkeep.forget()
    with session() as db:
        assert db.scalars(select(BudgetSpending.starts_on)).all() == days[:1]
        assert db.scalars(select(CostHour)).all() == []
