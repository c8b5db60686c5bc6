"""grading/costs/totals.py: totals of the ledger, which are right although hardly anything is read."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from grading.costs.totals import IN_FLIGHT, SECONDS, TOKENS, Tally, Totals
from models import CallOutcome, LlmCall
from models.base import now
from models.session import session

pytestmark = pytest.mark.usefixtures("database")


def call(**columns: Any) -> uuid.UUID:
    """A call that has just ended."""
    values: dict[str, Any] = {
        "request_id": uuid.uuid4().hex,
        "feature": "grade",
        "tier": "small",
        "model": "gpt-4.1-mini",
        "engine_version": "openai 3",
        "prompt_version": "grade/en/v1",
        "estimated_cost": Decimal(1),
        "cost": Decimal("0.01"),
        "price": {},
        "prompt_tokens": 2000,
        "completion_tokens": 300,
        "outcome": CallOutcome.ok,
        "finished_at": now(),
        "latency_s": 3.0,
    }
    row = LlmCall(id=uuid.uuid4(), **(values | columns))
    with session() as db:
        db.add(row)
        db.commit()
        return row.id


def read(tally: Tally) -> Totals:
    with session() as db:
        return tally.read(db)


def test_dollars_and_calls_are_by_model_and_feature() -> None:
    call()
    call(feature="ask", cost=Decimal("0.002"))
    call(outcome=CallOutcome.failed)
    totals = read(Tally())
    assert totals.dollars == {("gpt-4.1-mini", "grade"): Decimal("0.02"), ("gpt-4.1-mini", "ask"): Decimal("0.002")}
    assert totals.calls["gpt-4.1-mini", "grade", "failed"] == 1


def test_what_has_not_ended_is_not_counted_yet() -> None:
    call(outcome=CallOutcome.started, cost=None, finished_at=None)
    assert read(Tally()).calls == {}


@pytest.mark.parametrize(("tokens", "bucket"), [(0, 0), (100, 0), (101, 1), (10_000, 6), (10_001, 7)])
def test_a_bucket_holds_its_bound(tokens: int, bucket: int) -> None:
    call(prompt_tokens=tokens)
    histogram = read(Tally()).tokens["gpt-4.1-mini", "prompt"]
    assert histogram.counts == [int(number == bucket) for number in range(len(TOKENS) + 1)]
    assert histogram.sum == tokens


def test_what_was_not_measured_is_in_no_bucket() -> None:
    call(prompt_tokens=None, completion_tokens=None)
    totals = read(Tally())
    assert (totals.tokens, totals.first_token, totals.in_flight) == ({}, {}, {})
    assert totals.seconds["gpt-4.1-mini",].counts[SECONDS.index(5.0)] == 1


def test_our_own_machine_tells_how_many_calls_it_worked_on_at_once() -> None:
    call(model="local", latency_s=8.0, machine_s=0.5)
    histogram = read(Tally()).in_flight["local",]
    assert histogram.counts[IN_FLIGHT.index(16.0)] == 1
    assert histogram.sum == 16.0


def test_whoever_reads_again_and_again_reads_the_same_as_whoever_reads_once() -> None:
    tally = Tally()
    for age in (timedelta(hours=30), timedelta(hours=1), timedelta(minutes=59), timedelta()):
        call(finished_at=now() - age)
        read(tally)
    call(finished_at=now() - timedelta(seconds=1))
    assert read(tally) == read(Tally())
    assert read(tally).calls.total() == 5


def test_an_hour_later_nothing_is_counted_twice_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    call()
    assert read(tally).calls.total() == 1
    with session() as db:  # as if the hour between had gone by
        db.execute(update(LlmCall).values(finished_at=LlmCall.finished_at - timedelta(hours=2)))
        db.commit()
    tally._until -= timedelta(hours=2)
    assert read(tally).calls.total() == 1
    assert read(tally).calls.total() == 1


def test_a_prompt_that_is_only_estimated_waits_for_an_hour_so_that_no_total_falls() -> None:
    call(prompt_estimated=True)
    assert read(Tally()).dollars == {}
    with session() as db:
        db.execute(update(LlmCall).values(finished_at=now() - timedelta(hours=1, minutes=1)))
        db.commit()
    assert read(Tally()).dollars
