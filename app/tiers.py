"""The tiers of the cascade as they are now, for ops: who is asked, and why somebody is not."""

from __future__ import annotations

from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from grading.engines.loading import model_name
from settings import settings
from workers.facts import closed

MISSING = {
    "local": "there is no local model here; PIZHU_LOCAL_MODEL names one",
    "openai": "there is no provider here; OPENAI_API_KEY or PIZHU_OPENAI_BASE_URL opens one",
}


class TierView(TypedDict):
    """A tier, cheapest first. A grade stands from `accept_confidence` on; null: as at the end of the cascade.

    `closed` says why it is not asked now; null while it is.
    """

    name: str
    queue: str
    model: str | None
    accept_confidence: float | None
    closed: str | None


def tiers(db: Session) -> list[TierView]:
    config = settings()
    shut = closed(db, config.present_tiers)
    return [
        TierView(
            name=tier.name,
            queue=tier.engine,
            model=tier.model or (model_name(config) if config.has_local_model else None),
            accept_confidence=tier.accept_confidence,
            closed=shut.get(tier.name) if tier in config.present_tiers else MISSING[tier.engine],
        )
        for tier in config.tiers
    ]
