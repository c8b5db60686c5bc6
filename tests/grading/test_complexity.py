from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.complexity import WINDOW, Complexity, diversity, measure
from tests.corpus import chinese_essays, english_essays


def counted(characters: int = 0, diversity: float = 0, sentence_words: float = 0, errors: int = 0) -> Complexity:
    from grading.checker import Finding

    return Complexity("en", characters, diversity, sentence_words, (Finding(0, 1, "grammar", "No."),) * errors)


@pytest.mark.parametrize(
    ("complexity", "score"),
    [
        (counted(), 0),
        (counted(characters=2500), 0.15),
        (counted(diversity=0.5), 0.15),
        (counted(sentence_words=25), 0.1),
        (counted(errors=5), 0.1),
        (counted(2500, 0.5, 25, 5), 0.5),
    ],
)
def test_the_score_is_the_weighed_sum_of_its_parts(complexity: Complexity, score: float) -> None:
    assert complexity.score == pytest.approx(score)


def test_no_part_is_more_than_full() -> None:
    complexity = counted(50_000, 1, 500, 100)
    assert set(complexity.parts.values()) == {1}
    assert complexity.score == pytest.approx(1)


def test_every_part_is_to_be_seen() -> None:
    assert counted(2500, 0.5, 25, 5).to_json() == {
        "score": 0.5,
        "parts": {"length": 0.5, "vocabulary": 0.5, "sentences": 0.5, "errors": 0.5},
        "language": "en",
        "characters": 2500,
        "diversity": 0.5,
        "sentence_words": 25,
        "errors": 5,
    }


def test_the_words_and_sentences_of_each_language_are_counted() -> None:
    english = measure("I like cats. You like dogs.")
    chinese = measure("我们喜欢看电影。你们喜欢看电影。")
    assert (english.language, english.sentence_words, english.diversity) == ("en", 3, pytest.approx(5 / 6))
    assert (chinese.language, chinese.sentence_words, chinese.diversity) == ("zh", 4, pytest.approx(5 / 8))


def test_the_language_can_be_given() -> None:
    assert measure("我 like cats 很 much", "zh").language == "zh"


def test_diversity_is_that_of_the_windows_and_does_not_fall_with_length() -> None:
    words = [str(number % WINDOW) for number in range(40 * WINDOW)]
    assert diversity(words) == 1
    assert diversity(words[:10]) == 1
    assert diversity(["a"] * 3 * WINDOW) == pytest.approx(1 / WINDOW)
    assert diversity([]) == 0
    assert diversity(["a", "b", "a", "c"], window=2) == 1
    assert diversity(["a", "a", "b"], window=2) == pytest.approx((0.5 + 1) / 2)


@given(st.lists(st.sampled_from("abcdefgh")), st.integers(1, 9))
def test_diversity_is_what_counting_each_window_anew_gives(words: list[str], window: int) -> None:
    windows = [words[start : start + window] for start in range(max(1, len(words) - window + 1))]
    expected = sum(len(set(one)) / len(one) for one in windows if one) / len(windows)
    assert diversity(words, window) == pytest.approx(expected)


@settings(deadline=None)
@given(st.text())
def test_any_text_has_a_score_between_nought_and_one(text: str) -> None:
    complexity = measure(text)
    assert 0 <= complexity.score <= 1
    assert complexity.characters == len(text)


def test_more_errors_in_the_same_essay_make_it_more_complex() -> None:
    essay = english_essays(1)[0][:800]
    assert measure(essay.replace("the ", "teh ", 3)).errors > measure(essay).errors


def test_real_essays_have_a_score_that_tells_them_apart() -> None:
    for essays in (english_essays(8), chinese_essays(8)):
        assert all(0.2 < measure(text).score < 0.9 for text in essays)
