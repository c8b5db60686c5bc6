"""What a simulated month rests on, every share and price of it, and the essays that are drawn from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.costs.prices import machine_cost, price_of
from grading.routing import Thresholds
from grading.simulation import calls, traffic
from grading.simulation.purse import Limits
from grading.simulation.questions import Questions
from grading.simulation.queueing import DAY, Queue
from grading.simulation.replay import COMPLEX, NEW, SIMPLE, USUAL, Essays
from grading.simulation.traffic import Recorded
from grading.text import Language
from settings import Tier

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SUPPOSITIONS = ["repeats", "late", "hosted_at_once", "hosted_s", "questions", "students", "class_size"]
"""What has no source."""
BASELINE = "baseline"
"""The tier of the baseline model."""


@dataclass(frozen=True)
class Machine:
    """Our own machines for the local model: `workers` of them, each with `at_once` essays in flight, `rate` of them
    finished a second when all places are taken, open from one hour of the day to another."""

    workers: int = 1
    rate: float = 1.7
    """975 tokens a second, measured with 32 in flight for a model of 7 billion parameters in 16 bit by vLLM on an RTX
    4090 (M. Rahman, “Benchmarking Mistral-7B on RTX 4090”, mushfiqrahman.dev), and replies of 570 tokens. A model of 14
    billion in 8 bit reads as many bytes a token."""
    at_once: int = 32
    hour_usd: Decimal = Decimal("0.6944")
    """The $500 a month of the cost guide's plan B, by 720 hours."""
    opens: float = 0.0
    closes: float = 24.0

    def queue(self, slowed: float) -> Queue:
        """An empty one, in which each essay takes so many times as long."""
        return Queue(self.workers * self.at_once, self.at_once / self.rate * slowed, self.opens, self.closes)

    def cost(self, days: int) -> Decimal:
        return machine_cost(self.workers * days * (self.closes - self.opens) * 3600, self.hour_usd)


@dataclass(frozen=True)
class Assumptions:
    """All that the answer rests on. Shares are from 0 to 1."""

    tiers: tuple[Tier, ...]
    thresholds: Thresholds
    baseline_model: str
    """Asked about every essay before anything is saved."""
    prompts: Mapping[str, str]
    """The version of the prompt by language."""
    essays: int = 15_000
    """A day."""
    days: int = 30
    characters: int = 800
    chinese: float = 0.0
    simple: float = 0.005
    complex: float = 0.0025
    """Essays with a complexity below 0.3, and from 0.7 on; so many of 800 real ones of 500 to 1,200 characters."""
    accepted: Mapping[str, float] = field(default_factory=lambda: {"local": 0.90, "small": 0.82})
    """The cost guide's: its hybrid keeps 90 % local, its router leaves 18 % to the large model."""
    repeats: float = 0.01
    """Essays that are one of the same day handed in once more, word for word: a supposition. In two real exams nobody
    did."""
    retries: float = 0.0
    """Of hosted calls, whose reply is no grade; of 16,980 stored ones of gpt-3.5 it was none."""
    local_retries: float = 0.023
    """Likewise of the local model: the share of 16,980 stored ones of Llama-2."""
    late: float = 0.3
    """Essays whose grade is not shown for two days or more: a supposition."""
    assignments: int = 100
    """That essays are handed in for at the same time."""
    machine: Machine = Machine()
    hosted_at_once: int = 32
    hosted_s: float = 10.0
    """Essays in flight at the hosted provider and seconds for each: suppositions. Its rate limits are left out."""
    students: int = 8_000
    class_size: int = 40
    """Who hand essays in, all equally often, and how many of them are one class: a supposition."""
    budgets: Limits = field(default_factory=dict)
    """For hosted calls."""
    questions: Questions = field(default_factory=Questions)
    price_factor: Decimal = Decimal(1)
    """What prices of the tiers are multiplied by, the baseline's apart."""
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types, with the prices of the models and the tokens of a call."""
        machine = vars(self.machine) | {"hour_usd": float(self.machine.hour_usd)}
        nested = ("tiers", "thresholds", "machine", "questions", "budgets")
        own = {name: value for name, value in vars(self).items() if name not in nested}
        budgets = [
            {"scope": scope, "period": period.value, "hard_usd": float(usd)}
            for (scope, period), usd in self.budgets.items()
        ]
        models = {BASELINE: self.baseline_model} | {tier.name: tier.model for tier in self.tiers if tier.model}
        prices = {name: price_of(model).to_json() | {"model": model} for name, model in models.items()}
        calls_ = {
            f"{who} ({language})": vars(call)
            for language in LANGUAGES
            for who, call in (
                (BASELINE, calls.verbose(self.characters, language)),
                ("after", calls.ours(self.characters, language, self.prompts[language])),
            )
        }
        limits = asdict(self.thresholds)
        return own | {
            "price_factor": float(self.price_factor),
            "budgets": budgets,
            "questions": asdict(self.questions),
            "suppositions": SUPPOSITIONS,
            "thresholds": limits,
            "machine": machine,
            "prices": prices,
            "tokens": calls_,
        }


def draw(given: Assumptions, recorded: Recorded | None = None) -> Essays:
    """The month's essays: of the recorded day's pattern, else generated ones. The same seed draws the same."""
    random = np.random.default_rng(given.seed)
    days = [_day(given, recorded, random) for _ in range(given.days)]
    times = np.concatenate([of_day + day * DAY for day, (of_day, _) in enumerate(days)])
    rows = np.concatenate([of_day for _, of_day in days])
    count = len(times)
    characters, chinese = np.full(count, given.characters), random.random(count) < given.chinese
    if recorded is not None and recorded.characters is not None:
        characters = recorded.characters[rows]
    if recorded is not None and recorded.chinese is not None:
        chinese = recorded.chinese[rows]
    kinds = random.random(count)
    drawn = Essays(
        times=times,
        characters=characters,
        chinese=chinese,
        kind=np.select([kinds < given.simple, kinds >= 1 - given.complex], [SIMPLE, COMPLEX], USUAL).astype(np.int8),
        late=random.random(count) < given.late,
        repeats=np.where(random.random(count) < given.repeats, 0, NEW),  # of which, is drawn last
        retried=random.random(count) < given.retries,
        assignment=random.integers(given.assignments, size=count),
        student=np.random.default_rng((given.seed, given.students)).integers(given.students, size=count),
        luck={name: random.random(count) for name in (*(tier.name for tier in given.tiers), BASELINE)},
    )
    into_day = np.concatenate([np.arange(len(of_day)) for of_day, _ in days])
    former = np.arange(count) - into_day + (random.random(count) * into_day).astype(np.int64)
    repeats = np.where((drawn.repeats == NEW) | (into_day == 0), NEW, former)
    return replace(drawn, repeats=repeats, student=drawn.student[np.where(repeats == NEW, np.arange(count), repeats)])


def _day(
    given: Assumptions, recorded: Recorded | None, random: np.random.Generator
) -> tuple[traffic.Array, NDArray[np.int64]]:
    """Times of a day, and the row of the recorded day that each is like."""
    if recorded is None:
        return traffic.generated(given.essays, random), np.zeros(given.essays, dtype=np.int64)
    return traffic.like(recorded.times, given.essays, random)
