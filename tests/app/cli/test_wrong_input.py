"""What a newcomer types wrong, on every command: a sentence that says what to do, never a traceback."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from app.cli import main
from models.session import forget_engine
from settings import Settings, settings

SOME_ID = str(uuid.uuid4())
NEED_A_DATABASE = [
    ["advise"],
    ["anchors", "list"],
    ["anchors", "keep", SOME_ID],
    ["anchors", "dismiss", SOME_ID],
    ["anchors", "accept", SOME_ID],
    ["budget", "list"],
    ["budget", "set", "platform", "day", "--hard", "5"],
    ["costs"],
    ["db", "upgrade"],
    ["regrade", SOME_ID],
    ["route", "--assignment", SOME_ID, "--fit"],
    ["saving", "status"],
    ["simulate", "--ledger"],
    ["token", "create", "--user", "teacher@school.test"],
    ["user", "create", "--email", "a@school.test", "--role", "ops", "--password", "correct horse battery"],
]


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An installation that was never started, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(f"PIZHU_{name}", raising=False)
    monkeypatch.setenv("PIZHU_HOME", str(tmp_path))
    monkeypatch.setenv("PIZHU_LOCAL_MODEL", "none")
    settings.cache_clear()
    forget_engine()
    yield tmp_path
    settings.cache_clear()
    forget_engine()


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), arguments
    return result


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_every_command_and_every_option_has_its_help() -> None:
    found = dict(commands(main))
    assert len(found) > len(main.list_commands(click.Context(main)))
    for path, command in found.items():
        assert run(*path, "--help").exit_code == 0
        assert command.help, path
        silent = [one.name for one in command.params if isinstance(one, click.Option) and not one.help]
        assert silent == [], path


@pytest.mark.parametrize("arguments", NEED_A_DATABASE, ids=" ".join)
def test_no_database(nothing: Path, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: No database: start the embedded one with `pizhu up`, or set PIZHU_DATABASE_URL.\n",
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "PIZHU_PORT: Input should be a valid integer"),
        ("TIERS", '[{"name": "x"}]', "PIZHU_TIERS 0 engine: Field required."),
        ("TIERS", "[{", 'A PIZHU_* variable is not the JSON that it must be: error parsing value for field "tiers"'),
        ("DATABASE_URL", "mysql://root:secret@host/x", "PIZHU_DATABASE_URL: not an address of Postgres, such as"),
        ("DATABASE_URL", "nonsense", "PIZHU_DATABASE_URL: not an address of Postgres, such as"),
    ],
)
def test_settings_that_cannot_be(
    nothing: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"PIZHU_{name}", value)
    result = run("costs")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"Error: {said}")
    assert "secret" not in result.stderr


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_plain_address_of_postgres_is_one(scheme: str) -> None:
    assert Settings(database_url=f"{scheme}://me@host/x").database_url == "postgresql+psycopg2://me@host/x"


def test_a_database_that_does_not_answer(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIZHU_DATABASE_URL", "postgresql://me@127.0.0.1:1/x")
    result = run("costs")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The database cannot be reached; is Pizhu up?")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("title: [1\n bad: : yaml", "letter.yaml is not YAML, line 2: "),
        (b"\xff\xfe\xfa", "letter.yaml is not YAML: "),
        ("", "letter.yaml: Must be an object with title, prompt, language and rubric."),
    ],
)
def test_an_assignment_that_is_none(nothing: Path, written: str | bytes, said: str) -> None:
    (nothing / "essay.txt").write_text("Dear mayor, we need a library.")
    (nothing / "letter.yaml").write_bytes(written if isinstance(written, bytes) else written.encode())
    result = run("grade", "essay.txt", "-a", "letter.yaml", "-o", "out.jsonl")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "byte string" not in result.stderr


@pytest.mark.parametrize("arguments", [["advise"], ["costs"], ["simulate"], ["evaluate", "essays.csv"]], ids=" ".join)
def test_where_nothing_can_be_written_is_said_before_the_work(nothing: Path, arguments: list[str]) -> None:
    (nothing / "essays.csv").write_text("id,text\n1,no mark: it would be refused\n")
    result = run(*arguments, "--json", "no-such-folder/out.json")
    assert result.exit_code == 2
    assert "no-such-folder/out.json cannot be written: there is no folder no-such-folder." in result.stderr


@pytest.mark.parametrize("share", ["local", "local=", "local=2", "local=many"])
def test_a_share_that_is_none(nothing: Path, share: str) -> None:
    result = run("simulate", "--accept", share)
    assert result.exit_code == 2
    assert f"'{share}' is not like local=0.9, with a share from 0 to 1." in result.stderr
