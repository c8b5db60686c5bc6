"""What routing buys on real answers of two models and real marks: cost, share of the larger model, agreement (QWK).

    python -m benchmarks.routing [--essays 300] [--marks 100] [--splits 20] [--plot docs/images/routing.svg]

Of each of four ASAP sets, `--marks` essays are what a teacher has marked: on them each model's scores are brought to
the teacher's mean and spread, and thresholds and rules are learned. Figures are of the other essays, means over many
such splits; QWK is the mean of the sets. A rule stands beside two controls: `same_cost`, which sends essays straight to
the larger model at random until as much is spent, and `same_shares`, which passes on as many of each set as the rule
does, but at random: what beats the first and not the second knows which assignment to pass on, and not which essay.
`beaten` is the share of random draws with a lower QWK. Prints one line of JSON; no policies where the data are missing.

What is stored, what it is priced at and what is left out: `benchmarks.stored_answers`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.cli.chart import Series, chart
from benchmarks.routing_rules import RULES, Array, Part, Rule, decide, split
from benchmarks.stored_answers import ANSWERS, load, prices
from grading.agreement import qwk, steps

DRAWS = 100
SHARES = np.linspace(0, 1, 11)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--essays", type=int, default=300, help="essays of each set, drawn at random")
    parser.add_argument("--marks", type=int, default=100, help="of these the ones that are marked, for learning")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--plot", type=Path, help="SVG file for the curve of cost against QWK")
    chosen = parser.parse_args()
    if not ANSWERS.exists():
        print(json.dumps({"benchmark": "routing", "policies": None}))
        return
    sets = load(chosen.essays)
    splits = [split(sets, chosen.marks, seed) for seed in range(chosen.splits)]
    policies = [policies_of(train, test, seed) for seed, (train, test) in enumerate(splits)]
    priced = {model: {"input": str(p.input_mtok), "output": str(p.output_mtok)} for model, p in prices().items()}
    figures = {
        "benchmark": "routing",
        "essays_tested": sum(len(part.marks) for part in splits[0][1]),
        "marks_a_set": chosen.marks,
        "splits": chosen.splits,
        "usd_per_million_tokens": priced,
        "policies": {name: mean([one[name] for one in policies]) for name in policies[0]},
    }
    if chosen.plot:
        chosen.plot.write_text(plot(splits, figures["policies"]), encoding="utf-8")
    print(json.dumps(figures))


def policies_of(train: list[Part], test: list[Part], seed: int) -> dict[str, dict[str, Any]]:
    """Every policy's figures on one split."""
    random = np.random.default_rng(10_000 + seed)
    nobody = [np.zeros(len(each.marks), dtype=bool) for each in test]
    straight, after_small = RULES[0], RULES[1]
    found = {
        "all_small": figures(test, nobody, straight),
        "all_large": figures(test, [~each for each in nobody], straight),
        "both_averaged": {
            **figures(test, [~each for each in nobody], after_small),
            "qwk": float(np.mean([qwk(each.marks, each.averaged) or 0.0 for each in test])),
            "qwk_by_set": [qwk(each.marks, each.averaged) or 0.0 for each in test],
        },
    }
    for rule in RULES:
        passed = [decide(rule, *parts) for parts in zip(train, test, strict=True)]
        figure = figures(test, passed, rule)
        figure["same_cost"] = beside(figure["qwk"], at_same_cost(test, figure["usd_per_1000"], random))
        figure["same_shares"] = beside(figure["qwk"], at_same_shares(test, passed, random))
        found[rule.name] = figure
    return found


def figures(test: Sequence[Part], passed: Sequence[NDArray[np.bool_]], rule: Rule) -> dict[str, Any]:
    costs, kappas = [], []
    for each, gone in zip(test, passed, strict=True):
        choice = each.choice(each.complexity, rule)
        costs.append(np.where(gone, choice.pass_cost, choice.keep_cost).mean())
        kappas.append(qwk(each.marks, np.where(gone, each.passed, each.kept)) or 0.0)
    return {
        "share_large": float(np.mean([gone.mean() for gone in passed])),
        "usd_per_1000": 1000 * float(np.mean(costs)),
        "qwk": float(np.mean(kappas)),
        "share_large_by_set": [float(gone.mean()) for gone in passed],
        "qwk_by_set": kappas,
    }


