"""How likely one Chinese word is after another: a bigram language model of 164,000 words and two million pairs.

The figures are those of libime, the library behind the input method Fcitx 5, which chooses with them among words that
sound the same; `make_bigrams` says how the file beside this one was made of them. Words are known by number.
"""

from __future__ import annotations

import lzma
from array import array
from bisect import bisect_left
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path

FILE = Path(__file__).with_name("bigrams.xz")
UNKNOWN = "<unk>"
STEPS = 8
"""Steps of one in the natural logarithm to which likelihoods are rounded."""


class Bigrams:
    """Natural logarithms of probabilities, smoothed by backing off to the second word alone (Katz)."""

    def __init__(self, packed: bytes) -> None:
        sizes = array("I", packed[: 8 * 4])
        ends = list(accumulate(sizes, initial=8 * 4))
        words, alone, backoff, rows, *seconds, chances = (packed[start:end] for start, end in pairwise(ends))
        self.numbers = {word: number for number, word in enumerate(words.decode().split(" "))}
        self.alone = [-steps / STEPS for steps in alone]
        self._backoff = [steps / STEPS - 16 for steps in backoff]
        self._rows = list(accumulate(array("I", rows), initial=0))
        wide = bytearray(4 * len(chances))
        for byte, column in enumerate(seconds):
            wide[byte::4] = column
        self._seconds = array("I", bytes(wide))
        self._chances = chances
        self.unknown = self.numbers[UNKNOWN]
        # A text's begin is a word that nothing was seen after.
        self.begin = len(self.alone)
        self._backoff.append(0.0)
        self._rows.append(self._rows[-1])
        self.after = lru_cache(maxsize=200_000)(self._after)

    def _after(self, first: int, second: int) -> tuple[float, bool]:
        """How likely the second is after the first, and whether the two were seen together."""
        stop = self._rows[first + 1]
        place = bisect_left(self._seconds, second, self._rows[first], stop)
        if place < stop and self._seconds[place] == second:
            return -self._chances[place] / STEPS, True
        return self._backoff[first] + self.alone[second], False


@cache
def bigrams() -> Bigrams:
    """The model; reading it takes half a second, so whoever imports this module does not wait for it."""
    return Bigrams(lzma.decompress(FILE.read_bytes()))
