"""`pizhu anchors`: the essays that are graded again every day, and whether their marks have moved."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cli.actor import actor
from app.cli.db import opened
from grading import anchors as appointed
from grading import drifts
from grading.lifecycle import NotAllowed
from models import Anchor, Assignment, Essay, Regrade


@click.group("anchors")
def anchors() -> None:
    """Name or choose the essays that are graded again daily; say where marks moved.

    A few essays of an assignment are graded again every day. Where that changes their marks, its teachers and ops are
    alerted, until the marks are back or somebody accepts them as they are now.
    """


@anchors.command("list")
@click.argument("assignment_id", type=click.UUID, required=False)
def list_(assignment_id: uuid.UUID | None) -> None:
    """Name the assignments that are watched and where marks have moved; with ASSIGNMENT_ID, its anchors."""
    with opened() as db:
        if assignment_id is None:
            _show_watched(db)
        else:
            _show_anchors(db, assignment_id)


@anchors.command()
@click.argument("essay_id", type=click.UUID)
def keep(essay_id: uuid.UUID) -> None:
    """Have the essay ESSAY_ID graded again every day, before those that are chosen automatically.

    Nobody's grade changes by it. It needs a model's grade by the rubric in use, and an assignment has at most six.
    """
    with opened() as db:
        try:
            new = appointed.keep(db, _essay(db, essay_id), actor())
        except NotAllowed as error:
            raise click.ClickException(str(error)) from error
        db.commit()
    click.echo("From now on it is graded again every day." if new else "It was kept already.")


@anchors.command()
@click.argument("essay_id", type=click.UUID)
def dismiss(essay_id: uuid.UUID) -> None:
    """Have the essay ESSAY_ID graded again no more; it is not chosen automatically either."""
    with opened() as db:
        was = appointed.dismiss(db, _essay(db, essay_id), actor())
        db.commit()
    click.echo("From now on it is not graded again every day." if was else "It was no anchor.")


@anchors.command()
@click.argument("assignment_id", type=click.UUID)
def accept(assignment_id: uuid.UUID) -> None:
    """Say that the marks of the assignment ASSIGNMENT_ID are right as they are now; they are compared from today on."""
    with opened() as db:
        if not appointed.anchors_of(db, assignment_id):
            raise click.ClickException(f"No assignment {assignment_id} is watched.")
        drifts.accept(db, assignment_id)
        db.commit()
    click.echo("Marks are compared with those from today on.")


def _essay(db: Session, essay_id: uuid.UUID) -> Essay:
    essay = db.get(Essay, essay_id)
    if essay is None:
        raise click.ClickException(f"There is no essay {essay_id}.")
    return essay


def _show_watched(db: Session) -> None:
    kept = func.count(Anchor.id.distinct()).filter(Anchor.kept_at.is_not(None))
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
    table = _table("Id", "Assignment", "Anchors", "Kept", "Days", "Last", "Marks")
    for assignment, count, chosen, seen, latest in rows:
        drift = moved.get(assignment.id)
        words = "as ever" if seen else "not graded yet"
        if drift:
            words = f"{drift.shift:+.2f} levels since {drift.day} (p = {drift.p_value:.1g})"
        table.add_row(
            str(assignment.id), Text(assignment.title), str(count), str(chosen), str(seen), str(latest or "–"), words
        )
    Console().print(table)


def _show_anchors(db: Session, assignment_id: uuid.UUID) -> None:
    """Those that are graded again, and below them those that people have dismissed."""
    assignment = db.get(Assignment, assignment_id)
    if assignment is None:
        raise click.ClickException(f"There is no assignment {assignment_id}.")
    found = [*appointed.anchors_of(db, assignment_id), *appointed.dismissed_of(db, assignment)]
    if not found:
        click.echo("It has no anchors; `pizhu anchors keep ESSAY_ID` makes one.")
        return
    table = _table("Essay", "Points", "Since", "Anchor", "By", "At (UTC)")
    for anchor in found:
        points = f"{anchor.grading.total:g} of {anchor.grading.max:g}"
        table.add_row(str(anchor.essay_id), points, str(anchor.since), *map(Text, _said(anchor)))
    Console().print(table)


def _said(anchor: Anchor) -> tuple[str, str, str]:
    """Whether it is one, who has said so, and when."""
    if anchor.dismissed_at:
        return "dismissed", anchor.dismissed_by or "–", _minute(anchor.dismissed_at)
    if anchor.kept_at:
        return "kept", anchor.kept_by or "–", _minute(anchor.kept_at)
    return "automatic", "–", "–"


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _table(ids: str, *others: str) -> Table:
    """Ids are never cut short: the next command needs them."""
    table = Table()
    table.add_column(ids, no_wrap=True)
    for name in others:
        table.add_column(name)
    return table
