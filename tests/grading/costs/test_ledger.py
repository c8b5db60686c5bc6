from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import StatementError

from grading.costs import ledger
from grading.costs.ledger import AlreadySettled, Call, Ending
from grading.costs.prices import price_of
from grading.costs.tariff import Bill, Hosted
from grading.engines.engine import Usage
from grading.prompts import library
from models import Assignment, BatchItem, CallOutcome, Class, Essay, ItemOutcome, LlmCall, ProviderBatch, User
from models.base import now
from models.session import session
from tests.conftest import use_environment
from tests.factories import make_essay, make_school

USAGE = Usage(prompt=2000, cached=500, completion=800)


def a_call(request_id: str = "one", **fields: Any) -> Call:
    values: dict[str, Any] = {
        "feature": "grade",
        "tier": "openai",
        "model": "gpt-4o-mini",
        "engine_version": "openai 3",
        "prompt_version": "grade/en/verbose",
        "estimated_cost": Decimal("0.002"),
        "price": price_of("gpt-4o-mini").to_json(),
    }
    return Call(request_id, **(values | fields))


def open_call(call: Call | None = None) -> uuid.UUID:
    with session() as db:
        call_id = ledger.open_call(db, call or a_call())
        db.commit()
        return call_id


def settle(call_id: uuid.UUID, outcome: CallOutcome = CallOutcome.ok, **fields: Any) -> bool:
    usage = fields.setdefault("usage", USAGE)
    bill = fields.pop("bill", None) or Hosted(price_of("gpt-4o-mini")).begin()(usage)
    with session() as db:
        settled = ledger.settle(db, call_id, Ending(outcome, bill, latency_s=3.5, **fields))
        db.commit()
        return settled


def kept(call_id: uuid.UUID) -> LlmCall:
    with session() as db:
        return db.get_one(LlmCall, call_id)


def mark_lost(older_than: float = 600) -> int:
    with session() as db:
        lost = ledger.mark_lost(db, older_than=older_than)
        db.commit()
        return lost


def make_old(call_id: uuid.UUID) -> None:
    with session() as db:
        db.execute(update(LlmCall).where(LlmCall.id == call_id).values(started_at=now() - timedelta(hours=1)))
        db.commit()


