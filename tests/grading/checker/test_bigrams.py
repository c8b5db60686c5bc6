from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grading.checker.bigrams import LIBIME, SUNPINYIN, bigrams, codes, packed_words
from grading.checker.walk import OTHER, after, word_of

both = pytest.mark.parametrize("file", [LIBIME, SUNPINYIN], ids=["libime", "sunpinyin"])


def likelihood(file: Path, first: str, second: str) -> float:
    words, model = bigrams(file)
    return float(after(model, words.index(first), words.index(second)))


@both
def test_what_people_say_is_likelier_than_what_they_do_not(file: Path) -> None:
    assert likelihood(file, "看", "电影") > likelihood(file, "砍", "电影")
    assert likelihood(file, "我", "在") > likelihood(file, "我", "再")


@both
def test_a_pair_that_was_never_seen_is_as_likely_as_its_second_word_after_this_first(file: Path) -> None:
    words, model = bigrams(file)
    assert likelihood(file, "跳", "无") < model.alone[words.index("无")]


@both
def test_probabilities_after_a_word_sum_to_no_more_than_one(file: Path) -> None:
    words, model = bigrams(file)
    plane = words.index("飞机")
    total = np.exp([after(model, plane, second) for second in range(len(words))]).sum()
    assert 0.7 < total < 1.15


@both
def test_words_are_found_by_their_characters(file: Path) -> None:
    words, model = bigrams(file)
    for word in ("我", "飞机", "图书馆"):
        assert words[word_of(model, packed_words(codes(word)[None])[0], len(word))] == word


def test_what_is_no_chinese_character_has_one_code() -> None:
    assert codes("一a😀鿿").tolist() == [1, OTHER, OTHER, 0x9FFF - 0x4DFF]
