from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grading.calibration.sample import Scale
from grading.evaluation.labelled import LabelledError
from grading.evaluation.opinions import graded, stored


def answers(path: Path, *confidences: Any) -> Path:
    lines = [
        {"essay_id": number, "model": "m", "total_score": 3, "confidence": confidence}
        for number, confidence in enumerate(confidences)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_a_stored_answer_may_say_how_sure_its_model_was(tmp_path: Path) -> None:
    said = stored(answers(tmp_path / "m.jsonl", 0, 0.85, 1, None))["m"]
    assert [said["", str(number)].stated for number in range(4)] == [0, 0.85, 1, None]
    assert {opinion.confidence for opinion in said.values()} == {None}, "its own word is no confidence of ours"


@pytest.mark.parametrize("confidence", [85, 1.01, -0.1, "0.85", "85 %", True, [0.85], float("nan")])
def test_a_confidence_that_is_no_probability_is_refused_with_its_line(tmp_path: Path, confidence: Any) -> None:
    with pytest.raises(LabelledError, match=r"m\.jsonl, line 2: confidence must be a number from 0 to 1"):
        stored(answers(tmp_path / "m.jsonl", 0.5, confidence))


@pytest.mark.parametrize(
    ("kept", "stated"), [({"stated_confidence": 0.4}, 0.4), ({"stated_confidence": None}, None), ({}, None)]
)
def test_a_grade_that_was_kept_before_anybody_asked_states_nothing(kept: dict[str, Any], stated: float | None) -> None:
    grading = {
        "criteria": [{"level": 3.0}],
        "suggestions": [],
        "total": 4,
        "max": 10,
        "confidence": 0.7,
        "usage": {"prompt": 1, "cached": 0, "completion": 1},
        "model": "m",
        **kept,
    }
    said = graded([{"id": "1", "status": "graded", "grading": grading}], Scale(0, 5), None)["1"]
    assert (said.stated, said.confidence, said.points) == (stated, 0.7, 2)
