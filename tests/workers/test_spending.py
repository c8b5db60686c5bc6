"""workers/spending.py: the ledger is watched, and a loop in it is found."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from grading import saving
from grading.costs import spending
from grading.costs.anomaly import MOST_CALLS
from models import Alert, LlmCall, Notice
from models.base import now
from models.session import session
from tests.factories import School, make_essay, make_user
from workers import spending as watching
from workers.spending import judge, watch

PER_HOUR, PIECE = 10, Decimal("0.02")


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


def add(calls: list[tuple[Any, uuid.UUID]], cost: Decimal = PIECE, **columns: Any) -> None:
    with session() as db:
        db.add_all(
            LlmCall(
                request_id=uuid.uuid4().hex,
                tier="large",
                model="gpt-4.1",
                engine_version="a test",
                prompt_version="grade/en/v1",
                estimated_cost=cost,
                price={},
                **{"feature": "grade", "cost": cost, "started_at": at, "finished_at": at, "user_id": user, **columns},
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


def test_an_essay_that_is_asked_about_again_and_again_is_found_though_it_costs_nothing_to_speak_of(
    school: School,
) -> None:
    essay = make_essay(school.student, school.assignment)
    calls = [(now() - timedelta(seconds=10 * each), school.student.id) for each in range(MOST_CALLS + 1)]
    add(calls, cost=Decimal(0), essay_id=essay.id)  # our own machine's cost no money
    add(calls, cost=Decimal("0.00001"), feature="ask")  # one may ask a lot
    add(calls[1:], cost=Decimal("0.00001"), essay_id=essay.id)
    watch()
    assert alerts() == []
    add(calls[:1], cost=Decimal("0.00001"), essay_id=essay.id)
    watch()
    [alert] = alerts()
    assert alert.reason == f"one essay was asked about {MOST_CALLS + 1} times in 15 minutes; $0.00 were spent"


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
