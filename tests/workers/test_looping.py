"""A worker that asks the provider again and again for the same is found and stopped, by the watch that runs anyway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from honcho.environ import parse_procfile
from sqlalchemy import select

from grading import saving
from grading.costs.repeats import MOST
from models import Alert, CallOutcome, EssayState, LlmCall
from models.session import session
from settings import ROOT
from tests.doubles.openai_server import OpenAiServer, serving
from tests.workers import lab as laboratory
from tests.workers.lab import FRAGILE, Lab, eventually

REPLY = 0.5
"""Seconds that the provider takes for a reply; what is spent is looked at as often."""

pytestmark = pytest.mark.slow


@pytest.fixture
def provider() -> Iterator[OpenAiServer]:
    with serving() as server:
        server.faults.mix(f"slow:{REPLY}=1")
        yield server


@pytest.fixture
def lab(provider: OpenAiServer, tmp_path: Path) -> Iterator[Lab]:
    environment = FRAGILE | {
        "PIZHU_LOCAL_MODEL": "none",
        "PIZHU_TIERS": json.dumps([{"name": "small", "engine": "openai", "model": "gpt-4.1-mini"}]),
        "PIZHU_OPENAI_BASE_URL": provider.base_url,
        "OPENAI_API_KEY": "any",
    }
    lines = parse_procfile((ROOT / "Procfile").read_text()).processes
    with laboratory.running(tmp_path / "home", environment, lines=["triage", "upkeep"]) as running:
        for name in ("openai", "beat"):
            running.run(name, lines[name].replace("-A workers", "-A tests.workers.looping"))
        yield running


def test_a_loop_is_an_alert_and_saving_mode_and_then_it_ends(lab: Lab, provider: OpenAiServer) -> None:
    [essay] = lab.submit(1)

    def alert() -> Alert | None:
        with session() as db:
            return db.scalars(select(Alert)).one_or_none()

    found = eventually(alert, "an alert", timeout=180)
    assert found
    assert found.kind == saving.SPENDING
    assert found.details["repeat"]["what"] == "attempts at one reply"
    assert found.details["repeat"]["subject"] == str(essay)
    with session() as db:
        assert saving.since(db)
    lab.await_states([essay], EssayState.needs_review)
    with session() as db:
        calls = db.scalars(select(LlmCall)).all()
    began = sorted(call.started_at for call in calls)
    assert (found.created_at - began[MOST]).total_seconds() < 10, "it is found as soon as there is one too many"
    late = [at for at in began if at > found.created_at]
    assert len(late) <= 1, "none is made in saving mode but what was just about to be"
    assert CallOutcome.started not in {call.outcome for call in calls}
    assert len(provider.calls) == len(calls)
