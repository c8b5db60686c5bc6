"""The rows of batches: who waits for one, who rides in which, and how far each has come.

As with essays, every change is conditional on what it starts from, so that of two workers one wins; the caller commits.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from grading import lifecycle, queues, saving
from grading.batching import plan
from grading.batching.plan import Situation
from grading.costs import ledger
from grading.costs.budget import BudgetSpent
from grading.costs.ledger import Call
from grading.lifecycle import Claim
from models import (
    Assignment,
    BatchItem,
    BatchState,
    Class,
    Essay,
    EssayState,
    ItemOutcome,
    ProviderBatch,
    Release,
    Switch,
)
from models.base import now

WANTED: ColumnElement[datetime] = case(
    (Assignment.release == Release.from_date, func.coalesce(Assignment.release_at, func.now())), else_=func.now()
)
"""When the grade of an essay of this assignment is wanted, as the assignment now is."""
_TIER = Essay.route["tier"].as_string()
_OPEN = [state for state in BatchState if not state.is_over]
_MAY_PAY = or_(Class.pays_while_saving, ~exists().where(Switch.name == saving.SWITCH))
_HELD = and_(Essay.id == BatchItem.essay_id, Essay.claim_token == BatchItem.claim_token)
"""The essay still waits for this item of a batch."""


@dataclass(frozen=True)
class Group:
    """Essays that wait to ride in a batch of one tier."""

    tier: str
    count: int
    oldest_wait_s: float


@dataclass(frozen=True)
class Rider:
    """An item with its essay, if that still waits for it; `essay.assignment.rubric` is loaded."""

    item: BatchItem
    essay: Essay | None

    @property
    def claim(self) -> Claim | None:
        return Claim(self.essay.id, self.item.claim_token, self.item.attempts) if self.essay else None


@dataclass(frozen=True)
class Refused:
    """An essay that was claimed for a batch and does not ride in it, as a budget is spent."""

    essay: Essay
    claim: Claim
    why: str


# --- who waits for a batch -------------------------------------------------------------------------------------------


def groups(session: Session) -> list[Group]:
    """By tier, those who wait and whose grade is wanted late enough; in saving mode only of classes that insist."""
    rows = session.execute(
        _queued(_TIER, func.count(), func.min(Essay.queued_at))
        .where(after(plan.TAKES) <= WANTED, _MAY_PAY)
        .group_by(_TIER)
    )
    return [Group(tier, count, (now() - oldest).total_seconds()) for tier, count, oldest in rows]


def too_late(session: Session, limit: int = 500) -> list[Essay]:
    """Those who wait and whose grade is wanted before a batch is surely back."""
    return list(session.scalars(_queued(Essay).where(after(plan.TAKES) > WANTED).limit(limit)))


def waiting(session: Session, tier: str, limit: int) -> list[Essay]:
    """Those who wait for a batch of that tier, the longest first; locked."""
    return list(
        session.scalars(
            _queued(Essay)
            .where(tier == _TIER, after(plan.TAKES) <= WANTED, _MAY_PAY)
            .options(joinedload(Essay.assignment).joinedload(Assignment.rubric))
            .order_by(Essay.queued_at, Essay.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=Essay)
        )
    )


def _queued(*columns: Any) -> Select[Any]:
    paused = exists().where(Switch.name == queues.pause_switch(queues.BATCHES))
    return (
        select(*columns)
        .select_from(Essay)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .join(Class, Class.id == Assignment.class_id)
        .where(Essay.state == EssayState.queued, Essay.queue == queues.BATCHES, ~paused)
    )


# --- a batch ---------------------------------------------------------------------------------------------------------


def prepare(
    session: Session, batch: ProviderBatch, essays: Iterable[Essay], call_of: Callable[[Essay, Claim], Call]
) -> list[Refused]:
    """Claim these essays for a new batch, and open the ledger's row of each; returns those that a budget keeps out.

    `batch.size` says how many there are; with none, no batch is written.
    """
    claims = [
        (essay, claim) for essay in essays if (claim := lifecycle.claim(session, essay.id, queues.BATCHES, lease=None))
    ]
    opened = ledger.open_calls(session, [call_of(essay, claim) for essay, claim in claims])
    items, refused = [], []
    for (essay, claim), call_id in zip(claims, opened, strict=True):
        if isinstance(call_id, BudgetSpent):
            refused.append(Refused(essay, claim, str(call_id)))
            continue
        items.append(
            BatchItem(
                custom_id=f"{essay.id}.{claim.attempts}",
                essay_id=essay.id,
                claim_token=claim.token,
                attempts=claim.attempts,
                call_id=call_id,
            )
        )
    batch.size = len(items)
    if items:
        batch.id = batch.id or uuid.uuid4()
        session.add(batch)
        session.flush()
        for item in items:
            item.batch_id = batch.id
        session.add_all(items)
    return refused


def take_due(session: Session) -> list[uuid.UUID]:
    """The open batches that it is time to look at. Nobody else gets them for a while."""
    due = select(ProviderBatch.id).where(ProviderBatch.state.in_(_OPEN), ProviderBatch.next_look_at <= now())
    locked = due.with_for_update(skip_locked=True)
    taken = session.scalars(
        update(ProviderBatch)
        .where(ProviderBatch.id.in_(locked))
        .values(next_look_at=after(plan.LOOK))
        .returning(ProviderBatch.id)
        .execution_options(synchronize_session=False)
    )
    return list(taken)


def after(seconds: float) -> datetime:
    """The time in so many seconds."""
    return now() + timedelta(seconds=seconds)


def situation(session: Session, batch: ProviderBatch) -> Situation:
    """What `plan` needs to know of it."""
    waiting, wanted = session.execute(
        select(func.count(), func.min(WANTED))
        .select_from(BatchItem)
        .join(Essay, _HELD)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .where(BatchItem.batch_id == batch.id)
    ).one()
    return Situation(
        state=batch.state,
        waiting=waiting,
        due_s=(wanted - now()).total_seconds() if wanted else 0.0,
        asked_s=(now() - batch.asked_at).total_seconds() if batch.asked_at else 0.0,
    )


def move(session: Session, batch: ProviderBatch, after: BatchState, **values: Any) -> bool:
    """Bring a batch from the state that `batch` says to another one; False when somebody else did."""
    moved = session.scalar(
        update(ProviderBatch)
        .where(ProviderBatch.id == batch.id, ProviderBatch.state == batch.state)
        .values(state=after, failures=0, error=None, **({"finished_at": now()} if after.is_over else {}))
        .values(**values)
        .returning(ProviderBatch.id)
        .execution_options(synchronize_session=False)
    )
    return moved is not None


def note(session: Session, batch_id: uuid.UUID, **values: Any) -> None:
    """Write down something about it that changes no state."""
    session.execute(update(ProviderBatch).where(ProviderBatch.id == batch_id).values(**values))


def last(session: Session, provider: str, model: str) -> ProviderBatch | None:
    """The last batch of that model there."""
    return session.scalars(
        select(ProviderBatch)
        .filter_by(provider=provider, model=model)
        .order_by(ProviderBatch.created_at.desc())
        .limit(1)
    ).first()


def left_out(session: Session, provider: str, model: str) -> frozenset[str]:
    """What the batches of that model have lately taught about the provider, whichever was the last to be made."""
    taught = session.scalars(
        select(ProviderBatch.left_out)
        .filter_by(provider=provider, model=model)
        .where(ProviderBatch.created_at > after(-plan.REMEMBERED))
        .distinct()
    )
    return frozenset(part for parts in taught for part in parts)


def refused_size(session: Session, provider: str, model: str) -> int | None:
    """Essays in the last batch of that model that the provider had no room for, if that was lately."""
    return session.scalar(
        select(ProviderBatch.size)
        .filter_by(provider=provider, model=model, state=BatchState.no_room)
        .where(ProviderBatch.created_at > after(-plan.CROWDED))
        .order_by(ProviderBatch.created_at.desc())
        .limit(1)
    )


# --- who rides in it -------------------------------------------------------------------------------------------------


def riders(session: Session, batch_id: uuid.UUID) -> list[Rider]:
    """All items that are owed, in the order of their names."""
    rows = session.execute(
        select(BatchItem, Essay)
        .outerjoin(Essay, _HELD)
        .where(BatchItem.batch_id == batch_id, BatchItem.outcome.is_(None))
        .options(joinedload(Essay.assignment).joinedload(Assignment.rubric))
        .order_by(BatchItem.custom_id)
    )
    return [Rider(item, essay) for item, essay in rows]


def end_item(session: Session, item: BatchItem, outcome: ItemOutcome) -> bool:
    """Say what became of it; False when that has been said."""
    ended = session.scalar(
        update(BatchItem)
        .where(BatchItem.id == item.id, BatchItem.outcome.is_(None))
        .values(outcome=outcome)
        .returning(BatchItem.id)
        .execution_options(synchronize_session=False)
    )
    if ended and outcome is ItemOutcome.answered:
        note(session, item.batch_id, answered=ProviderBatch.answered + 1)
    return ended is not None


def write_asked(session: Session, asked: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Keep with each item the digest of the request that the file has for it."""
    session.execute(update(BatchItem), [{"id": item_id, "asked": digest} for item_id, digest in asked])
