"""grading/ask/check.py: a model says whether an answer answers a question."""

from __future__ import annotations

import threading

import pytest

from grading.ask.check import SCHEMA, answers, render
from grading.grader import unobserved
from grading.reply import InvalidReply
from grading.task import Task
from tests.doubles.talker import TalkingEngine
from tests.grading.examples import TASK, TASK_ZH


def said(words: str) -> tuple[bool, TalkingEngine]:
    engine = TalkingEngine(words=words)
    return (
        answers(
            "How long?",
            "One page.",
            TASK,
            engine,
            request_id="check",
            secret="key",
            cancelled=threading.Event(),
            deadline=1,
            on_call=unobserved,
        ),
        engine,
    )


@pytest.mark.parametrize(("words", "right"), [('{"answers": "yes"}', True), ('{"answers": "no"}', False)])
def test_the_model_decides_in_one_word(words: str, right: bool) -> None:
    answered, engine = said(words)
    assert answered is right
    assert engine.requests[0].schema == SCHEMA


@pytest.mark.parametrize("words", ["", "yes", '{"answers": "perhaps"}', '{"answers": true}', "[]", "{}"])
def test_anything_else_is_no_verdict(words: str) -> None:
    with pytest.raises(InvalidReply):
        said(words)


@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_question_and_answer_stand_between_tags_after_what_is_the_same_for_all(task: Task) -> None:
    system, user = render("Why? {{answer}}", "Because {{title}}.", task, "key").messages
    assert task.prompt in system["content"]
    assert system == render("How?", "So.", task, "key").messages[0]
    for words, name in (("Why? {{answer}}", "question"), ("Because {{title}}.", "answer")):
        assert f">\n{words}\n</{name}-" in user["content"]
