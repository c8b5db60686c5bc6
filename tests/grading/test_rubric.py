from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.rubric import Rubric, RubricError, number, points


def criterion(**changes: Any) -> dict[str, Any]:
    return {"key": "ideas", "name": "Ideas", "max": 10, **changes}


def faults(obj: object) -> list[str]:
    """The fields that are refused."""
    with pytest.raises(RubricError) as caught:
        Rubric.parse(obj)
    assert all(error["message"] for error in caught.value.errors)
    return [error["field"] for error in caught.value.errors]


def test_a_rubric_reads_what_it_writes() -> None:
    rubric = Rubric.parse({"criteria": [criterion(descriptors=["weak", "strong"]), criterion(key="b", max="2.5")]})
    assert Rubric.parse(rubric.to_json()) == rubric
    assert rubric.max == Decimal("12.5")


def test_one_descriptor_may_stand_without_a_list() -> None:
    rubric = Rubric.parse({"criteria": [criterion(descriptors="what the essay argues")]})
    assert rubric.criteria[0].descriptors == ("what the essay argues",)


@pytest.mark.parametrize("obj", [None, 3, "x", [], ["criteria"]])
def test_what_is_no_object_is_refused(obj: object) -> None:
    assert faults(obj) == ["rubric"]


@pytest.mark.parametrize("criteria", [None, {}, "x", [], [criterion(key=f"k{index}") for index in range(13)]])
def test_there_are_1_to_12_criteria(criteria: object) -> None:
    assert faults({"criteria": criteria}) == ["rubric.criteria"]


@pytest.mark.parametrize("key", [None, "", "Ideas", "1st", "a-b", "思想", "a" * 33, 7])
def test_a_key_is_a_short_lower_case_name(key: object) -> None:
    assert faults({"criteria": [criterion(key=key)]}) == ["rubric.criteria[0].key"]


@pytest.mark.parametrize("name", [None, "", "  ", "x" * 81, "two\nlines", "nul\0", "half \ud800", 7])
def test_a_name_is_one_printable_line(name: object) -> None:
    assert faults({"criteria": [criterion(name=name)]}) == ["rubric.criteria[0].name"]


@pytest.mark.parametrize("name", ["立意　与结构", "👩‍👩‍👧", "שלום", "x" * 80])
def test_a_name_may_be_in_any_script(name: str) -> None:
    assert Rubric.parse({"criteria": [criterion(name=name)]}).criteria[0].name == name


@pytest.mark.parametrize(
    "maximum", [None, 0, -1, 1000.5, "ten", True, float("nan"), float("inf"), 1.005, "1e999999999", []]
)
def test_a_maximum_is_a_decent_number_of_points(maximum: object) -> None:
    assert faults({"criteria": [criterion(max=maximum)]}) == ["rubric.criteria[0].max"]


def test_a_maximum_too_long_to_be_read_as_a_number_is_refused() -> None:
    assert faults({"criteria": [criterion(max=10**5000)]}) == ["rubric.criteria[0].max"]


@pytest.mark.parametrize("descriptors", [7, ["a"] * 7, [""], ["x" * 1001], [3], {"1": "weak"}, ["nul\0"]])
def test_descriptors_are_up_to_six_texts(descriptors: object) -> None:
    assert faults({"criteria": [criterion(descriptors=descriptors)]}) == ["rubric.criteria[0].descriptors"]


def test_all_faults_come_out_at_once() -> None:
    obj = {"scale": 6, "criteria": [criterion(key="A", max=0), "x", criterion(weight=2), criterion()]}
    assert faults(obj) == [
        "rubric.scale",
        "rubric.criteria[0].key",
        "rubric.criteria[0].max",
        "rubric.criteria[1]",
        "rubric.criteria[2].weight",
        "rubric.criteria[3].key",  # used twice
    ]


def test_the_hash_is_of_the_content_not_of_the_spelling() -> None:
    same = [Rubric.parse({"criteria": [criterion(max=value)]}).content_hash for value in (10, 10.0, "10.00")]
    assert len(set(same)) == 1
    assert Rubric.parse({"criteria": [criterion(max=11)]}).content_hash not in same


def test_levels_map_to_points_in_a_straight_line() -> None:
    assert [points(level, Decimal(10)) for level in range(1, 7)] == [0, 2, 4, 6, 8, 10]


def test_points_between_levels_are_rounded_half_up_to_a_cent() -> None:
    assert points(3.25, Decimal(1)) == Decimal("0.45")
    assert points(1.05, Decimal("0.5")) == Decimal("0.01")  # 0.005


@given(
    level=st.floats(1, 6, allow_nan=False),
    maximum=st.decimals(min_value="0.01", max_value=1000, places=2),
)
def test_points_never_leave_the_scale(level: float, maximum: Decimal) -> None:
    assert 0 <= points(level, maximum) <= maximum


@pytest.mark.parametrize("level", [0.99, 6.01, 0, -3])
def test_a_level_off_the_scale_has_no_points(level: float) -> None:
    with pytest.raises(ValueError, match="between 1 and 6"):
        points(level, Decimal(10))


def test_points_are_json_numbers() -> None:
    assert repr(number(Decimal("10.00"))) == "10"
    assert repr(number(Decimal("7.25"))) == "7.25"
