"""`pizhu grade`: essays in files, graded by the local model without a server."""

from __future__ import annotations

import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.account import OFFLINE, local_turn
from app.cli.tally import Tally
from grading.batch import failed, grade_all, missing
from grading.engines.engine import Engine, EngineDead
from grading.results import Printed, Results, ResultsError
from grading.sources import Item, read
from grading.task import Task, TaskError
from settings import Settings, settings

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""
PLAIN_INTERVAL = 10.0
"""Seconds between lines of progress where there is no terminal to draw a bar on."""
SHOWN = 20
"""Failures listed at the end; the output has them all."""


@click.command("grade", context_settings={"max_content_width": 100})
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-a",
    "--assignment",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The assignment, as YAML: title, prompt, language (zh or en) and rubric, as below.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File the results are appended to, one JSON object a line; - for standard output.",
)
def grade(files: tuple[Path, ...], assignment: Path, output: Path) -> None:
    """Grade the essays in FILES with the local model.

    FILES are .txt files (one essay each), .jsonl files (an object with "id" and "text" a line), or folders of
    them, all in UTF-8. A text is graded byte for byte; a byte order mark is its first character.

    Each result is written as soon as it is there. Run the same command again after an interruption or a failure:
    it grades only what has no grade yet, and tries again what failed. A changed essay, assignment or prompt is
    graded anew.

    The exit status is 0 when every essay has its grade, 1 when any failed, 2 for wrong arguments, 70 when the
    model died and 130 after Ctrl-C.

    \b
    Example: pizhu grade essays/*.txt more.jsonl --assignment letter.yaml -o out.jsonl
    where letter.yaml is:
        title: A letter to the mayor
        prompt: Write a letter to the mayor about a change that your town needs.
        language: en
        rubric:
          criteria:
            - {key: ideas, name: Ideas, max: 10}
            - key: language
              name: Language
              max: 5
              descriptors: [hard to follow, clear in parts, clear and varied]  # weakest first
    """
    try:
        failures = _grade(files, load_task(assignment), output)
    except KeyboardInterrupt:
        click.echo(f"Stopped. {_way_on(output)}", err=True)
        sys.exit(INTERRUPTED)
    except EngineDead as error:
        click.echo(f"{error} {_way_on(output)}", err=True)
        sys.exit(os.EX_SOFTWARE)
    except ResultsError as error:
        raise click.UsageError(str(error)) from error
    sys.exit(1 if failures else 0)


def _grade(files: tuple[Path, ...], task: Task, output: Path) -> list[dict[str, Any]]:
    """Grade what is missing; returns the records of what failed."""
    items = list(read(files))
    if not items:
        raise click.UsageError("There are no .txt or .jsonl files in these folders.")
    with _results(output, items) as results:
        unreadable = [failed(item, task, item.problem) for item in items if item.problem]
        for record in unreadable:
            results.add(record)
        readable = [item for item in items if not item.problem]
        todo = missing(readable, task, results.graded)
        failures, tally, seconds = _run(todo, task, results) if todo else ([], None, 0.0)
    graded, before = len(todo) - len(failures), len(readable) - len(todo)
    _summarise(graded, before, unreadable + failures, len(todo) / seconds if seconds else None)
    if tally:
        tally.tell()
    return unreadable + failures


def _run(todo: list[Item], task: Task, results: Results | Printed) -> tuple[list[dict[str, Any]], Tally, float]:
    """Load the model and grade; returns the records of what failed, what the model has given, and the seconds it took
    without the loading."""
    config = settings()
    failures = []
    with closing(load_engine(config)) as engine:
        started, tally = time.monotonic(), Tally()
        records = grade_all(
            todo,
            task,
            local_turn(engine, task, OFFLINE),
            concurrency=config.local_concurrency,
            secret=config.secret_key.get_secret_value(),
            deadline=config.grade_deadline,
        )
        with closing(records), progress(len(todo)) as advance:
            for record in records:
                results.add(record)
                if record["status"] == "failed":
                    failures.append(record)
                else:
                    tally.add(record["grading"])
                advance()
        return failures, tally, time.monotonic() - started


def _results(output: Path, items: list[Item]) -> AbstractContextManager[Results | Printed]:
    if output == Path("-"):
        return nullcontext(Printed(sys.stdout.buffer))
    return Results(output, {(item.source, item.id) for item in items})


def load_task(path: Path) -> Task:
    try:
        return Task.parse(yaml.safe_load(path.read_bytes()))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise click.UsageError(f"{path} is not YAML, line {line}: {error.problem}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from error
    except TaskError as error:
        lines = [f"  {fault['field'] or path.name}: {fault['message']}" for fault in error.errors]
        raise click.UsageError("\n".join((f"{path} is not an assignment yet:", *lines))) from error


def load_engine(config: Settings) -> Engine:
    if not config.has_local_model:
        raise click.UsageError("There is no local model to grade with: PIZHU_LOCAL_MODEL is none.")
    click.echo(f"Loading the model {config.local_model} …", err=True)
    engine: Engine = pkgutil.resolve_name(config.local_engine)(config)
    return engine


@contextmanager
def progress(total: int, doing: str = "Grading", things: str = "essays") -> Iterator[Callable[[], None]]:
    """A bar on a terminal, a line now and then elsewhere; both on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_progress(total, things)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{{task.fields[rate]:.2f}} {things}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as drawn:
        bar = drawn.add_task(doing, total=total, rate=0.0)

        def advance() -> None:
            drawn.advance(bar)
            state = drawn.tasks[bar]
            drawn.update(bar, rate=state.completed / (state.elapsed or 1))

        yield advance


def _plain_progress(total: int, things: str) -> Callable[[], None]:
    started = told = time.monotonic()
    done = 0

    def advance() -> None:
        nonlocal done, told
        done += 1
        now = time.monotonic()
        if now - told >= PLAIN_INTERVAL:
            told = now
            rate = done / (now - started)
            left = (total - done) / rate
            click.echo(f"{done} of {total} {things}, {rate:.2f} a second, about {left:.0f} s left", err=True)

    return advance


def _summarise(graded: int, before: int, failures: list[dict[str, Any]], rate: float | None) -> None:
    words = [f"{graded} graded", f"{len(failures)} failed"]
    if before:
        words.append(f"{before} had a grade already")
    if rate:
        words.append(f"{rate:.2f} essays a second")
    click.echo(f"{', '.join(words)}.", err=True)
    for record in failures[:SHOWN]:
        name = record["source"] if record["source"].endswith(".txt") else f"{record['source']}, {record['id']}"
        click.echo(f"  {name}: {record['reason']}", err=True)
    if len(failures) > SHOWN:
        click.echo(f"  … and {len(failures) - SHOWN} more; the output names them all.", err=True)


def _way_on(output: Path) -> str:
    if output == Path("-"):
        return "With a file as output the same command would go on from here."
    return f"What is in {output} is kept; run the same command again to go on."
