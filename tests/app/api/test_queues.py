"""app/api/queues.py: what ops see of the queues, and stopping one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis as redis_client
from flask.testing import FlaskClient

from grading import lifecycle, queues
from grading.routing import Route
from models import Drift, Essay, EssayState
from models.base import now
from models.session import session
from tests.app.conftest import Clients
from tests.conftest import use_environment
from tests.factories import School, a_grading, make_drift, make_essay
from workers import heartbeat, queue, triage
from workers.queue import enqueue

QUEUES = "/api/v1/queues"


@pytest.fixture
def ops(client: Clients, school: School) -> FlaskClient:
    return client(school.ops)


def named(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.get_json()
    return {one["name"]: one for one in answer.get_json()["items"]}


def test_ops_see_depth_wait_flight_workers_and_messages(
    ops: FlaskClient, school: School, redis: redis_client.Redis
) -> None:
    waiting = make_essay(school.student, school.assignment)
    for state in (EssayState.queued, EssayState.queued, EssayState.grading, EssayState.graded):
        make_essay(school.student, school.assignment, state=state)
    enqueue("triage", [waiting.id])
    redis.set(f"{heartbeat.PREFIX}local:host:1", 1)
    queues = named(ops.get(QUEUES))
    assert list(queues) == ["triage", "local", "upkeep", "notify"]
    first, local = queues["triage"], queues["local"]
    assert (first["depth"], first["in_flight"], first["messages"], first["workers"]) == (1, 0, 1, 0)
    assert (local["depth"], local["in_flight"], local["messages"], local["workers"]) == (2, 1, 0, 1)
    assert local["oldest_wait_s"] >= 0
    assert queues["upkeep"]["depth"] is None, "no essay waits there"


def test_the_queue_of_a_provider_is_there_once_there_is_one(ops: FlaskClient) -> None:
    with use_environment({"OPENAI_API_KEY": "a-key"}):
        assert "openai" in named(ops.get(QUEUES))
    assert "openai" not in named(ops.get(QUEUES))


def test_a_paused_queue_is_not_worked_on_until_it_is_resumed(ops: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.queued)
    for _ in range(2):
        local = named(ops.post(f"{QUEUES}/local/pause"))["local"]
        assert (local["paused"], local["paused_by"]) == (True, school.ops.email)
    with session() as db:
        assert lifecycle.claim(db, essay.id, "local", 60) is None
    for _ in range(2):
        assert not named(ops.post(f"{QUEUES}/local/resume"))["local"]["paused"]
    with session() as db:
        assert [waiting.essay_id for waiting in queues.untold(db, older_than=3600, lost_queues=[])] == [essay.id]
        assert lifecycle.claim(db, essay.id, "local", 60)


def test_a_paused_triage_routes_nothing(ops: FlaskClient, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    ops.post(f"{QUEUES}/triage/pause")
    assert triage.move(essay.id) is None
    ops.post(f"{QUEUES}/triage/resume")
    assert triage.move(essay.id) is not None


@pytest.mark.parametrize("name", ["upkeep", "nothing", "LOCAL", "local%00"])
def test_only_queues_of_essays_are_paused(ops: FlaskClient, name: str) -> None:
    assert ops.post(f"{QUEUES}/{name}/pause").status_code == 404


def test_ops_see_who_gave_the_grades_of_the_day_and_the_week(ops: FlaskClient, school: School) -> None:
    def graded(tier: str, hours_ago: float = 0, passed_by: str | None = None) -> None:
        essay = make_essay(school.student, school.assignment, state=EssayState.graded)
        with session() as db:
            stored = db.get_one(Essay, essay.id)
            assert stored.finished_at
            stored.finished_at -= timedelta(hours=hours_ago)
            assert stored.current_grading
            stored.current_grading.tier = tier
            if passed_by:
                opinion = a_grading(school.assignment)
                opinion.essay_id, opinion.tier, opinion.accepted = essay.id, passed_by, False
                db.add(opinion)
            db.commit()

    for _ in range(3):
        graded("local")
    graded("large", passed_by="local")
    graded("large", hours_ago=30, passed_by="local")
    graded("former", hours_ago=30)
    graded("local", hours_ago=200, passed_by="local")
    make_essay(school.student, school.assignment, state=EssayState.needs_review)
    make_essay(school.student, school.assignment, state=EssayState.queued)
    by_hand = make_essay(school.student, school.assignment, state=EssayState.graded)
    with session() as db:
        lifecycle.override(db, by_hand.id, school.teacher, a_grading(school.assignment))
        db.commit()

    day, week = ops.get(f"{QUEUES}/shares").get_json()["items"]
    assert (day["hours"], day["graded"], day["passed_on"], day["waiting"]) == (24, 5, 1, 1)
    assert (week["hours"], week["graded"], week["passed_on"], week["waiting"]) == (168, 7, 2, 1)
    assert [tier["name"] for tier in day["tiers"]] == ["local", "small", "large", "former", "teacher"]
    assert {tier["name"]: tier["graded"] for tier in day["tiers"]} == {
        "local": 3,
        "small": 0,
        "large": 1,
        "former": 0,
        "teacher": 1,
    }
    assert day["tiers"][0] == {"name": "local", "graded": 3, "share": 0.6, "passed_on": 1}


def test_where_nothing_was_graded_there_is_no_share(ops: FlaskClient) -> None:
    for window in ops.get(f"{QUEUES}/shares").get_json()["items"]:
        assert (window["graded"], window["tiers"][0]["share"]) == (0, None)


def test_while_the_broker_is_down_its_figures_are_unknown_and_not_zero(
    ops: FlaskClient, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> int:
        raise redis_client.ConnectionError

    monkeypatch.setattr(heartbeat, "connection", down)
    monkeypatch.setattr(queue, "connection", down)
    make_essay(school.student, school.assignment)
    shown = named(ops.get(QUEUES))["triage"]
    assert (shown["depth"], shown["workers"], shown["messages"]) == (1, None, None)


def test_ops_see_the_tiers_and_why_one_is_not_asked(ops: FlaskClient) -> None:
    with use_environment({"OPENAI_API_KEY": "a-key"}):
        tiers = {tier["name"]: tier for tier in ops.get("/api/v1/tiers").get_json()["items"]}
    assert list(tiers) == ["local", "small", "large"]
    assert (tiers["small"]["model"], tiers["small"]["accept_confidence"]) == ("gpt-4.1-mini", 0.9)
    assert {tier["closed"] for tier in tiers.values()} == {None}
    tiers = {tier["name"]: tier for tier in ops.get("/api/v1/tiers").get_json()["items"]}
    assert "no provider" in tiers["large"]["closed"]


def test_what_rides_in_a_batch_is_in_flight(ops: FlaskClient, school: School) -> None:
    with session() as db:
        for _ in range(3):
            essay = make_essay(school.student, school.assignment)
            lifecycle.put_in_queue(db, essay.id, Route("batches", "small", "a test"))
        assert lifecycle.claim(db, essay.id, "batches", lease=None)
        db.commit()
    batches = named(ops.get(QUEUES))["batches"]
    assert (batches["depth"], batches["in_flight"]) == (2, 1)
    assert named(ops.post(f"{QUEUES}/batches/pause"))["batches"]["paused"]


def test_ops_see_where_models_mark_differently_until_that_is_over(ops: FlaskClient, school: School) -> None:
    made = make_drift(school.assignment, before=None)
    assert ops.get("/api/v1/drifts").get_json()["items"] == [
        {
            "assignment_id": str(school.assignment.id),
            "assignment": school.assignment.title,
            "day": "2026-11-24",
            "levels": -0.42,
            "p_value": 1e-6,
            "anchors": 6,
            "changed": [{"name": "engine_version", "before": None, "after": "vllm 2"}],
        }
    ]
    with session() as db:
        db.get_one(Drift, made.id).ended_at = now()
        db.commit()
    assert ops.get("/api/v1/drifts").get_json()["items"] == []
