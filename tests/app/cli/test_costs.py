"""app/cli/costs.py"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.costs import costs
from models.base import now
from tests.factories import make_call, make_school


@pytest.fixture(autouse=True)
def calls(database: None) -> None:
    student = make_school().student
    make_call(now() - timedelta(minutes=5), "0.01", user_id=student.id)
    make_call(now() - timedelta(days=2), "0.5", model="gpt-4.1")


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(costs, arguments)


@pytest.mark.parametrize("by", ["model", "feature", "hour", "day", "user", "class"])
def test_a_table_of_what_was_spent(by: str) -> None:
    result = run("--by", by)
    assert result.exit_code == 0, result.output
    assert "US$ 0.510000 for 2 calls" in result.output


def test_json_and_csv(tmp_path: Path) -> None:
    assert json.loads(run("--json", "-").output)["cost_usd"] == "0.510000"
    table = tmp_path / "costs.csv"
    assert run("--by", "day", "--csv", str(table)).exit_code == 0
    assert len(table.read_text().splitlines()) == 3


def test_what_is_no_day_is_told_and_so_is_a_file_that_cannot_be_written() -> None:
    result = run("--from", "yesterday")
    assert (result.exit_code, "--from" in result.output) == (2, True)
    result = run("--csv", "/no/such/folder/x.csv")
    assert (result.exit_code, "cannot be written" in result.output) == (2, True)
