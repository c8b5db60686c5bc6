from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.engines.engine import Completion, Token, Usage
from grading.levels import LevelEstimate, first_levels, levels
from grading.reply import parse
from tests.grading.examples import RUBRIC, as_text, reply


def logs(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {text: math.log(value) if value else -math.inf for text, value in probabilities.items()}


def completion(text: str, tops: Mapping[int, Mapping[str, float]], cut: str = r"\d|\D") -> Completion:
    """A completion whose tokens are matches of `cut`; `tops` gives the probabilities at places of the text."""
    tokens = [Token(found[0], logs(tops.get(found.start(), {}))) for found in re.finditer(cut, text, re.DOTALL)]
    return Completion(text, tokens, Usage(), 0.1, "stop")


def estimates(text: str, tops: Mapping[int, Mapping[str, float]], cut: str = r"\d|\D") -> dict[str, LevelEstimate]:
    return levels(completion(text, tops, cut), parse(text, RUBRIC))


TEXT = as_text(reply())
IDEAS = TEXT.index("4")
LANGUAGE = TEXT.index("2")


def test_the_expected_level_is_the_mean_of_the_six() -> None:
    tops = {IDEAS: {"4": 0.5, "5": 0.25, "3": 0.25}, LANGUAGE: {"2": 0.5, "1": 0.5}}
    found = estimates(TEXT, tops)
    assert found["ideas"].expected == pytest.approx(4)
    assert found["language"].expected == pytest.approx(1.5)
    assert found["ideas"].probabilities == pytest.approx((0, 0, 0.25, 0.5, 0.25, 0))


def test_what_is_no_level_is_left_out_and_the_rest_renormalised() -> None:
    found = estimates(TEXT, {IDEAS: {"4": 0.3, "6": 0.1, "7": 0.2, "44": 0.1, "x": 0.2, "": 0.1}})
    assert found["ideas"].probabilities == pytest.approx((0, 0, 0, 0.75, 0, 0.25))


def test_a_level_with_a_blank_before_it_is_the_same_level() -> None:
    found = estimates(TEXT, {IDEAS - 1: {" 4": 0.4, "4": 0.2, " 1": 0.2}}, cut=r" ?\d|\D")
    assert found["ideas"].probabilities == pytest.approx((0.25, 0, 0, 0.75, 0, 0))


def test_without_log_probabilities_the_level_written_is_certain() -> None:
    found = estimates(TEXT, {})
    assert found["ideas"] == LevelEstimate.certain(4)
    assert found["ideas"].expected == 4
    assert found["ideas"].certainty == 1


def test_a_level_inside_a_longer_token_is_taken_as_written() -> None:
    found = estimates(TEXT, {IDEAS: {"4,": 0.9, "5,": 0.1}}, cut=r"\d,?|\D")
    assert found["ideas"] == LevelEstimate.certain(4)


def test_impossible_levels_count_nothing() -> None:
    found = estimates(TEXT, {IDEAS: {"4": 1.0, "1": 0, "2": 0, "3": 0, "5": 0, "6": 0}})
    assert found["ideas"].probabilities == pytest.approx((0, 0, 0, 1, 0, 0))


def test_digits_and_level_like_words_in_comments_are_not_taken_for_levels() -> None:
    trap = r'"levels": {"ideas": 1, "language": 1}'
    text = as_text(reply(comments={"ideas": trap, "language": "3"}))
    swapped = '{"comments"' + text.split('"comments"')[1].removesuffix("}") + ', "levels": {"ideas": 4, "language": 2}}'
    place = swapped.rindex("4")
    found = estimates(swapped, {place: {"4": 0.5, "6": 0.5}})
    assert found["ideas"].expected == pytest.approx(5)


def test_keys_that_are_the_beginning_of_others_keep_apart() -> None:
    text = TEXT.replace("{", "{ ", 1)
    assert estimates(text, {text.index("2"): {"2": 0.5, "4": 0.5}})["language"].expected == pytest.approx(3)


class TestOfAReplyThatHasJustBegun:
    TOPS: ClassVar = {IDEAS: {"4": 0.5, "5": 0.5}, LANGUAGE: {"2": 0.7, "1": 0.3}}

    @pytest.mark.parametrize("cut", [r"\d|\D", r"\d|\D{1,4}", r".{1,7}", r"[^4]*(?=4)|4|.*"])
    def test_the_estimates_are_those_of_the_whole_and_there_once_all_levels_are(self, cut: str) -> None:
        whole = completion(TEXT, self.TOPS, cut)
        final = levels(whole, parse(TEXT, RUBRIC))
        written = ""
        for count, token in enumerate(whole.tokens, 1):
            written += token.text
            assert first_levels(whole.tokens[:count]) == (final if "}" in written else {})

    def test_there_are_none_when_something_else_comes_first(self) -> None:
        text = as_text({name: reply()[name] for name in ("comments", "levels")})
        assert first_levels(completion(text, {}).tokens) == {}

    @pytest.mark.parametrize("level", ["7", "45", "4.5", '"4"', "-4", "null", "[4]"])
    def test_what_is_no_level_is_not_taken_for_one(self, level: str) -> None:
        text = TEXT.replace("4", level, 1)
        assert list(first_levels(completion(text, {}).tokens)) == ["language"]


@given(st.lists(st.floats(1e-6, 1), min_size=6, max_size=6))
def test_an_estimate_is_a_distribution_over_the_six(weights: list[float]) -> None:
    top = {str(level): weight for level, weight in enumerate(weights, 1)}
    found = estimates(TEXT, {IDEAS: top})["ideas"]
    assert sum(found.probabilities) == pytest.approx(1)
    assert 1 <= round(found.expected, 9) <= 6
    assert 0 <= found.certainty <= 1


def test_certainty_falls_from_one_to_nought_as_the_levels_even_out() -> None:
    even = LevelEstimate(1, (1 / 6,) * 6)
    half = LevelEstimate(1, (0.5, 0.5, 0, 0, 0, 0))
    assert even.certainty == pytest.approx(0)
    assert half.certainty == pytest.approx(1 - math.log(2) / math.log(6))
