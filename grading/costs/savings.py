"""The savings of essays as they are kept: one row when a grade counts, or when a teacher gets the essay after all."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from grading.costs import ledger, saving
from grading.costs.prices import Price, UnknownModel, price_of
from grading.costs.rollup import EVERYBODY, SAVED, outside, rolled_part
from grading.costs.saving import Facts, Lever, Saving
from grading.costs.tariff import Hosted
from grading.engines.engine import Usage
from models import CallOutcome, Essay, EssaySaving, Grading, LlmCall, SavingHour
from models.session import Snapshot
from settings import settings

log = logging.getLogger(__name__)


def record(session: Session, essay: Essay, grading: Grading | None) -> Saving | None:
    """Keep what this grade has saved; None as grading: its tries were for nothing, and a teacher grades.

    In the transaction that makes the grade count, after the calls are settled. Returns None, and keeps nothing, where
    nothing was asked since the last one, or the baseline's price is not known.
    """
    calls = _calls_since(session, essay.id)
    if not calls:
        return None
    return _keep(session, essay, grading, calls)


def record_repeat(session: Session, essay: Essay, grading: Grading) -> Saving | None:
    """Keep what was saved since this grade was known from the same words before: all that it would have cost.

    None, and nothing is kept, where no call to a model had given it.
    """
    known = session.get_one(Grading, grading.repeats_id)
    before = select(LlmCall).where(LlmCall.essay_id == known.essay_id, LlmCall.started_at <= known.created_at)
    calls = session.scalars(before.where(LlmCall.feature == ledger.GRADE).order_by(LlmCall.started_at.desc())).all()
    gave = _gave(list(calls), known.tier)
    return _keep(session, essay, grading, [gave], repeated=True) if gave else None


def _keep(
    session: Session, essay: Essay, grading: Grading | None, calls: list[LlmCall], *, repeated: bool = False
) -> Saving | None:
    try:
        found = saving.split(replace(facts_of(calls, grading), repeated=repeated))
    except UnknownModel as error:
        log.warning("what was saved cannot be said: %s", error)
        return None
    session.add(
        EssaySaving(
            essay_id=essay.id,
            grading_id=grading.id if grading else None,
            class_id=essay.assignment.class_id,
            baseline_usd=found.baseline,
            cost_usd=found.cost,
            **{f"{lever.value}_usd": usd for lever, usd in found.by.items()},
        )
    )
    return found


def facts_of(calls: list[LlmCall], grading: Grading | None) -> Facts:
    """Of these calls for one essay, the first one first. The first that counts for the grade gave it; the others, also
    the second reading of an essay that speaks to its grader, are tries, which the baseline does without.

    Raises `UnknownModel`.
    """
    gave = _gave(calls, grading.tier) if grading else None
    tries = [call for call in calls if call is not gave]
    spent = {own: sum((_cost(one) for one in tries if _is_own(one) is own), Decimal(0)) for own in (False, True)}
    baseline = price_of(settings().baseline_model)
    price = _instead(baseline) if gave is None or _is_own(gave) else Hosted.from_json(gave.price).price
    return Facts(
        usage=Usage(gave.prompt_tokens or 0, gave.cached_tokens or 0, gave.completion_tokens or 0) if gave else None,
        baseline=baseline,
        price=price,
        surplus=ledger.surplus(gave.prompt_version) if gave else 0,
        machine_usd=_cost(gave) if gave and _is_own(gave) else None,
        batch=bool(gave and "batch" in gave.price),
        hosted_tries_usd=spent[False],
        local_tries_usd=spent[True],
    )


def total(session: Snapshot, since: datetime, until: datetime, class_id: uuid.UUID | None = None) -> Saving:
    """Of all essays whose grade came in that time, of a class or of everybody."""
    first, last = rolled_part(session, since, until)
    whose = SavingHour.class_id == (EVERYBODY if class_id is None else class_id)
    hours = select(*(getattr(SavingHour, name) for name in SAVED))
    essays = select(*(getattr(EssaySaving, name) for name in SAVED))
    essays = essays.where(outside(EssaySaving.at, since, until, first, last))
    if class_id is not None:
        essays = essays.where(EssaySaving.class_id == class_id)
    parts = union_all(hours.where(whose, SavingHour.hour >= first, SavingHour.hour < last), essays).subquery()
    sums = (func.coalesce(func.sum(parts.c[name]), Decimal(0)).label(name) for name in SAVED)
    return kept(session.execute(select(*sums)).one())


def kept(amounts: Any) -> Saving:
    """The saving that a row says, or a sum of rows: attributes are those of `EssaySaving`."""
    by = {lever: getattr(amounts, f"{lever.value}_usd") for lever in Lever}
    return Saving(amounts.baseline_usd, amounts.cost_usd, by)


def _calls_since(session: Session, essay_id: uuid.UUID) -> list[LlmCall]:
    """The calls for the essay's grade that are in no row of its savings yet."""
    last = select(func.max(EssaySaving.at)).where(EssaySaving.essay_id == essay_id)
    since = func.coalesce(last.scalar_subquery(), datetime.min.replace(tzinfo=UTC))
    return list(
        session.scalars(
            select(LlmCall)
            .where(LlmCall.essay_id == essay_id, LlmCall.feature == ledger.GRADE, LlmCall.started_at > since)
            .order_by(LlmCall.started_at)
            .execution_options(populate_existing=True)
        )
    )


def _gave(calls: list[LlmCall], tier: str | None) -> LlmCall | None:
    """The call whose reply is the grade: one that was used, or that was not trusted and is settled for after all."""
    for outcome in (CallOutcome.ok, CallOutcome.escalated):
        for call in calls:
            if call.outcome is outcome and call.tier == tier and call.completion_tokens:
                return call
    return None


def _instead(baseline: Price) -> Price:
    """Of the hosted model that would be asked if there were no machine of our own: the cheapest tier's."""
    for tier in settings().tiers:
        if tier.engine == "openai":
            try:
                return price_of(tier.model)
            except UnknownModel:
                continue
    return baseline


def _is_own(call: LlmCall) -> bool:
    return "hour_usd" in call.price


def _cost(call: LlmCall) -> Decimal:
    return call.estimated_cost if call.cost is None else call.cost
