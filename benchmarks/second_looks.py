"""Of the essays that a teacher's correction touches, how many has the model misjudged too? One line of JSON.

    python -m benchmarks.second_looks [--class-size 100] [--draws 60]

The model is gpt-3.5-turbo-0301 by its stored answers, with their mean and spread brought to those of people's marks,
which are the teacher's. For each essay of a class whose mark it missed by a level of six or more,
`grading.likeness` finds others; `touched` is the share of them that it missed in the same direction by more than half a
level, `chance` that share of all others. The first essays of each set were looked at while likeness was designed.
"""

from __future__ import annotations

import argparse
import json
import uuid
from typing import Any

import numpy as np

from benchmarks.stored_answers import Set, load
from grading.likeness import Judged, alike

CORRECTED, MISSED = 1.0, 0.5
"""Levels of six."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--class-size", type=int, default=100)
    parser.add_argument("--draws", type=int, default=60)
    asked = parser.parse_args()
    sets = {one.number: measured(one, asked.class_size, asked.draws) for one in load(1000)}
    print(json.dumps({"benchmark": "second_looks", "class_size": asked.class_size, "draws": asked.draws, "sets": sets}))


def measured(one: Set, size: int, draws: int) -> dict[str, Any]:
    marks = 1 + 5 * (one.marks - one.low) / (one.high - one.low)
    raw = one.large.scores[0]
    known = np.flatnonzero(~np.isnan(raw))
    marks, raw, parts = marks[known], raw[known], one.features[known, 1:]
    levels = np.clip((raw - raw.mean()) / raw.std() * marks.std() + marks.mean(), 1, 6)
    errors = marks - levels
    random = np.random.default_rng(0)
    touched, chance, counts = [], [], []
    for _ in range(draws):
        drawn = random.permutation(len(known))[:size]
        judged = {i: Judged(uuid.UUID(int=i), (levels[i] - 1) / 5, (levels[i],), tuple(parts[i])) for i in drawn}
        for i in drawn:
            if abs(errors[i]) < CORRECTED:
                continue
            others = [j for j in drawn if j != i]
            found = alike(judged[i], errors[i], [judged[j] for j in others])
            missed = errors * np.sign(errors[i]) > MISSED
            counts.append(len(found))
            touched += [bool(missed[essay_id.int]) for essay_id, _ in found]
            chance += [float(missed[others].mean())] * len(found)
    return {
        "corrections": len(counts),
        "touched_each": round(float(np.mean(counts)), 1),
        "touched": round(float(np.mean(touched)), 3),
        "chance": round(float(np.mean(chance)), 3),
    }


if __name__ == "__main__":
    main()
