"""Essays that only wait for money are graded by the tiers once there is some, unless their teacher was quicker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from grading import lifecycle, queues, saving
from grading.costs import budget, ledger
from models import Class, Essay, EssayState, EssayTransition, Grading, Notice, Period
from models.base import now
from models.session import session
from tests.conftest import use_environment
from tests.doubles.engine import InstantEngine
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import TEXT, School, a_grading, make_essay
from tests.grading.costs.test_budget import an
from workers import local, openai, put_off
from workers.queue import messages_waiting
from workers.triage import triage

PRICE = {"input": "2", "cached": "0.5", "output": "8"}


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def too_unsure(school: School, engine: InstantEngine, provider: OpenAiServer) -> Iterator[None]:
    """The local model's confidence of about 0.6 is not enough for its grade to stand, whoever else may be asked."""
    tiers = [{"name": "local", "engine": "local"}, {"name": "small", "engine": "openai", "model": "small"}]
    environment = {
        "PIZHU_LOCAL_MODEL": "a-model",
        "PIZHU_TIERS": json.dumps(tiers),
        "PIZHU_REVIEW_BELOW": "0.9",
        "PIZHU_PRICES": json.dumps({"small": PRICE}),
        "PIZHU_OPENAI_BASE_URL": provider.base_url,
        "OPENAI_API_KEY": "any",
    }
    with use_environment(environment):
        yield


def throw(on: bool) -> None:
    with session() as db:
        saving.turn_on(db, "ops@school.test", "a loop") if on else saving.turn_off(db, "ops@school.test")
        db.commit()


def found(essay_id: uuid.UUID) -> Essay:
    with session() as db:
        return db.get_one(Essay, essay_id)


def put_before_a_teacher(school: School, text: str = TEXT) -> uuid.UUID:
    """By saving mode or a budget, whichever closes the hosted tier; the local one has been asked."""
    essay = make_essay(school.student, school.assignment, text)
    triage(str(essay.id))
    local.grade_essay(str(essay.id))
    assert found(essay.id).state is EssayState.needs_review
    return essay.id


def test_it_is_put_off_and_the_reason_says_why(school: School) -> None:
    throw(on=True)
    essay = found(put_before_a_teacher(school))
    assert essay.route
    assert essay.route["put_off"]
    assert essay.reason
    assert essay.reason.endswith("small is closed: saving mode")
    put_off.take_up()
    assert found(essay.id).state is EssayState.needs_review, "while it lasts nothing moves"


def test_when_saving_mode_ends_it_is_asked_of_the_tier_that_was_closed(school: School, provider: OpenAiServer) -> None:
    throw(on=True)
    essay_id = put_before_a_teacher(school)
    throw(on=False)
    put_off.take_up()
    put_off.take_up()  # a second sweeper, or the same one after a crash, finds nothing
    assert (found(essay_id).state, messages_waiting("triage")) == (EssayState.submitted, 1)
    triage(str(essay_id))
    essay = found(essay_id)
    assert (essay.state, essay.queue, essay.reason) == (EssayState.queued, "openai", "local was unsure before")
    openai.grade_essay(str(essay_id))
    with session() as db:
        tiers = list(db.scalars(select(Grading.tier).filter_by(essay_id=essay_id).order_by(Grading.created_at)))
        again = select(func.count()).select_from(EssayTransition)
        times = db.scalar(again.filter_by(essay_id=essay_id, reason="there is money for a model again"))
    assert (tiers, times) == (["local", "small"], 1)


def test_a_message_that_is_lost_in_a_crash_is_rung_again(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    throw(on=True)
    essay_id = put_before_a_teacher(school)
    throw(on=False)

    def killed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(put_off, "enqueue", killed)
    with pytest.raises(SystemExit):
        put_off.take_up()
    with session() as db:
        waiting = queues.untold(db, older_than=-1, lost_queues=["triage"])
    assert [(one.essay_id, one.queue) for one in waiting] == [(essay_id, "triage")]


def test_a_class_that_ops_begin_to_pay_for_does_not_wait_for_the_end(school: School) -> None:
    throw(on=True)
    essay_id = put_before_a_teacher(school)
    with session() as db:
        db.get_one(Class, school.school_class.id).pays_while_saving = True
        db.commit()
    put_off.take_up()
    assert found(essay_id).state is EssayState.submitted


def test_a_spent_budget_opens_again_the_next_day(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    with session() as db:
        budget.put(db, "class", school.school_class.id, Period.day, soft=None, hard=Decimal(1))
        ledger.open_call(db, an("1", school))
        db.commit()
    essay_id = put_before_a_teacher(school)
    put_off.take_up()
    assert found(essay_id).state is EssayState.needs_review
    monkeypatch.setattr(budget, "now", lambda: now() + timedelta(days=1))
    put_off.take_up()
    assert found(essay_id).state is EssayState.submitted


def test_what_a_teacher_has_graded_stays(school: School) -> None:
    throw(on=True)
    essay_id = put_before_a_teacher(school)
    with session() as db:
        waiting = lifecycle.put_off(db)
        lifecycle.override(db, essay_id, school.teacher, a_grading(school.assignment))
        db.commit()
        assert not lifecycle.take_up(db, waiting[0].essay_id), "the teacher came between looking and taking"
    throw(on=False)
    put_off.take_up()
    assert found(essay_id).state is EssayState.graded


def test_what_no_money_could_mend_stays(school: School) -> None:
    with use_environment({"PIZHU_TIERS": json.dumps([{"name": "local", "engine": "local"}])}):
        throw(on=True)
        essay_id = put_before_a_teacher(school)
    throw(on=False)
    put_off.take_up()
    assert found(essay_id).state is EssayState.needs_review


def test_nobody_is_told_twice_of_an_essay_that_came_for_nothing(school: School) -> None:
    throw(on=True)
    essay_id = put_before_a_teacher(school)
    throw(on=False)
    put_off.take_up()
    throw(on=True)
    triage(str(essay_id))
    local.grade_essay(str(essay_id))
    with session() as db:
        told = db.scalar(select(func.count()).select_from(Notice).filter_by(essay_id=essay_id, kind="needs_review"))
    assert found(essay_id).state is EssayState.needs_review
    assert told == 2, "the teacher and the student, once each"
