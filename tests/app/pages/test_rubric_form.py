"""app/pages/rubric_form.py: a rubric as rows of a form."""

from __future__ import annotations

from typing import Any

import pytest

from app.pages.rubric_form import MIN_ROWS, Row, rows_counted, rows_of, rows_sent, rubric_of, shown
from grading.rubric import MAX_CRITERIA, Rubric

RUBRIC: dict[str, Any] = {
    "criteria": [
        {"key": "ideas", "name": "Ideas", "max": 10, "descriptors": ["None.", "Many."]},
        {"key": "c2", "name": "语言", "max": 2.5, "descriptors": []},
    ]
}


def form_of(rows: list[Row]) -> dict[str, str]:
    return {f"criteria-{index}-{name}": value for index, row in enumerate(rows) for name, value in vars(row).items()}


def test_a_rubric_comes_back_from_its_form_as_it_was() -> None:
    rows = shown(rows_of(Rubric.parse(RUBRIC)))
    again = Rubric.parse(rubric_of(rows_sent(form_of(rows))))
    assert again.content_hash == Rubric.parse(RUBRIC).content_hash


def test_there_is_always_an_empty_row_until_there_can_be_no_more() -> None:
    row = Row(name="x", max="1")
    assert shown([]) == [Row()] * MIN_ROWS
    assert shown([row] * 6) == [row] * 6 + [Row()]
    assert shown([row] * MAX_CRITERIA) == [row] * MAX_CRITERIA
    assert len(shown([], at_least=rows_counted(form_of(shown([]))) + 1)) == MIN_ROWS + 1


def test_a_row_that_was_emptied_is_left_out() -> None:
    rows = [Row("a", "", "10"), Row("b", "Style", "5"), Row("c", "  ", "", "\n")]
    assert [row.key for row in rows_sent(form_of(rows))] == ["b"]


def test_a_row_with_levels_but_no_name_is_kept_and_refused() -> None:
    rows = rows_sent(form_of([Row(descriptors="Good.", max="5")]))
    assert rubric_of(rows)["criteria"][0]["name"] == ""


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Ideas & plan", "ideas_plan"),
        ("Idées", "idees"),
        ("内容", "criterion"),
        ("1. Style", "style"),
        ("x" * 80, "x" * 28),
        ("", "criterion"),
    ],
)
def test_a_new_criterion_is_given_a_key_that_says_something(name: str, key: str) -> None:
    assert rubric_of([Row(name=name)])["criteria"][0]["key"] == key


def test_keys_stay_and_are_never_given_twice() -> None:
    rows = [Row("style", "Ideas"), Row("", "Style"), Row("", "内容"), Row("", "结构")]
    keys = [criterion["key"] for criterion in rubric_of(rows)["criteria"]]
    assert keys == ["style", "style_2", "criterion", "criterion_2"]
