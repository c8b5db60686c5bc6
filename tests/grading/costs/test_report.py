"""grading/costs/report.py, attribution.py, rollup.py and running.py: reports from the sums are those of the ledger."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, product
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, update

from grading.costs import savings
from grading.costs.attribution import Attribution, attribution, concentration, of_class
from grading.costs.report import Costs, Iceberg, PromptShape, Spent, costs, iceberg, of_assignment, sums_of
from grading.costs.rollup import forget, roll_up
from models import CallOutcome, CostHour, CostRollup, CostTotal, LlmCall, OwnerTotal, SavingHour
from models.session import engine, session, snapshot
from tests.factories import School, make_call, make_saving, make_school

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""The present of these tests."""
BEGIN = NOON - timedelta(days=5)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def school(database: None) -> School:
    return make_school()


def rolled(at: datetime = NOON) -> None:
    with session() as db:
        while roll_up(db, at):
            db.commit()
        db.commit()


def forgotten() -> None:
    with session() as db:
        for table in (CostHour, CostTotal, OwnerTotal, SavingHour, CostRollup):
            db.execute(delete(table))
        db.commit()


def told(begin: datetime = BEGIN, end: datetime = NOON) -> tuple[Costs, Iceberg, Attribution]:
    shapes = {"grade/en/compact": PromptShape(500, 0), "grade/en/verbose": PromptShape(900, 600)}
    with snapshot() as db:
        return costs(db, begin, end), iceberg(sums_of(db, begin, end), shapes), attribution(db, begin, end)


def told_of_classes(school: School, begin: datetime, end: datetime) -> list[Any]:
    class_id = school.school_class.id
    with snapshot() as db:
        saved = [savings.total(db, begin, end, whose) for whose in (class_id, None)]
        return [of_class(db, class_id, begin, end), *saved]


class TestCosts:
    def test_calls_count_by_model_feature_and_hour_from_the_moment_they_began(self, school: School) -> None:
        make_call(NOON - timedelta(minutes=90), "0.01")
        make_call(NOON - timedelta(minutes=80), "0.03", model="gpt-4.1", feature="ask")
        make_call(NOON + timedelta(seconds=1), "9")
        found, _, _ = told()
        assert found.whole == Spent(2, 2000, 800, 200, Decimal("0.04"), Decimal("0.08"))
        assert found.whole.saved == Decimal("0.04")
        assert list(found.by_model) == ["gpt-4.1", "gpt-4.1-mini"]
        assert found.by_feature["ask"].cost == Decimal("0.03")
        assert list(found.by_hour) == [NOON - timedelta(hours=2)]

    def test_one_that_is_not_over_counts_its_estimate(self, school: School) -> None:
        make_call(NOON - timedelta(minutes=5), cost="0", outcome=CallOutcome.started)
        with session() as db:
            db.execute(update(LlmCall).values(cost=None, prompt_tokens=None, baseline_cost=None))
            db.commit()
        assert told()[0].whole.cost == Decimal("0.02")

    def test_without_calls_there_is_nothing(self, school: School) -> None:
        found, parts, who = told()
        assert (found.whole, found.by_hour, parts.whole, who.users) == (Spent(), {}, 0, [])


