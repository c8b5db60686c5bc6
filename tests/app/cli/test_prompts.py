from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from grading.prompts import library
from tests.conftest import use_environment
from tests.grading.prompts.test_evidence import evidence


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["prompts", *arguments], input=stdin)


def test_all_prompts_are_listed_with_what_they_save() -> None:
    rows = {row["id"]: row for row in json.loads(run("list", "--json").output)}

    assert list(rows) == library.ids()
    assert rows["grade/en/verbose"]["saving"] == 0
    assert rows["grade/en/compact"]["saving"] >= 0.76
    assert rows["grade/zh/compact"]["saving"] >= 0.76
    assert [name for name, row in rows.items() if row["in_use"]] == ["grade/en/v1", "grade/zh/v1"]
    assert "grade/zh/v1 *" in run("list").output


def test_a_prompt_is_shown_as_it_stands() -> None:
    prompt = library.find("grade/en/compact")

    assert all(text in run("show", prompt.id).output for _, text in prompt.messages)


def test_two_prompts_are_compared_by_lines_or_words() -> None:
    assert run("diff", "grade/en/v1", "grade/en/compact").output.startswith("--- grade/en/v1\n+++ grade/en/compact\n")
    assert run("diff", "grade/en/v1", "grade/en/v1").output.strip() == ""
    assert "JSON" in run("diff", "--words", "grade/en/v1", "grade/en/compact").output


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    result = run("show", "grade/en/compct")

    assert result.exit_code == 2
    assert "Did you mean grade/en/compact" in result.output


def test_a_prompt_is_said_shorter_and_the_saving_goes_to_standard_error() -> None:
    result = run("compress", "-", stdin="Please make sure to copy {{essay}} in order to grade it.\n")

    assert "{{essay}}" in result.stdout
    assert "in order to" not in result.stdout
    assert "characters" in result.stderr


def test_tokens_are_counted_of_prompts_and_of_files(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("Please make sure to answer in order to help.")
    rows = json.loads(run("tokens", "grade/en/verbose", "grade/zh/compact", str(file), "--json").output)
    assert [row["name"] for row in rows] == [
        *("grade/en/verbose", "grade/en/verbose compressed", "grade/zh/compact"),
        *(str(file), f"{file} compressed"),
    ]
    for name in {"cl100k_base", "o200k_base"} & {name for name in rows[0]["tokens"] if rows[0]["tokens"][name]}:
        assert rows[2]["saving"][name] >= 0.76


def test_a_tokenizer_that_is_not_here_is_named_with_what_brings_it(tmp_path: Path) -> None:
    with use_environment({"PIZHU_HOME": str(tmp_path), "PIZHU_LOCAL_MODEL": "demo"}):
        output = run("tokens", "grade/en/v1").output
    assert "not here" in output
    assert "local is not here: `pizhu setup` fetches it." in output


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What is made default, and is not written."""
    seen: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("app.cli.prompts.set_default", lambda new, **measured: seen.append((new.id, measured)))
    return seen


def test_a_version_becomes_the_default_by_evidence(tmp_path: Path, changed: list[tuple[str, dict[str, Any]]]) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"prompts": evidence(-0.01).model_dump(mode="json")}))
    result = run("default", "grade/en", "compact", "--evidence", str(report))
    assert result.exit_code == 0, result.output
    assert "grade/en/compact is the default now, instead of grade/en/v1: QWK +0.000 (-0.010 to +0.010)" in result.output
    ((name, measured),) = changed
    assert (name, measured["essays"], measured["tolerance"]) == ("grade/en/compact", 100, 0.02)
    assert "PIZHU_GRADE_PROMPT" not in result.output
    assert run("default", "grade/en", "v1", "--evidence", str(report)).output == "grade/en/v1 is the default already.\n"


def test_a_default_that_the_environment_overrides_is_said_to_count_for_nothing(
    tmp_path: Path, changed: list[tuple[str, dict[str, Any]]]
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"prompts": evidence(-0.01).model_dump(mode="json")}))
    with use_environment({"PIZHU_GRADE_PROMPT": "verbose"}):
        result = run("default", "grade/en", "compact", "--evidence", str(report))
    assert result.exit_code == 0, result.output
    assert "Essays are graded with grade/en/verbose nevertheless: the setting PIZHU_GRADE_PROMPT" in result.output
    with use_environment({"PIZHU_GRADE_PROMPT": "compact"}):
        result = run("default", "grade/en", "compact", "--evidence", str(report))
    assert "PIZHU_GRADE_PROMPT" not in result.output


@pytest.mark.parametrize(
    ("arguments", "report", "said", "status"),
    [
        (["grade/en", "compact"], json.dumps({"prompts": evidence(-0.03).model_dump(mode="json")}), "lose too much", 1),
        (["grade/zh", "compact"], json.dumps({"prompts": evidence().model_dump(mode="json")}), "about grade/en", 1),
        (["grade/en", "compact"], "{}", "It compares no prompts", 1),
        (["grade/en", "compact"], "nothing", "It is no JSON", 1),
        (["grade/en", "v2"], "{}", "No prompt is called 'grade/en/v2'", 2),
        (["grade/fr", "v1"], "{}", "There are no prompts 'grade/fr'", 2),
        (["code_review/en", "compact"], "{}", "No prompt code_review/en has a default", 2),
    ],
)
def test_without_evidence_the_default_stays(
    tmp_path: Path,
    changed: list[tuple[str, dict[str, Any]]],
    arguments: list[str],
    report: str,
    said: str,
    status: int,
) -> None:
    file = tmp_path / "report.json"
    file.write_text(report)
    result = run("default", *arguments, "--evidence", str(file))
    assert (result.exit_code, changed) == (status, [])
    assert said in result.output


@pytest.mark.parametrize("command", ["compress", "tokens"])
@pytest.mark.parametrize("content", [b"\xff\xfe"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, command: str) -> None:
    file = tmp_path / "prompt.md"
    file.write_bytes(content)
    result = run(command, str(file))

    assert result.exit_code == 2
    assert "is not UTF-8" in result.output
