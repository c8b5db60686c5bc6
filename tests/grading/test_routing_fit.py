"""grading/routing_fit.py: what an assignment's essays teach about its thresholds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from grading.routing import Thresholds
from grading.routing_fit import Attempt, Fit, Outcome, changes, fit, merged
from grading.threshold_fit import best_for, cheapest
from settings import Settings

TIERS = ["local", "small", "large"]
SETTINGS = Thresholds(accept={"local": 0.8, "small": 0.9})
COST = {"local": 0.0001, "small": 0.001, "large": 0.01}


def essays(
    count: int, *, tiers: tuple[str, ...] = ("local", "large"), knows: bool = True, taught: bool = True
) -> list[Outcome]:
    """Essays that each of these tiers has graded. Where the first `knows`, its confidence tells its error, of up to 0.3
    of full marks; the last is always off by 0.05."""
    random = np.random.default_rng(5)
    made = []
    for confidence, other, complexity in random.random((count, 3)).round(3):
        error = 0.3 * (1 - (confidence if knows else other))
        attempts = {tier: Attempt(confidence, COST[tier], error) for tier in tiers[:-1]}
        made.append(Outcome(attempts | {tiers[-1]: Attempt(0.9, COST[tiers[-1]], 0.05)}, complexity, taught))
    return made


def one(fits: list[Fit], rule: str) -> Fit:
    return next(found for found in fits if found.rule == rule)


def test_a_confidence_that_knows_is_asked_for_and_beats_chance() -> None:
    found = one(fit(essays(200), TIERS, SETTINGS, cheapest(0.01)), "accept.local")
    # The best bar is where 0.3 · (1 − c) = 0.05, so c = 5/6; a hundredth of full marks buys some way down from there.
    assert found.value == pytest.approx(0.6, abs=0.1)
    assert found.held_out
    assert found.held_out.beats_random
    assert "beats 100% of random draws" in found.words
    assert (found.essays, found.untaught, found.supposed) == (200, 0, 0)


def test_one_that_does_not_know_is_said_to_be_no_better_than_chance() -> None:
    found = one(fit(essays(200, knows=False), TIERS, SETTINGS, best_for(0.005)), "accept.local")
    assert found.held_out
    assert not found.held_out.beats_random
    assert "no better than chance" in found.words
    assert "how many essays go from local to large, but not which" in found.words


def test_the_present_bar_is_shown_beside_what_was_chosen() -> None:
    found = one(fit(essays(200), TIERS, SETTINGS, cheapest(0.01)), "accept.local")
    assert found.now
    assert found.chosen
    assert found.now.threshold == 0.8
    assert found.now.kept < found.chosen.kept


def test_few_essays_change_nothing_and_say_how_many_there_are() -> None:
    fits = fit(essays(12), TIERS, SETTINGS, cheapest(0.01))
    assert changes(fits) == {}
    assert all("12 essays have" in found.words and "Nothing is changed" in found.words for found in fits)


def test_where_one_tier_has_graded_there_is_nothing_to_choose() -> None:
    assert fit(essays(100, tiers=("local",)), TIERS, SETTINGS, cheapest(0.01)) == []
    assert fit([], TIERS, SETTINGS, cheapest(0.01)) == []


def test_a_larger_model_that_is_no_better_is_not_asked() -> None:
    worse = [
        Outcome({"local": Attempt(each.attempts["local"].confidence, 0.0001, 0.04), "large": each.attempts["large"]})
        for each in essays(100)
    ]
    found = one(fit(worse, TIERS, SETTINGS, cheapest(0)), "accept.local")
    assert found.value == pytest.approx(0, abs=0.02)  # the least confidence there was
    assert found.words.startswith("Everything that local grades is kept")


def test_a_cheaper_model_that_is_never_right_keeps_nothing() -> None:
    hopeless = [
        Outcome({"local": Attempt(each.attempts["local"].confidence, 0.0001, 0.4), "large": each.attempts["large"]})
        for each in essays(100)
    ]
    found = one(fit(hopeless, TIERS, SETTINGS, cheapest(0)), "accept.local")
    assert found.value == 1
    assert found.words.startswith("Nothing of local is kept")


def test_a_tier_is_judged_by_what_becomes_of_what_it_passes_on() -> None:
    fits = fit(essays(200, tiers=("local", "small", "large")), TIERS, SETTINGS, cheapest(0.01))
    assert [found.rule for found in fits] == ["accept.local", "accept.small", "complex_from"]
    none_kept = one(fits, "accept.local").points[-1]
    assert COST["local"] + COST["small"] < none_kept.cost < sum(COST.values())
    assert set(changes(fits)["accept"]) == {"local", "small"}


def test_what_the_better_tier_was_not_asked_is_supposed_and_counted() -> None:
    accepted = [
        each if each.attempts["local"].confidence < 0.8 else Outcome({"local": each.attempts["local"]})
        for each in essays(200)
    ]
    found = one(fit(accepted, TIERS, SETTINGS, cheapest(0.01)), "accept.local")
    assert found.supposed == sum("large" not in each.attempts for each in accepted) > 0
    assert found.points[-1].error == pytest.approx(0.05)
    assert found.points[-1].cost == pytest.approx(COST["local"] + COST["large"])


def test_teachers_marks_are_preferred_where_there_are_enough() -> None:
    weak = [
        Outcome({**each.attempts, "large": Attempt(0.9, 0.01, None)}, each.complexity, taught=False)
        for each in essays(50)
    ]
    found = one(fit(essays(40) + weak, TIERS, SETTINGS, cheapest(0.01)), "accept.local")
    assert (found.essays, found.untaught) == (40, 0)
    found = one(fit(essays(20) + weak, TIERS, SETTINGS, cheapest(0.01)), "accept.local")
    assert (found.essays, found.untaught) == (70, 50)


def test_a_share_is_set_without_any_mark() -> None:
    unmarked = [Outcome({"local": Attempt(each.attempts["local"].confidence, 0.0001, None)}) for each in essays(100)]
    [found] = fit(unmarked, TIERS, SETTINGS, cheapest(0.01), {"local": 0.9})
    assert found.value is not None
    kept = np.mean([each.attempts["local"].confidence >= found.value for each in unmarked])
    assert kept == pytest.approx(0.9, abs=0.02)
    assert "local keeps 90% of the 100 essays" in found.words
    assert "not known" in found.words
    assert changes([found]) == {"accept": {"local": found.value}}


def test_a_share_says_what_it_does_to_the_marks_where_that_is_known() -> None:
    [found] = fit(essays(100), TIERS, SETTINGS, cheapest(0.01), {"local": 0.5})
    assert found.chosen
    assert found.chosen.kept == pytest.approx(0.5, abs=0.02)
    assert f"and {found.chosen.random:.1%} if as many are kept at random" in found.words


def test_a_share_of_few_essays_changes_nothing() -> None:
    [found] = fit(essays(12), TIERS, SETTINGS, cheapest(0.01), {"small": 0.9})
    assert found.value is None
    assert found.words.startswith("0 essays have a grade of small; 40 are needed")


def test_complex_essays_go_to_the_best_model_only_where_that_beats_chance() -> None:
    told = [
        Outcome(
            {
                "local": Attempt(0.5, 0.0001, 0.3 if each.complexity and each.complexity > 0.6 else 0.01),
                "large": Attempt(0.9, 0.01, 0.05),
            },
            each.complexity,
        )
        for each in essays(200)
    ]
    found = one(fit(told, TIERS, SETTINGS, best_for(0.0045)), "complex_from")
    assert found.value == pytest.approx(0.6, abs=0.05)
    blind = one(fit(essays(200), TIERS, SETTINGS, cheapest(0.005)), "complex_from")
    assert blind.value is None
    assert "stays at 0.7" in blind.words


def test_where_the_cheaper_model_is_never_right_every_essay_goes_to_the_best_at_once() -> None:
    hopeless = [
        Outcome({"local": Attempt(0.5, 0.0001, 0.4), "large": each.attempts["large"]}, each.complexity)
        for each in essays(100)
    ]
    assert one(fit(hopeless, TIERS, SETTINGS, cheapest(0.005)), "complex_from").value == 0


def test_a_fit_is_told_as_json_without_what_json_cannot_hold() -> None:
    for found in fit(essays(60), TIERS, SETTINGS, cheapest(0.01)):
        json.dumps(found.to_json(), allow_nan=False)


def test_what_an_assignment_has_of_its_own_stays_unless_it_is_learned_anew() -> None:
    own = {"review_below": 0.4, "accept": {"local": 0.5, "small": 0.6}}
    assert merged(own, {"accept": {"local": 0.7}, "complex_from": 0.9}) == {
        "review_below": 0.4,
        "complex_from": 0.9,
        "accept": {"local": 0.7, "small": 0.6},
    }
    assert Thresholds.of(Settings(), merged(None, {"accept": {"local": 0.7}})).accept["local"] == 0.7
