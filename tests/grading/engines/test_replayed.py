"""A reply that has come already, as an engine."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from grading.engines.engine import Completion, Engine, Request, RequestRefused, Unavailable, Usage
from grading.engines.replayed import Replayed, digest

REQUEST = Request("r", [{"role": "user", "content": "批 me"}], {"type": "object"}, 100, 60)
COMPLETION = Completion("{}", [], Usage(1, 0, 1), 0.0, "stop")


def said(engine: Engine, request: Request = REQUEST) -> Completion:
    return engine.grade(request, lambda delta: None, threading.Event())


def test_it_answers_the_request_that_was_sent_whatever_it_is_called_now() -> None:
    engine = Replayed("m", "v", digest(REQUEST), COMPLETION)
    assert said(engine, replace(REQUEST, id="other", deadline=1)) is COMPLETION


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": [{"role": "user", "content": "批 me again"}]},
        {"schema": None},
        {"max_tokens": 101},
        {"temperature": 0.7},
    ],
)
def test_to_any_other_it_has_no_answer(changes: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        said(Replayed("m", "v", digest(REQUEST), COMPLETION), replace(REQUEST, **changes))  # type: ignore[arg-type]


def test_what_came_instead_of_an_answer_is_raised_with_what_it_used() -> None:
    refusal = RequestRefused("The model declines.")
    refusal.usage = Usage(5, 0, 2)
    with pytest.raises(RequestRefused) as raised:
        said(Replayed("m", "v", digest(REQUEST), refusal))
    assert raised.value.usage == Usage(5, 0, 2)
