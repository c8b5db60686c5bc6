"""How often the semantic cache would answer, and how often wrongly, on labelled pairs of questions.

Every pair's `a` is stored, then every `b` is looked up among all of them, as production does it: the entries nearest by
cosine, from `CLOSE` on, and the second check; `answered` says whether a hit is right.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grading.cache import check
from grading.cache.bound import Estimate
from grading.cache.embedder import Embedder, Vectors
from grading.text import plain

COLUMNS = ("row", "label", "a", "b")
BATCH = 64


class PairsError(ValueError):
    """The file is not one of labelled pairs; the message says where and why."""


@dataclass(frozen=True)
class Pair:
    """Two questions, and whether they mean the same."""

    row: str
    same: bool
    stored: str
    asked: str


@dataclass(frozen=True)
class Outcome:
    """The best candidate of one look-up: how certain the check is of it, and whether it would be right."""

    certainty: float
    right: bool


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a tab-separated file in UTF-8 whose first line names row, label, a and b; quotes are text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader((line.replace("\0", "") for line in file), delimiter="\t", quoting=csv.QUOTE_NONE))
    except UnicodeDecodeError as error:
        raise PairsError(f"{path.name} is not in UTF-8: {error}.") from error
    except csv.Error as error:
        raise PairsError(f"{path.name} cannot be read: {error}.") from error
    if not lines or (missing := [name for name in COLUMNS if name not in lines[0]]):
        wanted = ", ".join(missing if lines else COLUMNS)
        raise PairsError(f"{path.name}: the first line must name the columns row, label, a and b; {wanted} missing.")
    places = [lines[0].index(name) for name in COLUMNS]
    pairs = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(lines[0]):
            raise PairsError(
                f"{path.name}, line {number}: {len(line)} columns, but the first line names {len(lines[0])}."
            )
        row, label, stored, asked = (line[place].strip() for place in places)
        if label not in ("0", "1"):
            raise PairsError(f"{path.name}, line {number}: the label is {label!r}, not 0 or 1.")
        if not stored or not asked:
            raise PairsError(f"{path.name}, line {number}: a question is empty.")
        pairs.append(Pair(row, label == "1", stored, asked))
    if not pairs:
        raise PairsError(f"{path.name} has no pairs.")
    return pairs


def embed(embedder: Embedder, texts: Sequence[str], advance: Callable[[int], None]) -> Vectors:
    """Vectors of the texts in their order, each different text embedded once; `advance` is told how many are done."""
    different = list(dict.fromkeys(texts))
    parts = []
    for start in range(0, len(different), BATCH):
        parts.append(embedder.embed(different[start : start + BATCH]))
        advance(len(parts[-1]))
    place = {text: number for number, text in enumerate(different)}
    vectors: Vectors = np.concatenate(parts)[[place[text] for text in texts]]
    return vectors


def outcomes(pairs: Sequence[Pair], stored: Vectors, asked: Vectors) -> list[Outcome]:
    """What each look-up finds at best, in the order of the pairs."""
    found = []
    for number, pair in enumerate(pairs):
        cosines = stored @ asked[number]
        count = min(check.COMPARED, len(cosines))
        nearest = np.argpartition(-cosines, count - 1)[:count]
        nearest = nearest[np.argsort(-cosines[nearest], kind="stable")]
        best = check.best(pair.asked, [(pairs[place].stored, float(cosines[place])) for place in nearest])
        if best is None:
            found.append(Outcome(0.0, right=False))
            continue
        found.append(Outcome(best.certainty, answered(pairs, number, int(nearest[best.place]))))
    return found


def answered(pairs: Sequence[Pair], number: int, place: int) -> bool:
    """Whether what is stored at `place` answers the look-up of a pair: it is the pair's own `a` and the label says that
    both mean the same, or the same text but for capitals, widths and spaces. Any other is taken for wrong, since
    nobody has labelled it."""
    own = place == number and pairs[number].same
    return own or plain(pairs[place].stored) == plain(pairs[number].asked)


def fitted(tuning: Sequence[Outcome], bound: float, start: float) -> float:
    """The lowest threshold from `start` on at which no more than that share of hits was wrong on the tuning pairs."""
    hits = sorted((one for one in tuning if one.certainty >= start), key=lambda one: -one.certainty)
    if not hits:
        return start
    best, wrong = 1.0, 0
    for count, one in enumerate(hits, start=1):
        wrong += not one.right
        last_of_its_certainty = count == len(hits) or hits[count].certainty < one.certainty
        if last_of_its_certainty and wrong <= bound * count:
            best = one.certainty
    return start if best == hits[-1].certainty else best


@dataclass(frozen=True)
class Figures:
    """Look-ups, hits and wrong hits at a threshold; the interval is of the share of wrong hits."""

    n: int
    hits: int
    wrong: int
    threshold: float
    interval: Estimate


def figures(found: Sequence[Outcome], threshold: float) -> Figures:
    hits = [one for one in found if one.certainty >= threshold]
    wrong = sum(not one.right for one in hits)
    return Figures(len(found), len(hits), wrong, threshold, Estimate.of(len(hits), wrong))
