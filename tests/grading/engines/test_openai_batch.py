"""The Batch API: what is in the files, and what becomes of what cannot be trusted in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from grading import prompt, reply
from grading.engines import openai_batch
from grading.engines.engine import (
    AskAgain,
    Completion,
    EngineError,
    Request,
    RequestRefused,
    Unavailable,
    Usage,
)
from grading.engines.openai_batch import BatchClient, Gone, has_room, line, read
from grading.engines.openai_request import LENGTHS, parameters
from grading.levels import levels
from models.base import now
from tests.doubles.openai_server import OpenAiServer, serving
from tests.grading.examples import TASK_ZH

ESSAY = "行而知之，非空谈也。\u2028我奶奶常说👩‍🏫：“走过才知道路有多远。”"


def request() -> Request:
    rendered = prompt.render(TASK_ZH, ESSAY, prompt.delimiter("secret", ESSAY))
    return Request("r", rendered.messages, reply.schema(TASK_ZH.rubric, "zh"), 900, 60)


def body(content: str | None = '{"a": 1}', reason: str = "stop", **changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": reason}
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    return {"choices": [choice], "usage": usage, **changes}


def answered(custom_id: str = "a.1", status: int = 200, **changes: Any) -> dict[str, Any]:
    response = {"status_code": status, "body": body(**changes)}
    return {"id": "x", "custom_id": custom_id, "response": response, "error": None}


def failed(custom_id: str = "a.1", status: int = 500, **error: Any) -> dict[str, Any]:
    error = {"message": "The server had an error.", **error}
    return {"id": "x", "custom_id": custom_id, "response": {"status_code": status, "body": {"error": error}}}


def file(*rows: Any) -> bytes:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return "\n".join(lines).encode()


def only(*rows: Any) -> Completion | EngineError:
    [found] = read([file(*rows)], "provider.test").replies.values()
    return found


class TestALineOfTheFile:
    def test_asks_in_the_same_words_as_live_but_for_the_stream(self) -> None:
        asked = json.loads(line("essay.1", request(), "small", LENGTHS))
        live = parameters(request(), "small", LENGTHS)
        assert live["stream"]
        assert asked == {
            "custom_id": "essay.1",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {name: value for name, value in live.items() if not name.startswith("stream")},
        }

    def test_is_one_line_whatever_is_in_the_essay(self) -> None:
        written = line("essay.1", request(), "small", ())
        assert written.splitlines(keepends=True) == [written]

    def test_has_room_within_both_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openai_batch, "MOST_REQUESTS", 3)
        monkeypatch.setattr(openai_batch, "MOST_BYTES", 100)
        assert has_room(2, 90, 10)
        assert not has_room(2, 91, 10)
        assert not has_room(3, 0, 10)


class TestTheFilesThatCome:
    def test_are_read_in_any_order_and_from_both(self) -> None:
        answers = read([file(answered("b.1"), answered("a.1")), file(failed("c.1"))], "provider.test").replies
        assert isinstance(answers["a.1"], Completion)
        assert isinstance(answers["b.1"], Completion)
        assert isinstance(answers["c.1"], Unavailable)

    def test_an_answer_is_what_it_would_have_been_live(self) -> None:
        found = only(answered())
        assert found == Completion('{"a": 1}', found.tokens, Usage(10, 4, 3), 0.0, "stop")  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "junk", ["", "{", "[]", "null", "7", '{"custom_id": 3}', '{"response": {}}', "\x00", "[" * 9999]
    )
    def test_a_line_that_cannot_be_read_harms_no_other(self, junk: str) -> None:
        assert isinstance(only(junk, answered(), junk), Completion)

    def test_a_line_that_was_cut_off_is_not_there(self) -> None:
        assert read([file(answered("a.1"))[:-20]], "provider.test").replies == {}

    def test_of_two_answers_to_one_request_the_first_counts_and_any_goes_before_an_error(self) -> None:
        first, second = answered(content="first"), answered(content="second")
        for rows in ([first, second], [failed(), first], [first, failed()]):
            found = only(*rows)
            assert isinstance(found, Completion)
            assert found.text == "first"

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"choices": []}, Unavailable),
            ({"choices": None}, Unavailable),
            ({"choices": [7]}, Unavailable),
            ({"choices": [{"message": None, "finish_reason": "stop", "logprobs": 3}]}, Unavailable),
            ({"reason": "content_filter"}, RequestRefused),
            ({"choices": [{"message": {"refusal": "No."}, "finish_reason": "stop"}]}, RequestRefused),
        ],
    )
    def test_an_answer_that_is_none_is_the_error_that_it_would_have_been_live(
        self, changes: dict[str, Any], error: type[EngineError]
    ) -> None:
        assert type(only(answered(**changes))) is error

    @pytest.mark.parametrize(
        "row",
        [
            failed(),
            failed(status=429),
            {"custom_id": "a.1", "response": None, "error": {"code": "batch_expired", "message": "Too late."}},
            {"custom_id": "a.1"},
            {"custom_id": "a.1", "response": 7},
            {"custom_id": "a.1", "response": {"status_code": 500, "body": "no"}},
        ],
    )
    def test_what_was_not_answered_may_go_well_live_and_cost_nothing(self, row: dict[str, Any]) -> None:
        found = only(row)
        assert type(found) is Unavailable
        assert found.usage == Usage()

    def test_a_line_refused_for_what_can_be_left_out_is_to_be_asked_again_without(self) -> None:
        refusal = failed(status=400, message="Unsupported parameter: 'logprobs'.", param="logprobs")
        answers = read([file(refusal)], "provider.test")
        assert answers.refused == {"logprobs"}
        assert isinstance(answers.replies["a.1"], AskAgain)
        again = read([file(refusal)], "provider.test", left_out=["logprobs"])
        assert (again.refused, type(again.replies["a.1"])) == (frozenset(), Unavailable)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAiServer]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: OpenAiServer) -> Iterator[BatchClient]:
    made = BatchClient(server.base_url, "any")
    yield made
    made.close()


def begun(client: BatchClient, name: str = "ours") -> openai_batch.Remote:
    file_id = client.upload(line("essay.1", request(), "small", LENGTHS), name)
    return client.create(file_id, name)


class TestTheClient:
    def test_brings_back_what_the_model_said_with_its_log_probabilities(self, client: BatchClient) -> None:
        remote = begun(client)
        while not remote.has_ended:
            seen = client.look(remote.id)
            assert seen
            remote = seen
        completion = client.answers(remote).replies["essay.1"]
        assert isinstance(completion, Completion)
        answer = reply.parse(completion.text, TASK_ZH.rubric)
        assert all(0 < each.certainty < 1 for each in levels(completion, answer).values())

    def test_finds_a_batch_by_our_name_or_by_its_file_among_many(self, client: BatchClient) -> None:
        since = now()
        wanted = begun(client, "wanted")
        for number in range(101):
            client.create(str(client.upload(b"{}", "others")), f"other {number}")
        found = client.find("file-none", "wanted", since)
        assert found
        assert found.id == wanted.id
        assert client.find("file-none", "never begun", since) is None

    def test_does_not_look_through_what_was_begun_long_before(self, client: BatchClient) -> None:
        begun(client, "long ago")
        begun(client, "later")
        assert client.find("file-none", "long ago", now() + timedelta(days=1)) is None

    def test_knows_that_a_batch_is_unknown_there(self, client: BatchClient) -> None:
        assert client.look("batch_none") is None

    def test_finds_nothing_wrong_in_stopping_what_is_over_or_deleting_what_is_gone(self, client: BatchClient) -> None:
        remote = begun(client)
        for _ in range(4):
            client.look(remote.id)
        client.cancel(remote.id)
        client.cancel("batch_none")
        client.withdraw("file-none")

    def test_no_batch_can_be_made_of_a_file_that_was_withdrawn(self, client: BatchClient) -> None:
        file_id = client.upload(b"{}", "ours")
        client.withdraw(file_id)
        with pytest.raises(Gone):
            client.create(file_id, "ours")

    def test_says_that_nobody_is_there(self) -> None:
        nobody = BatchClient("http://127.0.0.1:9/v1", "any")
        with pytest.raises(Unavailable, match="connection"):
            nobody.upload(b"", "ours")
