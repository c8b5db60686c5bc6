from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from grading.results import Printed, Results, ResultsError, encode, stamp


def record(name: str, status: str = "graded", **changes: Any) -> dict[str, Any]:
    known = {"source": f"{name}.txt", "id": name, "sha256": "0", "assignment": "1", "prompt_version": "grade/en/v1"}
    return {**known, "status": status, **changes}


def names(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def write(path: Path, *records: dict[str, Any], tail: bytes = b"") -> None:
    path.write_bytes(b"".join(map(encode, records)) + tail)


def test_each_result_is_in_the_file_at_once(path: Path) -> None:
    with Results(path) as results:
        results.add(record("作文"))
        assert names(path) == ["作文"]
        results.add(record("b"))
        assert names(path) == ["作文", "b"]


def test_an_earlier_run_is_appended_to_and_its_grades_are_known(path: Path) -> None:
    write(path, record("a"), record("b", "failed"))
    with Results(path) as results:
        results.add(record("c"))
        assert results.graded == {stamp(record("a"))}
    assert names(path) == ["a", "b", "c"]


@pytest.mark.parametrize("length", [1, 20, len(encode(record("b"))) - 2])
def test_a_half_written_last_line_goes(path: Path, length: int) -> None:
    write(path, record("a"), tail=encode(record("b"))[:length])
    with Results(path) as results:
        results.add(record("c"))
        assert results.graded == {stamp(record("a"))}
    assert names(path) == ["a", "c"]


def test_a_last_line_that_lacks_only_its_end_stays(path: Path) -> None:
    write(path, record("a"), tail=encode(record("b"))[:-1])
    with Results(path) as results:
        results.add(record("c"))
        assert len(results.graded) == 2
    assert names(path) == ["a", "b", "c"]


def test_failures_that_are_tried_again_make_room_for_the_new_result(path: Path) -> None:
    write(path, record("a", "failed"), record("b"), record("c", "failed"))
    with Results(path, {("a.txt", "a"), ("b.txt", "b")}) as results:
        results.add(record("a"))
    assert names(path) == ["b", "c", "a"]


def test_a_file_that_is_something_else_is_left_alone(path: Path) -> None:
    path.write_text('{"id": 1, "text": "an essay"}\n')
    with pytest.raises(ResultsError, match=r"Line 1 .* choose another file"):
        Results(path)
    assert path.read_text() == '{"id": 1, "text": "an essay"}\n'


def test_two_runs_cannot_write_to_one_file(path: Path) -> None:
    with Results(path), pytest.raises(ResultsError, match="Another run"):
        Results(path)
    Results(path).close()


def test_nor_when_the_file_was_mended(path: Path) -> None:
    write(path, record("a"), tail=b"{")
    with Results(path), pytest.raises(ResultsError, match="Another run"):
        Results(path)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be written"):
        Results(tmp_path / "no such folder" / "out.jsonl")


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    write(path, record("a"), tail=b"{")
    Results(path).close()
    assert list(path.parent.iterdir()) == [path]


def test_results_can_be_printed_instead() -> None:
    stream = io.BytesIO()
    Printed(stream).add(record("a"))
    assert stream.getvalue() == encode(record("a"))
