"""A small installation to break things in: servers of its own, the Procfile's workers, and somebody who restarts them.

In a `FRAGILE` one leases are short, so that what is lost is found within seconds, and the engine is a `DyingEngine`,
whose behaviour an essay chooses by markers in its text.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
from alembic import command
from alembic.config import Config
from honcho.environ import parse_procfile
from sqlalchemy import func, select

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from grading import lifecycle, queues
from models import CallOutcome, Essay, EssayState, EssayTransition, Grading, LlmCall
from models.session import session
from settings import ROOT
from tests.conftest import use_environment
from tests.doubles.engine import TAKES
from tests.factories import School, make_school
from workers.queue import enqueue

Result = TypeVar("Result")


def outcomes(request: str) -> list[CallOutcome]:
    """What came of the calls whose ids begin so, such as `ask.` and the id of a question, the first call first."""
    with session() as db:
        mine = select(LlmCall.outcome).where(LlmCall.request_id.startswith(request))
        return list(db.scalars(mine.order_by(LlmCall.started_at)))


LEASE = 3.0
FRAGILE = {
    "PIZHU_LOCAL_ENGINE": "tests.doubles.engine:DyingEngine",
    "PIZHU_LOCAL_CONCURRENCY": "8",
    "PIZHU_LEASE": str(LEASE),
    "PIZHU_SWEEP_INTERVAL": "1",
    "PIZHU_REQUEUE_AFTER": "2",
    "PIZHU_STALL_EXIT": "6",
}


def eventually(condition: Callable[[], Result], what: str, timeout: float = 60) -> Result:
    """Wait until the condition is true and return its value; fail with `what` when it never is."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.05)
    return value


class Worker:
    """A line of the Procfile, started again whenever it ends. `ends` are its exit statuses so far."""

    def __init__(self, line: str, name: str, log: Path) -> None:
        self._command = ["sh", "-c", f"exec {line}"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "HONCHO_PROCESS_NAME": name, "PATH": path, "PYTHONPATH": str(ROOT)}
        self._log = log
        self._over = False
        self.ends: list[int] = []
        self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def await_end(self, *, since: int) -> int:
        """Wait until it has ended more than `since` times; its last exit status."""
        eventually(lambda: len(self.ends) > since, f"{self._command} ends")
        return self.ends[-1]

    def stop(self) -> None:
        """End it as a supervisor does, and do not start it again."""
        self._over = True
        self.signal(signal.SIGTERM)

    def await_stop(self, timeout: float) -> None:
        self._keeper.join(timeout)
        assert not self._keeper.is_alive(), f"{self._command} does not stop"

    def kill(self) -> None:
        self._over = True
        self.signal(signal.SIGKILL)
        self._keeper.join()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _keep(self) -> None:
        while True:
            status = self.process.wait()
            if self._over:
                self.ends.append(status)
                return
            self._start()
            self.ends.append(status)


class Lab:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres, self.valkey = EmbeddedPostgres(home), EmbeddedValkey(home)
        self.workers: dict[str, Worker] = {}
        self.school: School
        self._numbers = itertools.count()

    def start(self, name: str, like: str | None = None) -> Worker:
        """Start a worker by the Procfile's line of that name, or by that of another."""
        lines = parse_procfile((ROOT / "Procfile").read_text()).processes
        return self.run(name, lines[like or name])

    def run(self, name: str, line: str) -> Worker:
        """Start a worker by this line."""
        self.workers[name] = Worker(line, name, self.home / "log" / f"{name}.log")
        return self.workers[name]

    def log(self, name: str) -> str:
        return (self.home / "log" / f"{name}.log").read_text(errors="replace")

    def submit(self, count: int, *, takes: float = 0, text: str = "", tell: bool = True) -> list[uuid.UUID]:
        """Hand in essays as the web does; each takes the engine so many seconds."""
        essays = []
        for number in itertools.islice(self._numbers, count):  # the same words again would be graded by the cache
            words = f"Essay {number}. 第{number}篇。{text}{TAKES.format(takes)}"
            with session() as db:
                essay, _ = lifecycle.submit(
                    db, student=self.school.student, assignment=self.school.assignment, text=words, key=None
                )
                db.commit()
            essays.append(essay.id)
            if tell:
                enqueue(queues.TRIAGE, [essay.id])
        return essays

    def count(self, essays: list[uuid.UUID], *states: EssayState) -> int:
        """How many of the essays are in one of these states."""
        with session() as db:
            return db.scalar(select(func.count()).where(Essay.id.in_(essays), Essay.state.in_(states))) or 0

    def await_states(self, essays: list[uuid.UUID], *states: EssayState, at_least: int | None = None) -> None:
        wanted = len(essays) if at_least is None else at_least
        what = f"{wanted} of {len(essays)} essays {' or '.join(state.value for state in states)}"
        eventually(lambda: self.count(essays, *states) >= wanted, what)

    def processes(self) -> list[psutil.Process]:
        """Live processes of this installation, its servers excepted."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            mine = process.environ().get("PIZHU_HOME") == str(self.home) and process.pid != os.getpid()
            server = process.name().startswith(("postgres", "valkey"))
            return mine and not server and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def assert_graded_once(essays: list[uuid.UUID], failed: int = 0) -> None:
    """Each essay has one grading, which is the current one, and its history is one chain that ends there."""
    failures = 0
    with session() as db:
        for essay in db.scalars(select(Essay).where(Essay.id.in_(essays))):
            history = db.scalars(
                select(EssayTransition).filter_by(essay_id=essay.id).order_by(EssayTransition.id)
            ).all()
            assert [change.before for change in history] == [None, *(change.after for change in history[:-1])]
            assert history[-1].after is essay.state
            assert essay.claim_token is None
            gradings = db.scalars(select(Grading.id).filter_by(essay_id=essay.id)).all()
            if essay.state is EssayState.failed:
                failures += 1
                assert not gradings
                continue
            assert essay.state is EssayState.graded, history
            assert gradings == [essay.current_grading_id]
            assert [change.after for change in history].count(EssayState.graded) == 1
    assert failures == failed


@contextmanager
def running(
    home: Path, environment: Mapping[str, str], lines: Sequence[str] = ("triage", "local", "upkeep", "beat")
) -> Iterator[Lab]:
    """Servers and workers that are up inside the block; at its end every worker must stop when it is asked to.

    `environment` are settings, as `PIZHU_*` variables; `lines` those of the Procfile that are started.
    """
    lab = Lab(home)
    for folder in ("log", "run"):
        (home / folder).mkdir(parents=True)
    urls = {"PIZHU_DATABASE_URL": lab.postgres.start(), "PIZHU_REDIS_URL": lab.valkey.start()}
    try:
        with use_environment({"PIZHU_HOME": str(home), "PIZHU_SECRET_KEY": "a secret", **urls, **environment}):
            command.upgrade(Config(ROOT / "alembic.ini"), "head")
            lab.school = make_school()
            try:
                for name in lines:
                    lab.start(name)
                yield lab
            finally:
                stop(lab)
    finally:
        lab.valkey.stop()
        lab.postgres.stop()


def stop(lab: Lab) -> None:
    """End all workers at once, as Ctrl-C does."""
    for worker in lab.workers.values():
        worker.stop()
    try:
        for worker in lab.workers.values():
            worker.await_stop(timeout=30)
    finally:
        for worker in lab.workers.values():
            worker.kill()
    assert not lab.processes()
