"""The double of a hosted provider keeps to the protocol as the SDK reads it, and to its own bill."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from grading import reply
from settings import ROOT
from tests.corpus import SHARED
from tests.doubles.openai_server import OpenAiServer, serving
from tests.doubles.openai_server.answers import replayed
from tests.doubles.openai_server.faults import Faults
from tests.grading.engines.test_openai import ESSAY, graded, grading, made
from tests.grading.examples import TASK


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: OpenAiServer) -> OpenAiServer:
    running.calls.clear()
    return running


@pytest.fixture(scope="module")
def client(running: OpenAiServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.base_url, api_key="any", max_retries=0) as client:
        yield client


def chat(**changes: Any) -> dict[str, Any]:
    return {"model": "small", "messages": [{"role": "user", "content": "How do I begin?"}], **changes}


class TestChat:
    def test_is_answered_at_once_or_in_a_stream_alike(self, client: openai.OpenAI) -> None:
        whole = client.chat.completions.create(**chat())
        chunks = list(client.chat.completions.create(**chat(stream=True, stream_options={"include_usage": True})))
        pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert "".join(pieces) == whole.choices[0].message.content
        assert chunks[-1].usage == whole.usage

    def test_is_billed_to_the_token(self, server: OpenAiServer, client: openai.OpenAI) -> None:
        usages = [client.chat.completions.create(**chat()).usage for _ in range(3)]
        assert server.bill["requests"] == 3
        assert server.bill["prompt"] == sum(usage.prompt_tokens for usage in usages if usage)
        assert server.bill["completion"] == sum(usage.completion_tokens for usage in usages if usage)

    @pytest.mark.parametrize("fault", ["error_500", "quota", "rate_limited"])
    def test_that_is_refused_costs_nothing(self, server: OpenAiServer, client: openai.OpenAI, fault: str) -> None:
        server.faults.script(fault)
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(**chat())
        assert server.bill == {"requests": 1, "refused": 1, "prompt": 0, "cached": 0, "completion": 0}


def test_a_mixture_is_drawn_in_the_stated_shares_and_the_same_again_from_the_same_seed() -> None:
    def drawn(seed: int) -> list[str]:
        faults = Faults("cut=0.3,rate_limited:2=0.1", seed)
        return [faults.next().name for _ in range(1000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(1).count("cut") == pytest.approx(300, abs=50)
    assert drawn(1).count("ok") == pytest.approx(600, abs=50)


@pytest.mark.parametrize("mixture", ["no_such=0.1", "cut=0.8,quota=0.4"])
def test_a_mixture_that_cannot_be_is_refused(mixture: str) -> None:
    with pytest.raises(ValueError, match=r"no fault|more than one"):
        Faults(mixture)


def test_embeddings_of_like_texts_are_near_each_other(client: openai.OpenAI) -> None:
    texts = ["How do I begin my essay?", "How do I begin an essay?", "我该怎样结尾？"]
    vectors = [each.embedding for each in client.embeddings.create(model="embedding", input=texts).data]
    near, far = (sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors[1:])
    assert near > 0.8 > far


class TestBatches:
    def begun(self, client: openai.OpenAI, count: int = 4) -> str:
        line = {"method": "POST", "url": "/v1/chat/completions", "body": chat()}
        lines = "\n".join(json.dumps({"custom_id": f"essay-{number}", **line}) for number in range(count))
        file = client.files.create(file=("essays.jsonl", lines.encode()), purpose="batch")
        return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id

    def ended(self, client: openai.OpenAI, id: str) -> Any:
        return next(batch for _ in range(9) if (batch := client.batches.retrieve(id)).status not in ONGOING)

    def read(self, client: openai.OpenAI, id: str | None) -> dict[str, Any]:
        lines = client.files.content(id).text.splitlines() if id else []
        return {line["custom_id"]: line for line in map(json.loads, lines)}

    def test_are_answered_line_by_line_in_any_order(self, server: OpenAiServer, client: openai.OpenAI) -> None:
        batch = self.ended(client, self.begun(client))
        lines = self.read(client, batch.output_file_id)
        assert (batch.status, batch.error_file_id, batch.request_counts.completed) == ("completed", None, 4)
        assert list(lines) != sorted(lines) == [f"essay-{number}" for number in range(4)]
        usage = [line["response"]["body"]["usage"]["completion_tokens"] for line in lines.values()]
        assert sum(usage) == server.bill["completion"]

    def test_tell_of_lines_that_failed_in_a_file_of_their_own(
        self, server: OpenAiServer, client: openai.OpenAI
    ) -> None:
        server.faults.script("ok", "error_500")
        batch = self.ended(client, self.begun(client))
        assert len(self.read(client, batch.output_file_id)) == 3
        assert [line["response"]["status_code"] for line in self.read(client, batch.error_file_id).values()] == [500]

    def test_that_expire_leave_the_rest_in_the_error_file(self, server: OpenAiServer, client: openai.OpenAI) -> None:
        server.batches.script("expire")
        batch = self.ended(client, self.begun(client))
        assert batch.status == "expired"
        assert sorted(self.read(client, batch.output_file_id)) == ["essay-0", "essay-1"]
        errors = self.read(client, batch.error_file_id)
        assert {id: line["error"]["code"] for id, line in errors.items()} == {
            "essay-2": "batch_expired",
            "essay-3": "batch_expired",
        }

    def test_that_fail_are_made_without_a_sign_of_it(self, server: OpenAiServer, client: openai.OpenAI) -> None:
        server.batches.script("no_room")
        batch = self.ended(client, self.begun(client))
        assert (batch.status, batch.errors.data[0].code) == ("failed", "token_limit_exceeded")

    def test_can_be_cancelled_and_listed(self, client: openai.OpenAI) -> None:
        first, second = self.begun(client), self.begun(client)
        client.batches.retrieve(first)
        assert client.batches.cancel(first).status == "cancelling"
        assert self.ended(client, first).status == "cancelled"
        assert [batch.id for batch in client.batches.list(limit=1)][:2] == [second, first]

    def test_a_file_that_is_to_expire_needs_to_know_from_when(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="anchor"):
            client.files.create(file=b"{}", purpose="batch", extra_body={"expires_after": {"seconds": 3600}})
        after: Any = {"anchor": "created_at", "seconds": 3600}
        assert client.files.create(file=b"{}", purpose="batch", expires_after=after).expires_at


ONGOING = ("validating", "in_progress", "finalizing", "cancelling")


def packed(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    return path


def test_stored_answers_of_a_real_model_cost_what_they_did_and_keep_their_order(tmp_path: Path) -> None:
    essays = packed(tmp_path / "essays", [{"id": id, "text": f"{ESSAY} {id}"} for id in (1, 2)])
    common = {"prompt_id": 1, "model": "ChatGPT", "prompt_variant": "A", "prompt_tokens": 777}
    answers = packed(
        tmp_path / "answers",
        [
            {**common, "essay_id": 1, "total_score": 2.0, "completion_tokens": 82, "raw": '{"total_score": 2}'},
            {**common, "essay_id": 2, "total_score": 5.0, "completion_tokens": 79, "raw": '{"total_score": 5}'},
        ],
    )
    with serving(said=replayed(essays, answers)) as server:
        engine = made(server)
        good, bad = (graded(engine, grading(f"{ESSAY} {id}")) for id in (2, 1))
        raw = graded(engine, grading(f"{ESSAY} 2", schema=None))
        engine.close()
    levels = [set(reply.parse(each.text, TASK.rubric).levels.values()) for each in (bad, good)]
    assert levels == [{1}, {6}]
    assert [(each.usage.prompt, each.usage.completion) for each in (bad, good)] == [(777, 82), (777, 79)]
    assert raw.text == '{"total_score": 5}'
    assert server.bill["completion"] == 82 + 79 + 79


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data beside the checkout")
def test_the_shared_answers_can_be_replayed() -> None:
    said = replayed(SHARED / "asap_dev.jsonl.gz", SHARED / "asap_dev_model_answers.jsonl.gz")
    with gzip.open(SHARED / "asap_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        text = json.loads(next(lines))["text"]
    with serving(said=said) as server:
        engine = made(server)
        usage = graded(engine, grading(text)).usage
        engine.close()
    assert (usage.prompt, usage.completion) == (777, 82)


def test_it_runs_in_a_process_of_its_own_and_is_told_what_to_do_over_http() -> None:
    command = [sys.executable, "-m", "tests.doubles.openai_server", "--faults", "error_503=1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base = process.stdout.readline().strip()
            root = base.removesuffix("/v1")
            client = openai.OpenAI(base_url=base, api_key="any", max_retries=0)
            with pytest.raises(openai.InternalServerError):
                client.chat.completions.create(**chat())
            requests.post(f"{root}/_faults", json={"mixture": ""}, timeout=5)
            client.chat.completions.create(**chat())
            bill = requests.get(f"{root}/_bill", timeout=5).json()
        finally:
            process.terminate()
    assert (bill["requests"], bill["refused"], [call["fault"] for call in bill["calls"]]) == (2, 1, ["error_503", "ok"])
