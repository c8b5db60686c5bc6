"""What the ledger says of where money goes that need not: the figures that `grading.costs.advisor` works from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from grading.costs.ledger import GRADE
from grading.costs.report import iceberg, prompt_shapes, sums_of
from models import Assignment, CallOutcome, Essay, LlmCall, Release
from models.base import now
from models.session import Snapshot

NOTHING = Decimal(0)
LOOKED_BACK = timedelta(days=30)
_COST = func.coalesce(LlmCall.cost, LlmCall.estimated_cost)
_IS_BATCH = LlmCall.price.has_key("batch")
IS_HOSTED = LlmCall.price.has_key("input_mtok")


@dataclass(frozen=True)
class Calls:
    """Calls that are alike; `cost` is the sum of them."""

    feature: str
    tier: str
    outcome: CallOutcome
    batch: bool
    hosted: bool
    count: int
    cost: Decimal


@dataclass(frozen=True)
class Spent:
    """What was spent in so many `days`. `retries` and `surplus` are the iceberg's parts: for calls that brought nobody
    anything, and for what the compact prompts say in fewer tokens. `repeats` is for texts that had been graded before,
    `behind` for hosted grades of essays that the local queue was too far behind for, `unhurried` for live hosted grades
    that no student may see before the teacher releases them."""

    days: int
    calls: Sequence[Calls]
    retries: Decimal = NOTHING
    surplus: Decimal = NOTHING
    repeats: Decimal = NOTHING
    behind: Decimal = NOTHING
    unhurried: Decimal = NOTHING


def spent(db: Snapshot, until: datetime | None = None) -> Spent:
    """Of the 30 days that end then, or of as many whole ones as there are since the first call, one at least."""
    until = until or now()
    since = until - LOOKED_BACK
    lately = (LlmCall.started_at >= since, LlmCall.started_at < until)
    first = db.scalar(select(func.min(LlmCall.started_at)).where(*lately))
    days = max(1, round((until - first) / timedelta(days=1))) if first else 1
    alike = (LlmCall.feature, LlmCall.tier, LlmCall.outcome, _IS_BATCH, IS_HOSTED)
    rows = db.execute(select(*alike, func.count(), func.sum(_COST)).where(*lately).group_by(*alike))
    parts = iceberg(sums_of(db, since, until), prompt_shapes())
    grades = select(func.coalesce(func.sum(_COST), NOTHING)).where(*lately, LlmCall.feature == GRADE)
    of_essays = grades.join(Essay, Essay.id == LlmCall.essay_id)
    live = of_essays.where(IS_HOSTED, ~_IS_BATCH)
    return Spent(
        days=days,
        calls=[Calls(*row) for row in rows],
        retries=parts.retries,
        surplus=parts.prompt,
        repeats=db.scalar(of_essays.where(_graded_before())) or NOTHING,
        behind=db.scalar(live.where(Essay.route["reason"].as_string().contains("is too far behind"))) or NOTHING,
        unhurried=db.scalar(
            live.join(Assignment, Assignment.id == Essay.assignment_id).where(Assignment.release == Release.on_release)
        )
        or NOTHING,
    )


def _graded_before() -> ColumnElement[bool]:
    """Whether the student had handed in the same words for the same assignment, and they were graded by then."""
    former = aliased(Essay)
    return (
        select(former.id)
        .where(former.student_id == Essay.student_id, former.assignment_id == Essay.assignment_id)
        .where(former.text_sha256 == Essay.text_sha256, former.id != Essay.id)
        .where(former.finished_at < Essay.created_at)
        .exists()
    )
