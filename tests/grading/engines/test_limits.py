"""The minute that all workers share."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from grading.engines.engine import Request
from grading.engines.limits import AGAIN, Limits, estimated_tokens
from tests.conftest import use_environment
from tests.corpus import chinese_essays, english_essays


def admitted(requests: int, tokens: int, each: int, tries: int) -> int:
    """How many of so many requests a worker of its own gets through at once."""
    limits = Limits("api.example.test/small", requests=requests, tokens=tokens)
    return sum(limits.reserve(each) == 0 for _ in range(tries))


@pytest.mark.usefixtures("redis")
class TestWorkersTogether:
    def test_send_no_more_requests_than_the_minute_holds(self) -> None:
        with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
            asked = [workers.submit(admitted, 10, 0, 100, 8) for _ in range(2)]
            assert sum(each.result() for each in asked) == 10

    def test_send_no_more_tokens_than_the_minute_holds(self) -> None:
        with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
            asked = [workers.submit(admitted, 0, 10_000, 1_500, 6) for _ in range(2)]
            assert sum(each.result() for each in asked) == 6

    def test_wait_and_use_nothing_up_while_one_of_both_is_full(self) -> None:
        limits = Limits("api.example.test/small", requests=3, tokens=1_000)
        assert [limits.reserve(900), limits.reserve(900), limits.reserve(900)] == [0, AGAIN, AGAIN]
        assert [limits.reserve(50), limits.reserve(50), limits.reserve(0)] == [0, 0, AGAIN]

    def test_wait_together_for_as_long_as_the_provider_asks(self) -> None:
        Limits("api.example.test/small", requests=5, tokens=0).hold(7.5)
        other = Limits("api.example.test/small", requests=5, tokens=0)
        assert 7 < other.reserve(10) <= 7.5
        assert Limits("api.example.test/large", requests=5, tokens=0).reserve(10) == 0

    def test_let_through_what_is_larger_than_a_whole_minute_once_that_is_empty(self) -> None:
        limits = Limits("api.example.test/small", requests=0, tokens=1_000)
        assert [limits.reserve(5_000), limits.reserve(1)] == [0, AGAIN]

    def test_know_no_limit_where_none_is_set(self) -> None:
        assert admitted(0, 0, 10**9, 5) == 5


def test_without_redis_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:9/0"}):
        limits = Limits("api.example.test/small", requests=1, tokens=1)
        limits.hold(5)
        assert [limits.reserve(10), limits.reserve(10)] == [0, 0]
    assert "Redis is away" in caplog.text


@pytest.mark.parametrize(
    ("essay", "tokens_a_character"), [(english_essays(1)[0], 0.3), (chinese_essays(1)[0], 1.0)], ids=["en", "zh"]
)
def test_the_estimate_is_near_what_texts_of_either_language_need(essay: str, tokens_a_character: float) -> None:
    request = Request("r", [{"role": "user", "content": essay}], None, max_tokens=100, deadline=1)
    assert estimated_tokens(request) - 100 == pytest.approx(tokens_a_character * len(essay), rel=0.15)
