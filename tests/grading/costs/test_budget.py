from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, delete, func, select, update
from sqlalchemy.orm import Session

from grading.costs import budget, ledger
from grading.costs.budget import BudgetSpent, applies, bounds, is_spent, starts_on
from grading.costs.ledger import Call, Ending
from grading.costs.prices import price_of
from grading.costs.tariff import Bill
from grading.engines.engine import Usage
from models import Budget, BudgetSpending, CallOutcome, LlmCall, Period
from models.base import now
from models.session import session
from settings import settings
from tests.conftest import use_environment
from tests.factories import School, make_essay, make_school

DAY, MONTH = Period.day, Period.month
CENT = Decimal("0.01")


def an(amount: str | Decimal = CENT, school: School | None = None, **fields: Any) -> Call:
    """A call with that estimate, of the school's student if there is one."""
    owners = {"user_id": school.student.id, "class_id": school.school_class.id} if school else {}
    values: dict[str, Any] = {
        "feature": "grade",
        "tier": "small",
        "model": "gpt-4o-mini",
        "engine_version": "openai 3",
        "prompt_version": "grade/en/v1",
        "estimated_cost": Decimal(amount),
        "price": price_of("gpt-4o-mini").to_json(),
    }
    return Call(uuid.uuid4().hex, **(values | owners | fields))


def put(scope: Any = "platform", subject: uuid.UUID | None = None, period: Period = DAY, **limits: str) -> Budget:
    amounts = {name: Decimal(limits[name]) if name in limits else None for name in ("soft", "hard")}
    with session() as db:
        made = budget.put(db, scope, subject, period, **amounts)
        db.commit()
        return made


def open_call(call: Call) -> uuid.UUID:
    with session() as db:
        call_id = ledger.open_call(db, call)
        db.commit()
        return call_id


def settle(call_id: uuid.UUID, cost: str | None, outcome: CallOutcome = CallOutcome.ok) -> None:
    bill = Bill(None if cost is None else Decimal(cost))
    with session() as db:
        ledger.settle(db, call_id, Ending(outcome, bill, latency_s=1, usage=Usage(100, 0, 10)))
        db.commit()


def spent(of: Budget, subject: uuid.UUID = budget.PLATFORM) -> Decimal:
    with session() as db:
        return db.scalar(select(BudgetSpending.spent_usd).filter_by(budget_id=of.id, subject=subject)) or Decimal(0)


def in_the_ledger() -> Decimal:
    with session() as db:
        return db.scalar(select(func.sum(func.coalesce(LlmCall.cost, LlmCall.estimated_cost)))) or Decimal(0)


def why(class_id: uuid.UUID | None = None, user_id: uuid.UUID | None = None) -> str | None:
    with session() as db:
        return budget.why_spent(db, class_id, user_id)


class TestThePeriod:
    def test_is_of_the_schools_calendar(self) -> None:
        late = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
        assert starts_on(DAY, late, "UTC") == date(2026, 11, 30)
        assert starts_on(DAY, late, "Asia/Shanghai") == date(2026, 12, 1)
        assert starts_on(MONTH, late, "UTC") == date(2026, 11, 1)
        assert starts_on(MONTH, late, "Asia/Shanghai") == date(2026, 12, 1)

    def test_begins_and_ends_where_the_calendar_says(self) -> None:
        begins, ends = bounds(DAY, date(2026, 12, 1), "Asia/Shanghai")
        assert (begins, ends) == (datetime(2026, 11, 30, 16, tzinfo=UTC), datetime(2026, 12, 1, 16, tzinfo=UTC))
        assert bounds(MONTH, date(2026, 12, 1), "UTC")[1] == datetime(2027, 1, 1, tzinfo=UTC)

    def test_is_as_long_as_a_day_is_where_clocks_change(self) -> None:
        begins, ends = bounds(DAY, date(2026, 3, 29), "Europe/Berlin")
        assert ends - begins == timedelta(hours=23)

    @pytest.mark.parametrize("period", Period)
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
    def test_holds_each_moment_once(self, period: Period, zone: str) -> None:
        for hours in range(0, 24 * 400, 7):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
            begins, ends = bounds(period, starts_on(period, at, zone), zone)
            assert begins <= at < ends


