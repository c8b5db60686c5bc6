"""What the caches answer on a day of essays and questions, by what was handed in or asked, and what that saves.

    python -m benchmarks.cache_day [--essays 60] [--questions 150] [--seed 0]

Real essays of four tasks (ASAP, each task a class's assignment with its own text) and real questions (QQP) go through
the real code: the application's routes, Postgres, Valkey, and the Procfile's workers for triage and hosted models. The
provider is the tests' double, which answers at once and has OpenAI's prefix cache (from 1,024 tokens on, in steps of
128); each answer names its question, so that a wrong one is seen. Prices are those of gpt-4.1-mini.

The mix is supposed, for want of a log of a real day; it is in the output. Essays: new, handed in again word for word,
revised (a sentence more), or sent twice at once by a double click, with one key. Questions: new, asked again by
somebody of the class in the same words, in other words (of a pair that people labelled as the same), or by a double
click. What repeats another comes after that one is graded or answered. Prints a line of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select

from app import create_app
from benchmarks.semantic_pairs import CASES, FILES, require_cases
from grading import progress
from grading.cache import counts, savings
from grading.cache.chain import chain
from grading.cache.evaluation import read_pairs
from grading.task import MAX_PROMPT
from models import Class, Essay, EssayState, Grading, LlmCall, Role, Source
from models.session import session
from tests.corpus import SHARED
from tests.doubles.openai_server import serving
from tests.doubles.openai_server.answers import Answer, Answers, made_up, schema_of
from tests.factories import make_assignment, make_token, make_user
from tests.stack import eventually
from tests.workers import lab as laboratory

ESSAYS = {"new": 0.84, "again": 0.05, "revised": 0.08, "double_click": 0.03}
QUESTIONS = {"new": 0.60, "again": 0.30, "other_words": 0.06, "double_click": 0.04}
TASKS = (1, 2, 4, 7)
STUDENTS = 30
HANDS = 8
"""Essays and questions that are under way at once."""
ENVIRONMENT = {
    "PIZHU_LOCAL_MODEL": "none",
    "PIZHU_TIERS": json.dumps([{"name": "small", "engine": "openai", "model": "small"}]),
    "PIZHU_PRICES": json.dumps({"small": {"input": "0.4", "cached": "0.1", "output": "1.6"}}),
    "OPENAI_API_KEY": "any",
    "PIZHU_ASK_LIMIT": "1000 per minute",
    "PIZHU_ASK_DEADLINE": "300",
    "PIZHU_REVIEW_BELOW": "0",
    "PIZHU_SHADOW_CHECKS": "0",
}
Result = TypeVar("Result")


@dataclass(frozen=True)
class Event:
    """Something handed in or asked about an assignment. `after` is the event that it repeats, by its place in the day;
    `row` names what a question asks."""

    kind: str
    assignment: int
    student: int
    text: str
    row: str = ""
    after: int | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--essays", type=int, default=60)
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    require_cases()
    dice = random.Random(chosen.seed)  # noqa: S311
    essays, questions = essays_of(chosen.essays, dice), questions_of(chosen.questions, dice)
    with serving(said=saying(questions)) as provider, tempfile.TemporaryDirectory() as folder:
        environment = ENVIRONMENT | {"PIZHU_OPENAI_BASE_URL": provider.base_url}
        with laboratory.running(Path(folder) / "home", environment, ("triage", "openai")) as lab:
            day = Day(lab.school.school_class)
            began = time.monotonic()
            graded, answered = replayed(essays, day.hand_in), replayed(questions, day.ask)
            seconds = round(time.monotonic() - began)
            wrong = sum(not said.startswith(f"{each.row}:") for each, told in answered for _, said in told)
            figures = {"graded": by_kind(graded), "answered": by_kind(answered), "wrong": wrong, **paid_and_saved()}
            chain().close()
    mix = {"essays": ESSAYS, "questions": QUESTIONS}
    print(json.dumps({"benchmark": "cache_day", **vars(chosen), "mix": mix, "seconds": seconds, **figures}))


def essays_of(count: int, dice: random.Random) -> list[Event]:
    with gzip.open(SHARED / "asap_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts: dict[int, list[str]] = {task: [] for task in TASKS}
        for row in map(json.loads, lines):
            texts[row["prompt_id"]].append(row["text"])
    day: list[Event] = []
    for kind in dice.choices(list(ESSAYS), list(ESSAYS.values()), k=count):
        known = [place for place, event in enumerate(day) if event.kind == "new"]
        if kind in ("again", "revised") and known:
            former = day[place := dice.choice(known)]
            more = " That is why I think so." if kind == "revised" else ""
            day.append(replace(former, kind=kind, text=former.text + more, after=place))
        else:
            assignment = dice.randrange(len(TASKS))
            text = texts[TASKS[assignment]].pop(dice.randrange(50))
            kind = "double_click" if kind == "double_click" else "new"
            day.append(Event(kind, assignment, dice.randrange(STUDENTS), text))
    return day


def questions_of(count: int, dice: random.Random) -> list[Event]:
    pairs = read_pairs(CASES / FILES["qqp"])
    dice.shuffle(pairs)
    day: list[Event] = []
    other_words = {pair.row: pair.asked for pair in pairs if pair.same}
    for kind in dice.choices(list(QUESTIONS), list(QUESTIONS.values()), k=count):
        known = [place for place, event in enumerate(day) if event.kind == "new"]
        if kind == "other_words":
            known = [place for place in known if day[place].row in other_words]
        if kind in ("again", "other_words") and known:
            former = day[place := dice.choice(known)]
            text = other_words[former.row] if kind == "other_words" else former.text
            day.append(replace(former, kind=kind, student=dice.randrange(STUDENTS), text=text, after=place))
        else:
            pair = pairs.pop()
            kind = "double_click" if kind == "double_click" else "new"
            day.append(Event(kind, dice.randrange(len(TASKS)), dice.randrange(STUDENTS), pair.stored, pair.row))
    return day


def saying(questions: Sequence[Event]) -> Answers:
    """A model whose answers begin with the row of the question that it was asked."""
    rows = {event.text: event.row for event in questions}

    def said(body: Mapping[str, Any]) -> Answer:
        if schema_of(body) is not None:
            return made_up(body)
        lines = str(body["messages"][-1]["content"]).splitlines()
        return Answer(next(f"{rows[line]}: ask your teacher about that, please." for line in lines if line in rows))

    return said


Told = list[tuple[str, str]]
"""Who graded or answered, and in which words, for each time that it was sent."""


class Day:
    """The application in this process, and the people of one class."""

    def __init__(self, school_class: Class) -> None:
        self._app = create_app()
        self._assignments = [make_assignment(school_class, title=f"Task {task}", prompt=prompt(task)) for task in TASKS]
        self._tokens = [make_token(make_user(Role.student, school_class)) for _ in range(STUDENTS)]

    def hand_in(self, event: Event) -> Told:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        answers = self._twice(event, lambda: self._post(event, "essays", "text", key).get_json())
        ids = {answer["id"] for answer in answers}

        def grade_of(essay_id: str) -> str | None:
            with session() as db:
                essay = db.get_one(Essay, uuid.UUID(essay_id))
                assert essay.state not in (EssayState.failed, EssayState.needs_review), essay.reason
                return essay.current_grading.source.value if essay.current_grading else None

        return [(eventually(lambda: grade_of(one), 300, "it is graded") or "", "") for one in ids]  # noqa: B023

    def ask(self, event: Event) -> Told:
        streams = self._twice(event, lambda: self._post(event, "ask", "question", {}).get_data(as_text=True))
        answers = [json.loads(stream.rstrip().rsplit("data: ", 1)[1]) for stream in streams]
        return [(answer["level"] or answer["source"], answer["text"]) for answer in answers]

    def _post(self, event: Event, door: str, field: str, headers: dict[str, str]) -> Any:
        body = {"assignment_id": str(self._assignments[event.assignment].id), field: event.text}
        token = {"Authorization": f"Bearer {self._tokens[event.student]}"}
        answer = self._app.test_client(use_cookies=False).post(f"/api/v1/{door}", json=body, headers=headers | token)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer

    def _twice(self, event: Event, send: Callable[[], Result]) -> list[Result]:
        with ThreadPoolExecutor(2) as pool:
            return [one.result() for one in [pool.submit(send) for _ in range(1 + (event.kind == "double_click"))]]


def prompt(task: int) -> str:
    return (SHARED / "asap_prompts" / f"set{task}_prompt_source_rubric.txt").read_text(encoding="utf-8")[:MAX_PROMPT]


def replayed(day: Sequence[Event], send: Callable[[Event], Told]) -> list[tuple[Event, Told]]:
    """All of it in its order, so many at once; what repeats an event waits for that one's end."""
    futures: list[Future[Told]] = []

    def one(event: Event) -> Told:
        if event.after is not None:
            futures[event.after].result()
        return send(event)

    with ThreadPoolExecutor(HANDS) as hands:
        for event in day:
            futures.append(hands.submit(one, event))
    return [(event, future.result()) for event, future in zip(day, futures, strict=True)]


