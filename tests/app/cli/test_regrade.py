"""app/cli/regrade.py: an essay graded again, and what the user is told of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from redis import Redis
from sqlalchemy import select, update

from app.cli.regrade import regrade
from models import Essay, EssayState, Grading, Regrade, RubricVersion
from models.session import session
from tests.conftest import use_environment
from tests.doubles.engine import REFUSED, InstantEngine
from tests.factories import TEXT, School, make_essay, make_school
from tests.workers import lab as laboratory
from tests.workers.lab import Lab
from workers import local, regrading
from workers.heartbeat import PREFIX
from workers.local import grade_essay, regrade_essay


@pytest.fixture
def school(database: None, redis: Redis) -> School:
    return make_school()


@pytest.fixture
def worker(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> InstantEngine:
    """A local worker that takes what it is told of at once, in this process."""
    engine = InstantEngine()
    monkeypatch.setattr(local, "engine", engine, raising=False)
    redis.set(f"{PREFIX}local:here:1", 1)

    def taken(regrade_id: uuid.UUID, queue: str) -> bool:
        regrade_essay(str(regrade_id))
        return True

    monkeypatch.setattr(regrading, "ring", taken)
    return engine


@pytest.fixture
def essay(school: School, worker: InstantEngine) -> Essay:
    made = make_essay(school.student, school.assignment, state=EssayState.queued)
    grade_essay(str(made.id))
    return made


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "140"}).invoke(regrade, [str(argument) for argument in arguments])


def kept() -> list[Regrade]:
    with session() as db:
        return list(db.scalars(select(Regrade)))


def test_the_same_is_said_to_be_the_same(essay: Essay) -> None:
    result = run(essay.id)
    assert result.exit_code == 0, result.output
    assert result.stdout == "The same: every level, every point, every word, and all that it came from.\n"


def test_what_differs_is_explained_name_by_name(school: School, essay: Essay, worker: InstantEngine) -> None:
    worker.model = "instant-large"
    with session() as db:
        changed = RubricVersion(
            assignment_id=school.assignment.id,
            version=2,
            criteria=[{"key": "ideas", "name": "Ideas", "max": 20, "descriptors": []}],
            content_hash="new",
        )
        db.add(changed)
        db.flush()
        school.assignment.rubric_id = changed.id
        db.merge(school.assignment)
        db.commit()
    result = run(essay.id, "--explain")
    assert result.exit_code == 0, result.output
    assert "Another grade, and it comes from something else now." in result.stdout
    rows = [line.split("│") for line in result.stdout.splitlines() if "│" in line]
    cells = {row[1].strip(): [cell.strip() for cell in row[2:-1]] for row in rows}
    assert cells["model"] == ["instant", "instant-large"]
    for name in ("hashes.rubric", "hashes.prompt", "hashes.task", "hashes.schema"):
        assert name in cells
    assert "hashes.essay" not in cells
    assert cells["Language 语言"][1::2] == ["–", "–"]
    assert "--explain says what differs." in run(essay.id).stdout


def test_all_of_it_as_json(essay: Essay, worker: InstantEngine) -> None:
    worker.version = "instant 2"
    found = json.loads(run(essay.id, "--json").stdout)
    assert (found["same"], found["same_result"]) == (False, True)
    assert found["inputs"] == [{"name": "engine_version", "before": "instant 1", "after": "instant 2"}]


def test_an_essay_that_is_not_there_or_has_no_grade_of_a_model(school: School, worker: InstantEngine) -> None:
    assert "There is no essay" in run(uuid.uuid4()).output
    submitted = make_essay(school.student, school.assignment)
    assert "No model has given this essay a grade" in run(submitted.id).output


def test_where_no_worker_runs_it_says_so_and_leaves_nothing_behind(essay: Essay, redis: Redis) -> None:
    redis.delete(f"{PREFIX}local:here:1")
    result = run(essay.id)
    assert result.exit_code == 1
    assert "No worker takes from the queue local; `pizhu up` starts one." in result.output
    assert kept() == []


def test_where_nothing_runs_it_says_so(essay: Essay) -> None:
    with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
        assert "Redis cannot be reached; is Pizhu up?" in run(essay.id).output


def test_a_tier_that_is_gone_is_named(essay: Essay) -> None:
    with session() as db:
        db.execute(update(Grading).values(tier="huge"))
        db.commit()
    assert "The tier 'huge', which gave the grade, is not there any more." in run(essay.id).output


def test_a_model_that_refuses_the_essay_now_is_quoted(school: School, worker: InstantEngine) -> None:
    made = make_essay(school.student, school.assignment, f"{TEXT} {REFUSED}", state=EssayState.graded)
    with session() as db:
        db.execute(update(Grading).values(tier="local"))
        db.commit()
    result = run(made.id)
    assert result.exit_code == 1
    assert "There is no new grade: The model instant cannot take this essay" in result.output


@pytest.mark.parametrize("trouble", ["Ctrl-C", "too long"])
def test_who_does_not_wait_takes_it_back(essay: Essay, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    def ring(regrade_id: uuid.UUID, queue: str) -> bool:
        if trouble == "Ctrl-C":
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(regrading, "ring", ring)
    result = run(essay.id, "--timeout", 1)
    assert result.exit_code == 1
    assert ("Aborted!" if trouble == "Ctrl-C" else "No grade within 1 seconds") in result.output
    [row] = kept()
    assert row.error == "withdrawn"
    regrade_essay(str(row.id))
    assert kept()[0].grade is None


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with laboratory.running(tmp_path_factory.mktemp("lab") / "home", laboratory.FRAGILE) as running:
        yield running


@pytest.mark.slow
def test_a_real_worker_gives_the_same_grade_again(lab: Lab) -> None:
    essays = lab.submit(1)
    lab.await_states(essays, EssayState.graded)
    result = run(essays[0], "--explain", "--timeout", 60)
    assert result.exit_code == 0, result.output
    assert "The same: every level" in result.stdout
    assert "Model, engine, prompt, rubric, essay, settings and calibration are as they were." in result.stdout
