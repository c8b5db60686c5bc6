"""What was spent, on what, and what of it was wasted: from the sums of the ledger, and its last hour itself.

Whole hours that are among the sums (`grading.costs.rollup`) are read there, the ends of a period and what came since
from the ledger, so that a report is never stale: but for corrections of calls of a former hour, which the next turn of
upkeep brings, within a minute. A call counts for the moment it began, with its estimate while it is not over.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from grading.costs.rollup import HOUR_SUMS, KINDS, SUMS, of_hours, of_kinds, outside, rolled_part
from grading.costs.running import between
from grading.prompts import library
from models import CallOutcome, CostHour, LlmCall
from models.session import Snapshot

NOTHING = Decimal(0)
COMPACT = "compact"
"""The version of a prompt that the others are held against."""
USELESS = (CallOutcome.retried, CallOutcome.failed, CallOutcome.invalid, CallOutcome.lost, CallOutcome.abandoned)
"""Outcomes of calls that brought nobody anything."""


@dataclass(frozen=True)
class Spent:
    """Sums of some calls; money in US dollars. `baseline` is what the baseline model would have cost for the work."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = NOTHING
    baseline: Decimal = NOTHING

    @property
    def saved(self) -> Decimal:
        """Less than nothing where more was paid than the baseline would have cost."""
        return self.baseline - self.cost


@dataclass(frozen=True)
class Iceberg:
    """All that was spent, in five parts that add up to it; only the first one bought anything.

    `retries` went to calls that brought nobody anything, `wrong_model` to those whose reply was not trusted, so that a
    better model was asked. Of the others, `prompt` paid for what the compact prompt would have said in fewer tokens,
    and `cache` for prompt tokens that are the same for a whole assignment and that no prefix cache held, in so far as
    a cached one is cheaper; the first of all calls has to pay for them.
    """

    direct: Decimal
    retries: Decimal
    prompt: Decimal
    cache: Decimal
    wrong_model: Decimal

    @property
    def whole(self) -> Decimal:
        return self.direct + self.retries + self.prompt + self.cache + self.wrong_model


@dataclass(frozen=True)
class Costs:
    """Of a period. Keys of `by_hour` are beginnings of hours, UTC; the others' are names, the dearest first."""

    whole: Spent
    by_model: Mapping[str, Spent]
    by_feature: Mapping[str, Spent]
    by_hour: Mapping[datetime, Spent]
    iceberg: Iceberg


@dataclass(frozen=True)
class PromptShape:
    """Of a prompt's version: its tokens that are the same for a whole assignment, and how many of them the compact
    version would have done without."""

    static: int
    surplus: int


@cache
def prompt_shapes() -> dict[str, PromptShape]:
    """Of every prompt there is, by its id, beside the compact one of its kind and language; where there is none, a
    prompt wastes nothing."""
    compact = {(one.task, one.language): one.tokens for one in library.every() if one.version == COMPACT}
    surplus = {one.id: one.tokens - compact.get((one.task, one.language), one.tokens) for one in library.every()}
    return {one.id: PromptShape(one.tokens, max(0, surplus[one.id])) for one in library.every()}


def costs(session: Snapshot, begin: datetime, end: datetime) -> Costs:
    """What was spent on calls that began from `begin` to before `end`."""
    lines = sums_of(session, begin, end)
    return Costs(
        whole=_spent(lines),
        by_model=spent_by("model", lines),
        by_feature=spent_by("feature", lines),
        by_hour=_by_hour(session, begin, end),
        iceberg=iceberg(lines, prompt_shapes()),
    )


def iceberg(lines: Sequence[Any], shapes: Mapping[str, PromptShape]) -> Iceberg:
    """The same money in its five parts; `lines` are as `sums_of` gives them, `shapes` those of prompts, by their ids;
    one that is missing wastes nothing."""
    parts = {"retries": NOTHING, "wrong_model": NOTHING, "prompt": NOTHING, "cache": NOTHING}
    for line in lines:
        if line.outcome in USELESS:
            parts["retries"] += line.cost
        elif line.outcome is CallOutcome.escalated:
            parts["wrong_model"] += line.cost
        elif uncached := line.prompt_tokens - line.cached_tokens:
            shape = shapes.get(line.prompt_version, PromptShape(0, 0))
            surplus = min(line.calls * shape.surplus, uncached)
            static = line.calls * (shape.static - shape.surplus) - line.cached_tokens
            parts["prompt"] += line.prompt_cost * surplus / uncached
            parts["cache"] += line.cacheable_cost * min(max(static, NOTHING), uncached - surplus) / uncached
    return Iceberg(direct=sum((line.cost for line in lines), NOTHING) - sum(parts.values(), NOTHING), **parts)


def spent_by(key: str, lines: Sequence[Any]) -> dict[str, Spent]:
    """Of the calls that are alike in this, the dearest first; `lines` are as `sums_of` gives them."""
    alike: dict[str, list[Any]] = {}
    for line in lines:
        alike.setdefault(getattr(line, key), []).append(line)
    spent = {name: _spent(some) for name, some in alike.items()}
    return dict(sorted(spent.items(), key=lambda one: (-one[1].cost, one[0])))


def of_assignment(session: Session, assignment_id: uuid.UUID) -> Spent:
    """What an assignment has cost so far."""
    mine = select(*(SUMS[name].label(name) for name in HOUR_SUMS)).where(LlmCall.assignment_id == assignment_id)
    return _spent(session.execute(mine.having(func.count() > 0)).all())


# --- where it is read ------------------------------------------------------------------------------------------------


def sums_of(session: Snapshot, begin: datetime, end: datetime) -> Sequence[Any]:
    """The keys and sums of `CostTotal`, of what began in a period, in the order of the keys; the sums are Decimal."""
    first, last = rolled_part(session, begin, end)
    parts = union_all(
        of_kinds(outside(LlmCall.started_at, begin, end, first, last)), *between(KINDS, first, last)
    ).subquery()
    keys = [parts.c[name] for name in KINDS.keys]
    sums = {name: func.sum(parts.c[name]).label(name) for name in KINDS.sums}
    return session.execute(
        select(*keys, *sums.values()).group_by(*keys).having(sums["calls"] > 0).order_by(*keys)
    ).all()


def _by_hour(session: Snapshot, begin: datetime, end: datetime) -> dict[datetime, Spent]:
    first, last = rolled_part(session, begin, end)
    hours = select(*(getattr(CostHour, name) for name in ("hour", *HOUR_SUMS)))
    sums = session.execute(hours.where(CostHour.hour >= first, CostHour.hour < last)).all()
    ledger = session.execute(of_hours(outside(LlmCall.started_at, begin, end, first, last))).all()
    lines = sorted((*sums, *ledger), key=lambda line: line.hour)
    return {
        hour.astimezone(UTC): Spent(int(calls), int(prompt), int(cached), int(completion), cost, baseline)
        for hour, calls, prompt, cached, completion, cost, baseline in lines
    }


def _spent(lines: Sequence[Any]) -> Spent:
    """Sums of the first six sums."""
    calls, prompt, cached, completion, cost, baseline = (
        sum((getattr(line, name) for line in lines), NOTHING) for name in HOUR_SUMS
    )
    return Spent(int(calls), int(prompt), int(cached), int(completion), cost, baseline)
