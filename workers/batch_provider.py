"""The clients that batches are sent by, one for each provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from grading.engines.circuit import Circuit
from grading.engines.engine import AccountRefused
from grading.engines.openai_batch import BatchClient
from models import ProviderBatch
from settings import Tier, settings


def hosted_tier(name: str) -> Tier:
    """The tier of that name, if it is a hosted one; raises LookupError."""
    if tier := settings().hosted_tier(name):
        return tier
    raise LookupError(f"this installation has no hosted tier {name!r} any more")


def client_of(tier: Tier) -> BatchClient:
    """One for each provider of this process: it keeps the connections."""
    return _client(*settings().address_of(tier))


def client_at(batch: ProviderBatch) -> BatchClient:
    """Who has the batch; raises `AccountRefused` when its tier is there no more."""
    try:
        client = client_of(hosted_tier(batch.tier))
    except LookupError as error:
        raise AccountRefused(f"{error}.") from error
    if client.provider != batch.provider:
        raise AccountRefused(f"The tier {batch.tier} is not at {batch.provider} any more.")
    return client


@contextmanager
def asking(batch: ProviderBatch) -> Iterator[BatchClient]:
    """Ask who has the batch, unless it is left alone for a while; how that ends tells its circuit."""
    client = client_at(batch)
    with Circuit(client.provider).passing():
        yield client


@cache
def _client(base_url: str, api_key: str) -> BatchClient:
    return BatchClient(base_url, api_key)
