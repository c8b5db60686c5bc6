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

from grading.checker.finding import Finding

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


def is_compiled() -> bool:
    """Whether the first check of a process needs not half a minute, but seconds to read its models."""
    from grading.checker import walk
    from grading.checker.compiled import is_kept

    return is_kept(walk.rewritten)


def compile_() -> None:
    """What `is_compiled` asks for: `check` once what has a slip."""
    check("我以前想要高诉你。")


def _check(text: str, begin: int) -> list[Finding]:
    from grading.checker.exchanges import exchanges  # numba takes half a second, which English need not wait for

    slips = []
    for one in exchanges(text.translate(_VARIANTS)):
        if one.gain >= GAIN:
            meant = text[one.start : one.place] + one.meant + text[one.place + 1 : one.end]
            slips.append(_Slip(one.gain, one.start, one.end, meant, sure=one.gain > SURE and not one.far))
    return [
        Finding(begin + start, begin + end, "spelling", f"“{text[start:end]}”可能是“{meant}”的笔误。", meant, sure)
        for _, start, end, meant, sure in _apart(slips, len(text))
    ]


def _apart(slips: list[_Slip], length: int) -> list[_Slip]:
    """Of those that overlap the best: both characters of 高诉 could be wrong, but not both of them are."""
    kept: list[_Slip] = []
    taken = bytearray(length)
    for one in sorted(slips, reverse=True):
        if not any(taken[one.start : one.end]):
            taken[one.start : one.end] = bytes([1]) * (one.end - one.start)
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)
