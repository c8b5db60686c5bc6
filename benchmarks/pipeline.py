"""What the way of an essay costs beside the model: triage, claim, grading, completion, events, with an instant engine.

    python -m benchmarks.pipeline [--essays 600] [--rounds 3]

Beside it, on the same broker and in the same run, a bare Celery task that calls another one that does nothing: the same
two hops with the same settings. All messages lie in the first queue when the clock starts. Prints one line of JSON:
essays a second, processor milliseconds an essay (workers, Postgres and Valkey together), and the ratio of the two.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import exists, select

from benchmarks import bare_celery
from grading import lifecycle, queues
from grading.progress import connection
from models import Essay, EssayState
from models.session import session
from tests.corpus import english_essays
from tests.workers import lab as laboratory
from tests.workers.lab import Lab, eventually
from workers.queue import enqueue

TRIAGE_THREADS, LOCAL_THREADS = 4, 32
ENVIRONMENT = {
    "PIZHU_LOCAL_ENGINE": "tests.doubles.engine:InstantEngine",
    "PIZHU_LOCAL_CONCURRENCY": str(LOCAL_THREADS),
}


@dataclass
class Spent:
    """Seconds on the clock and of processors, for so many messages."""

    count: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    def figures(self) -> dict[str, float]:
        return {"per_s": round(self.count / self.wall, 1), "cpu_ms": round(1000 * self.cpu / self.count, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--essays", type=int, default=600, help="essays, and bare tasks, in each round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each kind, taking turns")
    chosen = parser.parse_args()
    ours, bare = Spent(), Spent()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home") as lab:
        pizhu_round(lab, Spent(), 100)
        bare_round(lab, Spent(), 100)
        for number in range(chosen.rounds):
            print(f"round {number + 1} of {chosen.rounds}", file=sys.stderr)
            bare_round(lab, bare, chosen.essays)
            pizhu_round(lab, ours, chosen.essays)
    figures, floor = ours.figures(), bare.figures()
    ratio = {name: round(figures[name] / floor[name], 2) for name in figures}
    result = {"benchmark": "pipeline", "essays": ours.count, "pizhu": figures, "bare_celery": floor, "ratio": ratio}
    print(json.dumps(result))


@contextmanager
def running(home: Path) -> Iterator[Lab]:
    """An installation with two bare workers more, which have as many threads as ours."""
    with laboratory.running(home, ENVIRONMENT) as lab:
        for queue, threads in zip(bare_celery.QUEUES, (TRIAGE_THREADS, LOCAL_THREADS), strict=True):
            options = f"-P threads -c {threads} -n {queue}@%h --without-gossip --without-mingle -l WARNING"
            lab.run(queue, f"celery -A benchmarks.bare_celery worker -Q {queue} {options}")
        yield lab


def pizhu_round(lab: Lab, spent: Spent, count: int) -> None:
    essays = []
    with session() as db:
        for text in itertools.islice(itertools.cycle(english_essays(200)), count):
            words = f"{text}\n{uuid.uuid4()}"  # the same ones again would be graded by the cache
            essay, _ = lifecycle.submit(
                db, student=lab.school.student, assignment=lab.school.assignment, text=words, key=None
            )
            essays.append(essay.id)
        db.commit()
    measure(lab, spent, ("triage", "local", "upkeep", "beat"), lambda: enqueue(queues.TRIAGE, essays), is_graded)
    spent.count += count


def bare_round(lab: Lab, spent: Spent, count: int) -> None:
    def ring() -> None:
        for number in range(count):
            bare_celery.app.send_task("first.hop", args=[str(number)])

    measure(lab, spent, bare_celery.QUEUES, ring, is_bare_celery_done)
    spent.count += count


def measure(
    lab: Lab, spent: Spent, workers: Sequence[str], ring: Callable[[], object], is_done: Callable[[], bool]
) -> None:
    """Ring while the first worker is asleep, and see how long it all takes from the moment it wakes up."""
    lab.workers[workers[0]].signal(signal.SIGSTOP)
    ring()
    cpu, began = cpu_of(lab, workers), time.perf_counter()
    lab.workers[workers[0]].signal(signal.SIGCONT)
    eventually(is_done, "everything is done", timeout=120)
    spent.wall += time.perf_counter() - began
    spent.cpu += cpu_of(lab, workers) - cpu


def is_graded() -> bool:
    with session() as db:
        return not db.scalar(select(exists().where(Essay.state != EssayState.graded)))


def is_bare_celery_done() -> bool:
    lines = sum(int(connection().llen(f"{bare_celery.KEY_PREFIX}{queue}")) for queue in bare_celery.QUEUES)
    return lines + int(connection().hlen(f"{bare_celery.KEY_PREFIX}unacked")) == 0


def cpu_of(lab: Lab, workers: Sequence[str]) -> float:
    """Processor seconds that these workers and the servers have used so far."""
    pids = [*(lab.workers[name].process.pid for name in workers), lab.postgres.pid, lab.valkey.pid]
    roots = [psutil.Process(pid) for pid in pids]
    return sum(sum(process.cpu_times()[:2]) for root in roots for process in [root, *root.children(recursive=True)])


if __name__ == "__main__":
    main()
