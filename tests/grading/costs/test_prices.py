from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grading.costs import prices
from grading.costs.prices import Price, UnknownModel, machine_cost, price_of
from grading.costs.tariff import Hosted
from grading.engines.engine import Usage
from settings import Settings
from tests.conftest import use_environment

AT = datetime(2026, 11, 25, tzinfo=UTC)
GUIDE_ESSAY = Usage(prompt=2000, completion=800)
MODELS = ["gpt-4-turbo", "gpt-4", "gpt-3.5-turbo", "gpt-3.5-turbo-16k", "gpt-4o", "gpt-4o-mini", "gpt-5-mini"]

tokens = st.integers(min_value=0, max_value=200_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    prompt = draw(tokens)
    return Usage(prompt, draw(st.integers(0, prompt)), draw(tokens))


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("gpt-4-turbo", "0.044"),
        ("gpt-4", "0.108"),
        ("gpt-3.5-turbo", "0.0022"),
        ("gpt-3.5-turbo-16k", "0.0092"),
        ("gpt-4o", "0.013"),
        ("gpt-4o-mini", "0.00078"),
        ("gpt-5-mini", "0.0021"),
    ],
)
def test_an_essay_of_the_guide_costs_what_it_always_did(model: str, dollars: str) -> None:
    assert price_of(model, at=AT).cost(GUIDE_ESSAY) == Decimal(dollars)


def test_what_the_provider_had_cached_costs_less_where_the_list_says_so() -> None:
    half_cached = Usage(prompt=2000, cached=1000, completion=800)
    assert price_of("gpt-4o-mini", at=AT).cost(half_cached) == Decimal("0.000705")
    assert price_of("gpt-4-turbo", at=AT).cost(half_cached) == Decimal("0.044")


def test_a_provider_that_caches_more_than_it_was_sent_is_not_paid_less_than_nothing() -> None:
    price = price_of("gpt-4o-mini", at=AT)
    assert price.cost(Usage(prompt=10, cached=1000)) == price.cost(Usage(prompt=10, cached=10)) > 0


def test_a_batch_is_half_the_price() -> None:
    assert price_of("gpt-4-turbo").cost(GUIDE_ESSAY, batch=True) == Decimal("0.022")


def test_the_provider_can_be_named() -> None:
    assert (
        price_of("deepseek-chat", at=AT).output_mtok
        == price_of("deepseek-chat", provider="deepseek", at=AT).output_mtok
    )
    with pytest.raises(UnknownModel):
        price_of("deepseek-chat", provider="openai", at=AT)


def test_a_prompt_beyond_some_length_can_cost_more_a_token() -> None:
    short, long = (price_of("gpt-5.4", at=AT, prompt_tokens=length) for length in (272_000, 272_001))
    assert (short.input_mtok, long.input_mtok) == (Decimal("2.5"), Decimal(5))
    assert long.cached_mtok > short.cached_mtok


class TestEveryPrice:
    @given(st.sampled_from(MODELS), usages(), tokens)
    def test_grows_with_every_token_of_the_reply_by_the_price_of_the_reply(
        self, model: str, usage: Usage, more: int
    ) -> None:
        price = price_of(model, at=AT)
        longer = Usage(usage.prompt, usage.cached, usage.completion + more)
        assert price.cost(longer) - price.cost(usage) == more * price.output_mtok / prices.MILLION

    @given(st.sampled_from(MODELS), usages(), tokens)
    def test_grows_with_every_token_of_the_prompt_by_the_price_of_the_prompt(
        self, model: str, usage: Usage, more: int
    ) -> None:
        price = price_of(model, at=AT)
        longer = Usage(usage.prompt + more, usage.cached, usage.completion)
        assert price.cost(longer) - price.cost(usage) == more * price.input_mtok / prices.MILLION

    @given(st.sampled_from(MODELS), usages(), usages())
    def test_of_two_calls_is_the_sum_of_theirs(self, model: str, one: Usage, two: Usage) -> None:
        price = price_of(model, at=AT)
        both = Usage(one.prompt + two.prompt, one.cached + two.cached, one.completion + two.completion)
        assert price.cost(both) == price.cost(one) + price.cost(two)

    @given(st.sampled_from(MODELS), usages(), st.booleans())
    def test_is_an_exact_decimal_and_never_less_than_nothing(self, model: str, usage: Usage, batch: bool) -> None:
        cost = price_of(model, at=AT).cost(usage, batch=batch)
        assert type(cost) is Decimal
        assert cost >= 0
        assert cost == round(cost, 12), "the ledger keeps twelve decimals"

    @given(st.sampled_from(MODELS), usages())
    def test_is_never_raised_by_a_cache(self, model: str, usage: Usage) -> None:
        price = price_of(model, at=AT)
        assert price.cost(usage) <= price.cost(Usage(usage.prompt, 0, usage.completion))


