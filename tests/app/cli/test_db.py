from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result
from sqlalchemy import text

from app.cli import main
from models.session import engine
from tests.conftest import use_environment


def token_with(home: Path, database: str) -> Result:
    with use_environment({"PIZHU_HOME": str(home), "PIZHU_DATABASE_URL": database}):
        return CliRunner().invoke(main, ["token", "create", "--user", "li@school.test"])


def test_where_no_database_is_configured_it_says_how_to_get_one(tmp_path: Path) -> None:
    result = token_with(tmp_path, "")

    assert result.exit_code == 1
    assert "`pizhu up`" in result.stderr


def test_where_the_database_does_not_answer_it_says_so(tmp_path: Path) -> None:
    result = token_with(tmp_path, "postgresql+psycopg2://pizhu:secret@127.0.0.1:1/pizhu")

    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr
    assert "secret" not in result.stderr


def test_where_the_tables_are_missing_it_says_how_to_make_them(database: None, tmp_path: Path) -> None:
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS empty"))
        connection.execute(text("CREATE DATABASE empty"))
    url = engine().url.set(database="empty").render_as_string(hide_password=False)

    assert "`pizhu db upgrade`" in token_with(tmp_path, url).stderr

    with use_environment({"PIZHU_HOME": str(tmp_path), "PIZHU_DATABASE_URL": url}):
        assert CliRunner().invoke(main, ["db", "upgrade"]).output == "The database is up to date.\n"
    assert "There is no user" in token_with(tmp_path, url).stderr
