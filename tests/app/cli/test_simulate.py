"""app/cli/simulate.py: a month from the command line."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.simulate import simulate
from models import CallOutcome, LlmCall
from models.base import now
from models.session import session
from tests.conftest import use_environment

STAGES = ["baseline", "prompt", "cache", "routing", "local", "batch"]
MONTH = ("--essays", 300, "--days", 2)


@pytest.fixture(autouse=True)
def the_usual_settings() -> Iterator[None]:
    with use_environment({"PIZHU_LOCAL_MODEL": "demo"}):
        yield


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(simulate, [str(argument) for argument in arguments])


def told(*arguments: object) -> Any:
    result = run(*MONTH, "--no-what-if", "--json", "-", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class TestAMonth:
    def test_is_told_stage_by_stage(self) -> None:
        found = told()
        assert [stage["stage"] for stage in found["stages"]] == STAGES
        assert found["stages"][0]["cost_usd"] == 600 * 0.044
        assert [plan["stage"] for plan in found["plans"]] == ["A", "B", "C"]
        assert found["assumptions"]["prices"]["baseline"]["input_mtok"] == "10"
        assert found["assumptions"]["tokens"]["baseline (en)"] == {"prompt": 2000, "reply": 800, "prefix": 1792}
        assert found["day"]["source"] == "generated"
        # Of few essays no day can be told to be as bursty as a real one, or not; it is measured all the same.
        assert found["day"]["burstiness"]["peak_to_mean_hour"] > 8

    def test_is_shown_as_tables_with_the_guides_figures_beside(self) -> None:
        shown = run(*MONTH).output
        for words in (*STAGES, "What if", "essays × 2", "machine down", "plan C", "$1,490", "$995"):
            assert words in shown

    def test_can_be_a_page_with_plots(self, tmp_path: Path) -> None:
        page = tmp_path / "month.html"
        assert run(*MONTH, "--html", page).exit_code == 0
        html = page.read_text(encoding="utf-8")
        assert html.count("<svg ") == 3
        assert "450,000 · $0.044" in html
        assert "http" not in html.replace("http://www.w3.org/2000/svg", "")

    def test_is_the_same_with_the_same_seed(self) -> None:
        first, again, other = told(), told(), told("--seed", 1)
        assert first["stages"] == again["stages"]
        assert first["stages"] != other["stages"]


class TestAGivenDay:
    def test_is_replayed_as_it_is(self, tmp_path: Path) -> None:
        day = tmp_path / "day.csv"
        day.write_text("time,characters,language\n0,300,zh\n60,900,en\n", encoding="utf-8")
        result = run("--day", day, "--days", 3, "--no-what-if", "--json", "-")
        found = json.loads(result.stdout)
        assert found["assumptions"]["essays"] == 2
        assert sum(found["stages"][0]["calls"].values()) == 6
        assert found["day"]["source"] == str(day)

    def test_is_refused_with_a_reason_when_it_is_none(self, tmp_path: Path) -> None:
        day = tmp_path / "day.csv"
        day.write_text("when\n1\n", encoding="utf-8")
        result = run("--day", day)
        assert result.exit_code == 2
        assert "it has no column time" in result.output


class TestAnOption:
    def test_moves_what_it_says(self) -> None:
        usual = {stage["stage"]: stage for stage in told()["stages"]}
        dear = {stage["stage"]: stage for stage in told("--gpu-hour", 2, "--gpu-open", "8-20")["stages"]}
        assert dear["local"]["machine_usd"] == 48  # two days of twelve hours
        unsure = {stage["stage"]: stage for stage in told("--accept", "local=0")["stages"]}
        assert unsure["local"]["calls"]["small"] > 8 * usual["local"]["calls"]["small"]
        compact = {stage["stage"]: stage for stage in told("--prompt", "compact")["stages"]}
        assert compact["prompt"]["cost_usd"] < usual["prompt"]["cost_usd"]
        assert compact["baseline"] == usual["baseline"]

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (("--accept", "tiny=1"), "'tiny' is no tier; those are local, small, large."),
            (("--accept", "local=2"), "2"),
            (("--gpu-open", "20-8"), "'20-8' are no hours of one day"),
            (("--gpu-open", "always"), "'always' is not like 8-20."),
            (("--prompt", "haiku"), "there are ['compact', 'stated', 'v1', 'verbose']"),
            (("--baseline", "gpt-nothing"), "No price is known for the model 'gpt-nothing'"),
        ],
    )
    def test_that_makes_no_sense_is_refused_with_a_reason(self, arguments: tuple[str, ...], why: str) -> None:
        result = run(*arguments)
        assert result.exit_code == 2
        assert why in result.output

    def test_needs_hosted_tiers_to_compare(self) -> None:
        with use_environment({"PIZHU_TIERS": '[{"name": "local", "engine": "local"}]'}):
            assert "PIZHU_TIERS has no hosted tier" in run().output


def a_call(**columns: Any) -> LlmCall:
    usual = {
        "request_id": uuid.uuid4().hex,
        "feature": "grade",
        "model": "m",
        "engine_version": "1",
        "prompt_version": "grade/en/v1",
        "estimated_cost": Decimal(0),
        "price": {},
    }
    return LlmCall(**usual | columns)


class TestTheLedger:
    def test_says_how_often_grades_stand(self, database: None) -> None:
        long_ago = now() - timedelta(days=60)
        with session() as db:
            db.add_all(
                [a_call(tier="local", outcome=CallOutcome.ok) for _ in range(30)]
                + [a_call(tier="local", outcome=CallOutcome.escalated) for _ in range(30)]
                + [a_call(tier="local", outcome=CallOutcome.failed) for _ in range(5)]
                + [a_call(tier="local", outcome=CallOutcome.ok, started_at=long_ago) for _ in range(9)]
                + [a_call(tier="small", outcome=CallOutcome.ok) for _ in range(49)]
            )
            db.commit()
        assert told("--ledger")["assumptions"]["accepted"] == {"local": 0.5, "small": 0.82}
        assert told("--ledger", "--accept", "local=0.7")["assumptions"]["accepted"]["local"] == 0.7

    def test_that_is_empty_is_said_to_be(self, database: None) -> None:
        assert "The ledger has fewer than 50 grades of each tier" in run("--ledger").output


class TestBudgetsAndQuestions:
    def test_a_budget_stops_hosted_calls_and_the_stages_to_compare_with_know_none(self) -> None:
        usual, poor = ({stage["stage"]: stage for stage in told(*more)["stages"]} for more in ((), ("--budget-day", 0)))
        assert poor["cache"] == usual["cache"]
        assert poor["routing"]["calls"] == {"small": 0, "large": 0}
        assert poor["routing"]["put_off"] == poor["routing"]["reviewed"] > 500
        assert poor["local"]["cost_usd"] == poor["local"]["machine_usd"] < usual["local"]["cost_usd"]

    @pytest.mark.parametrize("whose", ["class", "user"])
    def test_classes_and_users_have_budgets_of_their_own(self, whose: str) -> None:
        month = told(f"--{whose}-budget-day", 0.01, "--students", 50, "--class-size", 10)
        routing = {stage["stage"]: stage for stage in month["stages"]}["routing"]
        assert 0 < routing["put_off"] < month["assumptions"]["essays"] * month["assumptions"]["days"]
        assert month["assumptions"]["budgets"] == [{"scope": whose, "period": "day", "hard_usd": 0.01}]

    def test_questions_are_told_beside_the_essays_and_are_none_of_their_cost(self) -> None:
        many, none = told("--questions", 1000, "--different", 5), told("--questions", 0)
        assert many["stages"] == none["stages"]
        assert many["questions"]["hits"] > 800
        assert none["questions"]["asked"] == 0

    def test_what_has_no_source_is_said_to_have_none(self) -> None:
        assert "Suppositions, which have no source: 5.0% of essays handed in twice" in run(
            *MONTH, "--no-what-if", "--repeats", 0.05
        ).output.replace("\n", " ")
        assert {"repeats", "late"} <= set(told()["assumptions"]["suppositions"])

    @pytest.mark.parametrize("arguments", [("--essays", -3), ("--day", "missing.csv"), ("--budget-day", -1)])
    def test_wrong_input_is_refused(self, arguments: tuple[object, ...]) -> None:
        assert run(*arguments).exit_code == 2
