from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from grading.costs import ledger
from grading.costs.meter import Account, LedgerAway, Meter
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted
from grading.engines.engine import Completion, DeadlineExceeded, EngineDead, Request, Usage
from models import CallOutcome, LlmCall
from models.session import session
from tests.factories import make_school

PRICE = price_of("gpt-4o-mini")
QUESTION = Request("ask.1", ({"role": "user", "content": "When is it due?"},), None, max_tokens=200, deadline=10)
REPLY = Completion("On Friday.", (), Usage(prompt=40, cached=0, completion=5), 0.2, "stop")


def a_meter(account: Account | None = None) -> Meter:
    return Meter(account or Account("ask", "ask/en/v1"), "small", "gpt-4o-mini", "openai 3", Hosted(PRICE))


def rows() -> list[LlmCall]:
    with session() as db:
        return list(db.scalars(select(LlmCall)))


def test_a_call_that_is_about_no_essay_is_a_row_as_well(database: None) -> None:
    school = make_school()
    account = Account("ask", "ask/en/v1", user_id=school.student.id, class_id=school.school_class.id)
    with a_meter(account)(QUESTION) as replied:
        assert [row.outcome for row in rows()] == [CallOutcome.started], "before the model is asked"
        replied(REPLY)
    (row,) = rows()
    assert (row.outcome, row.feature, row.essay_id) == (CallOutcome.ok, "ask", None)
    assert (row.user_id, row.class_id) == (school.student.id, school.school_class.id)
    assert row.cost == PRICE.cost(REPLY.usage) < row.estimated_cost
    assert row.first_token_s == 0.2


def test_a_call_without_a_reply_in_words_says_what_it_used(database: None) -> None:
    with a_meter(Account("embed")).counted("embed.1", Decimal("0.001")) as used:
        used(Usage(prompt=1000), None)
    (row,) = rows()
    assert (row.outcome, row.estimated_cost) == (CallOutcome.ok, Decimal("0.001"))
    assert (row.prompt_tokens, row.completion_tokens) == (1000, 0)
    assert row.cost == PRICE.cost(Usage(prompt=1000))


def test_what_is_asked_to_compare_is_shadow(database: None) -> None:
    with a_meter(Account("evaluate", shadow=True))(QUESTION) as replied:
        replied(REPLY)
    assert [row.outcome for row in rows()] == [CallOutcome.shadow]


def test_a_call_that_failed_is_settled_and_its_error_comes_through(database: None) -> None:
    with pytest.raises(DeadlineExceeded), a_meter()(QUESTION):
        raise DeadlineExceeded("too slow")
    (row,) = rows()
    assert (row.outcome, row.error, row.cost) == (CallOutcome.failed, "too slow", row.estimated_cost)


def test_of_an_engine_that_died_nothing_is_said_before_the_sweeper_comes(database: None) -> None:
    with pytest.raises(EngineDead), a_meter()(QUESTION):
        raise EngineDead("gone")
    assert [row.outcome for row in rows()] == [CallOutcome.started]


def test_no_model_is_asked_while_the_ledger_is_away(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(ledger, "open_call", away)
    with pytest.raises(LedgerAway), a_meter()(QUESTION):
        raise AssertionError("it was asked")
    assert rows() == []