class TestWhichBudgetsApply:
    mine, other = uuid.uuid4(), uuid.uuid4()

    def names(self, *budgets: Budget) -> Iterable[str]:
        return [f"{b.scope} {b.user_id and 'own'}" for b in applies(budgets, None, self.mine)]

    def test_ones_own_goes_before_that_of_each(self) -> None:
        each, own = Budget(scope="user", period=DAY), Budget(scope="user", period=DAY, user_id=self.mine)
        assert applies([each], None, self.mine) == [each]
        assert applies([each, own], None, self.mine) == [own]
        assert applies([each, own], None, self.other) == [each]

    def test_for_another_period_it_does_not(self) -> None:
        each, own = Budget(scope="user", period=MONTH), Budget(scope="user", period=DAY, user_id=self.mine)
        assert applies([each, own], None, self.mine) == [each, own]

    def test_what_is_nobodys_is_limited_by_the_platforms_alone(self) -> None:
        platform, each = Budget(scope="platform", period=DAY), Budget(scope="user", period=DAY)
        assert applies([platform, each, Budget(scope="class", period=DAY)], None, None) == [platform]


def test_a_budget_is_spent_from_its_hard_limit_on() -> None:
    assert not is_spent(Decimal("0.99"), Decimal(1))
    assert is_spent(Decimal(1), Decimal(1))
    assert is_spent(Decimal(0), Decimal(0))
    assert not is_spent(Decimal(10**6), None)


class TestACall:
    def test_is_counted_with_its_estimate_and_then_with_its_cost(self, database: None) -> None:
        limit = put(hard="1")
        call_id = open_call(an("0.30"))
        assert spent(limit) == Decimal("0.30")
        settle(call_id, "0.07")
        assert spent(limit) == Decimal("0.07") == in_the_ledger()

    @pytest.mark.parametrize("outcome", [CallOutcome.failed, CallOutcome.abandoned])
    def test_of_which_nobody_knows_what_it_cost_stays_counted_with_its_estimate(
        self, outcome: CallOutcome, database: None
    ) -> None:
        limit = put(hard="1")
        settle(open_call(an("0.30")), None, outcome)
        assert spent(limit) == Decimal("0.30")

    def test_that_was_lost_stays_counted_once(self, database: None) -> None:
        limit = put(hard="1")
        call_id = open_call(an("0.30"))
        with session() as db:
            assert ledger.mark_lost(db, older_than=-1) == 1
            db.commit()
        settle(call_id, "0.07")
        assert spent(limit) == Decimal("0.30") == in_the_ledger()

    def test_that_is_opened_twice_is_counted_once(self, database: None) -> None:
        limit, call = put(hard="1"), an("0.30")
        assert open_call(call) == open_call(call)
        assert spent(limit) == Decimal("0.30")

    def test_whose_transaction_is_lost_is_not_counted(self, database: None) -> None:
        limit = put(hard="1")
        with session() as db:
            ledger.open_call(db, an("0.30"))
        assert spent(limit) == 0

    def test_whose_prompt_is_told_later_is_counted_anew(self, database: None) -> None:
        school = make_school()
        essay, limit = make_essay(school.student, school.assignment), put(hard="1")
        cut, whole = (open_call(an("0.30", essay_id=essay.id)) for _ in range(2))
        for call_id, guessed, tokens in ((cut, True, 900), (whole, False, 1000)):
            with session() as db:
                row = db.get_one(LlmCall, call_id)
                used = Usage(tokens, 0, 10)
                bill = Bill(price_of(row.model).cost(used))
                ledger.settle(
                    db, call_id, Ending(CallOutcome.ok, bill, latency_s=1, usage=used, prompt_estimated=guessed)
                )
                db.commit()
        assert spent(limit) == in_the_ledger() == 2 * price_of("gpt-4o-mini").cost(Usage(1000, 0, 10))


