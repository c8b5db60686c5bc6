"""The seam between a grade and whatever model writes it.

An engine takes one request and blocks until its reply is complete; many threads may call it at once, and a rolling
batch is what an engine makes of that. Errors come in two classes: those that concern one request, and those of the
engine as a whole. For an engine in this process that is `EngineDead`; a hosted one, which others use as well and which
comes back, is `Unavailable`, or `AccountRefused` until a person acts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

ALTERNATIVES = 8
"""Log-probabilities of a token: those of the six levels, and room for other spellings of them."""
UPDATE_INTERVAL = 0.1
"""Seconds between two updates of one caller, at least; the first and the last piece never wait."""
POLL_INTERVAL = 0.2
"""Seconds in which a caller notices, at the latest, that it was cancelled, is too late or has lost its engine."""


@dataclass(frozen=True)
class Request:
    """One call to a model.

    `messages` are chat messages (`role`, `content`); `schema` is the JSON schema that confines the reply;
    `deadline` is in seconds from the call. `give_up` is asked while the reply comes, and as often as `on_delta` at
    least, with all its tokens so far: once it says yes the generation is aborted and the call ends with `GivenUp`. It
    must be quick and not raise, and any thread may ask it.
    """

    id: str
    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None
    max_tokens: int
    deadline: float
    temperature: float = 0.0
    give_up: Callable[[Sequence[Token]], bool] | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens of one call; `cached` is the part of `prompt` that the prefix cache already held."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


@dataclass(frozen=True)
class Token:
    """One generated token: its text and the log-probabilities (natural logarithm) of the likeliest alternatives.

    The texts of all tokens of a completion, joined, are the completion's text.
    """

    text: str
    top: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """A complete reply. `finish_reason` is `stop` or `length`; `first_token_s` is seconds from call to first token."""

    text: str
    tokens: Sequence[Token]
    usage: Usage
    first_token_s: float
    finish_reason: str


class EngineError(Exception):
    """Something went wrong with a model call; the message is for a person.

    `usage` is what the call is known to have used all the same, None when that is not known. A provider tells the
    prompt's tokens only at the end of a reply: they are 0 in the usage of one that was cut short.
    """

    usage: Usage | None = None


class RequestRefused(EngineError):
    """The engine cannot run this request (too long, a grammar it cannot compile); trying again is useless."""


class DeadlineExceeded(EngineError):
    """The reply was not complete within the request's deadline; it was aborted."""


class Cancelled(EngineError):
    """The caller's `cancelled` event was set; the generation was aborted."""


class GivenUp(EngineError):
    """The request's own `give_up` wanted no more of the reply; the generation was aborted."""


class EngineDead(EngineError):
    """The engine as a whole is gone; nothing can be graded in this process any more."""


class Unavailable(EngineError):
    """A hosted engine did not answer, or not to the end; the same request may go well later.

    `retry_after` is the seconds that it asked to be left alone for, None when it said nothing of it.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """It is well, but too much is asked of it."""


class AskAgain(Unavailable):
    """It is well and did not take a part of the request that can be done without: the next try leaves that out."""

    usage = Usage()


class AccountRefused(EngineError):
    """A hosted engine answers this account nothing (a key or a model it does not know) until a person mends that."""


class QuotaExceeded(AccountRefused):
    """The account has nothing left to spend."""


class Flag(Protocol):
    """What `threading.Event` offers of itself to an engine."""

    def is_set(self) -> bool: ...


class Engine(Protocol):
    """A model that can be called."""

    model: str
    """Name shown to people: "graded by MODEL"."""
    version: str
    """Engine and its version, for reproducibility, such as `vllm 0.32.0`."""

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        """Run one request and return its reply.

        `on_delta` gets each new piece of text, in order, from one thread at a time; it must be quick and not raise.
        An empty piece says that the reply begins anew. Raises `RequestRefused`, `DeadlineExceeded`, `Cancelled`,
        `GivenUp`, or what says that the engine as a whole cannot answer.
        """
        ...

    def close(self) -> None:
        """Free what the engine holds; calls in flight end with `Cancelled`."""
        ...
