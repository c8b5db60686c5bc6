from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from grading.costs import ledger
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted, OwnMachine, estimated_usage
from grading.engines.engine import Completion, Usage
from grading.grader import TooUncertain, grade
from grading.prompts.library import verbose_surplus
from models import CallOutcome, Essay, EssayState, LlmCall
from models.base import now
from models.session import session
from tests.conftest import use_environment
from tests.doubles.engine import DIES, INVALID_ALWAYS, INVALID_FIRST, REFUSED, TAKES, DeadEngine, InstantEngine
from tests.factories import TEXT, School, make_essay
from tests.grading.examples import TASK
from tests.workers.lab import eventually
from workers import calls, local
from workers.leases import leases
from workers.local import grade_essay
from workers.upkeep import sweep

AWAY = OperationalError("UPDATE", {}, Exception("server closed the connection unexpectedly"))


@pytest.fixture
def graded(school: School, engine: InstantEngine) -> Callable[[str], uuid.UUID]:
    def grade(text: str = "") -> uuid.UUID:
        essay = make_essay(school.student, school.assignment, TEXT + text, state=EssayState.queued)
        grade_essay(str(essay.id))
        return essay.id

    return grade


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> Hosted:
    """The local tier, paid by the token."""
    tariff = Hosted(price_of("gpt-4o-mini"))
    monkeypatch.setattr(local, "machine", lambda: tariff)
    return tariff


def rows() -> list[LlmCall]:
    with session() as db:
        return list(db.scalars(select(LlmCall).order_by(LlmCall.started_at)))


def outcomes() -> list[str]:
    return [row.outcome.value for row in rows()]


def state(essay_id: uuid.UUID) -> EssayState:
    with session() as db:
        return db.get_one(Essay, essay_id).state


