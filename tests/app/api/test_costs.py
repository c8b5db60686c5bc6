"""app/api/costs.py: what ops are told of money."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.costs import as_csv
from grading.costs.waste import spent
from models.base import now
from models.session import snapshot
from tests.app.conftest import Clients
from tests.factories import School, make_call, make_saving

COSTS = "/api/v1/costs"


@pytest.fixture
def ops(client: Clients, school: School) -> FlaskClient:
    mine = {"user_id": school.student.id, "class_id": school.school_class.id}
    make_call(now() - timedelta(minutes=5), "0.0000001", **mine)
    make_call(now() - timedelta(days=2), "0.5", model="gpt-4.1", feature="ask", **mine)
    make_call(now() - timedelta(days=40), "7")
    return client(school.ops)


def told(ops: FlaskClient, **query: str) -> Any:
    answer = ops.get(COSTS, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_the_last_thirty_days_with_money_as_decimal_strings(ops: FlaskClient) -> None:
    found = told(ops)
    assert (found["calls"], found["prompt_tokens"], found["cached_tokens"], found["completion_tokens"]) == (
        2, 2000, 800, 200,
    )  # fmt: skip
    assert (found["cost_usd"], found["baseline_usd"], found["saved_usd"]) == ("0.500000", "0.080000", "-0.420000")
    assert [one["model"] for one in found["by_model"]] == ["gpt-4.1", "gpt-4.1-mini"]
    assert {one["feature"] for one in found["by_feature"]} == {"grade", "ask"}
    assert len(found["by_hour"]) == 2
    assert sum(map(Decimal, found["iceberg"].values())) == Decimal("0.5")


def test_prompts_are_redundant_by_as_much_as_the_advisor_says(ops: FlaskClient) -> None:
    make_call(now() - timedelta(days=1), "1", prompt_version="grade/en/v1", cached_tokens=0)
    with snapshot() as db:
        surplus = spent(db).surplus
    assert 0 < surplus == Decimal(told(ops)["iceberg"]["prompt_usd"])


def test_the_prices_are_dated(ops: FlaskClient) -> None:
    prices = told(ops)["prices"]
    assert prices["source"] == f"genai-prices {version('genai-prices')}"
    assert date(2025, 1, 1) < date.fromisoformat(prices["dated"]) <= now().date()


def test_a_period_by_days_and_by_moments(ops: FlaskClient) -> None:
    long_ago = (now() - timedelta(days=41)).date().isoformat()
    assert told(ops, **{"from": long_ago})["calls"] == 3
    assert told(ops, **{"from": long_ago, "to": long_ago})["calls"] == 0
    since = (now() - timedelta(hours=1)).isoformat()
    assert told(ops, **{"from": since})["calls"] == 1
    assert told(ops, to=now().date().isoformat())["calls"] == 2, "the day is meant as a whole"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "body"),
        ({"form": "2026-11-02"}, "form"),
    ],
)
def test_what_is_no_period_is_told_by_its_field(ops: FlaskClient, query: dict[str, str], field: str) -> None:
    answer = ops.get(COSTS, query_string=query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_who_the_money_was_spent_for(ops: FlaskClient, school: School) -> None:
    found = ops.get(f"{COSTS}/attribution").get_json()
    [user] = found["users"]
    assert (user["id"], user["name"], user["calls"]) == (str(school.student.id), school.student.name, 2)
    assert [one["name"] for one in found["classes"]] == [school.school_class.name]
    assert found["concentration"][-1] == {"users": 1.0, "cost": 1.0}
    assert ops.get(f"{COSTS}/attribution?days=1").get_json()["cost_usd"] == "0.000000"
    assert ops.get(f"{COSTS}/attribution?days=0").status_code == 422


def test_tables_for_a_spreadsheet(ops: FlaskClient) -> None:
    answer = ops.get("/api/v1/costs.csv?by=model")
    assert answer.mimetype == "text/csv"
    assert answer.text.splitlines()[:2] == [
        "model,calls,prompt_tokens,cached_tokens,completion_tokens,cost_usd",
        "gpt-4.1,1,1000,400,100,0.500000",
    ]
    assert ops.get("/api/v1/costs.csv?by=user").text.startswith("id,name,calls,cost_usd")


def test_a_name_that_a_spreadsheet_would_compute_is_text() -> None:
    assert as_csv([{"name": "=1+1", "cost_usd": "-0.5"}]).splitlines()[1] == "'=1+1,-0.5"
    assert as_csv([]) == ""


class TestSavings:
    """Which lever saved how much, of everybody and of a class."""

    @pytest.fixture
    def saved(self, school: School) -> None:
        make_saving(school.school_class.id, baseline="10", prompt="4", local="3")
        make_saving(school.other_class.id, baseline="1", batch="0.5")
        make_saving(school.school_class.id, baseline="2", prompt="1", at=now() - timedelta(days=40))

    def test_come_with_the_costs_of_a_period(self, ops: FlaskClient, saved: None) -> None:
        found = told(ops)["saving"]
        by = {name: Decimal(usd) for name, usd in found["by"].items()}
        assert by == {"prompt": 4, "cache": 0, "routing": 0, "local": 3, "batch": Decimal("0.5")}
        assert Decimal(found["baseline_usd"]) == 11
        assert sum(by.values()) == Decimal(found["saved_usd"]) == Decimal("7.5")

    def test_of_a_class_and_of_a_month(self, ops: FlaskClient, saved: None, school: School) -> None:
        def saved_by(**query: str) -> Decimal:
            return Decimal(ops.get(f"{COSTS}/savings", query_string=query).get_json()["saved_usd"])

        whole, since = str(school.school_class.id), (now() - timedelta(days=50)).date().isoformat()
        assert saved_by(class_id=whole) == 7
        assert saved_by(class_id=whole, **{"from": since}) == 8
        assert saved_by(**{"from": since}) == Decimal("8.5")
        assert saved_by(**{"from": since, "to": (now() - timedelta(days=35)).date().isoformat()}) == 1
