"""How well points agree with a teacher's after so many of their marks, without any model.

    python -m benchmarks.calibration [asap|ellipse|zh_argument|zh_highschool] [--marks 0 25 50 100 all] [--draws 5]
                                     [--half report|choose|all]

Half of the essays, by the hash of their ids, was for choosing, the other is shown. N marks drawn at random are the
teacher's and the rest is tested; with all of them it is five-fold cross-validation, once. The ASAP sets 1, 2, 4 and 7
are four assignments: the prior of each is learned on the other three, and their mean stands beside people's agreement
with each other. The others are one assignment each, of learners of English and of Chinese pupils, and have no prior,
so that 25 marks are the fewest. QWK is the mean of the draws. What does not depend on the marks is computed once for a
set; two processes share the sets. Prints one line of JSON; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from grading.agreement import qwk
from grading.calibration import described
from grading.calibration.calibrator import FEWEST, fit
from grading.calibration.cohort import Cohort
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled, Sample, Scale
from grading.text import Language
from tests.corpus import SHARED

Places = NDArray[np.intp]

LANGUAGES: dict[str, Language] = {"asap": "en", "ellipse": "en", "zh_argument": "zh", "zh_highschool": "zh"}
HALVES = ("choose", "report")
ALL = "all"
FOLDS = 5
PROCESSES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("essays", nargs="?", choices=LANGUAGES, default="asap")
    parser.add_argument("--marks", type=_number, nargs="+", default=[0, 25, 50, 100, ALL])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--half", choices=[*HALVES, ALL], default="report")
    chosen = parser.parse_args()
    path = SHARED / f"{chosen.essays}_dev.jsonl.gz"
    if not path.exists():
        print(json.dumps({"benchmark": "calibration", "essays": chosen.essays, "qwk": None}))
        return
    rows = essays(path, chosen.half)
    sets = {name: labelled(name, of_set, LANGUAGES[chosen.essays]) for name, of_set in rows.items()}
    fewest, most = 0 if len(sets) > 1 else FEWEST, min(map(len, rows.values())) - FEWEST
    tried = [marks for marks in chosen.marks if marks == ALL or fewest <= marks <= most]
    for one in sets.values():  # before the fork: each process needs what is counted in all sets
        described.rows(one.samples, one.language, one.prompt)
    with get_context("fork").Pool(PROCESSES) as pool:
        by_set = dict(zip(sets, pool.imap(partial(agreements, sets, tried, chosen.draws), sets), strict=True))
    found = {
        str(marks): {"mean": mean(of_sets), **of_sets}
        for marks in tried
        for of_sets in [{name: figures[marks] for name, figures in by_set.items()}]
    }
    people = {
        name: round(qwk([row["rater1"] for row in of_set], [row["rater2"] for row in of_set]) or 0.0, 3)
        for name, of_set in rows.items()
        if "rater1" in of_set[0]
    }
    figures = {
        "benchmark": "calibration",
        "set": chosen.essays,
        "half": chosen.half,
        "essays": {name: len(of_set) for name, of_set in rows.items()},
        "draws": chosen.draws,
        "qwk": found,
        "people": {"mean": mean(people), **people} if people else None,
    }
    print(json.dumps(figures))


def essays(path: Path, half: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of one half, by assignment; all tasks of a set that has more of them than sets of marks are one."""
    found = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if in_half(row, half):
                found[str(row["prompt_id"]) if path.name.startswith("asap") else path.name.split("_dev")[0]].append(row)
    return found


def in_half(row: dict[str, Any], half: str) -> bool:
    return half in (ALL, HALVES[int(hashlib.sha256(str(row["id"]).encode()).hexdigest(), 16) % 2])


def labelled(name: str, rows: list[dict[str, Any]], language: Language) -> Labelled:
    samples = [Sample(str(row["id"]), row["text"]) for row in rows]
    scale = Scale(rows[0]["min"], rows[0]["max"], rows[0].get("step") or 1)
    return Labelled(name, language, "", scale, samples, [row["score"] for row in rows])


def agreements(sets: dict[str, Labelled], tried: Sequence[int | str], draws: int, name: str) -> dict[int | str, float]:
    """By number of marks, mean QWK on the essays of a set that were not the teacher's."""
    whole = sets[name]
    others = [other for key, other in sets.items() if key != name]
    found = {}
    with threadpool_limits(1):
        prior = Prior.learn(others) if others else None
        cohort = Cohort(whole.samples, whole.language, whole.prompt, prior.former if prior else None)
        for marks in tried:
            found[marks] = agreement(whole, prior, cohort, marks, draws)
            print(f"{name}, {marks} marks: {found[marks]}", file=sys.stderr)
    return found


def agreement(whole: Labelled, prior: Prior | None, cohort: Cohort, marks: int | str, draws: int) -> float:
    truth = np.array(whole.marks, dtype=float)
    found = []
    for draw in splits(len(truth), marks, draws):
        points = np.full(len(truth), np.nan)
        for taught, tested in draw:
            lesson = replace(
                whole,
                samples=[whole.samples[i] for i in taught],
                marks=[float(whole.marks[i]) for i in taught],
                unmarked=[whole.samples[i] for i in tested],
            )
            points[tested] = fit(lesson, prior, cohort).predict([whole.samples[i] for i in tested])
        seen = np.isfinite(points)
        given = whole.scale.steps(whole.scale.round(points[seen]))
        found.append(qwk(whole.scale.steps(truth[seen]), given) or 0.0)
    return round(float(np.mean(found)), 3)


def splits(count: int, marks: int | str, draws: int) -> Iterator[list[tuple[Places, Places]]]:
    """Of each draw, whose marks are the teacher's and which essays are tested: one pair, or with `ALL` one a fold."""
    for seed in range(1 if marks == ALL else draws):
        order = np.random.default_rng(seed).permutation(count)
        if isinstance(marks, int):
            yield [(order[:marks], order[marks:])]
        else:
            yield [(np.setdiff1d(order, fold), fold) for fold in np.array_split(order, FOLDS)]


def mean(figures: dict[str, float]) -> float:
    return round(float(np.mean(list(figures.values()))), 3)


def _number(word: str) -> int | str:
    return word if word == ALL else int(word)


if __name__ == "__main__":
    main()
