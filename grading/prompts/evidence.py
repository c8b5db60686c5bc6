"""Whether a version of a prompt may become the default: what was measured, and what is asked of it.

Two versions are compared on the same essays, with people's marks: the difference of their quadratic weighted kappas
has a bootstrap interval (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13), and a version
is accepted only when even its lower end is no worse than the tolerance allows. So few essays prove nothing.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from grading.engines.loading import DEMO_MODEL
from grading.prompts.library import Prompt

TOLERANCE = 0.02
"""By how much the kappa may be lower: about what two draws of a teacher's marks differ by."""
FEWEST = 50
"""Essays that must have been graded by both versions; of few that are graded alike the interval is a point."""
FAILURES = 0.02
"""Share of essays by which the new version may leave more without a grade: these are in no kappa."""


class Refused(ValueError):
    """The version is not made default; the message says why."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Model):
    """Kappa of a version minus that of the first, on the essays that all have graded, and its 95 % interval."""

    qwk: float
    low: float
    high: float


class Measured(_Model):
    """One version. `hash` is the SHA-256 of its file, `tokens` are of its instructions (`library.ENCODING`); usage is
    the mean of an essay's calls, and what is not known is None. All but the usage is of the essays that all have
    graded."""

    id: str
    hash: str
    tokens: int
    failed: int
    prompt_tokens: float | None
    completion_tokens: float | None
    cost_1000_usd: float | None
    qwk: float | None
    exact: float | None
    mean_error: float | None
    difference: Difference | None
    """None for the first, and where a kappa is not defined."""


class Evidence(_Model):
    """Versions of a prompt on the same essays, the first beside each of the others. `models` is who graded: one."""

    task: str
    language: str
    models: tuple[str, ...]
    asked: int
    essays: int
    """That all versions have graded."""
    versions: tuple[Measured, ...]


def read(report: Any) -> Evidence:
    """Of a report that `pizhu evaluate --prompts … --json` has written. Raises `Refused`."""
    found = report.get("prompts") if isinstance(report, dict) else None
    if not found:
        raise Refused("It compares no prompts; `pizhu evaluate … --prompts OLD,NEW --json FILE` does.")
    try:
        return Evidence.model_validate(found)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, ("prompts", *fault["loc"])))
        raise Refused(f"It is no report of this version of `pizhu evaluate`: {place}: {fault['msg']}.") from None


def accepted(evidence: Evidence, new: Prompt, default: Prompt, *, tolerance: float = TOLERANCE) -> Difference:
    """What the new version gains or loses, if it may take the default's place. Raises `Refused`."""
    if (evidence.task, evidence.language) != (new.task, new.language):
        raise Refused(f"It is about {evidence.task}/{evidence.language}, not about {new.task}/{new.language}.")
    if DEMO_MODEL in evidence.models:
        raise Refused("The demonstration model graded, whose judgement means nothing. Measure with a real one.")
    if len(evidence.models) != 1:
        raise Refused(f"More than one model graded: {', '.join(evidence.models) or 'none'}.")
    first, *others = evidence.versions
    found = next((one for one in others if one.id == new.id), None)
    if first.id != default.id or found is None:
        raise Refused(
            f"It must compare the default with the new version: --prompts {default.version},{new.version}. It has "
            f"{', '.join(one.id for one in evidence.versions)}."
        )
    for measured, prompt in ((first, default), (found, new)):
        if measured.hash != prompt.hash:
            raise Refused(f"{prompt.id} has been changed since it was measured. Measure it again.")
    if evidence.essays < FEWEST:
        raise Refused(f"Only {evidence.essays} essays were graded by both; there must be {FEWEST}.")
    if found.failed - first.failed > FAILURES * evidence.asked:
        raise Refused(
            f"It leaves {found.failed} of {evidence.asked} essays without a grade, and the default {first.failed}."
        )
    if found.difference is None:
        raise Refused("A kappa is not defined: every essay got the same mark.")
    if not found.difference.low > -tolerance:
        raise Refused(
            f"It may lose too much: QWK {found.difference.qwk:+.3f}, with a 95 % interval from "
            f"{found.difference.low:+.3f} to {found.difference.high:+.3f}, and more than {-tolerance:+.3f} must be "
            "sure. More essays make the interval narrower."
        )
    return found.difference