def at_same_cost(test: Sequence[Part], usd_per_1000: float, random: np.random.Generator) -> Array:
    """QWK of draws that spend as much by sending essays straight to the large model."""
    low = np.mean([each.kept_cost.mean() for each in test])
    high = np.mean([each.large_cost.mean() for each in test])
    share = float(np.clip((usd_per_1000 / 1000 - low) / (high - low), 0, 1))
    return kappas(test, [random.random((DRAWS, len(each.marks))) < share for each in test])


def at_same_shares(test: Sequence[Part], passed: Sequence[NDArray[np.bool_]], random: np.random.Generator) -> Array:
    """QWK of draws that pass on as many essays of each set."""
    return kappas(test, [random.permuted(np.tile(gone, (DRAWS, 1)), axis=1) for gone in passed])


def kappas(test: Sequence[Part], passed: Sequence[NDArray[np.bool_]]) -> Array:
    """QWK of each draw, a row of `passed` each, as the mean of the sets; by the short way of `grading.agreement`."""
    each_set = []
    for each, gone in zip(test, passed, strict=True):
        marks = steps(np.where(gone, each.passed, each.kept))
        chance = marks.var(axis=1) + each.marks.var() + (marks.mean(axis=1) - each.marks.mean()) ** 2
        each_set.append(1 - ((marks - each.marks) ** 2).mean(axis=1) / chance)
    return np.mean(each_set, axis=0)


def beside(ours: float, draws: Array) -> dict[str, float]:
    low, high = np.quantile(draws, [0.05, 0.95])
    ties = np.abs(draws - ours) < 1e-9
    beaten = float(np.mean((draws < ours) & ~ties) + ties.mean() / 2)
    return {"qwk": float(draws.mean()), "p5": float(low), "p95": float(high), "beaten": beaten}


def mean(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the splits; and the spread of QWK over them."""
    found: dict[str, Any] = {}
    for name, first in figures[0].items():
        values = [each[name] for each in figures]
        found[name] = mean(values) if isinstance(first, dict) else np.mean(values, axis=0).round(4).tolist()
    if "share_large" in found:
        found["qwk_sd"] = float(np.std([each["qwk"] for each in figures]).round(4))
    return found


# --- the plot --------------------------------------------------------------------------------------------------------


def plot(splits: Sequence[tuple[list[Part], list[Part]]], policies: dict[str, Any]) -> str:
    """Cost against QWK: for every rule by the share it passes on, for chance with its spread."""
    random = np.random.default_rng(1)
    chance = []
    for share in SHARES:
        draws = [kappas(test, [random.random((DRAWS, len(p.marks))) < share for p in test]) for _, test in splits]
        costs = [
            np.mean([(1 - share) * p.kept_cost.mean() + share * p.large_cost.mean() for p in t]) for _, t in splits
        ]
        low, high = np.quantile(draws, [0.05, 0.95], axis=1).mean(axis=1)
        chance.append((1000 * np.mean(costs), low, high, np.mean(draws)))
    series = [Series("random (5 to 95 %)", [(x, y) for x, *_, y in chance], band=[each[:3] for each in chance])]
    for rule in (rule for rule in RULES if rule.threshold is None and rule.name != "learned_assignment"):
        series.append(Series(f"{rule.name.replace('_', ' ')}, by share", by_share(rule, splits)))
    for name in ("all_small", "all_large", "both_averaged", "guide_formula", "learned_assignment"):
        at = (policies[name]["usd_per_1000"], policies[name]["qwk"])
        series.append(Series(name.replace("_", " "), [at], line=False))
    return chart(
        "Routing between Llama-2 and GPT-3.5 on four ASAP sets, 100 marks each",
        "US dollars for 1,000 essays",
        "QWK with people's marks, mean of four sets",
        series,
    )


def by_share(rule: Rule, splits: Sequence[tuple[list[Part], list[Part]]]) -> list[tuple[float, float]]:
    """Learned gains are compared across sets; other signals are not, so that each set passes on the same share."""
    points = []
    for share in SHARES:
        found = []
        for train, test in splits:
            signals = [rule.signal(*parts)[1] for parts in zip(train, test, strict=True)]
            if rule.name.startswith("learned"):
                bounds = [np.quantile(np.concatenate(signals), share)] * len(signals)
            else:
                bounds = [np.quantile(signal, share) for signal in signals]
            passed = [s < b if share < 1 else np.ones(len(s), bool) for s, b in zip(signals, bounds, strict=True)]
            found.append(figures(test, passed, rule))
        points.append((np.mean([f["usd_per_1000"] for f in found]), np.mean([f["qwk"] for f in found])))
    return [(float(x), float(y)) for x, y in points]


if __name__ == "__main__":
    main()
