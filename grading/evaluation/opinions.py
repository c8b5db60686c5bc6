"""What graders said of essays: stored answers from a file, or grades that a model has just given.

A grader is one model asked in one way, so that every prompt variant of a stored model is a grader of its own, named
`model/variant`: each is calibrated, and gated, by itself, and all that have spoken are averaged by the calibration. Its
opinion of an essay is its scores by criterion (`sub`) where every answer of it to the prompt has the same ones, else
its one total. An answer without a score is none.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from grading.calibration.sample import Scale
from grading.costs.prices import UnknownModel, price_of
from grading.engines.engine import Usage
from grading.evaluation.labelled import LabelledError, json_lines

HEDGES = re.compile(
    r"\b(sorry|perhaps|maybe|may|might|possibl[ey]|unclear|unsure|not sure|cannot|difficult to)\b"
    r"|抱歉|可能|也许|不确定",
    re.IGNORECASE,
)
"""The words by which a well-known cost guide takes a model to be unsure, and what they are in English."""


@dataclass(frozen=True)
class Opinion:
    """One grader's of one essay."""

    levels: tuple[float, ...]
    """By criterion, or its one total."""
    points: float
    """On the scale of the assignment or of its own, uncalibrated."""
    hedged: bool
    confidence: float | None = None
    """0 to 1, from the levels' log-probabilities and the quotes; None for a grader that shows none."""
    cost: float | None = None
    """US dollars; None where no price or no token count is known."""
    usage: Usage | None = None
    model: str = ""
    """As the grade names it."""
    stated: float | None = None
    """0 to 1: the grader's own word for how sure it is; None where it says none."""


Opinions: TypeAlias = dict[str, dict[tuple[str, str], Opinion]]
"""By grader, then by prompt_id and id of the essay."""


def stored(path: Path) -> Opinions:
    """The answers of a JSON Lines file with `essay_id, model, total_score` and, where they are known, `prompt_id`,
    `prompt_variant`, `model_version`, `sub`, `prompt_tokens`, `completion_tokens`, `confidence` (0 to 1, as the model
    stated it), `raw`. Raises `LabelledError`."""
    by_grader: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for number, answer in json_lines(path):
        missing = [name for name in ("essay_id", "model", "total_score") if name not in answer]
        if missing:
            raise LabelledError(f"{path}, line {number}: has no {', '.join(missing)}.")
        if not _is_probability(answer.get("confidence")):
            raise LabelledError(
                f"{path}, line {number}: confidence must be a number from 0 to 1, such as 0.85 for 85 per cent."
            )
        variant = answer.get("prompt_variant")
        name = f"{answer['model']}/{variant}" if variant else str(answer["model"])
        by_grader[name, _key(answer.get("prompt_id"))].append(answer)
    found: Opinions = defaultdict(dict)
    for (name, prompt_id), answers in sorted(by_grader.items()):
        keys = {tuple(answer.get("sub") or ()) for answer in answers if answer["total_score"] is not None}
        criteria = keys.pop() if len(keys) == 1 else ()
        for answer in answers:
            if answer["total_score"] is not None:
                found[name][prompt_id, _key(answer["essay_id"])] = _opinion(answer, criteria)
    if not found:
        raise LabelledError(f"{path} has no answers with a score.")
    return dict(found)


def graded(records: Iterable[Mapping[str, Any]], scale: Scale, model: str | None) -> dict[str, Opinion]:
    """By essay's id, from the records of `grading.batch`; `model` is priced by the token, None for a machine of one's
    own, whose calls cost nothing by themselves."""
    found = {}
    for record in records:
        if record["status"] != "graded":
            continue
        grading = record["grading"]
        words = json.dumps([grading["criteria"], grading["suggestions"]], ensure_ascii=False)
        usage = grading["usage"]
        found[record["id"]] = Opinion(
            levels=tuple(float(criterion["level"]) for criterion in grading["criteria"]),
            points=scale.low + (scale.high - scale.low) * float(grading["total"]) / float(grading["max"]),
            hedged=bool(HEDGES.search(words)),
            confidence=grading["confidence"],
            stated=grading.get("stated_confidence"),
            cost=_cost(model, usage["prompt"], usage["completion"], usage["cached"]) if model else 0.0,
            usage=Usage(usage["prompt"], usage["cached"], usage["completion"]),
            model=grading["model"],
        )
    return found


def _opinion(answer: Mapping[str, Any], criteria: tuple[str, ...]) -> Opinion:
    total = float(answer["total_score"])
    model = str(answer.get("model_version") or answer["model"])
    return Opinion(
        levels=tuple(float(answer["sub"][key]) for key in criteria) or (total,),
        points=total,
        hedged=bool(HEDGES.search(str(answer.get("raw") or ""))),
        stated=answer.get("confidence"),
        cost=_cost(model, answer.get("prompt_tokens"), answer.get("completion_tokens"), 0),
    )


def _cost(model: str, prompt: int | None, completion: int | None, cached: int) -> float | None:
    if prompt is None or completion is None:
        return None
    try:
        return float(price_of(model).cost(Usage(prompt, cached, completion)))
    except UnknownModel:
        return None


def _is_probability(value: Any) -> bool:
    """Or nothing at all."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1)


def _key(value: Any) -> str:
    return "" if value is None else str(value)
