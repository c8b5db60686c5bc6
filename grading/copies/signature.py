"""A few numbers by which essays that share words are found without reading all of them: MinHash signatures.

Of an essay's shingles (runs of five words, or of eight Chinese characters) the least of each of 256 hash functions is
kept [Broder, On the resemblance and containment of documents, 1997]. Two essays agree in as large a part of those
as they share of all their shingles. Each number is kept on its own, bands of one row, since a teacher wants to know of
a tenth that was copied: then one in thirty shingles is shared, which a band of several rows would not find.

Shingles of the assignment's own words are left out, so that quoting the task is no likeness.
"""

from __future__ import annotations

import hashlib
import uuid
from functools import cache

import numpy as np
from datasketch import MinHash

from grading.copies.tokens import Gram, Tokens
from grading.text import Language

VERSION = 1
"""Of all that makes a signature; essays that were signed by another one are signed anew."""
FUNCTIONS = 256
SHINGLE: dict[Language, int] = {"en": 5, "zh": 8}
"""Tokens of a shingle."""
AGREE = 2
"""Numbers that two essays must agree in to be looked at; chosen on essays of which some are also reported."""


def signature(text: str, class_id: uuid.UUID, task: str) -> list[int]:
    """The essay's numbers, 32 bits each with a sign; none for an essay without a shingle of its own.

    The class goes into them, so that essays of two classes agree in nothing.
    """
    tokens = Tokens.of(text)
    size = SHINGLE[tokens.language]
    own = set(tokens.grams(size)).difference(grams_of(task, size))
    if not own:
        return []
    sketch = _empty().copy()
    sketch.update_batch([" ".join(gram).encode("utf-8", "surrogatepass") for gram in own])
    return _mixed(sketch.hashvalues.astype(np.uint64), class_id)


@cache
def _empty() -> MinHash:
    """Made once: drawing its functions takes longer than using them."""
    return MinHash(num_perm=FUNCTIONS, seed=1)


def grams_of(task: str, size: int) -> set[Gram]:
    """What an essay may share with its task."""
    return set(Tokens.of(task).grams(size))


def _mixed(values: np.ndarray, class_id: uuid.UUID) -> list[int]:
    """The values with their places and the class, by the finaliser of SplitMix64."""
    salt = np.frombuffer(hashlib.sha256(class_id.bytes).digest()[:8], dtype=np.uint64)
    places = np.arange(len(values), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (values + places) ^ salt
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    numbers: list[int] = (mixed >> np.uint64(32)).astype(np.uint32).view(np.int32).tolist()
    return numbers
