"""The doubles answer as a real engine does, or tests that use them prove nothing."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

from grading import reply
from grading.engines.engine import Request
from grading.prompt import delimiter, render
from grading.task import Task
from tests.doubles.engine import InstantEngine
from tests.grading.examples import TASK, TASK_ZH


def conforms(value: Any, part: dict[str, Any]) -> bool:
    """Whether our schema admits the value."""
    match part:
        case {"enum": choices}:
            return value in choices
        case {"type": "string"}:
            return part["minLength"] <= len(value) <= part["maxLength"]
        case {"type": "array"}:
            return len(value) <= part["maxItems"] and all(conforms(item, part["items"]) for item in value)
    return list(value) == part["required"] and all(conforms(value[name], part["properties"][name]) for name in value)


@pytest.mark.parametrize("stated", [False, True])
@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_the_reply_conforms_to_the_schema_and_quotes_the_essay(task: Task, stated: bool) -> None:
    text = "\n  行而知之。“To know is to act”, she said.\n"
    schema = reply.schema(task.rubric, task.language, stated=stated)
    request = Request("r", render(task, text, delimiter("", text)).messages, schema, 500, 10)
    deltas: list[str] = []
    completion = InstantEngine().grade(request, deltas.append, threading.Event())
    assert "".join(deltas) == completion.text == "".join(token.text for token in completion.tokens)
    assert len(deltas) > 1
    read = reply.parse(completion.text, task.rubric, stated=stated)
    assert conforms(json.loads(completion.text), schema)
    assert all(note.quote in text for note in read.notes)
    assert len(re.findall(r"\d", completion.text)) >= len(task.rubric.keys)
