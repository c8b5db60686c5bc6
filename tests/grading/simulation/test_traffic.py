"""grading/simulation/traffic.py: days that were, and days that are as bursty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grading.simulation import traffic
from grading.simulation.queueing import DAY
from grading.simulation.traffic import REAL, Burstiness, NoArrivals
from tests.corpus import SHARED

CASES = SHARED / "cases"


def file(folder: Path, content: str, name: str = "day.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


class TestAFileOfArrivals:
    def test_may_have_seconds(self, tmp_path: Path) -> None:
        found = traffic.read(file(tmp_path, "t_s\tstudent\n30\ta\n10.5\tb\n", "day.tsv"))
        assert found.times.tolist() == [0.0, 19.5]  # from the first one on, in their order
        assert found.characters is None
        assert found.chinese is None

    def test_may_have_dates_and_keeps_the_hour_of_the_day(self, tmp_path: Path) -> None:
        found = traffic.read(file(tmp_path, "time\n2026-03-01T20:00:00\n2026-03-01 21:30:00\n"))
        assert found.times.tolist() == [20 * 3600, 21.5 * 3600]

    def test_may_say_how_long_the_essays_are_and_in_which_language(self, tmp_path: Path) -> None:
        rows = "time,characters,language\n20,900,zh\n10,400,en\n"
        found = traffic.read(file(tmp_path, rows))
        assert found.characters is not None
        assert found.characters.tolist() == [400, 900]
        assert found.chinese is not None
        assert found.chinese.tolist() == [False, True]

    def test_counts_by_its_busiest_day(self, tmp_path: Path) -> None:
        rows = "server_time\n2026-03-01T20:00:00\n2026-03-03T07:00:00\n2026-03-03T08:00:00\n"
        assert traffic.read(file(tmp_path, rows)).times.tolist() == [7 * 3600, 8 * 3600]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("when\n1\n", "no column time, t_s, server_time or submitted_at"),
            ("time\n", "no arrivals after its first line"),
            ("time\nsoon\n", "line 2: 'soon' is neither a number of seconds nor a date and time"),
            ("time\n1\nnan\n", "line 3: 'nan' is neither"),
            ("time,characters\n1,many\n", "line 2: 'many' is no number of characters"),
        ],
    )
    def test_that_is_none_is_told_why(self, tmp_path: Path, content: str, why: str) -> None:
        with pytest.raises(NoArrivals, match=why):
            traffic.read(file(tmp_path, content))

    def test_that_is_no_text_is_told_so(self, tmp_path: Path) -> None:
        path = tmp_path / "day.csv"
        path.write_bytes(b"time\n\xff\n")
        with pytest.raises(NoArrivals, match="not UTF-8"):
            traffic.read(path)


class TestBurstiness:
    def test_of_a_minute_with_everything_in_it(self) -> None:
        # 1,440 arrivals in one minute of 1,440: the mean is 1 and the variance 1439² / 1440 + 1439 / 1440 = 1439.
        found = traffic.burstiness(np.zeros(1440))
        assert found.peak_to_mean_hour == 24
        assert found.dispersion == pytest.approx(1439)
        assert found.rate_cv2 == pytest.approx(1438)

    def test_of_one_arrival_each_minute_is_less_than_by_chance(self) -> None:
        found = traffic.burstiness(np.arange(0.0, 86_400.0, 60.0))
        assert (found.peak_to_mean_hour, found.dispersion) == (1, 0)

    @pytest.mark.skipif(not CASES.exists(), reason="the recorded days are in the shared data, which is not here")
    @pytest.mark.parametrize("name", REAL)
    def test_of_the_real_days_is_what_is_written_down(self, name: str) -> None:
        found = traffic.burstiness(traffic.read(CASES / f"submissions_{name}.tsv").times)
        assert vars(found) == pytest.approx(vars(REAL[name]), rel=0.001)

    def test_of_another_day_is_near_within_a_fifth_in_both(self) -> None:
        day = Burstiness(10.0, 8.0, 60.0)
        assert Burstiness(11.9, 6.5, 900.0).is_near(day)
        assert not Burstiness(12.1, 8.0, 60.0).is_near(day)
        assert not Burstiness(10.0, 6.3, 60.0).is_near(day)


class TestAGeneratedDay:
    def test_is_as_bursty_as_a_real_one(self) -> None:
        for seed in range(5):
            day = traffic.generated(15_000, np.random.default_rng(seed))
            assert any(traffic.burstiness(day).is_near(real) for real in REAL.values())

    def test_has_as_many_essays_as_wanted_in_order_within_a_day(self) -> None:
        day = traffic.generated(500, np.random.default_rng(0))
        assert len(day) == 500
        assert day[0] >= 0
        assert day[-1] < DAY
        assert (np.diff(day) >= 0).all()


class TestADayLikeARecordedOne:
    def test_is_the_recorded_one_when_it_has_as_many(self) -> None:
        recorded = np.array([1.0, 5.0, 9.0])
        times, rows = traffic.like(recorded, 3, np.random.default_rng(0))
        assert times is recorded
        assert rows.tolist() == [0, 1, 2]

    def test_keeps_the_pattern_with_more_or_fewer(self) -> None:
        recorded = traffic.generated(10_000, np.random.default_rng(0))
        before = traffic.burstiness(recorded)
        for essays in (5_000, 20_000):
            times, rows = traffic.like(recorded, essays, np.random.default_rng(1))
            assert len(times) == essays
            assert (np.diff(times) >= 0).all()
            assert traffic.burstiness(times).is_near(before)
            assert np.abs(recorded[rows] - times).max() <= np.diff(recorded).max()
