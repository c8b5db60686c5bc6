"""Chinese spelling: characters written for others that sound alike.

Whoever types or hears Chinese writes 跳无 for 跳舞 and 坐功课 for 做功课. Only what stands around shows the second. So
words of the same sound are weighed in their places by one language model, and what makes the text more probable by
that is weighed by a second, which was counted elsewhere. An exchange that gains enough in their mean (of logarithms) is
a finding; the more it gains, the surer it is.

`GAIN` was chosen on the even rows of SIGHAN-15 that `benchmarks.checker` measures: it leaves 92 % of their clean and
corrected sentences alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from grading.checker.bigrams import LIBIME, OTHER, SUNPINYIN, bigrams, codes
from grading.checker.exchanges import FAR, Exchanges, exchanges
from grading.checker.finding import Finding
from grading.checker.lattice import Chances, Lattice

LIKELY = 3.0
"""Natural logarithm by which a run of characters must become more probable by the first model alone."""
GAIN = 2.8
"""And by the mean of both, less its handicap; lower finds more slips, and more in good prose too."""
SURE = 10.0
"""The gain from which on a person is told, of what sounds nearly the same at least: a wrong note is worse than none."""
MOST = 60
"""Findings after which the rest of a text is not read: it is a very long one, or noise, which takes the longest."""
PIECE = 2000
"""Characters that are read at once; an essay is one piece."""

_VARIANTS = str.maketrans("著妳祂牠佔裡祕嚐喫佈", "着你他它占里秘尝吃布")


class _Slip(NamedTuple):
    gain: float
    start: int
    end: int
    meant: str
    sure: bool


def check(text: str) -> list[Finding]:
    """The words of which a character was meant to be another, the first `MOST`."""
    found: list[Finding] = []
    for begin in range(0, len(text), PIECE):
        if len(found) < MOST:
            found += _check(text[begin : begin + PIECE], begin)
    return found[:MOST]


def _check(text: str, begin: int) -> list[Finding]:
    lattice = Lattice(codes(text.translate(_VARIANTS)), bigrams(LIBIME))
    likely = exchanges(lattice, LIKELY)
    gains = (likely.gain + _gains(lattice, likely)) / 2 - likely.handicap
    slips = []
    for place in np.flatnonzero(gains >= GAIN).tolist():
        start, end, changed = (int(column[place]) for column in (likely.start, likely.end, likely.place))
        meant = lattice.model.words[likely.number[place]][changed - start]
        meant = text[start:changed] + meant + text[changed + 1 : end]
        sure = bool(gains[place] > SURE and likely.handicap[place] < FAR)
        slips.append(_Slip(float(gains[place]), start, end, meant, sure))
    return [
        Finding(begin + start, begin + end, "spelling", f"“{text[start:end]}”可能是“{meant}”的笔误。", meant, sure)
        for _, start, end, meant, sure in _apart(slips, len(text))
    ]


def _gains(lattice: Lattice, likely: Exchanges) -> Chances:
    """By what the exchanges change the logarithm of their runs' probabilities by the second model."""
    if not len(likely.start):
        return likely.gain
    runs, owner = np.unique(lattice.run[likely.start], return_inverse=True)
    # Each of the runs as it is, then a copy of its run for each exchange.
    begins = np.concatenate([runs, runs[owner]])
    width = int(np.bincount(lattice.run[lattice.run >= 0])[runs].max()) + 1
    within = np.arange(width)
    copies = np.append(lattice.text, np.full(width, OTHER))[begins[:, None] + within]
    run = np.append(lattice.run, np.full(width, -1))[begins[:, None] + within]
    copies[run != begins[:, None]] = OTHER
    meant = lattice.model.characters[likely.number, likely.place - likely.start]
    copies[np.arange(len(runs), len(copies)), likely.place - begins[len(runs) :]] = meant
    best = Lattice(copies.ravel(), bigrams(SUNPINYIN)).best[::width]
    return best[len(runs) :] - best[: len(runs)][owner]


def _apart(slips: list[_Slip], length: int) -> list[_Slip]:
    """Of those that overlap the best: both characters of 高诉 could be wrong, but not both of them are."""
    kept: list[_Slip] = []
    taken = bytearray(length)
    for one in sorted(slips, reverse=True):
        if not any(taken[one.start : one.end]):
            taken[one.start : one.end] = bytes([1]) * (one.end - one.start)
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)
