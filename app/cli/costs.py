"""`pizhu costs`: what was spent on models, on what and for whom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.bodies import CostsFilter, validated
from app.cli.db import reported_errors
from app.cli.out import OUT, write
from app.costs import as_csv, attribution_view, costs_view, period
from app.problems import Problem
from models.session import snapshot

BY = ("model", "feature", "hour", "day", "user", "class")


@click.command("costs")
@click.option("--from", "begin", metavar="DAY", help="A day, or a moment with its zone. Default: 30 days before --to.")
@click.option("--to", "end", metavar="DAY", help="Likewise; a day is meant as a whole. Default: now.")
@click.option("--by", type=click.Choice(BY), default="model", show_default=True, help="What a line is of.")
@click.option("--json", "as_json", type=OUT, help="Write all as JSON; - prints.")
@click.option("--csv", "table", type=OUT, help="Write the lines as CSV; - prints.")
def costs(begin: str | None, end: str | None, by: str, as_json: Path | None, table: Path | None) -> None:
    """Say what was spent on calls of models that began in a period, and what of it was wasted.

    Calls under way count with their estimates. Users and classes are always those of the last 30 days. Hours and days
    are UTC; days that are named on the command line are those of the school's time zone.
    """
    given = {name: value for name, value in (("from", begin), ("to", end)) if value}
    try:
        wanted = validated(CostsFilter, given)
    except Problem as problem:
        raise click.UsageError(" ".join(f"--{one['field']}: {one['message']}" for one in problem.errors)) from problem
    with reported_errors(), snapshot() as db:
        view = costs_view(db, *period(wanted.begin, wanted.end))
        who = attribution_view(db) if by in ("user", "class") else None
    lines: dict[str, Sequence[Any]] = {
        "model": view["by_model"],
        "feature": view["by_feature"],
        "hour": view["by_hour"],
        "day": _days(view["by_hour"]),
        "user": who["users"] if who else [],
        "class": who["classes"] if who else [],
    }
    rows = lines[by]
    if as_json:
        write(as_json, json.dumps(view | ({"attribution": who} if who else {}), ensure_ascii=False, indent=2))
    if table:
        write(table, as_csv(rows).removesuffix("\n"))
    if not as_json and not table:
        _show(view, rows, by)


def _days(hours: Sequence[Any]) -> list[dict[str, Any]]:
    days: dict[str, dict[str, Any]] = {}
    for one in hours:
        day = days.setdefault(one["hour"][:10], {"day": one["hour"][:10], "cost_usd": Decimal(0)})
        for name in ("calls", "prompt_tokens", "cached_tokens", "completion_tokens"):
            day[name] = day.get(name, 0) + one[name]
        day["cost_usd"] += Decimal(one["cost_usd"])
    return [day | {"cost_usd": f"{day['cost_usd']:f}"} for day in days.values()]


def _show(view: Any, rows: Sequence[Any], by: str) -> None:
    begin, end = (datetime.fromisoformat(view[name]).strftime("%Y-%m-%d %H:%M UTC") for name in ("from", "to"))
    click.echo(f"{begin} to {end}: US$ {view['cost_usd']} for {view['calls']} calls, US$ {view['saved_usd']} less than")
    click.echo(f"the baseline model's US$ {view['baseline_usd']}.")
    if not view["calls"]:
        return
    names = {"direct_usd": "well spent", "retries_usd": "brought nothing", "prompt_usd": "long prompts"}
    names |= {"cache_usd": "not cached", "wrong_model_usd": "not trusted"}
    click.echo("Of that: " + ", ".join(f"{names[key]} {amount}" for key, amount in view["iceberg"].items()) + ".")
    columns = [name for name in rows[0] if name != "id"] if rows else []
    shown = Table(*columns)
    for row in rows:
        shown.add_row(*(Text(str(row[name] if row[name] is not None else "–")) for name in columns))
    Console().print(shown)
