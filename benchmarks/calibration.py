"""How well points agree with a teacher's after so many of their marks, without any model.

    python -m benchmarks.calibration [--marks 0 25 50 100] [--draws 5] [--half report]

On the ASAP sets 1, 2, 4 and 7. Half of the essays, by the hash of their ids, was for choosing, the other is shown. Of
each set N marks drawn at random are the teacher's and the rest is tested; the prior is learned on the other three sets.
QWK is the mean of the draws, and then of the sets; people's agreement with each other stands beside. Prints one line of
JSON; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from grading.agreement import qwk
from grading.calibration.calibrator import fit
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled, Sample, Scale
from tests.corpus import SHARED

ESSAYS = SHARED / "asap_dev.jsonl.gz"
HALVES = ("choose", "report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marks", type=int, nargs="+", default=[0, 25, 50, 100])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--half", choices=HALVES, default="report")
    chosen = parser.parse_args()
    if not ESSAYS.exists():
        print(json.dumps({"benchmark": "calibration", "qwk": None}))
        return
    rows = essays(chosen.half)
    sets = {name: labelled(name, of_set) for name, of_set in rows.items()}
    found: dict[str, Any] = {}
    for marks in chosen.marks:
        by_set = {name: agreement(sets, name, marks, chosen.draws) for name in sets}
        found[str(marks)] = {"mean": mean(by_set), **by_set}
        print(f"{marks} marks: {found[str(marks)]}", file=sys.stderr)
    people = {
        name: round(qwk([row["rater1"] for row in of_set], [row["rater2"] for row in of_set]) or 0.0, 3)
        for name, of_set in rows.items()
    }
    figures = {
        "benchmark": "calibration",
        "half": chosen.half,
        "essays": {name: len(of_set) for name, of_set in rows.items()},
        "draws": chosen.draws,
        "qwk": found,
        "people": {"mean": mean(people), **people},
    }
    print(json.dumps(figures))


def essays(half: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of one half, by set."""
    found = defaultdict(list)
    with gzip.open(ESSAYS, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if in_half(row, half):
                found[str(row["prompt_id"])].append(row)
    return found


def in_half(row: dict[str, Any], half: str) -> bool:
    return HALVES[int(hashlib.sha256(str(row["id"]).encode()).hexdigest(), 16) % 2] == half


def labelled(name: str, rows: list[dict[str, Any]]) -> Labelled:
    samples = [Sample(str(row["id"]), row["text"]) for row in rows]
    return Labelled(name, "en", "", Scale(rows[0]["min"], rows[0]["max"]), samples, [row["score"] for row in rows])


def agreement(sets: dict[str, Labelled], name: str, marks: int, draws: int) -> float:
    """Mean QWK on the essays of a set that were not the teacher's."""
    whole = sets[name]
    prior = Prior.learn([other for key, other in sets.items() if key != name])
    found = []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(whole.samples))
        taught, tested = order[:marks], order[marks:]
        lesson = replace(
            whole,
            samples=[whole.samples[i] for i in taught],
            marks=[float(whole.marks[i]) for i in taught],
            unmarked=[whole.samples[i] for i in tested],
        )
        points = fit(lesson, prior).predict([whole.samples[i] for i in tested])
        truth = np.array([whole.marks[i] for i in tested], dtype=float)
        found.append(qwk(whole.scale.steps(truth), whole.scale.steps(whole.scale.round(points))) or 0.0)
    return round(float(np.mean(found)), 3)


def mean(figures: dict[str, float]) -> float:
    return round(float(np.mean(list(figures.values()))), 3)


if __name__ == "__main__":
    main()
