"""Which essays a teacher should mark first: those that differ most, so that the marks cover the whole range."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from grading.calibration import described
from grading.calibration.sample import Sample
from grading.text import Language


def to_mark(samples: Sequence[Sample], marked: Collection[str], count: int, language: Language) -> list[str]:
    """Ids of at most `count` essays that are not marked yet, the most telling first: each is the one that is farthest
    from all that are marked or chosen (greedy k-centre), among standardised features. The same essays, the same ids."""
    open_ = [i for i, one in enumerate(samples) if one.id not in marked]
    if not open_ or count <= 0:
        return []
    x = described.rows(samples, language, "")
    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    far = np.full(len(samples), np.inf)
    for i, one in enumerate(samples):
        if one.id in marked:
            far = np.minimum(far, np.linalg.norm(x - x[i], axis=1))
    chosen: list[int] = []
    while len(chosen) < min(count, len(open_)):
        rest = [i for i in open_ if i not in chosen]
        best = min(rest, key=lambda i: np.linalg.norm(x[i])) if np.isinf(far).all() else max(rest, key=lambda i: far[i])
        chosen.append(best)
        far = np.minimum(far, np.linalg.norm(x - x[best], axis=1))
    return [samples[i].id for i in chosen]
