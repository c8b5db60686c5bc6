"""The hosted engine against a real HTTP server that behaves, and that does not."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from grading import prompt, reply
from grading.engines.engine import (
    AccountRefused,
    AskAgain,
    Cancelled,
    Completion,
    DeadlineExceeded,
    EngineError,
    GivenUp,
    QuotaExceeded,
    RateLimited,
    Request,
    RequestRefused,
    Token,
    Unavailable,
    Usage,
)
from grading.engines.openai import OpenAiEngine
from grading.grader import grade, unobserved
from grading.levels import LevelEstimate, first_levels, levels
from grading.task import Task
from settings import settings
from tests.conftest import use_environment
from tests.doubles.openai_server import OpenAiServer, serving
from tests.grading.examples import TASK, TASK_ZH
from tests.stack import eventually

NEVER = threading.Event()
ESSAY = "Dear mayor, our town needs a bus line.\nThe school is far away, and my grandmother cannot drive."
ESSAY_ZH = "行而知之，非空谈也。我奶奶常说👩‍🏫：“走过才知道路有多远。”\n所以我每天走路上学。"


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: OpenAiServer) -> Iterator[OpenAiServer]:
    running.calls.clear()
    yield running
    assert running.faults.next().name == "ok", "a scripted fault was not asked for"


@pytest.fixture(scope="module")
def engine(running: OpenAiServer) -> Iterator[OpenAiEngine]:
    engine = made(running)
    yield engine
    engine.close()


def made(server: OpenAiServer, model: str = "small", **changes: Any) -> OpenAiEngine:
    engine = OpenAiEngine(model, **{"base_url": server.base_url, "api_key": "any"} | changes)
    # Known of OpenAI's own address from the start; what it is like to find out is a test of its own.
    engine._left_out = frozenset({"minLength", "maxLength"})
    return engine


def grading(text: str = ESSAY, task: Task = TASK, **changes: Any) -> Request:
    request = Request(
        id="essay.1",
        messages=prompt.render(task, text, prompt.delimiter("secret", text)).messages,
        schema=reply.schema(task.rubric, task.language),
        max_tokens=reply.max_tokens(task.rubric, task.language),
        deadline=10,
    )
    return replace(request, **changes)


def graded(engine: OpenAiEngine, request: Request | None = None) -> Completion:
    return engine.grade(request or grading(), lambda delta: None, NEVER)


class TestAReply:
    @pytest.mark.parametrize(("text", "task"), [(ESSAY, TASK), (ESSAY_ZH, TASK_ZH)], ids=["en", "zh"])
    def test_is_streamed_and_is_a_grade_that_quotes_the_essay(
        self, engine: OpenAiEngine, text: str, task: Task
    ) -> None:
        deltas: list[str] = []
        completion = engine.grade(grading(text, task), deltas.append, NEVER)
        assert "".join(deltas) == completion.text
        assert all(deltas)
        assert completion.finish_reason == "stop"
        assert completion.first_token_s > 0
        read = reply.parse(completion.text, task.rubric)
        assert all(note.quote in text for note in read.notes)

    def test_comes_in_several_pieces_before_it_is_complete(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        server.faults.script("trickle:0.002")
        deltas: list[str] = []
        engine.grade(grading(), deltas.append, NEVER)
        assert len(deltas) > 2

    def test_has_tokens_that_add_up_to_its_text_where_characters_take_several(self, engine: OpenAiEngine) -> None:
        completion = graded(engine, grading(ESSAY_ZH, TASK_ZH))
        assert "".join(token.text for token in completion.tokens) == completion.text
        assert "行而知之" in completion.text
        assert len(completion.tokens) == completion.usage.completion

    def test_says_how_sure_the_model_was_of_each_level(self, engine: OpenAiEngine) -> None:
        completion = graded(engine)
        read = reply.parse(completion.text, TASK.rubric)
        for key, estimate in levels(completion, read).items():
            assert estimate.level == read.levels[key]
            assert estimate.probabilities[estimate.level - 1] == pytest.approx(0.82 / 0.97)

    def test_leaves_out_alternatives_that_cannot_be(self, engine: OpenAiEngine) -> None:
        digits = [token for token in graded(engine).tokens if token.text in "123456" and token.text]
        assert all("{" not in token.top and min(token.top.values()) > -math.inf for token in digits)
        assert all(list(token.top.values()) == sorted(token.top.values(), reverse=True) for token in digits)

    def test_tells_what_it_used_to_the_token(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        long = [{"role": "system", "content": "You grade. " * 800}]
        first, second = (graded(engine, grading(messages=[*long, *grading().messages])).usage for _ in range(2))
        assert (first.cached, second.cached > 1024) == (0, True)
        assert [(call.prompt, call.cached, call.completion) for call in server.calls] == [
            (usage.prompt, usage.cached, usage.completion) for usage in (first, second)
        ]

    def test_that_was_stopped_for_its_length_says_so(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        server.faults.script("length")
        assert graded(engine).finish_reason == "length"
        assert graded(engine, grading(max_tokens=20)).finish_reason == "length"

    def test_without_a_schema_is_plain_text(self, engine: OpenAiEngine) -> None:
        completion = graded(engine, grading(schema=None))
        assert completion.text.startswith("That is a good question.")

    def test_that_does_not_keep_to_the_schema_is_handed_on_for_the_grader_to_judge(
        self, server: OpenAiServer, engine: OpenAiEngine
    ) -> None:
        server.faults.script("wrong_schema")
        with pytest.raises(reply.InvalidReply):
            reply.parse(graded(engine).text, TASK.rubric)

    def test_without_usage_is_counted_by_its_tokens(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        server.faults.script("no_usage")
        completion = graded(engine)
        assert completion.usage == Usage(completion=server.calls[0].completion)


FAULTS: list[tuple[str, type[EngineError], str]] = [
    ("rate_limited:7", RateLimited, "takes no more requests"),
    ("rate_limited_bare", RateLimited, "takes no more requests"),
    ("quota", QuotaExceeded, "no credit left: You exceeded your current quota"),
    ("error_500", Unavailable, "failed with status 500"),
    ("error_503:4", Unavailable, "failed with status 503"),
    ("cut", Unavailable, "connection to .* failed"),
    ("cut:0", Unavailable, "connection to .* failed"),
    ("invalid_json", Unavailable, "cannot be read"),
    ("stream_error", Unavailable, "broke the reply off: The server had an error"),
    ("stream_error:insufficient_quota", QuotaExceeded, "no credit left"),
    ("stream_error:rate_limit_exceeded", RateLimited, "takes no more requests"),
    ("stream_error:BadRequestError", RequestRefused, "refuses the request"),
    ("no_choices", Unavailable, "sent an empty answer"),
    ("no_finish", Unavailable, "broke the reply off"),
    ("refusal", RequestRefused, "The model declines: I'm sorry"),
    ("content_filter", RequestRefused, "content filter"),
]


class TestWhatGoesWrong:
    @pytest.mark.parametrize(("fault", "error", "message"), FAULTS, ids=[fault for fault, _, _ in FAULTS])
    def test_has_one_meaning_and_took_one_request(
        self, server: OpenAiServer, engine: OpenAiEngine, fault: str, error: type[EngineError], message: str
    ) -> None:
        server.faults.script(fault)
        with pytest.raises(EngineError, match=message) as raised:
            graded(engine)
        assert type(raised.value) is error
        assert len(server.calls) == 1
        assert graded(engine).finish_reason == "stop"

    @pytest.mark.parametrize(
        ("fault", "seconds"),
        [("rate_limited:7", 7), ("rate_limited:ms", 1.5), ("rate_limited:date", 29.5), ("error_503:4", 4)],
    )
    def test_says_how_long_to_wait(
        self, server: OpenAiServer, engine: OpenAiEngine, fault: str, seconds: float
    ) -> None:
        server.faults.script(fault)
        with pytest.raises(Unavailable) as raised:
            graded(engine)
        assert raised.value.retry_after == pytest.approx(seconds, abs=1)

    def test_says_what_it_used_as_far_as_that_is_known(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        server.faults.script("cut:10", "refusal", "quota")
        used = []
        for _ in range(3):
            with pytest.raises(EngineError) as raised:
                graded(engine)
            used.append(raised.value.usage)
        cut, refusal, _ = server.calls
        assert used == [Usage(completion=10), Usage(refusal.prompt, 0, refusal.completion), Usage()]
        assert cut.completion == 10

    def test_a_key_that_is_not_known_is_a_matter_for_a_person(self, server: OpenAiServer) -> None:
        engine = made(server, api_key="wrong")
        with pytest.raises(AccountRefused, match="Incorrect API key"):
            graded(engine)
        engine.close()

    def test_a_text_that_is_too_long_fails_alone(self, engine: OpenAiEngine) -> None:
        with pytest.raises(RequestRefused, match="longer than the model reads"):
            graded(engine, grading("x y z " * 20_000))

    def test_a_schema_that_no_reply_could_keep_to_fails_alone(self, engine: OpenAiEngine) -> None:
        with pytest.raises(RequestRefused, match="additionalProperties"):
            graded(engine, grading(schema={"type": "object", "properties": {}}))

    def test_nobody_listening_at_the_address_is_said(self, server: OpenAiServer) -> None:
        engine = made(server, base_url="http://127.0.0.1:9/v1")
        with pytest.raises(Unavailable, match=r"connection to 127\.0\.0\.1:9 failed") as raised:
            graded(engine)
        assert raised.value.usage == Usage(), "nothing was sent, so nothing is owed"
        engine.close()

    def test_a_callback_that_raises_ends_the_generation(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        def broken(delta: str) -> None:
            raise OSError("nobody listens")

        server.faults.script("trickle:0.02")
        with pytest.raises(OSError, match="nobody listens"):
            engine.grade(grading(), broken, NEVER)
        eventually(lambda: server.calls[0].ended == "aborted", 1, "the server saw it", every=0.01)


class TestWhatAProviderDoesNotTake:
    def test_is_learnt_from_its_refusal_and_left_out_from_then_on(self, server: OpenAiServer) -> None:
        engine = made(server, "reasoning")
        for part in ("logprobs", "temperature"):
            with pytest.raises(AskAgain, match="trying with less") as raised:
                graded(engine)
            assert raised.value.retry_after == 0
            assert part in server.calls[-1].body
        completion = graded(engine)
        assert reply.parse(completion.text, TASK.rubric)
        assert "".join(token.text for token in completion.tokens) == completion.text
        assert not any(token.top for token in completion.tokens)
        assert server.bill["refused"] == 2
        engine.close()

    def test_lengths_are_asked_for_in_words_instead(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        engine._left_out = frozenset()
        with pytest.raises(AskAgain, match="trying with less"):
            graded(engine)
        graded(engine)
        assert engine._left_out == {"minLength", "maxLength"}
        schema = server.calls[1].body["response_format"]["json_schema"]["schema"]
        remark = schema["properties"]["comments"]["properties"]["ideas"]
        assert remark == {"type": "string", "description": "20 to 180 characters"}
        assert schema["properties"]["annotations"]["maxItems"] == 3
        assert "Length" not in json.dumps(schema)


class TestCancelling:
    @pytest.mark.parametrize("fault", ["slow:20", "trickle:0.02"], ids=["before the first byte", "in mid-stream"])
    def test_closes_the_connection_within_a_second(
        self, server: OpenAiServer, engine: OpenAiEngine, fault: str
    ) -> None:
        server.faults.script(fault)
        cancelled, began = threading.Event(), time.monotonic()
        threading.Timer(0.15, cancelled.set).start()
        with pytest.raises(Cancelled) as raised:
            engine.grade(grading(), lambda delta: None, cancelled)
        assert time.monotonic() - began < 0.15 + 0.6
        eventually(lambda: server.calls[0].ended == "aborted", 1, "the server saw it", every=0.01)
        written = server.calls[0].completion
        told = raised.value.usage.completion if raised.value.usage else 0
        assert written - 3 <= told <= written

    def test_a_deadline_does_the_same(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        server.faults.script("slow:20")
        with pytest.raises(DeadlineExceeded):
            graded(engine, grading(deadline=0.2))
        eventually(lambda: server.calls[0].ended == "aborted", 1, "the server saw it", every=0.01)

    def test_closing_the_engine_does_the_same_to_all_in_flight(self, server: OpenAiServer) -> None:
        engine = made(server)
        server.faults.script("slow:20", "trickle:0.05")
        with ThreadPoolExecutor(2) as callers:
            waiting = [callers.submit(graded, engine) for _ in range(2)]
            eventually(lambda: len(server.calls) == 2, 1, "both are in flight", every=0.01)
            engine.close()
            for each in waiting:
                with pytest.raises(Cancelled):
                    each.result(1)
        with pytest.raises(Cancelled):
            graded(engine)
        eventually(lambda: all(call.ended == "aborted" for call in server.calls), 1, "the server saw it", every=0.01)


class TestGivingUp:
    def test_closes_the_connection_and_says_how_far_it_came(self, server: OpenAiServer, engine: OpenAiEngine) -> None:
        server.faults.script("trickle:0.01")
        seen: list[int] = []

        def give_up(tokens: Sequence[Token]) -> bool:
            seen.append(len(tokens))
            return any("}" in token.text for token in tokens)

        with pytest.raises(GivenUp) as raised:
            graded(engine, grading(give_up=give_up))
        eventually(lambda: server.calls[0].ended == "aborted", 1, "the server saw it", every=0.01)
        assert raised.value.usage == Usage(completion=seen[-1])
        assert seen[-1] <= server.calls[0].completion <= seen[-1] + 3

    def test_is_decided_on_the_levels_as_they_will_stand(self, engine: OpenAiEngine) -> None:
        early: list[dict[str, LevelEstimate]] = []

        def give_up(tokens: Sequence[Token]) -> bool:
            early.append(first_levels(tokens))
            return False

        completion = graded(engine, grading(give_up=give_up))
        assert early[0] == {}
        assert early[-1] == levels(completion, reply.parse(completion.text, TASK.rubric))
        assert 0 < early.index(early[-1]) < len(completion.tokens) / 3, "as soon as they are there"

    def test_does_not_happen_where_no_log_probabilities_are(self, server: OpenAiServer) -> None:
        engine = made(server, "reasoning")
        engine._left_out |= {"logprobs", "temperature"}
        sure = grade(
            ESSAY,
            TASK,
            engine,
            request_id="essay.1",
            secret="secret",
            on_progress=lambda field, text: None,
            cancelled=NEVER,
            deadline=10,
            on_call=unobserved,
            give_up_below=1.0,
        )
        assert sure.confidence == 1.0
        engine.close()


def test_many_threads_at_once_each_get_their_own_reply(server: OpenAiServer, engine: OpenAiEngine) -> None:
    essays = [f"Essay number {number}.\nIt says something of its own." for number in range(12)]
    with ThreadPoolExecutor(12) as callers:
        replies = list(callers.map(lambda text: graded(engine, grading(text)).text, essays))
    assert all(essay.splitlines()[0] in text for essay, text in zip(essays, replies, strict=True))


def test_it_says_what_it_is_and_tells_the_provider_which_request_it_was(
    server: OpenAiServer, engine: OpenAiEngine
) -> None:
    graded(engine)
    assert engine.model == "small"
    assert engine.version.startswith("openai 3.")
    assert engine.provider in engine.version
    assert server.calls[0].request_id == "essay.1"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "PIZHU_OPENAI_API_KEY"])
def test_the_key_is_read_from_either_variable(name: str) -> None:
    with use_environment({name: "sk-of-a-school"}):
        assert settings().openai_api_key.get_secret_value() == "sk-of-a-school"
        assert "sk-of" not in repr(settings())
