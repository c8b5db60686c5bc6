from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.complexity import complexity
from grading.complexity import measure

ENGLISH = "I realy like my school. She likes the the dog.\n"
CHINESE = "我以前想要高诉你，可是我忘了。"


@pytest.fixture
def essay(tmp_path: Path) -> Path:
    path = tmp_path / "essay.txt"
    path.write_text(ENGLISH, encoding="utf-8")
    return path


def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(complexity, [str(argument) for argument in arguments], input=stdin)


def test_the_parts_the_score_and_the_findings_are_shown(essay: Path) -> None:
    output = run(essay).output
    assert f"complexity {measure(ENGLISH).score:.2f} (en)" in output
    for words in ("47 characters", "MATTR", "words a sentence", "2 errors"):
        assert words in output
    assert "realy" in output
    assert "Did you mean “really”?" in output


def test_json_is_one_object_a_file(essay: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(CHINESE, encoding="utf-8")
    first, second = map(json.loads, run("--json", essay, other).stdout.splitlines())
    assert (first["file"], first["language"], first["errors"]) == (str(essay), "en", 2)
    assert first["score"] == measure(ENGLISH).to_json()["score"]
    (found,) = second["findings"]
    assert (CHINESE[found["start"] : found["end"]], found["suggestion"]) == ("高诉", "告诉")


def test_a_dash_is_standard_input() -> None:
    assert json.loads(run("--json", "-", stdin=CHINESE).stdout)["language"] == "zh"


def test_brackets_in_an_essay_are_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("A [bold]teh[/bold] cat.", encoding="utf-8")
    assert "[bold]teh[/bold]" in run(path).output


def test_the_language_can_be_given(essay: Path) -> None:
    assert json.loads(run("--json", "--language", "zh", essay).stdout)["language"] == "zh"
    assert run("--language", "fr", essay).exit_code == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "is not UTF-8"), (b" \n", "is empty"), (b"a" * 20_001, "at most 20,000"), (b"a\0", "NUL character")],
)
def test_what_is_no_essay_is_refused_with_its_reason(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    result = run(path)
    assert result.exit_code == 2
    assert "bad.txt" in result.output
    assert words in " ".join(result.output.split())


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path / "none.txt").exit_code == 2
    assert run(tmp_path).exit_code == 2
    assert run().exit_code == 2
