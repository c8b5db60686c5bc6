"""What routing and the hosted engine add to a call of the bare `openai` SDK, beside what LiteLLM adds.

    python -m benchmarks.client_overhead [--rounds 80]

All ask the same local server for the same reply with log-probabilities, in turns: for a `short` one, where the price of
a call shows, and for a `grade`, where that of its many chunks does. Both are streamed. For a `plain` one, as short, the
others do not stream; ours always does, which that line holds against it. `engine` is ours alone; `ours` also routes,
and stands within limits and behind a circuit, over an embedded Valkey. LiteLLM runs in a process and an environment of
its own, made under `build/` at the first run, with an SDK of its own to compare it with.

Prints a line of JSON for each kind of reply: medians in milliseconds, by the clock and of the processor of whoever
asks, and what each adds to the SDK's. Less than nothing is added where a stream is read more cheaply than the SDK does.
`quick_ms` is the 10th percentile by the clock: what a call takes when nothing else wants the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai

from app.embedded.valkey import EmbeddedValkey
from grading import complexity, prompt, reply
from grading.engines.circuit import Circuit
from grading.engines.engine import Request
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.engines.openai import OpenAiEngine
from grading.engines.openai_request import LENGTHS, parameters
from grading.routing import Facts, route
from settings import ROOT, settings
from tests.corpus import english_essays
from tests.grading.examples import TASK

MODEL = "small"
LITELLM = "1.110.2"
NEVER = threading.Event()
BASE = {"engine": "sdk", "ours": "sdk", "litellm": "litellm_sdk", "litellm_router": "litellm_sdk"}
"""The SDK's call that each is compared with: the one in the same process."""
GRADES = 8
"""Rounds with a short reply to one with a grade, which takes so much longer."""

Took = tuple[float, float]
"""Milliseconds by the clock, and of the processor of whoever asks."""


@dataclass(frozen=True)
class Asked:
    """What is asked for: as our engine takes it, and as the SDK and LiteLLM do."""

    request: Request
    body: dict[str, Any]
    rounds: int


