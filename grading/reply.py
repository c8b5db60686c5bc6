"""The reply that a grader asks of a model: its JSON schema, and the strict reading of what came."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grading.rubric import LEVELS, Rubric
from grading.text import UNSTORABLE

KINDS = ("praise", "idea", "structure", "language", "spelling")
"""What a margin note is about."""


class InvalidReply(Exception):
    """The reply is no grade; `reason` says what is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Note:
    """A margin note as the model wrote it; whether its quote stands in the essay is not yet known."""

    quote: str
    kind: str
    comment: str


@dataclass(frozen=True)
class Reply:
    """What a model said of an essay; levels and comments are by criterion key."""

    levels: Mapping[str, int]
    comments: Mapping[str, str]
    notes: tuple[Note, ...]
    strengths: tuple[str, ...]
    suggestions: tuple[str, ...]
    improved: Mapping[str, str] = field(default_factory=dict)
    """Of a revised version: what has changed, by criterion key."""
    confidence: int | None = None
    """Per cent, as the model states it; None where it was not asked."""

    @property
    def remarks(self) -> str:
        """All that is said in it, without what it quotes."""
        notes = (note.comment for note in self.notes)
        said = (*self.comments.values(), *notes, *self.strengths, *self.suggestions, *self.improved.values())
        return "\n".join(said)


@dataclass(frozen=True)
class _Sizes:
    """How long the texts of a reply in one language are: least and most characters of a remark and of a quote.

    There are only these two kinds, because a grammar compiler works up to a second on each. Remarks have a least
    length so that a small model says something. `tokens_per_character` is the worst that ordinary words need of a
    tokenizer that knows little of the language.
    """

    remark: tuple[int, int]
    quote: tuple[int, int]
    tokens_per_character: float


_SIZES = {
    "en": _Sizes(remark=(20, 180), quote=(2, 80), tokens_per_character=0.5),
    "zh": _Sizes(remark=(8, 70), quote=(1, 40), tokens_per_character=2.0),
}
_MAX_NOTES = 3
_MAX_ADVICE = 2
_CONFIDENCES = range(0, 101, 5)
"""Per cent. Models round like that anyway, and a grammar of few words is soon compiled."""


def schema(rubric: Rubric, language: str, *, revised: bool = False, stated: bool = False) -> dict[str, Any]:
    """The JSON schema of a reply, which of a `revised` version also says what has changed, and `stated` how sure it is.

    Levels come first, so that no comment sways them and their tokens are soon known; a stated confidence comes last, so
    that it sways nothing. All of it is bounded: a small model that would write for ever is made to stop.
    """
    sizes = _SIZES[language]
    remark, quote = _string(*sizes.remark), _string(*sizes.quote)
    note = _object(quote=quote, kind={"type": "string", "enum": list(KINDS)}, comment=remark)
    advice = {"type": "array", "items": remark, "maxItems": _MAX_ADVICE}
    return _object(
        levels=_object(**{key: {"type": "integer", "enum": list(LEVELS)} for key in rubric.keys}),
        comments=_object(**dict.fromkeys(rubric.keys, remark)),
        annotations={"type": "array", "items": note, "maxItems": _MAX_NOTES},
        strengths=advice,
        suggestions=advice,
        **({"improved": _object(**dict.fromkeys(rubric.keys, remark))} if revised else {}),
        **({"confidence": {"type": "integer", "enum": list(_CONFIDENCES)}} if stated else {}),
    )


def max_tokens(rubric: Rubric, language: str, *, revised: bool = False, stated: bool = False) -> int:
    """Tokens within which the longest reply that the schema allows comes to its end."""
    sizes = _SIZES[language]
    remarks = (1 + revised) * len(rubric.keys) + _MAX_NOTES + 2 * _MAX_ADVICE
    characters = remarks * sizes.remark[1] + _MAX_NOTES * sizes.quote[1]
    frame = {
        "levels": dict.fromkeys(rubric.keys, 6),
        "comments": dict.fromkeys(rubric.keys, ""),
        "annotations": [{"quote": "", "kind": max(KINDS, key=len), "comment": ""}] * _MAX_NOTES,
        "strengths": [""] * _MAX_ADVICE,
        "suggestions": [""] * _MAX_ADVICE,
        **({"improved": dict.fromkeys(rubric.keys, "")} if revised else {}),
        **({"confidence": max(_CONFIDENCES)} if stated else {}),
    }
    return math.ceil(characters * sizes.tokens_per_character) + len(json.dumps(frame))


def parse(text: str, rubric: Rubric, *, revised: bool = False, stated: bool = False) -> Reply:
    """Read a reply, or raise `InvalidReply`.

    The engine confines a reply to the schema, but not every release of every engine obeys all of it, so nothing is
    taken on trust: every criterion must have its level from 1 to 6 and its comment, and there must be nothing else.
    Only lengths and the steps of a confidence are let pass; the request's `max_tokens` bounds the former. Of notes
    given twice one is kept.
    """
    try:
        # strict=False: grammars let control characters, such as a tab in a quote, stand in strings as they are.
        obj = json.loads(text, strict=False, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise InvalidReply("it is not JSON") from None
    fields = ("levels", "comments", "annotations", "strengths", "suggestions")
    asked = (*fields, *(("improved",) if revised else ()), *(("confidence",) if stated else ()))
    whole = _fields(obj, "the reply", asked)
    levels = _fields(whole["levels"], "levels", rubric.keys)
    for key, level in levels.items():
        if type(level) is not int or level not in LEVELS:
            raise InvalidReply(f"the level of {key} is not a whole number from 1 to 6")
    comments = _fields(whole["comments"], "comments", rubric.keys)
    improved = _fields(whole["improved"], "improved", rubric.keys) if revised else {}
    confidence = whole.get("confidence")
    if stated and (type(confidence) is not int or not 0 <= confidence <= 100):
        raise InvalidReply("the confidence is not a whole number from 0 to 100")
    return Reply(
        levels=levels,
        comments={key: _text(comment, f"the comment on {key}") for key, comment in comments.items()},
        notes=tuple(dict.fromkeys(_note(item) for item in _items(whole["annotations"], "annotations"))),
        strengths=tuple(_text(item, "a strength") for item in _items(whole["strengths"], "strengths")),
        suggestions=tuple(_text(item, "a suggestion") for item in _items(whole["suggestions"], "suggestions")),
        improved={key: _text(remark, f"what has changed in {key}") for key, remark in improved.items()},
        confidence=confidence,
    )


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _string(shortest: int, longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) < len(pairs):
        raise InvalidReply("it has the same field twice")
    return obj


def _fields(value: Any, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """The value as an object with exactly these fields, in this order."""
    if not isinstance(value, dict):
        raise InvalidReply(f"{name} is not an object")
    if missing := [key for key in keys if key not in value]:
        raise InvalidReply(f"{name} lacks {', '.join(missing)}")
    if len(value) > len(keys):
        raise InvalidReply(f"{name} has fields that nobody asked for")
    return {key: value[key] for key in keys}


def _items(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidReply(f"{name} is not a list")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidReply(f"{name} is not a text")
    if UNSTORABLE.search(value):
        raise InvalidReply(f"{name} holds what is no character")
    return value


def _note(value: Any) -> Note:
    fields = _fields(value, "an annotation", ("quote", "kind", "comment"))
    if fields["kind"] not in KINDS:
        raise InvalidReply("an annotation is of an unknown kind")
    return Note(_text(fields["quote"], "a quote"), fields["kind"], _text(fields["comment"], "the comment on a quote"))
