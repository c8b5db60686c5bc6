"""What Prometheus scrapes: `GET /metrics`, computed from Postgres and Redis when it is asked for.

So there is nothing to collect from worker processes, nothing that a killed one takes with it, and the same figures at
whichever web process is asked. docs/monitoring.md has a line for each name.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from ipaddress import ip_address

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.auth import public, rule
from app.extensions import db
from app.problems import Problem
from app.queues import QueueView, overview
from grading import saving
from grading.cache import counts
from grading.costs import budget
from grading.costs.totals import IN_FLIGHT, SECONDS, TOKENS, Histogram, Labels, Tally
from grading.engines.circuit import Circuit
from grading.progress import connection
from models import Budget, BudgetSpending, Period
from models.base import now
from settings import settings
from workers.facts import provider_of

blueprint = Blueprint("metrics", __name__)

PHASES = {"closed": 0.0, "half-open": 1.0, "open": 2.0}
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@blueprint.get("/metrics")
@rule(public)
def metrics() -> Response:
    """Everything, in Prometheus' text format, for whoever may see it (see `_admit`)."""
    _admit()
    registry = CollectorRegistry()
    registry.register(_Now(db()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _admit() -> None:
    """With the setting `metrics_token`: whoever sends it. Without: this machine, and nobody who comes by a proxy."""
    if wanted := settings().metrics_token.get_secret_value():
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), wanted.encode()):
            raise Problem(401, detail="Send the token of PIZHU_METRICS_TOKEN.", headers={"WWW-Authenticate": "Bearer"})
    elif not _is_local():
        raise Problem(403, detail="Only this machine may read this; PIZHU_METRICS_TOKEN lets others.")


def _is_local() -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    return bool(request.remote_addr) and ip_address(request.remote_addr or "").is_loopback


class _Now(Collector):
    """Everything as it is now, in families."""

    def __init__(self, session: Session) -> None:
        self._db = session

    def collect(self) -> Iterator[Metric]:
        yield from _ledger(self._db)
        yield from _queues(overview(self._db))
        yield from _money(self._db)
        yield _budgets(self._db)
        yield from _circuits()
        yield _cache()


def metric_names(session: Session) -> set[str]:
    """Every name that is ever scraped, without the endings of counters and histograms."""
    return {metric.name for metric in _Now(session).collect()}


@cache
def _tally() -> Tally:
    return Tally()


def _ledger(session: Session) -> Iterator[Metric]:
    totals = _tally().read(session)
    of = ["model", "task_type"]
    yield _counters("llm_api_cost_dollars", "What calls to models have cost, in US dollars.", of, totals.dollars)
    yield _counters("llm_calls", "Calls to models that have ended, by outcome.", [*of, "outcome"], totals.calls)
    yield _histograms("llm_token_usage", "Tokens of a call.", ["model", "direction"], TOKENS, totals.tokens)
    yield _histograms(
        "llm_call_seconds", "Seconds of a call, from asking to its end.", ["model"], SECONDS, totals.seconds
    )
    yield _histograms("llm_first_token_seconds", "Seconds to the first token.", ["model"], SECONDS, totals.first_token)
    yield _histograms(
        "llm_batch_size",
        "Calls that our own machine worked on at once, as each call saw it.",
        ["model"],
        IN_FLIGHT,
        totals.in_flight,
    )


def _queues(views: Sequence[QueueView]) -> Iterator[Metric]:
    def gauge(name: str, words: str, values: Iterable[tuple[str, float | None]]) -> Metric:
        return _gauges(name, words, ["queue"], {(queue,): value for queue, value in values if value is not None})

    yield gauge("pizhu_queue_depth", "Essays that wait.", ((view["name"], view["depth"]) for view in views))
    yield gauge(
        "pizhu_queue_oldest_wait_seconds",
        "For how long the essay has waited that is next.",
        ((view["name"], view["oldest_wait_s"] or 0.0) for view in views if view["depth"] is not None),
    )
    yield gauge("pizhu_queue_in_flight", "Essays being graded.", ((view["name"], view["in_flight"]) for view in views))
    yield gauge("pizhu_queue_messages", "Messages at the broker.", ((view["name"], view["messages"]) for view in views))
    yield gauge("pizhu_queue_workers", "Live workers.", ((view["name"], view["workers"]) for view in views))
    yield gauge("pizhu_queue_paused", "1 where ops have paused it.", ((view["name"], view["paused"]) for view in views))


def _money(session: Session) -> Iterator[Metric]:
    on = saving.since(session) is not None
    yield _gauges("pizhu_saving_mode", "1 while no model is asked that is paid by the token.", [], {(): on})
    open_: dict[Labels, float] = {(kind,): 0 for kind in (saving.SPENDING, saving.BY_HAND)}
    for alert in saving.open_alerts(session):
        open_[alert.kind,] = 1
    yield _gauges("pizhu_alerts_open", "Incidents that are not over.", ["kind"], open_)


def _budgets(session: Session) -> Metric:
    at, zone = now(), settings().time_zone
    used: dict[Labels, float] = {}
    for scope, period, spent, limit in session.execute(
        select(
            Budget.scope,
            Budget.period,
            func.max(BudgetSpending.spent_usd),
            func.min(func.coalesce(Budget.hard_usd, Budget.soft_usd)),
        )
        .join(BudgetSpending, BudgetSpending.budget_id == Budget.id)
        .where(or_(*(_current(period, at, zone) for period in Period)))
        .group_by(Budget.id)
    ):
        key = (scope, period.value)
        if limit:
            used[key] = max(used.get(key, 0.0), float(spent / limit))
    words = "Spent part of the hard limit, else of the soft one; of all such budgets the most."
    return _gauges("pizhu_budget_use_ratio", words, ["scope", "period"], used)


def _current(period: Period, at: datetime, zone: str) -> ColumnElement[bool]:
    return and_(Budget.period == period, BudgetSpending.starts_on == budget.starts_on(period, at, zone))


def _circuits() -> Iterator[Metric]:
    providers = {provider_of(tier) for tier in settings().hosted_tiers}
    try:
        states: dict[Labels, float] = {
            (name,): PHASES[Circuit(name).state().phase(now().timestamp())] for name in providers
        }
    except RedisError:
        states = {}
    words = "The circuit of a provider: 0 closed, 1 half-open, 2 open."
    yield _gauges("pizhu_circuit_state", words, ["provider"], states)


def _cache() -> Metric:
    try:
        counted = counts.since_ever(connection())
    except RedisError:
        counted = {}
    words = "Questions that a level of the cache answered, or a model."
    answers = {each: number for each, number in counted.items() if each.is_answer}
    values: dict[Labels, object] = {(each.level, each.kind, each.task): number for each, number in answers.items()}
    return _counters("pizhu_cache_answers", words, ["level", "kind", "task_type"], values)


def _counters(name: str, words: str, labels: Sequence[str], values: Mapping[Labels, object]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))  # type: ignore[arg-type]
    return family


def _gauges(name: str, words: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _histograms(
    name: str, words: str, labels: Sequence[str], bounds: Sequence[float], values: Mapping[Labels, Histogram]
) -> Metric:
    family = HistogramMetricFamily(name, words, labels=labels)
    for key, histogram in values.items():
        below, buckets = 0, []
        for bound, count in zip([*map(_bound, bounds), "+Inf"], histogram.counts, strict=True):
            below += count
            buckets.append((bound, below))
        family.add_metric(key, buckets=buckets, sum_value=histogram.sum)
    return family


def _bound(value: float) -> str:
    return f"{value:.1f}" if value == int(value) else f"{value:g}"
