"""Versions of a prompt side by side: what each costs and how well the same model marks the same essays with it.

Points are the rubric's, as the model gave them and before any calibration, since a calibration would hide what a prompt
does. Kappas are of the essays that every version has graded; with several assignments they are means of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from grading.agreement import qwk
from grading.calibration.sample import Array
from grading.evaluation.assignments import Assignment
from grading.evaluation.metrics import measured, rounded
from grading.evaluation.opinions import Opinion
from grading.prompts.evidence import Difference, Evidence, Measured
from grading.prompts.library import Prompt

RESAMPLES = 2000
SURE = 0.95

ByVersion = Mapping[str, Mapping[str, Mapping[str, Opinion]]]
"""Opinions by the prompt's id, the assignment's name and the essay's id."""


def compare(
    assignments: Sequence[Assignment], prompts: Sequence[Prompt], said: ByVersion, *, seed: int = 0
) -> Evidence:
    """The first of the prompts beside each of the others. There is at least one prompt."""
    chosen = [_in_all(one, prompts, said) for one in assignments]
    parts = [
        (one.scale.steps(one.scale.round(one.marks[places])), *(_steps(one, said[p.id], places) for p in prompts))
        for one, places in zip(assignments, chosen, strict=True)
        if len(places)
    ]
    asked = sum(len(one.essays) for one in assignments)
    found = []
    for place, prompt in enumerate(prompts):
        opinions = [opinion for part in said[prompt.id].values() for opinion in part.values()]
        agreements = [
            measured(one.scale, one.marks[places], _points(one, said[prompt.id], places))
            for one, places in zip(assignments, chosen, strict=True)
            if len(places)
        ]
        found.append(
            Measured(
                id=prompt.id,
                hash=prompt.hash,
                tokens=prompt.tokens,
                failed=asked - len(opinions),
                prompt_tokens=_mean([one.usage.prompt if one.usage else None for one in opinions]),
                completion_tokens=_mean([one.usage.completion if one.usage else None for one in opinions]),
                cost_1000_usd=_mean([1000 * one.cost if one.cost is not None else None for one in opinions]),
                qwk=_mean([one.qwk for one in agreements]),
                exact=_mean([one.exact for one in agreements]),
                mean_error=_mean([one.mean_error for one in agreements]),
                difference=difference([(part[0], part[1], part[1 + place]) for part in parts], seed) if place else None,
            )
        )
    return Evidence(
        task=prompts[0].task,
        language=prompts[0].language,
        models=tuple(sorted(_models(said))),
        asked=asked,
        essays=sum(map(len, chosen)),
        versions=tuple(found),
    )


def difference(parts: Sequence[tuple[Array, Array, Array]], seed: int = 0) -> Difference | None:
    """Kappa of the last minus kappa of the middle, with the first as the truth: the mean over parts.

    The interval is the percentile bootstrap's: essays are drawn with replacement within each part, and each keeps both
    of its marks. None where a kappa is not defined.
    """
    if not parts:
        return None
    random = np.random.default_rng(seed)
    whole, drawn = 0.0, np.zeros(RESAMPLES)
    for truth, one, other in parts:
        essays = len(truth)
        share = random.multinomial(essays, np.full(essays, 1 / essays), size=RESAMPLES) / essays
        drawn += (_kappas(truth, other, share) - _kappas(truth, one, share)) / len(parts)
        before, after = qwk(truth, one), qwk(truth, other)
        if before is None or after is None:
            return None
        whole += (after - before) / len(parts)
    low, high = np.nanquantile(drawn, [(1 - SURE) / 2, (1 + SURE) / 2])
    return Difference(qwk=round(whole, 4), low=round(float(low), 4), high=round(float(high), 4))


def _kappas(truth: Array, marks: Array, weights: Array) -> Array:
    """`grading.agreement.qwk` by each row of weights, which sum to one; NaN where it is not defined."""
    by_chance = weights @ truth**2 + weights @ marks**2 - 2 * (weights @ truth) * (weights @ marks)
    apart = weights @ (truth - marks) ** 2
    return 1 - np.divide(apart, by_chance, out=np.full(len(weights), np.nan), where=by_chance > 1e-9)


def _models(said: ByVersion) -> set[str]:
    return {one.model for parts in said.values() for opinions in parts.values() for one in opinions.values()}


def _in_all(assignment: Assignment, prompts: Sequence[Prompt], said: ByVersion) -> list[int]:
    """Places of the essays that every version has graded."""
    graded = [said[prompt.id].get(assignment.name, {}) for prompt in prompts]
    return [place for place, essay in enumerate(assignment.essays) if all(essay.id in one for one in graded)]


def _points(assignment: Assignment, said: Mapping[str, Mapping[str, Opinion]], places: Sequence[int]) -> Array:
    return np.array([said[assignment.name][assignment.essays[place].id].points for place in places])


def _steps(assignment: Assignment, said: Mapping[str, Mapping[str, Opinion]], places: Sequence[int]) -> Array:
    return assignment.scale.steps(assignment.scale.round(_points(assignment, said, places)))


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one of them is not known, and of nothing."""
    known = [value for value in values if value is not None]
    return rounded(float(np.mean(known))) if known and len(known) == len(values) else None
