"""app/health.py: alive and ready are two questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import redis as redis_client

from app import health
from grading import progress
from tests.app.conftest import Clients
from tests.stack import free_port
from workers import heartbeat


@pytest.fixture
def workers(redis: redis_client.Redis) -> None:
    """A live worker of each queue that needs one."""
    for queue in ("triage", "local", "upkeep"):
        redis.set(f"{heartbeat.PREFIX}{queue}:host:1", 1)


def test_with_everything_there_it_is_ready(client: Clients, workers: None) -> None:
    answer = client().get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})


def test_a_queue_without_a_worker_is_named(client: Clients, workers: None, redis: redis_client.Redis) -> None:
    redis.delete(f"{heartbeat.PREFIX}local:host:1")
    answer = client().get("/readyz")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.get_json()["missing"] == ["a worker for local"]
    assert "a worker for local" in answer.get_json()["detail"]


def test_a_redis_that_is_down_is_named(client: Clients, workers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = redis_client.Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    monkeypatch.setattr(progress, "connection", lambda: dead)
    monkeypatch.setattr(heartbeat, "connection", lambda: dead)
    assert client().get("/readyz").get_json()["missing"] == ["redis"]


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    over = threading.Event()
    monkeypatch.setattr(health, "_postgres", lambda: over.wait(30) and [])
    monkeypatch.setattr(health, "PATIENCE", 0.1)
    yield
    over.set()


def test_what_does_not_answer_in_time_is_named(client: Clients, workers: None, stuck: None) -> None:
    assert "postgres" in client().get("/readyz").get_json()["missing"]


def test_alive_it_is_all_the_same(client: Clients, stuck: None) -> None:
    assert client().get("/healthz").status_code == 200
