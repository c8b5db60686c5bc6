from __future__ import annotations

import numpy as np
import pytest

from grading.checker.bigrams import LIBIME, Numbers, bigrams, codes
from grading.checker.lattice import LONGEST_RUN, Lattice


def lattice(text: str) -> Lattice:
    return Lattice(codes(text), bigrams(LIBIME))


def numbers(*words: str) -> Numbers:
    return np.array([bigrams(LIBIME).words.index(word) for word in words], np.int64)


def test_the_best_path_is_the_likeliest_way_to_cut_the_run() -> None:
    found, model = lattice("图书馆"), bigrams(LIBIME)
    ways = [("图书馆",), ("图书", "馆"), ("图", "书", "馆")]
    by_hand = [
        model.alone[numbers(way[0])][0] + model.after(numbers(*way[:-1]), numbers(*way[1:])).sum() for way in ways
    ]
    assert found.best[0] == pytest.approx(max(by_hand))


def test_both_directions_agree_on_each_run_by_itself() -> None:
    text = "我们在学校，学习中文。Hello我也是"
    found = lattice(text)
    paths = found.before + found.behind[:-1]
    for run in np.unique(found.run[found.run >= 0]):
        assert paths[found.run[found.start] == run].max() == pytest.approx(found.best[run], abs=1e-3)
    assert found.best[6] == pytest.approx(lattice("学习中文").best[0])


def test_a_gain_is_what_the_run_becomes_more_probable_by() -> None:
    found = lattice("他去了，我以前想高诉你")
    start = np.array([8])
    gain = found.gain(numbers("告诉"), start, start + 2, 0.0)
    assert gain[0] == pytest.approx(lattice("我以前想告诉你").best[0] - found.best[4], abs=1e-3)


def test_where_a_gain_is_less_than_asked_for_it_is_not_weighed() -> None:
    found = lattice("我以前想告诉你")
    assert found.gain(numbers("高速"), np.array([4]), np.array([6]), 1.0)[0] < 1


def test_what_has_no_mark_is_cut_and_what_has_no_chinese_is_nothing() -> None:
    assert set(lattice("我" * 120).run) == {0, LONGEST_RUN, 2 * LONGEST_RUN}
    assert lattice("abc").sink == lattice("").sink == 0