class TestAModelWithoutAPrice:
    def test_is_refused_with_words_that_say_what_to_do(self) -> None:
        with pytest.raises(UnknownModel, match=r"'our-own'.*PIZHU_PRICES=.*per million tokens"):
            price_of("our-own")

    def test_is_not_taken_for_one_whose_name_it_begins_with(self) -> None:
        with pytest.raises(UnknownModel):
            price_of("gpt-4-of-another-kind")


class TestPricesInTheSettings:
    @pytest.fixture
    def given_prices(self) -> Iterator[None]:
        listed = (
            '{"our-own": {"input": 0.1, "output": "0.3", "cached": "0.01"}, "free": {"input": 0, "output": 0},'
            ' "gpt-4o": {"input": "2", "output": "9"}, "gpt-4o-mini": {"input": "0.00000015", "output": "0.0000006"},'
            ' "gpt-4-turbo": {"input": "10", "output": "3000"}}'
        )
        with use_environment({"PIZHU_PRICES": listed}):
            prices._doubt.cache_clear()
            yield

    def test_make_a_model_known_exactly_as_they_are_written(self, given_prices: None) -> None:
        price = price_of("our-own")
        assert price == Price(Decimal("0.1"), Decimal("0.01"), Decimal("0.3"), "the setting PIZHU_PRICES")

    def test_may_say_that_a_model_costs_nothing(self, given_prices: None) -> None:
        assert price_of("free").cost(GUIDE_ESSAY) == 0

    def test_are_of_tokens_whose_kind_is_spelt_right(self) -> None:
        with pytest.raises(ValidationError, match="cache"):
            Settings(prices={"our-own": {"input": "1", "output": "2", "cache": "0.1"}})

    def test_go_before_the_list(self, given_prices: None, caplog: pytest.LogCaptureFixture) -> None:
        assert price_of("gpt-4o").cost(GUIDE_ESSAY) == Decimal("0.0112")
        assert caplog.messages == []

    @pytest.mark.parametrize(("model", "which"), [("gpt-4o-mini", "for input"), ("gpt-4-turbo", "for output")])
    def test_that_are_a_hundred_times_off_are_doubted_once(
        self, model: str, which: str, given_prices: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            price_of(model)
            said = list(caplog.messages)
            price_of(model)
        assert caplog.messages == said
        assert any(model in message and which in message and "per million" in message for message in said)


def test_an_hour_of_a_machine_is_paid_by_the_second() -> None:
    assert machine_cost(90, Decimal("1.20")) == Decimal("0.03")
    assert machine_cost(1 / 3, Decimal(0)) == 0
    assert type(machine_cost(0.1, Decimal(2))) is Decimal


def test_a_price_in_the_ledger_says_where_it_comes_from() -> None:
    assert price_of("gpt-4-turbo").to_json() == {
        "input_mtok": "10",
        "cached_mtok": "10",
        "output_mtok": "30",
        "source": "the cost guide",
    }
    assert price_of("gpt-4o").source.startswith("genai-prices ")


def test_a_price_in_the_ledger_says_of_when_it_is() -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    listed = price_of("gpt-4o", at=noon).to_json()
    assert date(2026, 1, 1) < date.fromisoformat(listed["dated"]) <= noon.date()
    assert Hosted.from_json(listed).price == price_of("gpt-4o", at=noon)
    with use_environment({"PIZHU_PRICES": '{"gpt-4o": {"input": "1", "output": "2", "dated": "2026-11-02"}}'}):
        assert price_of("gpt-4o").dated == "2026-11-02"
    with use_environment({"PIZHU_PRICES": '{"gpt-4o": {"input": "1", "output": "2"}}'}):
        assert "dated" not in price_of("gpt-4o").to_json()
