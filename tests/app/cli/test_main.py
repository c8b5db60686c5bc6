from __future__ import annotations

import subprocess
import sys

import pytest
from click import Command, Context
from click.testing import CliRunner

from app.cli import COMMANDS, main
from settings import ROOT


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.output for name in COMMANDS)


def test_help_is_quick_because_it_imports_no_command() -> None:
    program = (
        "import sys; from app.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "'click'" in done.stdout
    assert not any(f"'{module}'" in done.stdout for module in ("sqlalchemy", "celery", "gevent"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_what_it_does(name: str) -> None:
    command = main.get_command(Context(main), name)

    assert isinstance(command, Command)
    assert command.name == name
    assert command.help


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["grde"])

    assert result.exit_code == 2
    assert "No such command 'grde'" in result.output
