"""Which queue an essay goes to: a pure function from what is known of it to a route with a reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What routing looks at."""

    characters: int
    local_model: str | None
    """Name of the local model; None where there is none."""


@dataclass(frozen=True)
class Route:
    """Where an essay goes and why. `queue` is None when no model may grade it and a teacher must."""

    queue: str | None
    tier: str
    reason: str
    complexity: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def route(facts: Facts) -> Route:
    """The local model where there is one; else a teacher."""
    if facts.local_model is None:
        return Route(None, "teacher", "no model is configured on this installation")
    return Route("local", "local", f"{facts.characters} characters: the local model grades every essay")
