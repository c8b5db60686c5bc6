"""grading/simulation/month.py, assumptions.py and plans.py: what a month costs, to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from grading.simulation.assumptions import Assumptions, Machine, draw
from grading.simulation.month import Stage, priced, run, stages
from grading.simulation.plans import plans, what_ifs
from grading.simulation.replay import NEW
from grading.simulation.traffic import Recorded
from tests.grading.simulation.months import LARGE, LOCAL, SMALL, UNSURE, assumptions, essays

# Tokens of one call of ours with 800 English characters and the prompt v1 (tests of `calls`): 1,195 and 570.
SMALL_CALL = (1195 * Decimal("0.50") + 570 * Decimal("1.50")) / 1_000_000
LARGE_CALL = (1195 * Decimal(10) + 570 * Decimal(30)) / 1_000_000
GUIDE_CALL = Decimal("0.044")
MACHINE = 24 * Decimal("3.60")


def by_name(given: Assumptions, **columns: object) -> dict[str, Stage]:
    return {stage.stage: stage for stage in stages(given, essays(*range(0, 100, 10), **columns))}


class TestStages:
    """Ten essays, ten seconds apart: one comes twice, one may ride in a batch, local is unsure of two, small of one."""

    found = by_name(
        assumptions(),
        repeats=[NEW] * 9 + [2],
        late=[True] + [False] * 9,
        luck={"local": [UNSURE] * 2 + [1.0] * 8, "small": [UNSURE] + [1.0] * 9},
    )

    def test_begin_with_the_guides_call_for_every_essay(self) -> None:
        assert self.found["baseline"].cost == 10 * GUIDE_CALL

    def test_have_a_shorter_prompt_and_reply_next(self) -> None:
        assert self.found["prompt"].cost == 10 * LARGE_CALL

    def test_do_not_pay_twice_for_the_same_text(self) -> None:
        assert self.found["cache"].cost == 9 * LARGE_CALL
        assert self.found["cache"].cached == 1

    def test_pay_for_the_small_models_failed_try_as_well(self) -> None:
        assert self.found["routing"].cost == 9 * SMALL_CALL + LARGE_CALL
        assert self.found["routing"].calls == {"small": 9, "large": 1}

    def test_pay_for_the_machine_whether_it_is_busy_or_not(self) -> None:
        local = self.found["local"]
        assert local.machine_cost == MACHINE
        assert local.cost == MACHINE + 2 * SMALL_CALL + LARGE_CALL
        assert local.calls == {"local": 9, "small": 2, "large": 1}

    def test_pay_half_for_a_batch_at_last(self) -> None:
        # The first essay's call to small is in a batch; a day later its call to large is not.
        assert self.found["batch"].cost == MACHINE + Decimal("1.5") * SMALL_CALL + LARGE_CALL
        assert self.found["batch"].batched == 1

    def test_know_how_busy_the_machine_was(self) -> None:
        assert self.found["routing"].utilisation is None
        assert self.found["local"].utilisation == pytest.approx(9 * 10 / 86_400)


class TestHostedCalls:
    def test_are_made_and_paid_twice_when_the_first_reply_is_no_grade(self) -> None:
        given, month = assumptions(), essays(0.0, 1.0, retried=[True, False])
        found = priced("x", given, month, run(given, month, (LARGE,)))
        assert found.cost == 3 * LARGE_CALL
        assert found.calls == {"large": 3}

    def test_cost_less_for_what_the_provider_has_cached(self) -> None:
        # The verbose prompt has 2,274 tokens in common, 2,176 of which are whole steps of 128. The second essay comes
        # four minutes after the first, the third six minutes after that, the fourth of another assignment.
        large = LARGE.model_copy(update={"model": "gpt-4.1"})
        given = assumptions(prompts={"en": "verbose", "zh": "verbose"})
        month = essays(0.0, 240.0, 600.0, 601.0, assignment=[1, 1, 1, 2])
        one = 2450 * Decimal(2) + 570 * Decimal(8)
        found = priced("x", given, month, run(given, month, (large,)))
        assert found.cost == (4 * one - 2176 * Decimal("1.5")) / 1_000_000
        uncached = priced("x", given, month, run(given, month, (large,), cache=False))
        assert uncached.cost == 4 * one / 1_000_000

    def test_cost_more_when_prices_rise(self) -> None:
        given, month = assumptions(price_factor=Decimal(2)), essays(0.0)
        assert priced("x", given, month, run(given, month, (SMALL,))).cost == 2 * SMALL_CALL


class TestEssaysOfAMonth:
    def test_are_the_same_with_the_same_seed_and_others_with_another(self) -> None:
        given = assumptions(essays=50, days=2)
        first, again, other = draw(given), draw(given), draw(replace(given, seed=1))
        assert (first.times == again.times).all()
        assert not (first.times == other.times).all()
        assert len(first.times) == 100
        assert [stage.cost for stage in stages(given, first)] == [stage.cost for stage in stages(given, again)]

    def test_have_what_the_recorded_ones_have(self) -> None:
        recorded = Recorded(np.array([5.0, 9.0]), np.array([300, 900]), np.array([True, False]))
        found = draw(assumptions(essays=2, days=2), recorded)
        assert found.times.tolist() == [5, 9, 86_405, 86_409]
        assert found.characters.tolist() == [300, 900, 300, 900]
        assert found.chinese.tolist() == [True, False, True, False]


class TestAMonth:
    def test_costs_no_less_than_nothing_and_loses_no_essay(self) -> None:
        odd = {"repeats": 0.1, "retries": 0.1, "chinese": 0.5, "complex": 0.1}
        given = assumptions(essays=400, days=2, machine=Machine(rate=0.02), **odd)
        month = draw(given)
        for stage in stages(given, month):
            assert stage.cost >= stage.machine_cost >= 0
            assert stage.cached <= 800
            done = sum(stage.calls.values())
            assert done + stage.cached >= 800

    def test_with_more_machines_makes_nobody_wait_longer(self) -> None:
        # Only local, so that as many come to them; who overflows to a provider makes room for others.
        given = assumptions(essays=300, days=2)
        month = draw(given)
        machines = (Machine(workers=count, rate=0.01, at_once=4) for count in (1, 2, 5))
        ended = [run(replace(given, machine=machine), month, (LOCAL,)).ended for machine in machines]
        for fewer, more in pairwise(ended):
            assert (np.nan_to_num(more) <= np.nan_to_num(fewer) + 1e-6).all()


class TestPlans:
    def test_are_hosted_only_local_only_and_both(self) -> None:
        given = assumptions()
        month = essays(0.0, 20.0, luck={"local": [UNSURE, 1.0]})
        found = {plan.stage: plan for plan in plans(given, month, {s.stage: s for s in stages(given, month)})}
        assert found["A"].cost == 2 * SMALL_CALL
        assert (found["B"].cost, found["B"].reviewed) == (MACHINE, 1)
        assert (found["C"].cost, found["C"].reviewed) == (MACHINE + SMALL_CALL, 0)


class TestWhatIfs:
    def test_change_one_thing_each(self) -> None:
        given = assumptions(essays=200, late=0.5, repeats=0.2, machine=Machine(hour_usd=Decimal(1)))
        month = draw(given)
        last = list(stages(given, month))[-1]
        found = {one.stage: one for one in what_ifs(given, month, None)}
        assert found["essays × 2"].essays == 400
        assert found["machines × 2"].machine_cost == 2 * last.machine_cost
        assert found["machine down"].calls["local"] == 0
        assert found["machine down"].machine_cost == last.machine_cost
        assert found["hosted prices × 2"].cost - last.machine_cost == 2 * (last.cost - last.machine_cost)
        assert found["no repeats"].cached == 0
        assert found["all complex"].calls["large"] == 200 - found["all complex"].cached
        assert found["unsure × 2"].calls["small"] > last.calls["small"]
        assert (found["no batches"].batched, last.batched > 0) == (0, True)
