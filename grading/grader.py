"""One essay and one engine make a grade."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from grading import claims, confidence, prompt, reply
from grading.engines.engine import (
    Completion,
    DeadlineExceeded,
    Engine,
    Flag,
    GivenUp,
    Request,
    RequestRefused,
    Token,
    Usage,
)
from grading.engines.loading import DEMO_MODEL
from grading.levels import LevelEstimate, first_levels, levels
from grading.quotes import locate
from grading.reply import InvalidReply, Note, Reply
from grading.revision import Former
from grading.rubric import Rubric, number, points
from grading.rule_notes import rule_notes
from grading.streaming import StreamingReply
from grading.task import Task
from grading.text import language_of

OnProgress = Callable[[str, str], None]
"""Gets a field of the reply and the next piece of its text; `("", "")` says that the reply begins anew."""

OnCall = Callable[[Request], AbstractContextManager[Callable[[Completion], None]]]
"""Is entered around each call to a model, of which there may be two for a grade. What it returns is told the reply; its
block ends as the call ended: with what the engine raised, with `InvalidReply`, or well."""


class Ungradable(Exception):
    """The model gave no grade for this essay; `reason` tells a person why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooUncertain(Exception):
    """The levels, which come first in a reply, were too uncertain for a grade that stands, so the rest was not awaited.

    `confidence` is as a `Grade`'s, from the levels alone: with the quotes it could only have been lower. `criteria` are
    as a `Grade`'s, without comments; `total` and `max` go with them, and `origin` is what it was made of and by whom.
    `usage` is what this one call has used, as far as that is known: see `EngineError`.
    """

    def __init__(
        self, rubric: Rubric, estimates: Mapping[str, LevelEstimate], origin: Origin, usage: Usage | None
    ) -> None:
        self.confidence = _confidence(rubric, estimates)
        self.criteria = _scores(rubric, estimates)
        self.total, self.max = _total(self.criteria), rubric.max
        self.origin, self.usage = origin, usage
        super().__init__(f"{origin.model} was too unsure of the levels (confidence {self.confidence:g}).")


@dataclass(frozen=True)
class Origin:
    """All that a grade came from: who gave it, what was asked, and how the answer was drawn.

    `hashes` are SHA-256 of the prompt as it was sent, of the prompt's file, of task, rubric and essay, and of the
    reply's schema. `sampling` has `temperature`, `seed` (none is ever given, so None), `max_tokens`, and `attempt`, 2
    when the first reply was no grade.
    """

    model: str
    engine_version: str
    prompt_version: str
    hashes: dict[str, str]
    sampling: dict[str, Any]


@dataclass(frozen=True)
class Suspicions:
    """Words of an essay that speak to its grader: `spans` as `grading.injection.Suspicion`, and what they did.

    `points` is by how much the total was higher with them than without; None when nothing was left without them.
    `swayed`: they made such a difference that no grade of this model can be relied on.
    """

    spans: list[dict[str, Any]]
    points: float | None
    swayed: bool


@dataclass(frozen=True)
class Grade:
    """A grade of one essay, and all that is needed to say how it came about.

    Criteria and annotations are plain JSON objects, as they are stored. `level` in a criterion is the expected level,
    1 to 6, with two decimals, and its points follow from it. In an annotation `quote` is `text[start:end]` of the
    essay, counted in code points, and `found_by` is `model` or `rule`. `model` to `sampling` are as in `Origin`;
    `usage` is the sum of `attempts` calls, `first_token_s` that of the last; `dropped_quotes` counts the model's notes
    on words that are not there, `dropped_claims` what it counted wrongly in the essay.
    """

    total: Decimal
    max: Decimal
    criteria: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    strengths: list[str]
    suggestions: list[str]
    confidence: float
    interval: None
    model: str
    engine_version: str
    prompt_version: str
    hashes: dict[str, str]
    sampling: dict[str, Any]
    usage: Usage
    first_token_s: float
    attempts: int
    dropped_quotes: int
    dropped_claims: int
    suspicions: Suspicions | None = None
    improved: dict[str, Any] | None = None
    """Of a revised version, as `grading.revision.Former.improved`."""
    stated_confidence: float | None = None
    """0 to 1: the model's own word for how sure it is, where the prompt asks for it. Only evaluation looks at it."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; points are numbers."""
        suspicions = vars(self.suspicions) if self.suspicions else None
        usage = {"prompt": self.usage.prompt, "cached": self.usage.cached, "completion": self.usage.completion}
        return {
            **vars(self),
            "total": number(self.total),
            "max": number(self.max),
            "usage": usage,
            "suspicions": suspicions,
        }


