"""What routing looks at, gathered: the database, the circuits and the settings as they are now."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading import lifecycle, saving
from grading.complexity import Complexity
from grading.costs.budget import why_spent
from grading.costs.prices import UnknownModel, price_of
from grading.engines.circuit import Circuit, State
from grading.engines.openai import OPENAI, provider_at
from grading.routing import Facts, Thresholds, Tolerance
from models import Assignment, Essay, EssayState, Grading, Release
from models.base import now
from settings import Tier, settings
from workers.calibrating import in_use

SAVING_MODE = "saving mode"
"""Why a tier is closed that is paid for by the token."""


def facts(db: Session, essay: Essay, complexity: Complexity | None = None) -> Facts:
    """What is known of this essay now. One look at the database, and one at Redis for each provider."""
    tiers = settings().present_tiers
    circuits = _circuits(tiers)
    for_money = _for_money(db, tiers, essay.assignment.class_id, essay.student_id)
    return Facts(
        characters=len(essay.text),
        tiers=tiers,
        thresholds=Thresholds.of(settings(), essay.assignment.routing),
        complexity=complexity,
        closed=_closed(tiers, circuits, for_money),
        resting=_resting(tiers, circuits),
        dear=frozenset(for_money),
        wait_s=waits(db),
        due_s=_due(essay.assignment, now()),
        tried=tuple((essay.route or {}).get("tried", ())),
        tolerance=_tolerance(essay.assignment),
        opinion=db.scalar(lifecycle.untrusted(essay.id).with_only_columns(Grading.confidence).limit(1)),
    )


def _tolerance(assignment: Assignment) -> Tolerance | None:
    """The teacher's tolerance, where a calibration that can be read says how likely a grade is within it."""
    if assignment.tolerance is None or (loaded := in_use(assignment)) is None:
        return None
    points = float(assignment.tolerance)
    return Tolerance(points, loaded.yardstick.bar(points))


def closed(
    db: Session, tiers: Sequence[Tier], class_id: uuid.UUID | None = None, user_id: uuid.UUID | None = None
) -> dict[str, str]:
    """Why some of these tiers may not be asked now for that class and user, or for anybody, by their names."""
    return _closed(tiers, _circuits(tiers), _for_money(db, tiers, class_id, user_id))


def paid(tiers: Sequence[Tier]) -> list[str]:
    """Those whose calls cost something, by their names: these a spent budget closes."""
    return [tier.name for tier in tiers if _is_paid(tier)]


def _is_paid(tier: Tier) -> bool:
    if tier.engine == "local":
        return bool(settings().local_hour_usd)
    try:
        price = price_of(tier.model)
    except UnknownModel:
        return True
    return bool(price.input_mtok or price.cached_mtok or price.output_mtok)


def saved(db: Session, class_id: uuid.UUID, tier: str) -> str | None:
    """Why that hosted tier does nothing for this class although work came to its queue: saving mode has begun since."""
    return f"{tier} is closed: {SAVING_MODE}" if saving.closes(db, class_id) else None


def provider_of(tier: Tier) -> str:
    """Who answers for a hosted tier, as `host` or `host:port`: what circuit and limits are kept for."""
    base_url, _ = settings().address_of(tier)
    return provider_at(base_url or OPENAI)


def _circuits(tiers: Sequence[Tier]) -> dict[str, State]:
    """How the circuits of the hosted ones stand, by provider."""
    providers = {provider_of(tier) for tier in tiers if tier.engine == "openai"}
    return {provider: Circuit(provider).state() for provider in providers}


def _for_money(
    db: Session, tiers: Sequence[Tier], class_id: uuid.UUID | None, user_id: uuid.UUID | None
) -> dict[str, str]:
    """Why those are closed for which there is no money now, by their names."""
    hosted = [tier.name for tier in tiers if tier.engine == "openai"]
    spent = why_spent(db, class_id, user_id)
    saves = bool(hosted) and saving.closes(db, class_id)
    return (dict.fromkeys(paid(tiers), spent) if spent else {}) | (dict.fromkeys(hosted, SAVING_MODE) if saves else {})


def _closed(tiers: Sequence[Tier], circuits: Mapping[str, State], for_money: dict[str, str]) -> dict[str, str]:
    broken = {
        tier.name: why
        for tier in tiers
        if tier.engine == "openai" and (why := _why_closed(tier, circuits[provider_of(tier)]))
    }
    return broken | for_money


def _why_closed(tier: Tier, circuit: State) -> str | None:
    try:
        price_of(tier.model)
    except UnknownModel:
        return f"no price is known for the model {tier.model}"
    return circuit.reason if circuit.phase(now().timestamp()) == "open" else None


def _resting(tiers: Sequence[Tier], circuits: Mapping[str, State]) -> frozenset[str]:
    """Those whose provider failed and is left alone for a moment, which mends itself, as an account does not."""
    at = now().timestamp()
    return frozenset(
        tier.name for tier in tiers if tier.engine == "openai" and circuits[provider_of(tier)].is_resting(at)
    )


def waits(db: Session) -> dict[str, float]:
    """For how long the essay that is next in each queue has waited."""
    waiting = select(Essay.queue, func.min(Essay.queued_at)).where(Essay.state == EssayState.queued)
    oldest, at = db.execute(waiting.group_by(Essay.queue)), now()
    return {queue: (at - since).total_seconds() for queue, since in oldest if queue and since}


def _due(assignment: Assignment, at: datetime) -> float | None:
    """Seconds until students may see the grade; None when they may at once, or at a moment nobody has set yet."""
    if assignment.release is not Release.from_date or assignment.release_at is None:
        return None
    return (assignment.release_at - at).total_seconds()
