"""A month of essays priced stage by stage, and the plans and what-ifs beside it.

    baseline  every essay by the baseline model, the verbose prompt, nothing kept
    prompt    the shorter prompt, and a reply that the schema bounds
    cache     the very same text is not graded twice; the provider's cached prompt tokens cost less
    routing   hosted tiers: the smaller model first, the larger where it is unsure
    local     the school's own machine first; its hours are paid for whether it is busy or not
    batch     what is wanted late rides at half the price

Each stage has all that came before it. Money is Decimal, from `grading.costs.prices`; tokens are whole numbers, and a
failed try is paid for in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.costs.budget import Scope
from grading.costs.prices import price_of
from grading.engines.engine import Usage
from grading.simulation import calls
from grading.simulation.assumptions import BASELINE, Assumptions
from grading.simulation.purse import Purse
from grading.simulation.queueing import Queue
from grading.simulation.replay import Essays, Platform, Replayed, replay
from grading.text import Language
from settings import Tier

ZERO = Decimal(0)


@dataclass(frozen=True)
class Seconds:
    """Quantiles of the essays that were graded live. None where there were none."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True)
class Stage:
    """A month under one arrangement. `cost` is all of it, `machine_cost` the part for the local machine's hours."""

    stage: str
    essays: int
    cost: Decimal
    machine_cost: Decimal
    calls: Mapping[str, int]
    """By tier, retries included."""
    batched: int
    cached: int
    """Essays that the cache answered."""
    reviewed: int
    """Essays that a teacher must grade, since no tier was sure enough, or there was no money for one until the end."""
    put_off: int
    """Essays that waited with a teacher for the next budget."""
    wait_s: Seconds
    """From handing in until a model began."""
    done_s: Seconds
    """From handing in until the last grade was there."""
    utilisation: float | None
    """Of the local machine's places while it is open; None without one."""
    backlog: Mapping[str, int]
    """Most essays that waited at once, by queue."""


def to_json(stage: Stage, beside: Stage) -> dict[str, Any]:
    """A stage, with the share of an essay's cost that it saves beside another; dollars are numbers."""
    return {
        "stage": stage.stage,
        "cost_usd": _dollars(stage.cost),
        "saved": round(float(1 - stage.cost / stage.essays / (beside.cost / beside.essays)), 4),
        "usd_1000_essays": _dollars(1000 * stage.cost / stage.essays),
        "machine_usd": _dollars(stage.machine_cost),
        "calls": dict(stage.calls),
        "batched": stage.batched,
        "cached": stage.cached,
        "reviewed": stage.reviewed,
        "put_off": stage.put_off,
        "wait_s": _rounded(stage.wait_s),
        "done_s": _rounded(stage.done_s),
        "utilisation": None if stage.utilisation is None else round(stage.utilisation, 4),
        "backlog": dict(stage.backlog),
    }


def _dollars(amount: Decimal) -> float:
    return float(round(amount, 2))


def _rounded(seconds: Seconds) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 1) for name, value in vars(seconds).items()}


def stages(given: Assumptions, essays: Essays) -> Iterator[Stage]:
    """The six stages, from the dearest."""
    baseline = (Tier(name=BASELINE, engine="openai", model=given.baseline_model),)
    hosted = tuple(tier for tier in given.tiers if tier.engine == "openai")
    unlimited = replace(given, budgets={})  # else nothing could be compared
    uncached = run(unlimited, essays, baseline, cache=False)
    yield priced("baseline", given, essays, uncached, verbose=True)
    yield priced("prompt", given, essays, uncached)
    yield priced("cache", given, essays, run(unlimited, essays, baseline))
    yield priced("routing", given, essays, run(given, essays, hosted))
    yield priced("local", given, essays, run(given, essays, given.tiers))
    yield priced("batch", given, essays, run(given, essays, given.tiers, batches=True))


