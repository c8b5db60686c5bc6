"""`pizhu route --fit`, `--share` and `--reset`: an assignment's thresholds, learned, shown and kept."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from app.cli.chart import Series, chart, stacked
from app.cli.db import opened
from app.cli.out import write
from grading.outcomes import outcomes
from grading.routing import Thresholds
from grading.routing_fit import Fit, changes, fit, merged
from grading.threshold_fit import Choose, best_for, cheapest
from models import Assignment
from settings import settings

ROWS = 11
"""Lines of a curve that are shown; the picture and the JSON have all."""


@dataclass(frozen=True)
class Wanted:
    """What thresholds are to be good for."""

    tolerance: float
    budget: float | None
    shares: Mapping[str, float]

    @property
    def choose(self) -> Choose:
        return cheapest(self.tolerance) if self.budget is None else best_for(self.budget)


def learn(assignment_id: uuid.UUID, wanted: Wanted, *, to_apply: bool, plot: Path | None, out: Path | None) -> None:
    """Fit, show, and with `to_apply` keep."""
    tiers = [tier.name for tier in settings().tiers]
    with opened() as db:
        assignment = assignment_of(db, assignment_id)
        seen = outcomes(db, assignment, tiers)
        thresholds = Thresholds.of(settings(), assignment.routing)
        fits = fit(seen, tiers, thresholds, wanted.choose, wanted.shares)
        new = changes(fits)
        if plot:
            _plot(plot, assignment.title, fits)
        applied = bool(new) and to_apply
        if applied:
            assignment.routing = merged(assignment.routing, new)
            db.commit()
        title, routing = assignment.title, assignment.routing
    if out is not None:
        told = {
            "assignment": str(assignment_id),
            "essays": len(seen),
            "fits": [found.to_json() for found in fits],
            "changes": new,
            "applied": applied,
            "routing": routing,
        }
        write(out, json.dumps(told, ensure_ascii=False))
    if out != Path("-"):
        _show(title, len(seen), fits, new, applied)


def reset(assignment_id: uuid.UUID) -> None:
    """The settings' thresholds hold again."""
    with opened() as db:
        assignment = assignment_of(db, assignment_id)
        assignment.routing = None
        db.commit()
    click.echo(f"“{assignment.title}” is routed by the settings again.")


def assignment_of(db: Session, assignment_id: uuid.UUID) -> Assignment:
    """The assignment of that id. Raises `click.BadParameter`."""
    found = db.get(Assignment, assignment_id)
    if found is None:
        raise click.BadParameter(f"There is no assignment {assignment_id}.", param_hint="--assignment")
    return found


def _show(title: str, essays: int, fits: list[Fit], new: Mapping[str, Any], applied: bool) -> None:
    console = Console()
    console.print(Text(f"{title}: {essays} essays that models have graded", style="bold"))
    if not fits:
        console.print("Fewer than two tiers have graded essays of this assignment; there is nothing to choose between.")
    for found in fits:
        console.print()
        console.print(Text(_heading(found), style="bold"))
        if found.points:
            console.print(_table(found))
            console.print(Text(_basis(found)))
        console.print(Text(found.words))
    if new:
        console.print()
        console.print(
            Text(f"Kept: {json.dumps(new)}" if applied else f"--apply would keep: {json.dumps(new)}", style="bold")
        )


def _heading(found: Fit) -> str:
    tier = found.rule.partition(".")[2]
    what = (
        f"Confidence from which {tier} is accepted" if tier else "Complexity from which the best tier is asked at once"
    )
    return f"{what}: {'as it is' if found.value is None else f'{found.value:g}'}"


def _table(found: Fit) -> Table:
    """The curve, with the present threshold and the chosen one marked."""
    table = Table("", *("Threshold", "Kept", "USD per 1,000", "Error", "At random"))
    for column in table.columns[1:]:
        column.justify = "right"
    step = max(1, (len(found.points) - 1) // (ROWS - 1))
    shown = {found.points[-1].threshold: ("", found.points[-1])}
    shown |= {point.threshold: ("", point) for point in found.points[::step]}
    if found.now:
        shown[found.now.threshold] = ("now", found.now)
    if found.chosen and found.value is not None:
        shown[found.chosen.threshold] = ("chosen", found.chosen)
    for mark, point in sorted(shown.values(), key=lambda each: -each[1].kept):
        table.add_row(
            mark,
            f"{point.threshold:.3f}",
            f"{point.kept:.0%}",
            f"{1000 * point.cost:.2f}",
            f"{point.error:.1%}",
            f"{point.random:.1%}",
        )
    return table


def _basis(found: Fit) -> str:
    """What the curve stands on."""
    words = f"From {found.essays} essays"
    if found.untaught:
        words += f", {found.untaught} of them measured by the best tier's mark for want of a teacher's"
    if found.supposed:
        words += f"; what the better tier would have said of {found.supposed} is supposed"
    return f"{words}. The error is the root mean square, as a share of full marks."


def _plot(path: Path, title: str, fits: list[Fit]) -> None:
    pictures = [
        chart(
            f"{title}: {found.rule}",
            "US dollars for 1,000 essays",
            "Error, % of full marks",
            [
                Series("at random", [(1000 * point.cost, 100 * point.random) for point in found.points]),
                Series("by this threshold", [(1000 * point.cost, 100 * point.error) for point in found.points]),
                *(
                    Series(name, [(1000 * point.cost, 100 * point.error)], line=False)
                    for name, point in (("now", found.now), ("chosen", found.chosen))
                    if point
                ),
            ],
        )
        for found in fits
        if found.points
    ]
    if not pictures:
        raise click.ClickException("There is no curve to draw: too few essays have been graded and marked.")
    page = "<!doctype html><meta charset=utf-8><title>Pizhu</title>\n" if path.suffix == ".html" else ""
    write(path, page + stacked(pictures))
