"""`pizhu regrade`: an essay graded once more on the live way, and what differs from the grade it has."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click
from redis.exceptions import RedisError
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from app.cli.db import opened
from grading import queues, regrades
from grading.regrading import Comparison, comparable, compare
from models import Essay, Grading, Regrade
from models.base import now
from workers import regrading
from workers.heartbeat import live_workers

POLL = 0.3
"""Seconds between two looks at the row."""
HASH = 64
"""Characters of a SHA-256 in hex, which says as much by its beginning."""


@click.command("regrade")
@click.argument("essay_id", type=click.UUID, metavar="ESSAY_ID")
@click.option("--explain", is_flag=True, help="Say in full what differs: inputs, levels and points.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("--timeout", type=click.FloatRange(1), default=1800, show_default=True, help="Seconds to wait at most.")
def regrade(essay_id: uuid.UUID, explain: bool, as_json: bool, timeout: float) -> None:
    """Grade the essay ESSAY_ID again with the settings as they are, and say whether the grade is the same.

    The model of its grade is asked on the ordinary queue, so that a worker must run. Nothing changes: the essay keeps
    its grade, and nobody is told. It costs what a grade costs.
    """
    with opened() as db:
        essay = db.get(Essay, essay_id)
        if essay is None:
            raise click.ClickException(f"There is no essay {essay_id}.")
        before = regrades.original(db, essay)
        if before is None:
            raise click.ClickException("No model has given this essay a grade that could be compared.")
        queue = _queue(before)
        if queues.is_paused(db, queue):
            raise click.ClickException(f"The queue {queue} is paused; resume it on the page of the queues.")
        _check_worker(queue)
        regrade_id = regrades.ask(db, before, queue)
        old = comparable({name: getattr(before, name) for name in Grading.__table__.columns.keys()})  # noqa: SIM118
        db.commit()
    with _withdrawn_unless_over(regrade_id):
        if not regrading.ring(regrade_id, queue):
            raise click.ClickException("Redis cannot be reached; is Pizhu up?")
        new = _awaited(regrade_id, queue, timeout)
    found = compare(old, new)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return
    click.echo(found.verdict)
    if explain:
        _explain(found)
    elif not found.same:
        click.echo("--explain says what differs.")


def _queue(before: Grading) -> str:
    queue = regrading.queue_of_tier(before.tier)
    if queue is None:
        raise click.ClickException(f"The tier {before.tier!r}, which gave the grade, is not there any more.")
    return queue


def _check_worker(queue: str) -> None:
    try:
        workers = live_workers()
    except RedisError as error:
        raise click.ClickException(f"Redis cannot be reached; is Pizhu up? {error}") from error
    if not workers.get(queue):
        raise click.ClickException(f"No worker takes from the queue {queue}; `pizhu up` starts one.")


@contextmanager
def _withdrawn_unless_over(regrade_id: uuid.UUID) -> Iterator[None]:
    """Whatever ends the waiting, Ctrl-C for one, takes the regrade back; of one that is over nothing changes."""
    try:
        yield
    except BaseException:
        with opened() as db:
            regrades.withdraw(db, regrade_id)
            db.commit()
        raise


def _awaited(regrade_id: uuid.UUID, queue: str, timeout: float) -> dict[str, Any]:
    """The grade, once it is there; meanwhile standard error says where it is."""
    end = time.monotonic() + timeout
    with Console(stderr=True).status("") as status:
        while True:
            with opened() as db:
                row = db.get_one(Regrade, regrade_id)
            if row.grade is not None:
                return row.grade
            if row.finished_at is not None:
                raise click.ClickException(f"There is no new grade: {row.error}")
            if time.monotonic() > end:
                raise click.ClickException(f"No grade within {timeout:g} seconds; the queue {queue} may be long.")
            _say(status, row)
            time.sleep(POLL)


def _say(status: Status, row: Regrade) -> None:
    waited = timedelta(seconds=round((now() - row.created_at).total_seconds()))
    claimed = row.claim_token is not None
    status.update(f"{'being graded' if claimed else 'waiting'} in the queue {row.queue} for {waited} …")


def _explain(found: Comparison) -> None:
    console = Console()
    inputs = Table("Comes from", "then", "now")
    for each in found.inputs:
        inputs.add_row(each.name, _short(each.before), _short(each.after))
    if found.inputs:
        console.print(inputs)
    else:
        console.print(Text("Model, engine, prompt, rubric, essay, settings and calibration are as they were."))
    levels = Table("Criterion", "level then", "now", "points then", "now")
    for one in found.criteria:
        style = None if one.same else "bold"
        levels.add_row(Text(one.name), *map(_figure, (*one.level, *one.points)), style=style)
    levels.add_row("Total", "", "", *map(_figure, found.total))
    levels.add_row("Confidence", *(_figure(each and round(each, 3)) for each in found.confidence), "", "")
    console.print(levels)
    console.print(Text(f"Comments, notes and advice are {'the same' if found.same_words else 'not the same'}."))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _short(value: Any) -> Text:
    words = "–" if value is None else str(value)
    return Text(f"{words[:12]}…" if len(words) == HASH else words)
