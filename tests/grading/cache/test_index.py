"""One suite for both indexes: Postgres, and Qdrant in this process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from qdrant_client import QdrantClient
from sqlalchemy import event, func, select, text

from grading.cache import index as pgvector
from grading.cache.index import Index, PgvectorIndex, Vector
from grading.cache.key import Key
from grading.cache.qdrant import QdrantIndex
from models import CacheEntry
from models.session import engine, session

DIMENSION = 16
HOUR = 3600.0


def key(words: str, scope: str = "class:a", **more: object) -> Key:
    plain = Key(kind="ask", scope=scope, parts={"assignment": "1"}, text=words, tags=frozenset(), semantic=True)
    return replace(plain, **more)  # type: ignore[arg-type]


def direction(*figures: float) -> Vector:
    vector = np.zeros(DIMENSION, np.float32)
    vector[: len(figures)] = figures
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def pgvector_of(embedder: str, capacity: int = 1000) -> PgvectorIndex:
    return PgvectorIndex(embedder, DIMENSION, capacity=capacity)


@pytest.fixture(params=[pytest.param("pgvector", marks=pytest.mark.servers), "qdrant"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "pgvector":
        request.getfixturevalue("database")
    return str(request.param)


@pytest.fixture
def index(kind: str) -> Index:
    return made(kind)


def made(kind: str, capacity: int = 1000) -> Index:
    if kind == "pgvector":
        return pgvector_of("e", capacity)
    warnings.filterwarnings("ignore", message="Payload indexes have no effect")  # in local mode; a server has them
    return QdrantIndex(QdrantClient(":memory:"), "e", DIMENSION, capacity=capacity)


def test_the_nearest_entry_comes_first_with_its_cosine(index: Index) -> None:
    index.store(key("far"), direction(0, 1), "two", HOUR)
    index.store(key("near"), direction(1, 0.1), "one", HOUR)
    found = index.nearest(key("").bucket, direction(1), 5)
    assert [(one.question, one.answer) for one in found] == [("near", "one"), ("far", "two")]
    assert found[0].similarity == pytest.approx(1 / 1.01**0.5, abs=1e-3)
    assert found[1].similarity == pytest.approx(0, abs=1e-3)


def test_nothing_of_another_scope_kind_or_part_is_found(index: Index) -> None:
    index.store(key("mine"), direction(1), "one", HOUR)
    for other in (key("", scope="class:b"), key("", kind="static"), key("", parts={"assignment": "2"})):
        assert index.nearest(other.bucket, direction(1), 5) == []


def test_the_same_question_again_replaces_its_answer(index: Index) -> None:
    index.store(key("q"), direction(1), "old", HOUR)
    index.store(key("q"), direction(1), "new", HOUR)
    assert [one.answer for one in index.nearest(key("").bucket, direction(1), 5)] == ["new"]


def test_what_has_run_out_is_not_found(index: Index) -> None:
    index.store(key("q"), direction(1), "stale", -1)
    assert index.nearest(key("").bucket, direction(1), 5) == []


def test_a_tag_forgets_what_has_it_and_nothing_else(index: Index) -> None:
    index.store(key("a", tags=frozenset({"assignment:1", "rubric:1"})), direction(1), "a", HOUR)
    index.store(key("b", tags=frozenset({"assignment:2"})), direction(1), "b", HOUR)
    assert index.invalidate({"rubric:1", "rubric:9"}) == 1
    assert [one.answer for one in index.nearest(key("").bucket, direction(1), 5)] == ["b"]


def test_one_entry_can_be_forgotten_and_says_of_what_kind_it_was(index: Index) -> None:
    index.store(key("q"), direction(1), "wrong", HOUR)
    entry_id = index.nearest(key("").bucket, direction(1), 1)[0].entry_id
    assert index.remove(entry_id) == "ask"
    assert index.remove(entry_id) is None
    assert index.nearest(key("").bucket, direction(1), 1) == []


def test_beyond_its_capacity_what_was_not_used_for_longest_gives_way(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grading.cache.index.MAKE_ROOM_EVERY", 1)
    monkeypatch.setattr("grading.cache.qdrant.MAKE_ROOM_EVERY", 1)
    index = made(kind, capacity=2)
    index.store(key("first"), direction(1), "1", HOUR)
    index.store(key("second"), direction(0, 1), "2", HOUR)
    index.used(index.nearest(key("").bucket, direction(1), 1)[0].entry_id)
    index.store(key("third"), direction(0, 0, 1), "3", HOUR)
    assert {one.answer for one in index.nearest(key("").bucket, direction(1), 5)} == {"1", "3"}


def test_entries_of_another_embedder_are_never_compared(database: None) -> None:
    pgvector_of("old").store(key("q"), direction(1), "old", HOUR)
    assert pgvector_of("new").nearest(key("").bucket, direction(1), 5) == []
    pgvector_of("new").store(key("q"), direction(1), "new", HOUR)
    assert [one.answer for one in pgvector_of("old").nearest(key("").bucket, direction(1), 5)] == ["old"]


@pytest.fixture
def graph_preferred(database: None) -> Iterator[None]:
    """The planner finds sorting dear, so that it walks the graph wherever it may, also for a small bucket."""

    def no_sorting(connection: object) -> None:
        connection.exec_driver_sql("SET LOCAL enable_sort = off")  # type: ignore[attr-defined]

    event.listen(engine(), "begin", no_sorting)
    yield
    event.remove(engine(), "begin", no_sorting)


@pytest.fixture
def no_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph gives its first candidates and no more."""
    monkeypatch.setattr(pgvector, "_ITERATE", select(func.set_config("hnsw.iterative_scan", "off", True)))


