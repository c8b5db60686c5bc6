"""What an assignment's essays are about, seen from all of them together; no mark is needed for it.

Words (of Chinese: characters and pairs of them) are weighed by TF-IDF, and essays placed along the directions in which
the class differs most: latent semantic analysis (Scott Deerwester et al., “Indexing by latent semantic analysis”,
Journal of the American Society for Information Science 41, 1990). Both are free of length. What most of the class has
thought of is what the task asked for, so it is counted as well how much of it an essay has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from grading.calibration.sample import Array
from grading.text import Language

WORDS = 3000
DIRECTIONS = 60
FEWEST = 20
"""Essays from which on it can be said what they have in common."""
BANDS = ((0.3, 1.1), (0.1, 0.3), (0.03, 0.1), (0.0, 0.03))
"""Shares of the class that write a word: words of each band are counted on their own."""
SHARED = ("like_the_class", "log_expected_words", *(f"log_words_of_band_{band}" for band in range(len(BANDS))))


class Topics:
    """Learned from the texts of a class. Rows that it gives are of all directions (`place`) and of `SHARED`."""

    def __init__(self, vectorizer: TfidfVectorizer, directions: TruncatedSVD, mean: Array, frequency: Array) -> None:
        self._vectorizer, self._directions, self._mean, self._frequency = vectorizer, directions, mean, frequency
        self._centre: Array | float = 0.0
        self._width = 1.0

    @classmethod
    def learn(cls, texts: Sequence[str], language: Language) -> Topics | None:
        """None where there are too few texts, or they have hardly a word in common."""
        if len(texts) < FEWEST:
            return None
        units = {"analyzer": "char", "ngram_range": (1, 2)} if language == "zh" else {}
        vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=WORDS, dtype=np.float32, **units)
        try:
            weighed = vectorizer.fit_transform(texts)
        except ValueError:
            return None
        count = min(DIRECTIONS, min(weighed.shape) - 1)
        if count < 1:
            return None
        directions = TruncatedSVD(count, random_state=0).fit(weighed)
        mean = np.asarray(weighed.mean(axis=0)).ravel()
        learned = cls(
            vectorizer,
            directions,
            mean / (np.linalg.norm(mean) or 1.0),
            np.asarray((weighed > 0).mean(axis=0)).ravel(),
        )
        places = learned.place(texts)
        learned._centre, learned._width = places.mean(axis=0), float(places.std()) or 1.0
        return learned

    def place(self, texts: Sequence[str]) -> Array:
        """A row of at most `DIRECTIONS` figures for each text, centred; all in one unit, so that what the class differs
        in most weighs most."""
        placed: Array = self._directions.transform(self._vectorizer.transform(texts)).astype(float)
        return (placed - self._centre) / self._width

    def shared(self, texts: Sequence[str]) -> Array:
        """A row of `SHARED` for each text: its cosine with the class's mean, and how many different words it has of
        those that many, some, few or hardly any of the class have."""
        weighed = self._vectorizer.transform(texts)
        used = weighed > 0
        bands = [used[:, (self._frequency >= low) & (self._frequency < high)].sum(axis=1) for low, high in BANDS]
        columns = [weighed @ self._mean, np.log1p(used @ self._frequency), *map(np.log1p, bands)]
        return np.column_stack([np.asarray(column, dtype=float).ravel() for column in columns])
