"""app/api/cache.py, and what a changed assignment does to the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_client
from flask.testing import FlaskClient

from grading.cache.chain import chain
from grading.cache.key import Key
from tests.app.conftest import Clients
from tests.factories import RUBRIC, School
from tests.stack import eventually

Keep = Callable[[str], Key]


@pytest.fixture
def keep(school: School, redis: redis_client.Redis) -> Keep:
    """Keeps an answer about the school's assignment."""

    def keep(text: str) -> Key:
        tags = frozenset({f"assignment:{school.assignment.id}"})
        key = Key("ask", f"class:{school.school_class.id}", {"task": "ask"}, text, tags)
        chain().get_or_call(key, lambda: "Eight hundred words.")
        assert chain().look_up(key)
        return key

    return keep


def test_a_changed_assignment_serves_no_answer_to_the_former_one(client: Clients, school: School, keep: Keep) -> None:
    key = keep("How long?")
    body = {"title": "A day", "prompt": "Write of a night.", "language": "en", "rubric": RUBRIC}
    changed = client(school.teacher).put(f"/api/v1/assignments/{school.assignment.id}", json=body)
    assert changed.status_code == 200
    assert chain().look_up(key) is None


def test_ops_invalidate_an_assignment_a_tag_or_everything(client: Clients, school: School, keep: Keep) -> None:
    ops = client(school.ops)
    for body in ({"assignment_id": str(school.assignment.id)}, {"tags": [f"assignment:{school.assignment.id}"]}):
        key = keep("How long?")
        assert invalidated(ops, body) == 1
        assert chain().look_up(key) is None
    keep("How long?")
    keep("How short?")
    assert invalidated(ops, {"tags": ["*"]}) == 2


def test_an_invalidation_says_of_what(client: Clients, school: School) -> None:
    assert client(school.ops).post("/api/v1/admin/invalidate", json={}).status_code == 422


def test_ops_see_what_the_cache_did_without_the_answers(client: Clients, school: School, keep: Keep) -> None:
    keep("How long?")
    ops = client(school.ops)

    def counted() -> Any:
        view = ops.get("/api/v1/cache").get_json()
        return view if view["windows"] and view["windows"][0]["kinds"] and view["top"] else None

    view = eventually(counted, 10, "the hit is counted")
    [kind] = view["windows"][0]["kinds"]  # what this process counted for the test before may be in it
    hits = kind["memory"] + kind["shared"]
    assert kind["kind"] == "ask"
    assert hits >= 1
    assert kind["hit_rate"] == hits / (hits + kind["calls"])
    assert view["windows"][0]["saved_usd"] is None, "no call has shown a price"
    [entry] = view["top"]
    assert (entry["assignment"], entry["task"], entry["hits"]) == (school.assignment.title, "ask", 1)
    assert "Eight hundred words." not in str(view)
    assert "How long?" not in str(view)


def invalidated(ops: FlaskClient, body: dict[str, Any]) -> int:
    answer = ops.post("/api/v1/admin/invalidate", json=body)
    assert answer.status_code == 200, answer.get_json()
    return int(answer.get_json()["entries"])