Ask = Callable[[Asked], Took]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=80, help="calls of each kind with a short reply")
    rounds = parser.parse_args().rounds
    text = english_essays(1)[0]
    replies = {
        "plain": Asked(short(), body(short(), streamed=False), rounds),
        "short": Asked(short(), body(short()), rounds),
        "grade": Asked(grading(text), body(grading(text)), max(2, rounds // GRADES)),
    }
    with provider() as base_url, valkey(), ours(base_url, text) as own, litellm(base_url) as theirs:
        for name, asked in replies.items():
            took = summary(measured(own | theirs, asked))
            print(json.dumps({"benchmark": "client_overhead", "reply": name, "rounds": asked.rounds, **took}))


def measured(kinds: dict[str, Ask], asked: Asked) -> dict[str, list[Took]]:
    """What the calls took; the kinds take turns, and the first calls, which learn and connect, do not count."""
    took: dict[str, list[Took]] = {name: [] for name in kinds}
    for number in range(-3, asked.rounds):
        for name in random.sample(sorted(kinds), len(kinds)):  # whoever follows upon a neighbour is quicker
            once = kinds[name](asked)
            if number >= 0:
                took[name].append(once)
        print(f"\r{max(0, number + 1)}/{asked.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return took


def summary(took: dict[str, list[Took]]) -> dict[str, Any]:
    figures = {
        "wall_ms": {name: statistics.median(wall for wall, _ in calls) for name, calls in took.items()},
        "quick_ms": {name: statistics.quantiles([wall for wall, _ in calls], n=10)[0] for name, calls in took.items()},
        "cpu_ms": {name: statistics.median(cpu for _, cpu in calls) for name, calls in took.items()},
    }
    added = {what: {name: each[name] - each[base] for name, base in BASE.items()} for what, each in figures.items()}
    return {
        **{what: rounded(each) for what, each in figures.items()},
        "added": {what: rounded(each) for what, each in added.items()},
        "ours_to_litellm": rounded({what: each["ours"] / each["litellm"] for what, each in added.items()}),
        "ours_to_router": rounded({what: each["ours"] / each["litellm_router"] for what, each in added.items()}),
    }


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in values.items()}


@contextmanager
def ours(base_url: str, text: str) -> Iterator[dict[str, Ask]]:
    """The SDK by itself, the engine by itself, and all that stands between a routed essay and the provider."""
    engine = OpenAiEngine(MODEL, base_url=base_url, api_key="any")
    kept = HostedEngine(engine, Circuit(engine.provider), Limits(MODEL, requests=10**6, tokens=10**9))
    kept.grade(grading(text), lambda delta: None, NEVER)  # learns what the provider does not take
    facts = Facts(len(text), tuple(settings().tiers), complexity=complexity.measure(text))

    def routed(asked: Asked) -> object:
        return route(facts), kept.grade(asked.request, lambda delta: None, NEVER)

    with openai.OpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
        yield {
            "sdk": timed(lambda asked: bare(client, asked.body)),
            "engine": timed(lambda asked: engine.grade(asked.request, lambda delta: None, NEVER)),
            "ours": timed(routed),
        }
    kept.close()


def timed(ask: Callable[[Asked], object]) -> Ask:
    def call(asked: Asked) -> Took:
        wall, cpu = time.perf_counter(), time.process_time()
        ask(asked)
        return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)

    return call


def bare(client: openai.OpenAI, body: dict[str, Any]) -> object:
    """The least that a program would do with the SDK to have the same: text, log-probabilities, usage."""
    answer = client.chat.completions.create(**body)
    if not body["stream"]:
        return answer
    text, logprobs, usage = "", list[object](), None
    for chunk in answer:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            logprobs += (choice.logprobs and choice.logprobs.content) or []
    return text, logprobs, usage


@contextmanager
def litellm(base_url: str) -> Iterator[dict[str, Ask]]:
    """LiteLLM's way of asking, and its router's, and the SDK in the same process."""
    command: list[str | Path] = [litellm_python(), ROOT / "benchmarks" / "litellm_calls.py", base_url, MODEL]
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # it would fetch prices otherwise
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers, questions = process.stdout, process.stdin

        def ask(kind: str, asked: Asked) -> Took:
            print(json.dumps({"kind": kind, "body": asked.body}), file=questions, flush=True)
            wall, cpu = map(float, answers.readline().split())
            return wall, cpu

        assert answers.readline() == "ready\n"
        yield {
            "litellm_sdk": lambda asked: ask("sdk", asked),
            "litellm": lambda asked: ask("completion", asked),
            "litellm_router": lambda asked: ask("router", asked),
        }
        questions.close()


def litellm_python() -> Path:
    """An interpreter that has LiteLLM. Its 380 MB are no business of the project's own environment."""
    folder = ROOT / "build" / f"litellm-{LITELLM}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print("Installing LiteLLM to compare with …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", f"litellm=={LITELLM}"], check=True)
        (folder / "complete").touch()
    return python


def short() -> Request:
    return Request("question", [{"role": "user", "content": "Is my essay good?"}], None, 4, deadline=60)


def body(request: Request, *, streamed: bool = True) -> dict[str, Any]:
    """The request as the provider is to get it."""
    whole = parameters(request, MODEL, LENGTHS)
    if not streamed:
        del whole["stream_options"]
    return whole | {"stream": streamed}


def grading(text: str) -> Request:
    messages = prompt.render(TASK, text, prompt.delimiter("secret", text)).messages
    schema = reply.schema(TASK.rubric, TASK.language)
    return Request("essay", messages, schema, reply.max_tokens(TASK.rubric, TASK.language), deadline=60)


@contextmanager
def provider() -> Iterator[str]:
    """The double of a provider in a process of its own; gives its address."""
    command = [sys.executable, "-m", "tests.doubles.openai_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def valkey() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedValkey(Path(folder))
        try:
            os.environ["PIZHU_REDIS_URL"] = server.start()
            settings.cache_clear()
            yield
        finally:
            server.stop()


if __name__ == "__main__":
    main()
