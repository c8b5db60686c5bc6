"""How likely one Chinese word is after another: two bigram language models of some two million pairs each.

Their figures are those of the libraries behind two input methods, libime (Fcitx 5) and SunPinyin, which choose with
them among words that sound the same. Each was counted in other texts, so that where both are surprised there is more
to it than what one of them never read. `make_bigrams` says how the files beside this one were made of them.
"""

from __future__ import annotations

import lzma
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grading.checker.walk import BEGINS, LONGEST_WORD, OTHER, STEPS, Codes, Model, table

LIBIME = Path(__file__).with_name("libime.xz")
SUNPINYIN = Path(__file__).with_name("sunpinyin.xz")
UNKNOWN = "<unk>"


def codes(text: str) -> Codes:
    """The characters of a text by number: 1 to 20,992 for those of Unicode's first block of Chinese ones."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    return np.where((points >= 0x4E00) & (points < 0xA000), points - 0x4DFF, OTHER)


class Bigrams(NamedTuple):
    words: list[str]
    """Known by their places, as everywhere in the model."""
    model: Model


@cache
def bigrams(file: Path) -> Bigrams:
    """A model; reading it takes a second, so whoever imports this module does not wait for it."""
    packed = lzma.decompress(file.read_bytes())
    sizes = np.frombuffer(packed, np.uint32, 8)
    ends = list(accumulate(sizes.tolist(), initial=8 * 4))
    spelling, alone, backoff, rows, *seconds, chances = (packed[start:end] for start, end in pairwise(ends))
    words = spelling.decode().split(" ")
    first = np.repeat(np.arange(len(words)), np.frombuffer(rows, np.uint32))
    second = sum(_bytes(column).astype(np.int64) << 8 * byte for byte, column in enumerate(seconds))
    characters = _spelling(words)
    keys = packed_words(characters)
    single, longer = (np.flatnonzero(long) for long in ((keys > 0) & (keys <= OTHER), keys > OTHER))
    character = np.full(1 << 15, words.index(UNKNOWN))
    character[keys[single]] = single
    begun = [keys[longer] & ((1 << 15 * length) - 1) for length in range(2, LONGEST_WORD)]
    begins = np.setdiff1d(np.concatenate(begun), keys)
    numbers = np.concatenate([longer, np.full(len(begins), BEGINS)]).astype(np.int32)
    singly = -_bytes(alone).astype(np.float32) / np.float32(STEPS)
    weights = _bytes(backoff).astype(np.float32) / np.float32(STEPS) - np.float32(16)
    most = singly + max(np.float32(0), weights.max())
    np.maximum.at(most, second, -_bytes(chances).astype(np.float32) / STEPS)
    model = Model(
        singly,
        weights,
        most,
        characters,
        table(first * len(words) + second, _bytes(chances)),
        table(np.concatenate([keys[longer], begins]), numbers),
        character,
    )
    return Bigrams(words, model)


def _spelling(words: list[str]) -> NDArray[np.int16]:
    characters = np.zeros((len(words), LONGEST_WORD), np.int16)
    lengths = np.array([len(word) if word != UNKNOWN else 0 for word in words])
    for length in range(1, LONGEST_WORD + 1):
        numbers = np.flatnonzero(lengths == length)
        spelt = codes("".join(words[number] for number in numbers))
        characters[numbers, :length] = spelt.reshape(-1, length)
    return characters


def packed_words(characters: NDArray[np.integer]) -> NDArray[np.int64]:
    """Rows of up to four codes as one number each."""
    return (characters.astype(np.int64) << 15 * np.arange(characters.shape[1])).sum(axis=1)


def _bytes(column: bytes) -> NDArray[np.uint8]:
    return np.array(np.frombuffer(column, np.uint8))
