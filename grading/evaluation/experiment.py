"""The same assignment again and again: some of its marks are the teacher's, the others are what is tested.

What a draw's calibrator, its intervals and its confidence have learned from is never what they are measured on. With
all marks (`ALL`) it is five-fold cross-validation: every essay is tested once, by what the other four fifths taught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grading.calibration.calibrator import FEWEST, fit
from grading.calibration.cohort import Cohort
from grading.calibration.doubt import Doubt
from grading.calibration.gaussian import Gaussian
from grading.calibration.interval import Conformal
from grading.calibration.prior import Prior
from grading.calibration.sample import Array, Sample
from grading.evaluation.assignments import Assignment
from grading.evaluation.opinions import Opinion, Opinions

ALL = -1
"""Number of marks: all of them, by cross-validation."""
FOLDS = 5
GRADERS = "graders alone"
COVERAGES = (0.8, 0.9)
FEWEST_TESTED = 10
FEWEST_RESIDUALS = 10
"""Marks from which on intervals and probabilities are made."""


class ExperimentError(ValueError):
    """The experiment cannot be made; the message says why."""


@dataclass(frozen=True)
class Draw:
    """One draw's tested essays (`tested` are their places in the assignment) and what was said of each, in points."""

    tested: NDArray[np.intp]
    points: Array
    alone: Mapping[str, Array]
    """What else could have graded them: text features alone, all graders alone (`GRADERS`), each grader as it is and
    calibrated. NaN: no answer."""
    within: Array | None
    """The probability that the mark is within the tolerance; None without enough marks to tell, as the next."""
    intervals: Mapping[float, tuple[Array, Array]] | None
    """By coverage, lowest and highest marks."""


@dataclass(frozen=True)
class Wanted:
    """What is to be tried."""

    marks: int
    draws: int
    seed: int
    tolerance: float
    """In points."""


def draws(
    assignment: Assignment,
    opinions: Mapping[str, Mapping[str, Opinion]],
    prior: Prior | None,
    wanted: Wanted,
    advance: Callable[[], None] = lambda: None,
) -> list[Draw]:
    """All draws; `opinions` are by grader and essay's id. Raises `ExperimentError` where it cannot be tried."""
    samples = samples_of(assignment, opinions)
    count = len(samples)
    if wanted.marks == ALL:
        if count < FOLDS * FEWEST_TESTED // 2:
            raise ExperimentError(f"{assignment.name} has only {count} essays.")
    elif count - wanted.marks < FEWEST_TESTED:
        raise ExperimentError(
            f"{assignment.name} has {count} essays: with {wanted.marks} marks for the teacher, fewer than "
            f"{FEWEST_TESTED} are left to test."
        )
    if wanted.marks == 0 and prior is None and not opinions:
        raise ExperimentError("Without marks there must be a model, stored answers, or a prior (see --marks).")
    if 0 < wanted.marks < FEWEST and prior is None:
        raise ExperimentError(f"Without a prior {FEWEST} marks are needed to learn from; --marks says {wanted.marks}.")
    cohort = None
    if wanted.marks or prior:
        cohort = Cohort(samples, assignment.language, assignment.prompt, prior.former if prior else None)
    made = []
    for number in range(1 if wanted.marks == 0 else wanted.draws):
        random = np.random.default_rng([wanted.seed, number])
        order = random.permutation(count)
        if wanted.marks == ALL:
            folds = [(np.setdiff1d(order, fold), np.sort(fold)) for fold in np.array_split(order, FOLDS)]
            one = _joined([_draw(assignment, samples, opinions, prior, cohort, *fold, wanted) for fold in folds])
        else:
            taught, tested = np.sort(order[: wanted.marks]), np.sort(order[wanted.marks :])
            one = _draw(assignment, samples, opinions, prior, cohort, taught, tested, wanted)
        made.append(one)
        advance()
    return made


def first_split(count: int, wanted: Wanted) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the essays whose marks are the teacher's, and of those that are tested, in the first draw (with all
    marks: in its first fold)."""
    order = np.random.default_rng([wanted.seed, 0]).permutation(count)
    if wanted.marks == ALL:
        part = np.array_split(order, FOLDS)[0]
        return np.setdiff1d(order, part), np.sort(part)
    return np.sort(order[: wanted.marks]), np.sort(order[wanted.marks :])


def samples_of(assignment: Assignment, opinions: Mapping[str, Mapping[str, Opinion]]) -> list[Sample]:
    """The essays as the calibration takes them."""
    return [
        Sample(
            essay.id, essay.text, {name: said[essay.id].levels for name, said in opinions.items() if essay.id in said}
        )
        for essay in assignment.essays
    ]


def of_assignment(opinions: Opinions, assignment: Assignment) -> dict[str, dict[str, Opinion]]:
    """Those of an assignment's essays, by grader and id; answers that name no prompt belong to any."""
    found: dict[str, dict[str, Opinion]] = {}
    for name, said in opinions.items():
        for essay in assignment.essays:
            opinion = said.get((essay.prompt_id, essay.id)) or said.get(("", essay.id))
            if opinion:
                found.setdefault(name, {})[essay.id] = opinion
    return found


