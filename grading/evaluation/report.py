"""What the draws of an assignment come to: the figures that `pizhu evaluate` prints, as plain JSON.

Quality is the mean over draws, with its standard deviation. Tables by length, band and group, and the reliability
curve, take all draws together; their sizes are numbers of different essays. What is not known is null, never nought.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from grading.agreement import Agreement
from grading.calibration.sample import Array
from grading.complexity import diversity
from grading.evaluation.assignments import Assignment
from grading.evaluation.escalation import SHARES, Escalation, escalation
from grading.evaluation.experiment import ALL, FEWEST_RESIDUALS, GRADERS, Draw, Wanted
from grading.evaluation.fairness import by_group
from grading.evaluation.metrics import Part, auroc, by_band, by_length, measured, reliability, rounded
from grading.evaluation.opinions import Opinion
from grading.segmentation import sentences

FIGURES = ("qwk", "exact", "adjacent", "mean_error", "bias")


def default_tolerance(assignment: Assignment) -> float:
    """A tenth of the scale, in points; on a scale of few marks that is: the same mark."""
    return (assignment.scale.high - assignment.scale.low) / 10


def of_assignment(
    assignment: Assignment,
    draws: Sequence[Draw],
    opinions: Mapping[str, Mapping[str, Opinion]],
    wanted: Wanted,
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    """All figures of one assignment; `columns` are the groups to show agreement by."""
    scale = assignment.scale
    tested = np.concatenate([draw.tested for draw in draws])
    truth, points = assignment.marks[tested], np.concatenate([draw.points for draw in draws])
    essays = [assignment.essays[index] for index in tested]
    times = np.bincount(tested, minlength=len(assignment.essays))
    weights = 1 / times[tested]
    human = assignment.human()
    agreements = [measured(scale, assignment.marks[draw.tested], draw.points) for draw in draws]
    return {
        "name": assignment.name,
        "language": assignment.language,
        "scale": {"low": scale.low, "high": scale.high, "step": scale.step},
        "essays": len(assignment.essays),
        "tested": int((times > 0).sum()),
        **_over_draws(agreements),
        "human": human.to_json() if human else None,
        "by_length": _parts(by_length(scale, truth, points, [len(essay.text) for essay in essays]), len(draws)),
        "by_band": _parts(by_band(scale, truth, points), len(draws)),
        "groups": {
            column: [
                group.to_json()
                for group in by_group(
                    [essay.groups.get(column, "") for essay in essays], scale, truth, points, weights=weights
                )
            ]
            for column in columns
        },
        "graders": _graders(assignment, draws, opinions),
        "tolerance": wanted.tolerance,
        "confidence": _confidence(assignment, draws, opinions, wanted.tolerance),
        "intervals": _intervals(assignment, draws),
        "escalation": _escalation(assignment, draws, opinions, wanted.seed),
        "points": [[float(mark), round(float(given), 3)] for mark, given in zip(truth, points, strict=True)][:1000],
        "cost_usd": _cost([opinion for said in opinions.values() for opinion in said.values()]),
    }


def overall(assignments: Sequence[dict[str, Any]], wanted_marks: int) -> dict[str, Any]:
    """The mean over assignments of what each has come to; every assignment counts the same."""
    found: dict[str, Any] = {name: _mean([one[name] for one in assignments]) for name in FIGURES if name != "bias"}
    if len(assignments) == 1:
        found |= {"bias": assignments[0]["bias"], "qwk_sd": assignments[0]["qwk_sd"]}
    human = [one["human"]["qwk"] if one["human"] else None for one in assignments]
    sure = [one["confidence"]["calibrated"] for one in assignments]
    return {
        **found,
        "human_qwk": _mean(human),
        "auroc": _mean([one["auroc"] for one in sure]),
        "ece": _mean([one["ece"] for one in sure]),
        "essays": sum(one["essays"] for one in assignments),
        "marks": "all" if wanted_marks == ALL else wanted_marks,
    }


def _over_draws(agreements: Sequence[Agreement]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in FIGURES:
        found[name] = _mean([getattr(one, name) for one in agreements])
    kappas = [one.qwk for one in agreements if one.qwk is not None]
    found["qwk_sd"] = rounded(float(np.std(kappas, ddof=1))) if len(kappas) > 1 else None
    return found


def _parts(parts: Sequence[Part], draws: int) -> list[dict[str, Any]]:
    return [{**part.to_json(), "essays": round(part.essays / draws)} for part in parts]


def _graders(
    assignment: Assignment, draws: Sequence[Draw], opinions: Mapping[str, Mapping[str, Opinion]]
) -> list[dict[str, Any]]:
    """Each way to grade, with its quality and what 1,000 essays cost; the calibration of all that have spoken first."""
    everything = _cost_of_1000(list(opinions.values())) if opinions else 0.0
    rows = [{"name": "all that have spoken" if opinions else "text features", "cost_1000_usd": everything}]
    rows[0] |= _over_draws([measured(assignment.scale, assignment.marks[draw.tested], draw.points) for draw in draws])
    for name in draws[0].alone:
        found = []
        for draw in draws:
            known = np.isfinite(draw.alone[name])
            if known.any():
                truth = assignment.marks[draw.tested][known]
                found.append(measured(assignment.scale, truth, draw.alone[name][known]))
        grader = name.rpartition(", ")[0]
        said = opinions.get(grader)
        cost = everything if name == GRADERS else _cost_of_1000([said]) if said is not None else 0.0
        if found:
            rows.append({"name": name, "cost_1000_usd": cost, **_over_draws(found)})
    return rows


def _confidence(
    assignment: Assignment, draws: Sequence[Draw], opinions: Mapping[str, Mapping[str, Opinion]], tolerance: float
) -> dict[str, Any]:
    """How well each kind of confidence tells the marks that are off by more than the tolerance.

    The method of keywords takes an answer with a word of doubt for unsure and any other for sure, and is measured as
    what it amounts to: a probability of nought or one. The levels and quotes are no probability before calibration.
    """
    tested = np.concatenate([draw.tested for draw in draws])
    off = np.concatenate([_off(assignment, draw, tolerance) for draw in draws])
    within = [draw.within if draw.within is not None else np.full(len(draw.tested), np.nan) for draw in draws]
    hedged = _hedged(assignment, opinions)

    def told(confidence: Array, otherwise: str) -> dict[str, Any]:
        known = np.isfinite(confidence)
        if not known.any():
            return {"auroc": None, "ece": None, "off": None, "curve": [], "essays": 0, "missing": otherwise}
        essays = len(np.unique(tested[known]))
        return {**reliability(confidence[known], off[known]).to_json(), "essays": essays, "missing": None}

    found = {
        "calibrated": told(np.concatenate(within), f"it takes {FEWEST_RESIDUALS} marks"),
        "keywords": told(1 - hedged[tested], "there is no answer of a model"),
        "stated": told(
            _stated(assignment, opinions)[tested],
            "no answer states one" if opinions else "there is no answer of a model",
        ),
    }
    own = _own(assignment, opinions)[tested]
    known = np.isfinite(own)
    if opinions:
        found["keywords"]["share"] = rounded(float((hedged[np.isfinite(hedged)] > 0).mean()))
    if known.any():
        found["model's levels and quotes, uncalibrated"] = {"auroc": rounded(auroc(-own[known], off[known]))}
    return found


def _off(assignment: Assignment, draw: Draw, tolerance: float) -> Any:
    return np.abs(assignment.scale.round(draw.points) - assignment.marks[draw.tested]) > tolerance + 1e-9


def _own(assignment: Assignment, opinions: Mapping[str, Mapping[str, Opinion]]) -> Array:
    """The mean confidence that models show in each essay's grades; NaN where none shows any."""
    return _mean_by_essay(assignment, opinions, lambda opinion: opinion.confidence)


