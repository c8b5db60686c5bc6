"""What to do next about costs, what it would save, and what it would risk: a pure function of what was spent.

The order of the cost guide: from $1,000 a month look at cache and prompts, from $500 at routing and a local model, from
$200 at batches and queues. Every piece of advice comes with this platform's own figures; where the guide's have to
stand in for one that is not known yet, its words say so. What would save less than a dollar a month is not said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from grading.costs.ledger import GRADE
from grading.costs.prices import BATCH_SHARE
from grading.costs.report import USELESS
from grading.costs.waste import NOTHING, Calls, Spent
from models import CallOutcome

Kind = Literal["cache", "prompts", "retries", "routing", "local", "batching", "queues"]

FROM_USD: dict[Kind, int] = {
    "cache": 1000,
    "prompts": 1000,
    "retries": 1000,
    "routing": 500,
    "local": 500,
    "batching": 200,
    "queues": 200,
}
"""The bill of a month from which the guide would have one look at it."""
MONTH_DAYS = 30
FEWEST = 100
"""Grades that must have been paid for before anything is said."""
WORTH_USD = Decimal(1)
GUIDE_LOCAL = Decimal("0.90")
GUIDE_MACHINE_USD = Decimal(500)


@dataclass(frozen=True)
class Advice:
    """`saving` is US dollars a month at most; `what` to do, `how` that was computed, and what it would `risk` are
    sentences, `command` is what begins it. `pressing`: the bill is one at which the guide begins with this."""

    kind: Kind
    saving: Decimal
    what: str
    how: str
    risk: str
    command: str
    pressing: bool = False


@dataclass(frozen=True)
class Advised:
    """`month` is the bill, in US dollars for 30 days; `missing` what is needed first, None when enough is known."""

    month: Decimal
    advice: Sequence[Advice]
    missing: str | None = None


@dataclass(frozen=True)
class _Tier:
    """A hosted tier's grades that were read: how many, what one cost on average, and how many stood."""

    name: str
    count: int
    cost: Decimal
    stood: Decimal


def advise(spent: Spent, tiers: Sequence[str], machine_usd: Decimal | None) -> Advised:
    """`tiers` are the names of the hosted tiers, cheapest first; `machine_usd` is what a local machine costs a month,
    None where that is not set."""
    scale = Decimal(MONTH_DAYS) / spent.days
    month = scale * sum((calls.cost for calls in spent.calls), NOTHING)
    grades = sum(calls.count for calls in spent.calls if calls.feature == GRADE and calls.outcome is CallOutcome.ok)
    if grades < FEWEST:
        return Advised(month, [], f"The ledger has {grades} grades by models in 30 days; advice needs {FEWEST}.")
    found = [
        replace(one, saving=one.saving * scale, pressing=month >= FROM_USD[one.kind])
        for one in _all(spent, tiers, machine_usd, scale)
        if one.saving * scale >= WORTH_USD
    ]
    return Advised(month, sorted(found, key=lambda one: -one.saving))


def _all(spent: Spent, tiers: Sequence[str], machine_usd: Decimal | None, scale: Decimal) -> Iterator[Advice]:
    """With savings in the days looked at."""
    yield _cache(spent)
    yield _prompts(spent)
    yield _retries(spent)
    yield from _routing(spent, tiers)
    if not any(not calls.hosted for calls in spent.calls):
        yield _local(spent, machine_usd, scale)
    yield _batching(spent)
    yield _queues(spent)


def _cache(spent: Spent) -> Advice:
    return Advice(
        "cache",
        spent.repeats,
        "See why texts that had a grade were graded again.",
        f"Grades of texts that the same student had handed in before cost ${spent.repeats:.2f} in {spent.days} days.",
        "None: a grade is given again only where all that it was made from is as it was.",
        "docs/reproducibility.md",
    )


def _prompts(spent: Spent) -> Advice:
    return Advice(
        "prompts",
        spent.surplus,
        "Grade with the compact prompts.",
        f"The tokens that the compact prompts would have spared cost ${spent.surplus:.2f} "
        f"in the hosted calls of {spent.days} days.",
        "Marks may agree less with teachers; the default changes only where that was measured not to be so.",
        "pizhu evaluate essays.tsv -a assignment.yaml --engine small --prompts v1,compact --json report.json",
    )


