from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from grading.regrading import Change, comparable, compare


def grade(level: float = 4.0, points: float = 6.0, **columns: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "total": Decimal(str(points)),
        "max": Decimal(10),
        "criteria": [{"key": "ideas", "name": "Ideas", "level": level, "points": points, "comment": "Clear."}],
        "annotations": [],
        "strengths": ["Clear."],
        "suggestions": [],
        "confidence": 0.8,
        "model": "m",
        "engine_version": "vllm 1",
        "prompt_version": "grade/en/v1",
        "hashes": {"prompt": "a", "essay": "e"},
        "made_with": {"temperature": 0.0, "attempt": 1, "dtype": "auto"},
    }
    return comparable(values | columns)


def test_the_same_is_the_same() -> None:
    found = compare(grade(), grade())
    assert found.same
    assert found.verdict.startswith("The same: every level")


def test_points_and_ids_are_plain_json() -> None:
    key = uuid.uuid4()
    assert grade(calibration_id=key)["calibration_id"] == str(key)
    assert grade()["total"] == 6


@pytest.mark.parametrize(
    ("columns", "changed"),
    [
        ({"model": "n"}, [Change("model", "m", "n")]),
        ({"engine_version": "vllm 2"}, [Change("engine_version", "vllm 1", "vllm 2")]),
        ({"prompt_version": "grade/en/compact"}, [Change("prompt_version", "grade/en/v1", "grade/en/compact")]),
        ({"hashes": {"prompt": "b", "essay": "e"}}, [Change("hashes.prompt", "a", "b")]),
        ({"calibration_id": "c"}, [Change("calibration_id", None, "c")]),
        ({"made_with": {"attempt": 1, "dtype": "float16"}}, [Change("made_with.dtype", "auto", "float16")]),
    ],
)
def test_each_thing_that_a_grade_comes_from_is_named(columns: dict[str, Any], changed: list[Change]) -> None:
    found = compare(grade(), grade(**columns))
    assert found.inputs == changed
    assert found.same_result
    assert found.verdict == "The same levels and points, although it comes from something else now."


def test_what_an_old_grade_does_not_say_of_itself_is_not_held_against_the_new_one() -> None:
    assert compare(grade(hashes={}, made_with=None), grade()).same


def test_other_levels_from_the_same_inputs_are_the_models_doing() -> None:
    found = compare(grade(), grade(level=4.5, points=7.0))
    assert (found.criteria[0].level, found.criteria[0].points, found.total) == ((4.0, 4.5), (6.0, 7.0), (6, 7))
    assert "does not always say the same" in found.verdict
    sampled = {"temperature": 0.7, "attempt": 2, "dtype": "auto"}
    assert "drawn at random" in compare(grade(made_with=sampled), grade(level=4.5, points=7.0)).verdict


def test_other_words_are_told_apart_from_another_grade() -> None:
    found = compare(grade(), grade(strengths=["Lively."]))
    assert (found.same, found.same_result, found.same_words) == (False, True, False)
    assert "in other words" in found.verdict


def test_a_criterion_that_only_one_has_is_shown_with_a_gap() -> None:
    other = grade()
    other["criteria"] = [other["criteria"][0] | {"key": "style", "name": "Style"}]
    names = [(each.name, each.level) for each in compare(grade(), other).criteria]
    assert names == [("Ideas", (4.0, None)), ("Style", (None, 4.0))]