@contextmanager
def unobserved(request: Request) -> Iterator[Callable[[Completion], None]]:
    """An `OnCall` for where nobody keeps account, because nothing is paid for and there is no database."""
    yield lambda completion: None


def grade(
    text: str,
    task: Task,
    engine: Engine,
    *,
    request_id: str,
    secret: str | bytes,
    on_progress: OnProgress,
    cancelled: Flag,
    deadline: float,
    on_call: OnCall,
    give_up_below: float | None = None,
    prompt_version: str | None = None,
    former: Former | None = None,
) -> Grade:
    """Have an engine grade an essay that `grading.text.check` accepts.

    `secret` keys the tags around the essay; `prompt_version` is that of the setting unless it is given; `deadline` is
    in seconds for each reply. A reply that is no valid grade is asked for once more with sampling on, and so is one in
    another language than the task's, but the second is taken in any. Raises `Ungradable` when there is none then
    either, or the engine refuses the essay or does not finish in time; `Cancelled` and `EngineDead` come through. A
    reply whose confidence will be less than `give_up_below` is broken off as soon as that is seen: `TooUncertain`. The
    grader of a revised version is shown the `former` grade, and says what has changed.
    """
    doubt = _Doubt(task.rubric, give_up_below or 0.0)
    rendered = prompt.render(task, text, prompt.delimiter(secret, text), prompt_version, former)
    request = replace(_request(rendered, task, request_id, deadline, former), give_up=doubt if give_up_below else None)
    retry = replace(request, id=f"{request_id}.2", temperature=rendered.retry_temperature)
    asked: list[Request] = []
    completions: list[Completion] = []

    def origin() -> Origin:
        return Origin(
            engine.model, engine.version, rendered.version, _hashes(rendered, task, text, former), _drawn(asked)
        )

    def ask(request: Request) -> Reply:
        asked.append(request)
        with on_call(request) as replied:
            completion = _ask(engine, request, on_progress, cancelled)
            replied(completion)
            completions.append(completion)
            answer = _read(completion, task.rubric, rendered, former)
            # The demonstration model writes no Chinese: asked again it is as slow and no better.
            speaks = engine.model != DEMO_MODEL
            if speaks and len(completions) == 1 and language_of(answer.remarks) != task.language:
                raise InvalidReply("it is not in the language of the assignment")
            return answer

    with _explained(engine, deadline, doubt, origin):
        try:
            answer = ask(request)
        except InvalidReply:
            on_progress("", "")
            answer = ask(retry)

    estimates = levels(completions[-1], answer)
    answer, dropped_claims = claims.checked(answer, text)
    notes = _annotations(answer.notes, text)
    dropped = len(answer.notes) - len(notes)
    criteria = [item | {"comment": answer.comments[item["key"]]} for item in _scores(task.rubric, estimates)]
    return Grade(
        total=_total(criteria),
        max=task.rubric.max,
        criteria=criteria,
        annotations=_in_order(notes + rule_notes(text, notes)),
        strengths=list(answer.strengths),
        suggestions=list(answer.suggestions),
        confidence=_confidence(task.rubric, estimates, verified=len(notes), dropped=dropped),
        interval=None,
        **vars(origin()),
        usage=_sum(completion.usage for completion in completions),
        first_token_s=completions[-1].first_token_s,
        attempts=len(completions),
        dropped_quotes=dropped,
        dropped_claims=dropped_claims,
        improved=former.improved(criteria, answer.improved) if former else None,
        stated_confidence=None if answer.confidence is None else answer.confidence / 100,
    )


class _Doubt:
    """Says of a reply that has just begun whether its confidence will be too low; a `Request.give_up`."""

    def __init__(self, rubric: Rubric, below: float) -> None:
        self.rubric, self._below = rubric, below
        self.levels: dict[str, LevelEstimate] = {}

    def __call__(self, tokens: Sequence[Token]) -> bool:
        self.levels = first_levels(tokens)
        known = self.levels.keys() == set(self.rubric.keys)
        return known and _confidence(self.rubric, self.levels) < self._below


def inputs(text: str, task: Task, secret: str | bytes, former: Former | None = None) -> tuple[str, dict[str, str]]:
    """The prompt's version and the hashes that a grade of this essay would have, were it given now."""
    rendered = prompt.render(task, text, prompt.delimiter(secret, text), former=former)
    return rendered.version, _hashes(rendered, task, text, former)


def first_request(
    text: str, task: Task, *, request_id: str, secret: str | bytes, deadline: float, former: Former | None = None
) -> Request:
    """What `grade` asks first; for who sends it on another way and has `grade` read the reply."""
    rendered = prompt.render(task, text, prompt.delimiter(secret, text), former=former)
    return _request(rendered, task, request_id, deadline, former)


