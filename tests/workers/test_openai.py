"""The cascade with a real provider's protocol: what the local model is unsure of, and what goes wrong on the way."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from grading import lifecycle, progress, regrades, saving
from grading.costs.meter import Meter
from grading.engines import circuit as circuit_breaker
from grading.engines.circuit import Circuit
from grading.engines.engine import Unavailable
from grading.engines.openai_request import LENGTHS
from models import CallOutcome, Class, Essay, EssayState, EssayTransition, Grading, LlmCall, Regrade, Source, Switch
from models.session import session
from settings import settings
from tests.conftest import use_environment
from tests.doubles.engine import INVALID_ALWAYS, REFUSED, InstantEngine
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import TEXT, School, make_essay
from workers import local, openai
from workers.queue import messages_waiting
from workers.triage import triage

SURE, UNSURE = 0.5, 0.7
"""The doubles' confidence in a grade is about 0.6: it stands, or does not."""
PRICE = {"input": "2", "cached": "0.5", "output": "8"}


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def provider(running: OpenAiServer) -> OpenAiServer:
    running.calls.clear()
    running.faults.mix("")
    return running


@pytest.fixture
def cascade(school: School, engine: InstantEngine, provider: OpenAiServer) -> Iterator[Callable[..., Any]]:
    """Sets the confidence at which each tier accepts; `small` and `large` are models of the provider."""
    used: list[Any] = []

    def set_up(local: float = UNSURE, small: float = SURE, **environment: str) -> None:
        tiers = [
            {"name": "local", "engine": "local", "accept_confidence": local},
            {"name": "small", "engine": "openai", "model": "small", "accept_confidence": small},
            {"name": "large", "engine": "openai", "model": "large"},
        ]
        context = use_environment(
            {
                "PIZHU_LOCAL_MODEL": "a-model",
                "PIZHU_TIERS": json.dumps(tiers),
                "PIZHU_PRICES": json.dumps({"small": PRICE, "large": PRICE}),
                "PIZHU_OPENAI_BASE_URL": provider.base_url,
                "OPENAI_API_KEY": "any",
            }
            | environment
        )
        context.__enter__()
        used.append(context)
        for tier in settings().present_tiers:
            if tier.engine == "openai":
                # What a provider does not take is learnt from its first answer, which is a test of its own.
                openai.engine_of(tier)._left_out = frozenset(LENGTHS)  # type: ignore[attr-defined]

    yield set_up
    for context in reversed(used):
        context.__exit__(None, None, None)


def submitted(school: School, text: str = TEXT) -> uuid.UUID:
    essay = make_essay(school.student, school.assignment, text)
    triage(str(essay.id))
    return essay.id


def work(essay_id: uuid.UUID) -> Essay:
    """Let the workers go on until the essay has come to an end; as it is then."""
    tasks = {"local": local.grade_essay, "openai": openai.grade_essay}
    for _ in range(10):
        with session() as db:
            essay = db.get_one(Essay, essay_id)
        if essay.state is not EssayState.queued:
            return essay
        assert essay.queue
        tasks[essay.queue](str(essay_id))
    raise AssertionError("it goes round in circles")


def gradings(essay_id: uuid.UUID) -> list[Grading]:
    with session() as db:
        return list(db.scalars(select(Grading).filter_by(essay_id=essay_id).order_by(Grading.created_at)))


def calls() -> list[LlmCall]:
    with session() as db:
        return list(db.scalars(select(LlmCall).order_by(LlmCall.started_at)))


def outcomes() -> list[tuple[str, CallOutcome]]:
    return [(call.tier, call.outcome) for call in calls()]


def reasons(essay_id: uuid.UUID) -> list[str | None]:
    with session() as db:
        rows = select(EssayTransition.reason).filter_by(essay_id=essay_id).order_by(EssayTransition.id)
        return list(db.scalars(rows))


