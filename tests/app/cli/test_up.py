"""A whole installation without a model, started and stopped as its owner does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.occupancy import Occupancy
from settings import ROOT
from tests.processes import kill
from tests.stack import Stack, eventually

pytestmark = pytest.mark.slow

PIZHU = str(Path(sys.executable).with_name("pizhu"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("installation"), {"PIZHU_LOCAL_MODEL": "none"})
    yield stack
    stack.down()


@pytest.fixture
def up(stack: Stack) -> Stack:
    """It is up, whatever the test before has done to it."""
    if Occupancy(stack.home).holder() is None:
        stack.up()
    eventually(lambda: is_ready(stack), 60, "it is ready")
    return stack


def is_ready(stack: Stack) -> bool:
    try:
        return requests.get(f"{stack.base}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def refused(stack: Stack, *arguments: str, **environment: str) -> str:
    """Standard error of a command that is expected to fail."""
    done = subprocess.run(
        [PIZHU, *arguments], cwd=ROOT, env=stack.environment | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2), done
    return done.stderr


def leader(stack: Stack, part: str) -> int:
    """Pid of the one process with this command line that the supervisor has started itself."""
    (pid,) = {os.getpgid(process.pid) for process in stack.processes(part)}
    return pid


def test_it_goes_to_the_background_when_everything_is_ready(stack: Stack) -> None:
    printed = stack.pizhu("up", "--detach")

    assert is_ready(stack)
    assert f"Pizhu is ready on {stack.base}" in printed
    assert all(f"{name}@demo.test" in printed for name in ("student", "teacher", "ops"))
    assert "`pizhu down` stops it" in printed
    assert (stack.home / "log" / "pizhu.log").stat().st_mode & 0o777 == 0o600


def test_without_a_local_model_there_is_no_local_worker(up: Stack) -> None:
    assert up.processes("-Q triage")
    assert up.processes("-Q local") == []


def test_a_second_one_in_the_same_home_is_refused(up: Stack) -> None:
    pid = Occupancy(up.home).holder()

    for arguments in (["up"], ["up", "--detach"]):
        assert f"Pizhu runs already in {up.home} (pid {pid})" in refused(up, *arguments)


def test_a_second_one_on_the_same_port_is_refused(up: Stack, tmp_path: Path) -> None:
    for arguments in (["up"], ["up", "--detach"]):
        assert f"Port {up.port} is taken" in refused(up, *arguments, PIZHU_HOME=str(tmp_path))


def test_a_number_of_workers_that_cannot_be_is_refused_before_anything_is_started(stack: Stack, tmp_path: Path) -> None:
    assert "a port of its own" in refused(stack, "up", "--workers", "web=2", PIZHU_HOME=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_another_home_has_an_installation_of_its_own(up: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path, {"PIZHU_LOCAL_MODEL": "none"})
    try:
        other.up()
        assert is_ready(up)
        assert is_ready(other)
    finally:
        other.down()
    assert is_ready(up)


def test_the_doctor_finds_nothing_broken(up: Stack) -> None:
    findings = up.pizhu("doctor")

    assert f"✓ Pizhu runs on {up.base}" in findings
    assert "✓ workers: triage 1, batches 1, upkeep 1" in findings


@pytest.mark.parametrize("server", [EmbeddedPostgres, EmbeddedValkey])
def test_a_server_that_is_killed_comes_back_and_everything_finds_it(
    up: Stack, server: type[EmbeddedPostgres | EmbeddedValkey]
) -> None:
    killed = server(up.home).pid
    kill(killed)

    eventually(lambda: server(up.home).pid not in (None, killed), 30, "it is back")
    eventually(lambda: is_ready(up), 60, "everything is ready again")


@pytest.mark.parametrize("part", ["gunicorn", "-Q triage", "celery beat"])
def test_a_process_that_is_killed_comes_back(up: Stack, part: str) -> None:
    killed = leader(up, part)
    kill(killed)

    eventually(lambda: [p for p in up.processes(part) if p.pid != killed], 30, "another is there")
    eventually(lambda: is_ready(up), 60, "everything is ready again")


def test_what_a_killed_supervisor_leaves_behind_is_ended_by_the_next_one(up: Stack) -> None:
    kill(Occupancy(up.home).holder())
    orphans = {process.pid for process in up.processes("celery")}
    assert orphans

    up.up()

    assert is_ready(up)
    assert not orphans & {process.pid for process in up.processes("celery")}


def test_what_a_killed_supervisor_leaves_behind_is_ended_by_down(up: Stack) -> None:
    kill(Occupancy(up.home).holder())

    assert "left over" in up.pizhu("down")
    assert up.processes("") == []


def test_down_stops_everything_and_waits_for_it(up: Stack) -> None:
    assert up.pizhu("down") == "Stopped.\n"

    assert up.processes("") == []
    assert up.pizhu("down") == f"Nothing runs in {up.home}.\n"


def test_the_secret_key_and_the_passwords_stay_from_one_start_to_the_next(stack: Stack) -> None:
    kept = ("servers.env", "demo-passwords.txt")
    before = [(stack.home / name).read_text() for name in kept]

    stack.up()
    stack.down()

    assert [(stack.home / name).read_text() for name in kept] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_ctrl_c_stops_everything(stack: Stack, tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "output"
    with output.open("w") as file:
        process = subprocess.Popen([PIZHU, "up"], cwd=ROOT, env=stack.environment, stdout=file, stderr=file)
    eventually(lambda: "Ctrl-C stops it." in output.read_text(), 60, "the banner is there")

    process.send_signal(number)

    assert process.wait(60) == 0, output.read_text()
    assert output.read_text().endswith("Stopped.\n")
    assert stack.processes("") == []


def test_ctrl_c_while_it_is_still_starting_leaves_nothing_behind(stack: Stack) -> None:
    process = subprocess.Popen([PIZHU, "up"], cwd=ROOT, env=stack.environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Starting Postgres"):
            break

    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=60)
    assert stack.processes("") == []
