"""Under which settings a tier grades: what a later grade must be compared by, beside what the grade says of itself."""

from __future__ import annotations

from typing import Any

from grading.routing import Thresholds
from models import Assignment
from settings import settings


def conditions(assignment: Assignment, tier: str) -> dict[str, Any]:
    """The bars for its grades as they are for this assignment, and what its engine runs with or who answers for it."""
    config = settings()
    limits = Thresholds.of(config, assignment.routing)
    bars = {"accept_from": limits.accept.get(tier), "review_below": limits.review_below}
    if hosted := config.hosted_tier(tier):
        base_url, _ = config.address_of(hosted)
        return bars | {"base_url": base_url or None}
    return bars | {
        "local_model": config.local_model,
        "dtype": config.model_dtype,
        "tensor_parallel": config.tensor_parallel,
    }
