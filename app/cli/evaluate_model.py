"""The grades that a model gives to the essays of `pizhu evaluate`, kept so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from app.cli.grade import load_engine, progress
from grading.batch import grade_all, missing
from grading.engines.circuit import Circuit
from grading.engines.engine import Engine
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.evaluation.assignments import Assignment
from grading.evaluation.opinions import Opinion, graded
from grading.results import Results
from grading.sources import Item
from grading.task import Task
from settings import Settings, Tier, settings
from workers.facts import provider_of
from workers.openai import engine_of


def opinions_of(
    parts: Sequence[Assignment], task: Task, name: str, labelled: Path, grades: Path | None
) -> dict[str, dict[str, Opinion]]:
    """By assignment and essay's id. What is in `grades` already is not asked again; failed essays have no opinion."""
    items = [
        Item(labelled.name, f"{essay.prompt_id}/{essay.id}", essay.text) for part in parts for essay in part.essays
    ]
    kept = grades or Path(f"{labelled.name}.{name}.grades.jsonl")
    config = settings()
    tier = _hosted_tier(config, name)
    with Results(kept, {(item.source, item.id) for item in items}) as results:
        todo = missing(items, task, results.graded)
        if todo:
            failures = _grade(todo, task, tier, results)
            if failures:
                click.echo(f"{failures} of {len(items)} essays have no grade; {kept} says why.", err=True)
    records = _records(kept, items)
    return {
        part.name: graded(
            [
                {**records[key], "id": essay.id}
                for essay in part.essays
                if (key := f"{essay.prompt_id}/{essay.id}") in records
            ],
            part.scale,
            tier.model if tier else None,
        )
        for part in parts
    }


def _grade(todo: list[Item], task: Task, tier: Tier | None, results: Results) -> int:
    """Returns how many essays got no grade."""
    config, failures = settings(), 0
    with closing(_engine(config, tier)) as engine:
        records = grade_all(
            todo,
            task,
            engine,
            concurrency=config.openai_concurrency if tier else config.local_concurrency,
            secret=config.secret_key.get_secret_value(),
            deadline=config.grade_deadline,
        )
        with closing(records), progress(len(todo)) as advance:
            for record in records:
                results.add(record)
                failures += record["status"] == "failed"
                advance()
    return failures


def _engine(config: Settings, tier: Tier | None) -> Engine:
    if tier is None:
        return load_engine(config)
    provider = provider_of(tier)
    return HostedEngine(engine_of(tier), Circuit(provider), Limits.of(config, f"{provider}/{tier.model}"))


def _hosted_tier(config: Settings, name: str) -> Tier | None:
    """The hosted tier of that name, whose model is paid by the token; None for the local one."""
    if name == "local":
        return None
    tier = config.hosted_tier(name)
    if tier is None:
        there = ", ".join(["none", "local", *(one.name for one in config.hosted_tiers)])
        raise click.UsageError(f"--engine: there is no tier {name!r} here that can be asked; there are {there}.")
    return tier


def _records(path: Path, items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """The grades of these very texts, the last of each."""
    texts = {item.id: item.sha256 for item in items}
    found = {}
    with path.open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["status"] == "graded" and texts.get(record["id"]) == record["sha256"]:
                found[record["id"]] = record
    return found
