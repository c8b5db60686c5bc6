"""What models cost, for ops: figures of a period, its charts, and who the money was spent for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask_babel import gettext as _

from app.auth import ops, rule
from app.bodies import CostsFilter, validated
from app.costs import DAYS, concentration_view, names_of, period, prices_view
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import field_errors
from app.problems import Problem
from grading.costs import report, savings
from grading.costs.attribution import attribution
from models import Class, User
from models.base import now
from models.session import snapshot
from settings import settings

SHOWN = 10
"""Users and classes on the page; the table for a spreadsheet has a hundred."""
LONGEST_IN_HOURS = timedelta(days=3)
"""Longer periods are drawn by day."""


@blueprint.get("/costs")
@rule(ops)
def costs() -> str:
    asked = {name: value for name in ("from", "to") if (value := request.args.get(name, "").strip())}
    errors: Mapping[str, str] = {}
    try:
        wanted = validated(CostsFilter, asked)
    except Problem as problem:
        errors, wanted = field_errors(problem), CostsFilter.model_validate({})
    begin, end = period(wanted.begin, wanted.end)
    with snapshot() as seen:
        found = report.costs(seen, begin, end)
        saving = savings.total(seen, begin, end)
        who = attribution(seen, now() - timedelta(days=DAYS - 1), now())
    users, classes = who.users[:SHOWN], who.classes[:SHOWN]
    by_day = end - begin > LONGEST_IN_HOURS
    return render_template(
        "ops/costs.html",
        asked=asked,
        errors=errors,
        begin=begin,
        end=end,
        found=found,
        parts=[
            (_("What bought a grade or an answer"), found.iceberg.direct),
            (_("Calls that brought nobody anything"), found.iceberg.retries),
            (_("Prompts longer than the compact one"), found.iceberg.prompt),
            (_("Prompt tokens that no cache held"), found.iceberg.cache),
            (_("Replies that were not trusted"), found.iceberg.wrong_model),
        ],
        over_time=_over_time(found, by_day=by_day),
        by_day=by_day,
        saving=saving,
        months=_months(now().astimezone(ZoneInfo(settings().time_zone)).date()),
        days=DAYS,
        users=[(names_of(db(), User, users).get(one.key), one) for one in users],
        classes=[(names_of(db(), Class, classes).get(one.key), one) for one in classes],
        spenders=who.spenders,
        concentration=concentration_view(who),
        prices=prices_view(),
    )


def _months(today: date) -> list[tuple[date, date]]:
    """First and last days of this month and of the one before."""
    first = today.replace(day=1)
    last = first - timedelta(days=1)
    return [(first, today), (last.replace(day=1), last)]


def _over_time(found: report.Costs, *, by_day: bool) -> list[tuple[str, float]]:
    """Beginnings of hours or days (UTC, ISO 8601) and dollars, for the chart, which is as near as it can be seen."""
    sums: dict[datetime, float] = {}
    for hour, spent in found.by_hour.items():
        at = hour.astimezone(UTC).replace(hour=0) if by_day else hour
        sums[at] = sums.get(at, 0.0) + float(spent.cost)
    return [(at.isoformat(), dollars) for at, dollars in sums.items()]
