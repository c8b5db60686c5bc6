"""grading/ask/prompt.py: what a model is told when somebody asks, and what of it is the same for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.ask.matter import Matter
from grading.ask.prompt import render
from grading.task import LANGUAGES, Task
from settings import ROOT
from tests.grading.examples import TASK, TASK_ZH

texts = st.text(st.characters(exclude_categories=["Cs"]))
TASKS = {"en": TASK, "zh": TASK_ZH}
VERSIONS = sorted(file.stem for file in (ROOT / "prompts/ask/en").glob("*.md"))
every_prompt = pytest.mark.parametrize(
    ("language", "version"), [(language, version) for language in LANGUAGES for version in VERSIONS]
)


def matters(task: Task) -> list[Matter]:
    return [Matter(task), Matter(task, "My essay. 我的作文。", "= 12 / 20")]


@every_prompt
@given(question=texts)
def test_question_and_essay_reach_the_model_byte_for_byte_between_tags_of_their_own(
    language: str, version: str, question: str
) -> None:
    for matter in matters(TASKS[language]):
        last = render(matter, question, "key", version).messages[-1]["content"]
        tag = last.rpartition("</")[2].partition(">")[0]
        assert tag.startswith("question-")
        assert f"<{tag}>\n{question}\n</{tag}>" in last
        if matter.essay:
            tag = last[1:].partition(">")[0]
            assert last.startswith(f"<{tag}>\n{matter.essay}\n</{tag}>\n")


def test_nobody_without_the_key_knows_the_tags() -> None:
    [one, other] = (render(Matter(TASK), "Why?", key).messages[-1]["content"] for key in ("one", "other"))
    assert one.partition("\n")[0] != other.partition("\n")[0]


@every_prompt
def test_it_forbids_to_write_the_essay_and_to_obey_the_question(language: str, version: str) -> None:
    never, tags = {"en": ("never write the essay", "tags"), "zh": ("代写作文", "标签之间")}[language]
    for matter in matters(TASKS[language]):
        system = render(matter, "Why?", "key", version).messages[0]["content"]
        assert never in system.lower()
        assert tags in system


@every_prompt
def test_whoever_asks_about_an_assignment_reads_the_same_first(language: str, version: str) -> None:
    """The static part is all before the question's tag, byte for byte, and holds task and rubric."""
    for matter in matters(TASKS[language]):
        prompts = [joined(matter, f"Question {number}? 问题{number}？", version) for number in range(50)]
        static = prompts[0][: prompts[0].index("<question-") + len("<question-")]
        assert all(prompt.startswith(static) for prompt in prompts)
        assert matter.task.prompt in static
        assert matter.task.rubric.criteria[0].name in static


@every_prompt
def test_what_comes_before_an_essay_is_the_same_for_every_essay(language: str, version: str) -> None:
    task = TASKS[language]
    prompts = [
        joined(Matter(task, f"Essay {number}. 第{number}篇。", f"= {number} / 20"), f"Why {number}?", version)
        for number in range(50)
    ]
    static = prompts[0][: prompts[0].index("<essay-") + len("<essay-")]
    assert all(prompt.startswith(static) for prompt in prompts)
    assert task.rubric.criteria[-1].name in static


def joined(matter: Matter, question: str, version: str) -> str:
    return "".join(message["content"] for message in render(matter, question, "key", version).messages)
