"""How `bigrams.xz` was made from the language model of libime, the library behind the input method Fcitx 5.

    python -m grading.checker.make_bigrams lm_sc.arpa

`lm_sc.arpa` is in libime's source (LGPL-2.1-or-later, as is what is made of it; `data/` there, version 1.0.16). Kept
are its words of up to four Han characters and all their pairs; triples, and what other languages have, are left out.
"""

from __future__ import annotations

import lzma
import math
import re
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from grading.checker.bigrams import FILE, STEPS, UNKNOWN

_WORD = re.compile(r"[\u4e00-\u9fff]{1,4}")
_TO_NATURAL = math.log(10)


def main(source: Path) -> None:
    likelihoods: dict[str, tuple[float, float]] = {}
    pairs: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for order, likelihood, ngram, backoff in _ngrams(source):
        words = ngram.split(" ")
        if all(_WORD.fullmatch(word) or word == UNKNOWN for word in words):
            if order == 1:
                likelihoods[ngram] = (likelihood, backoff)
            else:
                pairs[words[0]][words[1]] = likelihood
    words = sorted(likelihoods, key=lambda word: -likelihoods[word][0])
    number = {word: place for place, word in enumerate(words)}
    rows = [sorted((number[second], chance) for second, chance in pairs[word].items()) for word in words]
    seconds = array("I", [second for row in rows for second, _ in row])
    columns = [
        " ".join(words).encode(),
        _steps(-likelihoods[word][0] for word in words),
        _steps(16 + likelihoods[word][1] for word in words),
        array("I", map(len, rows)).tobytes(),
        *(seconds.tobytes()[byte::4] for byte in range(3)),
        _steps(-chance for row in rows for _, chance in row),
    ]
    header = array("I", map(len, columns)).tobytes()
    FILE.write_bytes(lzma.compress(header + b"".join(columns), preset=9))


def _ngrams(source: Path) -> Iterator[tuple[int, float, str, float]]:
    order = 0
    with source.open(encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("\\"):
                order = {"\\1-grams:": 1, "\\2-grams:": 2, "\\3-grams:": 3}.get(fields[0], 0)
                if order == 3:
                    return
            elif order and len(fields) > 1:
                backoff = float(fields[2]) if len(fields) > 2 else 0.0
                yield order, float(fields[0]) * _TO_NATURAL, fields[1], backoff * _TO_NATURAL


def _steps(values: Iterator[float]) -> bytes:
    return bytes(min(255, max(0, round(value * STEPS))) for value in values)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
