"""Chinese spelling: characters written for others that sound alike.

Whoever types or hears Chinese writes 跳无 for 跳舞 and 坐功课 for 做功课. Only what stands around shows the second. So
all ways to cut a run of characters into words are weighed by the model in `bigrams`, and where a word of the
likeliest is less probable after another than it is anywhere, both give way to words of the same sound. What makes the
run more probable by a factor of `e` to the `GAIN` is a finding; the more it gains, the surer it is.

The figures below were chosen on the even rows of SIGHAN-15 that `benchmarks.checker` measures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from grading.checker.bigrams import Bigrams, bigrams
from grading.checker.finding import Finding
from grading.checker.soundalikes import sound, soundalikes
from grading.text import HAN

GAIN = 3.6
"""Natural logarithm by which a run must become more probable; lower finds more slips, and more in good prose too."""
SURE = 10.0
"""The gain from which on a person is told: a wrong note in the margin is worse than none."""
NEARLY = 1.5
"""What an exchange for a character of nearly the same sound needs beyond that."""
ALONE = 0.7
"""What a word of one character needs beyond that: they stand beside almost anything."""
RARE = -12.75
"""Logarithm of its probability below which a word is not what a pupil meant."""
LONGEST_WORD = 4
MOST = 60
"""Findings after which the rest of a text is not read: it is a very long one, or noise, which takes the longest."""

# Prose has a mark before so many characters; without the limit, noise would be one run.
_RUN = re.compile(f"(?:{HAN.pattern}){{1,50}}")
_VARIANTS = ("甚什", "著着", "嚐尝", "祕秘", "裡里", "喫吃", "佈布", "罢吧", "份分")
_NEVER_MEANT = frozenset(
    one + other for group in ("他她它牠祂", "那哪", *_VARIANTS) for one in group for other in group
)
"""Whom a pronoun means, no bigram knows, and a variant is no error."""


class _Exchange(NamedTuple):
    gain: float
    start: int
    end: int
    meant: str


def check(text: str) -> list[Finding]:
    """The words of which a character was meant to be another; with all of their run of characters, the first `MOST`."""
    found: list[Finding] = []
    for run in _RUN.finditer(text):
        if len(found) >= MOST:
            break
        for gain, first, last, meant in _apart(_exchanges(run[0], bigrams())):
            start, end = run.start() + first, run.start() + last
            message = f"“{text[start:end]}”可能是“{meant}”的笔误。"
            found.append(Finding(start, end, "spelling", message, meant, sure=gain > SURE))
    return found


def _apart(exchanges: list[_Exchange]) -> list[_Exchange]:
    """Of those that overlap the best: both characters of 高诉 could be wrong, but not both of them are."""
    kept: list[_Exchange] = []
    for one in sorted(exchanges, reverse=True):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _exchanges(run: str, model: Bigrams) -> list[_Exchange]:
    lattice = _Lattice(run, model)
    suspects, single = lattice.suspects()
    if not suspects:
        return []
    found = []
    sounds = [sound(character) for character in run]
    for start in range(len(run)):
        if start in single:
            for number, meant, handicap in _alone(run[start]):
                gain = lattice.gain(number, start, start + 1, least=GAIN + handicap)
                found.append((gain - handicap, start, start + 1, meant))
        for end in range(start + 2, min(len(run), start + LONGEST_WORD) + 1):
            if suspects.isdisjoint(range(start, end)):
                continue
            for number, meant in _by_sound().get(" ".join(sounds[start:end]), ()):
                if (needed := _handicap(run[start:end], meant)) is not None:
                    gain = lattice.gain(number, start, end, least=GAIN + needed)
                    found.append((gain - needed, start, end, meant))
    return [_Exchange(*one) for one in found if one[0] > GAIN]


@lru_cache(maxsize=10_000)
def _alone(character: str) -> tuple[tuple[int, str, float], ...]:
    """The characters that this one may stand for as a word of its own, and what each needs."""
    numbers, alone = bigrams().numbers, bigrams().alone
    return tuple(
        (numbers[other], other, ALONE + (0 if same else NEARLY))
        for other, same in soundalikes(character).items()
        if other in numbers and alone[numbers[other]] > RARE and character + other not in _NEVER_MEANT
    )


def _handicap(written: str, meant: str) -> float | None:
    """What it needs to be believed that one word was written for another; None where more than a character differs."""
    (wrong, right), *others = [pair for pair in zip(written, meant, strict=True) if pair[0] != pair[1]] or [("", "")]
    same = soundalikes(wrong).get(right) if wrong and not others and wrong + right not in _NEVER_MEANT else None
    return None if same is None else 0 if same else NEARLY


@cache
def _by_sound() -> dict[str, list[tuple[int, str]]]:
    """The words of two characters and more, with their numbers, by the sounds of their characters."""
    model = bigrams()
    words = defaultdict(list)
    for word, number in model.numbers.items():
        if 1 < len(word) <= LONGEST_WORD and model.alone[number] > RARE:
            words[" ".join(map(sound, word))].append((number, word))
    return dict(words)


class _Lattice:
    """All the ways to cut a run of characters into words, with the probability of the best on either side of each."""

    def __init__(self, run: str, model: Bigrams) -> None:
        self._after, self._alone, self._unknown = model.after, model.alone, model.unknown
        self._words = [list(_words_from(run, start, model)) for start in range(len(run))]
        self._before: list[dict[int, float]] = [{} for _ in range(len(run) + 1)]
        self._behind: list[dict[int, float]] = [{} for _ in range(len(run) + 1)]
        self._before[0] = {model.begin: 0.0}
        after = model.after
        for start, words in enumerate(self._words):
            former = self._before[start].items()
            for number, end in words:
                self._before[end][number] = max([chance + after(first, number)[0] for first, chance in former])
        for start in range(len(run) - 1, -1, -1):
            for number, end in self._words[start]:
                rest = self._behind[end].items()
                self._behind[start][number] = max([after(number, next_)[0] + chance for next_, chance in rest] or [0.0])
        self._best = max(self._before[-1].values())

    def gain(self, number: int, start: int, end: int, *, least: float) -> float:
        """What the word makes of the run's probability in this place.

        Nothing where no neighbour was seen with it, or where it must be less than `least` whatever follows.
        """
        after, behind = self._after, self._behind[end]
        left, seen_left = max(
            [
                (chance + pair[0], pair[1])
                for word, chance in self._before[start].items()
                for pair in (after(word, number),)
            ]
        )
        if left + max(behind.values(), default=0.0) - self._best < least:
            return 0.0
        right, seen_right = max(
            [(chance + pair[0], pair[1]) for word, chance in behind.items() for pair in (after(number, word),)],
            default=(0.0, False),
        )
        return left + right - self._best if seen_left or seen_right else 0.0

    def suspects(self) -> tuple[set[int], set[int]]:
        """The places of the likeliest words of which one is less probable after the other than it is anywhere.

        And, of these places, the ones that are words of one character.
        """
        after = self._after
        suspects: set[int] = set()
        path: list[tuple[int, int, int]] = []
        start, former = 0, next(iter(self._before[0]))
        while start < len(self._words):
            number, end = max(
                self._words[start], key=lambda word: after(former, word[0])[0] + self._behind[start][word[0]]
            )
            if number == self._unknown or (path and after(former, number)[0] < self._alone[number]):
                suspects.update(range(path[-1][0] if path else start, end))
            path.append((start, end, number))
            start, former = end, number
        return suspects, {start for start, end, _ in path if end == start + 1 and start in suspects}


def _words_from(run: str, start: int, model: Bigrams) -> Iterator[tuple[int, int]]:
    """The words that begin here, by number, with their ends; a character that is none is unknown."""
    numbers = model.numbers
    yield numbers.get(run[start], model.unknown), start + 1
    for end in range(start + 2, min(len(run), start + LONGEST_WORD) + 1):
        if (number := numbers.get(run[start:end])) is not None:
            yield number, end
