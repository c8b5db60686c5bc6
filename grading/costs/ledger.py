"""The one place that counts money: the only writer of `llm_calls`.

    open_call → the model is called → settle

A call is in the ledger before it is made, so that none is made that nobody pays for, and budgets see what is under way:
they count it with its estimate from then on, and with its cost once that is known. Each function works inside the
caller's short transaction; the caller commits, and holds no connection while the model thinks. A commit whose answer
was lost can be done again: opening finds its own row, and settling settles only once.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from grading.costs import budget
from grading.costs.budget import BudgetSpent, Spending
from grading.costs.prices import UnknownModel, price_of
from grading.costs.tariff import Bill, Hosted
from grading.engines.engine import Usage
from grading.prompts.library import UnknownPrompt, verbose_surplus
from models import BatchItem, CallOutcome, Grading, LlmCall
from models.base import now
from settings import settings

log = logging.getLogger(__name__)

NOTHING = Decimal(0)
GRADE = "grade"
"""The feature of a call that is to give an essay its grade."""


@dataclass(frozen=True)
class Call:
    """An attempt that is about to be made. `request_id` names it and no other; `price` is as `Tariff.to_json`."""

    request_id: str
    feature: str
    tier: str
    model: str
    engine_version: str
    prompt_version: str
    estimated_cost: Decimal
    price: dict[str, str]
    user_id: uuid.UUID | None = None
    class_id: uuid.UUID | None = None
    assignment_id: uuid.UUID | None = None
    essay_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Ending:
    """How an attempt ended. `usage` is None where the provider did not say; its prompt is estimated where it broke off
    before it could."""

    outcome: CallOutcome
    bill: Bill
    latency_s: float
    usage: Usage | None = None
    prompt_estimated: bool = False
    first_token_s: float | None = None
    error: str | None = None


class AlreadySettled(Exception):
    """A call of that name was made and is over; another needs a name of its own."""


def open_call(session: Session, call: Call) -> uuid.UUID:
    """Write a call as `started`, before it is made; returns the row's id, also when it is opened once more.

    Raises `AlreadySettled`, and `BudgetSpent`, after which nothing is written.
    """
    (opened,) = open_calls(session, [call])
    if isinstance(opened, BudgetSpent):
        raise opened
    return opened


def open_calls(session: Session, calls: Sequence[Call]) -> list[uuid.UUID | BudgetSpent]:
    """Several at once, each as `open_call` has it: its id, or why it is not to be made. Raises `AlreadySettled`."""
    at = now()
    opened: list[uuid.UUID | BudgetSpent] = []
    new: dict[int, Spending] = {}
    for place, call in enumerate(calls):
        values = asdict(call) | {"id": uuid.uuid4(), "outcome": CallOutcome.started, "started_at": at}
        added = session.scalar(
            upsert(LlmCall).values(values).on_conflict_do_nothing(index_elements=["request_id"]).returning(LlmCall.id)
        )
        if added is not None:
            new[place] = Spending(call.estimated_cost, call.class_id, call.user_id, at)
        opened.append(added or _found(session, call))
    refused = dict(zip(new, budget.reserve(session, list(new.values())), strict=True))
    for place, why in refused.items():
        if why is not None:
            session.execute(delete(LlmCall).where(LlmCall.id == opened[place]))
            opened[place] = BudgetSpent(why)
    return opened


def _found(session: Session, call: Call) -> uuid.UUID:
    """The row of a call that was opened before."""
    found = session.execute(select(LlmCall.id, LlmCall.outcome).filter_by(request_id=call.request_id)).one()
    if found.outcome is not CallOutcome.started:
        raise AlreadySettled(f"The call {call.request_id} is over ({found.outcome.value}).")
    return found.id


def settle(session: Session, call_id: uuid.UUID, ending: Ending) -> bool:
    """Write down how a call ended; False, and nothing changes, when that has been done before.

    A bill that nobody knows is the call's estimate.
    """
    row = session.scalars(
        select(LlmCall)
        .where(LlmCall.id == call_id, LlmCall.outcome == CallOutcome.started)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return False
    usage = ending.usage
    row.outcome = ending.outcome
    row.cost = row.estimated_cost if ending.bill.cost is None else ending.bill.cost
    row.baseline_cost = _baseline(ending, row.prompt_version)
    row.machine_s, row.latency_s, row.first_token_s = ending.bill.machine_s, ending.latency_s, ending.first_token_s
    row.error, row.finished_at = ending.error, now()
    changes = [_spending(row, row.cost - row.estimated_cost)]
    if usage is not None:
        row.prompt_tokens, row.cached_tokens, row.completion_tokens = usage.prompt, usage.cached, usage.completion
        row.prompt_estimated = ending.prompt_estimated
        if usage.prompt and not ending.prompt_estimated and ending.bill.machine_s is None:
            changes += _learn_prompt(session, row, usage.prompt)
    session.flush()
    budget.add(session, changes)
    return True


def correct(session: Session, call_id: uuid.UUID, before: CallOutcome, after: CallOutcome) -> bool:
    """Say what became of a call that was settled as `before`: an `ok` reply was no grade, or not trusted; a `failed`
    call was made once more. Its cost stays; the work of the baseline is another call's. False when it was not so."""
    changed = session.scalar(
        update(LlmCall)
        .where(LlmCall.id == call_id, LlmCall.outcome == before)
        .values(outcome=after, baseline_cost=NOTHING)
        .returning(LlmCall.id)
        .execution_options(synchronize_session=False)
    )
    return changed is not None


