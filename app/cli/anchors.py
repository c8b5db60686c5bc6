"""`pizhu anchors`: the essays that are graded again every day, and whether their marks have moved."""

from __future__ import annotations

import uuid

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cli.db import opened
from grading import drifts
from grading.anchors import anchors_of
from models import Anchor, Assignment, Regrade


@click.command("anchors")
@click.option("--accept", "accepted", type=click.UUID, metavar="ID", help="An assignment whose new marks are right.")
def anchors(accepted: uuid.UUID | None) -> None:
    """Say which assignments are watched, and where marks have moved.

    A few essays of an assignment are graded again every day. Where that changes their marks, its teachers and ops are
    alerted, until the marks are back, or until --accept says that they are right as they are now.
    """
    with opened() as db:
        if accepted is None:
            _show(db)
            return
        if not anchors_of(db, accepted):
            raise click.ClickException(f"No assignment {accepted} is watched.")
        drifts.accept(db, accepted)
        db.commit()
        click.echo("Marks are compared with those from today on.")


def _show(db: Session) -> None:
    kept = func.count(Anchor.id.distinct()).filter(Anchor.by_person)
    days, last = func.count(Regrade.day.distinct()), func.max(Regrade.day)
    rows = db.execute(
        select(Assignment, func.count(Anchor.id.distinct()), kept, days, last)
        .join(Anchor, Anchor.assignment_id == Assignment.id)
        .outerjoin(Regrade, (Regrade.anchor_id == Anchor.id) & Regrade.grade.is_not(None))
        .where(Anchor.retired_at.is_(None))
        .group_by(Assignment.id)
        .order_by(Assignment.created_at)
    ).all()
    if not rows:
        click.echo("No assignment is watched yet; each is from a dozen graded essays on.")
        return
    moved = {drift.assignment_id: drift for drift in drifts.open_drifts(db)}
    table = Table("Assignment", "Id", "Anchors", "Kept", "Days", "Last", "Marks")
    for assignment, count, chosen, seen, latest in rows:
        drift = moved.get(assignment.id)
        words = "as ever" if seen else "not graded yet"
        if drift:
            words = f"{drift.shift:+.2f} levels since {drift.day} (p = {drift.p_value:.1g})"
        table.add_row(
            Text(assignment.title), str(assignment.id), str(count), str(chosen), str(seen), str(latest or "–"), words
        )
    Console().print(table)
