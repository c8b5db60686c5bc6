"""The workers as they are, but the hosted model is asked for each reply again and again, and what is spent is looked at
every moment: `celery -A tests.workers.looping worker`."""

from collections.abc import Callable

from grading.engines.engine import Cancelled, Completion, Flag, Request
from workers import app, queue
from workers.attempts import Attempts

queue.WATCH_INTERVAL = 0.5
ask = Attempts.grade


def ask_again_and_again(
    self: Attempts, request: Request, on_delta: Callable[[str], None], cancelled: Flag
) -> Completion:
    while not cancelled.is_set():
        ask(self, request, on_delta, cancelled)
    raise Cancelled


Attempts.grade = ask_again_and_again  # type: ignore[method-assign]

__all__ = ["app"]