def _retries(spent: Spent) -> Advice:
    count = sum(calls.count for calls in spent.calls if calls.outcome in USELESS)
    return Advice(
        "retries",
        spent.retries,
        "Find out why calls bring nothing.",
        f"{count} calls of {spent.days} days failed, were broken off or brought no grade, and cost "
        f"${spent.retries:.2f}.",
        "None.",
        "pizhu doctor",
    )


def _routing(spent: Spent, tiers: Sequence[str]) -> Iterator[Advice]:
    known = _tiers(spent.calls)
    for name, better in pairwise(tiers):
        if name not in known or better not in known:
            continue
        tier, next_ = known[name], known[better]
        # First one and then the other costs c + (1 − s) · C, the other at once C.
        less = tier.stood * next_.cost - tier.cost
        figures = (
            f"{tier.stood:.0%} of {name}'s grades stand, at ${tier.cost:.5f} each; one of {better} costs "
            f"${next_.cost:.5f}"
        )
        passed_on = round(tier.count * (1 - tier.stood))
        direct = max(0, next_.count - passed_on)
        if less > 0 and direct:
            yield Advice(
                "routing",
                direct * less,
                f"Ask {name} first about what goes to {better} at once.",
                f"{figures}. {direct} essays started there.",
                "Their marks may be further off; that is measured on the essays that teachers have marked.",
                "pizhu route --assignment ID --fit",
            )
        elif less < 0:
            yield Advice(
                "routing",
                tier.count * -less,
                f"Leave {name} out.",
                f"{figures}: to ask it first costs more than it saves.",
                "None for the marks; while the better model cannot be reached, there is one fewer to fall back on.",
                "PIZHU_TIERS",
            )


def _tiers(calls: Iterable[Calls]) -> dict[str, _Tier]:
    """Of live hosted grades that were read."""
    alike: dict[str, list[Calls]] = defaultdict(list)
    for one in calls:
        if (
            one.hosted
            and not one.batch
            and one.feature == GRADE
            and one.outcome in (CallOutcome.ok, CallOutcome.escalated)
        ):
            alike[one.tier].append(one)
    found = {}
    for name, of_tier in alike.items():
        count = sum(one.count for one in of_tier)
        stood = sum(one.count for one in of_tier if one.outcome is CallOutcome.ok)
        cost = sum((one.cost for one in of_tier), NOTHING) / count
        found[name] = _Tier(name, count, cost, Decimal(stood) / count)
    return found


def _local(spent: Spent, machine_usd: Decimal | None, scale: Decimal) -> Advice:
    hosted = sum((calls.cost for calls in spent.calls if calls.hosted and calls.feature == GRADE), NOTHING)
    machine = GUIDE_MACHINE_USD if machine_usd is None else machine_usd
    whose = "as the cost guide has it" if machine_usd is None else "as PIZHU_LOCAL_HOUR_USD says"
    return Advice(
        "local",
        hosted * GUIDE_LOCAL - machine / scale,
        "Grade on a machine of your own first.",
        f"Hosted grades cost ${hosted * scale:.0f} a month. Nine in ten of them, which the cost guide keeps local, "
        f"less ${machine:.0f} for the machine, {whose}.",
        "Marks of a smaller model; how many of them stand is known only when teachers have marked some.",
        "pizhu simulate --accept local=0.9",
    )


def _batching(spent: Spent) -> Advice:
    return Advice(
        "batching",
        spent.unhurried * (1 - BATCH_SHARE),
        "Give assignments a date from which on grades may be seen.",
        f"Live grades that nobody saw before the teacher released them cost ${spent.unhurried:.2f} "
        f"in {spent.days} days. Wanted a day later, they ride in batches at half the price.",
        "Grades come up to a day later, and a teacher cannot release them sooner.",
        "pizhu simulate --late 0.5",
    )


def _queues(spent: Spent) -> Advice:
    return Advice(
        "queues",
        spent.behind,
        "Let essays wait longer for the local machine, or add one.",
        f"Hosted grades of essays that its queue was too far behind for cost ${spent.behind:.2f} in {spent.days} days.",
        "Grades come later in busy hours, or the machine that is added costs more than it saves.",
        "PIZHU_LONGEST_WAIT",
    )
