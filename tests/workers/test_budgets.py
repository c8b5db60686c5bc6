"""What becomes of essays when a budget is spent: something cheaper grades them, or a teacher; none is lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from grading.costs import budget, ledger, savings
from models import CallOutcome, Essay, EssaySaving, EssayState, Grading, LlmCall, Notice, Period
from models.session import session, snapshot
from tests.conftest import use_environment
from tests.doubles.engine import InstantEngine
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import TEXT, School, make_essay
from tests.grading.costs.test_budget import an
from workers import budgets, local, openai
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


def submitted(school: School, text: str = TEXT) -> uuid.UUID:
    essay = make_essay(school.student, school.assignment, text)
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
    assert essay.route["tried"] == [], "it was not asked"


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
        first, second = work(submitted(school)), work(submitted(school, f"{TEXT} And more."))
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


class TestPeopleAreTold:
    def spend(self, school: School, usd: str) -> None:
        with session() as db:
            ledger.open_call(db, an(usd, school))
            db.commit()

    def told(self) -> list[tuple[uuid.UUID, str]]:
        budgets.warn()
        with session() as db:
            notices = db.scalars(select(Notice).order_by(Notice.created_at))
            return [(notice.user_id, notice.kind) for notice in notices]

    def set(self, scope: Any, subject: uuid.UUID | None, soft: str | None, hard: str | None = None) -> None:
        with session() as db:
            amounts = {name: usd and Decimal(usd) for name, usd in (("soft", soft), ("hard", hard))}
            budget.put(db, scope, subject, Period.day, **amounts)
            db.commit()

    def test_ops_once_that_the_platforms_is_nearly_spent_and_once_that_it_is(self, school: School) -> None:
        self.set("platform", None, "0.5", "1")
        self.spend(school, "0.4")
        assert self.told() == []
        self.spend(school, "0.1")
        assert self.told() == self.told() == [(school.ops.id, "budget")]
        self.spend(school, "0.5")
        assert self.told() == self.told() == [(school.ops.id, "budget"), (school.ops.id, "budget_spent")]

    def test_ops_and_its_teachers_of_a_class(self, school: School) -> None:
        self.set("class", school.school_class.id, "0.1")
        self.spend(school, "0.1")
        assert {who for who, _ in self.told()} == {school.ops.id, school.teacher.id}

    def test_a_students_teachers_of_what_the_student_spends(self, school: School) -> None:
        self.set("user", None, None, "0.1")
        self.spend(school, "0.1")
        assert self.told() == [(school.teacher.id, "budget_spent")]

    def test_once_for_both_limits_when_both_are_passed_at_once(self, school: School) -> None:
        self.set("platform", None, "0.1", "0.2")
        self.spend(school, "0.2")
        assert self.told() == [(school.ops.id, "budget_spent")]


class TestSavings:
    def rows(self) -> list[EssaySaving]:
        with session() as db:
            return list(db.scalars(select(EssaySaving).order_by(EssaySaving.at)))

    def test_a_grade_knows_what_it_saved_and_its_failed_tries_are_in_it(
        self, school: School, hosted: OpenAiServer
    ) -> None:
        essay = work(submitted(school))  # the local model is unsure, and the small one is asked
        (row,) = self.rows()
        with session() as db:
            calls = db.scalars(select(LlmCall)).all()
            (gave,) = [call for call in calls if call.outcome is CallOutcome.ok]
        with snapshot() as seen:
            month = savings.total(seen, row.at, row.at + timedelta(days=31), school.school_class.id)
            other = savings.total(seen, row.at, row.at + timedelta(days=31), school.other_class.id)
        assert (row.essay_id, row.grading_id) == (essay.id, essay.current_grading_id)
        assert row.cost_usd == sum(call.cost or 0 for call in calls)
        assert row.baseline_usd == gave.baseline_cost
        assert row.prompt_usd > 0
        assert row.routing_usd > row.prompt_usd
        assert (row.local_usd, row.batch_usd) == (0, 0)
        assert month.saved == sum(month.by.values()) == row.baseline_usd - row.cost_usd
        assert (other.baseline, other.cost) == (0, 0)

    def test_of_our_own_machine_are_its(self, school: School, hosted: OpenAiServer) -> None:
        with use_environment(tiers("local")):
            work(submitted(school))
        (row,) = self.rows()
        assert row.cost_usd == 0
        assert row.local_usd > 0

    def test_an_essay_that_a_teacher_gets_has_only_cost_something(self, school: School, hosted: OpenAiServer) -> None:
        with use_environment(tiers("small") | {"PIZHU_REVIEW_BELOW": "0.99"}):
            essay = work(submitted(school))
        assert essay.state is EssayState.needs_review
        (row,) = self.rows()
        assert (row.baseline_usd, row.grading_id) == (0, None)
        assert row.routing_usd == -row.cost_usd < 0

    def test_a_price_that_changes_later_changes_none(self, school: School, hosted: OpenAiServer) -> None:
        work(submitted(school))
        before = [row.baseline_usd for row in self.rows()]
        with use_environment({"PIZHU_PRICES": json.dumps({"small": {"input": "99", "output": "99"}})}):
            assert [row.baseline_usd for row in self.rows()] == before
