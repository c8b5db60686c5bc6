"""Whether an answer that was kept for one question answers another: a model is asked in the shadow, and nobody sees it.

Two good answers to one question differ in every word, so a second answer would prove nothing; whether this one answers
that question is what must be known.
"""

from __future__ import annotations

import json

from grading.engines.engine import Engine, Flag, Request
from grading.grader import OnCall
from grading.prompt import Rendered, delimiter, rendered, static_values
from grading.prompts.defaults import default
from grading.reply import InvalidReply
from grading.task import Task

PROMPT = "check_answer"
SCHEMA = {
    "type": "object",
    "properties": {"answers": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answers"],
    "additionalProperties": False,
}
MAX_TOKENS = 24


def render(question: str, answer: str, task: Task, secret: str | bytes) -> Rendered:
    values = static_values(task) | {
        "question_delimiter": delimiter(secret, question, "question"),
        "question": question,
        "delimiter": delimiter(secret, answer, "answer"),
        "answer": answer,
    }
    return rendered(default(PROMPT, task.language), values)


def answers(
    question: str,
    answer: str,
    task: Task,
    engine: Engine,
    *,
    request_id: str,
    secret: str | bytes,
    cancelled: Flag,
    deadline: float,
    on_call: OnCall,
) -> bool:
    """What the model says. Raises `InvalidReply` when it says neither, and what the engine raises."""
    request = Request(
        id=request_id,
        messages=render(question, answer, task, secret).messages,
        schema=SCHEMA,
        max_tokens=MAX_TOKENS,
        deadline=deadline,
    )
    with on_call(request) as replied:
        completion = engine.grade(request, lambda delta: None, cancelled)
        replied(completion)
        try:
            said = json.loads(completion.text)["answers"]
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidReply("it is neither yes nor no") from error
        if said not in ("yes", "no"):
            raise InvalidReply("it is neither yes nor no")
        return bool(said == "yes")