class TestAGrade:
    def test_is_one_row_with_whose_it_was_and_what_it_took(self, graded: Any, school: School) -> None:
        essay_id = graded()
        (row,) = rows()
        assert (row.outcome, row.error) == (CallOutcome.ok, None)
        assert (row.essay_id, row.user_id) == (essay_id, school.student.id)
        assert (row.assignment_id, row.class_id) == (school.assignment.id, school.school_class.id)
        assert (row.feature, row.tier, row.model, row.engine_version) == ("grade", "local", "instant", "instant 1")
        assert row.prompt_version.startswith("grade/en/v")
        assert row.prompt_tokens
        assert row.completion_tokens
        verbose = Usage(row.prompt_tokens + verbose_surplus(row.prompt_version), 0, row.completion_tokens)
        assert row.baseline_cost == price_of("gpt-4-turbo").cost(verbose)
        assert None not in (row.latency_s, row.first_token_s, row.machine_s, row.finished_at)

    def test_on_our_own_machine_costs_nothing_unless_somebody_says_what_it_costs(self, graded: Any) -> None:
        graded()
        assert rows()[0].cost == rows()[0].estimated_cost == 0

    def test_on_our_own_machine_costs_its_share_of_the_busy_seconds(
        self, graded: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine = OwnMachine(Decimal(3600), at_once=10)
        monkeypatch.setattr(local, "machine", lambda: machine)
        graded(TAKES.format(0.1))
        (row,) = rows()
        assert row.machine_s
        assert 0.1 <= row.machine_s <= (row.latency_s or 0) + 0.01
        assert row.cost == Decimal(f"{row.machine_s:.6f}")

    def test_by_a_hosted_model_costs_its_tokens(self, graded: Any, hosted: Hosted) -> None:
        graded()
        (row,) = rows()
        used = Usage(row.prompt_tokens or 0, row.cached_tokens or 0, row.completion_tokens or 0)
        assert row.cost == hosted.price.cost(used) > 0
        assert row.cost < row.estimated_cost
        assert row.price == hosted.to_json()

    def test_is_written_down_before_the_model_is_called(
        self, graded: Any, engine: InstantEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []
        real = engine.grade

        def look(*arguments: Any) -> Completion:
            seen.extend(outcomes())
            return real(*arguments)

        monkeypatch.setattr(engine, "grade", look)
        graded()
        assert seen == ["started"]


class TestEachAttemptIsARow:
    def test_an_invalid_reply_and_the_one_after_it(self, graded: Any) -> None:
        graded(INVALID_FIRST)
        first, second = rows()
        assert (first.outcome, second.outcome) == (CallOutcome.invalid, CallOutcome.ok)
        assert first.error
        assert first.completion_tokens
        assert (first.baseline_cost, first.essay_id) == (0, second.essay_id)
        assert first.request_id != second.request_id

    def test_two_invalid_replies(self, graded: Any) -> None:
        graded(INVALID_ALWAYS)
        assert outcomes() == ["invalid", "invalid"]

    def test_a_refusal_costs_nothing_and_says_why(self, graded: Any, hosted: Hosted) -> None:
        graded(REFUSED)
        (row,) = rows()
        assert (row.outcome, row.cost) == (CallOutcome.failed, 0)
        assert "longer than the model can read" in (row.error or "")

    def test_a_reply_that_was_broken_off_costs_what_had_come_of_it(
        self, school: School, engine: InstantEngine, hosted: Hosted
    ) -> None:
        self.too_uncertain(school, engine, hosted)
        (row,) = rows()
        assert (row.outcome, row.baseline_cost) == (CallOutcome.escalated, 0)
        assert row.prompt_tokens
        assert row.completion_tokens
        assert row.cost == hosted.price.cost(Usage(row.prompt_tokens, 0, row.completion_tokens))
        assert "not wanted" in (row.error or "")

    def test_a_prompt_that_no_provider_has_counted_is_estimated(
        self, school: School, engine: InstantEngine, hosted: Hosted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tests.doubles.engine.usage", lambda request, tokens: Usage(completion=len(tokens)))
        self.too_uncertain(school, engine, hosted)
        (row,) = rows()
        assert row.prompt_tokens == estimated_usage(engine.requests[0]).prompt
        assert row.cost == hosted.price.cost(Usage(row.prompt_tokens, 0, row.completion_tokens or 0))

    def too_uncertain(self, school: School, engine: InstantEngine, hosted: Hosted) -> None:
        made = make_essay(school.student, school.assignment, state=EssayState.queued)
        with session() as db:
            essay = db.get_one(Essay, made.id, options=[joinedload(Essay.assignment)])
        with pytest.raises(TooUncertain):
            grade(
                essay.text,
                TASK,
                engine,
                request_id="r",
                secret="key",
                on_progress=lambda field, text: None,
                cancelled=threading.Event(),
                deadline=10,
                on_call=calls.meter_of(essay, engine, "small", hosted),
                give_up_below=0.8,
            )

    def test_a_reply_that_takes_too_long_costs_its_estimate(self, graded: Any, hosted: Hosted) -> None:
        with use_environment({"PIZHU_GRADE_DEADLINE": "0.05"}):
            graded(TAKES.format(60))
        (row,) = rows()
        assert (row.outcome, row.cost) == (CallOutcome.failed, row.estimated_cost)
        assert "in time" in (row.error or "")

    def test_a_stopped_worker_abandons_it_and_the_next_try_is_another_row(self, graded: Any, stopping: None) -> None:
        essay_id = graded()
        leases.stopping = False
        grade_essay(str(essay_id))
        assert outcomes() == ["abandoned", "ok"]

    def test_a_withdrawn_essay_abandons_it(self, school: School, engine: InstantEngine) -> None:
        essay = make_essay(school.student, school.assignment, TEXT + TAKES.format(60), state=EssayState.queued)
        grading = threading.Thread(target=grade_essay, args=[str(essay.id)])
        grading.start()
        eventually(lambda: engine.requests, "the engine is at work")
        leases.drop(essay.id)
        grading.join(timeout=10)
        assert outcomes() == ["abandoned"]

    def test_an_error_of_our_own_is_a_failure(
        self, graded: Any, engine: InstantEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "grade", lambda *_: 1 / 0)
        graded()
        assert outcomes() == ["failed"]


def test_a_call_whose_worker_died_is_lost_once_nobody_can_settle_it_any_more(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "engine", DeadEngine(), raising=False)
    monkeypatch.setattr(local.os, "_exit", lambda status: None)
    essay = make_essay(school.student, school.assignment, TEXT + DIES, state=EssayState.queued)
    grade_essay(str(essay.id))
    sweep()
    assert outcomes() == ["started"]
    with session() as db:
        db.execute(update(LlmCall).values(started_at=now() - timedelta(hours=1)))
        db.commit()
    sweep()
    assert outcomes() == ["lost"]


class TestADatabaseThatIsAway:
    @pytest.fixture
    def fails(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
        """That function of the ledger finds no database, so many times."""

        def make(name: str, times: int) -> None:
            real, left = getattr(ledger, name), [AWAY] * times

            def failing(*arguments: Any) -> Any:
                if left:
                    raise left.pop()
                return real(*arguments)

            monkeypatch.setattr(calls.ledger, name, failing)

        return make

    @pytest.mark.parametrize("name", ["open_call", "settle"])
    def test_is_waited_for(self, name: str, graded: Any, fails: Any) -> None:
        fails(name, 2)
        essay_id = graded()
        assert state(essay_id) is EssayState.graded
        assert outcomes() == ["ok"]

    def test_for_good_costs_no_grade_that_is_there(self, graded: Any, fails: Any) -> None:
        fails("settle", 10_000)
        with use_environment({"PIZHU_LEASE": "0.05"}):
            essay_id = graded()
        assert state(essay_id) is EssayState.graded
        assert outcomes() == ["started"]

    def test_for_good_keeps_the_model_from_being_called(self, graded: Any, fails: Any, engine: InstantEngine) -> None:
        fails("open_call", 10_000)
        with use_environment({"PIZHU_LEASE": "0.05"}):
            essay_id = graded()
        assert engine.requests == []
        assert state(essay_id) is EssayState.queued, "it is tried again, and no teacher bothered with it"

    def test_whose_answer_was_lost_leaves_one_row(self, graded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        real, opened = ledger.open_call, []

        def answerless(db: Any, call: Any) -> uuid.UUID:
            call_id = real(db, call)
            opened.append(call_id)
            if len(opened) == 1:
                db.commit()
                raise AWAY
            return call_id

        monkeypatch.setattr(calls.ledger, "open_call", answerless)
        graded()
        assert outcomes() == ["ok"]
        assert opened[0] == opened[1]
