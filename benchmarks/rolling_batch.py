"""What the way of an essay takes from the engine: the same real essays through raw `llm.chat`, through the local queue
end to end, and one by one.

    python -m benchmarks.rolling_batch [--essays 64] [--rounds 1] [--singles 16]

Raw is one call with all prompts of the round, `llm.chat` admitting as many at a time as the local worker does; end to
end is from the first message to triage until the last essay has ended in Postgres, with a Celery worker for each queue.
Both use the demonstration model with the same options, prompts and schema (`benchmarks.short_replies`), each in its own
process, and take turns in one run; no essay comes twice, and raw begins with an empty prefix cache. One by one is
slow, so only the first essays of the last round are graded that way. Prints one line of JSON: essays a second, and what
the queue reaches of raw and of one by one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from benchmarks.short_replies import short
from grading import lifecycle, prompt, queues, reply
from grading.engines import loading
from grading.engines.engine import Request
from grading.engines.vllm import sampling
from models import Assignment, Essay, EssayState, Grading
from models.session import session
from settings import ROOT, settings
from tests.corpus import english_essays
from tests.workers import lab as laboratory
from tests.workers.lab import Lab, eventually
from workers.heartbeat import live_workers
from workers.queue import enqueue
from workers.turn import task_of

if TYPE_CHECKING:
    from vllm import LLM

ENVIRONMENT = {"PIZHU_LOCAL_MODEL": "demo", "PIZHU_LOCAL_ENGINE": "benchmarks.short_replies:ShortReplies"}
WARM_UP = 4
ENDED = (EssayState.graded, EssayState.needs_review, EssayState.failed)


@dataclass
class Spent:
    essays: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def add(self, essays: int, tokens: int, seconds: float) -> None:
        self.essays, self.tokens, self.seconds = self.essays + essays, self.tokens + tokens, self.seconds + seconds

    @property
    def rate(self) -> float:
        return self.essays / self.seconds

    def figures(self) -> dict[str, float]:
        return {"essays_per_s": round(self.rate, 3), "tokens_per_s": round(self.tokens / self.seconds, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--essays", type=int, default=64, help="essays in each round")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of raw and queue, taking turns")
    parser.add_argument("--singles", type=int, default=16, help="essays of the last round that are graded one by one")
    chosen = parser.parse_args()
    raw, queue, single = Spent(), Spent(), Spent()
    texts = iter(english_essays(WARM_UP + chosen.essays * chosen.rounds))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home") as lab:
        say("loading the model a second time, for raw llm.chat")
        llm = loading.load(settings())
        first = list(itertools.islice(texts, WARM_UP))
        chat(llm, lab, first, Spent())
        end_to_end(lab, first, Spent())
        for number in range(chosen.rounds):
            essays = list(itertools.islice(texts, chosen.essays))
            say(f"round {number + 1} of {chosen.rounds}: raw")
            chat(llm, lab, essays, raw)
            say(f"round {number + 1} of {chosen.rounds}: the local queue")
            end_to_end(lab, essays, queue)
        say("one by one")
        one_by_one(llm, lab, essays[: chosen.singles], single)
        graded = count(EssayState.graded) - WARM_UP
    result = {
        "benchmark": "rolling_batch",
        "essays": queue.essays,
        "singles": single.essays,
        "in_flight": settings().local_concurrency,
        "graded": graded,
        "raw": raw.figures(),
        "queue": queue.figures(),
        "one_by_one": single.figures(),
        "queue_to_raw": round(queue.rate / raw.rate, 2),
        "queue_to_one_by_one": round(queue.rate / single.rate, 2),
    }
    print(json.dumps(result))


@contextmanager
def running(home: Path) -> Iterator[Lab]:
    """An installation whose local worker holds the demonstration model, ready to grade."""
    home.mkdir()
    (home / "models").symlink_to(ROOT / "var" / "models")
    with laboratory.running(home, ENVIRONMENT) as lab:
        say("loading the model into the local worker")
        eventually(lambda: live_workers()["local"], "the local worker is ready", timeout=300)
        yield lab


def requests(lab: Lab, essays: Sequence[str]) -> list[Request]:
    """What the local worker asks its engine for these essays."""
    with session() as db:
        task = task_of(db.get_one(Assignment, lab.school.assignment.id))
    schema, limit = reply.schema(task.rubric, task.language), reply.max_tokens(task.rubric, task.language)
    return [
        short(Request("", prompt.render(task, essay, prompt.delimiter("", essay)).messages, schema, limit, 600))
        for essay in essays
    ]


def chat(llm: LLM, lab: Lab, essays: Sequence[str], spent: Spent) -> None:
    """All at once by `llm.chat`."""
    asked, penalty = requests(lab, essays), llm.get_default_sampling_params().repetition_penalty
    llm.reset_prefix_cache()
    began = time.perf_counter()
    outputs = llm.chat(
        [list(request.messages) for request in asked], [sampling(each, penalty) for each in asked], use_tqdm=False
    )
    spent.add(len(essays), sum(len(output.outputs[0].token_ids) for output in outputs), time.perf_counter() - began)


def one_by_one(llm: LLM, lab: Lab, essays: Sequence[str], spent: Spent) -> None:
    """The next one by `llm.chat` when the one before is complete, the prefix cache at work as always."""
    penalty = llm.get_default_sampling_params().repetition_penalty
    llm.reset_prefix_cache()
    for number, request in enumerate(requests(lab, essays), 1):
        began = time.perf_counter()
        (output,) = llm.chat(list(request.messages), sampling(request, penalty), use_tqdm=False)
        spent.add(1, len(output.outputs[0].token_ids), time.perf_counter() - began)
        print(f"\r{number}/{len(essays)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def end_to_end(lab: Lab, essays: Sequence[str], spent: Spent) -> None:
    """By triage, local queue and Postgres."""
    with session() as db:
        submitted = [
            lifecycle.submit(db, student=lab.school.student, assignment=lab.school.assignment, text=text, key=None)[0]
            for text in essays
        ]
        db.commit()
        ids = [essay.id for essay in submitted]
    before = count(*ENDED)
    began = time.perf_counter()
    enqueue(queues.TRIAGE, ids)
    eventually(lambda: count(*ENDED) == before + len(ids), "every essay has ended", timeout=900)
    took = time.perf_counter() - began
    with session() as db:
        usages = db.scalars(select(Grading.usage).where(Grading.essay_id.in_(ids))).all()
    spent.add(len(ids), sum(usage["completion"] for usage in usages if usage), took)


def count(*states: EssayState) -> int:
    with session() as db:
        return db.scalar(select(func.count()).where(Essay.state.in_(states))) or 0


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