def run(
    given: Assumptions,
    essays: Essays,
    tiers: Sequence[Tier],
    *,
    cache: bool = True,
    batches: bool = False,
    closed: Mapping[str, str] | None = None,
) -> Replayed:
    """A month in which these tiers are asked, of which some may be `closed` all the time, and why."""
    queues = {"openai": Queue(given.hosted_at_once, given.hosted_s * (1 + given.retries))}
    if any(tier.engine == "local" for tier in tiers):
        queues = {"local": given.machine.queue(1 + given.local_retries), **queues}
    whose: dict[Scope, list[int]] = {
        "user": essays.student.tolist(),
        "class": (essays.student // given.class_size).tolist(),
    }
    purse = Purse(given.budgets, whose, _set_aside(given, essays, tiers))
    platform = Platform(tuple(tiers), given.thresholds, given.accepted, queues, closed or {}, cache, batches, purse)
    return replay(essays, platform)


def _set_aside(given: Assumptions, essays: Essays, tiers: Sequence[Tier]) -> dict[str, list[Decimal]]:
    """What a live call about each essay is estimated at, by hosted tier, where a budget asks: nothing of it cached."""
    if not given.budgets:
        return {}
    prompt, reply, _ = (column.tolist() for column in _tokens(given, essays, verbose=False))
    found = {}
    for tier in tiers:
        if tier.engine == "openai":
            price, asked = price_of(tier.model), list(zip(prompt, reply, strict=True))
            costs = {each: given.price_factor * price.cost(Usage(each[0], 0, each[1])) for each in set(asked)}
            found[tier.name] = [costs[each] for each in asked]
    return found


def priced(name: str, given: Assumptions, essays: Essays, done: Replayed, *, verbose: bool = False) -> Stage:
    """What that month has cost, and how long its essays waited."""
    local = done.queues.get("local")
    machine = given.machine.cost(given.days) if local else ZERO
    return Stage(
        stage=name,
        essays=len(essays.times),
        cost=_hosted_cost(given, essays, done, verbose=verbose) + machine,
        machine_cost=machine,
        calls={tier.name: _count(done, tier, essays) for tier in done.platform.tiers},
        batched=sum(len(rows) for (_, batch), rows in done.calls.items() if batch),
        cached=done.cached,
        reviewed=done.reviewed,
        put_off=done.put_off,
        wait_s=_seconds(done.began - essays.times),
        done_s=_seconds(done.ended - essays.times),
        utilisation=local.utilisation(given.days) if local else None,
        backlog={queue: one.backlog() for queue, one in done.queues.items()},
    )


def _hosted_cost(given: Assumptions, essays: Essays, done: Replayed, *, verbose: bool) -> Decimal:
    prompt, reply, prefix = _tokens(given, essays, verbose=verbose)
    tiers = {tier.name: tier for tier in done.platform.tiers}
    cost = ZERO
    for (name, batch), rows in done.calls.items():
        if tiers[name].engine != "openai":
            continue
        asked = np.sort(np.concatenate([rows, np.array(rows)[essays.retried[rows]]]).astype(int))
        kept = int(prefix[asked][_warm(essays, asked)].sum()) if done.platform.cache else 0
        used = Usage(prompt=int(prompt[asked].sum()), cached=kept, completion=int(reply[asked].sum()))
        factor = 1 if name == BASELINE else given.price_factor
        cost += factor * price_of(tiers[name].model).cost(used, batch=batch)
    return cost


def _tokens(given: Assumptions, essays: Essays, *, verbose: bool) -> tuple[NDArray[np.int64], ...]:
    """Of each essay's call: prompt, reply, and the part of the prompt that all of its assignment have in common."""
    found = np.zeros((3, len(essays.times)), dtype=np.int64)
    for chinese in (False, True):
        language: Language = "zh" if chinese else "en"
        for characters in np.unique(essays.characters[essays.chinese == chinese]):
            call = (
                calls.verbose(int(characters), language)
                if verbose
                else calls.ours(int(characters), language, given.prompts[language])
            )
            rows = (essays.chinese == chinese) & (essays.characters == characters)
            found[:, rows] = np.array([call.prompt, call.reply, call.prefix])[:, None]
    return tuple(found)


def _warm(essays: Essays, asked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which calls find the beginning of their prompt cached: another of the same assignment was just before."""
    order = np.lexsort((essays.times[asked], essays.assignment[asked]))
    times, assignment = essays.times[asked][order], essays.assignment[asked][order]
    warm = np.zeros(len(asked), dtype=bool)
    warm[order[1:]] = (assignment[1:] == assignment[:-1]) & (np.diff(times) <= calls.CACHED_FOR)
    return warm


def _count(done: Replayed, tier: Tier, essays: Essays) -> int:
    rows = done.calls.get((tier.name, False), []) + done.calls.get((tier.name, True), [])
    return len(rows) + (int(essays.retried[rows].sum()) if tier.engine == "openai" else 0)


def _seconds(waited: NDArray[np.float64]) -> Seconds:
    known = waited[~np.isnan(waited)]
    return Seconds(*(np.quantile(known, [0.5, 0.95, 0.99]).tolist() if len(known) else [None] * 3))
