"""How likely one Chinese word is after another: two bigram language models of some two million pairs each.

Their figures are those of the libraries behind two input methods, libime (Fcitx 5) and SunPinyin, which choose with
them among words that sound the same. Each was counted in other texts, so that where both are surprised there is more
to it than what one of them never read. `make_bigrams` says how the files beside this one were made of them. Words are
known by number, and everything is asked for in arrays.
"""

from __future__ import annotations

import lzma
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.checker.hashing import HashTable

LIBIME = Path(__file__).with_name("libime.xz")
SUNPINYIN = Path(__file__).with_name("sunpinyin.xz")
UNKNOWN = "<unk>"
LONGEST_WORD = 4
STEPS = 8
"""Steps of one in the natural logarithm to which likelihoods are rounded."""

OTHER = (1 << 15) - 1
"""The code of what is no Chinese character, or one that no model knows."""

NONE, BEGINS = -1, -2

Codes = NDArray[np.int64]
Numbers = NDArray[np.int64]


def codes(text: str) -> Codes:
    """The characters of a text by number: 1 to 20,992 for those of Unicode's first block of Chinese ones."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    return np.where((points >= 0x4E00) & (points < 0xA000), points - 0x4DFF, OTHER)


class Bigrams:
    """Natural logarithms of probabilities, smoothed by backing off to the second word alone (Katz)."""

    def __init__(self, packed: bytes) -> None:
        sizes = np.frombuffer(packed, np.uint32, 8)
        ends = list(accumulate(sizes.tolist(), initial=8 * 4))
        spelling, alone, backoff, rows, *seconds, chances = (packed[start:end] for start, end in pairwise(ends))
        self.words = spelling.decode().split(" ")
        self.alone = -_bytes(alone).astype(np.float32) / STEPS
        self._backoff = _bytes(backoff).astype(np.float32) / STEPS - 16
        first = np.repeat(np.arange(len(self.words)), np.frombuffer(rows, np.uint32))
        second = sum(_bytes(column).astype(np.int64) << 8 * byte for byte, column in enumerate(seconds))
        self._pairs = HashTable(first * len(self.words) + second, _bytes(chances))
        self.most = self.alone + max(0, self._backoff.max())
        """Of each word how likely it is after whichever word it is likeliest after, or more."""
        np.maximum.at(self.most, second, -_bytes(chances).astype(np.float32) / STEPS)
        self.unknown = self.words.index(UNKNOWN)
        self.characters = np.zeros((len(self.words), LONGEST_WORD), np.int64)
        lengths = np.array([len(word) if word != UNKNOWN else 0 for word in self.words])
        for length in range(1, LONGEST_WORD + 1):
            numbers = np.flatnonzero(lengths == length)
            spelt = codes("".join(self.words[number] for number in numbers))
            self.characters[numbers, :length] = spelt.reshape(-1, length)
        keys = packed_words(self.characters)
        self.character = np.full(1 << 15, self.unknown)
        self.character[keys[lengths == 1]] = np.flatnonzero(lengths == 1)
        words = np.flatnonzero(lengths > 1)
        begun = [keys[lengths > length] & ((1 << 15 * length) - 1) for length in range(2, LONGEST_WORD)]
        begins = np.setdiff1d(np.concatenate(begun), keys)
        self.numbers = HashTable(
            np.concatenate([keys[words], begins]), np.concatenate([words, np.full(len(begins), BEGINS)])
        )

    def after(self, first: Numbers, second: Numbers) -> NDArray[np.float32]:
        """How likely each second word is after its first one."""
        steps = self._pairs.get(first * len(self.words) + second, 255)
        return np.where(steps < 255, -steps.astype(np.float32) / STEPS, self._backoff[first] + self.alone[second])


def packed_words(characters: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of up to four codes as one number each."""
    shifts = 15 * np.arange(characters.shape[1])
    return (characters << shifts).sum(axis=1)


def _bytes(column: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(column, np.uint8)


@cache
def bigrams(file: Path) -> Bigrams:
    """A model; reading it takes a second, so whoever imports this module does not wait for it."""
    return Bigrams(lzma.decompress(file.read_bytes()))