class TestAHardBudget:
    def test_lets_calls_through_until_it_is_spent(self, database: None) -> None:
        put(hard="0.02")
        open_call(an())
        open_call(an())
        with pytest.raises(BudgetSpent, match="the day's budget of the platform is spent"):
            open_call(an())
        assert in_the_ledger() == 2 * CENT, "what was refused leaves no row"

    def test_opens_again_when_calls_have_cost_less_than_was_set_aside(self, database: None) -> None:
        put(hard="0.02")
        first = open_call(an("0.02"))
        assert why() == "the day's budget of the platform is spent"
        settle(first, "0.005")
        assert why() is None
        open_call(an())

    def test_never_stops_what_costs_nothing(self, database: None) -> None:
        put(hard="0")
        open_call(an("0"))
        with pytest.raises(BudgetSpent):
            open_call(an())

    def test_of_a_class_or_a_user_stops_no_other(self, database: None) -> None:
        school = make_school()
        put("class", school.school_class.id, hard="0.01")
        put("user", school.other_student.id, MONTH, hard="0.01")
        open_call(an(school=school))
        with pytest.raises(BudgetSpent, match="the day's budget of the class"):
            open_call(an(school=school))
        other = {"class_id": school.other_class.id, "user_id": school.other_student.id}
        open_call(an(**other))
        with pytest.raises(BudgetSpent, match="the month's budget of the student"):
            open_call(an(**other))
        assert why(school.other_class.id, school.student.id) is None
        assert why(**other) == "the month's budget of the student is spent"

    def test_for_each_student_is_counted_by_student(self, database: None) -> None:
        school = make_school()
        each = put("user", hard="0.01")
        put("user", school.classmate.id, hard="0.03")
        for student in (school.student, school.classmate):
            open_call(an(user_id=student.id))
        with pytest.raises(BudgetSpent):
            open_call(an(user_id=school.student.id))
        open_call(an(user_id=school.classmate.id))
        assert spent(each, school.student.id) == CENT

    def test_for_each_student_has_nothing_to_do_with_what_is_nobodys(self, database: None) -> None:
        each = put("user", hard="0")
        settle(open_call(an()), "0.001")
        assert spent(each) == 0

    def test_is_whole_again_in_the_next_period(self, database: None) -> None:
        put(hard="0.01")
        open_call(an())
        with session() as db:
            db.execute(update(BudgetSpending).values(starts_on=date(2026, 1, 1)))
            db.commit()
        assert why() is None
        open_call(an())

    def test_what_was_spent_in_the_period_before_is_kept_and_no_longer(self, database: None) -> None:
        row, today = put(hard="1"), now().date()
        days = [today, today - budget.KEPT, today - budget.KEPT - timedelta(days=1)]
        with session() as db:
            db.execute(delete(BudgetSpending))
            for day in days:
                db.add(BudgetSpending(budget_id=row.id, subject=budget.PLATFORM, starts_on=day, spent_usd=CENT))
            budget.forget(db)
            db.commit()
            assert sorted(db.scalars(select(BudgetSpending.starts_on)), reverse=True) == days[:2]
        assert today.replace(day=1) - timedelta(days=31) >= today - budget.KEPT

    def test_keeps_out_of_many_those_that_are_too_much(self, database: None) -> None:
        put(hard="0.02")
        calls = [an(), an("0"), an(), an(), an("0")]
        with session() as db:
            opened = ledger.open_calls(db, calls)
            db.commit()
        assert [isinstance(each, BudgetSpent) for each in opened] == [False, False, False, True, False]
        with session() as db:
            assert set(db.scalars(select(LlmCall.request_id))) == {
                call.request_id for place, call in enumerate(calls) if place != 3
            }


