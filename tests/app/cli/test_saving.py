"""app/cli/saving.py: the switch thrown on the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from app.cli.saving import saving
from models import Class
from models.session import session
from tests.factories import School, make_school


@pytest.fixture
def school(database: None) -> School:
    return make_school()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(saving, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_on_off_and_what_was(school: School, redis: object) -> None:
    assert run("status") == "off\n"
    assert run("on", "--reason", "the bill") == "Saving mode is on.\n"
    assert run("on", "--reason", "the bill") == "It was on already.\n"
    assert "(command line): the bill" in run("status")
    assert run("off") == "Saving mode is over.\n"
    assert run("off") == "It was off already.\n"
    status = run("status")
    assert status.startswith("off\n")
    assert "saving by" in status
    assert "over" in status


def test_a_class_is_paid_for(school: School) -> None:
    assert "is paid for" in run("class", school.school_class.join_code.lower(), "--pays")
    with session() as db:
        assert db.get_one(Class, school.school_class.id).pays_while_saving
    assert "saves" in run("class", school.school_class.join_code, "--saves")
    assert CliRunner().invoke(saving, ["class", "NOSUCH22", "--pays"]).exit_code == 2