def _stated(assignment: Assignment, opinions: Mapping[str, Mapping[str, Opinion]]) -> Array:
    """The mean confidence that models say they have in each essay's grades; NaN where none says any."""
    return _mean_by_essay(assignment, opinions, lambda opinion: opinion.stated)


def _hedged(assignment: Assignment, opinions: Mapping[str, Mapping[str, Opinion]]) -> Array:
    """The share of each essay's answers in which a word of doubt stands; NaN where there is no answer."""
    return _mean_by_essay(assignment, opinions, lambda opinion: float(opinion.hedged))


def _mean_by_essay(
    assignment: Assignment,
    opinions: Mapping[str, Mapping[str, Opinion]],
    figure: Callable[[Opinion], float | None],
) -> Array:
    found = np.full(len(assignment.essays), np.nan)
    for place, essay in enumerate(assignment.essays):
        values = [figure(said[essay.id]) for said in opinions.values() if essay.id in said]
        known = [value for value in values if value is not None]
        if known:
            found[place] = np.mean(known)
    return found


def _intervals(assignment: Assignment, draws: Sequence[Draw]) -> list[dict[str, float | None]]:
    found = []
    for coverage in draws[0].intervals or ():
        inside, width = [], []
        for draw in draws:
            if draw.intervals:
                low, high = draw.intervals[coverage]
                truth = assignment.scale.round(assignment.marks[draw.tested])
                inside.append(float(np.mean((truth >= low - 1e-9) & (truth <= high + 1e-9))))
                width.append(float(np.mean(high - low)))
        found.append({"stated": coverage, "measured": _mean(inside), "width": _mean(width)})
    return found


