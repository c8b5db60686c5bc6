"""A hosted model, at OpenAI or at whoever speaks its protocol.

One `grade` is one HTTP request, and never two, so that each can be a row of the ledger; trying again is the business of
`grading.engines.hosted`. All requests of an engine run in one event loop in a thread of its own, because a task there
can be cancelled at any moment, also while it waits for the first byte: the connection is closed then, which is what
makes a provider stop generating, and charging.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import openai

from grading.engines.engine import (
    POLL_INTERVAL,
    UPDATE_INTERVAL,
    AskAgain,
    Cancelled,
    Completion,
    DeadlineExceeded,
    EngineError,
    Flag,
    GivenUp,
    Request,
)
from grading.engines.openai_errors import translated
from grading.engines.openai_reply import Reply
from grading.engines.openai_request import LENGTHS, parameters, refused_part

log = logging.getLogger(__name__)

OPENAI = "https://api.openai.com/v1"
CONNECT = 5.0
"""Seconds in which a connection must stand."""
SILENCE = 120.0
"""Seconds without any byte after which a provider is taken to be gone."""


def provider_at(base_url: str) -> str:
    """Who answers at that address, as `host` or `host:port`: what a circuit and the limits are kept for."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


class OpenAiEngine:
    """One model of one provider; many threads may call it at once.

    Beside what `Engine.grade` names it raises `Unavailable`, `RateLimited`, `AskAgain`, `AccountRefused` and
    `QuotaExceeded`.
    """

    def __init__(self, model: str, *, base_url: str = "", api_key: str = "") -> None:
        """No `base_url` is OpenAI's own; a server of one's own may want no key."""
        base_url = base_url or OPENAI
        self.model = model
        self.provider = provider_at(base_url)
        """Who answers, as `host` or `host:port`: what a circuit and the limits are kept for."""
        self.version = f"openai {openai.__version__} at {self.provider}"
        self._client = openai.AsyncOpenAI(
            api_key=api_key or "none",  # the SDK wants one in any case
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(SILENCE, connect=CONNECT),
        )
        # Of OpenAI's own it is known before; of all others it is learnt from a request that they refuse, for free.
        self._left_out = frozenset(LENGTHS if base_url == OPENAI else ())
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"openai {model}", daemon=True)
        self._thread.start()

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        """See `Engine.grade`. `on_delta` is called in the caller's own thread, about ten times a second at most."""
        if self._closed:
            raise Cancelled("The engine was closed.")
        reply, updates = Reply(), SimpleQueue[str]()
        call = asyncio.run_coroutine_threadsafe(self._ask(request, reply, updates.put), self._loop)
        call.add_done_callback(lambda _: updates.put(""))
        try:
            while delta := _next(updates, cancelled):
                on_delta(delta)
            return call.result()
        except CancelledError:
            raise Cancelled("The engine was closed.") from None
        except EngineError as error:
            error.usage = reply.usage or error.usage
            raise
        finally:
            call.cancel()

    def close(self) -> None:
        """End what is in flight, and the thread."""
        if self._closed:
            return
        self._closed = True
        asyncio.run_coroutine_threadsafe(self._wind_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What follows runs in the event loop.

    async def _ask(self, request: Request, reply: Reply, put: Callable[[str], None]) -> Completion:
        """Send the request, hand on the text as it comes, and return the whole."""
        left_out = self._left_out
        try:
            async with asyncio.timeout(request.deadline):
                await self._stream(request, left_out, reply, put)
            return reply.completion(self.provider)
        except TimeoutError:
            raise DeadlineExceeded("The reply was not complete in time.") from None
        except (openai.OpenAIError, ValueError) as error:
            if isinstance(error, openai.APIStatusError) and self._learns(error, left_out):
                raise AskAgain(f"{self.provider} does not take all of the request; trying with less.", 0) from error
            raise translated(error, self.provider) from error

    async def _stream(
        self, request: Request, left_out: frozenset[str], reply: Reply, put: Callable[[str], None]
    ) -> None:
        start = time.monotonic()
        pending, updated = "", float("-inf")
        # `chat.completions.create` does the same, and makes objects of the chunks: see `Reply`.
        stream = await self._client.post(
            "/chat/completions",
            cast_to=object,
            body=parameters(request, self.model, left_out),
            options={"headers": {"X-Client-Request-Id": request.id}},
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        async with stream:
            async for chunk in stream:
                now = time.monotonic()
                pending += reply.take(chunk, now - start)
                if request.give_up and request.give_up(reply.tokens):
                    raise GivenUp("The rest of the reply was not wanted.")
                if pending and now - updated >= UPDATE_INTERVAL:
                    put(pending)
                    pending, updated = "", now
        if pending:
            put(pending)

    def _learns(self, error: openai.APIStatusError, left_out: frozenset[str]) -> bool:
        """Whether the provider refused only what can be left out, from now on."""
        if error.status_code not in (400, 403, 422):
            return False
        refused = refused_part(error.message, error.param, left_out)
        if refused:
            log.warning("%s takes no %s for %s; asking without", self.provider, ", ".join(sorted(refused)), self.model)
            self._left_out |= refused
        return bool(refused)

    async def _wind_up(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()


def _next(updates: SimpleQueue[str], cancelled: Flag) -> str:
    """The next piece of text, empty at the end."""
    while True:
        if cancelled.is_set():
            raise Cancelled("The generation was aborted.")
        try:
            return updates.get(timeout=POLL_INTERVAL)
        except Empty:
            continue
