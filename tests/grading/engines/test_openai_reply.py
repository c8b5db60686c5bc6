"""How the chunks of a stream become a reply, whatever a provider makes of the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from grading.engines.engine import Unavailable, Usage
from grading.engines.openai_reply import Reply


def token(text: str, data: bytes | None = None, **top: float) -> dict[str, Any]:
    alternatives = [{"token": text, "logprob": logprob} for text, logprob in top.items()]
    return {"token": text, "bytes": list(data) if data else None, "logprob": -0.1, "top_logprobs": alternatives}


def chunk(text: str | None, *tokens: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    logprobs = {"content": list(tokens)} if tokens else None
    return {"choices": [{"delta": {"content": text}, "logprobs": logprobs, "finish_reason": reason}]}


def read(*chunks: dict[str, Any]) -> Reply:
    reply = Reply()
    for index, each in enumerate(chunks):
        reply.take(each, elapsed=float(index))
    return reply


def texts(*chunks: dict[str, Any]) -> list[str]:
    return [each.text for each in read(*chunks, chunk(None, reason="stop")).completion("provider.test").tokens]


def test_several_tokens_in_one_chunk_keep_their_own_texts() -> None:
    assert texts(chunk('": 4,', token('": '), token("4"), token(","))) == ['": ', "4", ","]


def test_a_character_of_several_tokens_is_the_last_ones() -> None:
    assert texts(chunk("批1", token("\\xe6", b"\xe6"), token("\\x89\\xb9", b"\x89\xb9"), token("1"))) == ["", "批", "1"]
    assert texts(chunk("", token("�", b"\xe6")), chunk("批", token("�", b"\x89\xb9"))) == ["", "批"]


def test_tokens_that_do_not_add_up_to_the_text_give_way_to_it() -> None:
    assert texts(chunk("批", token("�"), token("�"))) == ["", "批"]
    assert texts(chunk("", token("<|end|>"))) == [""]


def test_without_log_probabilities_each_chunk_is_a_token() -> None:
    assert texts(chunk("Dear "), chunk(""), chunk("mayor")) == ["Dear ", "mayor"]


def test_alternatives_are_those_that_can_be_likeliest_first() -> None:
    reply = read(chunk("3", token("3", **{"2": -1.5, "3": -0.5, "{": -9999.0})), chunk(None, reason="stop"))
    assert list(reply.completion("provider.test").tokens[0].top.items()) == [("3", -0.5), ("2", -1.5)]


def test_the_first_token_is_the_first_with_text_in_it() -> None:
    assert read(chunk(""), chunk(None), chunk("a"), chunk("b")).first_token_s == 2.0


def test_the_last_usage_counts_with_the_cached_part_where_it_is_told() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 1024}}
    told = [{"prompt_tokens": 1500, "completion_tokens": count, **details} for count in (1, 9)]
    assert read(*({**chunk("a"), "usage": usage} for usage in told)).usage == Usage(1500, 1024, 9)
    assert read({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}).usage == Usage(5, 0, 2)
    assert read().usage is None


@pytest.mark.parametrize("reason", ["tool_calls", "abort"])
def test_another_end_than_a_models_own_is_none(reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        read(chunk("a", reason=reason)).completion("provider.test")


@pytest.mark.parametrize("malformed", ["text", 7, {"choices": 7}, {"choices": ["a"]}, chunk("a", {"top": 1})])
def test_what_is_no_chunk_is_said_to_be_none(malformed: Any) -> None:
    with pytest.raises(ValueError, match="lacks what belongs there"):
        Reply().take(malformed, 0.0)
