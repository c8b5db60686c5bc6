"""What routing looks at, gathered: the database, the circuits and the settings as they are now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading import lifecycle
from grading.complexity import Complexity
from grading.costs.prices import UnknownModel, price_of
from grading.engines.circuit import Circuit
from grading.engines.openai import OPENAI
from grading.routing import Facts, Thresholds
from models import Assignment, Essay, EssayState, Grading, Release, Switch
from models.base import now
from settings import Tier, settings

SAVING_MODE = "saving"
"""Name of the switch that closes what is paid for by the token."""


def facts(db: Session, essay: Essay, complexity: Complexity | None = None) -> Facts:
    """What is known of this essay now. One look at the database, and one at Redis for each provider."""
    tiers = settings().present_tiers
    return Facts(
        characters=len(essay.text),
        tiers=tiers,
        thresholds=Thresholds.of(settings(), essay.assignment.routing),
        complexity=complexity,
        closed=closed(db, tiers),
        resting=frozenset(tier.name for tier in tiers if is_resting(tier)),
        wait_s=_waits(db),
        due_s=_due(essay.assignment, now()),
        tried=tuple((essay.route or {}).get("tried", ())),
        opinion=db.scalar(lifecycle.untrusted(essay.id).with_only_columns(Grading.confidence).limit(1)),
    )


def closed(db: Session, tiers: Iterable[Tier]) -> dict[str, str]:
    """Why some of these tiers may not be asked now, by their names."""
    saving = db.get(Switch, SAVING_MODE) is not None
    return {tier.name: why for tier in tiers if (why := _closed(tier, saving=saving))}


def is_resting(tier: Tier) -> bool:
    """Whether its provider failed and is left alone for a moment, which mends itself, as an account does not."""
    return tier.engine == "openai" and Circuit(provider_of(tier)).state().is_resting(now().timestamp())


def provider_of(tier: Tier) -> str:
    """Who answers for a hosted tier, as `host` or `host:port`: what circuit and limits are kept for."""
    return urlsplit(tier.base_url or settings().openai_base_url or OPENAI).netloc.rpartition("@")[2]


def _closed(tier: Tier, *, saving: bool) -> str | None:
    if tier.engine == "local":
        return None
    if saving:
        return "saving mode"
    try:
        price_of(tier.model)
    except UnknownModel:
        return f"no price is known for the model {tier.model}"
    state = Circuit(provider_of(tier)).state()
    return state.reason if state.phase(now().timestamp()) == "open" else None


def _waits(db: Session) -> dict[str, float]:
    """For how long the essay that is next in each queue has waited."""
    waiting = select(Essay.queue, func.min(Essay.queued_at)).where(Essay.state == EssayState.queued)
    oldest, at = db.execute(waiting.group_by(Essay.queue)), now()
    return {queue: (at - since).total_seconds() for queue, since in oldest if queue and since}


def _due(assignment: Assignment, at: datetime) -> float | None:
    """Seconds until students may see the grade; None when they may at once, or at a moment nobody has set yet."""
    if assignment.release is not Release.from_date or assignment.release_at is None:
        return None
    return (assignment.release_at - at).total_seconds()
