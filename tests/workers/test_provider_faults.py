"""A thousand essays through a provider that fails a fifth of all calls: all end, none twice, the ledger is its bill."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from grading.costs.prices import price_of
from grading.engines.engine import Usage
from models import CallOutcome, Essay, EssayState, Grading, LlmCall
from models.session import session
from tests.doubles.openai_server import OpenAiServer, serving
from tests.workers import lab as laboratory
from tests.workers.lab import FRAGILE, Lab, eventually

ESSAYS = 1000
MIXTURE = (
    "rate_limited:0.2=0.03,rate_limited_bare=0.02,error_500=0.03,error_503=0.02,cut=0.03,stream_error=0.02,"
    "invalid_json=0.01,wrong_schema=0.01,refusal=0.005,no_choices=0.005,no_finish=0.01,length=0.01,slow:0.5=0.01"
)
"""A fifth of all calls."""
PRICE = {"input": "2", "cached": "0.5", "output": "8"}
TIERS = [
    {"name": "small", "engine": "openai", "model": "small", "accept_confidence": 0.5},
    {"name": "large", "engine": "openai", "model": "large"},
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAiServer]:
    with serving() as server:
        server.faults.mix(MIXTURE, seed=1)
        yield server


@pytest.fixture(scope="module")
def lab(provider: OpenAiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    environment = FRAGILE | {
        "PIZHU_LOCAL_MODEL": "none",
        "PIZHU_TIERS": json.dumps(TIERS),
        "PIZHU_PRICES": json.dumps({"small": PRICE, "large": PRICE}),
        "PIZHU_OPENAI_BASE_URL": provider.base_url,
        "PIZHU_OPENAI_REQUESTS_PER_MINUTE": "0",
        "PIZHU_OPENAI_TOKENS_PER_MINUTE": "0",
        "PIZHU_LEASE": "20",
    }
    lines = ("triage", "openai", "upkeep", "beat")
    with laboratory.running(tmp_path_factory.mktemp("lab") / "home", environment, lines) as running:
        yield running


def test_all_essays_end_once_and_the_ledger_equals_the_bill(lab: Lab, provider: OpenAiServer) -> None:
    essays = lab.submit(ESSAYS)
    ended = [state for state in EssayState if state.is_final]
    eventually(lambda: lab.count(essays, *ended) == ESSAYS, "all essays have ended", timeout=900)

    with session() as db:
        states = Counter(db.scalars(select(Essay.state)))
        accepted = Counter(db.scalars(select(Grading.essay_id).where(Grading.accepted)))
        calls = db.scalars(select(LlmCall)).all()
        reasons = db.scalars(select(Essay.reason).where(Essay.state == EssayState.needs_review)).all()
        charged = db.scalar(select(func.sum(Grading.cost_usd)).where(Grading.accepted))
    assert set(states) <= {EssayState.graded, EssayState.needs_review}
    assert states[EssayState.graded] >= 0.98 * ESSAYS
    assert all(reasons), "a teacher reads why"
    assert len(accepted) == states[EssayState.graded]
    assert set(accepted.values()) == {1}

    faults = Counter(call.fault for call in provider.calls)
    assert 0.15 < 1 - faults["ok"] / len(provider.calls) < 0.25
    unsent = {call.request_id for call in calls} - {call.request_id for call in provider.calls}
    assert len(calls) - len(unsent) == len(provider.calls), "every attempt is a row of the ledger"
    for call in calls:
        if call.request_id in unsent:
            assert (call.cost, call.completion_tokens or 0) == (0, 0), f"it never came to the provider: {call.error}"
    assert CallOutcome.started not in {call.outcome for call in calls}
    assert {call.outcome for call in calls} >= {CallOutcome.ok, CallOutcome.retried, CallOutcome.invalid}

    # A call that was cut short is known to the token once another call for the same essay has told the prompt's length.
    guessed = {call.request_id for call in calls if call.prompt_estimated}
    assert len(guessed) <= 0.01 * ESSAYS
    billed = [call for call in provider.calls if call.request_id not in guessed]
    known = [call for call in calls if call.request_id not in guessed]
    assert sum(call.prompt_tokens or 0 for call in known) == sum(call.prompt for call in billed)
    assert sum(call.completion_tokens or 0 for call in known) == sum(call.completion for call in billed)
    for call in known:
        if call.prompt_tokens or call.completion_tokens:
            used = Usage(call.prompt_tokens or 0, call.cached_tokens or 0, call.completion_tokens)
            assert call.cost == price_of(call.model).cost(used)
        else:
            assert call.cost == 0, "what the provider refused is not charged for"
    assert charged
    assert charged <= sum((call.cost or Decimal(0) for call in calls), Decimal(0)) + Decimal("1e-5")
