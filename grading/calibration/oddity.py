"""Texts that are like no essay of their class, so that points learned from the class say nothing of them.

- *order*: its words stand in no order. Pairs of neighbouring words that other essays of the class have as well are
  common in any essay and rare once its words are shuffled; a text's own pairs are held against both, by the ratio of
  their likelihoods (Jerzy Neyman, Egon Pearson, “On the problem of the most efficient tests of statistical hypotheses”,
  Philosophical Transactions of the Royal Society A 231, 1933). A short text, which could be either, is left in peace.
- *borrowed*: more than a third of it is said twice or copied from the task.
- *topic*: its words are those of another task: how much more of the class has written them than the language's
  frequencies let expect, as a mean logarithm over the essay's words of content, lies far below what is usual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from grading.feature_words import wordlist
from grading.segmentation import sentences, words
from grading.substance import own_sentences
from grading.text import Language

Checksums = NDArray[np.uint64]

FEWEST = 50
"""Essays from which on it can be said what is usual."""
SHUFFLES = 4
EVIDENCE = 5.0
"""Natural logarithm of the ratio of likelihoods from which on a text's words are called shuffled."""
OF_THE_WEAK = 0.1
"""The quantile of the class's shares of common pairs that an essay in order is expected to have."""
BORROWED = 1 / 3
FAR = 2.75
"""Standard deviations (by the median and the median deviation) below the class from which on a topic is another."""
UNSHARED = -0.5
"""What a word counts for that not even two others of the class have written."""
FEWEST_WORDS = 20
"""Words from which on an order can be told, and different words of content from which on a topic."""


class Oddity(StrEnum):
    """What a teacher is told of it."""

    order = "Its words seem to stand in no order"
    borrowed = "More than a third of it is said twice or copied from the task"
    topic = "It seems to answer another task"


@dataclass(frozen=True)
class Usual:
    """What is usual in a class, learned from its essays; no mark is needed for it."""

    language: Language
    prompt: str
    _pairs: Checksums
    """Checksums of the pairs that at least two essays have, in order."""
    _share: float
    _counts: dict[str, int]
    """Of words of content: how many of the `_essays`, which are of `_length` words on average, have each."""
    _essays: int
    _length: float
    _topic: tuple[float, float]
    """Where the class's essays lie by their topic: the middle, and the standard deviation around it."""

    @classmethod
    def learn(cls, texts: Sequence[str], language: Language, prompt: str) -> Usual | None:
        """None where there are too few texts."""
        if len(texts) < FEWEST:
            return None
        cut = [_words(text) for text in texts]
        found = [_pairs(*_ends(text, language)) for text in cut]
        pairs, times = np.unique(np.concatenate([np.unique(of_text) for of_text in found]), return_counts=True)
        # At least two *other* essays must have a pair that one of the class is to be credited with.
        shares = [float(np.mean(_among(pairs[times > 2], of_text))) if len(of_text) else 0.0 for of_text in found]
        content = [_content(text, language) for text in cut]
        usual = cls(
            language,
            prompt,
            pairs[times > 1],
            min(float(np.quantile(shares, OF_THE_WEAK)), 0.99),  # nothing is certain, also where all write the same
            {word: count for word, count in Counter(word for text in content for word in text).items() if count > 1},
            len(texts),
            float(np.mean([len(text) for text in cut])),
            (0.0, 0.0),
        )
        places = [usual._place(text, own=1) for text in content if len(text) >= FEWEST_WORDS]
        middle = float(np.median(places)) if places else 0.0
        spread = 1.4826 * float(np.median(np.abs(np.array(places) - middle))) if places else 0.0
        return cls(**(vars(usual) | {"_topic": (middle, spread)}))

    def oddity(self, text: str) -> Oddity | None:
        """What is odd about a text, if anything is; the same text, the same answer."""
        whole = sentences(text)
        cut = [word.text.lower() for sentence in whole for word in sentence.words]
        _, repeated, copied = own_sentences(whole, self.prompt)
        if repeated + copied > BORROWED:
            return Oddity.borrowed
        content, (middle, spread) = _content(cut, self.language), self._topic
        if len(content) >= FEWEST_WORDS and spread and self._place(content) < middle - FAR * spread:
            return Oddity.topic
        return Oddity.order if len(cut) >= FEWEST_WORDS and self._shuffled(cut) > EVIDENCE else None

    def _shuffled(self, text: Sequence[str]) -> float:
        """How much more probable the text's pairs are if its words were shuffled."""
        first, last = _ends(text, self.language)
        count = max(len(text) - 1, 1)
        found = int(_among(self._pairs, _pairs(first, last)).sum())
        shuffled, mixed = 0, np.random.default_rng(len(text))
        for _ in range(SHUFFLES):
            order = mixed.permutation(len(text))
            shuffled += int(_among(self._pairs, _pairs(first[order], last[order])).sum())
        by_chance = (shuffled / SHUFFLES + 1) / (count + 2)
        if self._share <= by_chance:
            return 0.0
        return float(
            found * np.log(by_chance / self._share) + (count - found) * np.log((1 - by_chance) / (1 - self._share))
        )

    def _place(self, content: set[str], own: int = 0) -> float:
        """How much the words are those of the class's task; `own` is 1 for an essay of the class itself."""
        rarity = wordlist(self.language).rarity
        total = 0.0
        for word in content:
            others = self._counts.get(word, 0) - own
            expected = min(1.0, self._length * float(np.exp(-rarity(word))))
            total += float(np.log(others / self._essays / expected)) if others >= 2 else UNSHARED
        return total / max(len(content), 1)


def _words(text: str) -> list[str]:
    return [word.text.lower() for word in words(text)]


def _ends(text: Sequence[str], language: Language) -> tuple[Checksums, Checksums]:
    """What stands for each word in the pair that it begins, and in the one that it ends: itself; of Chinese words,
    which are many, the character where it meets the other."""
    if language == "zh":
        first, last = [ord(word[0]) for word in text], [ord(word[-1]) for word in text]
    else:
        first = last = [crc32(word.encode()) for word in text]
    return np.array(first, dtype=np.uint64), np.array(last, dtype=np.uint64)


def _pairs(first: Checksums, last: Checksums) -> Checksums:
    """A checksum for each two neighbours."""
    return (last[:-1] << np.uint64(32)) | first[1:]


def _among(known: Checksums, pairs: Checksums) -> NDArray[np.bool_]:
    """Whether each pair is among the known ones, which are in order."""
    if not len(known):
        return np.zeros(len(pairs), dtype=bool)
    return known[np.minimum(np.searchsorted(known, pairs), len(known) - 1)] == pairs


def _content(text: Sequence[str], language: Language) -> set[str]:
    function = wordlist(language).function
    return {word for word in text if len(word) > 1 and word not in function}
