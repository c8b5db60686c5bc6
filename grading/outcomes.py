"""What became of an assignment's essays, read from its gradings and the ledger: what thresholds are learned from.

The reference is a teacher's last grade; where none was given and two tiers graded the essay, the mark of the better
one. Only gradings by the present rubric count, and of each tier its last. What a tier cost is the sum of its calls in
the ledger, failed ones included, divided among its gradings of that essay. A tier that was broken off because it was
too unsure has no grading; its confidence counts as nought.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.routing_fit import Attempt, Outcome
from models import Assignment, CallOutcome, Essay, Grading, LlmCall, Source


@dataclass(frozen=True)
class Given:
    """A grade: by a tier, or by a teacher where `tier` is None. `mark` is a share of full marks."""

    tier: str | None
    mark: float
    confidence: float | None = None


@dataclass(frozen=True)
class Spent:
    """What the calls of one tier for one essay came to, in US dollars, and whether one was escalated."""

    cost: Decimal
    escalated: bool


def outcomes(session: Session, assignment: Assignment, tiers: Sequence[str]) -> list[Outcome]:
    """One for each essay that a model of these tiers, cheapest first, has been asked about."""
    given, spent = _given(session, assignment), _spent(session, assignment.id)
    essays = select(Essay.id, Essay.route["complexity"].as_float()).where(Essay.assignment_id == assignment.id)
    made = (
        outcome_of(given[essay_id], spent[essay_id], tiers, complexity)
        for essay_id, complexity in session.execute(essays)
    )
    return [outcome for outcome in made if outcome.attempts]


def outcome_of(
    given: Sequence[Given], spent: dict[str, Spent], tiers: Sequence[str], complexity: float | None
) -> Outcome:
    """The outcome of an essay from its grades, the first first."""
    last = {grade.tier: grade for grade in given}
    times = {tier: sum(grade.tier == tier for grade in given) for tier in tiers}
    graded = [tier for tier in tiers if tier in last]
    taught = last.get(None)
    reference = taught or (last[graded[-1]] if len(graded) > 1 else None)
    attempts = {}
    for tier in tiers:
        paid = spent.get(tier, Spent(Decimal(0), False))
        grade = last.get(tier)
        if grade is None and not paid.escalated:
            continue
        error = None
        if grade and reference and grade is not reference:
            error = abs(grade.mark - reference.mark)
        confidence = (grade.confidence or 0.0) if grade else 0.0
        attempts[tier] = Attempt(confidence, float(paid.cost) / max(1, times[tier]), error)
    return Outcome(attempts, complexity, taught is not None)


def _given(session: Session, assignment: Assignment) -> dict[uuid.UUID, list[Given]]:
    """Every grade by the present rubric, by essay, the first first."""
    rows = session.execute(
        select(Grading.essay_id, Grading.source, Grading.tier, Grading.total / Grading.max, Grading.confidence)
        .join(Essay, Essay.id == Grading.essay_id)
        .where(Essay.assignment_id == assignment.id, Grading.rubric_id == assignment.rubric_id)
        .order_by(Grading.created_at)
    )
    found: dict[uuid.UUID, list[Given]] = defaultdict(list)
    for essay_id, source, tier, mark, confidence in rows:
        if source is Source.teacher:
            found[essay_id].append(Given(None, float(mark)))
        elif tier is not None:
            found[essay_id].append(Given(tier, float(mark), confidence))
    return found


def _spent(session: Session, assignment_id: uuid.UUID) -> dict[uuid.UUID, dict[str, Spent]]:
    """What the calls for each essay came to, by tier."""
    rows = session.execute(
        select(
            LlmCall.essay_id,
            LlmCall.tier,
            func.sum(func.coalesce(LlmCall.cost, LlmCall.estimated_cost)),
            func.bool_or(LlmCall.outcome == CallOutcome.escalated),
        )
        .where(LlmCall.assignment_id == assignment_id, LlmCall.essay_id.is_not(None), LlmCall.feature == "grade")
        .group_by(LlmCall.essay_id, LlmCall.tier)
    )
    found: dict[uuid.UUID, dict[str, Spent]] = defaultdict(dict)
    for essay_id, tier, cost, escalated in rows:
        found[essay_id][tier] = Spent(cost, escalated)
    return found
