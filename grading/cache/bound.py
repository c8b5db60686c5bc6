"""How the share of wrong hits is kept under its bound, kind by kind.

A hit is wrong when the answer that was served belongs to another question. A sample of hits is asked of a model once
more, unseen (`worth_checking`), and what that shows is told here (`observe`), as is a user's complaint. The threshold
of a kind then follows the evidence, by Clopper and Pearson's exact interval for a share (1934):

- when even the lower end is above the bound, the threshold moves half of the way to certainty;
- when the upper end is below it, and the threshold had been raised, it moves a step back towards its start.

Either way counting starts anew, because hits at another threshold are other hits. Between them it stays: no news is no
reason. A user's complaint counts like a check though nobody complains of a good answer, so it can only make hits surer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from models import CacheBound
from models.base import now
from models.session import session
from settings import settings

CONFIDENCE = 0.9
"""Of the interval that moves a threshold."""
STEP_BACK = 0.25
"""Of the way to where the threshold started, when the evidence allows it."""


@dataclass(frozen=True)
class Estimate:
    """The share of wrong hits, from those that were checked; None before the first."""

    checked: int
    wrong: int
    share: float | None
    low: float
    high: float

    @classmethod
    def of(cls, checked: int, wrong: int, confidence: float = 0.95) -> Self:
        """The exact interval, which holds the true share with at least this confidence."""
        from scipy.special import betaincinv  # every worker imports this module, and few ever ask

        tail = (1 - confidence) / 2
        low = float(betaincinv(wrong, checked - wrong + 1, tail)) if wrong else 0.0
        high = float(betaincinv(wrong + 1, checked - wrong, 1 - tail)) if wrong < checked else 1.0
        return cls(checked, wrong, wrong / checked if checked else None, low, high)


def moved(threshold: float, start: float, checked: int, wrong: int, bound: float) -> float:
    """The threshold after so many checks at it: the same, nearer to one, or nearer to where it started."""
    estimate = Estimate.of(checked, wrong, CONFIDENCE)
    if estimate.low > bound:
        return threshold + (1 - threshold) / 2
    if estimate.high <= bound and threshold > start:
        return threshold - (threshold - start) * STEP_BACK
    return threshold


def worth_checking() -> bool:
    """Whether this hit belongs to the sample that a model answers once more."""
    return random.random() < settings().shadow_checks  # noqa: S311 -- a sample, no secret


def threshold_of(kind: str, start: float) -> float:
    """The threshold of hits of that kind: as far as it was moved from its start, and never below that."""
    with session() as db:
        kept = db.scalar(select(CacheBound.threshold).where(CacheBound.kind == kind))
    return start if kept is None else max(kept, start)


def observe(kind: str, right: bool, *, start: float) -> None:
    """A hit of that kind was checked: count it, and move the threshold where the evidence says so."""
    with session() as db:
        db.execute(
            insert(CacheBound)
            .values(kind=kind, threshold=start, checked=0, wrong=0, all_checked=0, all_wrong=0, moved_at=now())
            .on_conflict_do_nothing()
        )
        row = db.scalars(select(CacheBound).where(CacheBound.kind == kind).with_for_update()).one()
        row.checked, row.all_checked = row.checked + 1, row.all_checked + 1
        row.wrong, row.all_wrong = row.wrong + (not right), row.all_wrong + (not right)
        wanted = moved(row.threshold, start, row.checked, row.wrong, settings().wrong_hits)
        if wanted != row.threshold:
            row.threshold, row.checked, row.wrong, row.moved_at = wanted, 0, 0, now()
        db.commit()


def estimates() -> dict[str, Estimate]:
    """What checks have shown so far of each kind, at all of its thresholds, with the interval of 95 %."""
    with session() as db:
        rows = db.scalars(select(CacheBound).order_by(CacheBound.kind)).all()
        return {row.kind: Estimate.of(row.all_checked, row.all_wrong) for row in rows}
