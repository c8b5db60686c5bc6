"""app/api/saving.py: ops throw the switch by hand, and say which classes are paid for all the same."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from grading import saving
from grading.costs.anomaly import Spending, Usual, Verdict
from models.session import session
from tests.app.conftest import Clients
from tests.factories import School, make_essay


@pytest.fixture
def ops(client: Clients, school: School) -> FlaskClient:
    return client(school.ops)


def body(answer: Any) -> Any:
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_on_and_off_again_and_who_and_why_is_kept(ops: FlaskClient, school: School) -> None:
    assert body(ops.get("/api/v1/saving")) == {"on": False, "since": None, "by": None, "reason": None}
    on = body(ops.post("/api/v1/saving/on", json={"reason": "the bill of last month"}))
    assert (on["on"], on["by"], on["reason"]) == (True, school.ops.email, "the bill of last month")
    assert not body(ops.post("/api/v1/saving/off"))["on"]
    [alert] = body(ops.get("/api/v1/alerts"))["items"]
    assert (alert["kind"], alert["actor"], alert["reason"]) == ("saving", school.ops.email, "the bill of last month")
    assert alert["saving_ended_by"] == school.ops.email


def test_a_reason_is_asked_for(ops: FlaskClient) -> None:
    assert ops.post("/api/v1/saving/on", json={"reason": " "}).status_code == 422


def test_what_began_by_itself_says_so(ops: FlaskClient) -> None:
    with session() as db:
        saving.follow(db, Verdict(True, False, 5, Spending(4.0, 8), Usual(1.0, 0.01)))
        db.commit()
    on = body(ops.get("/api/v1/saving"))
    assert (on["on"], on["by"]) == (True, "pizhu")
    [alert] = body(ops.get("/api/v1/alerts"))["items"]
    assert alert["details"] == {
        "minutes": 5,
        "dollars": 4.0,
        "pieces": 8,
        "repeat": None,
        "explained": 0.08,
        "mean_hour": 1.0,
    }


def test_a_class_is_paid_for(ops: FlaskClient, school: School) -> None:
    make_essay(school.student, school.assignment)
    [one] = body(ops.get("/api/v1/saving/classes"))["items"]
    assert (one["name"], one["pays_while_saving"]) == (school.school_class.name, False)
    path = f"/api/v1/saving/classes/{one['id']}"
    assert body(ops.put(path, json={"pays_while_saving": True}))["pays_while_saving"]
    assert [each["pays_while_saving"] for each in body(ops.get("/api/v1/saving/classes"))["items"]] == [True]
    missing = "/api/v1/saving/classes/00000000-0000-0000-0000-000000000000"
    assert ops.put(missing, json={"pays_while_saving": True}).status_code == 404
