from __future__ import annotations

from click.testing import CliRunner, Result

from app.cli import main
from tests.factories import make_school


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ("budget", *arguments))


def test_budgets_are_set_listed_and_removed(database: None) -> None:
    school = make_school()
    assert "no budget" in run("list").output
    assert run("set", "platform", "month", "--soft", "600", "--hard", "800").exit_code == 0
    assert run("set", "user", "day", "--of", school.student.email, "--hard", "0.50").exit_code == 0
    assert run("set", "class", "day", "--hard", "5").exit_code == 0
    listed = run("list").output
    for words in ("the platform", "each class", school.student.email, "800", "0.5"):
        assert words in listed
    assert run("remove", "user", "day", "--of", school.student.email).exit_code == 0
    assert school.student.email not in run("list").output


def test_what_is_wrong_is_said(database: None) -> None:
    make_school()
    for arguments, words in (
        (("platform", "day"), "--hard"),
        (("platform", "day", "--of", "x", "--hard", "1"), "nobody"),
        (("class", "day", "--of", "NOSUCH", "--hard", "1"), "no class"),
        (("user", "day", "--hard", "much"), "no amount"),
        (("user", "day", "--hard", "-1"), "greater than"),
    ):
        result = run("set", *arguments)
        assert result.exit_code == 2, arguments
        assert words in result.output
