from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.costs.prices import price_of
from grading.costs.tariff import Hosted, OwnMachine, estimated_usage
from grading.engines.engine import Request, Usage
from tests.corpus import chinese_essays, english_essays


def a_request(text: str = "Grade this.", max_tokens: int = 800) -> Request:
    return Request(
        id="r", messages=[{"role": "user", "content": text}], schema=None, max_tokens=max_tokens, deadline=600
    )


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize("batch", [False, True])
def test_a_hosted_price_is_read_back_from_the_ledger_as_it_was(batch: bool) -> None:
    tariff = Hosted(price_of("gpt-4.1-mini"), batch=batch)
    assert Hosted.from_json(json.loads(json.dumps(tariff.to_json()))) == tariff


class TestTheEstimate:
    def test_counts_the_longest_reply(self) -> None:
        assert estimated_usage(a_request(max_tokens=800)).completion == 800

    def test_counts_the_schema_too(self) -> None:
        request = a_request()
        bound = Request(**(vars(request) | {"schema": {"type": "object"}}))
        assert estimated_usage(bound).prompt > estimated_usage(request).prompt

    def test_of_a_chinese_text_is_a_token_a_character(self) -> None:
        text = chinese_essays(1)[0]
        assert estimated_usage(a_request(text)).prompt == pytest.approx(len(text), rel=0.1)

    def test_of_an_english_text_is_more_than_a_token_a_word(self) -> None:
        text = english_essays(1)[0]
        assert estimated_usage(a_request(text)).prompt > 1.3 * len(text.split())

    @given(st.text())
    def test_can_be_made_of_any_text(self, text: str) -> None:
        assert estimated_usage(a_request(text)).prompt >= 0


class TestAHostedModel:
    tariff = Hosted(price_of("gpt-4-turbo"))

    def test_is_paid_by_the_token(self) -> None:
        assert self.tariff.begin()(Usage(2000, 0, 800)).cost == Decimal("0.044")

    def test_at_half_price_in_a_batch(self) -> None:
        batch = Hosted(self.tariff.price, batch=True)
        assert batch.begin()(Usage(2000, 0, 800)).cost == Decimal("0.022")
        assert batch.estimate(a_request()) * 2 == self.tariff.estimate(a_request())
        assert batch.to_json() != self.tariff.to_json()

    def test_that_tells_no_usage_has_no_cost_that_anybody_knows(self) -> None:
        assert self.tariff.begin()(None).cost is None


class TestOurOwnMachine:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def machine(self, clock: Clock) -> OwnMachine:
        return OwnMachine(Decimal(36), at_once=10, clock=clock)

    def test_is_one_calls_alone_while_nobody_else_is_there(self, machine: OwnMachine, clock: Clock) -> None:
        clock.time = 100  # idle
        ended = machine.begin()
        clock.time = 104
        bill = ended(None)
        assert (bill.cost, bill.machine_s) == (Decimal("0.04"), 4)

    def test_is_shared_by_those_in_flight(self, machine: OwnMachine, clock: Clock) -> None:
        one = machine.begin()
        clock.time = 2
        two = machine.begin()
        clock.time = 6
        assert one(None).machine_s == 4
        clock.time = 7
        assert two(None).machine_s == 3

    @given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 10)), max_size=40))
    def test_is_charged_for_exactly_as_long_as_it_is_busy(self, steps: list[tuple[int, float]]) -> None:
        clock = Clock()
        machine = OwnMachine(Decimal(1), at_once=10, clock=clock)
        running, charged, busy = [], 0.0, 0.0
        for step, seconds in [*steps, *[(0, 1.0)] * 40]:
            if step:
                running.append(machine.begin())
            elif running:
                charged += running.pop(0)(None).machine_s or 0
            busy += seconds if running else 0
            clock.time += seconds
        assert charged == pytest.approx(busy)

    def test_costs_nothing_unless_somebody_says_what_it_costs(self, clock: Clock) -> None:
        free = OwnMachine(Decimal(0), at_once=10, clock=clock)
        ended = free.begin()
        clock.time = 60
        assert (ended(Usage(1, 0, 1)).cost, free.estimate(a_request())) == (0, 0)

    def test_is_estimated_at_the_longest_time_in_full_company(self, machine: OwnMachine) -> None:
        assert machine.estimate(a_request()) == Decimal("0.6")
