"""What of a file is evaluated as one: the essays of an assignment, their scale and their language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grading.agreement import Agreement, agreement
from grading.calibration.sample import Labelled, Sample, Scale
from grading.evaluation.labelled import Essay, LabelledError
from grading.text import Language, language_of

APART_FROM = 200
"""Essays on the average prompt of a file from which on each is evaluated by itself."""
STEPS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)
ON_STEP = 0.8
"""Share of the marks that lie on the steps of a scale; the rest are means of two raters and the like."""
LOOKED_AT = 50
"""Texts whose language is looked at."""


@dataclass(frozen=True)
class Assignment:
    """Essays that are evaluated together, on one scale."""

    name: str
    language: Language
    prompt: str
    scale: Scale
    essays: tuple[Essay, ...]
    marks: NDArray[np.float64] = field(repr=False)
    """The people's marks, in points."""

    def labelled(self, samples: Sequence[Sample], chosen: NDArray[np.intp]) -> Labelled:
        """Some of the essays as the calibration takes them; `samples` are all, in the essays' order."""
        return Labelled(
            name=self.name,
            language=self.language,
            prompt=self.prompt,
            scale=self.scale,
            samples=[samples[index] for index in chosen],
            marks=self.marks[chosen].tolist(),
        )

    def human(self) -> Agreement | None:
        """How the two raters agree, in steps of their own scale; None unless every essay has both."""
        raters = [essay.raters for essay in self.essays if essay.raters]
        if len(raters) < len(self.essays):
            return None
        step = step_of(mark for pair in raters for mark in pair)
        first, second = np.array(raters).T / step
        return agreement(first, second)


def assignments(
    essays: Sequence[Essay],
    *,
    source: str,
    apart: bool | None = None,
    language: Language | None = None,
    prompt: str = "",
) -> list[Assignment]:
    """The assignments of a file, the first first.

    Essays with the same `prompt_id` are one. Where prompts have few essays each (fewer than `APART_FROM` on average)
    and one scale, all are evaluated together; `apart` says otherwise. `prompt` is what was asked, where the
    rows do not say. Raises `LabelledError`.
    """
    by_prompt: dict[str, list[Essay]] = defaultdict(list)
    for essay in essays:
        by_prompt[essay.prompt_id].append(essay)
    made = [
        _assignment(_named(source, number if len(by_prompt) > 1 else ""), of_prompt, language, prompt)
        for number, of_prompt in by_prompt.items()
    ]
    one_scale = len({(one.scale.low, one.scale.high) for one in made if one.essays[0].high is not None}) <= 1
    if apart is None:
        apart = not one_scale or len(essays) >= APART_FROM * len(made)
    if apart or len(made) == 1:
        return made
    if not one_scale:
        raise LabelledError(f"The prompts of {source} have different scales, and cannot be evaluated together.")
    return [_assignment(source, essays, language, prompt)]


def _named(source: str, number: str) -> str:
    return f"{source}, prompt {number}" if number else source


def _assignment(name: str, essays: Sequence[Essay], language: Language | None, prompt: str) -> Assignment:
    marks = np.array([essay.score for essay in essays])
    asked = {essay.prompt for essay in essays}
    return Assignment(
        name=name,
        language=language or Counter(language_of(essay.text) for essay in essays[:LOOKED_AT]).most_common(1)[0][0],
        prompt=asked.pop() or prompt if len(asked) == 1 else prompt,
        scale=_scale(name, essays, marks),
        essays=tuple(essays),
        marks=marks,
    )


def _scale(name: str, essays: Sequence[Essay], marks: NDArray[np.float64]) -> Scale:
    """As the rows say; what they do not is seen from the marks."""

    def said(column: str, values: Iterable[float | None], otherwise: float) -> float:
        found = set(values)
        if len(found) > 1:
            raise LabelledError(f"{name} has essays with different {column}; give them different prompt_ids.")
        value = found.pop()
        return otherwise if value is None else value

    low = said("min", (essay.low for essay in essays), float(marks.min()))
    high = said("max", (essay.high for essay in essays), float(marks.max()))
    step = said("step", (essay.step for essay in essays), step_of(marks))
    if high - low < step:
        raise LabelledError(f"{name} has one and the same mark for every essay; there is nothing to learn or measure.")
    return Scale(low, high, step)


def step_of(marks: Iterable[float]) -> float:
    """The largest usual step on which nearly all of these marks lie."""
    given = np.array(list(marks))
    for step in STEPS:
        if np.mean(np.abs(given / step - np.round(given / step)) < 1e-6) >= ON_STEP:
            return step
    return STEPS[-1]