class TestOpening:
    def test_leaves_a_row_with_its_estimate_before_the_call_is_made(self, database: None) -> None:
        school = make_school()
        essay = make_essay(school.student, school.assignment)
        owners = {
            "user_id": school.student.id,
            "class_id": school.school_class.id,
            "assignment_id": school.assignment.id,
            "essay_id": essay.id,
        }
        row = kept(open_call(a_call(**owners)))
        assert row.outcome is CallOutcome.started
        assert (row.estimated_cost, row.cost, row.finished_at) == (Decimal("0.002"), None, None)
        assert {name: getattr(row, name) for name in owners} == owners

    def test_the_same_attempt_again_is_one_row(self, database: None) -> None:
        assert open_call() == open_call()

    def test_another_attempt_is_another_row(self, database: None) -> None:
        assert open_call() != open_call(a_call("two"))

    def test_an_attempt_that_is_over_is_refused(self, database: None) -> None:
        settle(open_call())
        with pytest.raises(AlreadySettled, match="ok"):
            open_call()

    def test_by_many_at_once_is_one_row(self, database: None) -> None:
        found: list[uuid.UUID] = []
        threads = [threading.Thread(target=lambda: found.append(open_call())) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert len(set(found)) == 1


class TestSettling:
    def test_writes_tokens_times_and_the_exact_cost(self, database: None) -> None:
        call_id = open_call()
        assert settle(call_id, first_token_s=0.5)
        row = kept(call_id)
        assert row.outcome is CallOutcome.ok
        assert (row.prompt_tokens, row.cached_tokens, row.completion_tokens) == (2000, 500, 800)
        assert (row.latency_s, row.first_token_s) == (3.5, 0.5)
        assert row.cost == Decimal("0.0007425")
        assert row.finished_at
        assert row.finished_at >= row.started_at

    def test_a_second_time_changes_nothing(self, database: None) -> None:
        call_id = open_call()
        settle(call_id)
        assert not settle(call_id, CallOutcome.failed, bill=Bill(Decimal(7)))
        assert kept(call_id).outcome is CallOutcome.ok
        assert kept(call_id).cost == Decimal("0.0007425")

    def test_by_two_at_once_happens_once(self, database: None) -> None:
        call_id = open_call()
        settled: list[bool] = []
        threads = [threading.Thread(target=lambda: settled.append(settle(call_id))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(settled) == [False] * 5 + [True]

    def test_without_a_known_usage_counts_the_estimate(self, database: None) -> None:
        call_id = open_call()
        settle(call_id, CallOutcome.abandoned, usage=None)
        assert kept(call_id).cost == Decimal("0.002")
        assert kept(call_id).prompt_tokens is None

    def test_keeps_the_price_of_a_single_token_of_a_cheap_model(self, database: None) -> None:
        call_id = open_call()
        settle(call_id, bill=Bill(Decimal("0.0000000025")))
        assert kept(call_id).cost == Decimal("0.0000000025")

    def test_keeps_money_as_decimals(self, database: None) -> None:
        call_id = open_call()
        settle(call_id)
        row = kept(call_id)
        assert {type(amount) for amount in (row.estimated_cost, row.cost, row.baseline_cost)} == {Decimal}
        assert all(isinstance(value, str) for value in row.price.values())

    def test_money_is_no_floating_point_number(self, database: None) -> None:
        with pytest.raises(StatementError, match="money is Decimal"):
            open_call(a_call(estimated_cost=0.002))
        call_id = open_call()
        with pytest.raises(TypeError):
            settle(call_id, bill=Bill(0.1 + 0.2))  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Hosted(replace(price_of("gpt-4o-mini"), input_mtok=0.15)).begin()(USAGE)  # type: ignore[arg-type]

    def test_a_price_that_changes_later_changes_no_row(self, database: None) -> None:
        old = open_call()
        settle(old)
        before = (kept(old).cost, kept(old).baseline_cost, kept(old).price)
        dearer = {name: {"input": "40", "output": "90"} for name in ("gpt-4o-mini", "gpt-4-turbo")}
        with use_environment({"PIZHU_PRICES": str(dearer).replace("'", '"')}):
            new = open_call(a_call("two"))
            settle(new)
            mark_lost(older_than=-1)
        assert (kept(old).cost, kept(old).baseline_cost, kept(old).price) == before
        assert kept(new).cost == Decimal("0.152")
        assert kept(new).baseline_cost == Decimal("0.152")


class TestTheBaseline:
    def test_is_the_same_tokens_at_the_price_of_the_baseline_model_without_a_cache(self, database: None) -> None:
        call_id = open_call()
        settle(call_id)
        assert kept(call_id).baseline_cost == Decimal("0.044")

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_has_the_verbose_prompt(self, language: str, database: None) -> None:
        verbose, short = (library.load("grade", language, version) for version in ("verbose", "compact"))
        call_id = open_call(a_call(prompt_version=short.id))
        settle(call_id)
        more = verbose.tokens - short.tokens
        assert more > 1000
        assert kept(call_id).baseline_cost == Decimal("0.044") + more * Decimal("0.00001")

    def test_with_a_prompt_that_is_there_no_more_has_its_own(self, database: None) -> None:
        call_id = open_call(a_call(prompt_version="grade/en/long-gone"))
        settle(call_id)
        assert kept(call_id).baseline_cost == Decimal("0.044")

    def test_of_an_embedding_is_nothing(self, database: None) -> None:
        call_id = open_call()
        settle(call_id, usage=Usage(prompt=500))
        assert kept(call_id).baseline_cost == 0

    def test_is_another_model_if_the_settings_say_so(self, database: None) -> None:
        call_id = open_call()
        with use_environment({"PIZHU_BASELINE_MODEL": "gpt-4"}):
            settle(call_id)
        assert kept(call_id).baseline_cost == Decimal("0.108")

    @pytest.mark.parametrize(
        "outcome", [outcome for outcome in CallOutcome if outcome not in (CallOutcome.started, CallOutcome.ok)]
    )
    def test_of_a_call_that_did_no_work_is_nothing(self, outcome: CallOutcome, database: None) -> None:
        call_id = open_call()
        settle(call_id, outcome)
        assert kept(call_id).baseline_cost == 0

    def test_without_a_price_is_not_made_up(self, database: None) -> None:
        call_id = open_call()
        with use_environment({"PIZHU_BASELINE_MODEL": "no-such-model"}):
            assert settle(call_id)
        assert kept(call_id).baseline_cost is None
        assert kept(call_id).cost == Decimal("0.0007425")


class TestEscalating:
    def test_moves_the_work_to_another_call_and_the_cost_stays(self, database: None) -> None:
        call_id = open_call()
        settle(call_id)
        with session() as db:
            assert ledger.correct(db, call_id, CallOutcome.ok, CallOutcome.escalated)
            assert not ledger.correct(db, call_id, CallOutcome.ok, CallOutcome.escalated)
            db.commit()
        row = kept(call_id)
        assert (row.outcome, row.cost, row.baseline_cost) == (CallOutcome.escalated, Decimal("0.0007425"), 0)

    @pytest.mark.parametrize("outcome", [CallOutcome.invalid, CallOutcome.failed])
    def test_needs_a_reply(self, outcome: CallOutcome, database: None) -> None:
        call_id = open_call()
        settle(call_id, outcome)
        with session() as db:
            assert not ledger.correct(db, call_id, CallOutcome.ok, CallOutcome.escalated)


class TestLostCalls:
    def test_count_with_their_estimate(self, database: None) -> None:
        call_id = open_call()
        make_old(call_id)
        assert mark_lost() == 1
        row = kept(call_id)
        assert (row.outcome, row.cost, row.baseline_cost) == (CallOutcome.lost, row.estimated_cost, 0)
        assert row.error
        assert row.finished_at

    def test_are_not_those_under_way(self, database: None) -> None:
        call_id = open_call()
        assert mark_lost() == 0
        assert settle(call_id)

    def test_are_not_those_in_a_batch_that_is_not_over(self, database: None) -> None:
        call_id = open_call()
        make_old(call_id)
        with session() as db:
            batch = ProviderBatch(tier="small", model="m", provider="p", size=1)
            db.add(batch)
            db.flush()
            item = BatchItem(batch_id=batch.id, custom_id="c", claim_token=uuid.uuid4(), attempts=1, call_id=call_id)
            db.add(item)
            db.commit()
            assert mark_lost() == 0
            item.outcome = ItemOutcome.answered
            db.commit()
        assert mark_lost() == 1

    def test_are_not_those_that_are_settled(self, database: None) -> None:
        call_id = open_call()
        settle(call_id)
        make_old(call_id)
        assert mark_lost() == 0
        assert kept(call_id).outcome is CallOutcome.ok

    def test_stay_lost_when_somebody_comes_late(self, database: None) -> None:
        call_id = open_call()
        make_old(call_id)
        mark_lost()
        assert not settle(call_id)
        assert kept(call_id).outcome is CallOutcome.lost


def test_a_row_outlives_what_it_belongs_to(database: None) -> None:
    school = make_school()
    essay = make_essay(school.student, school.assignment)
    call_id = open_call(
        a_call(
            user_id=school.student.id,
            class_id=school.school_class.id,
            assignment_id=school.assignment.id,
            essay_id=essay.id,
        )
    )
    settle(call_id)
    with session() as db:
        for model, key in (
            (Essay, essay.id),
            (Assignment, school.assignment.id),
            (Class, school.school_class.id),
            (User, school.student.id),
        ):
            db.execute(delete(model).where(model.id == key))
        db.commit()
    row = kept(call_id)
    assert (row.essay_id, row.assignment_id, row.class_id, row.user_id) == (None, None, None, None)
    assert row.cost == Decimal("0.0007425")
