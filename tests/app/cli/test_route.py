"""app/cli/route.py and route_fit.py: where essays would go, and thresholds that are learned, shown and kept."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.route import route
from grading.complexity import measure
from models import Assignment, CallOutcome, Essay, EssayState, Grading, LlmCall, Source
from models.session import session
from tests.conftest import use_environment
from tests.factories import School, a_grading, make_school

ENGLISH = "I like my school. She likes the dog.\n"
TIERS = [
    {"name": "local", "engine": "local", "accept_confidence": 0.8},
    {"name": "large", "engine": "openai", "model": "gpt-4.1"},
]


@pytest.fixture(autouse=True)
def two_tiers(request: pytest.FixtureRequest) -> Iterator[None]:
    if "school" in request.fixturenames:
        request.getfixturevalue("servers")
    with use_environment({"PIZHU_TIERS": json.dumps(TIERS), "OPENAI_API_KEY": "sk-test", "PIZHU_LOCAL_MODEL": "demo"}):
        yield


@pytest.fixture
def school(database: None) -> School:
    return make_school()


@pytest.fixture
def essay(tmp_path: Path) -> Path:
    path = tmp_path / "essay.txt"
    path.write_text(ENGLISH, encoding="utf-8")
    return path


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(route, [str(argument) for argument in arguments], input=stdin)


def told(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json", "-")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def words(result: Result) -> str:
    return " ".join(result.output.split())


def add_essays(school: School, count: int, *, knows: bool = True) -> None:
    """Essays of which the local model's grade is off by 1 − confidence of half of full marks, the large model's by a
    twentieth; a teacher has marked them all."""
    with session() as db:
        for number in range(count):
            essay = Essay(
                id=uuid.uuid4(),
                assignment_id=school.assignment.id,
                student_id=school.student.id,
                text=f"Essay {number}",
                text_sha256=f"{number:064x}",
                state=EssayState.graded,
                route={"complexity": 0.4 + number % 10 / 100},
            )
            db.add(essay)
            db.flush()
            confidence = (number % 50) / 50
            off = 1 - confidence if knows else (number * 7 % 50) / 50
            add_grading(db, school, essay, Source.local, "local", 10 + 10 * off, confidence)
            add_grading(db, school, essay, Source.openai, "large", 11, 0.9)
            add_grading(db, school, essay, Source.teacher, None, 10, None)
            for tier, cost in (("local", "0.0001"), ("large", "0.01")):
                add_call(db, school, essay, tier, cost)
        db.commit()


def add_grading(
    db: Any, school: School, essay: Essay, source: Source, tier: str | None, total: float, confidence: float | None
) -> None:
    grading: Grading = a_grading(school.assignment)
    grading.essay_id, grading.source, grading.tier, grading.confidence = essay.id, source, tier, confidence
    grading.total = Decimal(f"{total:.2f}")
    db.add(grading)


def add_call(db: Any, school: School, essay: Essay, tier: str, cost: str) -> None:
    db.add(
        LlmCall(
            request_id=f"{essay.id}.{tier}",
            essay_id=essay.id,
            assignment_id=school.assignment.id,
            feature="grade",
            tier=tier,
            model="a-model",
            engine_version="test",
            prompt_version="v1",
            estimated_cost=Decimal(cost),
            cost=Decimal(cost),
            price={},
            outcome=CallOutcome.ok,
        )
    )


def kept(school: School) -> Any:
    with session() as db:
        return db.get_one(Assignment, school.assignment.id).routing


# --- where texts would go --------------------------------------------------------------------------------------------


def test_the_route_its_reason_and_the_complexity_are_shown(essay: Path) -> None:
    result = run(essay)
    assert result.exit_code == 0, result.output
    assert f"{essay}: local (queue local)" in words(result).replace("\n", "")
    assert f"complexity {measure(ENGLISH).score:.2f}" in result.output
    assert "local from a confidence of 0.8" in result.output


def test_json_is_one_object_a_file(essay: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("我喜欢我的学校。", encoding="utf-8")
    first, second = map(json.loads, run(essay, other, "--json", "-").stdout.splitlines())
    assert (first["file"], first["tier"], first["queue"]) == (str(essay), "local", "local")
    assert first["complexity"] == measure(ENGLISH).to_json()["score"]
    assert second["parts"]["vocabulary"] > 0
    out = tmp_path / "out.json"
    assert run(essay, "--json", out).output == ""
    assert json.loads(out.read_text())["tier"] == "local"


def test_a_tier_that_the_installation_has_no_model_for_is_not_taken(essay: Path) -> None:
    with use_environment({"PIZHU_LOCAL_MODEL": "none"}):
        assert json.loads(run("-", "--json", "-", stdin=ENGLISH).stdout)["tier"] == "large"
    with use_environment({"PIZHU_LOCAL_MODEL": "none", "OPENAI_API_KEY": ""}):
        assert "no model is configured" in words(run(essay))


def test_an_assignments_own_thresholds_decide(essay: Path, school: School) -> None:
    with session() as db:
        db.get_one(Assignment, school.assignment.id).routing = {"complex_from": 0.1}
        db.commit()
    assert json.loads(run(essay, "--json", "-").stdout)["tier"] == "local"
    assert json.loads(run(essay, "--assignment", school.assignment.id, "--json", "-").stdout)["tier"] == "large"


# --- learning --------------------------------------------------------------------------------------------------------


def test_what_is_learned_is_shown_and_changes_nothing_until_it_is_applied(school: School) -> None:
    add_essays(school, 100)
    result = run("--assignment", school.assignment.id, "--fit")
    assert result.exit_code == 0, result.output
    for expected in ("Confidence from which local is accepted", "At random", "chosen", "now", "--apply would keep"):
        assert expected in result.output
    assert "beats 100% of random draws" in words(result)
    assert "0.10" in result.output, "dollars for a thousand essays, when all that local says is kept"
    assert kept(school) is None


def test_what_is_applied_is_what_routing_goes_by(school: School, essay: Path) -> None:
    add_essays(school, 100)
    found = told("--assignment", school.assignment.id, "--fit", "--apply")
    assert found["applied"] is True
    assert found["changes"] == kept(school) == found["routing"]
    bar = kept(school)["accept"]["local"]
    # A confidence of 0.9 is off by the twentieth of full marks that the large model is off by.
    assert 0.5 < bar <= 0.92
    assert f"local from a confidence of {bar:g}" in run(essay, "--assignment", school.assignment.id).output


def test_a_confidence_that_knows_nothing_is_said_to_be_no_better_than_chance(school: School) -> None:
    add_essays(school, 100, knows=False)
    assert "no better than chance" in words(run("--assignment", school.assignment.id, "--fit", "--budget", "0.005"))


def test_few_essays_say_so_and_change_nothing(school: School) -> None:
    add_essays(school, 10)
    found = told("--assignment", school.assignment.id, "--fit", "--apply")
    assert (found["essays"], found["changes"], found["applied"]) == (10, {}, False)
    assert "10 essays have" in found["fits"][0]["words"]
    assert kept(school) is None
    assert "40 are needed" in words(run("--assignment", school.assignment.id, "--fit"))


def test_an_assignment_without_essays_has_nothing_to_choose_between(school: School) -> None:
    assert "nothing to choose between" in words(run("--assignment", school.assignment.id, "--fit"))


def test_a_share_is_set_and_the_rest_of_what_the_assignment_has_stays(school: School) -> None:
    add_essays(school, 50)
    with session() as db:
        db.get_one(Assignment, school.assignment.id).routing = {"review_below": 0.3}
        db.commit()
    result = run("--assignment", school.assignment.id, "--share", "local=0.9", "--apply")
    assert "local keeps 90% of the 50 essays" in words(result)
    assert kept(school) == {"review_below": 0.3, "accept": {"local": 0.1}}


def test_reset_gives_the_assignment_the_settings_again(school: School) -> None:
    with session() as db:
        db.get_one(Assignment, school.assignment.id).routing = {"accept": {"local": 0.1}}
        db.commit()
    assert "routed by the settings again" in run("--assignment", school.assignment.id, "--reset").output
    assert kept(school) is None


@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_the_curves_are_drawn(school: School, tmp_path: Path, suffix: str) -> None:
    add_essays(school, 60)
    picture = tmp_path / f"curve.{suffix}"
    assert run("--assignment", school.assignment.id, "--fit", "--plot", picture).exit_code == 0
    drawn = picture.read_text()
    assert drawn.count("<polyline") == 4, "two thresholds, each beside chance"
    assert drawn.startswith("<svg" if suffix == "svg" else "<!doctype html>")


def test_without_a_curve_nothing_is_drawn_and_nothing_kept(school: School, tmp_path: Path) -> None:
    result = run("--assignment", school.assignment.id, "--fit", "--apply", "--plot", tmp_path / "a.svg")
    assert result.exit_code == 1
    assert "no curve to draw" in words(result)


# --- what is refused -------------------------------------------------------------------------------------------------

SOME = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Give FILES, or --fit or --share, or --reset"),
        (("--fit",), "Give --assignment ID"),
        (("--reset",), "Give --assignment ID"),
        (("--assignment", SOME), "Give FILES"),
        (("--assignment", SOME, "--fit", "--reset"), "Give FILES, or --fit"),
        (("--assignment", "eight", "--fit"), "'eight' is not a valid UUID"),
        (("--assignment", SOME, "--share", "large=0.5"), "'large' is no tier that passes essays on; those are local"),
        (("--assignment", SOME, "--share", "local"), "'local' is not like local=0.9"),
        (("--assignment", SOME, "--share", "local=90"), "A share is between 0 and 1"),
        (("--assignment", SOME, "--share", "local=0.9", "--budget", "1", "--fit"), "three ways to choose"),
        (("--assignment", SOME, "--fit", "--tolerance", "0.1", "--budget", "1"), "three ways to choose"),
        (("--assignment", SOME, "--share", "local=0.9", "--tolerance", "0.1"), "go with --fit"),
        (("--assignment", SOME, "--reset", "--apply"), "--apply goes with --fit"),
        (("--assignment", SOME, "--fit", "--plot", "a.png"), "must end in .svg or .html"),
        (("--assignment", SOME, "--fit", "--tolerance", "2"), "range"),
        (("nowhere.txt",), "does not exist"),
    ],
)
def test_what_does_not_go_together_is_refused_with_its_reason(arguments: tuple[str, ...], reason: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert reason in words(result)


def test_an_assignment_that_there_is_not_is_refused(school: School, essay: Path) -> None:
    for arguments in (("--fit",), ("--reset",), (essay,)):
        result = run("--assignment", SOME, *arguments)
        assert result.exit_code == 2
        assert f"There is no assignment {SOME}" in words(result)


def test_without_a_database_it_is_said_how_to_get_one() -> None:
    with use_environment({"PIZHU_DATABASE_URL": ""}):
        result = run("--assignment", SOME, "--fit")
    assert result.exit_code == 1
    assert "pizhu up" in words(result)


def test_what_is_no_essay_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"\xff\xfe")
    assert run(path).exit_code == 2
    assert "is not UTF-8" in words(run(path))
