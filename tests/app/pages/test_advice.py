"""Advice about costs, by the API and on the page."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest

from grading.costs.prices import price_of
from grading.costs.tariff import Hosted
from models import CallOutcome, LlmCall
from models.session import session
from tests.app.conftest import Clients
from tests.app.pages.conftest import Visit
from tests.factories import School

MISSING = "The ledger has 0 grades by models in 30 days; advice needs 100."


@pytest.fixture
def spending(database: None) -> None:
    """A hundred grades by the large model with the verbose prompt, and everything that can go wrong besides."""
    price = Hosted(price_of("gpt-4.1")).to_json()
    usual = {"feature": "grade", "engine_version": "1", "prompt_version": "grade/en/verbose", "price": price}
    usual |= {"prompt_tokens": 2800, "completion_tokens": 800}
    rows = [("large", CallOutcome.ok, "10")] * 120 + [("large", CallOutcome.failed, "10")] * 5
    rows += [("small", CallOutcome.ok, "1")] * 30 + [("small", CallOutcome.escalated, "1")] * 10
    with session() as db:
        db.add_all(
            LlmCall(
                **usual,
                request_id=uuid.uuid4().hex,
                tier=tier,
                model=f"the {tier} one",
                outcome=outcome,
                cost=Decimal(cost),
                estimated_cost=Decimal(cost),
            )
            for tier, outcome, cost in rows
        )
        db.commit()


def test_ops_read_it_by_the_api(client: Clients, school: School, spending: None) -> None:
    found: Any = client(school.ops).get("/api/v1/costs/advice").json
    assert found["missing"] is None
    # All of it in the ledger's first day: 30 days are 30 times as much.
    assert found["month_usd"] == "38700.00"
    savings = [Decimal(item["saving_usd"]) for item in found["items"]]
    assert savings == sorted(savings, reverse=True)
    assert [item["kind"] for item in found["items"]] == ["local", "routing", "retries", "prompts"]
    assert all(item["pressing"] for item in found["items"])
    routing = found["items"][1]
    assert routing["saving_usd"] == "21450.00"  # 110 · (0.75 · $10 − $1) · 30
    assert routing["how"].endswith("110 essays started there.")


def test_an_empty_ledger_says_what_it_needs(client: Clients, school: School) -> None:
    found: Any = client(school.ops).get("/api/v1/costs/advice").json
    assert found == {"month_usd": "0.00", "items": [], "missing": MISSING}


def test_ops_read_it_on_a_page(visit: Visit, school: School, spending: None, redis: Any) -> None:
    page = visit(school.ops).get("/costs/advice")
    assert "Ask small first about what goes to large at once. first" in page.text
    assert "Saves up to $21450.00 a month." in page.text


def test_the_page_is_in_chinese_too(visit: Visit, school: School, spending: None, redis: Any) -> None:
    page = visit(school.ops, "zh-CN").get("/costs/advice")
    main = page.text[page.text.index("按最近") :]
    spoken = re.sub(r"pizhu .*?(report\.json|--fit|doctor|=0\.9)|small|large|UTC", "", main)
    assert re.findall(r"[A-Za-z]{2,}", spoken) == []
