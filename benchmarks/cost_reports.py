"""How long the views of costs take on a ledger of millions of calls.

    python -m benchmarks.cost_reports [--rows 10000000] [--days 365] [--users 8000] [--repeat 20]

An embedded Postgres of its own, in a temporary folder that is removed, is filled by COPY with calls of a year, as many
on each day, of 200 classes; then upkeep's sums are made as they are from scratch. `views` are milliseconds (median and
95th percentile) of each view of the last 30 days, as an open page asks for them, and of the whole year; beside them the
same sums straight from the ledger. Prints one line of JSON; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import delete, text

from app.embedded.postgres import EmbeddedPostgres
from grading.costs import report
from grading.costs.rollup import WINDOW, roll_up
from models import CostRollup
from models.base import now
from models.session import engine, forget_engine, session
from settings import ROOT, settings

COLUMNS = (
    "id, created_at, request_id, class_id, user_id, feature, tier, model, engine_version, prompt_version, "
    "prompt_tokens, cached_tokens, completion_tokens, prompt_estimated, estimated_cost, cost, baseline_cost, price, "
    "outcome, started_at, changed_at, finished_at"
)
PRICE = json.dumps({"input_mtok": "0.4", "cached_mtok": "0.1", "output_mtok": "1.6", "source": "benchmark"})
CHUNK = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--users", type=int, default=8000)
    parser.add_argument("--repeat", type=int, default=20)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder))
        os.environ["PIZHU_DATABASE_URL"] = postgres.start("fsync=off", "full_page_writes=off", "max_wal_size=8GB")
        settings.cache_clear()
        try:
            print(json.dumps({"benchmark": "cost_reports", **vars(chosen), **measured(chosen)}))
        finally:
            forget_engine()
            postgres.stop()


def measured(chosen: argparse.Namespace) -> dict[str, Any]:
    command.upgrade(Config(ROOT / "alembic.ini"), "head")
    began = time.perf_counter()
    seed(chosen.rows, chosen.days, chosen.users)
    seeded, began = time.perf_counter() - began, time.perf_counter()
    with session() as db:
        while roll_up(db):
            db.commit()
        db.commit()
        rolled = time.perf_counter() - began
        db.execute(text("ANALYZE"))
        db.commit()
        size = db.scalar(text("SELECT pg_total_relation_size('llm_calls') / 1048576"))
    end = now()
    month, year = end - timedelta(days=30), end - timedelta(days=chosen.days)
    views: dict[str, Callable[[Any], object]] = {
        "costs, 30 days": lambda db: report.costs(db, month, end),
        "iceberg, 30 days": lambda db: report.iceberg(db, month, end),
        "attribution, 30 days": lambda db: report.attribution(db, end - WINDOW, end),
        "a class, 30 days": lambda db: report.of_class(db, uuid.UUID(int=1), month, end),
        "costs, the year": lambda db: report.costs(db, year, end),
        "attribution, the year": lambda db: report.attribution(db, year, end),
    }
    found = {name: milliseconds(view, chosen.repeat) for name, view in views.items()}
    with session() as db:
        db.execute(delete(CostRollup))
        db.commit()
    bare = {"costs, 30 days": milliseconds(views["costs, 30 days"], 3)}
    return {
        "ledger_mib": size,
        "seed_s": round(seeded),
        "roll_up_s": round(rolled),
        "views_ms": found,
        "ledger_ms": bare,
    }


def milliseconds(view: Callable[[Any], object], repeat: int) -> dict[str, float]:
    taken = []
    for _ in range(repeat):
        with session() as db:
            began = time.perf_counter()
            view(db)
            taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    return {"p50": round(statistics.median(taken), 1), "p95": round(taken[int(0.95 * (len(taken) - 1))], 1)}


def seed(rows: int, days: int, users: int) -> None:
    """Calls of the last so many days, the newest last. Users, classes and essays are known by their ids alone."""
    dice, end = random.Random(0), datetime.now(UTC)  # noqa: S311
    outcomes = ["ok"] * 17 + ["escalated", "retried", "failed"]
    models = [("local", "Qwen2.5-7B")] * 12 + [("small", "gpt-4.1-mini")] * 6 + [("large", "gpt-4.1")]
    connection: Any = engine().raw_connection()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # the users and classes are not there
        for first in range(0, rows, CHUNK):
            file = io.StringIO()
            for number in range(first, min(first + CHUNK, rows)):
                tier, model = dice.choice(models)
                at = (end - timedelta(days=days * (1 - number / rows), minutes=1)).isoformat()
                user = int(users * dice.random() ** 2)
                cost = f"{dice.random() / 500:.6f}"
                feature = "ask" if number % 9 == 0 else "grade"
                row = (
                    uuid.UUID(int=dice.getrandbits(128)), at, number, uuid.UUID(int=user % 200), uuid.UUID(int=user),
                    feature, tier, model, "benchmark", f"{feature}/en/compact", 900 + number % 700, 300, 250, "f",
                    "0.002", cost, "0.04", PRICE, dice.choice(outcomes), at, at, at,
                )  # fmt: skip
                file.write("\t".join(map(str, row)) + "\n")
            file.seek(0)
            cursor.copy_expert(f"COPY llm_calls ({COLUMNS}) FROM STDIN", file)
            connection.commit()
            print(f"{min(first + CHUNK, rows):,} of {rows:,} calls", file=sys.stderr)
    connection.close()


if __name__ == "__main__":
    main()
