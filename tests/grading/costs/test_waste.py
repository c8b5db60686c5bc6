"""grading/costs/waste.py: the figures, read from a real ledger."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from grading.costs.prices import Price
from grading.costs.tariff import Hosted
from grading.costs.waste import spent
from models import Assignment, CallOutcome, Essay, EssayState, LlmCall, Release
from models.base import now
from models.session import session, snapshot
from tests.factories import School, make_essay

HOSTED = Hosted(Price(Decimal(2), Decimal("0.5"), Decimal(8), "a test"))


def add(essay: Essay | None = None, **columns: Any) -> None:
    usual: dict[str, Any] = {
        "request_id": uuid.uuid4().hex,
        "feature": "grade",
        "tier": "large",
        "model": "m",
        "engine_version": "1",
        "prompt_version": "grade/en/v1",
        "estimated_cost": Decimal(9),
        "cost": Decimal(1),
        "price": HOSTED.to_json(),
        "outcome": CallOutcome.ok,
        "essay_id": essay and essay.id,
    }
    with session() as db:
        db.add(LlmCall(**usual | columns))
        db.commit()


def change(row: type[Any], key: uuid.UUID, **columns: Any) -> None:
    with session() as db:
        one = db.get_one(row, key)
        for name, value in columns.items():
            setattr(one, name, value)
        db.commit()


def test_an_empty_ledger_has_spent_nothing(database: None) -> None:
    with snapshot() as db:
        found = spent(db)
    assert (found.days, list(found.calls), found.repeats, found.behind, found.unhurried) == (1, [], 0, 0, 0)


def test_calls_that_are_alike_are_added_up(database: None) -> None:
    for tokens in (100, 200):
        add(prompt_tokens=tokens, cached_tokens=10, completion_tokens=5)
    add(outcome=CallOutcome.started, cost=None)
    add(tier="local", price={"hour_usd": "0.7", "source": "a test"}, started_at=now() - timedelta(days=3))
    add(price=Hosted(HOSTED.price, batch=True).to_json())
    add(started_at=now() - timedelta(days=31))
    with snapshot() as db:
        found = spent(db)
    assert round(found.days, 2) == 3
    by = {(calls.tier, calls.outcome, calls.batch): calls for calls in found.calls}
    assert len(by) == 4
    ok = by["large", CallOutcome.ok, False]
    assert (ok.count, ok.cost, ok.hosted) == (2, 2, True)
    assert by["large", CallOutcome.started, False].cost == 9  # until it is over, its estimate
    assert not by["local", CallOutcome.ok, False].hosted
    assert by["large", CallOutcome.ok, True].count == 1


def test_what_is_wasted_is_what_the_iceberg_says_beside_the_compact_prompts(database: None) -> None:
    # 452 − 315 = 137 tokens more than the compact prompt has, at $2 a million; a call that brought nothing is a retry.
    add(prompt_tokens=1000, cached_tokens=0)
    add(prompt_tokens=1000, cached_tokens=0, prompt_version="grade/en/compact")
    add(outcome=CallOutcome.invalid, cost=Decimal(3), prompt_tokens=1000)
    with snapshot() as db:
        found = spent(db)
    assert (found.surplus, found.retries) == (Decimal("0.000274"), 3)


def test_a_text_that_had_a_grade_and_got_another_is_a_repeat(school: School) -> None:
    first, second = (make_essay(school.student, school.assignment, "Same words.", EssayState.graded) for _ in range(2))
    other = make_essay(school.classmate, school.assignment, "Same words.", EssayState.graded)
    change(Essay, first.id, finished_at=second.created_at - timedelta(hours=1))
    for essay, cost in ((first, 1), (second, 2), (other, 4)):
        add(essay, cost=Decimal(cost))
    with snapshot() as db:
        assert spent(db).repeats == 2


def test_who_went_to_a_provider_since_the_queue_was_too_long_is_counted(school: School) -> None:
    essays = [make_essay(school.student, school.assignment, text, EssayState.graded) for text in ("One.", "Two.")]
    reason = (
        "complexity 0.40: the cheapest model first, a better one if it is unsure; the queue local is too far behind"
    )
    change(Essay, essays[0].id, route={"reason": reason})
    for essay in essays:
        add(essay)
        add(essay, tier="local", price={"hour_usd": "0.7", "source": "a test"})
    with snapshot() as db:
        assert spent(db).behind == 1


def test_grades_that_wait_for_the_teachers_release_are_in_no_hurry(school: School) -> None:
    essay = make_essay(school.student, school.assignment, "One.", EssayState.graded)
    add(essay)
    add(essay, price=Hosted(HOSTED.price, batch=True).to_json())
    for release, dollars in ((Release.at_once, 0), (Release.on_release, 1)):
        change(Assignment, school.assignment.id, release=release)
        with snapshot() as db:
            assert spent(db).unhurried == dollars
