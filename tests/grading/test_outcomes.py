"""grading/outcomes.py: what an assignment's gradings and ledger say of its tiers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from grading import lifecycle
from grading.outcomes import outcomes
from grading.routing_fit import Attempt, Outcome
from models import Assignment, CallOutcome, Essay, Grading, LlmCall, RubricVersion, Source
from models.base import now
from models.session import session
from tests.factories import School, a_grading, make_essay

TIERS = ["local", "small", "large"]


def add_grading(school: School, essay: Essay, tier: str, total: str, confidence: float = 0.5, minute: int = 0) -> None:
    grading = a_grading(school.assignment)
    grading.essay_id, grading.tier, grading.total, grading.confidence = essay.id, tier, Decimal(total), confidence
    grading.source = Source.local if tier == "local" else Source.openai
    grading.created_at = now() + timedelta(minutes=minute)
    with session() as db:
        db.add(grading)
        db.commit()


def add_call(
    school: School, essay: Essay, tier: str, cost: str, outcome: CallOutcome = CallOutcome.ok, feature: str = "grade"
) -> None:
    with session() as db:
        count = db.query(LlmCall).count()
        db.add(
            LlmCall(
                request_id=f"call {count}",
                essay_id=essay.id,
                assignment_id=school.assignment.id,
                feature=feature,
                tier=tier,
                model="a-model",
                engine_version="test",
                prompt_version="v1",
                estimated_cost=Decimal(cost),
                cost=None if outcome is CallOutcome.started else Decimal(cost),
                price={},
                outcome=outcome,
            )
        )
        db.commit()


def teach(school: School, essay: Essay, total: str) -> None:
    grading = a_grading(school.assignment)
    grading.total, grading.created_at = Decimal(total), now() + timedelta(hours=1)
    with session() as db:
        lifecycle.override(db, essay.id, school.teacher, grading)
        db.commit()


def found(school: School) -> list[Outcome]:
    with session() as db:
        return outcomes(db, db.get_one(Assignment, school.assignment.id), TIERS)


def test_a_teachers_mark_is_what_tiers_are_measured_by(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    add_grading(school, essay, "local", "10", 0.4)
    add_grading(school, essay, "large", "15", 0.9, minute=1)
    add_call(school, essay, "local", "0.001", CallOutcome.escalated)
    add_call(school, essay, "large", "0.02")
    teach(school, essay, "16")
    [outcome] = found(school)
    assert outcome.taught
    assert outcome.attempts["local"] == Attempt(0.4, 0.001, pytest.approx(6 / 20))
    assert outcome.attempts["large"] == Attempt(0.9, 0.02, pytest.approx(1 / 20))


def test_without_one_the_better_tier_is_the_reference_and_its_own_error_unknown(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    add_grading(school, essay, "local", "10")
    add_grading(school, essay, "small", "12", minute=1)
    [outcome] = found(school)
    assert not outcome.taught
    assert outcome.attempts["local"].error == pytest.approx(0.1)
    assert outcome.attempts["small"].error is None


def test_one_grade_alone_has_no_known_error(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    add_grading(school, essay, "local", "10")
    [outcome] = found(school)
    assert outcome.attempts["local"].error is None


def test_failed_and_repeated_calls_are_paid_and_those_still_running_estimated(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    add_grading(school, essay, "large", "10")
    for cost, outcome in (("0.01", CallOutcome.retried), ("0.02", CallOutcome.ok), ("0.03", CallOutcome.started)):
        add_call(school, essay, "large", cost, outcome)
    add_call(school, essay, "large", "5", feature="ask")
    [outcome_] = found(school)
    assert outcome_.attempts["large"].cost == pytest.approx(0.06)


def test_a_tier_that_graded_twice_is_taken_at_its_last_word_and_half_its_cost(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    for minute, total in enumerate(("8", "12")):
        add_grading(school, essay, "local", total, 0.3 + minute / 10, minute)
        add_call(school, essay, "local", "0.001")
    teach(school, essay, "12")
    [outcome] = found(school)
    assert outcome.attempts["local"] == Attempt(pytest.approx(0.4), 0.001, 0)


def test_complexity_is_that_of_the_route(school: School) -> None:
    routed, unrouted = (make_essay(school.student, school.assignment) for _ in range(2))
    with session() as db:
        db.get_one(Essay, routed.id).route = {"tier": "local", "complexity": 0.42}
        db.commit()
    for essay in (routed, unrouted):
        add_grading(school, essay, "local", "10")
    assert {outcome.complexity for outcome in found(school)} == {0.42, None}


def test_other_assignments_former_rubrics_and_unknown_tiers_teach_nothing(school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    add_grading(school, essay, "gone", "10")
    assert found(school) == []
    add_grading(school, essay, "local", "10")
    assert len(found(school)) == 1
    with session() as db:
        version = RubricVersion(assignment_id=school.assignment.id, version=2, criteria=[], content_hash="x")
        db.add(version)
        db.flush()
        db.get_one(Assignment, school.assignment.id).rubric_id = version.id
        db.commit()
        assert db.query(Grading).count() == 2
    assert found(school) == []
