"""The local engine: how outputs become a reply (fast), and the demonstration model itself (slow)."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from grading import prompt
from grading.ask import prompt as ask_prompt
from grading.ask.matter import Matter
from grading.engines import vllm
from grading.engines.engine import (
    Cancelled,
    Completion,
    DeadlineExceeded,
    Engine,
    GivenUp,
    Request,
    RequestRefused,
    Token,
)
from grading.engines.vllm import VllmEngine
from grading.grader import grade, unobserved
from grading.levels import first_levels
from grading.task import Task
from settings import ROOT
from tests.corpus import chinese_essays, english_essays
from tests.grading.examples import TASK, TASK_ZH
from tests.stack import eventually

NEVER = threading.Event()
LEVELS = ["ideas", "language"]
LARGEST_BLOCK = 128
"""Tokens that are cached together, on a CPU; on a GPU it is 16."""


def output(text: str, tops: list[dict[str, float]], reason: str | None = None) -> Any:
    """What vLLM hands out for one request in one step."""
    logprobs = [
        {id: SimpleNamespace(decoded_token=text, logprob=logprob) for id, (text, logprob) in enumerate(top.items())}
        for top in tops
    ]
    piece = SimpleNamespace(text=text, token_ids=[0] * len(tops), logprobs=logprobs, finish_reason=reason)
    return SimpleNamespace(outputs=[piece], num_cached_tokens=384)


def completion(outputs: list[Any]) -> Completion:
    return vllm.completion(outputs, vllm.tokens_of(outputs), 100, 0.5)


def test_the_texts_of_the_tokens_add_up_even_where_a_character_takes_several() -> None:
    outputs = [
        output("", [{"�": -0.1}]),
        output("", [{"�": -0.1}]),
        output("批", [{"批": -0.1}]),
        output("3", [{"3": -0.5}]),
        output("", [{"<eos>": 0.0}], "stop"),
    ]
    whole = completion(outputs)
    assert [token.text for token in whole.tokens] == ["", "", "批", "3", ""]
    assert "".join(token.text for token in whole.tokens) == whole.text == "批3"
    assert (whole.usage.prompt, whole.usage.cached, whole.usage.completion) == (100, 384, 5)


def test_alternatives_are_those_that_the_schema_allows_likeliest_first() -> None:
    whole = completion([output("2", [{"2": -1.5, "4": -0.5, "the": -math.inf}], "length")])
    assert list(whole.tokens[0].top.items()) == [("4", -0.5), ("2", -1.5)]
    assert whole.finish_reason == "length"


@pytest.mark.parametrize("reason", ["error", "abort"])
def test_a_request_that_vllm_gives_up_is_refused_and_no_reply(reason: str) -> None:
    with pytest.raises(RequestRefused, match="gave the request up"):
        completion([output('{"levels"', [{"{": 0.0}]), output("", [], reason)])


def test_importing_the_engine_imports_neither_vllm_nor_torch() -> None:
    program = "import sys, grading.engines.vllm; print([name for name in ('vllm', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class Asked:
    """A request put to the engine in a thread of its own, and what came of it so far."""

    def __init__(self, engine: Engine, callers: ThreadPoolExecutor, request: Request) -> None:
        self.deltas: list[str] = []
        self.cancelled = threading.Event()
        self.future: Future[Completion] = callers.submit(engine.grade, request, self.deltas.append, self.cancelled)

    def streams(self) -> Asked:
        eventually(lambda: self.deltas or self.future.done(), 60, "the first delta", every=0.01)
        return self

    def result(self) -> Completion:
        return self.future.result()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def grading(text: str, task: Task = TASK) -> Request:
    """The product's own prompt, and a reply in little: two levels and a short comment."""
    level = {"type": "integer", "enum": [1, 2, 3, 4, 5, 6]}
    levels = {"type": "object", "properties": dict.fromkeys(LEVELS, level), "required": LEVELS}
    comment = {"type": "string", "minLength": 10, "maxLength": 60}
    schema = {
        "type": "object",
        "properties": {"levels": levels | {"additionalProperties": False}, "comment": comment},
        "required": ["levels", "comment"],
        "additionalProperties": False,
    }
    messages = prompt.render(task, text, prompt.delimiter("secret", text)).messages
    return Request(id="essay", messages=messages, schema=schema, max_tokens=200, deadline=240)


def asking(question: str) -> Request:
    """The product's own prompt for a question, and a short answer."""
    messages = ask_prompt.render(Matter(TASK), question, "secret").messages
    return Request(id="question", messages=messages, schema=None, max_tokens=8, deadline=240)


def common_tokens(one: list[int], other: list[int]) -> int:
    return next(index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1])


def writing(characters: int, **changes: Any) -> Request:
    """A short prompt and a reply of exactly so many characters."""
    schema = {"type": "string", "minLength": characters, "maxLength": characters}
    request = Request(
        id="text", messages=[{"role": "user", "content": "Write."}], schema=schema, max_tokens=2000, deadline=240
    )
    return replace(request, **changes)


