"""Money, for ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response

from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import ops, rule
from app.bodies import AttributionFilter, CostsFilter, CostsTable, SavingFilter
from app.costs import AttributionView, CostsView, as_csv, attribution_view, costs_view, period, saving_view
from app.views import SavingView
from models.session import snapshot


@blueprint.get("/costs")
@rule(ops)
@operation(Operation(200, CostsView, query=CostsFilter))
def get_costs(query: CostsFilter) -> Any:
    """What was spent on calls that began in a period, by model, feature and hour, and what of it was wasted.

    Without `from` and `to` it is the last 30 days. Hours are UTC. `baseline_usd` is what the baseline model would have
    cost for the same work. Calls under way count with their estimates. `saving` is of the essays whose grade came in
    the period, split by lever.
    """
    with snapshot() as db:
        return costs_view(db, *period(query.begin, query.end))


@blueprint.get("/costs.csv")
@rule(ops)
@operation(Operation(200, str, query=CostsTable, media="text/csv"))
def get_costs_table(query: CostsTable) -> Any:
    """The same as a table for a spreadsheet: by model, feature, hour, user or class."""
    rows: Sequence[Any]
    if query.by in ("user", "class"):
        with snapshot() as db:
            found = attribution_view(db)
        rows = found["users"] if query.by == "user" else found["classes"]
    else:
        with snapshot() as db:
            view = costs_view(db, *period(query.begin, query.end))
        lines: dict[str, Sequence[Any]] = {
            "model": view["by_model"],
            "feature": view["by_feature"],
            "hour": view["by_hour"],
        }
        rows = lines[query.by]
    headers = {"Content-Disposition": f'attachment; filename="costs-by-{query.by}.csv"'}
    return Response(as_csv(rows), mimetype="text/csv", headers=headers)


@blueprint.get("/costs/attribution")
@rule(ops)
@operation(Operation(200, AttributionView, query=AttributionFilter))
def get_attribution(query: AttributionFilter) -> Any:
    """Who the money of the last days was spent for, and how much of it for the dearest of the users."""
    with snapshot() as db:
        return attribution_view(db, query.days)


@blueprint.get("/costs/savings")
@rule(ops)
@operation(Operation(200, SavingView, query=SavingFilter))
def get_savings(query: SavingFilter) -> Any:
    """Which lever saved how much on the essays, of a class or of all, whose grade came in a period.

    Without `from` and `to` it is the last 30 days; a month is from its first day to its last one.
    """
    with snapshot() as db:
        return saving_view(db, *period(query.begin, query.end), query.class_id)
