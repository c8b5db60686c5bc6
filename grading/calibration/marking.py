"""Which essays a teacher should mark first: those that lie evenly over the whole range, the poor and the rich alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from grading.calibration import described
from grading.calibration.sample import Sample
from grading.text import Language


def to_mark(samples: Sequence[Sample], marked: Collection[str], count: int, language: Language) -> list[str]:
    """Ids of at most `count` essays that are not marked yet, the most telling first.

    Essays are ranked along the first principal component of their standardised features, in which they differ most;
    each chosen one is the farthest in rank from all that are marked or chosen, the middle one where there are none.
    Ranks, because what is farthest among the features themselves is an oddity. The same essays, the same ids.
    """
    open_ = [i for i, one in enumerate(samples) if one.id not in marked]
    if not open_ or count <= 0:
        return []
    x = described.rows(samples, language, "")
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    along = x @ np.linalg.svd(x, full_matrices=False)[2][0]
    ranks = np.argsort(np.argsort(along, kind="stable"))
    taken = [int(ranks[i]) for i, one in enumerate(samples) if one.id in marked]
    chosen: list[int] = []
    while len(chosen) < min(count, len(open_)):
        rest = [i for i in open_ if i not in chosen]
        apart = [min(abs(ranks[i] - other) for other in taken) if taken else -abs(ranks[i] - len(x) // 2) for i in rest]
        best = rest[int(np.argmax(apart))]
        chosen.append(best)
        taken.append(int(ranks[best]))
    return [samples[i].id for i in chosen]
