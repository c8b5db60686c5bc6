"""grading/regrades.py and workers/regrading.py: an essay graded once more on the live way, and nobody's grade."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from grading import lifecycle, queues, regrades
from grading.costs import ledger
from grading.regrading import comparable, compare
from models import CallOutcome, Essay, EssayState, Grading, LlmCall, Notice, Regrade
from models.base import now
from models.session import session
from settings import settings
from tests.conftest import use_environment
from tests.doubles.engine import REFUSED, InstantEngine
from tests.factories import TEXT, School, make_essay, make_grading
from tests.workers.lab import eventually
from workers import local, regrading
from workers.leases import Leases
from workers.local import grade_essay, regrade_essay
from workers.queue import messages_waiting


@pytest.fixture
def graded(school: School, engine: InstantEngine) -> Essay:
    """An essay that the double has graded."""
    essay = make_essay(school.student, school.assignment, state=EssayState.queued)
    grade_essay(str(essay.id))
    return kept(essay.id)


def kept(essay_id: uuid.UUID) -> Essay:
    with session() as db:
        return db.get_one(Essay, essay_id)


def ask(essay: Essay) -> uuid.UUID:
    with session() as db:
        before = regrades.original(db, db.get_one(Essay, essay.id))
        assert before
        regrade_id = regrades.ask(db, before, "local")
        db.commit()
    return regrade_id


def row(regrade_id: uuid.UUID) -> Regrade:
    with session() as db:
        return db.get_one(Regrade, regrade_id)


def age(regrade_id: uuid.UUID, **columns: Any) -> None:
    with session() as db:
        db.execute(update(Regrade).where(Regrade.id == regrade_id).values(**columns))
        db.commit()


def left(regrade_id: uuid.UUID) -> timedelta:
    """Of its lease."""
    until = row(regrade_id).lease_until
    assert until
    return until - now()


def test_the_same_settings_give_the_same_grade_and_change_nothing(graded: Essay) -> None:
    regrade_id = ask(graded)
    regrade_essay(str(regrade_id))
    found = row(regrade_id)
    assert found.finished_at
    assert found.grade
    with session() as db:
        essay = db.get_one(Essay, graded.id)
        before = essay.current_grading
        assert before
        old = comparable({name: getattr(before, name) for name in ("model", *found.grade)})
        assert compare(old, found.grade).same, compare(old, found.grade)
        assert len(essay.gradings) == 1
        assert len(essay.transitions) == 4
        assert len(db.scalars(select(Notice)).all()) == 1  # of the grade itself


def test_its_calls_are_shadows_on_nobodys_account_and_no_grade_costs_more_for_them(
    school: School, graded: Essay
) -> None:
    regrade_essay(str(ask(graded)))
    with session() as db:
        first, again = db.scalars(select(LlmCall).order_by(LlmCall.started_at))
        assert (first.outcome, first.feature, first.user_id) == (CallOutcome.ok, "grade", school.student.id)
        assert (again.outcome, again.feature, again.user_id) == (CallOutcome.shadow, "regrade", None)
        assert again.baseline_cost == 0
        db.execute(update(LlmCall).values(cost=1))
        assert ledger.spent(db, graded.id) == 0


def test_another_prompt_is_told_from_another_model(graded: Essay, engine: InstantEngine) -> None:
    engine.version = "instant 2"
    regrade_id = ask(graded)
    regrade_essay(str(regrade_id))
    with session() as db:
        before = db.get_one(Essay, graded.id).current_grading
        new = row(regrade_id).grade
        assert before
        assert new
        old = comparable({name: getattr(before, name) for name in new})
    assert [(each.name, each.before, each.after) for each in compare(old, new).inputs] == [
        ("engine_version", "instant 1", "instant 2")
    ]


def test_a_message_that_comes_twice_costs_one_grade(graded: Essay, engine: InstantEngine) -> None:
    regrade_id = ask(graded)
    regrade_essay(str(regrade_id))
    regrade_essay(str(regrade_id))
    assert len(engine.requests) == 2


def test_a_claim_lasts_until_its_lease_is_over_and_two_lost_workers_are_enough(graded: Essay) -> None:
    regrade_id = ask(graded)
    for attempt in (1, 2):
        assert regrading.take(regrade_id, "local")
        assert regrading.take(regrade_id, "local") is None
        age(regrade_id, lease_until=now() - timedelta(seconds=1))
        assert row(regrade_id).attempts == attempt
    assert regrading.take(regrade_id, "local") is None
    regrading.ring_again()
    assert row(regrade_id).error == "the worker was lost 2 times"


def test_its_lease_is_as_long_as_an_essays_and_is_renewed_while_a_model_is_at_it(graded: Essay) -> None:
    regrade_id = ask(graded)
    taken = regrading.take(regrade_id, "local")
    assert taken
    assert left(regrade_id) <= timedelta(seconds=settings().lease)
    leases = Leases()
    with leases.hold(taken[0]) as hold:
        age(regrade_id, lease_until=now() + timedelta(seconds=1))
        leases.renew()
        assert left(regrade_id) > timedelta(seconds=1)
        assert not hold.is_set()


def test_one_that_is_withdrawn_or_lost_stops_at_the_next_renewal(graded: Essay) -> None:
    withdrawn, lost = ask(graded), ask(graded)
    leases, first, second = Leases(), regrading.take(withdrawn, "local"), regrading.take(lost, "local")
    assert first
    assert second
    age(lost, lease_until=now() - timedelta(seconds=1))
    assert regrading.take(lost, "local")
    with session() as db:
        regrades.withdraw(db, withdrawn)
        db.commit()
    with leases.hold(first[0]) as one, leases.hold(second[0]) as other:
        leases.renew()
        assert one.is_set()
        assert other.is_set()


def test_a_model_that_takes_longer_than_the_lease_keeps_it(
    graded: Essay, engine: InstantEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    regrade_id = ask(graded)
    answered = engine.grade

    def slow(*args: Any, **named: Any) -> Any:
        age(regrade_id, lease_until=now() + timedelta(milliseconds=1))
        eventually(lambda: left(regrade_id) > timedelta(milliseconds=100), "the lease is renewed")
        assert regrading.take(regrade_id, "local") is None
        return answered(*args, **named)

    monkeypatch.setattr(engine, "grade", slow)
    monkeypatch.setattr(regrading, "leases", Leases())
    with use_environment({"PIZHU_LEASE": "0.6"}):
        regrade_essay(str(regrade_id))
    found = row(regrade_id)
    assert found.grade, found.error
    assert found.attempts == 1


def test_a_lost_claim_stores_nothing(graded: Essay) -> None:
    regrade_id = ask(graded)
    taken = regrading.take(regrade_id, "local")
    assert taken
    age(regrade_id, lease_until=now() - timedelta(seconds=1))
    other = regrading.take(regrade_id, "local")
    assert other
    with session() as db:
        assert not regrades.finish(db, taken[0], {})
        assert regrades.finish(db, other[0], {"total": 1})
        db.commit()
    assert row(regrade_id).grade == {"total": 1}


def test_the_sweeper_rings_for_what_the_broker_does_not_know(graded: Essay) -> None:
    regrade_id = ask(graded)
    regrading.ring_again()
    assert messages_waiting("local") == 0  # it was told of a moment ago
    age(regrade_id, rung_at=None)
    regrading.ring_again()
    regrading.ring_again()
    assert messages_waiting("local") == 1


def test_a_worker_that_stops_gives_it_back(graded: Essay, stopping: None) -> None:
    regrade_id = ask(graded)
    regrade_essay(str(regrade_id))
    found = row(regrade_id)
    assert (found.finished_at, found.claim_token, found.attempts, found.rung_at) == (None, None, 0, None)


def test_what_waits_for_more_than_a_day_is_given_up(graded: Essay, stopping: None) -> None:
    regrade_id = ask(graded)
    age(regrade_id, created_at=now() - timedelta(hours=25))
    regrade_essay(str(regrade_id))
    assert row(regrade_id).error


def test_a_paused_queue_takes_none(school: School, graded: Essay) -> None:
    regrade_id = ask(graded)
    with session() as db:
        queues.pause(db, "local", db.merge(school.ops))
        db.commit()
    regrade_essay(str(regrade_id))
    assert row(regrade_id).attempts == 0


def test_an_essay_that_the_model_refuses_now_says_so(school: School, engine: InstantEngine) -> None:
    essay = make_essay(school.student, school.assignment, f"{TEXT} {REFUSED}", state=EssayState.graded)
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == essay.id).values(tier="local"))
        db.commit()
    regrade_id = ask(essay)
    regrade_essay(str(regrade_id))
    assert "cannot take this essay" in (row(regrade_id).error or "")


def test_it_is_compared_with_the_last_whole_grade_of_a_model_that_stood(school: School, graded: Essay) -> None:
    broken = {"usage": {lifecycle.BROKEN_OFF: True}}
    make_grading(graded, school.assignment, tier="local", **broken)
    make_grading(graded, school.assignment, tier="large")
    with session() as db:
        found = regrades.original(db, db.get_one(Essay, graded.id))
        assert found
        assert found.id == graded.current_grading_id
        ungraded = make_essay(school.student, school.assignment, state=EssayState.needs_review)
        assert regrades.original(db, ungraded) is None


def test_the_engine_of_this_worker_is_asked(engine: InstantEngine, graded: Essay) -> None:
    assert local.engine is engine
    regrade_essay(str(ask(graded)))
    assert engine.requests[0].messages == engine.requests[1].messages
