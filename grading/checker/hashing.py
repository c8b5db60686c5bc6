"""A hash table that answers for thousands of keys in one call of numpy, for the checker's language models."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

# Knuth's multiplicative hashing: 2⁶⁴ over the golden ratio.
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


Value = TypeVar("Value", bound=np.generic)


class HashTable(Generic[Value]):
    """Values by keys below 2⁶³, immutable. Keys are told apart by 32 bits and more of their hash, not by themselves."""

    def __init__(self, keys: NDArray[np.int64], values: NDArray[Value]) -> None:
        bits = max(1, len(keys).bit_length())
        self._bucket, self._tag = np.uint64(64 - bits), np.uint64(32 - bits)
        hashes = keys.view(np.uint64) * _MULTIPLIER
        order = np.argsort(hashes)
        buckets = (hashes[order] >> self._bucket).view(np.int64)
        sizes = np.bincount(buckets, minlength=1 << bits)
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        self._tags = (hashes[order] >> self._tag).astype(np.uint32)
        self._values = values[order]

    def get(self, keys: NDArray[np.int64], default: float) -> NDArray[Value]:
        """The value of each key; the default where there is none."""
        hashes = keys.view(np.uint64) * _MULTIPLIER
        buckets = (hashes >> self._bucket).view(np.int64)
        places, ends = self._starts[buckets], self._starts[buckets + 1]
        tags = (hashes >> self._tag).astype(np.uint32)
        found = np.full(len(keys), default, self._values.dtype)
        open_ = np.flatnonzero(places < ends)
        while len(open_):
            here = places[open_]
            hit = self._tags[here] == tags[open_]
            found[open_[hit]] = self._values[here[hit]]
            places[open_] += 1
            open_ = open_[~hit & (here + 1 < ends[open_])]
        return found
