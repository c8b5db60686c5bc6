"""What became of an assignment's essays, read from its gradings and the ledger: what thresholds are learned from.

The reference is a teacher's last grade; where none was given and two tiers graded the essay, the mark of the better
one. Only gradings by the present rubric count, and of each tier its last; one that was broken off because its levels
were too uncertain is a grading as well. What a tier cost is the sum of its calls in the ledger, failed ones included,
divided among its gradings of that essay.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.routing_fit import Attempt, Outcome
from models import Assignment, Essay, Grading, LlmCall, Source


@dataclass(frozen=True)
class Given:
    """A grade: by a tier, or by a teacher where `tier` is None. `mark` is a share of full marks."""

    tier: str | None
    mark: float
    confidence: float | None = None


def outcomes(session: Session, assignment: Assignment, tiers: Sequence[str]) -> list[Outcome]:
    """One for each essay that a model of these tiers, cheapest first, has graded."""
    given, spent = _given(session, assignment), _spent(session, assignment.id)
    essays = select(Essay.id, Essay.route["complexity"].as_float()).where(Essay.assignment_id == assignment.id)
    made = (
        outcome_of(given[essay_id], spent[essay_id], tiers, complexity)
        for essay_id, complexity in session.execute(essays)
    )
    return [outcome for outcome in made if outcome.attempts]


def outcome_of(
    given: Sequence[Given], spent: Mapping[str, Decimal], tiers: Sequence[str], complexity: float | None
) -> Outcome:
    """The outcome of an essay from its grades, the first first, and what each tier's calls came to in US dollars."""
    last = {grade.tier: grade for grade in given}
    times = Counter(grade.tier for grade in given)
    graded = [tier for tier in tiers if tier in last]
    taught = last.get(None)
    reference = taught or (last[graded[-1]] if len(graded) > 1 else None)
    attempts = {}
    for tier in graded:
        grade = last[tier]
        error = abs(grade.mark - reference.mark) if reference and grade is not reference else None
        attempts[tier] = Attempt(grade.confidence or 0.0, float(spent.get(tier, 0)) / times[tier], error)
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


def _spent(session: Session, assignment_id: uuid.UUID) -> dict[uuid.UUID, dict[str, Decimal]]:
    """What the calls for each essay came to, by tier."""
    rows = session.execute(
        select(
            LlmCall.essay_id,
            LlmCall.tier,
            func.sum(func.coalesce(LlmCall.cost, LlmCall.estimated_cost)),
        )
        .where(LlmCall.assignment_id == assignment_id, LlmCall.feature == "grade")
        .group_by(LlmCall.essay_id, LlmCall.tier)
    )
    found: dict[uuid.UUID, dict[str, Decimal]] = defaultdict(dict)
    for essay_id, tier, cost in rows:
        if essay_id is not None:  # a deleted essay still cost what it cost, and teaches nothing
            found[essay_id][tier] = cost
    return found
