"""A supposed ledger of millions of calls, for `benchmarks.cost_reports`: what a school of thousands asks models for.

Evenings are busy, nights and weekends quiet, and some days before a deadline twice or three times as busy as others. A
tenth of the users asks for about half of everything. Each is in four of the classes. The default prompt changes on the
way. Users, classes and what was saved by each essay are there as well; essays and assignments are known by ids alone.

COPY writes the rows in one transaction into empty tables without indexes, which are built afterwards: one for one, a
million rows and their twelve indexes take several times as long.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.session import engine

CHUNK = 50_000
Chunk = tuple[list[str], list[str], int]
CLASSES = 200
HOURS = np.array([1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 6, 5, 4, 5, 6, 7, 7, 6, 8, 12, 16, 15, 8, 3], float)
"""How busy the hours of a day are beside each other."""
WEEKEND = 0.4
MACHINE = {"hour_usd": "0.6944"}
SMALL = {"input_mtok": "0.4", "cached_mtok": "0.1", "output_mtok": "1.6"}
LARGE = {"input_mtok": "2", "cached_mtok": "0.5", "output_mtok": "8"}
BATCH = SMALL | {"batch": "true"}
VECTOR = {"input_mtok": "0.02", "cached_mtok": "0.02", "output_mtok": "0"}
KINDS: tuple[tuple[float, str, str, str, dict[str, str]], ...] = (
    (0.45, "grade", "local", "Qwen2.5-7B", MACHINE),
    (0.18, "grade", "small", "gpt-4.1-mini", SMALL),
    (0.05, "grade", "large", "gpt-4.1", LARGE),
    (0.05, "grade", "small", "gpt-4.1-mini", BATCH),
    (0.12, "ask", "local", "Qwen2.5-7B", MACHINE),
    (0.08, "ask", "small", "gpt-4.1-mini", SMALL),
    (0.02, "regrade", "local", "Qwen2.5-7B", MACHINE),
    (0.01, "sentinel", "large", "gpt-4.1", LARGE),
    (0.04, "embed", "embedder", "text-embedding-3-small", VECTOR),
)
"""Shares of all calls: feature, tier, model, price."""
OUTCOMES = {"ok": 0.87, "escalated": 0.05, "retried": 0.03, "failed": 0.02, "invalid": 0.02, "abandoned": 0.01}
LANGUAGES = ("en", "zh")
CALLS = (
    "id, created_at, request_id, assignment_id, class_id, user_id, feature, tier, model, engine_version, "
    "prompt_version, prompt_tokens, cached_tokens, completion_tokens, prompt_estimated, estimated_cost, cost, "
    "baseline_cost, price, outcome, started_at, changed_at, finished_at, latency_s"
)
SAVINGS = (
    "id, created_at, class_id, at, baseline_usd, cost_usd, prompt_usd, cache_usd, routing_usd, local_usd, batch_usd"
)
INDEXED = ("llm_calls", "essay_savings")


def seed(rows: int, days: int, users: int) -> None:
    """Fill an empty database with so many calls of the last so many days, that of the present hour included."""
    connection: Any = engine().raw_connection()
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET session_replication_role = replica")  # essays and assignments are not there
        cursor.execute("SET maintenance_work_mem = '1GB'")
        rebuilt = [statement for table in INDEXED for statement in _without_indexes(cursor, table)]
        cursor.execute(
            f"TRUNCATE {', '.join(INDEXED)} CASCADE"
        )  # in the same transaction, so that COPY may write frozen rows
        _people(cursor, users)
        for calls, savings, done in _ahead(_rows(rows, days, users)):
            for table, columns, lines in (("llm_calls", CALLS, calls), ("essay_savings", SAVINGS, savings)):
                file = io.BytesIO("".join(lines).encode())
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN WITH (FREEZE)", file, size=1 << 20)
            print(f"{done:,} of {rows:,} calls", file=sys.stderr)
        for statement in rebuilt:
            cursor.execute(statement)
            print(statement, file=sys.stderr)
    connection.commit()
    connection.close()


def _without_indexes(cursor: Any, table: str) -> Iterator[str]:
    """Drop the table's indexes but for the primary key, which other tables refer to; what makes them anew."""
    keys = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
    cursor.execute(f"{keys} AND contype = 'u'", (table,))
    for name, definition in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    indexes = "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass"
    cursor.execute(f"{indexes} AND NOT indisprimary", (table,))
    for name, definition in cursor.fetchall():
        cursor.execute(f"DROP INDEX {name}")
        yield definition


def _people(cursor: Any, users: int) -> None:
    cursor.execute(
        "INSERT INTO users (id, email, name, password_hash, role) "
        "SELECT lpad(to_hex(n), 32, '0')::uuid, n || '@school.test', 'Student ' || n, '', 'student' "
        "FROM generate_series(0, %s) n",
        (users - 1,),
    )
    cursor.execute(
        "INSERT INTO classes (id, name, join_code) "
        "SELECT lpad(to_hex(n), 32, '0')::uuid, 'Class ' || n, n FROM generate_series(1, %s) n",
        (CLASSES,),
    )


