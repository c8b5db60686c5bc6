from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from grading.costs.prices import GUIDE, Price
from grading.costs.saving import LEVERS, SUBSETS, Facts, Lever, cost, split, to_json
from grading.engines.engine import Usage

TURBO = GUIDE["gpt-4-turbo"]
SMALL = Price(Decimal("0.4"), Decimal("0.1"), Decimal("1.6"), "a test")
USAGE = Usage(prompt=1000, cached=600, completion=400)

tokens = st.integers(0, 20_000)
dollars = st.decimals(0, 2, places=6)
prices = st.builds(Price, dollars, dollars, dollars, st.just("a test"))
facts = st.builds(
    Facts,
    usage=st.none() | st.builds(Usage, prompt=tokens, cached=tokens, completion=tokens),
    baseline=prices,
    price=prices,
    surplus=st.integers(0, 5000),
    machine_usd=st.none() | dollars,
    batch=st.booleans(),
    repeated=st.booleans(),
    hosted_tries_usd=dollars,
    local_tries_usd=dollars,
)


def test_the_baseline_is_the_baseline_model_with_the_verbose_prompt_and_no_cache() -> None:
    saving = split(Facts(USAGE, baseline=TURBO, price=SMALL, surplus=1200, batch=True))
    assert saving.baseline == Decimal(2200 * 10 + 400 * 30) / 1_000_000
    assert saving.cost == SMALL.cost(USAGE) / 2
    assert saving.saved == sum(saving.by.values())


def test_the_guides_call_by_its_own_model_saves_nothing() -> None:
    saving = split(Facts(Usage(2000, 0, 800), baseline=TURBO, price=TURBO))
    assert (saving.baseline, saving.cost) == (Decimal("0.044"), Decimal("0.044"))
    assert set(saving.by.values()) == {0}


def test_our_own_machine_costs_its_seconds_and_the_rest_is_split_between_it_and_what_would_have_been_without() -> None:
    saving = split(Facts(USAGE, baseline=TURBO, price=SMALL, machine_usd=Decimal("0.0001")))
    assert saving.cost == Decimal("0.0001")
    assert saving.by[Lever.local] > saving.by[Lever.routing] > 0
    assert saving.by[Lever.cache] == 0, "what our engine had cached says nothing of a provider"


def test_tries_that_failed_count_against_who_made_them() -> None:
    well = split(Facts(USAGE, baseline=TURBO, price=SMALL))
    after_tries = split(
        Facts(USAGE, baseline=TURBO, price=SMALL, hosted_tries_usd=Decimal("0.002"), local_tries_usd=Decimal("0.001"))
    )
    assert after_tries.cost == well.cost + Decimal("0.003")
    assert well.by[Lever.routing] - after_tries.by[Lever.routing] == Decimal("0.002")
    assert well.by[Lever.local] - after_tries.by[Lever.local] == Decimal("0.001")


def test_what_a_teacher_gets_after_all_has_saved_nothing_and_cost_its_tries() -> None:
    saving = split(Facts(None, baseline=TURBO, price=SMALL, hosted_tries_usd=Decimal("0.002")))
    assert (saving.baseline, saving.cost, saving.by[Lever.routing]) == (0, Decimal("0.002"), Decimal("-0.002"))


def test_a_grade_that_was_known_before_is_the_caches() -> None:
    saving = split(Facts(USAGE, baseline=TURBO, price=TURBO, repeated=True))
    assert saving.cost == 0
    assert saving.by[Lever.cache] == saving.baseline


def test_amounts_leave_as_decimal_strings() -> None:
    told = to_json(split(Facts(USAGE, baseline=TURBO, price=SMALL)))
    assert Decimal(told["saved_usd"]) == sum(Decimal(usd) for usd in told["by"].values())
    assert set(told["by"]) == {lever.value for lever in Lever}


@given(facts)
def test_the_parts_add_up_to_the_whole(known: Facts) -> None:
    saving = split(known)
    assert sum(saving.by.values()) == saving.baseline - saving.cost
    assert saving.baseline == cost(known, frozenset())
    assert saving.cost == cost(known, LEVERS)


@given(facts)
def test_a_lever_that_changes_nothing_gets_nothing(known: Facts) -> None:
    saving = split(known)
    for lever in Lever:
        if all(cost(known, levers) == cost(known, levers | {lever}) for levers in SUBSETS):
            assert saving.by[lever] == 0


@given(facts)
def test_two_levers_of_the_same_effect_get_the_same(known: Facts) -> None:
    saving = split(known)
    for one in Lever:
        for other in Lever:
            rest = [levers for levers in SUBSETS if not levers & {one, other}]
            if all(cost(known, levers | {one}) == cost(known, levers | {other}) for levers in rest):
                assert abs(saving.by[one] - saving.by[other]) <= Decimal("5e-12"), "but for the last place"


@given(facts, dollars)
def test_a_dearer_failed_try_is_paid_for_by_routing_alone(known: Facts, more: Decimal) -> None:
    before, after = split(known), split(replace(known, hosted_tries_usd=known.hosted_tries_usd + more))
    for lever in Lever:
        lost = more if lever is Lever.routing else 0
        assert abs(before.by[lever] - after.by[lever] - lost) <= Decimal("1e-11")