class TestRollUp:
    @pytest.mark.parametrize("noon", [NOON, NEW_YEAR + timedelta(days=1, hours=12)])
    def test_reports_from_the_sums_are_those_of_the_ledger(self, school: School, noon: datetime) -> None:
        dice = random.Random(noon.day)  # noqa: S311
        begin = noon - timedelta(days=2)
        people = [school.student.id, school.classmate.id, None]
        classes = [school.school_class.id, school.other_class.id, None]
        moments = [begin + timedelta(seconds=dice.randrange(2 * 86_400)) for _ in range(40)]
        for at in moments:
            make_saving(dice.choice(classes), baseline="0.5", prompt=str(dice.randrange(100) / 1000), at=at)
        ids = []
        for at in moments:
            ids.append(
                make_call(
                    at,
                    str(dice.randrange(1000) / 10_000),
                    model=dice.choice(["gpt-4.1", "gpt-4.1-mini"]),
                    feature=dice.choice(["grade", "ask"]),
                    prompt_version=dice.choice(["grade/en/compact", "grade/en/verbose"]),
                    outcome=dice.choice([CallOutcome.ok, CallOutcome.retried, CallOutcome.escalated]),
                    user_id=dice.choice(people),
                    class_id=dice.choice(classes),
                )
            )
            if dice.random() < 0.1:
                rolled(begin + timedelta(seconds=dice.randrange(2 * 86_400)))
            if dice.random() < 0.3:
                correct(dice.choice(ids), cost=Decimal("0.5"), outcome=CallOutcome.lost)
        rolled(noon - timedelta(minutes=30))
        make_call(noon - timedelta(minutes=2), "0.7", user_id=school.student.id, class_id=school.school_class.id)
        midnight = noon - timedelta(hours=12)
        ends = [begin + timedelta(minutes=37), midnight - timedelta(days=1), midnight, noon]
        periods = [period for period in product(ends, ends) if period[0] < period[1]]

        def everything() -> list[Any]:
            return [(told(*period), told_of_classes(school, *period)) for period in periods]

        from_sums = everything()
        assert all(rows_of(table) for table in (CostHour, CostTotal, OwnerTotal, SavingHour))
        forgotten()
        for period, from_them, from_ledger in zip(periods, from_sums, everything(), strict=True):
            assert from_them == from_ledger, period

    def test_a_correction_of_an_old_hour_comes_with_the_next_turn(self, school: School) -> None:
        old = make_call(NOON - timedelta(days=2))
        rolled()
        correct(old, cost=Decimal("0.7"))
        assert told()[0].whole.cost == Decimal("0.01")
        rolled()
        assert told()[0].whole.cost == Decimal("0.7")

    def test_what_an_essay_saved_is_counted_though_it_was_committed_after_its_hour_was_added_up(
        self, school: School
    ) -> None:
        make_call(NOON - timedelta(days=1))
        rolled(NOON + timedelta(minutes=1))
        make_saving(school.school_class.id, baseline="1", at=NOON - timedelta(minutes=1))
        rolled(NOON + timedelta(minutes=8))
        assert told_of_classes(school, BEGIN, NOON)[1].baseline == 1

    def test_what_came_since_is_read_from_the_ledger(self, school: School) -> None:
        make_call(NOON - timedelta(days=1))
        rolled(NOON - timedelta(hours=5))
        make_call(NOON - timedelta(hours=1), user_id=school.student.id)
        found, _, who = told()
        assert found.whole.calls == 2
        assert who.users[0].key == school.student.id

    def test_a_turn_goes_a_day_on_and_says_whether_more_is_to_be_done(self, school: School) -> None:
        make_call(BEGIN)
        with session() as db:
            turns = 1
            while roll_up(db, NOON):
                turns += 1
            db.commit()
            assert db.scalar(select(CostRollup.until)) == NOON
        assert turns == 6

    def test_a_turn_that_is_not_committed_changes_nothing(self, school: School) -> None:
        make_call(BEGIN)
        with session() as db:
            roll_up(db, NOON)
            db.rollback()
        assert rows_of(CostHour) == 0
        rolled()
        assert told()[0].whole.calls == 1

    def test_a_report_is_of_one_moment_whatever_is_committed_while_it_is_read(self, school: School) -> None:
        mine = {"user_id": school.student.id, "class_id": school.school_class.id}
        old = make_call(NOON - timedelta(hours=5), **mine)
        make_call(NOON - timedelta(hours=1), **mine)
        make_saving(school.school_class.id, baseline="1", at=NOON - timedelta(hours=5))
        rolled(NOON - timedelta(hours=3))
        turns = count(1)

        def goes_on() -> None:
            """Another call and essay, a correction, and a turn of upkeep."""
            turn = next(turns)
            make_call(NOON - timedelta(minutes=turn), **mine)
            make_saving(school.school_class.id, baseline="1", at=NOON - timedelta(minutes=turn))
            correct(old, cost=Decimal(turn))
            rolled()

        def everything() -> tuple[Any, ...]:
            return told(), told_of_classes(school, BEGIN, NOON)

        before = everything()
        with after_every_statement(goes_on):
            seen = told()
        assert seen == before[0]
        assert sum(hour.cost for hour in seen[0].by_hour.values()) == seen[0].whole.cost
        assert seen[2].users[0].cost == seen[2].whole
        before = everything()
        with after_every_statement(goes_on):
            assert told_of_classes(school, BEGIN, NOON) == before[1]


