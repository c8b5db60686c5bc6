"""On whose account a command asks a model: in the ledger where a database answers; else only what costs nothing."""

from __future__ import annotations

import click
from sqlalchemy import exists, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from grading import prompt
from grading.batch import Turn
from grading.costs.meter import Account, Meter
from grading.costs.prices import price_of
from grading.costs.tariff import Hosted, OwnMachine
from grading.engines.circuit import Circuit
from grading.engines.engine import Engine
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.grader import OnCall, unobserved
from grading.task import Task
from models import LlmCall
from models.session import NoDatabase, session
from settings import Tier, settings
from workers.attempts import Attempts
from workers.facts import provider_of

OFFLINE, EVALUATE = "offline", "evaluate"
"""Features of the ledger: essays in files, and marks that are only compared with people's."""


def local_turn(engine: Engine, task: Task, feature: str, version: str | None = None) -> Turn:
    """The local model, for one essay after the other. Raises as `_is_kept` does."""
    config = settings()
    if not _is_kept(costs=bool(config.local_hour_usd)):
        return lambda: (engine, unobserved)
    tier = next((tier.name for tier in config.tiers if tier.engine == "local"), "local")
    machine = OwnMachine(config.local_hour_usd, config.local_concurrency)
    meter = Meter(_account(task, feature, version), tier, engine.model, engine.version, machine)
    return lambda: (engine, meter)


def hosted_turn(tier: Tier, task: Task, feature: str, version: str | None = None) -> Turn:
    """A model that is paid by the token, each attempt at which is a row. Raises as `_is_kept`, and `UnknownModel`."""
    from workers.openai import engine_of  # with it comes all that a worker does

    _is_kept(costs=True)
    account = _account(task, feature, version)
    engine, tariff, provider = engine_of(tier), Hosted(price_of(tier.model)), provider_of(tier)
    circuit, limits = Circuit(provider), Limits.of(settings(), f"{provider}/{tier.model}")

    def turn() -> tuple[Engine, OnCall]:
        attempts = Attempts(engine, Meter(account, tier.name, engine.model, engine.version, tariff))
        return HostedEngine(attempts, circuit, limits), attempts.judged

    return turn


def _account(task: Task, feature: str, version: str | None) -> Account:
    return Account(feature, prompt.load(task.language, version).id, shadow=feature == EVALUATE)


def _is_kept(*, costs: bool) -> bool:
    """Whether a database answers; that none does is a `click.ClickException` where the calls cost something."""
    try:
        with session() as db:
            db.scalar(select(exists().select_from(LlmCall)))
    except (NoDatabase, OperationalError, ProgrammingError) as error:
        if not costs:
            return False
        raise click.ClickException(
            "This costs money, and no database answers that could keep account of it; `pizhu up` starts one, "
            "and `pizhu db upgrade` makes its tables."
        ) from error
    return True
