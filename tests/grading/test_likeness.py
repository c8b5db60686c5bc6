from __future__ import annotations

import uuid
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from grading.likeness import MOST, RADIUS, Judged, alike

_number = count(1)


def judged(total: float = 0.5, levels: tuple[float, ...] = (3.0, 3.0), parts: tuple[float, ...] = ()) -> Judged:
    return Judged(uuid.UUID(int=next(_number)), total, levels, parts)


def test_the_nearest_levels_come_first_and_the_far_ones_not_at_all() -> None:
    corrected = judged(levels=(3, 3))
    far, near, same = judged(levels=(5, 5)), judged(levels=(3, 4)), judged(levels=(3, 3))
    assert alike(corrected, -2, [far, near, same]) == [(same.essay_id, 0.0), (near.essay_id, 0.5**0.5)]


def test_texts_that_read_unlike_are_farther_than_those_that_read_alike() -> None:
    corrected = judged(parts=(0.2, 0.7, 0.4, 0.1))
    alike_, unlike = judged(parts=(0.2, 0.7, 0.4, 0.1)), judged(parts=(0.3, 0.8, 0.5, 0.2))
    found = alike(corrected, 1, [unlike, alike_, *(judged(parts=(0.5, 0.2, 0.9, 0.9)) for _ in range(3))])
    assert [essay_id for essay_id, _ in found][:2] == [alike_.essay_id, unlike.essay_id]


def class_of_doubt() -> tuple[Judged, list[Judged], list[Judged]]:
    """Texts of every length, whose totals lie above what the length foretells, or under it, all on level 3."""
    lengths = [0.40 + 0.01 * number for number in range(20)]
    above = [judged(length + 0.1, parts=(length, 0.5, 0.5, 0.5)) for length in lengths]
    below = [judged(length - 0.1, parts=(length, 0.5, 0.5, 0.5)) for length in lengths]
    return judged(0.6, parts=(0.5, 0.5, 0.5, 0.5)), above, below


def test_only_those_are_touched_that_are_in_doubt_in_the_same_direction() -> None:
    corrected, above, below = class_of_doubt()
    lowered = {essay_id for essay_id, _ in alike(corrected, -3, above + below)}
    raised = {essay_id for essay_id, _ in alike(corrected, 3, above + below)}
    assert lowered
    assert lowered <= {each.essay_id for each in above}
    assert raised
    assert raised <= {each.essay_id for each in below}


def test_in_a_small_class_nothing_is_foretold_and_likeness_alone_counts() -> None:
    corrected, above, below = class_of_doubt()
    few = [above[10], below[10]]
    assert {essay_id for essay_id, _ in alike(corrected, -3, few)} == {each.essay_id for each in few}


def test_what_was_judged_by_another_rubric_or_never_measured_is_not_compared() -> None:
    corrected = judged(parts=(0.5, 0.5, 0.5, 0.5))
    assert alike(corrected, 1, [judged(levels=(3,), parts=corrected.parts), judged()]) == []


def test_who_gave_the_same_corrected_nothing() -> None:
    assert alike(judged(), 0, [judged()]) == []


essays = st.builds(
    judged,
    total=st.floats(0, 1),
    levels=st.tuples(st.floats(1, 6), st.floats(1, 6)),
    parts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)


@given(essays, st.floats(-20, 20), st.lists(essays, max_size=40))
def test_at_most_a_handful_the_nearest_first_and_never_itself(one: Judged, by: float, others: list[Judged]) -> None:
    found = alike(one, by, others)
    distances = [distance for _, distance in found]
    assert len(found) <= MOST
    assert distances == sorted(distances)
    assert all(distance <= RADIUS for distance in distances)
    assert {essay_id for essay_id, _ in found} <= {each.essay_id for each in others}
