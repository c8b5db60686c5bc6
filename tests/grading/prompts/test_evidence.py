from __future__ import annotations

from typing import Any

import pytest

from grading.engines.loading import DEMO_MODEL
from grading.prompts import library
from grading.prompts.evidence import Difference, Evidence, Measured, Refused, accepted, read

V1, COMPACT = library.find("grade/en/v1"), library.find("grade/en/compact")


def measured(prompt: library.Prompt, difference: Difference | None = None, **changes: Any) -> Measured:
    known = {
        "id": prompt.id, "hash": prompt.hash, "tokens": prompt.tokens, "failed": 0, "prompt_tokens": 900.0,
        "completion_tokens": 200.0, "cost_1000_usd": 0.0, "qwk": 0.6, "exact": 0.5, "mean_error": 0.5,
    }  # fmt: skip
    return Measured(**(known | {"difference": difference} | changes))  # type: ignore[arg-type]


def evidence(low: float = -0.01, **changes: Any) -> Evidence:
    versions = (measured(V1), measured(COMPACT, Difference(qwk=low + 0.01, low=low, high=low + 0.02)))
    known = {"task": "grade", "language": "en", "models": ("m",), "asked": 100, "essays": 100, "versions": versions}
    return Evidence(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("low", "tolerance"), [(-0.01, 0.02), (0.001, 0.0), (-0.0199, 0.02)])
def test_a_version_is_accepted_when_even_the_lower_end_of_the_interval_is_within_the_tolerance(
    low: float, tolerance: float
) -> None:
    assert accepted(evidence(low), COMPACT, V1, tolerance=tolerance).low == low


@pytest.mark.parametrize(("low", "tolerance"), [(-0.02, 0.02), (-0.3, 0.02), (0.0, 0.0), (-0.001, 0.0)])
def test_a_version_that_may_lose_more_is_not(low: float, tolerance: float) -> None:
    with pytest.raises(Refused, match="may lose too much"):
        accepted(evidence(low), COMPACT, V1, tolerance=tolerance)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"language": "zh"}, "about grade/zh, not about grade/en"),
        ({"task": "code_review"}, "about code_review/en"),
        ({"models": (DEMO_MODEL,)}, "demonstration model"),
        ({"models": ("m", "n")}, "More than one model graded: m, n"),
        ({"models": ()}, "none"),
        ({"essays": 49}, "Only 49 essays"),
        ({"versions": (measured(COMPACT), measured(V1))}, "--prompts v1,compact"),
        ({"versions": (measured(V1),)}, "It has grade/en/v1"),
        ({"versions": (measured(V1), measured(COMPACT, hash="0"))}, "grade/en/compact has been changed"),
        ({"versions": (measured(V1, hash="0"), measured(COMPACT))}, "grade/en/v1 has been changed"),
        ({"versions": (measured(V1, failed=1), measured(COMPACT, failed=4))}, "4 of 100 essays without a grade"),
        ({"versions": (measured(V1), measured(COMPACT))}, "not defined"),
    ],
)
def test_what_proves_nothing_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        accepted(evidence(**changes), COMPACT, V1)


def test_a_report_is_read_as_it_was_written() -> None:
    assert read({"prompts": evidence().model_dump(mode="json")}) == evidence()


@pytest.mark.parametrize("report", [{}, [], {"prompts": None}, {"prompts": {"task": "grade"}}, {"prompts": [1]}])
def test_any_other_file_is_no_evidence(report: Any) -> None:
    with pytest.raises(Refused, match=r"It compares no prompts|It is no report"):
        read(report)
