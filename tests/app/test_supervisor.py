"""A supervisor of its own process, for it takes signals and may be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.supervisor import describe
from settings import ROOT
from tests.processes import is_gone, kill
from tests.stack import eventually

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys
from pathlib import Path
from app import supervisor as module

def watch():
    assert not Path(os.environ.get("DEFECT", "nowhere")).exists(), "a defect"

module.GRACE = float(os.environ.get("GRACE", "1000"))
record = Path(sys.argv[1])
supervisor = module.Supervisor(lambda groups: record.write_text(json.dumps(list(groups))), watch)
for line in sys.argv[2:]:
    name, _, command = line.partition(": ")
    supervisor.add_process(name, f"exec {command}")
supervisor.loop()
print("ended well", flush=True)
"""
PARENT = "sh -c 'sleep 1000 & echo child $!; echo parent $$; wait'"
STUBBORN = """sh -c 'trap "" TERM; echo parent $$; while :; do sleep 1000; done'"""
Start = Callable[..., "Run"]


class Run:
    """A running supervisor and what it has printed so far."""

    def __init__(self, folder: Path, *lines: str, **environment: str) -> None:
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folder / "record"), *lines],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            )

    def printed(self, pattern: str, times: int = 1) -> list[str]:
        """Wait until the pattern has been printed so often; returns what its group matched."""

        def found() -> list[str]:
            matches = re.findall(pattern, self.output.read_text())
            return matches if len(matches) >= times else []

        return eventually(found, 30, f"{pattern!r} {times} times in\n{self.output.read_text()}", every=0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        self.process.send_signal(number)
        assert self.process.wait(30) == 0
        self.printed("ended well")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []

    def started(*lines: str, **environment: str) -> Run:
        runs.append(Run(tmp_path, *lines, **environment))
        return runs[-1]

    yield started
    for run in runs:
        for process in psutil.Process(run.process.pid).children(recursive=True) if run.process.poll() is None else []:
            process.kill()
        run.process.kill()
        run.process.wait()


def test_each_line_is_printed_behind_the_name_of_its_process(start: Start) -> None:
    run = start("one: echo 你好", "second: sh -c 'echo oops >&2; sleep 1000'")

    run.printed(r"one +\| 你好")
    run.printed(r"second +\| oops")
    run.stop()


def test_what_dies_is_started_again_and_the_others_go_on(start: Start) -> None:
    run = start(f"one: {PARENT}", "other: sh -c 'echo other $$; exec sleep 1000'")
    (first,) = run.printed(r"parent (\d+)")
    (other,) = run.printed(r"other (\d+)")

    kill(int(first))

    run.printed(r"one ended \(killed by SIGKILL\); starting it again in 1 s")
    _, second = run.printed(r"parent (\d+)", times=2)
    assert second != first
    assert not is_gone(int(other))
    run.stop()


def test_the_children_of_what_dies_die_with_it_although_they_hold_its_output_open(start: Start) -> None:
    run = start(f"one: {PARENT}")
    (child,), (parent,) = run.printed(r"child (\d+)"), run.printed(r"parent (\d+)")

    kill(int(parent))

    eventually(lambda: is_gone(int(child)), 10, "the child is gone")
    run.stop()


def test_what_dies_at_once_is_started_again_ever_more_slowly(start: Start) -> None:
    run = start("one: false")

    assert run.printed(r"exit status 1\); starting it again in (\d+) s", times=3)[:3] == ["1", "2", "4"]
    run.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_children_included(start: Start, number: signal.Signals) -> None:
    run = start(f"one: {PARENT}", f"two: {PARENT}")
    everybody = run.printed(r"(?:child|parent) (\d+)", times=4)

    run.stop(number)

    assert all(map(is_gone, map(int, everybody)))


def test_what_does_not_end_when_asked_is_ended_after_a_while(start: Start) -> None:
    run = start(f"one: {STUBBORN}", GRACE="0.5")
    (parent,) = run.printed(r"parent (\d+)")

    run.stop()

    run.printed("ending one")
    assert is_gone(int(parent))


def test_a_second_signal_ends_everything_at_once(start: Start) -> None:
    run = start(f"one: {STUBBORN}")
    (parent,) = run.printed(r"parent (\d+)")
    run.process.send_signal(signal.SIGINT)
    run.printed("stopping")

    run.stop()

    assert is_gone(int(parent))


def test_everything_stops_when_nobody_reads_the_output_any_more(start: Start, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "record"), "one: yes $$"]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert run.stdout
    line = run.stdout.readline()
    run.stdout.close()

    run.wait(30)

    assert is_gone(int(line.split()[-1]))


def test_everything_stops_when_the_supervisor_itself_has_a_defect(start: Start, tmp_path: Path) -> None:
    defect = tmp_path / "defect"
    run = start(f"one: {PARENT}", DEFECT=str(defect))
    everybody = run.printed(r"(?:child|parent) (\d+)", times=2)

    defect.touch()

    assert run.process.wait(30) == 1
    run.printed("AssertionError: a defect")
    assert all(map(is_gone, map(int, everybody)))


def test_the_groups_that_live_are_on_record(start: Start, tmp_path: Path) -> None:
    run = start(f"one: {PARENT}")
    (parent,) = run.printed(r"parent (\d+)")
    record = tmp_path / "record"

    eventually(lambda: record.exists() and record.read_text() == f"[{parent}]", 10, "it is on record")
    run.stop()
    assert record.read_text() == "[]"


def test_an_end_is_told_in_words() -> None:
    assert describe(3) == "exit status 3"
    assert describe(-11) == "killed by SIGSEGV"
