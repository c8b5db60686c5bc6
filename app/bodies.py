"""What a request may hold, whether it came as JSON or from a form; and how each wrong field is told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails

from app.problems import invalid
from grading.lifecycle import Seen
from grading.rubric import LEVELS, MAX_CRITERIA, MAX_DESCRIPTOR, MAX_NAME, MAX_POINTS
from grading.task import LANGUAGES, MAX_PROMPT, MAX_TITLE
from grading.text import CONTROL, MAX_CHARACTERS
from models import EssayState, Release

MAX_ERRORS = 20
MAX_COMMENT = 5_000
"""Longest comment of a teacher, in characters."""

MAX_QUESTION = 1_000
"""Longest question, in characters."""

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], data: object) -> Model:
    """The data as that model. Raises a 422 `Problem` that names each wrong field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(*(_told(one) for one in error.errors(include_input=False)[:MAX_ERRORS])) from None


def _told(error: ErrorDetails) -> dict[str, str]:
    message = _MESSAGES.get(error["type"], f"{error['msg'].removeprefix('Value error, ')}.")
    return {"field": _path(error["loc"]) or "body", "message": message}


_MESSAGES = {
    "model_type": "Must be a JSON object.",
    "missing": "Is missing.",
    "extra_forbidden": "There is no such field.",
    "string_unicode": "Holds half of a surrogate pair, which is no character.",
}


def _path(location: Sequence[str | int]) -> str:
    """`rubric.criteria[0].max`; short, because what was sent may be part of it."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".")[:200]


def _readable(text: str) -> str:
    if found := CONTROL.search(text):
        raise ValueError(f"Character {found.start() + 1} is a control character; please remove it")
    return text


def _moment(value: datetime) -> datetime:
    if not 2000 <= value.year < 2200:
        raise ValueError("Must be a date between 2000 and 2199")
    return value.astimezone(UTC)


Words = Annotated[str, StringConstraints(max_length=MAX_COMMENT), AfterValidator(_readable)]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_COMMENT),
    AfterValidator(_readable),
]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\r\n\t]*$"),
    AfterValidator(_readable),
]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]

_CRITERION = {
    "type": "object",
    "required": ["key", "name", "max"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,31}$"},
        "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME},
        "max": {"type": "number", "exclusiveMinimum": 0, "maximum": int(MAX_POINTS)},
        "descriptors": {
            "description": "What levels look like, weakest first.",
            "type": "array",
            "maxItems": len(LEVELS),
            "items": {"type": "string", "minLength": 1, "maxLength": MAX_DESCRIPTOR},
        },
    },
}
RUBRIC = {
    "type": "object",
    "required": ["criteria"],
    "additionalProperties": False,
    "properties": {"criteria": {"type": "array", "minItems": 1, "maxItems": MAX_CRITERIA, "items": _CRITERION}},
}


class Body(BaseModel):
    """A field that nobody knows is refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid")


class NewEssay(Body):
    assignment_id: uuid.UUID
    # `grading.text.check` decides, and says more than a schema could.
    text: str = Field(json_schema_extra={"minLength": 1, "maxLength": MAX_CHARACTERS})


class NewAppeal(Body):
    reason: Reason = Field(description="What the teacher should look at again, and why.")


class NewQuestion(Body):
    """A question about an assignment, or about an essay; one of the two is named."""

    assignment_id: uuid.UUID | None = None
    essay_id: uuid.UUID | None = None
    question: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION),
        AfterValidator(_readable),
    ]

    @model_validator(mode="after")
    def _about_one(self) -> Self:
        if (self.assignment_id is None) == (self.essay_id is None):
            raise ValueError("Name either an assignment_id or an essay_id")
        return self


class HandGrade(Body):
    """A teacher's own grade; what it leaves out stays as the current grade, or `from_grading`, has it."""

    from_grading: uuid.UUID | None = Field(
        None, description="A grading of this essay to go by instead of the current one, such as one not accepted."
    )
    seen: Seen | None = Field(
        None, description="409 when the essay has another grade, or another appeal, by now. Left out: not compared."
    )

    points: dict[str, Decimal] = Field({}, description="Points by key of the criterion.")
    comments: dict[str, Words] = Field({}, description="Comment by key of the criterion.")
    comment: Words | None = Field(None, description="A word on the whole.")


class NewClass(Body):
    name: Line


class JoinClass(Body):
    join_code: str


class Routing(Body):
    """Thresholds in which an assignment differs from the settings, which say what each means."""

    accept: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="Confidence, by tier, from which its grade stands."
    )
    simple_length: int | None = Field(None, ge=0)
    simple_below: float | None = Field(None, ge=0, le=1)
    complex_from: float | None = Field(None, ge=0, le=1)
    longest_wait: float | None = Field(None, gt=0, description="In seconds.")
    review_below: float | None = Field(None, ge=0, le=1)


Points = Annotated[Decimal, Field(ge=0, decimal_places=2, max_digits=8)]


