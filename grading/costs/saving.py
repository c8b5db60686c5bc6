"""What an essay would have cost without Pizhu's levers, and how much each of them saved: pure.

The baseline is one call to the baseline model at its list price with the verbose prompt and nothing cached. Five levers
lead from there to what was paid. What one of them saves depends on which others are pulled already (a cached prompt is
worth more at a dear model), so that any order of pulling them would favour some. Each therefore gets its mean over all
120 orders: the Shapley value (L. S. Shapley, "A Value for n-Person Games", 1953), from the costs of all 2^5 subsets. It
is the one split whose parts add up to the whole, where levers of equal effect get equal parts, where one that changes
nothing gets nothing, and whose parts of many essays are the sums of the parts of each.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from math import factorial
from typing import Any

from grading.costs.prices import BATCH_SHARE, Price
from grading.engines.engine import Usage

NOTHING = Decimal(0)
SMALLEST = Decimal("1e-12")
"""Of a US dollar: what the ledger keeps."""


class Lever(enum.Enum):
    prompt = "prompt"
    """A shorter prompt than the verbose one."""
    cache = "cache"
    """What of the prompt the provider had cached; or the whole grade, known from the same words before."""
    routing = "routing"
    """A cheaper hosted model than the baseline; tries of it that led to nothing count against it."""
    local = "local"
    """Our own machine instead of that model; its tries that led to nothing count against it."""
    batch = "batch"
    """A batch, which may take a day, at half the price."""


LEVERS = frozenset(Lever)
SUBSETS = [frozenset(chosen) for size in range(len(Lever) + 1) for chosen in combinations(Lever, size)]


@dataclass(frozen=True)
class Facts:
    """What was asked for one grade. `usage` is of the call that gave it; None where none did, and a teacher grades.

    `surplus` are the tokens that the verbose prompt has more. `price` is of the hosted model that gave the grade, or,
    where our own machine did at the cost of `machine_usd`, of the one that would have been asked instead.
    """

    usage: Usage | None
    baseline: Price
    price: Price
    surplus: int = 0
    machine_usd: Decimal | None = None
    batch: bool = False
    repeated: bool = False
    """The grade was known from the same words before, and nothing was asked."""
    hosted_tries_usd: Decimal = NOTHING
    local_tries_usd: Decimal = NOTHING


@dataclass(frozen=True)
class Saving:
    """In US dollars; `by` adds up to `baseline - cost`, and an amount below nought was lost."""

    baseline: Decimal
    cost: Decimal
    by: Mapping[Lever, Decimal]

    @property
    def saved(self) -> Decimal:
        return self.baseline - self.cost


def cost(facts: Facts, levers: frozenset[Lever]) -> Decimal:
    """What the grade would have cost with these levers alone."""
    tries = (facts.hosted_tries_usd if Lever.routing in levers else NOTHING) + (
        facts.local_tries_usd if Lever.local in levers else NOTHING
    )
    if facts.usage is None or (facts.repeated and Lever.cache in levers):
        return tries
    if facts.machine_usd is not None and Lever.local in levers:
        return tries + facts.machine_usd
    price = facts.price if Lever.routing in levers else facts.baseline
    # What our own engine had cached says nothing of what a provider would have.
    cached = facts.usage.cached if Lever.cache in levers and facts.machine_usd is None else 0
    used = Usage(
        prompt=facts.usage.prompt + (0 if Lever.prompt in levers else facts.surplus),
        cached=cached,
        completion=facts.usage.completion,
    )
    return tries + price.cost(used) * (BATCH_SHARE if facts.batch and Lever.batch in levers else 1)


def split(facts: Facts) -> Saving:
    """The Shapley value of each lever, to the last place that the ledger keeps."""
    costs = {levers: cost(facts, levers) for levers in SUBSETS}
    before, after = costs[frozenset()], costs[LEVERS]
    players, orders = len(Lever), factorial(len(Lever))

    def exact(lever: Lever) -> Decimal:
        """What it saves in all orders together; in so many of them it is pulled right after `others`."""
        without = [others for others in SUBSETS if lever not in others]
        ways = [factorial(len(others)) * factorial(players - len(others) - 1) for others in without]
        saves = [costs[others] - costs[others | {lever}] for others in without]
        return sum((count * usd for count, usd in zip(ways, saves, strict=True)), NOTHING)

    shares = {lever: (exact(lever) / orders).quantize(SMALLEST) for lever in Lever}
    rest = before - after - sum(shares.values(), NOTHING)  # of rounding: a billionth of a cent at most
    largest = max(Lever, key=lambda lever: abs(shares[lever]))
    shares[largest] += rest
    return Saving(before, after, shares)


def to_json(saving: Saving) -> dict[str, Any]:
    """Amounts as decimal strings, so that no reader makes floating-point numbers of them."""
    return {
        "baseline_usd": f"{saving.baseline:f}",
        "cost_usd": f"{saving.cost:f}",
        "saved_usd": f"{saving.saved:f}",
        "by": {lever.value: f"{usd:f}" for lever, usd in saving.by.items()},
    }
