from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.procfile import parse_workers, processes, read_procfile
from settings import Settings

LINES = {"web": "serve", "triage": "work triage", "local": "work local", "beat": "tick"}
WITH_MODEL = Settings(local_model="demo", home=Path("var"))
WITHOUT = Settings(local_model="none", home=Path("var"))


def names(workers: str, config: Settings = WITH_MODEL) -> list[str]:
    return [process.name for process in processes(LINES, parse_workers(workers, LINES, config), config)]


def environment(workers: str, config: Settings = WITH_MODEL) -> dict[str, str]:
    env: dict[str, str] = processes(LINES, parse_workers(workers, LINES, config), config)[0].env
    return env


def test_each_line_has_one_process_unless_said_otherwise() -> None:
    assert names("") == ["web.1", "triage.1", "local.1", "beat.1"]
    assert names("triage=2, local=1") == ["web.1", "triage.1", "triage.2", "local.1", "beat.1"]
    assert names("triage=0") == ["web.1", "local.1", "beat.1"]


def test_without_a_local_model_nobody_works_for_its_queue() -> None:
    assert names("", WITHOUT) == ["web.1", "triage.1", "beat.1"]
    with pytest.raises(ValueError, match="PIZHU_LOCAL_MODEL is none"):
        names("local=1", WITHOUT)


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        ("local", "not NAME=NUMBER"),
        ("local=", "not NAME=NUMBER"),
        ("local=two", "not NAME=NUMBER"),
        ("local=-1", "not NAME=NUMBER"),
        ("local=²", "not NAME=NUMBER"),
        ("openai=1", "has no 'openai'; it has web, triage, local, beat"),
        ("web=2", "a port of its own behind a proxy"),
        ("beat=2", "everything twice"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(workers: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        names(workers)


def test_a_process_finds_our_programs_first_and_this_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin")
    env = environment("")

    assert shutil.which("celery", path=env["PATH"]) == str(Path(sys.executable).with_name("celery"))
    assert env["PATH"].endswith(":/bin")
    assert env["PIZHU_HOME"] == str(WITH_MODEL.home)
    assert Path(env["PIZHU_HOME"]).is_absolute()


def test_only_queues_with_a_worker_are_needed_to_be_ready() -> None:
    assert environment("")["PIZHU_QUEUES"] == "triage,local,upkeep"
    assert environment("local=0")["PIZHU_QUEUES"] == "triage,upkeep"
    assert environment("", WITHOUT)["PIZHU_QUEUES"] == "triage,upkeep"


def test_every_line_of_the_procfile_is_one_command_that_a_shell_understands() -> None:
    lines = read_procfile()

    assert list(lines) == ["web", "triage", "local", "openai", "upkeep", "beat"]
    for command in lines.values():
        subprocess.run(["sh", "-n", "-c", f"exec {command}"], check=True)
