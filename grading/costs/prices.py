"""What a million tokens cost, in US dollars, and never a floating-point number of them.

Where a price comes from, in this order: the setting `prices`, the cost guide's four models, the list that the package
`genai-prices` carries (dated, and never fetched anew at run time). A model that is in none of them has no price.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import StartDateConstraint, TieredPrices

from grading.engines.engine import Usage
from models.base import now
from settings import settings

log = logging.getLogger(__name__)

MILLION = Decimal(1_000_000)
BATCH_SHARE = Decimal("0.5")
"""What is left of a price when a day may pass before the answer comes."""
SUSPICIOUS = 100
"""A price so many times above or below the list was most likely typed for another number of tokens."""
PACKAGE = f"genai-prices {version('genai-prices')}"


class UnknownModel(ValueError):
    """No price is known for a model; the message says what to do."""


@dataclass(frozen=True)
class Price:
    """The price of one model: dollars per million tokens of the prompt, of its cached part, and of the reply."""

    input_mtok: Decimal
    cached_mtok: Decimal
    output_mtok: Decimal
    source: str
    """Who says so, such as `genai-prices 0.2.3`."""
    dated: str | None = None
    """Of when the list is, in ISO 8601 as exactly as it is known; None where nobody says."""

    def cost(self, usage: Usage, *, batch: bool = False) -> Decimal:
        """What a call with this usage costs."""
        cached = min(usage.cached, usage.prompt)  # no provider's slip makes a call cost less than nothing
        millions = (
            (usage.prompt - cached) * self.input_mtok + cached * self.cached_mtok + usage.completion * self.output_mtok
        )
        return millions / MILLION * (BATCH_SHARE if batch else 1)

    def to_json(self) -> dict[str, str]:
        """For the ledger; amounts are strings, so that no reader makes floating-point numbers of them."""
        return {name: str(value) for name, value in vars(self).items() if value is not None}


GUIDE = {
    model: Price(Decimal(prompt), Decimal(prompt), Decimal(reply), "the cost guide")
    for model, prompt, reply in (
        ("gpt-4-turbo", "10", "30"),
        ("gpt-4", "30", "60"),
        ("gpt-3.5-turbo", "0.5", "1.5"),
        ("gpt-3.5-turbo-16k", "3", "4"),
    )
}


EMBEDDERS = {
    model: Price(Decimal(prompt), Decimal(prompt), Decimal(0), "OpenAI's price list", "2025")
    for model, prompt in (
        ("text-embedding-3-small", "0.02"),
        ("text-embedding-3-large", "0.13"),
        ("text-embedding-ada-002", "0.1"),
    )
}
"""Models that write nothing, which `genai-prices` leaves out."""


def price_of(model: str, *, provider: str | None = None, at: datetime | None = None, prompt_tokens: int = 0) -> Price:
    """The price of a model at that moment (default: now) for a prompt of that length.

    `provider` is one of `genai-prices`; None: the one that the model's name points to. Raises `UnknownModel`.
    """
    listed = GUIDE.get(model) or EMBEDDERS.get(model) or _listed(model, provider, at or now(), prompt_tokens)
    if given := settings().prices.get(model):
        cached = given.input if given.cached is None else given.cached
        dated = given.dated.isoformat() if given.dated else None
        price = Price(given.input, cached, given.output, "the setting PIZHU_PRICES", dated)
        if listed:
            _doubt(model, price, listed)
        return price
    if listed is None:
        raise UnknownModel(
            f"No price is known for the model {model!r}, and a call that nobody can account for is not made. "
            f'Set PIZHU_PRICES={{"{model}": {{"input": "…", "output": "…"}}}} in US dollars per million tokens.'
        )
    return listed


def machine_cost(seconds: float, hour_usd: Decimal) -> Decimal:
    """What so many seconds of a machine cost that costs so much an hour."""
    return Decimal(f"{seconds:.6f}") * hour_usd / 3600


def _listed(model: str, provider: str | None, at: datetime, prompt_tokens: int) -> Price | None:
    try:
        _, info = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    prices = info.get_prices(at)
    prompt, reply = (_for_length(rate, prompt_tokens) for rate in (prices.input_mtok, prices.output_mtok))
    if prompt is None or reply is None:  # it is paid by the call or the picture, which we could not count
        return None
    cached = _for_length(prices.cache_read_mtok, prompt_tokens)
    return Price(prompt, prompt if cached is None else cached, reply, PACKAGE, newest(at.date()))


@cache
def newest(today: date) -> str | None:
    """When the newest price of the package's list began: the list says nothing else of its own age."""
    priced = (model.prices for provider in get_snapshot().providers for model in provider.models)
    constraints = (price.constraint for prices in priced if isinstance(prices, list) for price in prices)
    began = (one.start_date for one in constraints if isinstance(one, StartDateConstraint))
    latest = max((day for day in began if day <= today), default=None)
    return None if latest is None else latest.isoformat()


def _for_length(rate: Decimal | TieredPrices | None, prompt_tokens: int) -> Decimal | None:
    """Some providers ask more for every token of a prompt that is longer than some length."""
    if not isinstance(rate, TieredPrices):
        return rate
    return next((tier.price for tier in reversed(rate.tiers) if prompt_tokens > tier.start), rate.base)


@cache
def _doubt(model: str, price: Price, listed: Price) -> None:
    """Say once that a price is far off: one per token that was meant per million spends a budget in an hour."""
    for name in ("input", "cached", "output"):
        ours, theirs = getattr(price, f"{name}_mtok"), getattr(listed, f"{name}_mtok")
        if ours != theirs and (ours * SUSPICIOUS <= theirs or ours >= theirs * SUSPICIOUS):
            log.warning(
                "PIZHU_PRICES has %s cost %s for %s, where %s says %s; prices are in US dollars per million tokens",
                model,
                ours,
                name,
                listed.source,
                theirs,
            )
