"""The cost guide's printed figures, each beside what its own numbers give.

The guide is the published one that the platform starts from. Its prices are those of `grading.costs.prices.GUIDE`, its
call has 2,000 + 800 tokens, its month 450,000 essays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from grading.costs.prices import GUIDE
from grading.engines.engine import Usage

MONTH = 450_000
"""Essays: 15,000 a day for 30 days."""
CALL = Usage(prompt=2000, completion=800)
STEPS = (Decimal(5150), Decimal(1500), Decimal(800), Decimal(500))
"""Its expected table: US dollars a month before anything is saved, and after each of its three steps."""


@dataclass(frozen=True)
class Figure:
    """`printed` is what the guide says, `correct` what follows from its own numbers, both in US dollars; `how` is the
    arithmetic."""

    what: str
    printed: Decimal
    correct: Decimal
    how: str


def call(model: str) -> Decimal:
    """The guide's call to one of its models."""
    return GUIDE[model].cost(CALL)


def figures() -> Iterator[Figure]:
    large, small = call("gpt-4-turbo"), call("gpt-3.5-turbo")
    routed, machine = Decimal("0.011"), Decimal(500)
    yield Figure("one call, GPT-4 Turbo", Decimal("0.0440"), large, "2,000 · $10 / M + 800 · $30 / M")
    yield Figure("one call, GPT-3.5 Turbo", Decimal("0.0022"), small, "2,000 · $0.50 / M + 800 · $1.50 / M")
    yield Figure("one essay, of a bill of $4,800", Decimal("0.34"), Decimal(4800) / MONTH, "$4,800 / 450,000")
    yield Figure("a month, all GPT-4 Turbo", Decimal(5150), MONTH * large, "450,000 · $0.044")
    yield Figure(
        "an essay, 18 % of them by the large model",
        routed,
        Decimal("0.18") * large + Decimal("0.82") * small,
        "18 % · $0.044 + 82 % · $0.0022",
    )
    yield Figure(
        "cascade of 100 calls",
        Decimal("0.924"),
        78 * small + 18 * large,
        "it is 60 · $0.0022 + 18 · $0.044; the 18 that the small model failed at first cost $0.0022 each as well",
    )
    yield Figure("plan A: all hosted, routed", Decimal(4950), MONTH * routed, "450,000 · $0.011")
    yield Figure("plan B: local only", Decimal(500), machine, "one machine")
    yield Figure(
        "plan C: 90 % local, 10 % hosted",
        Decimal(1490),
        machine + MONTH // 10 * routed,
        "$500 + 45,000 · $0.011; the $990 it adds are a fifth of plan A, not a tenth",
    )


def to_json() -> dict[str, Any]:
    """Figures and steps; dollars are numbers."""
    return {
        "figures": [
            {"what": one.what, "printed_usd": float(one.printed), "correct_usd": float(one.correct), "how": one.how}
            for one in figures()
        ],
        "steps": [{"usd": float(usd), "saved": round(float(1 - usd / STEPS[0]), 3)} for usd in STEPS],
    }
