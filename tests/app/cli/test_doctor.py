from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner, Result
from redis import Redis
from sqlalchemy import text

from app.cli import checks, doctor, main, setup
from app.cli.checks import Finding
from app.embedded.ports import keep_port
from app.occupancy import Occupancy
from grading import saving
from grading.engines.circuit import Circuit
from grading.engines.engine import QuotaExceeded
from models.session import engine, session
from settings import ROOT, Settings, settings
from tests.conftest import use_environment


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Path]:
    """One that has never been started, without a model."""
    nothing = {"PIZHU_DATABASE_URL": "", "PIZHU_REDIS_URL": ""}
    with use_environment({"PIZHU_HOME": str(tmp_path), "PIZHU_LOCAL_MODEL": "none", **nothing}):
        yield tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


Find = Callable[..., None]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Have the doctor find just this."""

    def replace(*findings: Finding) -> None:
        monkeypatch.setattr(doctor, "CHECKS", [lambda _, finding=finding: finding for finding in findings])

    return replace


def test_each_finding_is_a_line_with_its_mark_and_how_to_mend_it(find: Find) -> None:
    find(Finding(True, "fine"), Finding(None, "quiet", "speak up"), Finding(False, "broken", "mend it"))

    result = run()

    assert result.output == "✓ fine\n– quiet  → speak up\n✗ broken  → mend it\n"
    assert result.exit_code == 1


def test_what_is_merely_worth_knowing_is_no_failure(find: Find) -> None:
    find(Finding(True, "fine"), Finding(None, "quiet"))

    assert run().exit_code == 0


def test_findings_can_be_had_as_json(find: Find) -> None:
    find(Finding(False, "broken", "mend it"))

    assert json.loads(run("--json").output) == [{"ok": False, "what": "broken", "mend": "mend it"}]


class TestWhoGrades:
    def checked(self, check: Callable[[Settings], Finding], **environment: str) -> Finding:
        with use_environment({"PIZHU_LOCAL_MODEL": "demo", "OPENAI_API_KEY": ""} | environment):
            return check(settings())

    def test_is_said_in_the_order_of_the_cascade(self, installation: Path) -> None:
        found = self.checked(checks.check_tiers, OPENAI_API_KEY="a-key")
        assert found.ok
        assert found.what == ("essays are graded by local (demo) → small (gpt-4.1-mini) → large (gpt-4.1) → a teacher")

    def test_is_a_teacher_where_there_is_no_model_and_how_to_get_one_is_said(self, installation: Path) -> None:
        found = self.checked(checks.check_tiers, PIZHU_LOCAL_MODEL="none")
        assert (found.ok, found.what) == (None, "no model at all: a teacher grades every essay")
        assert "PIZHU_LOCAL_MODEL" in found.mend
        assert "OPENAI_API_KEY" in found.mend

    def test_what_is_missing_of_the_two_is_worth_knowing(self, installation: Path) -> None:
        assert "OPENAI_API_KEY" in self.checked(checks.check_tiers).mend
        alone = self.checked(checks.check_tiers, OPENAI_API_KEY="a-key", PIZHU_LOCAL_MODEL="none")
        assert "PIZHU_LOCAL_MODEL" in alone.mend

    def test_a_model_without_a_price_is_broken(self, installation: Path) -> None:
        tiers = '[{"name": "mine", "engine": "openai", "model": "nobody-knows"}]'
        found = self.checked(checks.check_prices, OPENAI_API_KEY="a-key", PIZHU_TIERS=tiers)
        assert found.ok is False
        assert "nobody-knows" in found.what
        assert "PIZHU_PRICES" in found.mend

    def test_prices_are_shown(self, installation: Path) -> None:
        found = self.checked(checks.check_prices, OPENAI_API_KEY="a-key")
        assert found.ok
        assert "gpt-4.1-mini 0.4/1.6" in found.what

    def test_with_who_says_so_and_since_when(self, installation: Path) -> None:
        tiers = '[{"name": "mine", "engine": "openai", "model": "ours"}]'
        price = '{"ours": {"input": "1", "output": "2", "dated": "2026-11-01"}}'
        found = self.checked(checks.check_prices, OPENAI_API_KEY="a-key", PIZHU_TIERS=tiers, PIZHU_PRICES=price)
        assert "ours 1/2 (the setting PIZHU_PRICES, 2026-11-01)" in found.what

    def test_a_provider_that_refuses_the_account_is_broken(self, redis: Redis) -> None:
        circuit = Circuit("api.openai.com")
        with pytest.raises(QuotaExceeded), circuit.passing():
            raise QuotaExceeded("The account has nothing left to spend.")
        found = self.checked(checks.check_provider, OPENAI_API_KEY="a-key")
        assert found.ok is False
        assert "nothing left to spend" in found.what


def test_an_installation_that_does_not_run_is_not_broken(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "has_browser_parts", lambda: True)
    monkeypatch.setattr(setup, "stale_translations", list)

    with use_environment({"PIZHU_PORT": str(keep_port(installation / "port"))}):
        findings = json.loads(run("--json").output)

    assert [finding for finding in findings if finding["ok"] is False] == []
    assert "`pizhu up` starts it." in [finding["mend"] for finding in findings]


def test_packages_that_are_not_as_locked_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements").mkdir()
    for lock in (ROOT / "requirements").iterdir():
        text = lock.read_text().replace("\nclick==", "\nclick==0.")
        (tmp_path / "requirements" / lock.name).write_text(text + "no-such-package==1.0\n")
    monkeypatch.setattr(checks, "ROOT", tmp_path)

    finding = checks.check_packages(settings())

    assert finding.ok is False
    assert finding.what == "packages that are not as locked: click, no-such-package"


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, use_environment({"PIZHU_PORT": str(taken.getsockname()[1])}):
        finding = checks.check_port(settings())

    assert finding.ok is False
    assert "PIZHU_PORT" in finding.mend


def test_a_port_that_pizhu_itself_has_is_as_it_should_be(installation: Path) -> None:
    with Occupancy(installation).hold():
        assert checks.check_port(settings()).ok


def test_servers_that_somebody_named_must_answer() -> None:
    database = "postgresql+psycopg2://pizhu:secret@127.0.0.1:1/pizhu"
    with use_environment({"PIZHU_DATABASE_URL": database, "PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
        for check in (checks.check_postgres, checks.check_redis):
            finding = check(settings())
            assert finding.ok is False
            assert "cannot be reached" in finding.what
            assert "secret" not in finding.what


def test_servers_that_answer_are_named_with_their_versions(servers: None) -> None:
    postgres, redis = checks.check_postgres(settings()), checks.check_redis(settings())

    assert postgres.ok
    assert re.fullmatch(r"Postgres 18\.\d+, pgvector [\d.]+, tables at \d{4}", postgres.what)
    assert redis.ok
    assert re.fullmatch(r"Valkey [\d.]+", redis.what)


def test_a_postgres_that_is_too_old_is_named(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "OLDEST_POSTGRES", 99)
    finding = checks.check_postgres(settings())

    assert finding.ok is False
    assert re.fullmatch(r"Postgres [\d.]+.* is too old", finding.what)
    assert finding.mend == "Pizhu needs Postgres 99 or newer."


def test_tables_of_an_older_version_are_to_be_migrated(database: None) -> None:
    with engine().begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    try:
        finding = checks.check_postgres(settings())
    finally:
        newest = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_current_head()
        with engine().begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})

    assert finding.ok is False
    assert finding.what == f"tables are at 0000, not at {newest}"
    assert "pizhu db upgrade" in finding.mend


def test_a_queue_without_a_worker_is_named(servers: None, redis: Redis, tmp_path: Path) -> None:
    redis.set("pizhu:worker:triage:here:1", 1)
    with use_environment({"PIZHU_HOME": str(tmp_path), "PIZHU_LOCAL_MODEL": "none"}), Occupancy(tmp_path).hold():
        assert checks.check_workers(settings()).what == "no worker for upkeep"

        redis.set("pizhu:worker:upkeep:here:2", 1)
        assert checks.check_workers(settings()).what == "workers: triage 1, upkeep 1"


def test_a_demonstration_model_is_said_to_mean_nothing(installation: Path) -> None:
    with use_environment({"PIZHU_LOCAL_MODEL": "demo"}):
        assert checks.check_model(settings()).ok is False

        settings().demo_model_path.mkdir(parents=True)
        (settings().demo_model_path / "config.json").touch()
        finding = checks.check_model(settings())

    assert finding.ok is None
    assert "means nothing" in finding.what


def test_a_folder_without_a_model_is_broken(tmp_path: Path) -> None:
    with use_environment({"PIZHU_LOCAL_MODEL": str(tmp_path)}):
        assert checks.check_model(settings()).ok is False


class TestWhatWatchesTheMoney:
    def test_is_named_with_how_to_have_more_of_it(self, installation: Path) -> None:
        assert "PIZHU_METRICS_TOKEN" in checks.check_metrics(settings()).mend
        assert "PIZHU_WEBHOOK_URL" in checks.check_webhook(settings()).mend
        with use_environment({"PIZHU_METRICS_TOKEN": "a token", "PIZHU_WEBHOOK_URL": "https://hooks.test/a?b=secret"}):
            assert checks.check_metrics(settings()).ok
            assert checks.check_webhook(settings()).what == "alerts go to hooks.test"

    def test_says_that_saving_mode_is_on(self, database: None) -> None:
        assert checks.check_saving(settings()).what == "saving mode is off"
        with session() as db:
            saving.turn_on(db, "ops@school.test", "the bill")
            db.commit()
        found = checks.check_saving(settings())
        assert (found.ok, found.what) == (None, "saving mode is on, by ops@school.test")
        assert "pizhu saving status" in found.mend
