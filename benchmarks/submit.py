"""What `POST /api/v1/essays` costs, beside a bare authenticated INSERT of the same essay in the same gunicorn.

    python -m benchmarks.submit [--seconds 40] [--clients 8]

Embedded Postgres and Valkey with their ordinary durability, one gunicorn as in the Procfile, no workers; so the
doorbell is rung and nobody opens. Blocks of both kinds take turns in one run. Prints one line of JSON: milliseconds a
request takes, requests a second, processor milliseconds of gunicorn a request, and the ratio of the one to the other.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import secrets
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from alembic import command
from alembic.config import Config

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from benchmarks.bare_insert import PATH
from models import Role
from settings import ROOT
from tests.corpus import english_essays
from tests.factories import make_assignment, make_class, make_token, make_user
from tests.stack import gunicorn

BLOCK = 2.0
"""Seconds of one kind of request before the other kind takes its turn."""


@dataclass
class Kind:
    path: str
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    def figures(self) -> dict[str, float]:
        ordered = sorted(self.latencies)
        return {
            "p50_ms": round(1000 * statistics.median(ordered), 2),
            "p95_ms": round(1000 * ordered[int(len(ordered) * 0.95)], 2),
            "per_s": round(len(ordered) / self.seconds, 1),
            "cpu_ms": round(1000 * self.cpu / len(ordered), 2),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40, help="how long to measure")
    parser.add_argument("--clients", type=int, default=8, help="connections that send one request after another")
    chosen = parser.parse_args()
    submit, insert = Kind("/api/v1/essays"), Kind(PATH)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)):
        school_class = make_class()
        token = make_token(make_user(Role.student, school_class))
        assignment_id = str(make_assignment(school_class).id)
        bodies = [json.dumps({"assignment_id": assignment_id, "text": text}).encode() for text in english_essays(100)]
        with gunicorn("benchmarks.bare_insert:create_app()") as base:
            address = base.removeprefix("http://")
            for kind in (submit, insert):
                run(address, token, bodies, Kind(kind.path), chosen.clients, BLOCK)  # warm
            for _ in range(max(1, round(chosen.seconds / BLOCK / 2))):
                for kind in (submit, insert):
                    run(address, token, bodies, kind, chosen.clients, BLOCK)
    ours, bare = submit.figures(), insert.figures()
    ratio = {name: round(ours[name] / bare[name], 2) for name in ours}
    print(
        json.dumps({"benchmark": "submit", "clients": chosen.clients, "submit": ours, "insert": bare, "ratio": ratio})
    )


def run(address: str, token: str, bodies: list[bytes], kind: Kind, clients: int, seconds: float) -> None:
    """Send that kind of request from so many connections at once, and keep how long each took."""
    began, cpu = time.perf_counter(), cpu_of_web()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    failures: list[str] = []

    def client(offset: int) -> None:
        connection = http.client.HTTPConnection(address, timeout=30)
        for body in itertools.islice(itertools.cycle(bodies), offset, None):
            at = time.perf_counter()
            if at - began > seconds:
                return
            connection.request("POST", kind.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            kind.latencies.append(time.perf_counter() - at)
            if answer.status != 202:
                failures.append(content.decode())
                return

    threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kind.seconds += time.perf_counter() - began
    kind.cpu += cpu_of_web() - cpu
    if failures:
        raise RuntimeError(failures[0])


def cpu_of_web() -> float:
    """Processor seconds that gunicorn has used so far."""
    web = (child for child in psutil.Process().children(recursive=True) if "gunicorn" in " ".join(child.cmdline()))
    return sum(sum(process.cpu_times()[:2]) for process in web)


@contextmanager
def servers(home: Path) -> Iterator[None]:
    """Postgres, migrated, and Valkey, for this process and those it starts."""
    postgres, valkey = EmbeddedPostgres(home), EmbeddedValkey(home)
    try:
        os.environ["PIZHU_HOME"] = str(home)
        os.environ["PIZHU_DATABASE_URL"] = postgres.start()
        os.environ["PIZHU_REDIS_URL"] = valkey.start()
        os.environ["PIZHU_SECRET_KEY"] = secrets.token_hex(16)
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
        yield
    finally:
        valkey.stop()
        postgres.stop()


if __name__ == "__main__":
    main()
