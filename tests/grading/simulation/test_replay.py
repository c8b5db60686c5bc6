"""grading/simulation/replay.py: essays go where routing sends them, and wait as long as queues are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.costs.budget import Scope
from grading.routing import BATCH_WINDOW, Facts, Route, next_route, route
from grading.simulation.month import run
from grading.simulation.queueing import DAY, Queue
from grading.simulation.replay import COMPLEX, NEW, SIMPLE, USUAL, Decisions, Essays, Platform, Replayed, complexity_of
from models import Period
from tests.grading.simulation.months import LARGE, LOCAL, SMALL, UNSURE, assumptions, essays

CASCADE = (LOCAL, SMALL, LARGE)


def asked(done: Replayed) -> dict[Any, list[int]]:
    """Which essays each tier was asked about; those in a batch apart."""
    return {tier if not batch else f"{tier} in a batch": rows for (tier, batch), rows in done.calls.items()}


class TestEssays:
    def test_wait_for_the_local_machine_in_turn(self) -> None:
        # One at a time, ten seconds each: they begin at 0, 10 and 20.
        done = run(assumptions(), essays(0.0, 1.0, 2.0), CASCADE)
        assert asked(done) == {"local": [0, 1, 2]}
        assert done.began.tolist() == [0, 10, 20]
        assert done.ended.tolist() == [10, 20, 30]

    def test_go_on_to_the_next_tier_when_the_first_is_unsure(self) -> None:
        # Local until 10, small from 10 to 15, large from 15 to 20.
        done = run(assumptions(), essays(0.0, luck={"local": [UNSURE], "small": [UNSURE]}), CASCADE)
        assert asked(done) == {"local": [0], "small": [0], "large": [0]}
        assert done.began.tolist() == [0]
        assert done.ended.tolist() == [20]
        assert done.reviewed == 0

    def test_go_to_a_teacher_when_nobody_is_sure(self) -> None:
        done = run(assumptions(), essays(0.0, 1.0, luck={"local": [UNSURE, 1.0]}), (LOCAL,))
        assert asked(done) == {"local": [0, 1]}
        assert done.reviewed == 1

    def test_that_come_again_as_they_were_are_answered_by_the_cache(self) -> None:
        # The first has its grade at 10: who hands it in again before is graded as well, and has a grade at 20.
        again = essays(0.0, 9.0, 10.0, 20.0, repeats=[NEW, 0, 0, 1])
        done = run(assumptions(), again, CASCADE)
        assert (asked(done), done.cached) == ({"local": [0, 1]}, 2)
        assert math.isnan(done.ended[2])
        assert asked(run(assumptions(), again, CASCADE, cache=False)) == {"local": [0, 1, 2, 3]}

    def test_that_nobody_could_grade_are_no_grade_for_the_next(self) -> None:
        again = essays(0.0, 100.0, repeats=[NEW, 0], luck={"local": [UNSURE, UNSURE]})
        assert run(assumptions(), again, (LOCAL,)).cached == 0

    def test_start_at_the_next_tier_when_the_machine_is_too_far_behind(self) -> None:
        # Two hundred at once keep the machine busy for 2,000 seconds. After 1,801 of them the next has waited longer
        # than 1,800, so who comes then starts at the small tier; after 2,001 nobody waits.
        done = run(assumptions(), essays(*[0.0] * 200, 1801.0, 2001.0), CASCADE)
        assert asked(done) == {"local": [*range(200), 201], "small": [200]}

    def test_are_graded_by_the_local_model_once_a_budget_is_spent(self) -> None:
        # A complex essay costs two cents and more; the budget of one cent is passed by one call, as it may be.
        given = assumptions(budgets={("platform", Period.day): Decimal("0.01")})
        done = run(given, essays(0.0, 1.0, DAY + 1, kind=[COMPLEX] * 3), CASCADE)
        assert asked(done) == {"large": [0, 2], "local": [1]}
        monthly = replace(given, budgets={("platform", Period.month): Decimal("0.01")})
        month = run(monthly, essays(0.0, DAY), (LARGE,))
        assert (asked(month), month.reviewed, month.put_off) == ({"large": [0]}, 1, 1)

    def test_wait_for_the_next_days_budget_where_nothing_else_can_grade_them(self) -> None:
        given = assumptions(budgets={("platform", Period.day): Decimal("0.01")})
        done = run(given, essays(0.0, 1.0, DAY + 7, luck={"local": [UNSURE, 0.001, 1.0]}), (LOCAL, LARGE))
        assert asked(done) == {"local": [0, 1, 2], "large": [0, 1]}
        assert (done.put_off, done.reviewed) == (1, 0)
        assert done.ended[1] == DAY + 7 + 5, "taken up when the next one comes, at the tier that had no money"

    @pytest.mark.parametrize(("scope", "stopped"), [("user", [1]), ("class", [1, 2]), ("platform", [1, 2, 3])])
    def test_are_stopped_by_the_budget_of_their_own_student_class_or_platform(
        self, scope: Scope, stopped: list[int]
    ) -> None:
        # The first two are of one student, the third of another in that class, the fourth of another class.
        given = assumptions(budgets={(scope, Period.day): Decimal("0.01")}, class_size=40)
        done = run(given, essays(0.0, 1.0, 2.0, 3.0, student=[0, 0, 39, 40]), (LARGE,))
        assert asked(done) == {"large": [i for i in range(4) if i not in stopped]}
        assert done.reviewed == done.put_off == len(stopped)

    def test_who_has_a_budget_left_is_not_kept_back_by_who_waits_for_his(self) -> None:
        given = assumptions(
            budgets={("user", Period.month): Decimal("0.01"), ("platform", Period.day): Decimal("0.01")}
        )
        done = run(given, essays(0.0, 1.0, 2.0, DAY + 1, student=[0, 0, 1, 2]), (LARGE,))
        assert asked(done) == {"large": [0, 2]}
        assert done.reviewed == 2, "the first student's second essay, and the last, as that day's money is spent"

    def test_that_are_complex_go_to_the_best_at_once(self) -> None:
        assert asked(run(assumptions(), essays(0.0, kind=[COMPLEX]), CASCADE)) == {"large": [0]}

    def test_are_graded_elsewhere_while_the_machine_is_down(self) -> None:
        done = run(assumptions(), essays(0.0), CASCADE, closed={"local": "down"})
        assert asked(done) == {"small": [0]}

    def test_that_are_wanted_late_ride_in_a_batch_and_then_are_in_a_hurry(self) -> None:
        # Two days are left at first, and one when the batch is back with an unsure grade: too few for another.
        late = essays(0.0, late=[True], luck={"small": [UNSURE]})
        done = run(assumptions(), late, (SMALL, LARGE), batches=True)
        assert asked(done) == {"small in a batch": [0], "large": [0]}
        assert done.ended.tolist() == [DAY + 5]
        assert asked(run(assumptions(), late, (SMALL, LARGE))) == {"small": [0], "large": [0]}


class TestKindsOfEssays:
    @pytest.mark.parametrize(("kind", "low", "high"), [(SIMPLE, 0.0, 0.3), (USUAL, 0.3, 0.7), (COMPLEX, 0.7, 1.0)])
    @pytest.mark.parametrize("characters", [300, 800, 1200])
    def test_are_as_complex_as_they_are_called(self, kind: int, low: float, high: float, characters: int) -> None:
        assert low <= complexity_of(kind, characters, "en").score < high


waits = st.sampled_from([0.0, 1799.0, 1801.0, 1e6])


class TestDecisions:
    """They are kept by what routing looks at; every one is what routing itself would have said."""

    @given(
        st.sampled_from([SIMPLE, USUAL, COMPLEX]),
        st.sampled_from([100, 499, 500, 4000]),
        st.booleans(),
        st.booleans(),
        waits,
        waits,
        st.sampled_from([{}, {"local": "down"}, {"large": "saving mode"}]),
    )
    def test_of_where_an_essay_starts_are_routings(
        self,
        kind: int,
        characters: int,
        chinese: bool,
        late: bool,
        local_wait: float,
        hosted_wait: float,
        closed: Mapping[str, str],
    ) -> None:
        one = essays(0.0, kind=[kind], characters=[characters], chinese=[chinese], late=[late])
        queues = {"local": Waiting(local_wait), "openai": Waiting(hosted_wait)}
        decisions = decide(one, queues=queues, closed=closed, batches=True)
        facts = Facts(
            characters,
            CASCADE,
            assumptions().thresholds,
            complexity_of(kind, characters, "zh" if chinese else "en"),
            closed,
            wait_s={"local": local_wait, "openai": hosted_wait},
            due_s=2 * DAY if late else None,
        )
        assert decisions.start(0, 0.0) == route(facts)

    @given(
        st.sampled_from(["local", "small", "large"]),
        st.floats(0, 1),
        st.sampled_from([(), ("local",), ("local", "small")]),
        st.sampled_from([None, 100.0, BATCH_WINDOW, 1e6]),
    )
    def test_of_what_follows_a_grade_are_routings(
        self, tier: str, luck: float, tried: tuple[str, ...], due_s: float | None
    ) -> None:
        # Others before it, so that kept answers are used.
        few = essays(*[0.0] * 21, luck={name: [*np.linspace(0, 1, 20), luck] for name in ("local", "small", "large")})
        decisions = decide(few)
        for i in range(21):
            found = decisions.after(i, Route("openai", tier, "", tried=tried), due_s)
            facts = Facts(0, CASCADE, assumptions().thresholds, tried=tried, due_s=due_s)
            expected = next_route(facts, tier, decisions.confidence(tier, i))
            assert where(found) == where(expected)

    def test_accept_the_stated_share(self) -> None:
        many = essays(*[0.0] * 1000, luck={"local": np.linspace(0, 1, 1000), "small": np.linspace(0, 1, 1000)})
        stands = decide(many).stands
        assert np.mean(stands["local"]) == pytest.approx(0.90, abs=0.002)
        assert np.mean(stands["small"]) == pytest.approx(0.82, abs=0.002)
        assert all(stands["large"])


class Waiting(Queue):
    """A queue whose next essay has waited for so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1, 1.0)
        self._waited = seconds

    def wait(self, at: float) -> float:
        return self._waited


def decide(of: Essays, **others: Any) -> Decisions:
    given = assumptions()
    queues = {"local": Queue(1, 10.0), "openai": Queue(1, 10.0)}
    return Decisions(of, replace(Platform(CASCADE, given.thresholds, given.accepted, queues), **others))


def where(to: Route | None) -> tuple[str | None, str, tuple[str, ...]] | None:
    return None if to is None else (to.queue, to.tier, to.tried)
