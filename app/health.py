"""Two questions that a supervisor asks: does the process live, and can it do its work?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from flask import Blueprint
from sqlalchemy import text

from app.auth import public, rule
from app.problems import Problem
from grading import progress
from models.session import engine
from settings import settings
from workers.heartbeat import live_workers

blueprint = Blueprint("health", __name__)

PATIENCE = 2.0
"""Seconds; what has not answered by then counts as missing."""


@blueprint.get("/healthz")
@rule(public)
def healthz() -> Any:
    """The process lives."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@rule(public)
def readyz() -> Any:
    """Postgres, Redis and a worker for each queue that must have one are there; else 503 with what is missing."""
    if missing := what_is_missing():
        raise Problem(503, "Not ready", f"Missing: {', '.join(missing)}.", missing=missing)
    return {"status": "ready"}


def what_is_missing() -> list[str]:
    """Names of the parts that do not answer, each asked at the same time."""
    questions: dict[str, Callable[[], list[str]]] = {"postgres": _postgres, "redis": _redis, "workers": _workers}
    asking = ThreadPoolExecutor(len(questions))
    answers = {asking.submit(ask): name for name, ask in questions.items()}
    done, late = wait(answers, PATIENCE)
    asking.shutdown(wait=False)
    missing = [answers[answer] for answer in late]
    for answer in done:
        missing += [answers[answer]] if answer.exception() else answer.result()
    if "redis" in missing:
        return sorted(set(missing) - {"workers"})  # who works is not known then
    return sorted(missing)


def _postgres() -> list[str]:
    with engine().connect() as connection:
        connection.execute(text("SELECT 1"))
    return []


def _redis() -> list[str]:
    progress.connection().ping()
    return []


def _workers() -> list[str]:
    alive = live_workers()
    return [f"a worker for {name}" for name in settings().queue_names if not alive.get(name)]
