"""Who runs in a home: one `pizhu up` at a time, and what one that was killed has left behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

GRACE = 3.0
"""Seconds that a left-over has to end by itself; a worker whose output nobody reads any more cannot."""
CLOCK_TOLERANCE = 2.0
"""Start times are told from the time of boot, which moves a little when the clock is set."""


class Occupied(RuntimeError):
    """Another `pizhu up` runs in this home; the message says which."""


class Occupancy:
    """The lock `<home>/run/up.lock`, held by the one that runs, with its pid inside; and the groups it has started.

    The kernel frees the lock with its holder, so that it can be trusted where a pid in a file cannot.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = home / "run" / "up.lock"
        self._groups = home / "run" / "groups.json"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Occupy the home. Raises `Occupied`."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Occupied(
                    f"Pizhu runs already in {self._home} (pid {self._written_pid()}). `pizhu down` stops it."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def holder(self) -> int | None:
        """Pid of the `pizhu up` that runs in this home."""
        try:
            with self._lock.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return self._written_pid()
        return None

    def record(self, groups: Sequence[int]) -> None:
        """Remember the process groups that live, for the next `pizhu up` in case this one is killed."""
        started = {leader: began for leader in groups if (began := _start_time(leader))}
        aside = self._groups.with_suffix(".new")
        aside.write_text(json.dumps(started))
        aside.replace(self._groups)

    def end_left_overs(self) -> int:
        """End what a `pizhu up` that was itself killed has left behind; returns how many processes that were."""
        try:
            groups = {int(leader): started for leader, started in json.loads(self._groups.read_text()).items()}
        except (OSError, ValueError):
            return 0
        left = [process for process in psutil.process_iter() if _is_left_over(process, groups)]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in filter(_lives, left):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
            end = time.monotonic() + GRACE
            while any(map(_lives, left)) and time.monotonic() < end:
                time.sleep(0.05)
        self._groups.unlink()
        return len(left)

    def _written_pid(self) -> int:
        return int(self._lock.read_text() or 0)


def _is_left_over(process: psutil.Process, groups: Mapping[int, float]) -> bool:
    """Whether it belongs to one of these groups, whose leaders started at the given times.

    A number alone may be somebody else's by now; with its start time it is one process. A group whose leader is gone
    keeps its number while it has members.
    """
    try:
        group = os.getpgid(process.pid)
    except (ProcessLookupError, PermissionError):
        return False
    if group not in groups or not _lives(process):
        return False
    began = _start_time(group)
    return began is None or abs(began - groups[group]) < CLOCK_TOLERANCE


def _start_time(pid: int) -> float | None:
    """Seconds since 1970."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
