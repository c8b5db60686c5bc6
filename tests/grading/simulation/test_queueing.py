"""grading/simulation/queueing.py: waits that can be counted on one's fingers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grading.simulation.queueing import DAY, Queue

HOUR = 3600.0


class TestAnEssay:
    def test_begins_at_once_while_there_is_a_free_slot(self) -> None:
        queue = Queue(slots=2, seconds=10)
        assert [queue.join(at) for at in (0.0, 1.0)] == [(0, 10), (1, 11)]

    def test_waits_for_the_slot_that_is_free_first(self) -> None:
        # Two slots, ten seconds each: the third takes the first one's place at 10, the fourth the second one's at 11.
        queue = Queue(slots=2, seconds=10)
        began = [queue.join(at)[0] for at in (0.0, 1.0, 2.0, 3.0, 30.0)]
        assert began == [0, 1, 10, 11, 30]

    def test_that_comes_at_night_begins_in_the_morning(self) -> None:
        queue = Queue(slots=1, seconds=HOUR, opens=8, closes=20)
        assert queue.join(3 * HOUR) == (8 * HOUR, 9 * HOUR)
        assert queue.join(21 * HOUR) == (DAY + 8 * HOUR, DAY + 9 * HOUR)

    def test_that_has_begun_goes_on_in_the_morning(self) -> None:
        # It begins at 19:30, has half an hour of its hour until 20:00 and the other half from 8:00 on.
        queue = Queue(slots=1, seconds=HOUR, opens=8, closes=20)
        assert queue.join(19.5 * HOUR) == (19.5 * HOUR, DAY + 8.5 * HOUR)


class TestAQueue:
    def test_says_how_long_the_next_one_has_waited(self) -> None:
        queue = Queue(slots=1, seconds=10)
        for at in (0.0, 1.0, 2.0):
            queue.join(at)
        # The second waits from 1 to 10, the third from 2 to 20; then nobody does.
        assert [queue.wait(at) for at in (5.0, 10.0, 15.0, 20.0)] == [4, 8, 13, 0]

    def test_knows_its_largest_backlog(self) -> None:
        queue = Queue(slots=1, seconds=10)
        for at in (0.0, 1.0, 2.0, 3.0, 50.0):
            queue.join(at)
        assert queue.backlog() == 3
        assert Queue(slots=1, seconds=10).backlog() == 0

    def test_knows_how_busy_it_was(self) -> None:
        queue = Queue(slots=2, seconds=HOUR, opens=8, closes=20)
        for at in (0.0, 1.0, 2.0):
            queue.join(at)
        assert queue.utilisation(days=1) == 3 / 24  # three hours of twice twelve


arrivals = st.lists(st.floats(0, 5 * DAY), max_size=60).map(sorted)


class TestMoreSlots:
    @given(arrivals, st.integers(1, 5), st.floats(1, 30_000), st.sampled_from([(0.0, 24.0), (8.0, 20.0), (22.0, 24.0)]))
    def test_never_make_anybody_wait_longer(
        self, times: list[float], slots: int, seconds: float, hours: tuple[float, float]
    ) -> None:
        fewer, more = (Queue(count, seconds, *hours) for count in (slots, slots + 1))
        for at in times:
            assert more.join(at)[0] <= fewer.join(at)[0] + 1e-3


class TestAnybody:
    @given(arrivals, st.integers(1, 5), st.floats(1, 30_000), st.sampled_from([(0.0, 24.0), (8.0, 20.0)]))
    def test_begins_after_coming_in_order_and_while_it_is_open(
        self, times: list[float], slots: int, seconds: float, hours: tuple[float, float]
    ) -> None:
        queue = Queue(slots, seconds, *hours)
        began = [queue.join(at)[0] for at in times]
        assert all(start >= at - 1e-3 for start, at in zip(began, times, strict=True))
        assert began == sorted(began)
        assert all(hours[0] * HOUR - 1e-3 <= start % DAY <= hours[1] * HOUR + 1e-3 for start in began)
