"""app/metrics.py: what Prometheus reads, and who may."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from grading import saving
from grading.cache.counts import Count
from grading.costs import budget
from models import Budget, BudgetSpending, EssayState, Period
from models.base import now
from models.session import session
from settings import settings
from tests.app.conftest import Clients
from tests.conftest import use_environment
from tests.factories import School, make_essay
from tests.grading.costs.test_totals import call


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(client: Clients) -> Any:
    """`scrape("name", label="value")`: the sample of that name and those labels."""

    def read(name: str, **labels: str) -> float:
        return samples(client().get("/metrics").text)[name, frozenset(labels.items())]

    return read


def test_money_is_what_the_ledger_says(school: School, scrape: Any) -> None:
    before = call(cost=Decimal("0.25"), model="a-model")
    assert before
    assert scrape("llm_api_cost_dollars_total", model="a-model", task_type="grade") == 0.25
    assert scrape("llm_token_usage_bucket", model="a-model", direction="prompt", le="1000.0") == 0
    assert scrape("llm_token_usage_bucket", model="a-model", direction="prompt", le="2500.0") == 1
    assert scrape("llm_token_usage_count", model="a-model", direction="completion") == 1
    assert scrape("llm_token_usage_sum", model="a-model", direction="completion") == 300


def test_queues_are_as_ops_see_them(school: School, scrape: Any) -> None:
    make_essay(school.student, school.assignment, state=EssayState.queued)
    make_essay(school.student, school.assignment, state=EssayState.grading)
    assert scrape("pizhu_queue_depth", queue="local") == 1
    assert scrape("pizhu_queue_in_flight", queue="local") == 1
    assert scrape("pizhu_queue_oldest_wait_seconds", queue="local") > 0
    assert scrape("pizhu_queue_workers", queue="local") == 0


def test_saving_mode_and_open_alerts(school: School, scrape: Any) -> None:
    assert scrape("pizhu_saving_mode") == 0
    with session() as db:
        saving.turn_on(db, "a test", "why not")
        db.commit()
    assert scrape("pizhu_saving_mode") == 1
    assert scrape("pizhu_alerts_open", kind="saving") == 1
    assert scrape("pizhu_alerts_open", kind="spending") == 0


def test_the_circuit_of_each_provider(school: School, scrape: Any) -> None:
    with use_environment({"OPENAI_API_KEY": "sk-test"}):
        assert scrape("pizhu_circuit_state", provider="api.openai.com") == 0


class TestAccess:
    def test_is_for_this_machine(self, client: Clients, school: School) -> None:
        assert client().get("/metrics").status_code == 200
        answer = client().get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
        assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
    def test_is_not_for_whom_a_proxy_on_this_machine_lets_through(
        self, client: Clients, school: School, header: str
    ) -> None:
        assert client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 403

    def test_with_a_token_is_for_whoever_sends_it_and_nobody_else(self, client: Clients, school: School) -> None:
        far = {"REMOTE_ADDR": "192.0.2.7"}
        with use_environment({"PIZHU_METRICS_TOKEN": "a long token"}):
            for headers, status in (
                ({}, 401),
                ({"Authorization": "Bearer another"}, 401),
                ({"Authorization": "a long token"}, 401),
                ({"Authorization": "Bearer a long token"}, 200),
            ):
                assert client().get("/metrics", headers=headers, environ_overrides=far).status_code == status
            assert client().get("/metrics").status_code == 401, "also on this machine"


def test_how_much_of_the_budgets_is_used(school: School, scrape: Any) -> None:
    at = now()
    limits = {"hard_usd": Decimal(4), "soft_usd": Decimal(2)}
    with session() as db:
        for who, spent in ((school.student, 1), (school.classmate, 3)):
            row = Budget(id=uuid.uuid4(), scope="user", user_id=who.id, period=Period.day, **limits)
            db.add(row)
            db.flush()
            for day in (at, at - timedelta(days=1)):
                first = budget.starts_on(Period.day, day, settings().time_zone)
                values = {"spent_usd": Decimal(spent) if day is at else Decimal(9)}
                db.add(BudgetSpending(budget_id=row.id, subject=who.id, starts_on=first, **values))
        db.commit()
    assert scrape("pizhu_budget_use_ratio", scope="user", period="day") == 0.75


def test_what_the_cache_answered(school: School, redis: Any, scrape: Any) -> None:
    counted = {Count("memory", "ask", "ask").field: 3, Count("refused:words", "ask", "ask").field: 5}
    redis.hset("pizhu:cache:counts", mapping=counted)
    with pytest.raises(KeyError):
        scrape("pizhu_cache_answers_total", level="refused:words", kind="ask", task_type="ask")
    assert scrape("pizhu_cache_answers_total", level="memory", kind="ask", task_type="ask") == 3