def _request(rendered: prompt.Rendered, task: Task, request_id: str, deadline: float, former: Former | None) -> Request:
    return Request(
        id=request_id,
        messages=rendered.messages,
        schema=reply.schema(task.rubric, task.language, **_asked_for(rendered, former)),
        max_tokens=reply.max_tokens(task.rubric, task.language, **_asked_for(rendered, former)),
        deadline=deadline,
    )


def _asked_for(rendered: prompt.Rendered, former: Former | None) -> dict[str, bool]:
    """What a reply holds besides the usual."""
    return {"revised": former is not None, "stated": rendered.states_confidence}


def _ask(engine: Engine, request: Request, on_progress: OnProgress, cancelled: Flag) -> Completion:
    stream = StreamingReply()

    def on_delta(delta: str) -> None:
        nonlocal stream
        if not delta:
            stream = StreamingReply()
            on_progress("", "")
        for field, piece in stream.feed(delta):
            on_progress(field, piece)

    return engine.grade(request, on_delta, cancelled)


@contextmanager
def _explained(engine: Engine, deadline: float, doubt: _Doubt, origin: Callable[[], Origin]) -> Iterator[None]:
    """Whatever keeps the model from giving a grade is told in words that a teacher can act on."""
    try:
        yield
    except GivenUp as error:
        raise TooUncertain(doubt.rubric, doubt.levels, origin(), error.usage) from error
    except RequestRefused as error:
        raise Ungradable(
            f"The model {engine.model} cannot take this essay: {error} A teacher should grade it."
        ) from error
    except DeadlineExceeded as error:
        raise Ungradable(
            f"The model {engine.model} did not finish within {deadline:g} seconds. "
            "Try again when it is less busy, or let a teacher grade this essay."
        ) from error
    except InvalidReply as error:
        raise Ungradable(
            f"The model {engine.model} answered twice with something that is no grade: {error.reason}. "
            "A teacher should grade this essay, or it can be tried again."
        ) from error


def _read(completion: Completion, rubric: Rubric, rendered: prompt.Rendered, former: Former | None) -> Reply:
    if completion.finish_reason == "length":
        raise InvalidReply("it was too long and was cut off")
    return reply.parse(completion.text, rubric, **_asked_for(rendered, former))


def _confidence(
    rubric: Rubric, estimates: Mapping[str, LevelEstimate], *, verified: int = 0, dropped: int = 0
) -> float:
    return round(confidence.overall(rubric, estimates, verified=verified, dropped=dropped), 3)


def _total(criteria: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((Decimal(str(item["points"])) for item in criteria), Decimal(0))


def _scores(rubric: Rubric, estimates: Mapping[str, LevelEstimate]) -> list[dict[str, Any]]:
    """The criteria with their levels and points, and still without comments."""
    criteria = []
    for criterion in rubric.criteria:
        estimate = estimates[criterion.key]
        level = round(estimate.expected, 2)
        criteria.append(
            {
                "key": criterion.key,
                "name": criterion.name,
                "level": level,
                "points": number(points(level, criterion.max)),
                "max": number(criterion.max),
                "confidence": round(estimate.certainty, 3),
            }
        )
    return criteria


def _annotations(notes: Iterable[Note], text: str) -> list[dict[str, Any]]:
    """The model's notes whose quotes stand in the essay; they may overlap."""
    return [
        {
            "start": place[0],
            "end": place[1],
            "quote": text[place[0] : place[1]],
            "kind": note.kind,
            "comment": note.comment,
            "found_by": "model",
        }
        for note in notes
        if (place := locate(note.quote, text))
    ]


def _in_order(annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(annotations, key=lambda annotation: (annotation["start"], annotation["end"]))


def _sum(usages: Iterable[Usage]) -> Usage:
    total = Usage()
    for usage in usages:
        total = Usage(total.prompt + usage.prompt, total.cached + usage.cached, total.completion + usage.completion)
    return total


def _hashes(rendered: prompt.Rendered, task: Task, text: str, former: Former | None) -> dict[str, str]:
    revised = {"revision": _sha256(prompt.revision_words(task.language))} if former else {}
    return revised | {
        "prompt": rendered.hash,
        "template": rendered.template_hash,
        "task": task.content_hash,
        "rubric": task.rubric.content_hash,
        "essay": _sha256(text),
        "schema": _sha256(json.dumps(reply.schema(task.rubric, task.language, **_asked_for(rendered, former)))),
    }


def _drawn(asked: Sequence[Request]) -> dict[str, Any]:
    """How the last reply was drawn."""
    last = asked[-1]
    return {
        "temperature": last.temperature,
        "seed": None,
        "max_tokens": last.max_tokens,
        "attempt": len(asked),
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
