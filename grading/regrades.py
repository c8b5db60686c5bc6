"""Regrades: essays that a model is asked for once more, to compare. They change no essay and no grade.

    ask → claim ⇄ renew → finish | fail | release

A row is claimed like an essay, by one conditional UPDATE with a token and a lease, which is renewed while a model is at
it. The caller commits.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from grading import leases, lifecycle, queues
from models import Essay, Grading, Regrade, Source, Switch
from models.base import now

MOST_ATTEMPTS = 2
"""Workers that one regrade may lose."""
LONGEST = timedelta(days=1)
"""After which a regrade that no model could be asked for, or no worker took, is given up."""


@dataclass(frozen=True)
class RegradeClaim:
    """The right to finish one regrade until the lease runs out."""

    regrade_id: uuid.UUID
    token: uuid.UUID

    @property
    def subject_id(self) -> uuid.UUID:
        return self.regrade_id


def original(session: Session, essay: Essay) -> Grading | None:
    """The grade that a regrade of this essay is compared with: a model's, the last that stood, else the last at all.

    One that was broken off is none, since the rest was never written.
    """
    whole = (Grading.source != Source.teacher, Grading.tier.is_not(None), Grading.model.is_not(None))
    unbroken = func.coalesce(Grading.usage.has_key(lifecycle.BROKEN_OFF), False).is_(False)
    found = select(Grading).where(Grading.essay_id == essay.id, *whole, unbroken)
    return session.scalars(found.order_by(Grading.accepted.desc(), Grading.created_at.desc()).limit(1)).first()


def ask(session: Session, against: Grading, queue: str) -> uuid.UUID:
    """Have the tier of that grading asked again; returns the regrade's id."""
    made = Regrade(id=uuid.uuid4(), **_wanted(against, queue))
    session.add(made)
    return made.id


def ask_daily(session: Session, against: Grading, queue: str, anchor_id: uuid.UUID, day: date) -> uuid.UUID | None:
    """As `ask`, for an anchor; None when it has one for that day, whoever of two asks second."""
    return session.scalar(
        upsert(Regrade)
        .values(id=uuid.uuid4(), anchor_id=anchor_id, day=day, **_wanted(against, queue))
        .on_conflict_do_nothing(index_elements=["anchor_id", "day"])
        .returning(Regrade.id)
    )


def _wanted(against: Grading, queue: str) -> dict[str, Any]:
    told = {"rung_at": now(), "attempts": 0}
    return {"essay_id": against.essay_id, "against_id": against.id, "tier": against.tier, "queue": queue} | told


def claim(session: Session, regrade_id: uuid.UUID, queue: str, lease: float) -> RegradeClaim | None:
    """Claim it for `lease` seconds; None when it is over, somebody else's, lost too often, or the queue is paused."""
    paused = exists().where(Switch.name == queues.pause_switch(queue))
    token = uuid.uuid4()
    claimed = session.scalar(
        update(Regrade)
        .where(Regrade.id == regrade_id, Regrade.queue == queue, _is_free(), Regrade.attempts < MOST_ATTEMPTS, ~paused)
        .values(claim_token=token, lease_until=now() + timedelta(seconds=lease), attempts=Regrade.attempts + 1)
        .returning(Regrade.id)
        .execution_options(synchronize_session=False)
    )
    return RegradeClaim(regrade_id, token) if claimed else None


def renew(session: Session, claims: Collection[RegradeClaim], lease: float) -> set[RegradeClaim]:
    """As `lifecycle.renew`: extend these leases; returns those that still stand."""
    return leases.renew(session, Regrade, Regrade.finished_at.is_(None), claims, lease)


def finish(session: Session, claim: RegradeClaim, grade: dict[str, Any]) -> bool:
    """Keep what the model said (`grading.regrading.comparable`); False when the claim no longer stands."""
    return _end(session, claim, grade=grade)


def fail(session: Session, claim: RegradeClaim, why: str) -> bool:
    """There is no grade, and trying again would bring none."""
    return _end(session, claim, error=why)


def release(session: Session, claim: RegradeClaim, why: str) -> None:
    """Let it be done another time; the try does not count. What has waited too long fails."""
    mine = (Regrade.id == claim.regrade_id, Regrade.claim_token == claim.token, Regrade.finished_at.is_(None))
    free = {"claim_token": None, "lease_until": None}
    late = Regrade.created_at < now() - LONGEST
    for which, values in (
        (late, {"finished_at": now(), "error": why}),
        (~late, {"attempts": Regrade.attempts - 1, "rung_at": None}),
    ):
        changed = update(Regrade).where(*mine, which).values(**free, **values)
        if session.scalar(changed.returning(Regrade.id).execution_options(synchronize_session=False)):
            return


def withdraw(session: Session, regrade_id: uuid.UUID) -> None:
    """Nobody waits for it any more: whoever is at it stops at the next renewal, and nobody else begins."""
    unfinished = update(Regrade).where(Regrade.id == regrade_id, Regrade.finished_at.is_(None))
    session.execute(unfinished.values(finished_at=now(), error="withdrawn", claim_token=None, lease_until=None))


def untold(session: Session, *, older_than: float, lost_queues: Sequence[str]) -> list[tuple[uuid.UUID, str]]:
    """Regrades that wait although no message about them is on its way, with their queues; told of from now on.

    As `queues.untold`. Those whose workers were lost too often fail here, and those that nobody took for a day.
    """
    for over, why in (
        (Regrade.attempts >= MOST_ATTEMPTS, f"the worker was lost {MOST_ATTEMPTS} times"),
        (Regrade.created_at < now() - LONGEST, "no worker took it within a day"),
    ):
        session.execute(
            update(Regrade)
            .where(_is_free(), over)
            .values(finished_at=now(), error=why, claim_token=None)
            .execution_options(synchronize_session=False)
        )
    lost = (Regrade.rung_at < now() - timedelta(seconds=older_than)) & Regrade.queue.in_(lost_queues)
    rows = session.execute(
        update(Regrade)
        .where(_is_free(), or_(Regrade.rung_at.is_(None), lost))
        .values(rung_at=now())
        .returning(Regrade.id, Regrade.queue)
        .execution_options(synchronize_session=False)
    )
    return [(regrade_id, queue) for regrade_id, queue in rows]


def _is_free() -> ColumnElement[bool]:
    free = or_(Regrade.claim_token.is_(None), Regrade.lease_until < now())
    return Regrade.finished_at.is_(None) & free


def _end(session: Session, claim: RegradeClaim, **values: Any) -> bool:
    ended = session.scalar(
        update(Regrade)
        .where(Regrade.id == claim.regrade_id, Regrade.claim_token == claim.token, Regrade.finished_at.is_(None))
        .values(**values, finished_at=now(), claim_token=None, lease_until=None)
        .returning(Regrade.id)
        .execution_options(synchronize_session=False)
    )
    return ended is not None
