"""Many essays, one engine, no server."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

from grading import prompt, wary
from grading.costs.budget import BudgetSpent
from grading.costs.meter import LedgerAway
from grading.engines.engine import Cancelled, Engine, EngineDead
from grading.grader import OnCall, Ungradable
from grading.results import stamp
from grading.sources import Item
from grading.task import Task

log = logging.getLogger(__name__)

Turn = Callable[[], tuple[Engine, OnCall]]
"""Gives an engine for one essay, and what keeps account of its calls."""


def grade_all(
    items: Iterable[Item],
    task: Task,
    turn: Turn,
    *,
    concurrency: int,
    secret: str,
    deadline: float,
    prompt_version: str | None = None,
) -> Generator[dict[str, Any]]:
    """Grade essays that have no problem, `concurrency` at a time, and yield the record of each as soon as it is done.

    One essay's failure is its own record. Closing the generator, or an exception in it, aborts what is in flight.
    `prompt_version` is that of the setting unless it is given. Raises `EngineDead` when there is nothing left to grade
    with.
    """
    cancelled = threading.Event()

    def grade_one(item: Item) -> dict[str, Any]:
        engine, on_call = turn()
        try:
            result = wary.grade(
                item.text,
                task,
                engine,
                request_id=uuid.uuid4().hex,
                secret=secret,
                on_progress=lambda field, text: None,
                cancelled=cancelled,
                deadline=deadline,
                on_call=on_call,
                prompt_version=prompt_version,
            )
        except Ungradable as error:
            return failed(item, task, error.reason, prompt_version)
        except (BudgetSpent, LedgerAway) as error:
            return failed(item, task, str(error), prompt_version)
        except (EngineDead, Cancelled):
            raise
        except Exception as error:  # an essay that breaks the grader must not stop the others
            log.exception("grading %s of %s", item.id, item.source)
            return failed(item, task, f"{type(error).__name__}: {error}", prompt_version)
        return {**_identity(item, task, prompt_version), "status": "graded", "grading": result.to_json()}

    waiting = iter(items)
    running: set[Future[dict[str, Any]]] = set()
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="essay")
    try:
        while True:
            running |= {pool.submit(grade_one, item) for item in islice(waiting, concurrency - len(running))}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        cancelled.set()
        pool.shutdown(cancel_futures=True)


def missing(
    items: Iterable[Item], task: Task, graded: set[tuple[str, ...]], prompt_version: str | None = None
) -> list[Item]:
    """The essays that have no grade yet for this text, assignment and prompt."""
    return [item for item in items if stamp(_identity(item, task, prompt_version)) not in graded]


def failed(item: Item, task: Task, reason: str, prompt_version: str | None = None) -> dict[str, Any]:
    """The record of an essay without a grade."""
    return {**_identity(item, task, prompt_version), "status": "failed", "reason": reason}


def _identity(item: Item, task: Task, prompt_version: str | None) -> dict[str, str]:
    """The fields of `grading.results.STAMP`."""
    return {
        "source": item.source,
        "id": item.id,
        "sha256": item.sha256,
        "assignment": task.content_hash,
        "prompt_version": prompt.load(task.language, prompt_version).id,
    }