def _ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same, each made while Postgres reads the one before."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, chunks, None)
        while (chunk := following.result()) is not None:
            following = maker.submit(next, chunks, None)
            yield chunk


def _rows(rows: int, days: int, users: int) -> Iterator[Chunk]:
    """Lines of calls and of savings, the oldest first, and how many calls there have been with these."""
    dice = np.random.default_rng(0)
    moments = _moments(dice, rows, days)
    busy = dice.lognormal(sigma=1.2, size=users)
    shares = [one[0] for one in KINDS]
    ids = [f"{number:032x}" for number in range(max(users, CLASSES * 100 + 200))]
    heads, tails = _texts()
    rates = np.array(
        [[float(one[4].get(f"{name}_mtok", 0)) for name in ("input", "cached", "output")] for one in KINDS]
    )
    rates *= np.array([[0.5 if "batch" in one[4] else 1] for one in KINDS])
    for first in range(0, rows, CHUNK):
        at = moments[first : first + CHUNK]
        size = len(at)
        kind = dice.choice(len(KINDS), size, p=shares)
        language = dice.integers(len(LANGUAGES), size=size)
        outcome = dice.choice(len(OUTCOMES), size, p=list(OUTCOMES.values()))
        compact = int(first > 0.6 * rows)
        user = dice.choice(users, size, p=busy / busy.sum())
        of_class = 1 + (user * 7 + 53 * dice.integers(4, size=size)) % CLASSES
        assignment = of_class * 100 + (first * days // rows // 4)
        prompt, completion = dice.integers(600, 1700, size), dice.integers(60, 600, size)
        cached = np.where(dice.random(size) < 0.7, 315, 0)
        usage = np.stack([prompt - cached, cached, completion], axis=1)
        cost = np.maximum((usage * rates[kind]).sum(axis=1) / 1e6, completion * 2e-7)
        baseline = ((prompt + 1255) * 10 + completion * 30) / 1e6
        text = [f"{one}Z" for one in np.datetime_as_string(at, unit="ms").tolist()]
        columns = (
            text,
            kind,
            language,
            outcome,
            user,
            of_class,
            assignment,
            prompt,
            cached,
            completion,
            cost,
            baseline,
        )
        calls, savings = [], []
        listed = [one.tolist() if isinstance(one, np.ndarray) else one for one in columns]
        for number, (t, k, la, o, u, c, a, p, ca, co, usd, base) in enumerate(zip(*listed, strict=True), first):
            calls.append(
                f"{number:032x}\t{t}\t{number}\t{ids[a]}\t{ids[c]}\t{ids[u]}\t{heads[k][la][compact]}\t{p}\t{ca}\t{co}\tf"
                f"\t{usd:.9f}\t{usd:.9f}\t{base:.6f}\t{tails[k][o]}\t{t}\t{t}\t{t}\t{co / 50}\n"
            )
            if k < 4 and not o:
                part = (base - usd) / 4
                savings.append(
                    f"{number:032x}\t{t}\t{ids[c]}\t{t}\t{base:.9f}\t{usd:.9f}\t{part:.9f}\t0\t{part:.9f}\t{part:.9f}"
                    f"\t{part:.9f}\n"
                )
        yield calls, savings, first + size


def _moments(dice: np.random.Generator, rows: int, days: int) -> NDArray[np.datetime64]:
    """When the calls began, in order."""
    end = datetime.now(UTC)
    begin = np.datetime64(end.replace(tzinfo=None), "ms") - np.timedelta64(days, "D")
    hours = (np.arange(days * 24) + end.hour + 9) % 24  # of a school in China, whose clock is eight hours on
    weekday = (np.arange(days * 24) // 24 + end.weekday()) % 7
    weights = HOURS[hours] * np.where(weekday > 4, WEEKEND, 1) * np.repeat(dice.gamma(4, 0.25, days), 24)
    chosen = dice.choice(len(weights), rows, p=weights / weights.sum())
    within = dice.integers(3_600_000, size=rows)
    return begin + np.sort(chosen * 3_600_000 + within).astype("timedelta64[ms]")


def _texts() -> tuple[list[list[list[str]]], list[list[str]]]:
    """The columns that are the same for many rows: by kind, language and prompt, and by kind and outcome."""
    heads = [
        [
            [
                f"{feature}\t{tier}\t{model}\tbenchmark\t{'ask' if feature == 'ask' else 'grade'}/{language}/{version}"
                for version in ("v1", "compact")
            ]
            for language in LANGUAGES
        ]
        for _, feature, tier, model, _ in KINDS
    ]
    prices = [json.dumps(one[4] | {"source": "a benchmark"}) for one in KINDS]
    return heads, [[f"{price}\t{outcome}" for outcome in OUTCOMES] for price in prices]