class TestSettingABudget:
    def test_counts_what_was_spent_before_in_its_period(self, database: None) -> None:
        school = make_school()
        settle(open_call(an("0.30", school)), "0.10")
        open_call(an("0.20", school))
        old = open_call(an("5", school))
        with session() as db:
            db.execute(update(LlmCall).where(LlmCall.id == old).values(started_at=now() - timedelta(days=40)))
            db.commit()
        assert spent(put()) == Decimal("0.30")
        assert spent(put("class", school.school_class.id), school.school_class.id) == Decimal("0.30")
        assert spent(put("class", school.other_class.id), school.other_class.id) == 0
        assert spent(put("user", period=MONTH), school.student.id) == Decimal("0.30")

    def test_counts_calls_under_way_that_are_settled_after_it(self, database: None) -> None:
        under_way = open_call(an("0.30"))
        limit = put()
        settle(under_way, "0.10")
        assert spent(limit) == Decimal("0.10")

    def test_waits_for_a_call_that_is_being_written(self, database: None) -> None:
        made: list[Budget] = []
        setting = threading.Thread(target=lambda: made.append(put()))
        with session() as db:
            ledger.open_call(db, an("0.30"))
            setting.start()
            setting.join(0.3)
            assert made == [], "it waits"
            db.commit()
        setting.join(10)
        assert spent(made[0]) == Decimal("0.30")

    def test_again_changes_its_limits(self, database: None) -> None:
        open_call(an())
        first, second = put(hard="1"), put(soft="0.5")
        assert first.id == second.id
        assert (second.soft_usd, second.hard_usd) == (Decimal("0.5"), None)
        assert spent(second) == CENT

    def test_counts_by_the_schools_days(self, database: None) -> None:
        with use_environment({"PIZHU_TIME_ZONE": "Pacific/Kiritimati"}):  # 14 hours ahead
            call_id = open_call(an())
            begins, _ = bounds(DAY, starts_on(DAY, now(), "Pacific/Kiritimati"), "Pacific/Kiritimati")
            assert spent(put()) == CENT
            with session() as db:
                db.execute(
                    update(LlmCall).where(LlmCall.id == call_id).values(started_at=begins - timedelta(seconds=1))
                )
                db.commit()
            assert spent(put()) == 0


@pytest.mark.parametrize("settled", [False, True])
def test_64_callers_at_once_do_not_pass_a_hard_budget_by_more_than_one_call(settled: bool, database: None) -> None:
    """Each in a connection of its own, and all with the budgets of one class and many students besides."""
    school = make_school()
    limits = [
        put(hard="0.30"),
        put(period=MONTH, hard="9"),
        put("class", school.school_class.id, hard="0.60"),
        put("user", hard="1"),
    ]
    students = [school.student, school.classmate]
    start = threading.Barrier(64)
    through: list[uuid.UUID] = []
    refused: list[BudgetSpent] = []
    errors: list[Exception] = []

    def caller(number: int) -> None:
        student = students[number % 2]
        call = an("0.007", class_id=school.school_class.id, user_id=student.id)
        with connections.connect() as connection, Session(connection) as db:
            start.wait(60)
            try:
                call_id = ledger.open_call(db, call)
                db.commit()
                if settled:
                    ledger.settle(db, call_id, Ending(CallOutcome.ok, Bill(Decimal("0.006")), latency_s=1))
                    db.commit()
            except BudgetSpent as error:
                refused.append(error)
            except Exception as error:
                errors.append(error)
            else:
                through.append(call_id)

    connections = create_engine(settings().database_url, poolclass=NullPool)
    threads = [threading.Thread(target=caller, args=[number]) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert len(through) + len(refused) == 64
    assert in_the_ledger() < Decimal("0.307")
    if not settled:
        assert len(through) == 43, "the last of which passed the limit"
    assert spent(limits[0]) == spent(limits[1]) == spent(limits[2], school.school_class.id) == in_the_ledger()
    assert spent(limits[3], school.student.id) + spent(limits[3], school.classmate.id) == in_the_ledger()
    assert refused
