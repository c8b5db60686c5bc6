"""What `pizhu doctor` looks at: each check says what it found and how to mend it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.cli import setup
from app.demo import model
from app.embedded.ports import is_free
from app.occupancy import Occupancy
from grading import drifts, progress, saving
from grading.costs.prices import UnknownModel, price_of
from grading.engines.circuit import Circuit
from models.session import engine, session
from settings import ROOT, Settings
from workers.facts import provider_of
from workers.heartbeat import live_workers

OLDEST_POSTGRES = 15
"""The first that can say of a unique index that two empty values are the same (NULLS NOT DISTINCT)."""
MEMORY_FOR_MODEL = 4 * 2**30
"""Bytes that the demonstration model, the web and the workers need together."""


@dataclass(frozen=True)
class Finding:
    """`ok` is None for what is worth knowing but not broken; `mend` says what to do about it."""

    ok: bool | None
    what: str
    mend: str = ""

    @classmethod
    def of(cls, ok: bool, what: str, mend: str) -> Finding:
        """What needs no mending when it is as it should be."""
        return cls(ok, what, "" if ok else mend)


def check_python(config: Settings) -> Finding:
    version = sys.version.split()[0]
    return Finding.of(sys.version_info >= (3, 11), f"Python {version}", "Pizhu needs 3.11 or newer.")


def check_packages(config: Settings) -> Finding:
    """Installed versions against the lock; nothing is imported."""
    extra = "gpu" if _installed("vllm") else "cpu"
    lock = (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8")
    wanted = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE))
    wrong = [name for name, version in wanted.items() if _installed(name) != version]
    if wrong:
        return Finding(False, f"packages that are not as locked: {', '.join(wrong)}", "`make install` brings them.")
    return Finding(True, f"{len(wanted)} packages as requirements/{extra}.txt says")


def check_vllm(config: Settings) -> Finding:
    if not config.has_local_model:
        return Finding(None, "no local model", "PIZHU_LOCAL_MODEL names one.")
    found = importlib.util.find_spec("vllm") is not None
    return Finding.of(found, "vLLM for the local model", "`make install` brings it.")


def check_model(config: Settings) -> Finding:
    if not config.has_local_model:
        return Finding(None, "no model folder needed")
    if config.is_demo_model:
        if not model.is_built(config.demo_model_path):
            return Finding(False, f"no model in {config.demo_model_path}", "`pizhu setup` builds it.")
        return Finding(None, "demonstration model: its judgement means nothing", "PIZHU_LOCAL_MODEL names a real one.")
    folder = Path(config.local_model)
    if folder.is_absolute() or config.local_model.startswith("."):
        return Finding.of((folder / "config.json").exists(), f"model in {folder}", "It has no config.json.")
    return Finding(None, f"model {config.local_model}, which vLLM fetches when it is not there yet")


def check_tiers(config: Settings) -> Finding:
    """Who grades, in the order of the cascade, and whether each model has a price."""
    if not config.present_tiers:
        return Finding(
            None,
            "no model at all: a teacher grades every essay",
            "PIZHU_LOCAL_MODEL names a local one, OPENAI_API_KEY or PIZHU_OPENAI_BASE_URL opens a hosted one.",
        )
    names = [f"{tier.name} ({tier.model or config.local_model})" for tier in config.present_tiers]
    cascade = f"essays are graded by {' → '.join(names)} → a teacher"
    if not config.has_local_model or not config.hosted_tiers:
        missing = (
            "OPENAI_API_KEY adds hosted models" if config.has_local_model else "PIZHU_LOCAL_MODEL adds a local one"
        )
        return Finding(None, cascade, f"{missing}.")
    return Finding(True, cascade)


def check_prices(config: Settings) -> Finding:
    hosted = config.hosted_tiers
    if not hosted:
        return Finding(None, "no hosted model, so nothing is paid by the token")
    try:
        prices = [
            f"{tier.model} {price.input_mtok:f}/{price.output_mtok:f} ({price.source}, {price.dated or 'no date'})"
            for tier in hosted
            if (price := price_of(tier.model))
        ]
    except UnknownModel as error:
        return Finding(False, str(error).partition(". ")[0], str(error).partition(". ")[2])
    return Finding(True, f"prices in US dollars per million tokens in and out: {', '.join(prices)}")


def check_provider(config: Settings) -> Finding:
    """Nothing is sent; a circuit says what the workers have met."""
    hosted = config.hosted_tiers
    if not hosted:
        return Finding(None, "no provider of hosted models", "OPENAI_API_KEY or PIZHU_OPENAI_BASE_URL opens one.")
    providers = dict.fromkeys(provider_of(tier) for tier in hosted)
    for provider in providers:
        state = Circuit(provider).state()
        if state.reason:
            return Finding(
                False, f"{provider} is left alone for a while: {state.reason}", "It is tried again by itself."
            )
    return Finding(True, f"provider: {', '.join(providers)}")


def check_browser_parts(config: Settings) -> Finding:
    return Finding.of(setup.has_browser_parts(), "style sheet and scripts for the pages", "`pizhu setup` fetches them.")


def check_translations(config: Settings) -> Finding:
    return Finding.of(not setup.stale_translations(), "translations are compiled", "`pizhu setup` compiles them.")


def check_port(config: Settings) -> Finding:
    if pid := Occupancy(config.home).holder():
        return Finding(True, f"Pizhu runs on {config.public_url} (pid {pid})")
    try:
        free = is_free(config.host, config.port)
    except OSError as error:
        return Finding(False, f"no web on {config.host}: {error.strerror}", "PIZHU_HOST is an address of this machine.")
    return Finding.of(free, f"port {config.port} for the web", "Somebody has it; set PIZHU_PORT to another.")


def check_postgres(config: Settings) -> Finding:
    if not _should_run(config, "PIZHU_DATABASE_URL"):
        return Finding(None, "Postgres does not run now", "`pizhu up` starts it.")
    try:
        with engine().connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            version = connection.scalar(text("SHOW server_version"))
            server = int(connection.scalar(text("SHOW server_version_num")) or 0)
            vector = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        return Finding(False, f"Postgres cannot be reached: {reason}", "Is PIZHU_DATABASE_URL right?")
    if server < OLDEST_POSTGRES * 10_000:
        return Finding(False, f"Postgres {version} is too old", f"Pizhu needs Postgres {OLDEST_POSTGRES} or newer.")
    newest = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_current_head()
    if current != newest:
        return Finding(False, f"tables are at {current}, not at {newest}", "`pizhu db upgrade` migrates them.")
    return Finding(
        True, f"Postgres {version}, {f'pgvector {vector}' if vector else 'no pgvector'}, tables at {current}"
    )


def check_redis(config: Settings) -> Finding:
    if not _should_run(config, "PIZHU_REDIS_URL"):
        return Finding(None, "Valkey does not run now", "`pizhu up` starts it.")
    try:
        about = progress.connection().info("server")
    except RedisError as error:
        return Finding(False, f"Redis cannot be reached: {error}", "Is PIZHU_REDIS_URL right?")
    valkey = about.get("valkey_version")
    return Finding(True, f"Valkey {valkey}" if valkey else f"Redis {about['redis_version']}")


def check_workers(config: Settings) -> Finding:
    if Occupancy(config.home).holder() is None:
        return Finding(None, "no workers run from here", "`pizhu up` starts them.")
    try:
        alive = live_workers()
    except RedisError:
        return Finding(False, "workers cannot be counted without Redis")
    missing = [queue for queue in config.queue_names if not alive.get(queue)]
    counted = ", ".join(f"{queue} {count}" for queue, count in alive.items() if count)
    if missing:
        return Finding(False, f"no worker for {', '.join(missing)}", "The log of `pizhu up` says why.")
    return Finding(True, f"workers: {counted}")


def check_drift(config: Settings) -> Finding:
    if not _should_run(config, "PIZHU_DATABASE_URL"):
        return Finding(None, "whether marks have moved is known while Postgres runs")
    try:
        with session() as db:
            moved = [drift.assignment.title for drift in drifts.open_drifts(db)]
    except SQLAlchemyError:
        return Finding(None, "whether marks have moved cannot be told without Postgres")
    if moved:
        return Finding(False, f"marks have moved: {', '.join(moved)}", "`pizhu anchors list` says how far.")
    return Finding(True, "no marks have moved")


def check_memory(config: Settings) -> Finding:
    available = psutil.virtual_memory().available
    found = f"{available / 2**30:.1f} GB of memory available"
    if Occupancy(config.home).holder() or not config.has_local_model or available >= MEMORY_FOR_MODEL:
        return Finding(True, found)
    return Finding(None, found, f"The demonstration model wants {MEMORY_FOR_MODEL // 2**30} GB.")


def check_mail(config: Settings) -> Finding:
    if config.smtp_url:
        return Finding(True, f"e-mail from {config.mail_from}")
    return Finding(None, "no e-mail", "PIZHU_SMTP_URL turns it on.")


def check_metrics(config: Settings) -> Finding:
    if config.metrics_token.get_secret_value():
        return Finding(True, "/metrics for whoever has the token")
    return Finding(None, "/metrics for this machine only", "PIZHU_METRICS_TOKEN opens it to others.")


def check_webhook(config: Settings) -> Finding:
    if config.webhook_url:
        return Finding(True, f"alerts go to {urlsplit(config.webhook_url).hostname}")
    return Finding(None, "no webhook for alerts", "PIZHU_WEBHOOK_URL names one.")


def check_saving(config: Settings) -> Finding:
    if not _should_run(config, "PIZHU_DATABASE_URL"):
        return Finding(None, "whether saving mode is on is known while Postgres runs")
    try:
        with session() as db:
            switch = saving.since(db)
    except SQLAlchemyError:
        return Finding(None, "whether saving mode is on cannot be told without Postgres")
    if switch:
        return Finding(None, f"saving mode is on, by {switch.actor}", "`pizhu saving status` says why; `off` ends it.")
    return Finding(True, "saving mode is off")


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    check_python,
    check_packages,
    check_vllm,
    check_model,
    check_tiers,
    check_prices,
    check_browser_parts,
    check_translations,
    check_port,
    check_postgres,
    check_redis,
    check_workers,
    check_drift,
    check_provider,
    check_memory,
    check_mail,
    check_metrics,
    check_webhook,
    check_saving,
)


def _should_run(config: Settings, variable: str) -> bool:
    """A server somebody else runs should always be there, the embedded one only while Pizhu is up."""
    return bool(os.environ.get(variable)) or Occupancy(config.home).holder() is not None


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
