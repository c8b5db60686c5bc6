from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from grading.checker import walk
from grading.checker.bigrams import LIBIME, bigrams, codes
from grading.checker.walk import LONGEST_RUN, NONE, Lattice, get, table


def lattice(text: str) -> Lattice:
    return walk.lattice(codes(text), bigrams(LIBIME).model)


def number(word: str) -> int:
    return bigrams(LIBIME).words.index(word)


def runs(found: Lattice) -> list[int]:
    return sorted(set(found.begin[found.begin < found.end].tolist()))


def test_every_key_has_its_value_and_every_other_the_default() -> None:
    keys = np.random.default_rng(0).permutation(1 << 17)[:10_000].astype(np.int64) << 40
    held = table(keys, np.arange(len(keys), dtype=np.int32))
    assert [get(held, key, -1) for key in keys] == list(range(len(keys)))
    assert {get(held, key, -1) for key in keys + 1} == {-1}


def test_an_empty_table_is_answered() -> None:
    assert get(table(np.zeros(0, np.int64), np.zeros(0, np.int32)), 5, -1) == -1


def test_the_best_path_is_the_likeliest_way_to_cut_the_run() -> None:
    found, model = lattice("图书馆"), bigrams(LIBIME).model
    by_hand = []
    for way in (("图书馆",), ("图书", "馆"), ("图", "书", "馆")):
        numbers = [number(word) for word in way]
        by_hand.append(model.alone[numbers[0]] + sum(walk.after(model, *pair) for pair in pairwise(numbers)))
    assert found.best[0] == pytest.approx(max(by_hand))


def test_both_directions_agree_on_each_run_by_itself() -> None:
    text = "我们在学校，学习中文。Hello我也是"
    found = lattice(text)
    paths = found.before + found.behind
    for begin in runs(found):
        assert paths[begin + 1 : found.end[begin] + 1].max() == found.best[begin]
    assert found.best[6] == lattice("学习中文").best[0]


def test_a_gain_is_what_the_run_becomes_more_probable_by() -> None:
    found, model, gains = lattice("他去了，我以前想高诉你"), bigrams(LIBIME).model, np.zeros(1, np.float32)
    walk.rewritten(found, model, np.array([8]), codes("告"), gains)
    wanted = lattice("我以前想告诉你").best[0] - found.best[4]
    assert gains[0] == walk.gain(found, model, 8, number("告诉"), 10, np.float32(0)) == wanted > 0


def test_only_what_gains_less_than_asked_for_is_left_out() -> None:
    text = "我以前想高诉你他再学校"
    found, model = lattice(text), bigrams(LIBIME).model
    for start in range(len(text) - 1):
        for word in map(number, ("告诉", "在", "学校", "的", "电影院")):
            weighed = walk.gain(found, model, start, word, start + 2, np.float32(-np.inf))
            assert walk.gain(found, model, start, word, start + 2, weighed) == weighed
            assert walk.gain(found, model, start, word, start + 2, weighed + 1) in (weighed, -np.inf)
    assert walk.gain(found, model, 0, number("电影院"), 2, np.float32(100)) == -np.inf


def test_a_rewritten_text_is_cut_anew() -> None:
    found, gains = lattice("我门去"), np.zeros(1, np.float32)
    walk.rewritten(found, bigrams(LIBIME).model, np.array([1]), codes("们"), gains)
    assert gains[0] == lattice("我们去").best[0] - found.best[0]


def test_what_nobody_says_is_suspect_and_what_everybody_does_is_not() -> None:
    suspect, alone = walk.suspects(lattice("我想高诉你"), bigrams(LIBIME).model)
    assert suspect[2:4].all()
    assert alone[2:4].any()
    assert not walk.suspects(lattice("我们在学校"), bigrams(LIBIME).model)[0].any()


def test_what_has_no_mark_is_cut_and_what_has_no_chinese_is_nothing() -> None:
    assert runs(lattice("我" * 120)) == [0, LONGEST_RUN, 2 * LONGEST_RUN]
    assert (lattice("abc").number == NONE).all()
    assert runs(lattice("")) == []
