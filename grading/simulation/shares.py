"""What this platform's own ledger says of how often a tier's grade stands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.costs.ledger import GRADE
from models import CallOutcome, LlmCall

FEWEST = 50
"""Grades of a tier from which on a share is told."""


def accepted_shares(db: Session, since: datetime) -> dict[str, float]:
    """By tier, the share of its grades since then after which no better tier was asked; none for tiers with too few."""
    grades = (
        select(
            LlmCall.tier,
            func.count().filter(LlmCall.outcome == CallOutcome.ok),
            func.count(),
        )
        .where(
            LlmCall.feature == GRADE,
            LlmCall.started_at >= since,
            LlmCall.outcome.in_((CallOutcome.ok, CallOutcome.escalated)),
        )
        .group_by(LlmCall.tier)
        .having(func.count() >= FEWEST)
    )
    return {tier: stood / all_ for tier, stood, all_ in db.execute(grades)}
