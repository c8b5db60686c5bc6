from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.prompt import delimiter, load, render
from grading.rubric import Rubric
from grading.task import LANGUAGES, Task
from tests.grading.examples import TASK, TASK_ZH

texts = st.text(st.characters(exclude_categories=["Cs"]))


def system(task: Task, text: str) -> str:
    return render(task, text, delimiter("key", text)).messages[0]["content"]


@given(text=texts)
def test_the_essay_reaches_the_model_byte_for_byte(text: str) -> None:
    tag = delimiter("key", text)
    last = render(TASK, text, tag).messages[-1]
    assert last["role"] == "user"
    assert last["content"].startswith(f"<{tag}>\n{text}\n</{tag}>\n")


@given(one=texts, other=texts)
def test_all_before_the_last_message_is_the_same_for_every_essay(one: str, other: str) -> None:
    assert system(TASK, one) == system(TASK, other)


@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_the_static_part_holds_task_and_rubric(task: Task) -> None:
    content = system(task, "x")
    assert task.title in content
    assert task.prompt in content
    for criterion in task.rubric.criteria:
        assert f"{criterion.key}: {criterion.name}" in content


def test_braces_in_task_and_essay_stay_what_they_are() -> None:
    task = replace(TASK, prompt="Write {{essay}} here")
    rendered = render(task, "My {{title}} {{nothing}}", "essay-1")
    assert "Write {{essay}} here" in rendered.messages[0]["content"]
    assert "My {{title}} {{nothing}}" in rendered.messages[-1]["content"]
    assert "My {{title}}" not in rendered.messages[0]["content"]


@pytest.mark.parametrize(
    ("descriptors", "lines"),
    [
        ([], ["## a: A"]),
        (["what it argues"], ["## a: A", "what it argues"]),
        (["low", "high"], ["## a: A", "6 = high", "1 = low"]),
        (list("abcdef"), ["## a: A", "6 = f", "5 = e", "4 = d", "3 = c", "2 = b", "1 = a"]),
        (list("abcd"), ["## a: A", "6 = d", "4 = c", "3 = b", "1 = a"]),
    ],
)
def test_descriptors_stand_at_their_levels(descriptors: list[str], lines: list[str]) -> None:
    rubric = Rubric.parse({"criteria": [{"key": "a", "name": "A", "max": 1, "descriptors": descriptors}]})
    assert "\n\n" + "\n".join(lines) + "\n\n" in system(replace(TASK, rubric=rubric), "x")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_version_says_where_the_prompt_lies(language: str) -> None:
    assert load(language).version == f"grade/{language}/v1"
    assert [role for role, _ in load(language).messages] == ["system", "user"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_retry_samples(language: str) -> None:
    assert load(language).retry_temperature > 0


def test_the_same_essay_gets_the_same_prompt_again() -> None:
    assert render(TASK, "x", delimiter("k", "x")) == render(TASK, "x", delimiter("k", "x"))


def test_the_hash_tells_any_two_prompts_apart() -> None:
    hashes = {render(task, text, "essay-1").hash for task in (TASK, TASK_ZH) for text in ("x", "y")}
    assert len(hashes) == 4


def test_nobody_without_the_key_knows_the_tags() -> None:
    assert delimiter("one key", "text") != delimiter("another key", "text")
    assert delimiter("one key", "text") != delimiter("one key", "text.")
    assert delimiter(b"key", "text") == delimiter("key", "text")
