"""Does confidence tell the marks that are off, and does a rule of escalation beat chance? One line of JSON.

    python -m benchmarks.confidence [--marks 100] [--draws 5] [FILE …]

The confidence is fitted on the marks of each draw and measured on the others; beside it stand words of doubt in the
models' answers, what they state of their own certainty, and how two people agree. Without files: all labelled ones in
`../shared/data`, English school essays with the stored answers of two models, which state none. Two processes share the
assignments.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.calibration import PROCESSES
from benchmarks.stored_answers import ANSWERS, ESSAYS
from grading.evaluation import report
from grading.evaluation.assignments import Assignment, assignments
from grading.evaluation.experiment import Wanted, draws, of_assignment
from grading.evaluation.labelled import read
from grading.evaluation.opinions import Opinion, stored
from tests.corpus import SHARED


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--marks", type=int, default=100)
    parser.add_argument("--draws", type=int, default=5)
    asked = parser.parse_args()
    files = asked.files or sorted(SHARED.glob("*_dev.jsonl.gz"))
    answers = stored(ANSWERS) if ESSAYS in files else {}
    parts = [
        (part, of_assignment(answers if path == ESSAYS else {}, part))
        for path in files
        for part in assignments(read(path), source=path.name)
    ]
    with get_context("fork").Pool(PROCESSES) as pool:
        found = dict(pool.imap(partial(measured, asked.marks, asked.draws), parts))
    print(json.dumps({"benchmark": "confidence", "marks": asked.marks, "draws": asked.draws, "sets": found}))


def measured(marks: int, count: int, of: tuple[Assignment, dict[str, dict[str, Opinion]]]) -> tuple[str, Any]:
    """The name of an assignment, and its figures."""
    part, opinions = of
    wanted = Wanted(marks=marks, draws=count, seed=0, tolerance=report.default_tolerance(part))
    with threadpool_limits(1):
        made = report.of_assignment(part, draws(part, opinions, None, wanted), opinions, wanted)
    found = {
        "qwk": made["qwk"],
        "human": made["human"] and made["human"]["qwk"],
        "tolerance": made["tolerance"],
        "confidence": {
            name: {figure: each.get(figure) for figure in ("auroc", "ece", "off")}
            for name, each in made["confidence"].items()
        },
        "intervals": made["intervals"],
        "escalation": {
            name: {figure: rule[figure] for figure in ("gain", "gain_sd", "of_best", "random_beaten")}
            for name, rule in made["escalation"]["rules"].items()
        },
    }
    print(part.name, found, file=sys.stderr)
    return part.name, found


if __name__ == "__main__":
    main()