def obeys(text: str) -> None:
    """Fails unless the text is what `grading` asks for."""
    written = json.loads(text)
    assert list(written) == ["levels", "comment"]
    assert list(written["levels"]) == LEVELS
    assert set(written["levels"].values()) <= {1, 2, 3, 4, 5, 6}
    assert 10 <= len(written["comment"]) <= 60


@pytest.mark.slow
class TestTheDemonstrationModel:
    def test_says_what_it_is(self, vllm_engine: VllmEngine) -> None:
        assert vllm_engine.model == "SmolLM2-135M-Instruct (demonstration)"
        assert vllm_engine.version.startswith("vllm ")

    @pytest.mark.parametrize("task", [TASK, TASK_ZH], ids=["en", "zh"])
    def test_streams_a_reply_that_obeys_the_schema(self, vllm_engine: VllmEngine, task: Task) -> None:
        essay = (english_essays(1) if task is TASK else chinese_essays(1))[0][:800]
        deltas: list[str] = []
        completion = vllm_engine.grade(grading(essay, task), deltas.append, NEVER)
        assert len(deltas) > 1
        assert all(deltas)
        assert "".join(deltas) == completion.text == "".join(token.text for token in completion.tokens)
        assert completion.finish_reason == "stop"
        assert completion.first_token_s > 0
        obeys(completion.text)

    def test_states_how_sure_it_is_where_the_prompt_asks(self, vllm_engine: VllmEngine) -> None:
        """In a whole grade, in Chinese, where replies are short."""
        result = grade(
            chinese_essays(1)[0][:300],
            TASK_ZH,
            vllm_engine,
            request_id="stated",
            secret="secret",
            on_progress=lambda field, piece: None,
            cancelled=NEVER,
            deadline=240,
            on_call=unobserved,
            prompt_version="stated",
        )
        assert result.attempts == 1, "the grammar confined the number too"
        assert result.stated_confidence in [step / 20 for step in range(21)]

    def test_gives_the_probabilities_of_all_six_levels(self, vllm_engine: VllmEngine) -> None:
        completion = vllm_engine.grade(grading(english_essays(2)[1]), lambda delta: None, NEVER)
        written = json.loads(completion.text)["levels"]
        digits = [token for token in completion.tokens if token.text.isdigit()][: len(LEVELS)]
        assert [token.text for token in digits] == [str(written[key]) for key in LEVELS]
        for token in digits:
            assert set(token.top) == set("123456")
            assert sum(map(math.exp, token.top.values())) == pytest.approx(1, abs=1e-3)
            assert max(token.top, key=lambda text: token.top[text]) == token.text

    def test_never_cuts_a_character_that_takes_several_tokens(self, vllm_engine: VllmEngine) -> None:
        text = "批注：你的作文写得很清楚👩‍🏫，結尾再想一想。"
        deltas: list[str] = []
        request = writing(1, schema={"enum": [text]})
        completion = vllm_engine.grade(request, deltas.append, NEVER)
        assert json.loads(completion.text) == text
        assert "".join(deltas) == completion.text == "".join(token.text for token in completion.tokens)
        assert len(completion.tokens) > len(completion.text), "every character was one token: this text tests nothing"

    def test_reads_the_common_part_of_an_assignment_from_the_cache(self, vllm_engine: VllmEngine) -> None:
        """All of it but the last block, of what two essays have in common and of what two questions have."""
        essays = [grading(text) for text in english_essays(4)[2:]]
        questions = [asking(text) for text in ("How long should it be?", "What do you mean by ideas?")]
        for first, second in (essays, questions):
            common = common_tokens(*(vllm_engine._tokenize(request) for request in (first, second)))
            vllm_engine.grade(first, lambda delta: None, NEVER)
            usage = vllm_engine.grade(second, lambda delta: None, NEVER).usage
            assert common - LARGEST_BLOCK < usage.cached <= common < usage.prompt
            assert usage.cached > 0
            assert usage.completion > 0

    def test_grades_eight_essays_at_once(self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor) -> None:
        asked = [Asked(vllm_engine, callers, grading(essay)) for essay in english_essays(8)]
        for each in asked:
            text = each.result().text
            assert text == "".join(each.deltas)
            obeys(text)

    def test_a_cancelled_request_ends_long_before_its_end_and_the_others_finish(
        self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor
    ) -> None:
        unwanted = Asked(vllm_engine, callers, writing(1500)).streams()
        others = [Asked(vllm_engine, callers, writing(length)).streams() for length in (300, 400)]
        unwanted.cancelled.set()
        with pytest.raises(Cancelled):
            unwanted.result()
        assert not any(other.future.done() for other in others)
        assert [len(json.loads(other.result().text)) for other in others] == [300, 400]
        assert len("".join(unwanted.deltas)) < 1500

    def test_a_reply_is_broken_off_when_its_levels_are_too_uncertain_and_the_others_finish(
        self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor
    ) -> None:
        other = Asked(vllm_engine, callers, writing(300)).streams()
        given_up: list[int] = []

        def unsure(tokens: Sequence[Token]) -> bool:
            found = first_levels(tokens)
            if found:
                given_up.append(len(tokens))
            return any(estimate.certainty < 0.999 for estimate in found.values())

        request = grading(english_essays(1)[0][:800])
        whole = vllm_engine.grade(request, lambda delta: None, NEVER)
        with pytest.raises(GivenUp) as raised:
            vllm_engine.grade(replace(request, give_up=unsure), lambda delta: None, NEVER)
        used = raised.value.usage
        assert used
        assert (used.prompt, used.completion) == (whole.usage.prompt, given_up[0])
        assert used.cached > 0
        assert used.completion < whole.usage.completion
        assert len(json.loads(other.result().text)) == 300
        eventually(lambda: not vllm_engine._batch._live, 1, "the engine has nothing left to do", every=0.01)

    def test_what_is_not_done_by_its_deadline_ends_and_the_others_finish(
        self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor
    ) -> None:
        late = Asked(vllm_engine, callers, writing(1500, deadline=1.0))
        other = Asked(vllm_engine, callers, writing(300))
        with pytest.raises(DeadlineExceeded):
            late.result()
        assert len(json.loads(other.result().text)) == 300

    def test_a_prompt_that_is_too_long_fails_alone_and_says_by_how_much(
        self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor
    ) -> None:
        other = Asked(vllm_engine, callers, writing(200)).streams()
        with pytest.raises(RequestRefused, match=r"takes \d+,\d{3} tokens .* holds 4,096 in all"):
            vllm_engine.grade(grading("x y z " * 3000), lambda delta: None, NEVER)
        assert len(json.loads(other.result().text)) == 200

    def test_a_schema_that_cannot_be_compiled_fails_alone(
        self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor
    ) -> None:
        other = Asked(vllm_engine, callers, writing(200)).streams()
        for schema in ({"type": "array", "uniqueItems": True}, {"type": "string", "pattern": "(["}):
            with pytest.raises(RequestRefused, match="schema"):
                vllm_engine.grade(writing(1, schema=schema), lambda delta: None, NEVER)
        assert len(json.loads(other.result().text)) == 200

    def test_what_its_chat_template_does_not_take_fails_alone(self, vllm_engine: VllmEngine) -> None:
        with pytest.raises(RequestRefused, match="chat template"):
            vllm_engine.grade(writing(1, messages=[{"content": "no role"}]), lambda delta: None, NEVER)

    def test_a_caller_whose_callback_raises_hurts_only_itself(
        self, vllm_engine: VllmEngine, callers: ThreadPoolExecutor
    ) -> None:
        def broken(delta: str) -> None:
            raise OSError("nobody listens")

        other = Asked(vllm_engine, callers, writing(100)).streams()
        with pytest.raises(OSError, match="nobody listens"):
            vllm_engine.grade(writing(1500), broken, NEVER)
        assert len(json.loads(other.result().text)) == 100