def _learn_prompt(session: Session, known: LlmCall, tokens: int) -> list[Spending]:
    """The prompt of a call is known, and so is that of others with the same one which were cut short before it was
    told: those for the same essay, by the same model. Returns by how much dearer they are for it."""
    if known.essay_id is None:
        return []
    same = select(LlmCall).filter_by(
        essay_id=known.essay_id, model=known.model, prompt_version=known.prompt_version, prompt_estimated=True
    )
    changes = []
    for call in session.scalars(same.with_for_update().execution_options(populate_existing=True)):
        before = call.cost or NOTHING
        used = Usage(prompt=tokens, completion=call.completion_tokens or 0)
        call.prompt_tokens, call.prompt_estimated = tokens, False
        call.cost = Hosted.from_json(call.price).begin()(used).cost
        changes.append(_spending(call, (call.cost or NOTHING) - before))
    return changes


def _spending(row: LlmCall, usd: Decimal) -> Spending:
    return Spending(usd, row.class_id, row.user_id, row.started_at)


def spent(session: Session, essay_id: uuid.UUID) -> Decimal:
    """What the calls for an essay's grade have cost since its last accepted one, failed tries included."""
    former = select(func.max(Grading.created_at)).where(Grading.essay_id == essay_id, Grading.accepted)
    since = func.coalesce(former.scalar_subquery(), datetime.min.replace(tzinfo=UTC))
    cost = func.coalesce(LlmCall.cost, LlmCall.estimated_cost)
    return (
        session.scalar(
            select(func.coalesce(func.sum(cost), NOTHING)).where(
                LlmCall.essay_id == essay_id, LlmCall.feature == GRADE, LlmCall.started_at > since
            )
        )
        or NOTHING
    )


def cost_of(session: Session, call_ids: Sequence[uuid.UUID]) -> Decimal:
    """What these calls have cost together."""
    cost = func.coalesce(LlmCall.cost, LlmCall.estimated_cost)
    return session.scalar(select(func.coalesce(func.sum(cost), NOTHING)).where(LlmCall.id.in_(call_ids))) or NOTHING


def mark_lost(session: Session, older_than: float, limit: int = 500) -> int:
    """Calls that are `started` for more than so many seconds are `lost`: whoever made them died, and what they cost is
    their estimate. Those in a batch that is not over may take a day. Returns how many."""
    in_batch = exists().where(BatchItem.call_id == LlmCall.id, BatchItem.outcome.is_(None))
    long_ago = LlmCall.started_at < now() - timedelta(seconds=older_than)
    overdue = (
        select(LlmCall.id)
        .where(LlmCall.outcome == CallOutcome.started, long_ago, ~in_batch)
        .order_by(LlmCall.started_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    lost = session.scalars(
        update(LlmCall)
        .where(LlmCall.id.in_(overdue.scalar_subquery()))
        .values(
            outcome=CallOutcome.lost,
            cost=LlmCall.estimated_cost,
            baseline_cost=NOTHING,
            error="whoever made the call died before it was over",
            finished_at=now(),
        )
        .returning(LlmCall.id)
        .execution_options(synchronize_session=False)
    )
    return len(lost.all())


def _baseline(ending: Ending, prompt_version: str) -> Decimal | None:
    """What the setting `baseline_model` would have cost for this work; None when its price is not known.

    That is the tokens of this very call at its price, without a cache, and with as many more in the prompt as the
    verbose version has, as if that model counted tokens alike. A call that brought nothing has a baseline of nothing:
    the work was not done, or another call did it. And so has one that writes nothing, such as an embedding: the
    baseline does without.
    """
    if ending.outcome is not CallOutcome.ok or ending.usage is None or not ending.usage.completion:
        return NOTHING
    usage = Usage(ending.usage.prompt + surplus(prompt_version), completion=ending.usage.completion)
    try:
        return price_of(settings().baseline_model, prompt_tokens=usage.prompt).cost(usage)
    except UnknownModel as error:
        log.warning("no baseline: %s", error)
        return None


def surplus(prompt_version: str) -> int:
    """Tokens that the verbose prompt has more than this one; none where it is not known any more."""
    try:
        return verbose_surplus(prompt_version)
    except UnknownPrompt:
        return 0