def fill_with_nearer_ones_of_others(count: int) -> None:
    rng = np.random.default_rng(0)
    near = direction(1) + rng.normal(0, 0.01, (count, DIMENSION))
    with session() as db:
        db.add_all(
            CacheEntry(
                digest=uuid4().hex * 2, bucket=uuid4().hex * 2, kind="ask", scope="class:b", embedder="e", question="q",
                dimension=DIMENSION, embedding=vector.tolist(), answer="another's", tags=[],
                expires_at=func.now() + text("interval '1 hour'"),
            )
            for vector in near
        )  # fmt: skip
        db.commit()


def behind() -> PgvectorIndex:
    """An index with one entry of the class, behind 600 nearer ones of others."""
    index = pgvector_of("e")
    index.store(key("mine"), direction(1, 1), "mine", HOUR)
    fill_with_nearer_ones_of_others(600)
    return index


def answers(index: PgvectorIndex) -> list[str]:
    return [one.answer for one in index.nearest(key("").bucket, direction(1), 1)]


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bucket is so small that it is compared exactly."""
    monkeypatch.setattr(pgvector, "EXACT", 0)


def test_a_small_bucket_is_compared_exactly_whatever_the_planner_thinks(
    graph_preferred: None, no_iteration: None
) -> None:
    assert answers(behind()) == ["mine"]


def test_an_entry_is_found_in_the_graph_behind_any_number_of_nearer_ones_of_other_classes(
    graph_preferred: None, all_large: None
) -> None:
    assert answers(behind()) == ["mine"]


def test_without_iteration_the_graphs_first_candidates_are_all_of_others(
    graph_preferred: None, all_large: None, no_iteration: None
) -> None:
    assert answers(behind()) == []


def test_a_bucket_is_large_from_the_first_entry_that_is_more_than_are_compared_exactly(
    graph_preferred: None, no_iteration: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "EXACT", 0.002)
    index = pgvector_of("e", capacity=1_000_000)
    fill_with_nearer_ones_of_others(600)
    found = []
    for number in range(1, 4):
        index.store(key(f"mine {number}"), direction(1, number), "mine", HOUR)
        found.append(answers(index))
    assert found == [["mine"], ["mine"], []]