def _draw(
    assignment: Assignment,
    samples: Sequence[Sample],
    opinions: Mapping[str, Mapping[str, Opinion]],
    prior: Prior | None,
    cohort: Cohort | None,
    taught: NDArray[np.intp],
    tested: NDArray[np.intp],
    wanted: Wanted,
) -> Draw:
    scale, marks = assignment.scale, assignment.marks[taught]
    test = [samples[index] for index in tested]
    if not len(taught) and prior is None:  # rubric points are all there is, where there are any
        tested = _spoken_of(assignment, opinions, tested)
    raw = {name: _raw(assignment, said, tested) for name, said in opinions.items()}
    alone = {f"{name}, as it is": points for name, points in raw.items()}
    if not len(taught) and prior is None:
        return Draw(tested, scale.clip(_mean(list(raw.values()))), alone, None, None)
    labelled = replace(assignment.labelled(samples, taught), unmarked=test)
    calibrator = fit(labelled, prior, cohort)
    points = calibrator.predict(test)
    if opinions:
        silent = [replace(one, opinions={}) for one in labelled.samples]
        bare = replace(labelled, samples=silent, unmarked=[replace(one, opinions={}) for one in test])
        without = fit(bare, prior, cohort).predict([replace(one, opinions={}) for one in test])
        alone = {**alone, "text features alone": without}
        for name, said in opinions.items():
            if len(taught):
                alone[f"{name}, calibrated"] = _moved(_raw(assignment, said, taught), marks, raw[name])
        if len(taught) >= FEWEST:
            alone[GRADERS] = scale.clip(_together(samples, taught, tested, marks))
    if len(taught) < FEWEST_RESIDUALS:
        return Draw(tested, points, alone, None, None)
    certainty = _certainty(opinions)
    doubt = Doubt.learn(labelled.samples, calibrator.out_of_fold, scale)
    conformal = Conformal.fit(
        calibrator.out_of_fold, marks, scale, doubt.signals(labelled.samples, calibrator.out_of_fold, certainty)
    )
    signals = doubt.signals(test, points, certainty)
    return Draw(
        tested=tested,
        points=points,
        alone=alone,
        within=conformal.all_within(points, wanted.tolerance, signals),
        intervals={coverage: conformal.intervals(points, coverage, signals) for coverage in COVERAGES},
    )


def _raw(assignment: Assignment, said: Mapping[str, Opinion], chosen: NDArray[np.intp]) -> Array:
    ids = [assignment.essays[index].id for index in chosen]
    return np.array([said[name].points if name in said else np.nan for name in ids], dtype=float)


def _spoken_of(
    assignment: Assignment, opinions: Mapping[str, Mapping[str, Opinion]], tested: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Those of them that anybody has graded."""
    spoken = [any(assignment.essays[place].id in said for said in opinions.values()) for place in tested]
    return tested[spoken]


def _mean(points: Sequence[Array]) -> Array:
    """Of all that have spoken; somebody has, of each."""
    mean: Array = np.nanmean(np.array(points), axis=0)
    return mean


def _moved(taught: Array, marks: Array, tested: Array) -> Array:
    """To the teacher's mean and spread, by the marked essays that have an answer."""
    known = np.isfinite(taught)
    if known.sum() < 2:
        return np.full(len(tested), np.nan)
    spread = taught[known].std() or 1.0
    return marks[known].mean() + (tested - taught[known].mean()) / spread * marks[known].std()


def _together(samples: Sequence[Sample], taught: NDArray[np.intp], tested: NDArray[np.intp], marks: Array) -> Array:
    """What all graders' levels teach without a look at the texts; who has not spoken of an essay is neutral."""

    def levels(name: str) -> Array:
        width = next(len(one.opinions[name]) for one in samples if name in one.opinions)
        said = np.array([one.opinions.get(name, (np.nan,) * width) for one in samples], dtype=float)
        spread = np.nanstd(said, axis=0)
        return np.nan_to_num((said - np.nanmean(said, axis=0)) / np.where(spread > 0, spread, 1.0))

    views = {name: levels(name) for name in sorted({name for one in samples for name in one.opinions})}
    fitted = Gaussian.fit({name: view[taught] for name, view in views.items()}, marks)
    return fitted.predict({name: view[tested] for name, view in views.items()})


def _certainty(opinions: Mapping[str, Mapping[str, Opinion]]) -> dict[str, float]:
    """The mean confidence of the graders that show one, by essay's id."""
    found: dict[str, list[float]] = {}
    for said in opinions.values():
        for name, opinion in said.items():
            if opinion.confidence is not None:
                found.setdefault(name, []).append(opinion.confidence)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _joined(parts: Sequence[Draw]) -> Draw:
    """Folds as one draw."""
    within = [part.within for part in parts if part.within is not None]
    intervals = [part.intervals for part in parts if part.intervals is not None]
    return Draw(
        tested=np.concatenate([part.tested for part in parts]),
        points=np.concatenate([part.points for part in parts]),
        alone={name: np.concatenate([part.alone[name] for part in parts]) for name in parts[0].alone},
        within=np.concatenate(within) if within else None,
        intervals={
            coverage: (
                np.concatenate([each[coverage][0] for each in intervals]),
                np.concatenate([each[coverage][1] for each in intervals]),
            )
            for coverage in COVERAGES
        }
        if intervals
        else None,
    )