class TestForget:
    def test_sums_of_this_year_and_two_before_are_kept_and_the_rest_is_read_from_the_ledger(
        self, school: School
    ) -> None:
        for number, at in enumerate((NEW_YEAR - timedelta(hours=1), NEW_YEAR, NEW_YEAR + timedelta(days=1)), 1):
            make_call(at, f"0.{number}", user_id=school.student.id)
            make_saving(school.school_class.id, baseline="1", at=at)
        rolled(NEW_YEAR + timedelta(days=2))
        with session() as db:
            forget(db)
            assert db.scalar(select(func.min(CostHour.hour))) == NEW_YEAR - timedelta(hours=1)
            db.execute(update(CostRollup).values(until=NEW_YEAR.replace(year=2028, month=3)))
            forget(db)
            db.commit()
            oldest = [db.scalar(select(func.min(of))) for of in (CostHour.hour, SavingHour.hour, CostTotal.until)]
            assert oldest == [NEW_YEAR, NEW_YEAR, NEW_YEAR + timedelta(hours=1)]
            assert db.scalar(select(func.min(OwnerTotal.until))) == NEW_YEAR + timedelta(days=1)
        period = NEW_YEAR - timedelta(days=1), NEW_YEAR + timedelta(days=1, hours=1)
        found, _, who = told(*period)
        assert (found.whole.cost, who.users[0].cost) == (Decimal("0.6"), Decimal("0.6"))
        assert told_of_classes(school, *period)[1].baseline == 3


class TestIceberg:
    """1,000 tokens of prompt at two dollars a million, of which 400 are cached at one."""

    def test_parts_add_up_to_all_that_was_spent(self, school: School) -> None:
        make_call(NOON - timedelta(hours=3), "0.01")
        make_call(NOON - timedelta(hours=3), "0.02", outcome=CallOutcome.retried)
        make_call(NOON - timedelta(hours=3), "0.03", outcome=CallOutcome.escalated)
        parts = told()[1]
        assert (parts.retries, parts.wrong_model) == (Decimal("0.02"), Decimal("0.03"))
        assert parts.cache == Decimal("0.0001")  # 500 are the same for all, 400 were cached: 100 at a dollar less
        assert parts.whole == Decimal("0.06")

    def test_a_verbose_prompt_is_redundant_by_what_the_compact_one_does_without(self, school: School) -> None:
        make_call(NOON - timedelta(hours=3), prompt_version="grade/en/verbose", cached_tokens=0)
        parts = told()[1]
        assert parts.prompt == Decimal("0.0012")  # 600 of 1,000
        assert parts.cache == Decimal("0.0003")  # the other 300 of 900
        assert parts.direct == Decimal("0.01") - Decimal("0.0015")


class TestAttribution:
    def test_names_users_classes_and_features_the_dearest_first(self, school: School) -> None:
        for user, cost in ((school.student, "0.3"), (school.classmate, "0.1"), (school.student, "0.1")):
            make_call(NOON - timedelta(hours=3), cost, user_id=user.id, class_id=school.school_class.id)
        make_call(NOON - timedelta(hours=3), "0.5", feature="evaluate")
        who = told()[2]
        assert [(one.key, one.cost) for one in who.users] == [
            (school.student.id, Decimal("0.4")),
            (school.classmate.id, Decimal("0.1")),
        ]
        assert [one.key for one in who.classes] == [school.school_class.id]
        assert [one.key for one in who.features] == ["evaluate", "grade"]
        assert (who.whole, who.spenders) == (Decimal("1.0"), 2)

    def test_concentration_is_the_share_of_the_dearest(self) -> None:
        found = concentration([Decimal(91), *[Decimal(1)] * 9])
        assert (found[0.1], found[1.0]) == (0.91, 1.0)
        assert found[0.05] == 0.455
        assert concentration([]) == {}

    def test_a_class_and_an_assignment_have_their_own(self, school: School) -> None:
        mine = {"class_id": school.school_class.id, "assignment_id": school.assignment.id}
        make_call(NOON - timedelta(days=1), "0.3", **mine)
        make_call(NOON - timedelta(hours=1), "0.1", **mine)
        make_call(NOON - timedelta(hours=1), "0.5", class_id=school.other_class.id)
        rolled(NOON - timedelta(hours=3))
        with snapshot() as db:
            assert of_class(db, school.school_class.id, BEGIN, NOON).cost == Decimal("0.4")
            assert of_assignment(db, school.assignment.id).cost == Decimal("0.4")


def correct(call_id: uuid.UUID, **values: Any) -> None:
    with session() as db:
        db.execute(update(LlmCall).where(LlmCall.id == call_id).values(values))
        db.commit()


@contextmanager
def after_every_statement(happens: Callable[[], object]) -> Iterator[None]:
    """Something is committed by others after each statement of this process's, but not after its own."""
    own = False

    def happen(*_: object) -> None:
        nonlocal own
        if not own:
            own = True
            happens()
            own = False

    event.listen(engine(), "after_cursor_execute", happen)
    yield
    event.remove(engine(), "after_cursor_execute", happen)


def rows_of(table: type) -> int:
    with session() as db:
        return len(db.scalars(select(table)).all())
