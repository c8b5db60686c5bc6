"""grading/saving.py: when saving mode begins and ends, who is told, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from grading import notices, saving
from grading.costs.anomaly import Spending, Usual, Verdict
from models import Alert, Class, Notice, Role
from models.session import session
from tests.conftest import use_environment
from tests.factories import School, make_essay, make_school, make_user

RUNAWAY = Verdict(True, False, 5, Spending(4.0, 8), Usual(1.0, 0.01))
BETWEEN = Verdict(False, False, 60, Spending(2.0, 100), Usual(1.0, 0.01))
CALM = Verdict(False, True, 60, Spending(0.5, 50), Usual(1.0, 0.01))


@pytest.fixture
def school(database: None, redis: Any) -> School:
    made = make_school()
    make_essay(made.student, made.assignment)
    return made


def follow(verdict: Verdict) -> Alert | None:
    with session() as db:
        alert = saving.follow(db, verdict)
        db.commit()
        return alert


def is_on() -> bool:
    with session() as db:
        return saving.since(db) is not None


def throw(on: bool, by: Any = "ops@school.test") -> None:
    with session() as db:
        saving.turn_on(db, by, "the bill of last month") if on else saving.turn_off(db, by)
        db.commit()


def alerts() -> list[Alert]:
    with session() as db:
        return list(db.scalars(select(Alert).order_by(Alert.created_at)))


def told() -> set[tuple[Any, str]]:
    with session() as db:
        return {(notice.user_id, notice.kind) for notice in db.scalars(select(Notice))}


def later(by: timedelta) -> None:
    """Everything that happened is so much longer ago."""
    with session() as db:
        db.execute(update(Alert).values(created_at=Alert.created_at - by, ended_at=Alert.ended_at - by))
        db.commit()


class TestTheBeginning:
    def test_is_an_alert_that_says_why_and_closes_what_is_paid_for(self, school: School) -> None:
        assert follow(CALM) is None
        assert not is_on()
        assert follow(RUNAWAY)
        assert is_on()
        [alert] = alerts()
        assert (alert.kind, alert.actor, alert.ended_at) == (saving.SPENDING, saving.PIZHU, None)
        assert alert.reason == (
            "$4.00 in 5 minutes, where the mean hour costs $1.00 and 8 pieces of work explain $0.08"
        )
        assert alert.details["dollars"] == 4.0

    def test_is_told_once_an_incident_and_not_once_a_minute(self, school: School) -> None:
        follow(RUNAWAY)
        assert [follow(RUNAWAY), follow(BETWEEN), follow(RUNAWAY)] == [None] * 3
        assert len(alerts()) == 1

    def test_tells_ops_and_with_a_provider_the_teachers_whose_classes_it_touches(self, school: School) -> None:
        with use_environment({"OPENAI_API_KEY": "sk-test"}):
            follow(RUNAWAY)
        assert told() == {(school.ops.id, "spending"), (school.teacher.id, "saving")}

    def test_touches_no_class_where_nothing_is_paid_by_the_token(self, school: School) -> None:
        with use_environment({"OPENAI_API_KEY": "", "PIZHU_OPENAI_BASE_URL": ""}):
            follow(RUNAWAY)
        assert told() == {(school.ops.id, "spending")}


class TestTheWayBack:
    def test_is_open_after_half_an_hour_of_which_the_end_is_calm(self, school: School) -> None:
        follow(RUNAWAY)
        later(timedelta(minutes=29))
        assert follow(CALM) is None
        later(timedelta(minutes=2))
        assert follow(BETWEEN) is None
        assert is_on()
        ended = follow(CALM)
        assert ended
        assert not is_on()
        [alert] = alerts()
        assert alert.ended_at
        assert alert.saving_ended_by == saving.PIZHU
        assert (school.ops.id, "saving_over") in told()

    def test_takes_twice_as_long_for_each_incident_of_the_last_day(self, school: School) -> None:
        for minutes in (30, 60, 120):
            follow(RUNAWAY)
            later(timedelta(minutes=minutes - 1))
            assert follow(CALM) is None, minutes
            later(timedelta(minutes=2))
            assert follow(CALM), minutes
        later(timedelta(days=2))
        follow(RUNAWAY)
        later(timedelta(minutes=31))
        assert follow(CALM)

    def test_by_hand_holds_while_the_incident_goes_on(self, school: School) -> None:
        follow(RUNAWAY)
        throw(False)
        assert not is_on()
        assert follow(RUNAWAY) is None
        assert not is_on(), "whoever opened it again has seen the alert"
        [alert] = alerts()
        assert (alert.ended_at, alert.saving_ended_by) == (None, "ops@school.test")
        later(timedelta(hours=1))
        follow(CALM)
        assert follow(RUNAWAY), "the next incident is another"
        assert is_on()


class TestByHand:
    def test_it_lasts_until_a_hand_ends_it_and_who_and_why_is_kept(self, school: School) -> None:
        throw(True, school.ops)
        later(timedelta(days=3))
        follow(CALM)
        assert is_on()
        throw(False, school.ops)
        assert not is_on()
        [alert] = alerts()
        assert (alert.kind, alert.actor, alert.reason) == (
            saving.BY_HAND,
            school.ops.email,
            "the bill of last month",
        )
        assert alert.ended_at
        assert alert.saving_ended_by == school.ops.email

    def test_it_outlasts_an_incident_that_came_meanwhile(self, school: School) -> None:
        throw(True)
        follow(RUNAWAY)
        later(timedelta(hours=2))
        assert follow(CALM)
        assert is_on()

    def test_twice_is_once(self, school: School) -> None:
        throw(True)
        throw(True)
        assert len(alerts()) == 1
        throw(False)
        throw(False)
        assert not is_on()


def test_a_class_that_ops_pay_for_goes_on(school: School) -> None:
    with session() as db:
        assert not saving.closes(db, school.school_class.id)
    throw(True)
    with session() as db:
        db.execute(update(Class).where(Class.id == school.school_class.id).values(pays_while_saving=True))
        assert not saving.closes(db, school.school_class.id)
        assert saving.closes(db, school.other_class.id)
        assert saving.closes(db, None)


def test_notices_are_left_for_whoever_commits(school: School) -> None:
    second = make_user(Role.ops)
    with session() as db:
        saving.turn_on(db, "a test", "why not")
        assert {notice.user_id for notice in notices.left(db) if notice.kind == "saving"} >= {school.ops.id, second.id}