WORKER = """
import sys, threading
from dataclasses import replace
from grading.engines import vllm
from settings import settings
from tests.grading.engines.test_vllm import writing

values = {"local_model": "demo", "local_concurrency": 4, "model_context": 4096, "cpu_kv_cache_gb": 1}
engine = vllm.VllmEngine(settings().model_copy(update=values))
request = writing(1500)
if sys.argv[1] == "poisoned":
    sampling = vllm.sampling
    def seeded(request, repetition_penalty):
        params = sampling(request, repetition_penalty)
        params.seed = 1
        return params
    vllm.sampling = seeded
    messages = [{"role": "user", "content": "A long story about the sea. " * 300}]
    request = replace(request, messages=messages, temperature=1.0, max_tokens=100)
engine.grade(request, lambda delta: print("delta", flush=True), threading.Event())
print("survived")
"""


class Worker:
    """A process of its own that loads the model and asks it for something; all it starts carries its mark."""

    def __init__(self, what: str) -> None:
        self.mark = f"{what}-{os.getpid()}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, what],
            cwd=ROOT,
            env=os.environ | {"PIZHU_TEST_MARK": self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[int]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PIZHU_TEST_MARK") == self.mark and process.status() != "zombie":
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found


@pytest.mark.slow
def test_a_request_that_the_engine_chokes_on_ends_the_process_with_code_70_and_leaves_nothing_behind() -> None:
    worker = Worker("poisoned")
    printed, log = worker.process.communicate(timeout=240)
    assert worker.process.returncode == 70, log
    assert "survived" not in printed
    assert "The engine is dead" in log
    assert worker.processes() == []


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_of_a_reply_leaves_nothing_behind() -> None:
    worker = Worker("killed")
    assert worker.process.stdout is not None
    assert worker.process.stdout.readline() == "delta\n"
    assert worker.processes() == [worker.process.pid]
    worker.process.kill()
    worker.process.communicate()
    eventually(lambda: not worker.processes(), 10, "all its processes are gone")