def by_kind(day: Sequence[tuple[Event, Told]]) -> dict[str, dict[str, int]]:
    """Who graded or answered how many: `openai` is the model."""
    found: dict[str, Counter[str]] = {}
    for event, told in day:
        found.setdefault(event.kind, Counter()).update(who for who, _ in told)
    return {kind: dict(counter) for kind, counter in sorted(found.items())}


def paid_and_saved() -> dict[str, Any]:
    """From the ledger, by feature; and what the levels counted, hits by the mean cost of a call."""
    with session() as db:
        calls = db.execute(
            select(
                LlmCall.feature,
                LlmCall.outcome,
                func.count(),
                func.sum(LlmCall.cost),
                func.sum(LlmCall.prompt_tokens),
                func.sum(LlmCall.cached_tokens),
            ).group_by(LlmCall.feature, LlmCall.outcome)
        ).all()
        means = savings.mean_costs(db)
        repeated = db.scalar(select(func.count()).select_from(Grading).where(Grading.source == Source.cache)) or 0
    counted = eventually(settled, 20, "the levels have told their counts") or {}
    saved = {"ask": savings.saved(counted, means), "grade": means["grade"] * repeated}
    return {
        "calls": {
            f"{feature} {outcome.value}": {
                "calls": number,
                "usd": f"{cost:.5f}",
                "prompt_tokens": prompt,
                "cached_tokens": cached,
            }
            for feature, outcome, number, cost, prompt, cached in calls
        },
        "counted": {count.level: number for count, number in sorted(counted.items(), key=lambda each: each[0].level)},
        "saved_usd": {feature: f"{usd:.5f}" for feature, usd in saved.items() if usd is not None},
    }


def settled() -> Mapping[counts.Count, int] | None:
    """The counts, once every call is among them."""
    with session() as db:
        asked = db.scalar(select(func.count()).select_from(LlmCall).where(LlmCall.feature == "ask"))
    counted = counts.since_ever(progress.connection())
    return counted if sum(number for each, number in counted.items() if each.level == "model") >= (asked or 0) else None


if __name__ == "__main__":
    main()