class AssignmentBody(Body):
    # The first four are read by `grading.task.Task`, for the command line and the web alike.
    title: Annotated[Any, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TITLE})]
    prompt: Annotated[Any, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_PROMPT})]
    language: Annotated[Any, WithJsonSchema({"type": "string", "enum": list(LANGUAGES)})]
    rubric: Annotated[Any, WithJsonSchema(RUBRIC)]
    deadline: Moment | None = Field(None, description="For information: an essay that comes later counts as late.")
    tolerance: Points | None = Field(None, description="Difference in points that the teacher does not mind.")
    routing: Routing | None = Field(None, description="Null: as the settings. Left out in a change: as it was.")
    release: Release = Field(Release.at_once, description="When students may see their grades.")
    release_at: Moment | None = Field(None, description="The day, with `release: from_date`.")
    appeal_until: Moment | None = Field(
        None, description="Until when students may appeal against a grade that they see; null: as long as they like."
    )


class NewAssignment(AssignmentBody):
    class_id: uuid.UUID


class ChangedAssignment(AssignmentBody):
    class_id: uuid.UUID | None = Field(None, description="May be sent, but not changed.")


class Page(Body):
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = Field(None, description="`next` of the page before.")


class EssayFilter(Page):
    state: EssayState | None = None
    assignment_id: uuid.UUID | None = None


class ClassEssayFilter(EssayFilter):
    student_id: uuid.UUID | None = None


class Tolerance(Body):
    tolerance: Points | None = Field(None, description="Difference in points that the teacher does not mind.")


class Invalidation(Body):
    """What the cache is to forget: at least one tag, or an assignment."""

    tags: list[Annotated[str, StringConstraints(min_length=1, max_length=100)]] = Field([], max_length=100)
    assignment_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not self.all_tags:
            raise ValueError("say which tags, or which assignment")
        return self

    @property
    def all_tags(self) -> list[str]:
        return [*self.tags, *([f"assignment:{self.assignment_id}"] if self.assignment_id else [])]


class AssignmentFilter(Page):
    class_id: uuid.UUID | None = None


def _day_or_moment(value: object) -> datetime | date:
    wrong = ValueError("Must be a day such as 2026-11-01, or a moment with its time zone")
    if not isinstance(value, str):
        raise wrong
    try:
        found = date.fromisoformat(value) if len(value) == len("2026-11-01") else datetime.fromisoformat(value)
    except ValueError:
        raise wrong from None
    if isinstance(found, datetime) and found.tzinfo is None:
        raise wrong
    if not 2000 <= found.year < 2200:
        raise ValueError("Must be a date between 2000 and 2199")
    return found


DayOrMoment = Annotated[datetime | date, PlainValidator(_day_or_moment), WithJsonSchema({"type": "string"})]


class CostsFilter(Body):
    begin: DayOrMoment | None = Field(
        None, alias="from", description="A moment, or a day in the school's time zone. Without it: 30 days before `to`."
    )
    end: DayOrMoment | None = Field(
        None, alias="to", description="Likewise; a day is meant as a whole. Without it: now."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begin is not None and self.end is not None and _instant(self.begin) > _instant(self.end):
            raise ValueError("`from` is after `to`")
        return self


class SavingFilter(CostsFilter):
    class_id: uuid.UUID | None = Field(None, description="Of one class; without it, of all.")


class CostsTable(CostsFilter):
    by: Literal["model", "feature", "hour", "user", "class"] = Field(
        "hour", description="A line for each; users and classes are those of the last 30 days, whatever the period."
    )


class AttributionFilter(Body):
    days: int = Field(30, ge=1, le=366, description="How many days (UTC) are looked back, today included.")


def _instant(value: datetime | date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


class ReviewFilter(Body):
    """Of a list that changes with every mark, there is only the beginning."""

    class_id: uuid.UUID | None = None
    assignment_id: uuid.UUID | None = None
    touched_by: uuid.UUID | None = Field(
        None, description="An essay: only those that its teacher's correction asks for a second look at."
    )
    limit: int = Field(50, ge=1, le=100)


Dollars = Annotated[Decimal, Field(ge=0, decimal_places=6, max_digits=12)]


class BudgetBody(Body):
    """A budget, and whose it is. Without any limit it is taken away."""

    scope: Literal["platform", "class", "user"]
    subject_id: uuid.UUID | None = Field(
        None, description="The class or the user; null: the platform, or each that has none of its own."
    )
    period: Literal["day", "month"] = Field(description="Of the school's calendar, in its time zone.")
    soft_usd: Dollars | None = Field(None, description="From here on people are warned.")
    hard_usd: Dollars | None = Field(None, description="From here on nothing is asked that costs something.")


class NoticeFilter(Page):
    unseen: bool = Field(False, description="Only those that were not seen yet.")


class SavingReason(Body):
    reason: Line = Field(description="Kept, and shown to ops.")


class PaysWhileSaving(Body):
    pays_while_saving: bool


class SeenNotices(Body):
    ids: list[uuid.UUID] | None = Field(None, max_length=1000, description="Which; all when it is left out.")
