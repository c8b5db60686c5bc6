"""One question and one engine make an answer, which is help and not the essay itself."""

from __future__ import annotations

from collections.abc import Callable

from grading.ask.ghostwriting import writes_essay
from grading.ask.matter import Matter
from grading.ask.prompt import render
from grading.engines.engine import Completion, Engine, Flag, Request
from grading.grader import OnCall
from grading.reply import InvalidReply

MAX_TOKENS = 480
"""Of an answer. A prompt that asks for 120 words, or for 150 Chinese characters, is kept to with room to spare."""


class WritesEssay(InvalidReply):
    """The reply was an essay, or a large part of one; nobody is to read it."""


def answer(
    question: str,
    matter: Matter,
    engine: Engine,
    *,
    request_id: str,
    secret: str | bytes,
    on_delta: Callable[[str], None],
    cancelled: Flag,
    deadline: float,
    on_call: OnCall,
) -> Completion:
    """Have an engine answer; `on_delta` gets the words as they come, and an empty piece when they begin anew.

    No more words are handed on from where they turn out to write the essay, and at the end that is `WritesEssay`. An
    empty reply is `InvalidReply`. `deadline` is in seconds. Raises what the engine raises.
    """
    watch = _Watch(matter, on_delta)
    request = Request(
        id=request_id,
        messages=render(matter, question, secret).messages,
        schema=None,
        max_tokens=MAX_TOKENS,
        deadline=deadline,
    )
    with on_call(request) as replied:
        completion = engine.grade(request, watch, cancelled)
        replied(completion)
        if watch.writes_essay(completion.text):
            raise WritesEssay("it writes the essay")
        if not completion.text.strip():
            raise InvalidReply("it is empty")
        return completion


class _Watch:
    """Hands words on for as long as they are help."""

    def __init__(self, matter: Matter, on_delta: Callable[[str], None]) -> None:
        self._sources = [matter.task.prompt, matter.essay or ""]
        self._on_delta = on_delta
        self._text, self._cut = "", False

    def __call__(self, delta: str) -> None:
        self._text = self._text + delta if delta else ""
        self._cut = bool(delta) and (self._cut or self.writes_essay(self._text))
        if not self._cut:
            self._on_delta(delta)

    def writes_essay(self, text: str) -> bool:
        return writes_essay(text, self._sources)
