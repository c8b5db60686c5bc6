"""docs/cost.md: its figures are what the simulator says today."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli.simulate import simulate
from app.cli.simulate_page import COLUMNS, guide_rows
from settings import ROOT
from tests.conftest import use_environment

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")


def rows(after: str) -> list[list[str]]:
    """Cells of the first table after these words, without its heading."""
    table = re.search(r"(?:^\|.*\n)+", PAGE[PAGE.index(after) :], re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()[2:]]


@pytest.fixture(scope="module")
def month() -> Any:
    with use_environment({"PIZHU_LOCAL_MODEL": "demo", "PIZHU_GRADE_PROMPT": ""}):
        result = CliRunner().invoke(simulate, ["--no-what-if", "--json", "-"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_month_is_what_is_simulated(month: Any) -> None:
    told = [
        [
            stage["stage"],
            COLUMNS["USD"](stage),
            f"{stage['saved']:.1%}".replace("%", " %"),
            ", ".join(COLUMNS[name](stage) for name in ("Wait p50", "p95", "p99")),
        ]
        for stage in month["stages"]
    ]
    assert [[name, usd, saved, waits] for name, _, usd, saved, waits in rows("pizhu simulate  ")] == told


def test_at_least_95_per_cent_are_saved_and_the_machine_is_counted(month: Any) -> None:
    last = month["stages"][-1]
    assert last["saved"] >= 0.95
    assert last["machine_usd"] == pytest.approx(500, abs=0.1)
    assert last["cached"] < 0.02 * 450_000


def test_the_plans_are_what_is_simulated(month: Any) -> None:
    plans = {plan["stage"]: plan for plan in month["plans"]}
    sentence = PAGE[PAGE.index("Simulated, at today's prices") :].replace("\n", " ")
    for name, plan in plans.items():
        assert f"plan {name} ${plan['cost_usd']:,.0f}" in sentence
    assert f"{plans['B']['reviewed']:,} essays" in sentence


def test_the_generated_day_is_as_bursty_as_is_said(month: Any) -> None:
    found = month["day"]["burstiness"]
    assert f"generated {found['peak_to_mean_hour']:.1f} and {found['rate_cv2']:.1f};" in PAGE
    assert month["day"]["within_20_percent_of"] == ["exam_mid", "exam_final"]


def test_the_guides_figures_are_those_of_the_simulator(month: Any) -> None:
    assert rows("## The guide's figures") == guide_rows(month["guide"])[1]
