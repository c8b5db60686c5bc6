"""How long the views of costs take on a ledger of millions of calls.

    python -m benchmarks.cost_reports [--rows 10000000] [--days 90] [--users 8000] [--repeat 20] [--folder FOLDER]

An embedded Postgres of its own is filled with a supposed ledger (`benchmarks.ledger_rows`), in a temporary folder that
is removed, or in FOLDER, which is kept and used again. Then upkeep's sums are made, from scratch. `views_ms` are
milliseconds (median, 95th percentile, and of processors) of each view for a day, 30 days and all of them as an open
page asks for them, and for a period in the middle that neither begins nor ends with a day; `page` is all that the page
*Costs* reads. `ledger_ms` are some straight from the ledger and from the rows of essays. `roll_up_ms` is a turn of
upkeep with an hour that is over. Prints one line of JSON; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from app.costs import costs_view
from app.embedded.postgres import EmbeddedPostgres
from benchmarks.ledger_rows import seed
from grading.costs import savings
from grading.costs.attribution import attribution, of_class
from grading.costs.report import costs, iceberg, prompt_shapes, sums_of
from grading.costs.rollup import HOUR, roll_up
from models import CostHour, CostRollup, CostTotal, LlmCall, OwnerTotal, SavingHour
from models.session import Snapshot, forget_engine, session, snapshot
from settings import ROOT, settings

SERVER = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=8GB")
CLASS = uuid.UUID(int=1)
VIEWS: dict[str, Callable[[Snapshot, datetime, datetime], object]] = {
    "costs": costs,
    "iceberg": lambda db, begin, end: iceberg(sums_of(db, begin, end), prompt_shapes()),
    "attribution": attribution,
    "class costs": lambda db, begin, end: of_class(db, CLASS, begin, end),
    "savings by lever": savings.total,
    "a class's savings": lambda db, begin, end: savings.total(db, begin, end, CLASS),
    "page": lambda db, begin, end: (costs_view(db, begin, end), attribution(db, end - timedelta(days=29), end)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--users", type=int, default=8000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True)
        postgres = EmbeddedPostgres(folder)
        os.environ["PIZHU_DATABASE_URL"] = postgres.start(*SERVER)
        stack.callback(postgres.stop)
        settings.cache_clear()
        stack.callback(forget_engine)
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
        found = measured(chosen.rows, chosen.days, chosen.users, chosen.repeat)
        settings_of = {name: value for name, value in vars(chosen).items() if name != "folder"}
        print(json.dumps({"benchmark": "cost_reports", **settings_of, **found}))


def measured(rows: int, days: int, users: int, repeat: int) -> dict[str, Any]:
    with session() as db:
        is_seeded = db.scalar(select(LlmCall.id).limit(1)) is not None
    seeded = 0.0 if is_seeded else seconds(lambda: seed(rows, days, users))
    with session() as db:
        for table in (CostHour, CostTotal, OwnerTotal, SavingHour, CostRollup):
            db.execute(delete(table))
        db.execute(text("ANALYZE"))
        db.commit()
        end = db.scalar(select(func.max(LlmCall.started_at))) + timedelta(milliseconds=1)
        rolled = seconds(lambda: all_rolled_up(db, end))
        db.execute(text("ANALYZE"))
        db.commit()
        sizes = {
            name: db.scalar(text(f"SELECT pg_total_relation_size('{name}') / 1048576"))
            for name in ("llm_calls", "essay_savings", "cost_hours", "cost_totals", "owner_totals", "saving_hours")
        }
    periods = {f"{length} days": (end - timedelta(days=length), end) for length in (1, 30, days)}
    periods["the middle"] = (end - timedelta(days=0.8 * days, minutes=7), end - timedelta(days=0.2 * days, minutes=11))
    found = {
        f"{name}, {length}": milliseconds(lambda db, view=view, period=period: view(db, *period), repeat)
        for name, view in VIEWS.items()
        for length, period in periods.items()
    }
    turn = milliseconds(an_hour_later, 5, session)
    with session() as db:
        db.execute(delete(CostRollup))
        db.commit()
    names = ("costs", "attribution", "savings by lever")
    bare = {name: milliseconds(lambda db, name=name: VIEWS[name](db, *periods["30 days"]), 3) for name in names}
    return {
        "mib": sizes,
        "seed_s": round(seeded),
        "roll_up_s": round(rolled),
        "views_ms": found,
        "roll_up_ms": turn,
        "ledger_ms": bare,
    }


def all_rolled_up(db: Session, at: datetime) -> None:
    while roll_up(db, at):
        db.commit()
    db.commit()


def an_hour_later(db: Session) -> None:
    """A turn of upkeep that adds up the hour before the last one again; nothing of it is kept."""
    state = db.scalars(select(CostRollup)).one()
    state.until -= HOUR
    roll_up(db, state.until + HOUR)


def milliseconds(view: Callable[[Any], object], repeat: int, opened: Callable[[], Any] = snapshot) -> dict[str, float]:
    """On the clock, and of processors: this program's and the database's together."""
    taken, busy = [], 0.0
    for _ in range(repeat):
        with opened() as db:
            backend = db.scalar(text("SELECT pg_backend_pid()"))
            before = processor_seconds(backend)
            taken.append(1000 * seconds(lambda db=db: view(db)))
            busy += 1000 * (processor_seconds(backend) - before)
    taken.sort()
    p50, p95 = statistics.median(taken), taken[int(0.95 * (len(taken) - 1))]
    return {"p50": round(p50, 1), "p95": round(p95, 1), "processor": round(busy / repeat)}


def processor_seconds(backend: int) -> float:
    user, system = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
