"""The model of `pizhu evaluate`: what it has graded is kept in a file, so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from app.cli.account import EVALUATE, hosted_turn, local_turn
from app.cli.grade import load_engine, progress
from app.cli.tally import Tally
from grading import prompt
from grading.batch import Turn, grade_all, missing
from grading.engines.engine import Engine
from grading.evaluation.assignments import Assignment
from grading.evaluation.labelled import Essay
from grading.evaluation.opinions import Opinion, graded
from grading.results import Results, stamp
from grading.sources import Item
from grading.task import Task
from settings import Tier, settings


class Asked:
    """A model that grades texts by a task, each once: a context, in which the file of its grades is its own.

    The model is loaded when there is something to ask it. Raises `ResultsError` where the file cannot be used.
    """

    def __init__(self, parts: Sequence[Assignment], task: Task, name: str, labelled: Path, grades: Path | None) -> None:
        self.name = name
        self.kept = grades or Path(f"{labelled.name}.{name}.grades.jsonl")
        self._source, self._task, self._config = labelled.name, task, settings()
        self._tier = _hosted_tier(name)
        self._ids = {(self._source, name_of(essay)) for part in parts for essay in part.essays}
        self._engine: Engine | None = None
        self._open = ExitStack()

    def __enter__(self) -> Asked:
        self._results = self._open.enter_context(Results(self.kept, self._ids))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def opinions(self, parts: Sequence[Assignment], version: str | None = None) -> dict[str, dict[str, Opinion]]:
        """By assignment and essay's id, by this version of the prompt; failed essays have no opinion."""
        records = self.records({name_of(essay): essay.text for part in parts for essay in part.essays}, version)
        return {
            part.name: self.read(
                {essay.id: records[name_of(essay)] for essay in part.essays if name_of(essay) in records}, part
            )
            for part in parts
        }

    def records(self, texts: dict[str, str], version: str | None = None) -> dict[str, dict[str, Any]]:
        """What was said of each text, by its name; what could not be graded is missing. Nothing is asked for twice."""
        items = [Item(self._source, name, text) for name, text in texts.items()]
        known = self._known(items, version)
        todo = missing(items, self._task, set(known), version)
        failures = 0
        if todo:
            failures = self._grade(todo, version)
            known = self._known(items, version)
        if failures:
            click.echo(f"{failures} of {len(items)} texts have no grade; {self.kept} says why.", err=True)
        return {record["id"]: record for record in known.values()}

    def read(self, records: dict[str, dict[str, Any]], part: Assignment) -> dict[str, Opinion]:
        """These records as opinions on the scale of an assignment, under the same names."""
        named = [{**record, "id": name} for name, record in records.items()]
        return graded(named, part.scale, self._tier.model if self._tier else None)

    def _known(self, items: Sequence[Item], version: str | None) -> dict[tuple[str, ...], dict[str, Any]]:
        """The grades of these very texts, by this task and the prompt as its file stands now; the last of each."""
        template = prompt.load(self._task.language, version)
        wanted = {(item.id, item.sha256) for item in items}
        found = {}
        with self.kept.open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if (
                    record["status"] == "graded"
                    and (record["id"], record["sha256"]) in wanted
                    and (record["source"], record["assignment"]) == (self._source, self._task.content_hash)
                    and (record["prompt_version"], record["grading"]["hashes"]["template"])
                    == (template.id, template.hash)
                ):
                    found[stamp(record)] = record
        return found

    def _grade(self, todo: list[Item], version: str | None) -> int:
        """Returns how many texts got no grade."""
        failures, config, turn = 0, self._config, self._turn(version)
        click.echo(f"Grading {len(todo)} texts; what is done is kept in {self.kept}.", err=True)
        tally = Tally()
        records = grade_all(
            todo,
            self._task,
            turn,
            concurrency=config.openai_concurrency if self._tier else config.local_concurrency,
            secret=config.secret_key.get_secret_value(),
            deadline=config.grade_deadline,
            prompt_version=version,
        )
        with closing(records), progress(len(todo)) as advance:
            for record in records:
                self._results.add(record)
                if record["status"] == "failed":
                    failures += 1
                else:
                    tally.add(record["grading"])
                advance()
        tally.tell()
        return failures

    def _turn(self, version: str | None) -> Turn:
        if self._tier:
            return hosted_turn(self._tier, self._task, EVALUATE, version)
        if self._engine is None:
            self._engine = self._open.enter_context(closing(load_engine(self._config)))
        return local_turn(self._engine, self._task, EVALUATE, version)


def name_of(essay: Essay) -> str:
    """Under which its grades are kept."""
    return f"{essay.prompt_id}/{essay.id}"


def _hosted_tier(name: str) -> Tier | None:
    """The hosted tier of that name, whose model is paid by the token; None for the local one."""
    if name == "local":
        return None
    config = settings()
    tier = config.hosted_tier(name)
    if tier is None:
        there = ", ".join(["none", "local", *(one.name for one in config.hosted_tiers)])
        raise click.UsageError(f"--engine: there is no tier {name!r} here that can be asked; there are {there}.")
    return tier
