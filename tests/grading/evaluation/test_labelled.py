"""grading/evaluation/labelled.py and assignments.py: files as people have them, and what is wrong with others."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from grading.evaluation.assignments import assignments, step_of
from grading.evaluation.labelled import LabelledError, read


@pytest.mark.parametrize(("name", "between"), [("a.csv", ","), ("a.tsv", "\t")])
def test_a_table_is_read_with_its_groups(tmp_path: Path, name: str, between: str) -> None:
    path = tmp_path / name
    rows = (["id", "text", "score", "class"], ["1", '"Two\nlines"', "3.5", "4b"])
    path.write_text("\n".join(between.join(row) for row in rows), encoding="utf-8-sig")
    (essay,) = read(path)
    assert (essay.id, essay.text, essay.score, essay.groups) == ("1", "Two\nlines", 3.5, {"class": "4b"})


def test_gzipped_lines_with_two_raters_and_no_score_have_their_mean(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"id": 1, "text": "Yes.", "rater1": 2, "rater2": 3}).encode()))
    (essay,) = read(path)
    assert (essay.score, essay.raters) == (2.5, (2, 3))


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("essay_id,answer,score\n7,Yes.,1\n")
    assert read(path, {"id": "essay_id", "text": "answer"})[0].id == "7"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "Yes.", "score": 1}, "line 2 has no id"),
        ({"id": "1", "text": "Yes."}, "line 2 has no score"),
        ({"id": "1", "text": "Yes.", "score": "good"}, "line 2 has score 'good', which is no number"),
        ({"id": "1", "text": "Yes.", "score": None}, "line 2 has no mark"),
        ({"id": "1", "text": " ", "score": 1}, "line 2 cannot be graded"),
        ({"id": "0", "text": "Yes.", "score": 1}, "line 2 has the same id as line 1"),
        ({"id": "1", "text": "Yes.", "score": 9, "max": 5}, "line 2 has the mark 9, which is outside"),
        ([], "line 2 is no JSON object"),
    ],
)
def test_what_is_wrong_is_told_by_its_line(tmp_path: Path, row: object, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "0", "text": "No.", "score": 0}) + "\n" + json.dumps(row))
    with pytest.raises(LabelledError, match=said):
        read(path)


def test_prompts_with_scales_of_their_own_are_apart_and_small_ones_together(tmp_path: Path) -> None:
    def of(scales: list[int]) -> int:
        path = tmp_path / "a.jsonl"
        rows = [
            {"id": n, "text": "Yes.", "score": n % 3, "min": 0, "max": scales[n % 2], "prompt_id": n % 2}
            for n in range(40)
        ]
        path.write_text("\n".join(map(json.dumps, rows)))
        return len(assignments(read(path), source="a"))

    assert (of([4, 6]), of([4, 4])) == (2, 1)


def test_the_step_is_that_of_nearly_all_marks() -> None:
    assert step_of([1, 2, 3, 4, 2, 2, 2, 2, 2, 2.5]) == 1
    assert step_of([1, 2.5, 3.5, 3.25, 4, 4, 2]) == 0.5
