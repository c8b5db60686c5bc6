from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from grading.costs.budget import BudgetSpent
from tests.app.conftest import Clients
from tests.factories import School
from tests.grading.costs.test_budget import an, open_call

BUDGETS = "/api/v1/budgets"


@pytest.fixture
def ops(client: Clients, school: School) -> FlaskClient:
    return client(school.ops)


def put(ops: FlaskClient, **body: Any) -> Any:
    return ops.put(BUDGETS, json={"scope": "platform", "period": "day"} | body)


def test_ops_set_a_budget_and_see_what_is_spent_of_it(ops: FlaskClient, school: School) -> None:
    open_call(an("0.30", school))
    answer = put(ops, scope="class", subject_id=str(school.school_class.id), soft_usd="0.2", hard_usd="0.3")
    (one,) = answer.get_json()["items"]
    assert one | {"id": ""} == {
        "id": "",
        "scope": "class",
        "subject_id": str(school.school_class.id),
        "subject": school.school_class.name,
        "period": "day",
        "soft_usd": "0.2",
        "hard_usd": "0.3",
        "spent_usd": "0.300000000000",
        "spent": True,
    }
    assert ops.get(BUDGETS).get_json() == answer.get_json()
    with pytest.raises(BudgetSpent):
        open_call(an(school=school))


def test_a_budget_without_a_limit_is_taken_away(ops: FlaskClient) -> None:
    put(ops, hard_usd="0")
    put(ops, scope="user", hard_usd="1")
    assert [one["scope"] for one in put(ops).get_json()["items"]] == ["user"]
    assert put(ops).status_code == 200, "also twice"
    open_call(an())


def test_amounts_are_exact(ops: FlaskClient) -> None:
    (one,) = put(ops, hard_usd="0.1", soft_usd="0.000001").get_json()["items"]
    assert (Decimal(one["hard_usd"]), Decimal(one["soft_usd"])) == (Decimal("0.1"), Decimal("0.000001"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hard_usd": "-1"}, "hard_usd"),
        ({"hard_usd": "a lot"}, "hard_usd"),
        ({"soft_usd": "2", "hard_usd": "1"}, "soft_usd"),
        ({"period": "year", "hard_usd": "1"}, "period"),
        ({"subject_id": "00000000-0000-0000-0000-000000000001", "hard_usd": "1"}, "subject_id"),
        ({"scope": "user", "subject_id": "00000000-0000-0000-0000-000000000001", "hard_usd": "1"}, "subject_id"),
    ],
)
def test_what_is_no_budget_is_refused(ops: FlaskClient, body: dict[str, Any], field: str) -> None:
    answer = put(ops, **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
