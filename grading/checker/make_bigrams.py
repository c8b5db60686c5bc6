"""How `libime.xz` and `sunpinyin.xz` were made of the language models of two libraries for Chinese input methods.

    python -m grading.checker.make_bigrams lm_sc.arpa lm_sc.t3g pydict_sc.bin

`lm_sc.arpa` is in libime's source (`data/` there, version 1.0.16; LGPL-2.1-or-later, as is what is made of it), the
other two are Debian's `sunpinyin-data` (0.1.22+20170109-2: Open-Gram's figures, CC BY-SA 3.0, as is what is made of
them). Kept are words of up to four Han characters and all their pairs; triples, and what other languages have, are
left out.
"""

from __future__ import annotations

import lzma
import math
import re
import struct
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.checker.bigrams import LIBIME, STEPS, SUNPINYIN, UNKNOWN

_WORD = re.compile(r"[\u4e00-\u9fff]{1,4}")
_TO_NATURAL = math.log(10)
_NEVER_SEEN = -16.0
"""Logarithm of the probability of a character that SunPinyin does not know; it gives none."""

# Order, natural logarithm of the probability, words, natural logarithm of the backoff weight.
Ngram = tuple[int, float, tuple[str, ...], float]


def main(arpa: Path, threaded: Path, words: Path) -> None:
    pack(_libime(arpa), LIBIME)
    pack(_sunpinyin(threaded, words), SUNPINYIN)


def pack(ngrams: Iterable[Ngram], file: Path) -> None:
    """Write what `Bigrams` reads: bytes in columns, which compress better than in rows."""
    likelihoods: dict[str, tuple[float, float]] = {}
    pairs: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for order, likelihood, words, backoff in ngrams:
        if all(_WORD.fullmatch(word) or word == UNKNOWN for word in words):
            if order == 1:
                likelihoods[words[0]] = (likelihood, backoff)
            else:
                pairs[words[0]][words[1]] = likelihood
    vocabulary = sorted(likelihoods, key=lambda word: -likelihoods[word][0])
    number = {word: place for place, word in enumerate(vocabulary)}
    rows = [sorted((number[second], chance) for second, chance in pairs[word].items()) for word in vocabulary]
    seconds = array("I", [second for row in rows for second, _ in row])
    columns = [
        " ".join(vocabulary).encode(),
        _steps(-likelihoods[word][0] for word in vocabulary),
        _steps(16 + likelihoods[word][1] for word in vocabulary),
        array("I", map(len, rows)).tobytes(),
        *(seconds.tobytes()[byte::4] for byte in range(3)),
        _steps(-chance for row in rows for _, chance in row),
    ]
    header = array("I", map(len, columns)).tobytes()
    file.write_bytes(lzma.compress(header + b"".join(columns), preset=9))


def _libime(arpa: Path) -> Iterator[Ngram]:
    order = 0
    with arpa.open(encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("\\"):
                order = {"\\1-grams:": 1, "\\2-grams:": 2, "\\3-grams:": 3}.get(fields[0], 0)
                if order == 3:
                    return
            elif order and len(fields) > 1:
                backoff = float(fields[2]) if len(fields) > 2 else 0.0
                yield order, float(fields[0]) * _TO_NATURAL, tuple(fields[1].split(" ")), backoff * _TO_NATURAL


def _sunpinyin(threaded: Path, dictionary: Path) -> Iterator[Ngram]:
    """SunPinyin's `CThreadSlm`: levels of nodes of 12 bytes, whose children in the next level follow one another."""
    packed = dictionary.read_bytes()
    (strings,) = struct.unpack_from("I", packed, 8)
    words = packed[strings:].decode("utf-32-le").split("\0")
    data = threaded.read_bytes()
    _, _, _, singles, pairs = struct.unpack_from("5I", data)
    place = 6 * 4
    likelihoods = np.log(np.frombuffer(data, "<f4", 1 << 16, place).astype(float))
    place += 4 << 16
    weights = np.log(np.frombuffer(data, "<f4", 1 << 14, place).astype(float))
    place += (4 << 14) + 2 * 12
    one = np.frombuffer(data, "<u4", 3 * singles, place).reshape(-1, 3)
    two = np.frombuffer(data, "<u4", 3 * pairs, place + 12 * singles).reshape(-1, 3)

    def columns(nodes: NDArray[np.uint32]) -> tuple[list[int], list[float], list[float]]:
        word, weight, likelihood = nodes[:, 0] & 0x3FFFF, nodes[:, 0] >> 18, nodes[:, 1] & 0xFFFF
        return word.tolist(), likelihoods[likelihood].tolist(), weights[weight].tolist()

    firsts, alone, backoff = columns(one)
    seconds, chances, _ = columns(two)
    children = ((one[:, 2] >> 25 << 16) + (one[:, 1] >> 16)).tolist()
    yield 1, _NEVER_SEEN, (UNKNOWN,), 0.0
    # The last node of a level only ends the children of the one before it.
    for node in range(singles - 1):
        first = words[firsts[node]]
        yield 1, alone[node], (first,), backoff[node]
        for child in range(children[node], children[node + 1]):
            yield 2, chances[child], (first, words[seconds[child]]), 0.0


def _steps(values: Iterator[float]) -> bytes:
    return bytes(min(254, max(0, round(value * STEPS))) for value in values)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
