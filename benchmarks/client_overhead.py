"""What the hosted engine adds to a call of the bare `openai` SDK, and what both cost the processor.

    python -m benchmarks.client_overhead [--calls 300]

Both ask the same local server for the same streamed grade with log-probabilities, in turns. `call` is the engine
alone, `kept` the engine within limits and behind a circuit, over an embedded Valkey. Prints one line of JSON: medians
in milliseconds. Less than nothing is added where the engine reads the stream more cheaply than the SDK.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openai

from app.embedded.valkey import EmbeddedValkey
from grading import prompt, reply
from grading.engines.circuit import Circuit
from grading.engines.engine import Request
from grading.engines.hosted import HostedEngine
from grading.engines.limits import Limits
from grading.engines.openai import OpenAiEngine
from grading.engines.openai_request import LENGTHS, parameters
from settings import ROOT, settings
from tests.corpus import english_essays
from tests.grading.examples import TASK

MODEL = "small"
NEVER = threading.Event()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300, help="calls of each kind")
    calls = parser.parse_args().calls
    with provider() as base_url, valkey():
        engine = OpenAiEngine(MODEL, base_url=base_url, api_key="any")
        kept = HostedEngine(engine, Circuit(engine.provider), Limits(MODEL, requests=10**6, tokens=10**9))
        with openai.OpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
            kinds: dict[str, Callable[[Request], object]] = {
                "sdk": lambda request: bare(client, request),
                "call": lambda request: engine.grade(request, lambda delta: None, NEVER),
                "kept": lambda request: kept.grade(request, lambda delta: None, NEVER),
            }
            took = measured(kinds, calls)
        kept.close()
    medians = {
        name: {what: round(statistics.median(ms), 2) for what, ms in each.items()} for name, each in took.items()
    }
    added = {name: round(medians[name]["wall_ms"] - medians["sdk"]["wall_ms"], 2) for name in ("call", "kept")}
    print(json.dumps({"benchmark": "client_overhead", "calls": calls, **medians, "added_ms": added}))


def measured(kinds: dict[str, Callable[[Request], object]], calls: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each call by the clock and of this process's processor time; the kinds take turns."""
    took: dict[str, dict[str, list[float]]] = {name: {"wall_ms": [], "cpu_ms": []} for name in kinds}
    requests = [grading(text) for text in english_essays(20)]
    for name in ("kept", "call", "sdk"):  # the first learns what the provider does not take
        kinds[name](requests[0])
    for number in range(calls):
        for name, ask in kinds.items():
            wall, cpu = time.perf_counter(), time.process_time()
            ask(requests[number % len(requests)])
            took[name]["wall_ms"].append(1000 * (time.perf_counter() - wall))
            took[name]["cpu_ms"].append(1000 * (time.process_time() - cpu))
        print(f"\r{number + 1}/{calls}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return took


def bare(client: openai.OpenAI, request: Request) -> tuple[str, list[object], object]:
    """The least that a program would do with the SDK to have the same: text, log-probabilities, usage."""
    text, logprobs, usage = "", list[object](), None
    for chunk in client.chat.completions.create(**parameters(request, MODEL, LENGTHS)):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            logprobs += (choice.logprobs and choice.logprobs.content) or []
    return text, logprobs, usage


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
