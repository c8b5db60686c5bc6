from __future__ import annotations

from typing import Any

import pytest

from grading.task import Task, TaskError
from tests.grading.examples import TASK, TASK_ZH


def faults(obj: object) -> list[str]:
    with pytest.raises(TaskError) as caught:
        Task.parse(obj)
    return [error["field"] for error in caught.value.errors]


def changed(**changes: Any) -> dict[str, Any]:
    return {**TASK.to_json(), **changes}


@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_a_task_reads_what_it_writes(task: Task) -> None:
    assert Task.parse(task.to_json()) == task


def test_all_faults_come_out_at_once_the_rubrics_too() -> None:
    assert faults({"title": "two\nlines", "prompt": " ", "language": "fr", "rubric": {"criteria": [{}]}}) == [
        "title",
        "prompt",
        "language",
        "rubric.criteria[0].key",
        "rubric.criteria[0].name",
        "rubric.criteria[0].max",
    ]


def test_missing_fields_are_named() -> None:
    assert faults({}) == ["title", "prompt", "language", "rubric"]
    assert faults([]) == [""]


def test_a_prompt_may_have_many_lines_but_no_control_characters() -> None:
    assert Task.parse(changed(prompt="one\ntwo")).prompt == "one\ntwo"
    assert faults(changed(prompt="nul\0")) == ["prompt"]


def test_what_is_not_the_graders_business_is_left_alone() -> None:
    assert Task.parse(changed(deadline="2030-01-01")) == TASK


@pytest.mark.parametrize(
    "change", [{"title": "B"}, {"prompt": "B"}, {"language": "zh"}, {"rubric": TASK_ZH.rubric.to_json()}]
)
def test_the_hash_changes_with_everything_a_grade_depends_on(change: dict[str, Any]) -> None:
    assert Task.parse(changed(**change)).content_hash != TASK.content_hash
