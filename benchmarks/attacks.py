"""How far attacks move the marks of a calibration without any model: by the whole text, and without what is suspicious.

    python -m benchmarks.attacks [--pairs 300] [--marks 100] [--seed 0]

For each of the ASAP sets 1, 2, 4 and 7, and for the Chinese argumentative essays, a calibration learns from `marks`
marks; strings are put into other essays. `plain` is what it makes of the text as it stands, `guarded` of the text
without what `grading.injection` finds, and `harmless` is as `plain` with look-alikes, which are no attacks: what merely
more words do. Only strings of the half that no cue was chosen on are used (`benchmarks.injection`), and of attacks only
those on who judges a text. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.injection import JUDGING, STRINGS, of_half, strings, texts
from grading import injection
from grading.calibration.calibrator import fit
from grading.calibration.sample import Labelled, Sample, Scale
from grading.evaluation.attacks import Attack, measure, pairs
from grading.text import Language
from tests.corpus import SHARED

SETS = ("1", "2", "4", "7")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=300, help="pairs of an essay and an attack in each set")
    parser.add_argument("--marks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rows = list(of_half(strings(STRINGS), "report"))
    attacks = [Attack(row["type"], row["text"]) for row in rows if row["label"] == 1 and row["target"] in JUDGING]
    harmless = [Attack(row["type"], row["text"]) for row in rows if row["label"] == 0]
    english = list(texts(SHARED / "asap_dev.jsonl.gz"))
    figures: dict[str, Any] = {"benchmark": "attacks", **vars(chosen)}
    for name in SETS:
        own = [row for row in english if str(row["prompt_id"]) == name]
        figures[f"asap {name}"] = figures_of(own, "en", attacks, harmless, chosen)
    chinese = list(texts(SHARED / "zh_argument_dev.jsonl.gz"))
    figures["zh_argument"] = figures_of(chinese, "zh", attacks, harmless, chosen)
    print(json.dumps(figures))


def figures_of(
    rows: Sequence[dict[str, Any]],
    language: Language,
    attacks: Sequence[Attack],
    harmless: Sequence[Attack],
    chosen: argparse.Namespace,
) -> dict[str, Any]:
    """Learn from some, attack the others."""
    marks = [float(row["score"]) for row in rows]
    scale = Scale(min(marks), max(marks))
    order = np.random.default_rng(chosen.seed).permutation(len(rows))
    taught, tested = order[: chosen.marks], order[chosen.marks :]
    samples = [Sample(str(rows[i]["id"]), rows[i]["text"]) for i in taught]
    calibrator = fit(Labelled("attacked", language, "", scale, samples, [marks[i] for i in taught]))
    essays = [rows[i]["text"] for i in tested]
    made = pairs(essays, attacks, count=chosen.pairs, seed=chosen.seed)
    others = pairs(essays, harmless, count=chosen.pairs, seed=chosen.seed)

    def plain(essays: Sequence[str]) -> list[float | None]:
        return [float(points) for points in calibrator.predict([Sample(str(i), text) for i, text in enumerate(essays)])]

    def guarded(essays: Sequence[str]) -> list[float | None]:
        return plain([injection.honest(text) or " " for text in essays])

    measured = {"plain": (made, plain), "guarded": (made, guarded), "harmless": (others, plain)}
    return {name: brief(measure(some, grade, scale)) for name, (some, grade) in measured.items()}


def brief(measured: dict[str, Any]) -> dict[str, Any]:
    return {name: figure for name, figure in measured.items() if name not in ("by_place", "by_type")}


if __name__ == "__main__":
    main()
