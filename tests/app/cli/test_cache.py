"""app/cli/cache.py and grading/cache/evaluation.py: hits and wrong hits on labelled pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.cache import cache
from grading.cache import embedder as embedders
from grading.cache.check import THRESHOLD
from grading.cache.evaluation import Outcome, Pair, answered, fitted
from tests.conftest import use_environment

PAIRS = [
    (1, "How can I write a good thesis?", "How do I write a good thesis?"),
    (0, "What is the function of TV?", "What is the function of money?"),
    (1, "作文要写多少字", "请问作文要写多少字呢"),
    (0, "为什么扣了2分", "为什么扣了5分"),
    (0, "Is a title needed?", "Is a title needed?"),
]


def write(path: Path, rows: list[tuple[int, str, str]]) -> Path:
    lines = [f"{number}\t{label}\t{a}\t{b}" for number, (label, a, b) in enumerate(rows)]
    path.write_text("\n".join(["row\tlabel\ta\tb", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write(tmp_path / "pairs.tsv", PAIRS)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cache, ["evaluate", *map(str, arguments)])


def told(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json", "-")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_hits_and_wrong_hits_are_counted_by_what_is_right(pairs: Path) -> None:
    """The two rewordings hit and are right; the very same text is right whatever its label."""
    found = told(pairs)
    assert (found["n"], found["hits"], found["wrong"], found["threshold"]) == (5, 3, 0, THRESHOLD)
    assert found["hit_rate"] == 0.6
    assert found["wrong_share"] == 0.0
    assert found["wrong_share_interval"][1] > 0.5  # three hits prove little, and it says so
    assert found["cosine"] == {"en": 0.992, "zh": 0.98}
    assert found["fit"] is None


def test_a_hit_on_a_pair_labelled_otherwise_or_on_the_question_of_another_pair_is_wrong(tmp_path: Path) -> None:
    asked = "How do I write a good thesis?"
    rows = [(0, "How can I write a good thesis?", asked), (1, "What is irony?", asked)]
    found = told(write(tmp_path / "wrong.tsv", rows))
    assert (found["hits"], found["wrong"]) == (2, 2)


def test_the_same_text_but_for_capitals_widths_and_spaces_is_a_right_answer_whatever_a_label_says() -> None:
    pairs = [Pair("1", False, "oppoa79 屏幕多少钱?", "什么是反讽"), Pair("2", False, "反讽", "OPPOA79  屏幕多少钱？")]
    assert [answered(pairs, 1, place) for place in (0, 1)] == [True, False]


def test_a_threshold_is_fitted_on_other_pairs_and_never_lower_than_the_usual(pairs: Path, tmp_path: Path) -> None:
    wrong = [(0, "How can I write a good thesis?", "How do I write a good thesis?")]
    strict = told(pairs, "--fit", write(tmp_path / "tune.tsv", wrong))
    assert strict["threshold"] > THRESHOLD
    assert strict["hits"] < 3
    assert strict["fit"] == {"n": 1, "hits": 0, "wrong": 0}
    assert told(pairs, "--fit", pairs)["threshold"] >= THRESHOLD


def test_fitting_takes_the_lowest_threshold_that_keeps_the_bound() -> None:
    def outcomes(*pairs: tuple[float, bool]) -> list[Outcome]:
        return [Outcome(certainty, right) for certainty, right in pairs]

    assert fitted(outcomes((0.9, True), (0.8, True), (0.7, False)), 0.0, 0.5) == 0.8
    assert fitted(outcomes((0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.55, False)), 0.25, 0.5) == 0.6
    assert fitted(outcomes((0.9, True), (0.8, False), (0.7, True), (0.6, True)), 0.25, 0.5) == 0.5  # none was too much
    assert (
        fitted(outcomes((0.9, True), (0.9, False), (0.4, True)), 0.4, 0.5) == 1.0
    )  # those at 0.9 stand or fall together
    assert fitted([], 0.0, 0.5) == 0.5


def test_figures_go_into_a_file_and_words_to_the_terminal(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = run(pairs, "--json", out)
    assert result.exit_code == 0
    assert json.loads(out.read_text())["n"] == 5
    assert "5 look-ups: 3 hits (60.0%), 0 of them wrong" in result.stdout
    assert "Embedding pairs.tsv" in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "row, label, a, b missing"),
        (b"row\tlabel\ta\n1\t1\tx\n", "b missing"),
        (b"row\tlabel\ta\tb\n", "has no pairs"),
        (b"row\tlabel\ta\tb\n1\t1\tx\n", "line 2: 3 columns, but the first line names 4"),
        (b"row\tlabel\ta\tb\n1\tyes\tx\ty\n", "line 2: the label is 'yes', not 0 or 1"),
        (b"row\tlabel\ta\tb\n1\t1\t\ty\n", "line 2: a question is empty"),
        (b"row\tlabel\ta\tb\n1\t1\t\xff\ty\n", "not in UTF-8"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_what_is_wrong(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "bad.tsv"
    path.write_bytes(content)
    result = run(path)
    assert result.exit_code == 2
    assert complaint in " ".join(result.output.split())


def test_quotes_blank_lines_and_a_byte_order_mark_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "odd.tsv"
    path.write_bytes('\ufeffrow\tlabel\ta\tb\n\n1\t1\tWhat is "irony?\tWhat is "irony?\n'.encode())
    assert told(path)["hits"] == 1


def test_a_file_that_is_not_there_is_named() -> None:
    result = run("nowhere.tsv")
    assert result.exit_code == 2
    assert "nowhere.tsv" in result.output


def test_an_embedder_that_cannot_be_reached_is_an_error_and_no_figure(pairs: Path, database: None) -> None:
    nobody = {"PIZHU_EMBEDDER": "openai", "PIZHU_EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1"}
    with use_environment(nobody):
        embedders.embedder.cache_clear()
        result = run(pairs, "--json", "-")
    embedders.embedder.cache_clear()
    assert result.exit_code == 1
    assert "gives no vectors" in result.output