def _escalation(
    assignment: Assignment, draws: Sequence[Draw], opinions: Mapping[str, Mapping[str, Opinion]], seed: int
) -> dict[str, Any]:
    hedged, stated = np.nan_to_num(_hedged(assignment, opinions)), _stated(assignment, opinions)
    complexity = np.array([plain_complexity(essay.text) for essay in assignment.essays])
    made: list[Escalation] = []
    for number, draw in enumerate(draws):
        steps = (draw.points - assignment.scale.low) / assignment.scale.step
        doubts = {
            "crossing a boundary": np.abs(steps - np.floor(steps + 0.5)),
            "most complex first": complexity[draw.tested],
        }
        if draw.within is not None and draw.intervals is not None:
            low, high = draw.intervals[max(draw.intervals)]
            doubts = {"lowest confidence first": -draw.within, "widest interval first": high - low, **doubts}
        if opinions:
            doubts["words of doubt in the answer"] = hedged[draw.tested]
        if np.isfinite(stated[draw.tested]).any():  # who says nothing is as sure as the others
            filled = np.where(np.isfinite(stated), stated, np.nanmean(stated))
            doubts["lowest stated confidence first"] = -filled[draw.tested]
        made.append(
            escalation(assignment.scale, assignment.marks[draw.tested], draw.points, doubts, seed=seed + number)
        )
    return {
        "shares": [rounded(share) for share in SHARES],
        "random": [rounded(value) for value in np.mean([one.random for one in made], axis=0)],
        "knowing_the_errors": [rounded(value) for value in np.mean([one.best for one in made], axis=0)],
        "rules": {
            name: {
                "gain": _mean([one.curves[name].gain for one in made]),
                "gain_sd": rounded(float(np.std([one.curves[name].gain for one in made], ddof=1)))
                if len(made) > 1
                else None,
                "of_best": _mean([one.curves[name].of_best for one in made]),
                "random_beaten": _mean([one.curves[name].beaten for one in made]),
                "quality": [rounded(value) for value in np.mean([one.curves[name].quality for one in made], axis=0)],
            }
            for name in made[0].curves
        },
    }


def plain_complexity(text: str) -> float:
    """The complexity by which essays are routed, without its count of errors, which takes the most time."""
    cut = sentences(text)
    words = [word.text.lower() for sentence in cut for word in sentence.words]
    return (
        0.3 * min(1.0, len(text) / 5000) + 0.3 * diversity(words) + 0.2 * min(1.0, len(words) / max(len(cut), 1) / 50)
    )


def _cost(said: Sequence[Opinion]) -> float | None:
    """US dollars of all these calls; None where the price of one is not known."""
    costs = [opinion.cost for opinion in said]
    return None if any(cost is None for cost in costs) else float(sum(cost or 0.0 for cost in costs))


def _cost_of_1000(graders: Sequence[Mapping[str, Opinion]]) -> float | None:
    costs = [_cost(list(said.values())) for said in graders]
    if any(cost is None for cost in costs):
        return None
    return round(sum(1000 * (cost or 0.0) / len(said) for cost, said in zip(costs, graders, strict=True)), 4)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return rounded(float(np.mean(known))) if known else None
