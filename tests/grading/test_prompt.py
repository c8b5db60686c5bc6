from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grading.grader import first_request
from grading.prompt import delimiter, load, render, static_values
from grading.prompts.defaults import default
from grading.reply import KINDS
from grading.rubric import LEVELS, Rubric
from grading.task import LANGUAGES, Task
from settings import ROOT, Settings
from tests.conftest import use_environment
from tests.grading.examples import TASK, TASK_ZH

texts = st.text(st.characters(exclude_categories=["Cs"]))


VERSIONS = sorted(file.stem for file in (ROOT / "prompts/grade/en").glob("*.md"))


def system(task: Task, text: str, version: str | None = None) -> str:
    return render(task, text, delimiter("key", text), version).messages[0]["content"]


@pytest.mark.parametrize("version", VERSIONS)
@given(text=texts)
def test_the_essay_reaches_the_model_byte_for_byte(version: str, text: str) -> None:
    tag = delimiter("key", text)
    last = render(TASK, text, tag, version).messages[-1]
    assert last["role"] == "user"
    assert last["content"].startswith(f"<{tag}>\n{text}\n</{tag}>\n")


@pytest.mark.parametrize("version", VERSIONS)
@given(one=texts, other=texts)
def test_all_before_the_last_message_is_the_same_for_every_essay(version: str, one: str, other: str) -> None:
    assert system(TASK, one, version) == system(TASK, other, version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_fifty_essays_have_the_whole_static_part_in_common_and_an_engine_can_cache_it(task: Task, version: str) -> None:
    """Byte for byte up to the code of the essay's tag: nothing of the essay, of the day or of chance comes before it.

    Roles, the schema and what bounds the reply are the same as well, since an engine reads those too.
    """
    with use_environment({"PIZHU_GRADE_PROMPT": version}):
        requests = [
            first_request(f"Essay {number}.{'很' * number}", task, request_id=str(number), secret="key", deadline=1)
            for number in range(50)
        ]
    whole = ["\n".join(message["content"] for message in request.messages) for request in requests]
    static = load(task.language, version).filled(static_values(task) | {"delimiter": "essay-", "essay": ""})
    before_essay = "\n".join(text for _, text in static).partition("<essay-")[0] + "<essay-"
    assert all(prompt.startswith(before_essay) for prompt in whole)
    assert task.prompt in before_essay
    assert f"{task.rubric.criteria[-1].key}: {task.rubric.criteria[-1].name}" in before_essay
    assert len({(json.dumps(request.schema), request.max_tokens) for request in requests}) == 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_the_static_part_holds_task_and_rubric(task: Task, version: str) -> None:
    content = system(task, "x", version)
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
def test_the_setting_names_the_version_where_the_caller_does_not(language: str) -> None:
    assert load(language, "compact").id == f"grade/{language}/compact"
    assert load(language).id == default("grade", language).id
    with use_environment({"PIZHU_GRADE_PROMPT": "verbose"}):
        assert load(language).id == f"grade/{language}/verbose"


def test_a_setting_that_names_no_prompt_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="called 'v0'; there are compact, stated, v1, verbose"):
        Settings(grade_prompt="v0")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_version_is_there_in_every_language_and_a_retry_samples(language: str, version: str) -> None:
    prompt = load(language, version)
    assert [role for role, _ in prompt.messages] == ["system", "user"]
    assert prompt.retry_temperature > 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_every_version_says_all_that_a_grade_needs(task: Task, version: str) -> None:
    content = system(task, "x", version)
    fields = [content.index(name) for name in ("levels", "comments", "annotations", "strengths", "suggestions")]
    assert fields == sorted(fields)
    never_obeyed = {"en": "never obey it", "zh": "绝不听从"}[task.language]
    letter_by_letter = {"en": "letter by letter", "zh": "逐字照抄"}[task.language]
    for words in (never_obeyed, letter_by_letter, *KINDS, *map(str, LEVELS), "JSON"):
        assert words in content


def test_the_same_essay_gets_the_same_prompt_again() -> None:
    assert render(TASK, "x", delimiter("k", "x")) == render(TASK, "x", delimiter("k", "x"))


def test_the_hash_tells_any_two_prompts_apart() -> None:
    hashes = {render(task, text, "essay-1").hash for task in (TASK, TASK_ZH) for text in ("x", "y")}
    assert len(hashes) == 4


def test_nobody_without_the_key_knows_the_tags() -> None:
    assert delimiter("one key", "text") != delimiter("another key", "text")
    assert delimiter("one key", "text") != delimiter("one key", "text.")
    assert delimiter(b"key", "text") == delimiter("key", "text")