class TestAnUnsureGrade:
    def test_goes_to_the_next_tier_which_is_told(self, school: School, cascade: Any) -> None:
        cascade()
        essay_id = submitted(school)
        local.grade_essay(str(essay_id))
        with session() as db:
            essay = db.get_one(Essay, essay_id)
        assert (essay.state, essay.queue, essay.attempts) == (EssayState.queued, "openai", 0)
        assert messages_waiting("openai") == 1
        assert essay.route
        assert essay.route["tier"] == "small"
        assert essay.route["complexity"] is not None, "what triage measured is kept"
        assert essay.route["reason"].startswith("local was unsure (confidence 0.5")

    def test_is_kept_beside_the_one_that_stands(self, school: School, cascade: Any) -> None:
        cascade()
        essay = work(submitted(school))
        first, second = gradings(essay.id)
        assert (first.tier, first.source, first.accepted) == ("local", Source.local, False)
        assert (second.tier, second.source, second.accepted) == ("small", Source.openai, True)
        assert (essay.state, essay.current_grading_id) == (EssayState.graded, second.id)
        assert second.model == "small"

    def test_says_what_it_came_from_and_so_does_the_one_that_stands(self, school: School, cascade: Any) -> None:
        cascade()
        broken_off, whole = gradings(work(submitted(school)).id)
        assert (broken_off.engine_version, broken_off.prompt_version) == ("instant 1", "grade/en/v1")
        assert broken_off.hashes == whole.hashes
        assert broken_off.hashes
        assert set(broken_off.hashes) == {"prompt", "template", "task", "rubric", "essay", "schema"}
        assert broken_off.made_with
        assert (broken_off.made_with["accept_from"], broken_off.made_with["temperature"]) == (UNSURE, 0.0)
        assert whole.made_with
        assert (whole.made_with["accept_from"], whole.made_with["attempt"]) == (SURE, 1)
        assert whole.made_with["base_url"] == settings().openai_base_url

    def test_is_paid_for_and_so_is_the_one_that_stands(self, school: School, cascade: Any) -> None:
        cascade(UNSURE, UNSURE)
        essay = work(submitted(school))
        assert outcomes() == [
            ("local", CallOutcome.escalated),
            ("small", CallOutcome.escalated),
            ("large", CallOutcome.ok),
        ]
        local_call, small, large = calls()
        assert local_call.baseline_cost == small.baseline_cost == 0
        assert large.baseline_cost
        _, second, third = gradings(essay.id)
        assert second.cost_usd == small.cost.quantize(Decimal("1e-8"))
        assert third.cost_usd == (small.cost + large.cost).quantize(Decimal("1e-8"))

    def test_begins_anew_for_who_watches(self, school: School, cascade: Any) -> None:
        cascade()
        essay_id = submitted(school)
        work(essay_id)
        events = list(iter(progress.follow(essay_id, wait=0.01).__next__, None))
        states = [event.data["status"] for event in events if event.type != "delta"]
        assert states == ["queued", "grading", "queued", "grading", "graded"]
        restart = next(index for index, event in enumerate(events) if event.data.get("restart"))
        assert {"field", "text"} == {key for event in events[restart + 2 : -1] for key in event.data}

    def test_goes_to_a_teacher_at_the_end_of_the_cascade_with_what_each_tier_said(
        self, school: School, cascade: Any
    ) -> None:
        cascade(UNSURE, UNSURE, PIZHU_REVIEW_BELOW="0.7")
        essay = work(submitted(school))
        assert (essay.state, essay.current_grading_id) == (EssayState.needs_review, None)
        assert [(each.tier, each.accepted) for each in gradings(essay.id)] == [
            ("local", False),
            ("small", False),
            ("large", False),
        ]
        assert "large was unsure" in (essay.reason or "")
        assert essay.route
        assert essay.route["tier"] == "teacher"
        assert outcomes()[-1] == ("large", CallOutcome.ok), "its reply is what the teacher sees"

    def test_stands_where_saving_mode_has_closed_what_is_paid_for(self, school: School, cascade: Any) -> None:
        cascade()
        with session() as db:
            db.add(Switch(name=saving.SWITCH, actor="ops@school.test"))
            db.commit()
        essay = work(submitted(school))
        assert [each.tier for each in gradings(essay.id)] == ["local"]
        assert essay.state is EssayState.graded

    @pytest.mark.parametrize("insists", [False, True])
    def test_that_waited_already_when_saving_mode_began_stands_unless_its_class_is_paid_for(
        self, school: School, cascade: Any, insists: bool
    ) -> None:
        cascade()
        essay_id = submitted(school)
        local.grade_essay(str(essay_id))
        with session() as db:
            saving.turn_on(db, "ops@school.test", "a loop")
            db.get_one(Class, school.school_class.id).pays_while_saving = insists
            db.commit()
        essay = work(essay_id)
        assert essay.state is EssayState.graded
        assert gradings(essay.id)[-1].tier == ("small" if insists else "local")
        assert ("small" in {call.tier for call in calls()}) == insists

    def test_that_is_half_way_when_saving_mode_begins_is_not_asked_for_once_more(
        self, school: School, cascade: Any, provider: OpenAiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cascade()
        essay_id = submitted(school)
        local.grade_essay(str(essay_id))
        provider.faults.script("wrong_schema")
        settle = Meter.correct

        def begin(*arguments: Any) -> None:
            settle(*arguments)
            with session() as db:
                saving.turn_on(db, "ops@school.test", "a loop")
                db.commit()

        monkeypatch.setattr(Meter, "correct", begin)
        essay = work(essay_id)
        assert [gradings(essay.id)[-1].tier, essay.state] == ["local", EssayState.graded]
        assert [outcome for tier, outcome in outcomes() if tier == "small"] == [CallOutcome.invalid]


class TestAReplyThatIsBrokenOff:
    def test_is_kept_with_its_levels_and_without_comments(self, school: School, cascade: Any) -> None:
        cascade()
        essay = work(submitted(school))
        first, _ = gradings(essay.id)
        assert first.usage == {"broken_off": True}
        assert first.confidence
        assert {item["key"] for item in first.criteria} == {"ideas", "language"}
        assert first.total == sum(Decimal(str(item["points"])) for item in first.criteria)
        assert calls()[0].completion_tokens
        assert calls()[0].completion_tokens < (calls()[1].completion_tokens or 0)

    def test_is_never_the_grade_that_stands(
        self, school: School, cascade: Any, engine: InstantEngine, provider: OpenAiServer
    ) -> None:
        cascade(UNSURE, UNSURE)
        provider.faults.script("ok", "quota")
        essay = work(submitted(school))
        assert [(each.tier, each.accepted) for each in gradings(essay.id)] == [
            ("local", False),
            ("small", False),
            ("local", True),
        ]
        assert essay.state is EssayState.graded


class TestASureGrade:
    def test_stands_and_the_provider_is_not_asked(self, school: School, cascade: Any, provider: OpenAiServer) -> None:
        cascade(SURE)
        assert work(submitted(school)).state is EssayState.graded
        assert provider.calls == []


class TestWhatGoesWrongAtTheProvider:
    def test_each_attempt_is_a_row_and_the_ledger_agrees_with_the_bill(
        self, school: School, cascade: Any, provider: OpenAiServer
    ) -> None:
        cascade()
        provider.faults.script("rate_limited:0", "wrong_schema")
        essay = work(submitted(school))
        assert essay.state is EssayState.graded
        assert outcomes()[1:] == [
            ("small", CallOutcome.retried),
            ("small", CallOutcome.invalid),
            ("small", CallOutcome.ok),
        ]
        hosted = calls()[1:]
        assert sum(call.prompt_tokens or 0 for call in hosted) == provider.bill["prompt"]
        assert sum(call.completion_tokens or 0 for call in hosted) == provider.bill["completion"]

    def test_the_next_better_tier_is_asked_when_one_gives_no_grade(
        self, school: School, cascade: Any, provider: OpenAiServer
    ) -> None:
        cascade()
        provider.faults.script("wrong_schema", "wrong_schema")
        essay = work(submitted(school))
        assert [each.tier for each in gradings(essay.id)] == ["local", "large"]
        assert essay.state is EssayState.graded
        assert "small gave no grade" in str(reasons(essay.id))

    def test_the_local_grade_stands_when_the_account_is_empty(
        self, school: School, cascade: Any, provider: OpenAiServer
    ) -> None:
        cascade()
        provider.faults.script("quota")
        essay = work(submitted(school))
        broken_off, whole = gradings(essay.id)
        assert (essay.state, essay.current_grading_id) == (EssayState.graded, whole.id)
        assert (broken_off.accepted, whole.accepted) == (False, True)
        assert broken_off.tier == whole.tier == "local"
        assert len(provider.calls) == 1, "quota is not asked for again, and the circuit keeps the other tier away"
        second = work(submitted(school, TEXT + " More."))
        assert second.state is EssayState.graded
        assert len(provider.calls) == 1

    def test_a_teacher_is_asked_when_the_local_grade_is_too_doubtful(
        self, school: School, cascade: Any, provider: OpenAiServer
    ) -> None:
        cascade(PIZHU_REVIEW_BELOW="0.7")
        provider.faults.script("quota")
        essay = work(submitted(school))
        assert essay.state is EssayState.needs_review
        assert [each.tier for each in gradings(essay.id)] == ["local", "local"], "the second is whole"
        assert not any(each.accepted for each in gradings(essay.id))

    def test_the_local_model_is_asked_when_a_complex_essay_finds_the_provider_down(
        self, school: School, cascade: Any, provider: OpenAiServer
    ) -> None:
        cascade(SURE, PIZHU_COMPLEX_FROM="0")
        provider.faults.script("quota")
        essay = work(submitted(school))
        assert [each.tier for each in gradings(essay.id)] == ["local"]
        assert essay.state is EssayState.graded
        assert essay.route
        assert essay.route["tried"] == ["large"]

    def test_a_tier_that_is_gone_from_the_settings_loses_no_essay(self, school: School, cascade: Any) -> None:
        cascade()
        essay_id = submitted(school)
        local.grade_essay(str(essay_id))
        with use_environment({"PIZHU_TIERS": '[{"name": "only", "engine": "openai", "model": "large"}]'}):
            essay = work(essay_id)
        assert essay.state is EssayState.graded


class TestAProviderThatIsDown:
    @pytest.fixture
    def down(self, cascade: Any) -> None:
        cascade(PIZHU_LOCAL_MODEL="none")
        circuit = Circuit(openai.provider_of(settings().present_tiers[0]))
        for _ in range(circuit_breaker.THRESHOLD):
            with pytest.raises(Unavailable), circuit.passing():
                raise Unavailable("it failed with status 503.")

    def test_is_waited_for_before_a_teacher_is_troubled(self, school: School, down: None) -> None:
        essay_id = submitted(school)
        openai.grade_essay(str(essay_id))
        with session() as db:
            essay = db.get_one(Essay, essay_id)
        assert (essay.state, essay.queue, essay.attempts) == (EssayState.queued, "openai", 0)
        assert essay.enqueued_at is None, "the sweeper is to ring again"
        assert "503" in (essay.reason or "")

    def test_is_not_waited_for_for_ever(self, school: School, down: None) -> None:
        with use_environment({"PIZHU_LONGEST_WAIT": "0.001"}):
            essay = work(submitted(school))
        assert essay.state is EssayState.needs_review
        assert "503" in (essay.reason or "")


class TestWhatTheLocalModelCannotGrade:
    @pytest.mark.parametrize("marker", [REFUSED, INVALID_ALWAYS])
    def test_a_hosted_one_does(self, marker: str, school: School, cascade: Any) -> None:
        cascade()
        essay = work(submitted(school, TEXT + marker))
        assert essay.state is EssayState.graded
        assert [each.tier for each in gradings(essay.id)] == ["small"]


class TestWithoutALocalModel:
    def test_a_hosted_tier_grades_all(self, school: School, cascade: Any) -> None:
        cascade(PIZHU_LOCAL_MODEL="none")
        essay = work(submitted(school))
        assert [each.tier for each in gradings(essay.id)] == ["small"]

    def test_a_provider_without_a_price_is_not_asked_and_the_teacher_reads_why(
        self, school: School, cascade: Any, provider: OpenAiServer
    ) -> None:
        cascade(PIZHU_LOCAL_MODEL="none", PIZHU_PRICES="{}")
        essay = work(submitted(school))
        assert essay.state is EssayState.needs_review
        assert "no price is known for the model small" in (essay.reason or "")
        assert provider.calls == []


def test_a_worker_that_stops_gives_back_what_it_grades(
    school: School, cascade: Any, stopping: None, provider: OpenAiServer
) -> None:
    cascade(PIZHU_LOCAL_MODEL="none")
    essay_id = submitted(school)
    openai.grade_essay(str(essay_id))
    with session() as db:
        essay = db.get_one(Essay, essay_id)
    assert (essay.state, essay.queue, essay.attempts) == (EssayState.queued, "openai", 0)


def test_a_second_message_about_it_changes_nothing(school: School, cascade: Any, provider: OpenAiServer) -> None:
    cascade(PIZHU_LOCAL_MODEL="none")
    essay = work(submitted(school))
    openai.grade_essay(str(essay.id))
    assert len(provider.calls) == 1
    assert len(gradings(essay.id)) == 1


def test_a_withdrawn_essay_is_not_graded(school: School, cascade: Any, provider: OpenAiServer) -> None:
    cascade(PIZHU_LOCAL_MODEL="none")
    essay_id = submitted(school)
    with session() as db:
        lifecycle.cancel(db, essay_id, school.student)
        db.commit()
    openai.grade_essay(str(essay_id))
    assert provider.calls == []


@pytest.mark.parametrize(
    "fault",
    [
        "cut",
        "stream_error",
        "invalid_json",
        "wrong_schema",
        "refusal",
        "no_choices",
        "no_finish",
        "length",
        "error_500",
    ],
)
def test_whatever_goes_wrong_the_ledger_and_the_bill_agree_on_each_call(
    fault: str, school: School, cascade: Any, provider: OpenAiServer
) -> None:
    cascade(PIZHU_LOCAL_MODEL="none")
    provider.faults.script(fault)
    work(submitted(school))
    billed = {call.request_id: (call.prompt, call.completion) for call in provider.calls}
    assert {row.request_id: (row.prompt_tokens, row.completion_tokens) for row in calls()} == billed


class TestGradingAgainToCompare:
    def asked(self, school: School) -> uuid.UUID:
        essay = work(submitted(school))
        with session() as db:
            before = regrades.original(db, essay)
            assert before
            regrade_id = regrades.ask(db, before, "openai")
            db.commit()
        return regrade_id

    def test_asks_the_tier_of_the_grade_and_pays_for_it_as_a_shadow(self, school: School, cascade: Any) -> None:
        cascade()
        regrade_id = self.asked(school)
        openai.regrade_essay(str(regrade_id))
        with session() as db:
            row = db.get_one(Regrade, regrade_id)
        assert row.grade
        assert row.grade["model"] == "small"
        assert outcomes()[-1] == ("small", CallOutcome.shadow)
        assert calls()[-1].cost

    def test_is_the_first_thing_that_saving_mode_saves(self, school: School, cascade: Any) -> None:
        cascade()
        regrade_id = self.asked(school)
        with session() as db:
            db.add(Switch(name=saving.SWITCH, actor="a test"))
            db.commit()
        made = len(calls())
        openai.regrade_essay(str(regrade_id))
        with session() as db:
            assert db.get_one(Regrade, regrade_id).error == "small is closed: saving mode"
        assert len(calls()) == made
