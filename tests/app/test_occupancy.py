from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.occupancy import Occupancy, Occupied
from settings import ROOT

HOLDER = """
import sys, time
from pathlib import Path
from app.occupancy import Occupancy
with Occupancy(Path(sys.argv[1])).hold():
    print("held", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def occupancy(tmp_path: Path) -> Occupancy:
    return Occupancy(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which holds the home."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def group() -> Iterator[subprocess.Popen[bytes]]:
    """A group of two processes of which nobody takes care; it is its leader that is returned."""
    process = subprocess.Popen(
        ["sh", "-c", "sleep 1000 & echo started; wait"], start_new_session=True, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    yield process
    for member in members(process.pid):
        member.kill()
    process.wait()
    process.stdout.close()


def members(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        except ProcessLookupError:
            continue
    return found


def test_nobody_holds_a_home_at_first(occupancy: Occupancy) -> None:
    assert occupancy.holder() is None


def test_a_second_one_is_refused_and_told_the_pid_of_the_first(
    occupancy: Occupancy, other: subprocess.Popen[bytes]
) -> None:
    assert occupancy.holder() == other.pid
    with pytest.raises(Occupied, match=rf"pid {other.pid}.*pizhu down"), occupancy.hold():
        pass


def test_a_home_is_free_again_when_its_holder_is_killed(occupancy: Occupancy, other: subprocess.Popen[bytes]) -> None:
    other.kill()
    other.wait()

    assert occupancy.holder() is None
    with occupancy.hold():
        assert occupancy.holder() == os.getpid()


def test_two_homes_are_held_by_two(occupancy: Occupancy, tmp_path: Path) -> None:
    with occupancy.hold(), Occupancy(tmp_path / "other").hold():
        pass


def test_a_group_that_was_left_over_is_ended_with_all_its_members(
    occupancy: Occupancy, group: subprocess.Popen[bytes]
) -> None:
    with occupancy.hold():
        occupancy.record([group.pid])

    assert occupancy.end_left_overs() == 2
    assert members(group.pid) == []
    assert occupancy.end_left_overs() == 0


def test_members_are_found_after_their_leader_has_died(occupancy: Occupancy, group: subprocess.Popen[bytes]) -> None:
    with occupancy.hold():
        occupancy.record([group.pid])
    group.send_signal(signal.SIGKILL)
    group.wait()

    assert occupancy.end_left_overs() == 1
    assert members(group.pid) == []


def test_a_stranger_who_was_given_the_same_pid_is_left_alone(
    occupancy: Occupancy, group: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with occupancy.hold():
        occupancy.record([group.pid])
    file = tmp_path / "run" / "groups.json"
    started = json.loads(file.read_text())
    file.write_text(json.dumps({pid: began - 3600 for pid, began in started.items()}))

    assert occupancy.end_left_overs() == 0
    assert len(members(group.pid)) == 2
