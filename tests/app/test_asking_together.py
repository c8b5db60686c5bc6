"""A class that asks the same at one moment: the whole way of a question, with real web processes and real workers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import select

from models import CallOutcome, LlmCall
from models.session import session
from tests.doubles.openai_server import OpenAiServer, serving
from tests.factories import make_token
from tests.stack import gunicorn, server_sent_events
from tests.workers import lab as laboratory
from tests.workers.lab import Lab, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ASKERS = 60


@pytest.fixture
def provider() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def lab(provider: OpenAiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Servers, a class, and the provider as the only model; no worker yet."""
    environment = {
        "PIZHU_LOCAL_MODEL": "none",
        "PIZHU_TIERS": json.dumps([{"name": "small", "engine": "openai", "model": "small"}]),
        "PIZHU_PRICES": json.dumps({"small": {"input": "2", "output": "8"}}),
        "PIZHU_OPENAI_BASE_URL": provider.base_url,
        "OPENAI_API_KEY": "any",
        "PIZHU_ASK_LIMIT": f"{ASKERS} per minute",
        "PIZHU_ASK_DEADLINE": "240",
        "PIZHU_QUEUES": "openai",
    }
    with laboratory.running(tmp_path_factory.mktemp("lab") / "home", environment, ()) as running:
        yield running


def test_a_class_that_asks_the_same_at_once_is_answered_by_one_call(provider: OpenAiServer, lab: Lab) -> None:
    provider.faults.script("slow:2")
    body = {"assignment_id": str(lab.school.assignment.id), "question": "How long should it be?"}
    tokens = [make_token(user) for user in (lab.school.student, lab.school.classmate)]
    with gunicorn() as one, gunicorn() as other:
        lab.start("openai")
        lab.start("openai-2", like="openai")
        eventually(lambda: requests.get(f"{one}/readyz", timeout=30).ok, "a worker is there", timeout=180)
        together = threading.Barrier(ASKERS)

        def ask(number: int) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {tokens[number // 2 % 2]}"}
            together.wait()
            base = (one, other)[number % 2]
            with requests.post(f"{base}/api/v1/ask", headers=headers, json=body, stream=True, timeout=240) as stream:
                assert stream.status_code == 200, stream.text
                *_, (_, kind, last) = server_sent_events(stream)
            assert kind == "answer", last
            return last

        with ThreadPoolExecutor(ASKERS) as class_:
            answers = list(class_.map(ask, range(ASKERS)))

    assert len(provider.calls) == 1, [call.path for call in provider.calls]
    with session() as db:
        [call] = db.scalars(select(LlmCall))
    assert (call.feature, call.outcome) == ("ask", CallOutcome.ok)
    assert len({answer["id"] for answer in answers}) == ASKERS
    assert len({answer["text"] for answer in answers}) == 1
    assert [answer["source"] for answer in answers].count("cache") == ASKERS - 1
    assert sum(float(answer["cost_usd"]) > 0 for answer in answers) == 1
