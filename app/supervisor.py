"""The lines of the Procfile under one roof: started, prefixed, started again when they die, stopped together.

Honcho reads the Procfile, names the processes and prints their lines. What it lacks for Pizhu: a process that dies is
started again instead of taking the others with it, its death is noticed even while a child of its own holds its
output open, and nothing of its process group stays behind (an engine's children would hold the memory of the GPU).
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import honcho.process
from honcho.manager import Manager

GRACE = 10.0
"""Seconds between asking a process to end and ending it."""
LONGEST_PAUSE = 30.0
"""Seconds before a process that keeps dying is started again, at most."""
HEALTHY = 60.0
"""A process that lived so many seconds is started again at once."""
TICK = 1.0
"""Seconds between two calls of `watch`."""


class Process(honcho.process.Process):
    """A process that leads a group of its own, which ends with it."""

    def run(self, events: queue.Queue[Any]) -> None:
        """Start it, pass on what it prints, and return when it has ended; reports `start`, `line` and `stop`."""
        self._events = events
        try:
            self._child = self._child_ctor(self.cmd, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL)
        except OSError as error:  # no more processes, no more memory: tried again later, as if it had died
            self._send_message(f"{error}\n")
            self._send_message({"returncode": os.EX_OSERR}, type="stop")
            return
        self._send_message({"pid": self._child.pid}, type="start")
        reader = threading.Thread(target=self._pass_on, daemon=True)
        reader.start()
        # Not reaped yet: until the group has been ended nobody else can be given its number.
        os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
        end_group(self._child.pid)
        reader.join(timeout=1)
        self._send_message({"returncode": self._child.wait()}, type="stop")

    def _pass_on(self) -> None:
        for line in self._child.stdout:
            self._send_message(line)


class Supervisor(Manager):
    """Runs its processes until SIGINT, SIGTERM or SIGHUP; a second signal ends them at once.

    `record` is told the ids of the process groups that live, at each change; `watch` is called about every second.
    """

    def __init__(
        self,
        record: Callable[[Sequence[int]], None],
        watch: Callable[[], None] = lambda: None,
        printer: Any = None,
    ) -> None:
        super().__init__(printer)
        self.events: queue.Queue[Any] = queue.Queue()
        self._process_ctor = Process
        self._record = record
        self._watch = watch
        self._signals = 0

    def loop(self) -> None:
        """Start everything; returns when everything has ended."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup keeps its meaning
                signal.signal(number, self._on_signal)
        for name in self._processes:
            self._launch(name)
        try:
            while not self._signals:
                self._watch()
                self._handle_events(until=time.monotonic() + TICK)
                for name, process in self._processes.items():
                    if not process["running"] and process["start_at"] <= time.monotonic():
                        self._launch(name)
        finally:
            self._stop()

    def say(self, what: str) -> None:
        """Print a line of the supervisor's own."""
        with self._output():
            self._system_print(f"{what}\n")

    @contextmanager
    def _output(self) -> Iterator[None]:
        """Where nobody reads our output any more, as a closed terminal or the `head` of a pipe, it is time to stop."""
        try:
            yield
        except OSError:
            self._signals = self._signals or 1

    def _on_signal(self, _number: int, _frame: Any) -> None:
        # Only counted here: a handler that prints could interrupt a print.
        self._signals += 1

    def _launch(self, name: str) -> None:
        process = self._processes[name]
        process.update(running=True, pid=None, started=time.monotonic())
        # A thread instead of honcho's process: no fork of a program that has threads, and less memory.
        threading.Thread(target=process["obj"].run, args=(self.events,), daemon=True).start()

    def _handle_events(self, until: float) -> None:
        while not self._signals and (left := until - time.monotonic()) > 0:
            self._handle_event(timeout=min(left, 0.2))

    def _handle_event(self, timeout: float) -> None:
        try:
            message = self.events.get(timeout=timeout)
        except queue.Empty:
            return
        if message.type == "line":
            with self._output():
                self._printer.write(message)
            return
        process = self._processes[message.name]
        process["running"] = message.type == "start"
        process["pid"] = message.data.get("pid")
        self._record([pid for _, pid in self._live()])
        if not process["running"] and not self._terminating:
            self._plan_restart(message.name, message.data["returncode"])

    def _plan_restart(self, name: str, returncode: int) -> None:
        process = self._processes[name]
        lived = time.monotonic() - process["started"]
        process["pause"] = 0.0 if lived > HEALTHY else min(LONGEST_PAUSE, process.get("pause", 0.0) * 2 or 1.0)
        process["start_at"] = time.monotonic() + process["pause"]
        self.say(f"{name} ended ({describe(returncode)}); starting it again in {process['pause']:.0f} s")

    def _stop(self) -> None:
        self._terminating = True
        self.say("stopping; once more to end everything at once")
        asked: set[int] = set()
        ended: set[int] = set()
        patience = time.monotonic() + GRACE
        while any(process["running"] for process in self._processes.values()):
            impatient = self._signals > 1 or time.monotonic() > patience
            for name, pid in self._live():
                if impatient and pid not in ended:
                    self.say(f"ending {name}")
                    end_group(pid)
                    ended.add(pid)
                elif pid not in asked:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)  # the leader alone: it knows how to end its own
                    asked.add(pid)
            self._handle_event(timeout=0.2)
        while not self.events.empty():
            self._handle_event(timeout=0)

    def _live(self) -> list[tuple[str, int]]:
        return [(name, process["pid"]) for name, process in self._processes.items() if process["pid"]]


def end_group(leader: int) -> None:
    """Kill every process of the group that this process leads, if there is any."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def describe(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit status {returncode}"
