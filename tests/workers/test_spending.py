"""workers/spending.py: the ledger is watched, and a loop in it is found."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from grading import saving
from grading.costs import spending
from grading.costs.repeats import MOST
from models import Alert, CallOutcome, LlmCall, Notice
from models.base import now
from models.session import session
from tests.factories import School, make_user
from workers import spending as watching
from workers.spending import judge, watch

PER_HOUR, PIECE = 10, Decimal("0.02")
ESSAY, CLAIM = uuid.uuid4(), uuid.uuid4().hex


@pytest.fixture
def history(school: School) -> Iterator[list[uuid.UUID]]:
    """Three days of ten pieces of work an hour, each of another student; these."""
    watching._hours.clear()
    students = [make_user().id for _ in range(PER_HOUR)]
    begin = spending.full_hour(now()) - timedelta(hours=72)
    add(
        [
            (begin + timedelta(hours=hour, minutes=6 * each), who)
            for hour in range(72)
            for each, who in enumerate(students)
        ]
    )
    yield students
    watching._hours.clear()


def add(calls: list[tuple[Any, uuid.UUID]], cost: Decimal | None = PIECE, **columns: Any) -> None:
    with session() as db:
        db.add_all(
            LlmCall(
                tier="large",
                model="gpt-4.1",
                engine_version="a test",
                prompt_version="grade/en/v1",
                price={},
                **{
                    "request_id": f"{uuid.uuid4()}.{uuid.uuid4().hex}",
                    "feature": "grade",
                    "cost": cost,
                    "estimated_cost": cost,
                    "started_at": at,
                    "finished_at": at,
                    "user_id": user,
                    **columns,
                },
            )
            for at, user in calls
        )
        db.commit()


def alerts() -> list[Alert]:
    with session() as db:
        return list(db.scalars(select(Alert)))


def test_a_loop_is_an_alert_a_notice_to_ops_and_saving_mode_and_just_one(
    school: School, history: list[uuid.UUID]
) -> None:
    watch()
    assert alerts() == []
    add([(now() - timedelta(seconds=each), history[0]) for each in range(60)])
    watch()
    watch()
    [alert] = alerts()
    assert alert.kind == saving.SPENDING
    with session() as db:
        assert saving.since(db)
        assert db.scalars(select(Notice.kind).where(Notice.user_id == school.ops.id)).all() == ["spending"]


def attempts(student: uuid.UUID, first: int, count: int, **columns: Any) -> None:
    """Calls for one reply, half a minute apart, of which the last begins now; their numbers go on from `first`."""
    for number in range(count):
        began = now() - timedelta(seconds=30 * (count - 1 - number))
        named = {"request_id": f"{ESSAY}.{CLAIM}.a{first + number}", "finished_at": began + timedelta(seconds=30)}
        add([(began, student)], **{"cost": Decimal("0.00001"), **named, **columns})


def test_what_is_asked_for_again_and_again_is_found_though_it_costs_nothing_to_speak_of(school: School) -> None:
    student = school.student.id
    attempts(student, 1, MOST)
    attempts(student, 10, MOST, cost=Decimal(0))  # refused, or our own machine's, whose hours cost nothing
    attempts(student, 14, 1, outcome=CallOutcome.retried)  # the provider broke off, and charges for that
    attempts(student, 15, 1, outcome=CallOutcome.failed)
    watch()
    assert alerts() == []
    attempts(student, 20, 1, cost=None, finished_at=None, estimated_cost=Decimal("0.01"))  # still under way
    watch()
    [alert] = alerts()
    assert alert.reason == (
        f"5 attempts at one reply in 15 minutes, where no work needs more than 4 ({ESSAY}); "
        "$0.000030 were spent on all work"
    )
    assert alert.details["repeat"] == {"times": 5, "what": "attempts at one reply", "subject": str(ESSAY)}


def test_what_was_asked_for_a_quarter_of_an_hour_ago_is_no_loop_now(school: School) -> None:
    attempts(school.student.id, 1, MOST)
    with session() as db:
        db.execute(update(LlmCall).values(started_at=LlmCall.started_at - timedelta(minutes=15)))
        db.commit()
    attempts(school.student.id, 20, MOST)
    watch()
    assert alerts() == []


def test_as_much_money_for_as_much_work_is_none(school: School, history: list[uuid.UUID]) -> None:
    add([(now() - timedelta(seconds=each), make_user().id) for each in range(60)])
    watch()
    assert alerts() == []


def test_what_is_under_way_costs_nothing_yet(school: School, history: list[uuid.UUID]) -> None:
    add([(now(), history[0])] * 60, cost=PIECE, finished_at=None)
    watch()
    assert alerts() == []


def test_the_tested_hour_is_not_in_its_own_mean_and_hours_of_an_incident_are_in_none(
    school: School, history: list[uuid.UUID]
) -> None:
    with session() as db:
        usual = judge(db, now()).usual
    assert usual
    add([(now() - timedelta(seconds=each), history[0]) for each in range(60)])
    watch()
    with session() as db:
        assert judge(db, now()).usual == usual
    with session() as db:
        [alert] = db.scalars(select(Alert))
        alert.created_at, alert.ended_at = now() - timedelta(hours=12), now() - timedelta(hours=9)
        db.commit()
        assert len(watching.history(db, now())) in (66, 67)


def test_hours_are_read_once(school: School, history: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    with session() as db:
        before = watching.history(db, now())
        monkeypatch.setattr(spending, "by_hour", None)
        assert watching.history(db, now()) == before
    assert 70 <= len(before) <= 72
    assert {round(hour.dollars, 6) for hour in before} == {0.2}
    assert {hour.pieces for hour in before} == {PER_HOUR}
