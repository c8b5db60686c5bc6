"""Does confidence tell the marks that are off, and does a rule of escalation beat chance? One line of JSON.

    python -m benchmarks.confidence [--marks 100] [--draws 5] [FILE …]

The confidence is fitted on the marks of each draw and measured on the others. Without files: all labelled ones in
`../shared/data`, English school essays with the stored answers of two models, which state no confidence of their own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.stored_answers import ANSWERS, ESSAYS
from grading.evaluation import report
from grading.evaluation.assignments import assignments
from grading.evaluation.experiment import Wanted, draws, of_assignment
from grading.evaluation.labelled import read
from grading.evaluation.opinions import stored
from tests.corpus import SHARED


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--marks", type=int, default=100)
    parser.add_argument("--draws", type=int, default=5)
    asked = parser.parse_args()
    files = asked.files or sorted(SHARED.glob("*_dev.jsonl.gz"))
    found = {name: figures for path in files for name, figures in measured(path, asked.marks, asked.draws).items()}
    print(json.dumps({"benchmark": "confidence", "marks": asked.marks, "draws": asked.draws, "sets": found}))


def measured(path: Path, marks: int, count: int) -> dict[str, Any]:
    """By assignment."""
    answers = stored(ANSWERS) if path == ESSAYS else {}
    found = {}
    for part in assignments(read(path), source=path.name):
        opinions = of_assignment(answers, part)
        wanted = Wanted(marks=marks, draws=count, seed=0, tolerance=report.default_tolerance(part))
        made = report.of_assignment(part, draws(part, opinions, None, wanted), opinions, wanted)
        rules = made["escalation"]["rules"]
        found[part.name] = {
            "qwk": made["qwk"],
            "tolerance": made["tolerance"],
            "confidence": {
                name: {figure: each.get(figure) for figure in ("auroc", "ece", "off")}
                for name, each in made["confidence"].items()
            },
            "intervals": made["intervals"],
            "escalation": {
                name: {figure: rule[figure] for figure in ("gain", "gain_sd", "of_best", "random_beaten")}
                for name, rule in rules.items()
            },
        }
    return found


if __name__ == "__main__":
    main()
