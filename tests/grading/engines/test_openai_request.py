"""What is sent, and what is left out once it has been refused."""

from __future__ import annotations

from typing import Any

import pytest

from grading.engines.engine import Request
from grading.engines.openai_request import LENGTHS, OPTIONAL, parameters, refused_part

TEXT = {"type": "string", "minLength": 20, "maxLength": 180}
SCHEMA: dict[str, Any] = {
    "type": "object",
    # Names of a rubric's criteria are whatever a teacher calls them.
    "properties": {"temperature": TEXT, "notes": {"type": "array", "items": TEXT, "maxItems": 3}},
    "required": ["temperature", "notes"],
    "additionalProperties": False,
}
REQUEST = Request("r", [{"role": "user", "content": "Grade."}], SCHEMA, max_tokens=300, deadline=1, temperature=0.4)


def test_all_of_it_is_asked_for_at_first() -> None:
    body = parameters(REQUEST, "small", ())
    assert body["response_format"]["json_schema"] == {"name": "reply", "schema": SCHEMA, "strict": True}
    assert (body["temperature"], body["logprobs"], body["top_logprobs"]) == (0.4, True, 8)
    assert (body["max_completion_tokens"], body["stream_options"]) == (300, {"include_usage": True})


def test_what_is_left_out_is_left_out_wherever_it_stands_but_names_stay() -> None:
    body = parameters(REQUEST, "small", OPTIONAL)
    text = {"type": "string", "description": "20 to 180 characters"}
    assert body["response_format"]["json_schema"]["schema"] == {
        **SCHEMA,
        "properties": {"temperature": text, "notes": {"type": "array", "items": text}},
    }
    assert not {"temperature", "logprobs", "top_logprobs"} & set(body)


@pytest.mark.parametrize(
    ("message", "param", "part"),
    [
        ("Unsupported parameter: 'logprobs' is not supported with this model.", "logprobs", {"logprobs"}),
        ("You are not allowed to request logprobs from this model", None, {"logprobs"}),
        ("Unsupported value: 0 is not supported with this model.", "temperature", {"temperature"}),
        ("In context=('properties', 'x'), 'minLength' is not permitted.", "response_format", set(LENGTHS)),
        ("'maxItems' is not permitted.", "response_format", {"maxItems"}),
        ("The messages are too long.", "messages", set()),
    ],
)
def test_a_refusal_names_what_to_leave_out(message: str, param: str | None, part: set[str]) -> None:
    assert refused_part(message, param, ()) == part


def test_what_was_left_out_already_cannot_be_what_was_refused() -> None:
    assert refused_part("'logprobs' is not supported", "logprobs", {"logprobs"}) == set()
