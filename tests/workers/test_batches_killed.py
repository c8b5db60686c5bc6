"""Batches with a real Celery worker that is killed again and again."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from grading import lifecycle
from grading.routing import Route
from models import CallOutcome, Essay, EssayState, LlmCall, ProviderBatch, Release
from models.base import now
from models.session import session
from tests.conftest import use_environment
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import School, make_assignment, make_essay
from tests.workers.lab import Worker, assert_graded_once, eventually
from workers.queue import celery_app

WORKER = "celery -q -A tests.workers.hasty worker -Q batches -P threads -c 2 --without-gossip --without-mingle"
TIERS = [{"name": "small", "engine": "openai", "model": "gpt-4.1-mini"}]
KILLED_AFTER = (1, 3, 5)
"""Requests to the provider after which the worker is killed, in one life after another."""


def ring() -> None:
    """As beat does, only more often."""
    celery_app.send_task("batches.turn", queue="batches", expires=5)
    time.sleep(0.2)


@pytest.mark.slow
def test_killed_again_and_again_it_sends_each_essay_once(school: School, tmp_path: Path) -> None:
    assignment = make_assignment(school.school_class, release=Release.from_date, release_at=now() + timedelta(days=3))
    numbers = itertools.count(1)

    def wait_for_batch(count: int) -> list[uuid.UUID]:
        essays = [
            make_essay(school.student, assignment, f"Essay {next(numbers)}. 电脑帮助人们。") for _ in range(count)
        ]
        with session() as db:
            for essay in essays:
                lifecycle.put_in_queue(db, essay.id, Route("batches", "small", "a test"))
            db.commit()
        return [essay.id for essay in essays]

    def graded(essays: list[uuid.UUID]) -> bool:
        ring()
        with session() as db:
            waits = select(func.count()).where(Essay.id.in_(essays), Essay.state != EssayState.graded)
            return db.scalar(waits) == 0

    with serving() as server:
        environment = {
            "PIZHU_OPENAI_BASE_URL": server.base_url,
            "PIZHU_OPENAI_API_KEY": "any",
            "PIZHU_TIERS": json.dumps(TIERS),
        }
        with use_environment(environment):
            worker = Worker(WORKER, "batches", tmp_path / "log")
            try:
                essays = []
                for requests in KILLED_AFTER:
                    essays += wait_for_batch(3)
                    await_requests(server, server.batches.asked + requests)
                    lives = len(worker.ends)
                    worker.process.kill()
                    worker.await_end(since=lives)
                eventually(lambda: graded(essays), "every essay graded", timeout=120)
            finally:
                worker.kill()
        assert_graded_once(essays)
        asked = Counter(call.request_id for call in server.calls)
        assert (len(asked), set(asked.values())) == (len(essays), {1})
        with session() as db:
            outcomes = db.execute(select(LlmCall.outcome, func.count()).group_by(LlmCall.outcome)).all()
            made = db.scalar(select(func.count()).select_from(ProviderBatch))
        assert [tuple(row) for row in outcomes] == [(CallOutcome.ok, len(essays))]
        assert server.batches.count == made


def await_requests(server: OpenAiServer, count: int) -> None:
    def asked() -> bool:
        ring()
        return server.batches.asked >= count

    eventually(asked, f"{count} requests to the provider", timeout=60)
