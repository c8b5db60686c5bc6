"""A rolling batch: one thread owns an engine and steps it; requests join before any step and leave when they are done.

The engine is anything with vLLM's `add_request`, `step` and `abort_request`. Whatever touches it happens in the engine
thread; what other threads want of it they put in its inbox. Each caller gets its own outputs in its own thread, so
that a slow or broken caller holds up nobody else.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from grading.engines.engine import (
    POLL_INTERVAL,
    UPDATE_INTERVAL,
    Cancelled,
    DeadlineExceeded,
    EngineDead,
    EngineError,
    Flag,
    RequestRefused,
)

log = logging.getLogger(__name__)

EXIT_CODE = 70
"""With which the process ends when its engine is dead; EX_SOFTWARE of sysexits.h."""


class Output(Protocol):
    """What a step gave one request."""

    @property
    def request_id(self) -> str: ...

    @property
    def finished(self) -> bool: ...


class Steppable(Protocol):
    """The part of `vllm.LLMEngine` that a rolling batch uses."""

    def add_request(self, request_id: str, prompt: Any, params: Any) -> object: ...

    def step(self) -> Sequence[Output]: ...

    def abort_request(self, request_ids: list[str]) -> None: ...


class _Call:
    """One request on its way. Its caller reads `updates`; everything else is the engine thread's."""

    def __init__(self, id: str, prompt: Any, params: Any) -> None:
        self.id, self.prompt, self.params = id, prompt, params
        self.updates: SimpleQueue[list[Any] | RequestRefused] = SimpleQueue()
        self._pending: list[Any] = []
        self._updated = float("-inf")

    def deliver(self, output: Output) -> None:
        self._pending.append(output)
        now = time.monotonic()
        if output.finished or now - self._updated >= UPDATE_INTERVAL:
            self.updates.put(self._pending)
            self._pending, self._updated = [], now


class RollingBatch:
    """Runs requests of many threads on one engine.

    `opened()` gives the engine; it is entered and left in the engine thread, and what it raises comes out of the
    constructor, which returns once the engine stands. An exception out of `step`, or `stall` seconds without any
    output while there are requests, means that the engine is dead: then `end` is called with `EXIT_CODE`.
    """

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Steppable]],
        *,
        stall: float,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._opened, self._stall, self._end = opened, stall, end
        self._ids = count(1)
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._live: dict[str, _Call] = {}
        self._progress = time.monotonic()
        self._over: EngineError | None = None
        self._engine: Steppable
        standing: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=[standing], name="engine", daemon=True)
        self._thread.start()
        standing.result()
        threading.Thread(target=self._watch, name="engine watchdog", daemon=True).start()

    def stream(self, id: str, prompt: Any, params: Any, *, deadline: float, cancelled: Flag) -> Generator[list[Any]]:
        """Run one request and yield its outputs as they come, some at a time; the very last one is `finished`.

        Raises `RequestRefused`, `DeadlineExceeded`, `Cancelled` or `EngineDead`. However the iteration ends before the
        last output, the request is aborted.
        """
        due = time.monotonic() + deadline
        # Two tries of the same request may be in flight at once, so the caller's id is not enough.
        call = _Call(f"{id}-{next(self._ids)}", prompt, params)
        self._inbox.put(lambda: self._admit(call))
        finished = False
        try:
            while not finished:
                outputs = self._next(call, due, cancelled)
                finished = outputs[-1].finished
                yield outputs
        finally:
            if not finished:
                self._inbox.put(lambda: self._abort(call))

    def close(self) -> None:
        """End the thread and free the engine; whoever waits gets `Cancelled`."""
        self._over = self._over or Cancelled("The engine was closed.")
        self._inbox.put(lambda: None)
        self._thread.join(self._stall)

    def _next(self, call: _Call, due: float, cancelled: Flag) -> list[Any]:
        """The caller's next outputs; raises what ends the waiting."""
        while True:
            if over := self._over:
                raise type(over)(*over.args)  # an exception of its own for each of the threads that wait
            if cancelled.is_set():
                raise Cancelled("The generation was aborted.")
            left = due - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded("The reply was not complete in time.")
            try:
                update = call.updates.get(timeout=min(left, POLL_INTERVAL))
            except Empty:
                continue
            if isinstance(update, RequestRefused):
                raise update
            return update

    # What follows runs in the engine thread, `_watch` and `_die` excepted.

    def _run(self, standing: Future[None]) -> None:
        try:
            with self._opened() as self._engine:
                standing.set_result(None)
                try:
                    self._roll()
                except BaseException as error:  # whatever it is, nobody steps this engine any more
                    self._die(f"it failed with {type(error).__name__}: {error}", error)
        except BaseException as error:
            if standing.done():
                log.exception("closing the engine failed")
            else:
                standing.set_exception(error)

    def _roll(self) -> None:
        while True:
            self._take_in()
            if self._over:
                return
            outputs = self._engine.step()
            if outputs:
                self._progress = time.monotonic()
            else:
                time.sleep(0.001)  # a grammar is being compiled in another thread, which needs the interpreter too
            for output in outputs:
                if call := self._live.get(output.request_id):
                    if output.finished:
                        del self._live[call.id]
                    call.deliver(output)

    def _take_in(self) -> None:
        """Do all that the inbox asks for; with nothing to run, wait for something."""
        while True:
            try:
                action = self._inbox.get(block=not self._live)
            except Empty:
                return
            action()
            if self._over:
                return

    def _admit(self, call: _Call) -> None:
        if not self._live:
            self._progress = time.monotonic()
        self._live[call.id] = call
        try:
            self._engine.add_request(call.id, call.prompt, call.params)
        except Exception as error:
            self._abort(call)
            call.updates.put(RequestRefused(f"The engine refuses this request: {error}"))

    def _abort(self, call: _Call) -> None:
        if self._live.pop(call.id, None):
            self._engine.abort_request([call.id])

    def _watch(self) -> None:
        while self._thread.is_alive() and not self._over:
            self._thread.join(min(1.0, self._stall / 10))
            if self._live and time.monotonic() - self._progress > self._stall:
                self._die(f"it has given nothing for {self._stall:g} seconds while requests wait")

    def _die(self, reason: str, error: BaseException | None = None) -> None:
        if self._over is None:
            self._over = EngineDead(f"The engine is dead: {reason}.")
            log.critical(
                "%s This process ends; what it was grading is graded again, on the command line by the same command.",
                self._over,
                exc_info=error,
            )
            self._end(EXIT_CODE)
