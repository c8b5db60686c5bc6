"""Whether the essays that a teacher is asked to mark teach more than as many at random.

    python -m benchmarks.to_mark [--marks 25 50] [--draws 5] [--class-size 150] [--half report]

Of each ASAP set two classes of one task are drawn. The teacher marks N essays of the first, those that `to_mark` names
or N at random, and the second is tested, so that both are tested on the same essays. The prior is learned on the other
three sets. QWK is the mean of the draws, and then of the sets. Prints one line of JSON; progress goes to standard
error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.calibration import HALVES, essays, labelled, mean
from grading.agreement import qwk
from grading.calibration.calibrator import fit
from grading.calibration.marking import to_mark
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled
from tests.corpus import SHARED

ESSAYS = SHARED / "asap_dev.jsonl.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marks", type=int, nargs="+", default=[25, 50])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--class-size", type=int, default=150)
    parser.add_argument("--half", choices=HALVES, default="report")
    chosen = parser.parse_args()
    if not ESSAYS.exists():
        print(json.dumps({"benchmark": "to_mark", "qwk": None}))
        return
    sets = {name: labelled(name, rows, "en") for name, rows in essays(ESSAYS, chosen.half).items()}
    found: dict[str, Any] = {}
    for marks in chosen.marks:
        by_set = {name: beside_random(sets, name, marks, chosen.draws, chosen.class_size) for name in sets}
        found[str(marks)] = {
            way: {"mean": mean(figures), **figures}
            for way in ("named", "random")
            for figures in [{name: both[way] for name, both in by_set.items()}]
        }
        print(f"{marks} marks: {found[str(marks)]}", file=sys.stderr)
    print(json.dumps({"benchmark": "to_mark", **vars(chosen), "qwk": found}))


def beside_random(sets: dict[str, Labelled], name: str, marks: int, draws: int, size: int) -> dict[str, float]:
    prior = Prior.learn([other for key, other in sets.items() if key != name])
    whole = sets[name]
    figures: dict[str, list[float]] = {"named": [], "random": []}
    for seed in range(draws):
        random = np.random.default_rng(seed)
        drawn = [int(i) for i in random.choice(len(whole.samples), 2 * size, replace=False)]
        mates, tested = drawn[:size], drawn[size:]
        at = {whole.samples[i].id: i for i in mates}
        named = [at[one] for one in to_mark([whole.samples[i] for i in mates], (), marks, "en")]
        for way, taught in (("named", named), ("random", mates[:marks])):
            figures[way].append(agreement(whole, taught, tested, prior))
    return {way: round(float(np.mean(all_)), 3) for way, all_ in figures.items()}


def agreement(whole: Labelled, taught: Sequence[int], tested: Sequence[int], prior: Prior) -> float:
    lesson = replace(
        whole,
        samples=[whole.samples[i] for i in taught],
        marks=[float(whole.marks[i]) for i in taught],
        unmarked=[whole.samples[i] for i in tested],
    )
    points = fit(lesson, prior).predict([whole.samples[i] for i in tested])
    truth = np.array([whole.marks[i] for i in tested], dtype=float)
    return qwk(whole.scale.steps(truth), whole.scale.steps(whole.scale.round(points))) or 0.0


if __name__ == "__main__":
    main()
