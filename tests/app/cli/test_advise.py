"""app/cli/advise.py: what it says of a month's ledger, and that it is worked out from what the ledger says."""

from __future__ import annotations

import json
import shlex
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text, update

from app.cli import main
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted
from grading.engines.engine import Usage
from models import Essay, EssayState, Release
from models.base import now
from models.session import session
from tests.factories import School, make_assignment, make_essay, make_school

CALLS = """
    INSERT INTO llm_calls (id, created_at, request_id, essay_id, feature, tier, model, engine_version, prompt_version,
        prompt_tokens, cached_tokens, completion_tokens, prompt_estimated, estimated_cost, cost, price, outcome,
        started_at, finished_at, changed_at)
    SELECT gen_random_uuid(), at, gen_random_uuid()::text, :essay, 'grade', :tier, :model, 'openai 3', :prompt,
        :tokens_in, 0, :tokens_out, false, :cost, :cost, CAST(:price AS jsonb), CAST(:outcome AS call_outcome),
        at, at + interval '6 s', now()
    FROM (SELECT now() - interval '29 days 20 hours' * (number - 0.5) / :count AS at
        FROM generate_series(1, :count) number) spread
"""
MODELS = {"small": "gpt-4.1-mini", "large": "gpt-4.1"}


def spend(tier: str, count: int, outcome: str = "ok", essay: Essay | None = None, prompt: str = "compact") -> Decimal:
    """So many calls, evenly over 30 days, at the price of the tier's model; returns what they cost."""
    price = price_of(MODELS[tier])
    tokens = {"tokens_in": 2800 if prompt == "verbose" else 1300, "tokens_out": 400}
    each = price.cost(Usage(prompt=tokens["tokens_in"], completion=tokens["tokens_out"]))
    values = {"tier": tier, "model": MODELS[tier], "outcome": outcome, "count": count, "cost": each, **tokens}
    values |= {
        "essay": essay and essay.id,
        "prompt": f"grade/en/{prompt}",
        "price": json.dumps(Hosted(price).to_json()),
    }
    with session() as db:
        db.execute(text(CALLS), values)
        db.commit()
    return count * each


@pytest.fixture
def school(database: None) -> School:
    return make_school()


def run(*arguments: str, columns: int = 160) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(main, ["advise", *arguments])


def items() -> dict[str, Any]:
    return {one["kind"]: one for one in json.loads(run("--json", "-").stdout)["items"]}


def repeated(school: School) -> Essay:
    """The same words once more, a week after they had a grade."""
    former = make_essay(school.student, school.assignment, "Said before.", EssayState.graded)
    essay = make_essay(school.student, school.assignment, "Said again.")
    with session() as db:
        same = {"text": former.text, "text_sha256": former.text_sha256}
        db.execute(update(Essay).where(Essay.id == essay.id).values(same))
        db.execute(update(Essay).where(Essay.id == former.id).values(finished_at=now() - timedelta(days=7)))
        db.commit()
    return essay


def queued_elsewhere(school: School) -> Essay:
    essay = make_essay(school.student, school.assignment, "In a busy hour.")
    route = {"tier": "small", "queue": "openai", "reason": "local is too far behind"}
    with session() as db:
        db.execute(update(Essay).where(Essay.id == essay.id).values(route=route))
        db.commit()
    return essay


def test_a_month_s_figures_are_those_of_the_ledger_and_add_up(school: School) -> None:
    unseen = make_essay(school.student, make_assignment(school.school_class, release=Release.on_release), "For later.")
    bill = {
        "stood": spend("small", 1800),
        "passed on": spend("small", 450, "escalated"),
        "at once": spend("large", 1200),
        "failed": spend("large", 240, "failed"),
        "verbose": spend("small", 3000, prompt="verbose"),
        "unhurried": spend("large", 600, essay=unseen),
        "behind": spend("small", 900, essay=queued_elsewhere(school)),
        "repeats": spend("small", 900, essay=repeated(school)),
    }
    found, said = items(), run().output
    assert f"The bill is ${sum(bill.values()):.2f} a month." in said
    assert set(found) == {"routing", "batching", "retries", "prompts", "queues", "cache"}
    for kind, dollars in (("retries", "failed"), ("queues", "behind"), ("cache", "repeats")):
        assert found[kind]["saving_usd"] == f"{bill[dollars]:.2f}"
        assert f"${bill[dollars]:.2f}" in found[kind]["how"], "what is said and what a month is worth are one figure"
    assert found["batching"]["saving_usd"] == f"{bill['unhurried'] / 2:.2f}"
    assert found["retries"]["how"].startswith("240 calls of 30 days failed")
    # Of 7,050 live grades by small 450 were passed on, so that of large's 1,800 1,350 had started there.
    large = price_of("gpt-4.1").cost(Usage(prompt=1300, completion=400))
    stood, small = Decimal(6600) / 7050, _each_by_small(7050, bill)
    assert found["routing"]["saving_usd"] == f"{1350 * (stood * large - small):.2f}"
    assert found["routing"]["how"].endswith("1350 essays started there.")
    assert 0 < Decimal(found["prompts"]["saving_usd"]) < bill["verbose"]


def _each_by_small(count: int, bill: dict[str, Decimal]) -> Decimal:
    of_small = ("stood", "passed on", "verbose", "behind", "repeats")
    return sum((bill[name] for name in of_small), Decimal(0)) / count


def test_the_largest_saving_is_first_and_a_star_is_what_the_guide_begins_with(school: School) -> None:
    spend("large", 20_000, prompt="verbose")
    spend("large", 30_000, essay=make_essay(school.student, make_assignment(school.school_class, release="on_release")))
    told = json.loads(run("--json", "-").stdout)
    savings = [Decimal(one["saving_usd"]) for one in told["items"]]
    assert savings == sorted(savings, reverse=True)
    assert 200 < Decimal(told["month_usd"]) < 500
    assert {one["kind"]: one["pressing"] for one in told["items"]} == {"batching": True, "prompts": False}
    assert [line[0] for line in run().output.splitlines() if "$" in line[:3]] == ["*", " "]


def test_long_sentences_stay_below_their_heading_on_a_narrow_terminal(school: School) -> None:
    spend("large", 3000, "failed")
    spend("large", 300)
    lines = [line for line in run(columns=50).output.splitlines() if line]
    assert all(line.startswith("  ") for line in lines[2:]), lines
    assert max(map(len, lines)) <= 50
    assert all(line == line.rstrip() for line in lines), "nothing is filled with blanks"


def test_too_few_grades_and_nothing_to_save_are_said(school: School) -> None:
    needs = "The ledger has {} grades by models in 30 days; advice needs 100."
    assert needs.format(0) in run().output
    spend("small", 99)
    assert needs.format(99) in run().output
    spend("small", 1)
    assert "Nothing that would save a dollar a month." in run().output


def test_what_it_says_to_begin_with_can_be_typed(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend("large", 3000, prompt="verbose")
    monkeypatch.chdir(tmp_path)
    Path("essays.tsv").write_text("id\ttext\tscore\n" + "".join(f"{n}\tSome text.\t{n % 5}\n" for n in range(30)))
    rubric = "rubric: {criteria: [{key: ideas, name: Ideas, max: 5}]}\n"
    Path("assignment.yaml").write_text(f"title: A letter\nprompt: Write one.\nlanguage: en\n{rubric}")
    command = items()["prompts"]["command"]
    result = CliRunner().invoke(main, shlex.split(command)[1:])
    assert "there is no tier 'small' here that can be asked" in result.stderr, "all else of it is right"
