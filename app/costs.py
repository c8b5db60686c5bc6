"""What ops are told of money: sums of a period, where they went, and who they were spent for. Money is a decimal
string, US dollars."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app.views import SavingView, moment
from grading.costs import report, saving, savings
from grading.costs.attribution import Attribution, Share, attribution
from grading.costs.prices import PACKAGE, newest
from grading.costs.report import Iceberg, Spent
from models import Class, User
from models.base import now
from models.session import Snapshot
from settings import settings

DAYS = 30
"""How far back it is looked where nobody says."""
CENTS = Decimal("0.000001")
"""Millionths of a dollar: a call may cost a few of them."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these a cell begins that a spreadsheet would compute."""


class ModelCost(TypedDict):
    model: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost_usd: str


class FeatureCost(TypedDict):
    feature: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost_usd: str


class HourCost(TypedDict):
    """`hour` is its beginning."""

    hour: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost_usd: str


class IcebergView(TypedDict):
    """Five parts that add up to `cost_usd`: what bought something, calls that brought nobody anything, prompts longer
    than the compact one, prompt tokens that a prefix cache did not hold, and replies that were not trusted."""

    direct_usd: str
    retries_usd: str
    prompt_usd: str
    cache_usd: str
    wrong_model_usd: str


class PricesView(TypedDict):
    """The list that a call made now is paid for by, unless a setting or the cost guide has its model: its name with its
    version, and the day on which the newest price in it began. A call keeps the price it was made at."""

    source: str
    dated: str | None


CostsView = TypedDict(
    "CostsView",
    {
        "from": str,
        "to": str,
        "calls": int,
        "prompt_tokens": int,
        "cached_tokens": int,
        "completion_tokens": int,
        "cost_usd": str,
        "baseline_usd": str,
        "saved_usd": str,
        "by_model": list[ModelCost],
        "by_feature": list[FeatureCost],
        "by_hour": list[HourCost],
        "iceberg": IcebergView,
        "saving": SavingView,
        "prices": PricesView,
    },
)


class OwnerCost(TypedDict):
    """`id` and `name` of a user or a class; the name is null where it is gone."""

    id: str
    name: str | None
    calls: int
    cost_usd: str


class FeatureShare(TypedDict):
    feature: str
    calls: int
    cost_usd: str


class ConcentrationPoint(TypedDict):
    """The dearest `users` (a share of all) have `cost` (a share of what was spent for users)."""

    users: float
    cost: float


class AttributionView(TypedDict):
    """At most 100 users and 100 classes, the dearest first; `spenders` is how many users anything was spent for."""

    days: int
    cost_usd: str
    spenders: int
    users: list[OwnerCost]
    classes: list[OwnerCost]
    features: list[FeatureShare]
    concentration: list[ConcentrationPoint]


def period(begin: datetime | date | None, end: datetime | date | None) -> tuple[datetime, datetime]:
    """From when to before when. A day is from midnight to midnight in the school's time zone, the last one as well."""
    until = now() if end is None else _moment(end, last=True)
    return (until - timedelta(days=DAYS) if begin is None else _moment(begin, last=False)), until


def _moment(value: datetime | date, *, last: bool) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    midnight = datetime.combine(value + timedelta(days=1) if last else value, time(), ZoneInfo(settings().time_zone))
    return midnight.astimezone(UTC)


def costs_view(db: Snapshot, begin: datetime, end: datetime) -> CostsView:
    found = report.costs(db, begin, end)
    whole = found.whole
    return {
        "from": moment(begin),
        "to": moment(end),
        "calls": whole.calls,
        "prompt_tokens": whole.prompt_tokens,
        "cached_tokens": whole.cached_tokens,
        "completion_tokens": whole.completion_tokens,
        "cost_usd": usd(whole.cost),
        "baseline_usd": usd(whole.baseline),
        "saved_usd": usd(whole.saved),
        "by_model": [{"model": name, **_sums(spent)} for name, spent in found.by_model.items()],  # type: ignore[typeddict-item]
        "by_feature": [{"feature": name, **_sums(spent)} for name, spent in found.by_feature.items()],  # type: ignore[typeddict-item]
        "by_hour": [{"hour": moment(hour), **_sums(spent)} for hour, spent in found.by_hour.items()],  # type: ignore[typeddict-item]
        "iceberg": iceberg_view(found.iceberg),
        "saving": saving_view(db, begin, end),
        "prices": prices_view(),
    }


def prices_view() -> PricesView:
    return {"source": PACKAGE, "dated": newest(now().date())}


def saving_view(db: Snapshot, begin: datetime, end: datetime, class_id: uuid.UUID | None = None) -> SavingView:
    """Of the essays, of a class or of all, whose grade came in the period."""
    return saving.to_json(savings.total(db, begin, end, class_id))  # type: ignore[return-value]


def iceberg_view(parts: Iceberg) -> IcebergView:
    return {
        "direct_usd": usd(parts.direct),
        "retries_usd": usd(parts.retries),
        "prompt_usd": usd(parts.prompt),
        "cache_usd": usd(parts.cache),
        "wrong_model_usd": usd(parts.wrong_model),
    }


def attribution_view(db: Snapshot, days: int = DAYS) -> AttributionView:
    """Of the last so many days (UTC), today included."""
    end = now()
    found = attribution(db, end - timedelta(days=days - 1), end)
    return {
        "days": days,
        "cost_usd": usd(found.whole),
        "spenders": found.spenders,
        "users": _named(found.users, names_of(db, User, found.users)),
        "classes": _named(found.classes, names_of(db, Class, found.classes)),
        "features": [{"feature": one.key, "calls": one.calls, "cost_usd": usd(one.cost)} for one in found.features],
        "concentration": concentration_view(found),
    }


def concentration_view(found: Attribution) -> list[ConcentrationPoint]:
    return [{"users": users, "cost": cost} for users, cost in found.concentration.items()]


def names_of(db: Session, table: type[User] | type[Class], shares: Iterable[Share]) -> dict[uuid.UUID, str]:
    """Names of users or classes that are still there, by their ids."""
    ids = [one.key for one in shares]
    return {row.id: row.name for row in db.execute(select(table.id, table.name).where(table.id.in_(ids)))}


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """A table with a head, empty where there is no row. Words that a spreadsheet would compute stand behind a quote
    (OWASP, “CSV Injection”)."""
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def usd(amount: Decimal) -> str:
    """Dollars to the millionth."""
    return f"{amount.quantize(CENTS):f}"


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value) else value


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _sums(spent: Spent) -> dict[str, object]:
    return {
        "calls": spent.calls,
        "prompt_tokens": spent.prompt_tokens,
        "cached_tokens": spent.cached_tokens,
        "completion_tokens": spent.completion_tokens,
        "cost_usd": usd(spent.cost),
    }


def _named(shares: Iterable[Share], names: Mapping[uuid.UUID, str]) -> list[OwnerCost]:
    return [
        {"id": str(one.key), "name": names.get(one.key), "calls": one.calls, "cost_usd": usd(one.cost)}
        for one in shares
    ]
