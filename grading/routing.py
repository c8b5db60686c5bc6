"""Which queue an essay goes to: a pure function from what is known of it to a route with a reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from grading.complexity import Complexity


@dataclass(frozen=True)
class Facts:
    """What routing looks at."""

    characters: int
    local_model: str | None
    """Name of the local model; None where there is none."""
    complexity: Complexity | None = None
    """None where it could not be measured."""


@dataclass(frozen=True)
class Route:
    """Where an essay goes and why. `queue` is None when no model may grade it and a teacher must."""

    queue: str | None
    tier: str
    reason: str
    complexity: float | None = None
    """From 0 to 1, as `grading.complexity` has it."""
    parts: dict[str, float] | None = None
    """What the complexity was made of, each from 0 to 1."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def route(facts: Facts) -> Route:
    """The local model where there is one; else a teacher."""
    score = round(facts.complexity.score, 4) if facts.complexity else None
    parts = facts.complexity.rounded_parts if facts.complexity else None
    if facts.local_model is None:
        return Route(None, "teacher", "no model is configured on this installation", score, parts)
    reason = f"{facts.characters} characters: the local model grades every essay"
    return Route("local", "local", reason, score, parts)
