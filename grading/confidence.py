"""How far a grade can be trusted, from what the model did, not from what it says of itself.

    criterion = 1 − H / ln 6                    H: entropy of the probabilities of the six levels
    grade     = Σ max · criterion / Σ max · (1 + v) / 2
                                                v: share of its quotes that stand in the essay; 1 when it quoted nothing

A model that is sure of every level and quotes what is there has 1; one that invents all its quotes keeps half.
These figures order grades; they are no probabilities until they have been calibrated against teachers' marks.
"""

from __future__ import annotations

from collections.abc import Mapping

from grading.levels import LevelEstimate
from grading.rubric import Rubric


def overall(rubric: Rubric, estimates: Mapping[str, LevelEstimate], *, verified: int, dropped: int) -> float:
    """Confidence in a whole grade, 0 to 1, from its levels and how many of its quotes were found and dropped."""
    certainty = sum(float(item.max) * estimates[item.key].certainty for item in rubric.criteria) / float(rubric.max)
    quoted = verified + dropped
    share = verified / quoted if quoted else 1.0
    return certainty * (1 + share) / 2
