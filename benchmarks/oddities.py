"""Whether points can be had without writing better: what calibration makes of essays that were spoiled.

    python -m benchmarks.oddities [--class-size 200] [--marks 100] [--tested 200] [--half report]

On the ASAP sets 1, 2, 4 and 7 and the Chinese argumentative essays, in halves as `benchmarks.calibration`, without any
model. Each tested essay is spoiled in five ways: its words shuffled, said twice over, a fifth of its sentences left out
at random, its own sentences shuffled, and an essay of another set handed in instead. `noticed` is the share that is
called odd, so that a teacher sees it; `shift` the mean change of points in shares of the scale; `gains` the share that
would win a step of the scale by it. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.calibration import HALVES, essays, in_half
from grading.calibration.calibrator import fit
from grading.calibration.sample import Labelled, Sample, Scale
from grading.segmentation import sentences, words
from grading.text import Language
from tests.corpus import SHARED

ENGLISH = SHARED / "asap_dev.jsonl.gz"
CHINESE = SHARED / "zh_argument_dev.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--class-size", type=int, default=200)
    parser.add_argument("--marks", type=int, default=100)
    parser.add_argument("--tested", type=int, default=200)
    parser.add_argument("--half", choices=HALVES, default="report")
    chosen = parser.parse_args()
    if not SHARED.exists():
        print(json.dumps({"benchmark": "oddities", "figures": None}))
        return
    sets: dict[str, tuple[Language, list[dict[str, Any]]]] = {
        f"asap {name}": ("en", rows) for name, rows in essays(ENGLISH, chosen.half).items()
    }
    with gzip.open(CHINESE, "rt", encoding="utf-8") as lines:
        sets["zh_argument"] = ("zh", [row for row in map(json.loads, lines) if in_half(row, chosen.half)])
    figures: dict[str, Any] = {"benchmark": "oddities", **vars(chosen)}
    for name, (language, rows) in sets.items():
        others = [
            row["text"] for other, (tongue, of_set) in sets.items() if other != name and tongue == language
            for row in of_set[: chosen.tested]
        ]  # fmt: skip
        figures[name] = figures_of(language, rows, others, chosen)
        print(name, figures[name], file=sys.stderr)
    print(json.dumps(figures))


def figures_of(
    language: Language, rows: Sequence[dict[str, Any]], others: Sequence[str], chosen: argparse.Namespace
) -> dict[str, Any]:
    """Learn from a class of which some are marked; spoil essays that it does not hold."""
    random = np.random.default_rng(0)
    order = random.permutation(len(rows))
    size = min(chosen.class_size, len(rows) // 2)
    mates, tested = [rows[i] for i in order[:size]], [rows[i] for i in order[size : size + chosen.tested]]
    samples = [Sample(str(row["id"]), row["text"]) for row in mates]
    marks = [float(row["score"]) for row in rows]
    scale = Scale(min(marks), max(marks))
    known = min(chosen.marks, size // 2)
    given = [float(row["score"]) for row in mates[:known]]
    calibrator = fit(Labelled("spoiled", language, "", scale, samples[:known], given, samples[known:]))

    def points(texts: Sequence[str]) -> Any:
        return calibrator.predict([Sample(str(i), text) for i, text in enumerate(texts)])

    def odd(texts: Sequence[str]) -> float:
        return round(float(np.mean([calibrator.oddity(text) is not None for text in texts])), 3)

    real = [row["text"] for row in tested]
    before = points(real)
    ways = spoilers(language, random) | ({"another's": lambda _: str(random.choice(others))} if others else {})
    found: dict[str, Any] = {"class": size, "marks": known, "tested": len(real), "called odd": odd(real)}
    for name, spoil in ways.items():
        spoiled = [spoil(text) for text in real]
        change = points(spoiled) - before
        found[name] = {
            "noticed": odd(spoiled),
            "shift": round(float(change.mean()) / (scale.high - scale.low), 3),
            "gains": round(float((change >= scale.step).mean()), 3),
        }
    return found


def spoilers(language: Language, random: np.random.Generator) -> dict[str, Callable[[str], str]]:
    """What a lazy student might do to an essay."""
    blank = "" if language == "zh" else " "

    def shuffled(text: str) -> str:
        return blank.join(random.permutation([word.text for word in words(text)]))

    def shortened(text: str) -> str:
        cut = [text[one.start : one.end] for one in sentences(text)]
        return blank.join(one for one in cut if random.random() > 0.2)

    def disordered(text: str) -> str:
        return blank.join(random.permutation([text[one.start : one.end] for one in sentences(text)]))

    return {
        "shuffled words": shuffled,
        "said twice": lambda text: f"{text}\n{text}",
        "a fifth left out": shortened,
        "shuffled sentences": disordered,
    }


if __name__ == "__main__":
    main()
