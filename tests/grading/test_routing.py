"""Where an essay goes, and what comes after each tier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grading.complexity import Complexity, measure
from grading.routing import BATCH_WINDOW, Facts, Route, Thresholds, fallback, gives_up_below, next_route, route, swayed
from settings import Settings, Tier

LOCAL = Tier(name="local", engine="local", accept_confidence=0.8)
SMALL = Tier(name="small", engine="openai", model="gpt-4.1-mini", accept_confidence=0.9)
LARGE = Tier(name="large", engine="openai", model="gpt-4.1")
CASCADE = (LOCAL, SMALL, LARGE)
LIMITS = Thresholds(accept={"local": 0.8, "small": 0.9})


class Scored(Complexity):
    """One whose score is given, not counted."""

    score: float = 0.0

    def __init__(self, score: float) -> None:
        super().__init__("en", characters=800, diversity=0.5, sentence_words=10, findings=())
        object.__setattr__(self, "score", score)


def facts(score: float | None = 0.5, characters: int = 800, **others: object) -> Facts:
    known = None if score is None else Scored(score)
    return replace(Facts(characters, CASCADE, LIMITS, known), **others)  # type: ignore[arg-type]


class TestAnEssayStarts:
    def test_at_the_cheapest_tier_when_it_is_simple(self) -> None:
        found = route(facts(0.29, 499))
        assert (found.queue, found.tier) == ("local", "local")
        assert found.reason == "499 characters, complexity 0.29: simple enough for the cheapest model"

    def test_at_the_cheapest_tier_when_it_is_ordinary(self) -> None:
        for ordinary in (facts(0.3, 100), facts(0.1, 500), facts(0.69)):
            found = route(ordinary)
            assert found.tier == "local"
            assert "the cheapest model first, a better one if it is unsure" in found.reason

    def test_at_the_best_tier_when_it_is_complex(self) -> None:
        found = route(facts(0.7))
        assert (found.queue, found.tier) == ("openai", "large")
        assert found.reason == "complexity 0.70: the best model at once"

    def test_at_the_cheapest_tier_when_nobody_knows_how_complex_it_is(self) -> None:
        assert route(facts(None)).tier == "local"

    def test_as_the_assignments_own_thresholds_say(self) -> None:
        assert route(facts(0.5, thresholds=replace(LIMITS, complex_from=0.5))).tier == "large"
        assert "simple" in route(facts(0.5, thresholds=replace(LIMITS, simple_below=0.6, simple_length=900))).reason

    def test_at_the_next_tier_when_the_queue_is_far_behind(self) -> None:
        found = route(facts(wait_s={"local": 1801}))
        assert (found.queue, found.tier) == ("openai", "small")
        assert "the queue local is too far behind" in found.reason

    def test_at_the_cheapest_tier_however_long_it_takes_when_it_is_simple(self) -> None:
        assert route(facts(0.1, 100, wait_s={"local": 1e6})).tier == "local"

    def test_at_the_cheapest_tier_when_all_are_far_behind(self) -> None:
        assert route(facts(wait_s={"local": 1e6, "openai": 1e6})).tier == "local"


class TestAClosedTier:
    def test_is_passed_over_and_the_reason_says_why(self) -> None:
        found = route(facts(0.9, closed={"large": "saving mode"}))
        assert found.tier == "small"
        assert found.reason.endswith("; large is closed: saving mode")

    def test_of_which_nobody_asked_is_not_spoken_of(self) -> None:
        assert "closed" not in route(facts(0.5, closed={"large": "saving mode"})).reason

    def test_leaves_the_others_even_to_the_weakest(self) -> None:
        assert route(facts(0.9, closed={"large": "no key", "small": "no key"})).tier == "local"

    def test_sends_all_to_a_teacher_when_it_was_the_last(self) -> None:
        found = route(facts(closed={"local": "x", "small": "y", "large": "z"}))
        assert (found.queue, found.tier) == (None, "teacher")
        assert found.reason == "no model may grade now; local is closed: x; small is closed: y; large is closed: z"

    def test_and_no_tier_at_all_are_different_things(self) -> None:
        assert route(facts(tiers=())).reason == "no model is configured on this installation"


class TestATierThatRests:
    def test_is_waited_for_where_there_is_nothing_else(self) -> None:
        resting = facts(tiers=(SMALL, LARGE), closed={"small": "503", "large": "503"}, resting=frozenset({"small"}))
        found = route(resting)
        assert (found.queue, found.tier) == ("openai", "small")

    def test_is_passed_over_where_there_is(self) -> None:
        found = route(facts(0.9, closed={"large": "503"}, resting=frozenset({"large"})))
        assert found.tier == "small"


class TestABatch:
    def test_takes_what_a_hosted_tier_is_to_grade_and_nobody_waits_for(self) -> None:
        found = route(facts(0.9, due_s=BATCH_WINDOW))
        assert (found.queue, found.tier) == ("batches", "large")
        assert "half the price" in found.reason

    def test_does_not_take_what_is_wanted_sooner_or_costs_nothing(self) -> None:
        assert route(facts(0.9, due_s=BATCH_WINDOW - 1)).queue == "openai"
        assert route(facts(0.5, due_s=1e9)).queue == "local"


class TestAfterAGrade:
    def test_it_stands_from_the_tiers_confidence_on(self) -> None:
        assert next_route(facts(), "local", 0.8) is None
        assert next_route(facts(), "small", 0.9) is None

    def test_a_better_tier_is_asked_when_it_was_unsure(self) -> None:
        found = next_route(facts(), "local", 0.79)
        assert found
        assert (found.queue, found.tier, found.tried) == ("openai", "small", ("local",))
        assert found.reason == "local was unsure (confidence 0.79 of 0.80)"

    def test_a_tier_that_is_closed_is_not_asked(self) -> None:
        found = next_route(facts(closed={"small": "no price"}), "local", 0.1)
        assert found
        assert found.tier == "large"

    def test_at_the_end_of_the_cascade_a_doubtful_one_goes_to_a_teacher(self) -> None:
        assert next_route(facts(tried=("local", "small")), "large", 0.5) is None
        found = next_route(facts(tried=("local", "small")), "large", 0.49)
        assert found
        assert (found.queue, found.tier, found.tried) == (None, "teacher", ("local", "small", "large"))

    def test_the_cascade_ends_where_no_better_tier_can_be_asked(self) -> None:
        alone = facts(closed={"small": "saving mode", "large": "saving mode"})
        assert next_route(alone, "local", 0.5) is None
        assert next_route(alone, "local", 0.4) is not None

    def test_it_may_give_up_early_only_where_a_better_tier_can_be_asked(self) -> None:
        assert gives_up_below(facts(), "local") == 0.8
        assert gives_up_below(facts(), "large") is None
        assert gives_up_below(facts(closed={"small": "x", "large": "x"}), "local") is None
        assert gives_up_below(facts(tried=("small", "large")), "local") is None


class TestWhenATierGivesNoGrade:
    def test_the_next_better_one_is_asked(self) -> None:
        found = fallback(facts(tried=("local",)), "small", "it is overloaded")
        assert found
        assert (found.tier, found.tried) == ("large", ("local", "small"))
        assert found.reason == "small gave no grade: it is overloaded"

    def test_a_weaker_one_is_asked_when_there_is_no_better(self) -> None:
        found = fallback(facts(closed={"small": "down"}), "large", "down")
        assert found
        assert (found.queue, found.tier) == ("local", "local")

    def test_a_former_grade_stands_when_it_is_good_enough(self) -> None:
        assert fallback(facts(tried=("local", "small"), opinion=0.5), "large", "down") is None

    def test_a_teacher_is_asked_when_the_former_grade_is_not(self) -> None:
        found = fallback(facts(tried=("local",), opinion=0.4, closed={"large": "down"}), "small", "down")
        assert found
        assert (found.queue, found.tier, found.reason) == (None, "teacher", "down")

    def test_a_better_tier_is_asked_before_a_former_grade_stands(self) -> None:
        found = fallback(facts(tried=("local",), opinion=0.7), "small", "down")
        assert found
        assert found.tier == "large"

    def test_a_teacher_is_asked_when_all_were(self) -> None:
        found = fallback(facts(tried=("local", "small")), "large", "down")
        assert found
        assert (found.queue, found.reason) == (None, "down")

    def test_of_a_tier_that_is_gone_another_is_asked(self) -> None:
        found = fallback(facts(), "gone", "this installation has no tier 'gone' any more")
        assert found
        assert found.tier == "large"


class TestThresholds:
    def test_come_from_the_settings(self) -> None:
        config = Settings(local_model="a-model", complex_from=0.6)
        found = Thresholds.of(config)
        assert (found.complex_from, found.review_below) == (0.6, 0.5)
        assert found.accept == {"local": 0.8, "small": 0.9}

    def test_an_assignment_may_have_its_own(self) -> None:
        found = Thresholds.of(Settings(local_model="a-model"), {"simple_below": 0.4, "accept": {"local": 0.6}})
        assert (found.simple_below, found.complex_from) == (0.4, 0.7)
        assert found.accept == {"local": 0.6, "small": 0.9}

    def test_send_nothing_of_the_demonstration_model_to_review(self) -> None:
        assert Thresholds.of(Settings(local_model="demo")).review_below == 0


@pytest.mark.parametrize("score", [0.1, 0.5, 0.9])
def test_a_route_says_how_complex_the_essay_is_and_why(score: float) -> None:
    found = route(facts(score))
    assert found.complexity == pytest.approx(score)
    assert found.parts
    assert set(found.parts) == {"length", "vocabulary", "sentences", "errors"}


def test_a_route_of_a_real_text_keeps_what_was_measured() -> None:
    measured = measure("I like cats. You like dogs.")
    found = route(replace(facts(), complexity=measured))
    assert (found.complexity, found.parts) == (measured.to_json()["score"], measured.to_json()["parts"])


def test_a_route_is_kept_as_json() -> None:
    assert Route("local", "small", "because", 0.25).to_json() == {
        "queue": "local",
        "tier": "small",
        "reason": "because",
        "complexity": 0.25,
        "parts": None,
        "tried": (),
        "put_off": False,
    }


class TestAnEssayThatWaitsForMoney:
    """Saving mode or a spent budget closes tiers, which is over some day."""

    spent = replace(facts(closed={"small": "saving mode", "large": "saving mode"}), dear=frozenset({"small", "large"}))

    def test_is_put_off_where_no_tier_is_open_or_the_open_one_is_too_unsure(self) -> None:
        alone = replace(self.spent, tiers=self.spent.tiers[1:])
        assert route(alone).put_off
        unsure = next_route(self.spent, "local", 0.1)
        assert unsure
        assert (unsure.queue, unsure.put_off, unsure.tried) == (None, True, ("local",))
        assert unsure.reason.endswith("none is better; small is closed: saving mode; large is closed: saving mode")

    def test_is_not_put_off_when_money_could_not_help(self) -> None:
        closed = facts(closed={"small": "no price", "large": "no price"})
        unsure = next_route(closed, "local", 0.1)
        assert unsure
        assert not unsure.put_off
        asked = replace(self.spent, tried=("small", "large"))
        for_all_that = next_route(asked, "local", 0.1)
        assert for_all_that
        assert not for_all_that.put_off

    def test_has_not_been_tried_by_the_tier_whose_door_was_closed(self) -> None:
        alone = replace(self.spent, tiers=self.spent.tiers[1:])
        found = fallback(alone, "small", "the budget is spent")
        assert found
        assert (found.queue, found.put_off, found.tried) == (None, True, ())

    def test_goes_on_at_the_next_tier_when_it_is_taken_up_again(self) -> None:
        again = facts(tried=("local",), opinion=0.3)
        assert (route(again).tier, route(again).reason) == ("small", "local was unsure before")
        assert route(replace(self.spent, tried=("local",), opinion=0.3)).tier == "local", "there is no other yet"


def test_an_essay_that_swayed_a_tier_goes_to_a_teacher_and_its_student_is_not_told_why() -> None:
    found = swayed(facts(tried=("local",)), "small", 4.5)
    assert (found.queue, found.tier, found.tried) == (None, "teacher", ("local", "small"))
    assert found.reason == "small read it twice, and its marks differ by 4.5 points; a teacher should look at it"
    assert "too little" in swayed(facts(), "local", None).reason
