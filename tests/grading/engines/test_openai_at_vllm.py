"""The hosted engine against vLLM's own server with the demonstration model: the real protocol and a real model."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from grading.engines.engine import Cancelled, Completion, Request, RequestRefused
from grading.engines.openai import OpenAiEngine
from grading.grader import TooUncertain, grade, unobserved
from grading.levels import first_levels
from settings import ROOT, settings
from tests.corpus import english_essays
from tests.grading.engines.test_vllm import Asked, grading, obeys, writing
from tests.grading.examples import TASK
from tests.stack import eventually, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NEVER = threading.Event()
MODEL = "demo"


@dataclass
class Server:
    base_url: str
    process: subprocess.Popen[bytes]
    log: Path

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.base_url}/health", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def running(self) -> int:
        """Requests that it is working on, by its own account."""
        metrics = requests.get(f"{self.base_url}/metrics", timeout=30).text
        counts = re.findall(r"^vllm:num_requests_(?:running|waiting)\{.*\} ([\d.]+)$", metrics, re.MULTILINE)
        assert len(counts) == 2
        return round(sum(map(float, counts)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`vllm serve` as somebody would run it elsewhere; its engine is a child process, so the whole group is ended."""
    port, log = free_port(), tmp_path_factory.mktemp("vllm") / "log"
    options = {
        "--model": settings().demo_model_path,
        "--served-model-name": MODEL,
        "--host": "127.0.0.1",
        "--port": port,
        "--dtype": "float32",
        "--max-model-len": 4096,
        "--max-num-seqs": 4,
        "--max-num-batched-tokens": 1024,
        "--kv-cache-memory-bytes": 1 << 30,
        "--structured-outputs-config": '{"backend": "xgrammar", "disable_any_whitespace": true}',
    }
    flags = ["--enforce-eager", "--enable-prompt-tokens-details", "--disable-uvicorn-access-log"]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *flags]
    environment = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "OMP_WAIT_POLICY": "passive"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command + [str(part) for option in options.items() for part in option],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        eventually(server.answers, 300, "vllm serve is up", every=0.5)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def engine(server: Server) -> Iterator[OpenAiEngine]:
    engine = OpenAiEngine(MODEL, base_url=f"{server.base_url}/v1", api_key="any")
    yield engine
    engine.close()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def asked(engine: OpenAiEngine, request: Request) -> Completion:
    return engine.grade(request, lambda delta: None, NEVER)


def test_a_reply_is_streamed_and_obeys_the_schema(engine: OpenAiEngine) -> None:
    deltas: list[str] = []
    completion = engine.grade(grading(english_essays(1)[0][:800]), deltas.append, NEVER)
    assert len(deltas) > 1
    assert "".join(deltas) == completion.text == "".join(token.text for token in completion.tokens)
    assert completion.finish_reason == "stop"
    assert completion.first_token_s > 0
    obeys(completion.text)
    assert engine._left_out == frozenset(), "it takes all that we ask for"


def test_it_says_how_sure_it_is_of_each_level(engine: OpenAiEngine) -> None:
    completion = asked(engine, grading(english_essays(2)[1][:800]))
    estimates = first_levels(completion.tokens)
    assert list(estimates) == ["ideas", "language"]
    for estimate in estimates.values():
        assert sum(probability > 0 for probability in estimate.probabilities) > 1
        assert 0 < estimate.certainty < 1


def test_it_says_what_it_used_and_what_it_had_read_before(engine: OpenAiEngine) -> None:
    first, second = (asked(engine, grading(essay[:800])).usage for essay in english_essays(4)[2:])
    assert min(first.prompt, first.completion) > 0
    assert 0 < second.cached < second.prompt


def test_an_essay_is_graded_and_broken_off_when_that_is_unsure(engine: OpenAiEngine, server: Server) -> None:
    options: dict[str, Any] = {"request_id": "r", "secret": "key", "cancelled": NEVER, "deadline": 240}
    options |= {"on_call": unobserved}
    told: list[str] = []
    essay = english_essays(1)[0][:800]
    whole = grade(essay, TASK, engine, on_progress=lambda field, text: told.append(field), **options)
    assert 0 < whole.confidence < 1
    assert set(told) >= {"comments.ideas", "comments.language"}
    with pytest.raises(TooUncertain) as raised:
        grade(essay, TASK, engine, on_progress=lambda field, text: None, give_up_below=1.0, **options)
    assert [item["level"] for item in raised.value.criteria] == [item["level"] for item in whole.criteria]
    assert raised.value.usage
    assert raised.value.usage.completion < whole.usage.completion / 3
    eventually(lambda: not server.running(), 5, "the server works on nothing any more")


def test_a_cancelled_request_frees_the_server(
    engine: OpenAiEngine, server: Server, callers: ThreadPoolExecutor
) -> None:
    unwanted = Asked(engine, callers, writing(1500)).streams()
    assert server.running() == 1
    unwanted.cancelled.set()
    with pytest.raises(Cancelled):
        unwanted.result()
    eventually(lambda: not server.running(), 2, "the server works on nothing any more")
    assert len("".join(unwanted.deltas)) < 1500


def test_a_prompt_that_is_too_long_is_refused_alone(engine: OpenAiEngine) -> None:
    with pytest.raises(RequestRefused, match="maximum context length"):
        asked(engine, grading("x y z " * 3000))
    assert engine._left_out == frozenset()


def test_a_schema_that_cannot_be_compiled_is_refused_alone(engine: OpenAiEngine) -> None:
    with pytest.raises(RequestRefused):
        asked(engine, writing(1, schema={"type": "string", "pattern": "(["}))
    assert asked(engine, writing(20)).finish_reason == "stop"
