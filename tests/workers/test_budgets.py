"""What becomes of essays when a budget is spent: something cheaper grades them, or a teacher; none is lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import select

from grading.costs import budget
from models import CallOutcome, Essay, EssayState, Grading, LlmCall, Period
from models.session import session
from tests.conftest import use_environment
from tests.doubles.engine import InstantEngine
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import School, make_essay
from workers import local, openai
from workers.triage import triage

PRICE = {"input": "2", "cached": "0.5", "output": "8"}
SPENT = "the day's budget of the class is spent"


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


def tiers(*names: str) -> dict[str, str]:
    """These tiers; of a grade's confidence of about 0.6 the local one is not sure enough."""
    every = {
        "local": {"name": "local", "engine": "local", "accept_confidence": 0.7},
        "small": {"name": "small", "engine": "openai", "model": "small", "accept_confidence": 0.5},
        "large": {"name": "large", "engine": "openai", "model": "large"},
    }
    return {"PIZHU_TIERS": json.dumps([every[name] for name in names])}


@pytest.fixture
def hosted(school: School, engine: InstantEngine, provider: OpenAiServer) -> Iterator[OpenAiServer]:
    provider.calls.clear()
    environment = {
        "PIZHU_LOCAL_MODEL": "a-model",
        "PIZHU_PRICES": json.dumps({"small": PRICE, "large": PRICE}),
        "PIZHU_OPENAI_BASE_URL": provider.base_url,
        "OPENAI_API_KEY": "any",
    }
    with use_environment(environment | tiers("local", "small", "large")):
        yield provider


def limit(school: School, hard: str) -> None:
    with session() as db:
        budget.put(db, "class", school.school_class.id, Period.day, soft=None, hard=Decimal(hard))
        db.commit()


def state(essay_id: uuid.UUID) -> Essay:
    with session() as db:
        return db.get_one(Essay, essay_id)


def work(essay_id: uuid.UUID) -> Essay:
    """Let the workers go on until the essay has come to an end."""
    tasks = {"local": local.grade_essay, "openai": openai.grade_essay}
    for _ in range(10):
        essay = state(essay_id)
        if essay.state is not EssayState.queued:
            return essay
        assert essay.queue
        tasks[essay.queue](str(essay_id))
    raise AssertionError("it goes round in circles")


def submitted(school: School) -> uuid.UUID:
    essay = make_essay(school.student, school.assignment)
    triage(str(essay.id))
    return essay.id


def test_a_spent_budget_leaves_what_costs_nothing(school: School, hosted: OpenAiServer) -> None:
    limit(school, "0")
    essay = work(submitted(school))
    assert essay.state is EssayState.graded, "no better model could be asked, so that the local one's grade stands"
    with session() as db:
        assert db.get_one(Grading, essay.current_grading_id).tier == "local"
    assert hosted.calls == []


def test_where_all_costs_something_a_teacher_gets_the_essay_and_reads_why(school: School, hosted: OpenAiServer) -> None:
    with use_environment(tiers("small", "large")):
        limit(school, "0")
        essay = work(submitted(school))
    assert essay.state is EssayState.needs_review
    assert essay.reason == f"no model may grade now; small is closed: {SPENT}; large is closed: {SPENT}"
    assert hosted.calls == []


def test_what_was_routed_before_the_budget_was_spent_is_passed_on(school: School, hosted: OpenAiServer) -> None:
    with use_environment(tiers("small", "large")):
        essay_id = submitted(school)
        limit(school, "0")
        essay = work(essay_id)
    assert (essay.state, essay.reason) == (EssayState.needs_review, SPENT)
    assert hosted.calls == []
    with session() as db:
        assert db.scalars(select(LlmCall)).all() == [], "a call that was not made leaves no row"


def test_it_is_passed_on_to_the_cheaper_model_and_to_no_dearer_one(school: School, hosted: OpenAiServer) -> None:
    with use_environment(tiers("small")):
        essay_id = submitted(school)
    limit(school, "0")
    with use_environment(tiers("local", "small", "large")):
        openai.grade_essay(str(essay_id))
        assert state(essay_id).queue == "local"
        essay = work(essay_id)
    assert essay.state is EssayState.graded
    assert essay.route
    assert essay.route["tried"] == ["small"]


def test_a_grade_that_is_there_stands_when_no_better_one_can_be_paid_for(school: School, hosted: OpenAiServer) -> None:
    essay_id = submitted(school)
    local.grade_essay(str(essay_id))
    assert (state(essay_id).state, state(essay_id).queue) == (EssayState.queued, "openai")
    limit(school, "0")
    essay = work(essay_id)
    assert (essay.state, hosted.calls) == (EssayState.graded, [])


def test_the_essay_that_spends_the_last_cent_gets_its_grade_and_the_next_one_does_not(
    school: School, hosted: OpenAiServer
) -> None:
    with use_environment(tiers("small")):
        limit(school, "0.0001")
        first, second = work(submitted(school)), work(submitted(school))
    assert (first.state, second.state) == (EssayState.graded, EssayState.needs_review)
    with session() as db:
        outcomes = list(db.scalars(select(LlmCall.outcome).order_by(LlmCall.started_at)))
    assert outcomes.count(CallOutcome.ok) == 1
    assert outcomes[-1] is CallOutcome.ok


def test_a_local_machine_that_is_paid_for_is_closed_as_well(school: School, hosted: OpenAiServer) -> None:
    with use_environment(tiers("local") | {"PIZHU_LOCAL_HOUR_USD": "2"}):
        limit(school, "0")
        essay = work(submitted(school))
    assert essay.state is EssayState.needs_review
