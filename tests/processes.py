"""Ending processes as a crash does, and seeing that they have ended."""

from __future__ import annotations

import psutil

from tests.stack import eventually


def is_gone(pid: int) -> bool:
    """Whether it has ended; where process 1 reaps nobody, a zombie is what stays."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def kill(pid: int | None) -> None:
    """Kill it and wait until it has ended."""
    assert pid, "it does not run"
    psutil.Process(pid).kill()
    eventually(lambda: is_gone(pid), 10, f"process {pid} is gone", every=0.01)
