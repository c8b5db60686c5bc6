"""The same client against vLLM's own OpenAI-compatible server with the demonstration model, unchanged."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from grading.engines.engine import Cancelled, RequestRefused
from grading.engines.openai import OpenAiEngine
from settings import ROOT, settings
from tests.corpus import chinese_essays, english_essays
from tests.grading.engines.test_vllm import LEVELS, grading, obeys, writing
from tests.grading.examples import TASK_ZH
from tests.stack import eventually, free_port

NEVER = threading.Event()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """vLLM's server on this machine; all of its processes end with the test."""
    port, log = free_port(), tmp_path_factory.mktemp("vllm") / "log"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--model", str(settings().demo_model_path), "--served-model-name", "demo", "--dtype", "float32"]
    command += ["--max-model-len", "4096", "--max-num-seqs", "4", "--enforce-eager"]
    command += ["--kv-cache-memory-bytes", str(1 << 30)]
    command += ["--structured-outputs-config", json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})]
    quiet = {"OMP_WAIT_POLICY": "passive", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | quiet, stdout=output, stderr=output, start_new_session=True
        )
    try:
        base = f"http://127.0.0.1:{port}"
        eventually(lambda: is_up(base, process, log), 240, "the server answers", every=1)
        yield base
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the group is the server's own, with its engine in it
        process.wait()


def is_up(base: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-3000:]
    try:
        return requests.get(f"{base}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def engine(address: str) -> Iterator[OpenAiEngine]:
    engine = OpenAiEngine(settings().model_copy(update={"openai_base_url": f"{address}/v1"}), "demo")
    yield engine
    engine.close()


@pytest.mark.slow
class TestAtVllm:
    def test_a_grade_is_streamed_within_the_schema_with_the_probabilities_of_all_six_levels(
        self, engine: OpenAiEngine
    ) -> None:
        deltas: list[str] = []
        completion = engine.grade(grading(english_essays(1)[0][:800]), deltas.append, NEVER)
        assert len(deltas) > 1
        assert "".join(deltas) == completion.text == "".join(token.text for token in completion.tokens)
        obeys(completion.text)
        written = json.loads(completion.text)["levels"]
        digits = [token for token in completion.tokens if token.text.isdigit()][: len(LEVELS)]
        assert [token.text for token in digits] == [str(written[key]) for key in LEVELS]
        for token in digits:
            assert set(token.top) == set("123456")
            assert sum(map(math.exp, token.top.values())) == pytest.approx(1, abs=1e-3)
        assert completion.usage.prompt > completion.usage.completion > 0

    def test_characters_of_several_tokens_stay_whole(self, engine: OpenAiEngine) -> None:
        text = "批注：你的作文写得很清楚👩‍🏫，結尾再想一想。"
        deltas: list[str] = []
        completion = engine.grade(writing(1, schema={"enum": [text]}), deltas.append, NEVER)
        assert json.loads(completion.text) == text
        assert "".join(deltas) == completion.text == "".join(token.text for token in completion.tokens)
        obeys(engine.grade(grading(chinese_essays(1)[0][:300], TASK_ZH), deltas.append, NEVER).text)

    def test_a_cancel_reaches_the_engine_behind_the_server(self, engine: OpenAiEngine, address: str) -> None:
        deltas: list[str] = []
        cancelled = threading.Event()
        with ThreadPoolExecutor(1) as callers:
            call = callers.submit(engine.grade, writing(1500), deltas.append, cancelled)
            eventually(lambda: deltas or call.done(), 60, "the first words", every=0.02)
            assert running_at(address) == 1
            cancelled.set()
            with pytest.raises(Cancelled) as raised:
                call.result(1)
        eventually(lambda: running_at(address) == 0, 2, "the engine has given it up", every=0.05)
        assert raised.value.usage
        assert 0 < raised.value.usage.completion < 1500

    def test_a_text_that_is_too_long_fails_alone(self, engine: OpenAiEngine) -> None:
        with pytest.raises(RequestRefused, match="4096"):
            engine.grade(grading("x y z " * 3000), lambda delta: None, NEVER)


def running_at(address: str) -> float:
    """Requests that the engine is generating for."""
    lines = requests.get(f"{address}/metrics", timeout=5).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running"))
