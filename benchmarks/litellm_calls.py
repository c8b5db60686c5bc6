"""LiteLLM's calls for `benchmarks.client_overhead`; runs in an environment that has LiteLLM and nothing of ours.

    python benchmarks/litellm_calls.py BASE_URL MODEL

Reads lines of JSON, `{"kind": "sdk" | "completion" | "router", "body": {…}}`, and answers each with the milliseconds of
the call by the clock and of the processor.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import litellm
import openai

Call = Callable[..., Any]


def main(base_url: str, model: str) -> None:
    at = {"api_base": base_url, "api_key": "any", "max_retries": 0}
    deployment = {"model_name": model, "litellm_params": {"model": f"openai/{model}", **at}}
    kinds: dict[str, Call] = {
        "sdk": openai.OpenAI(base_url=base_url, api_key="any", max_retries=0).chat.completions.create,
        "completion": lambda model, **body: litellm.completion(f"openai/{model}", **at, **body),
        "router": litellm.Router([deployment], num_retries=0).completion,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        answer = kinds[asked["kind"]](**asked["body"])
        assert read(answer) if asked["body"]["stream"] else answer.choices[0].message.content, "an empty reply"
        print(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu), flush=True)


def read(stream: Any) -> str:
    """Text, log-probabilities and usage of a reply, as whoever grades needs them."""
    text, logprobs, usage = "", [], None
    for chunk in stream:
        usage = getattr(chunk, "usage", None) or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            logprobs += (getattr(choice, "logprobs", None) and choice.logprobs.content) or []
    assert logprobs
    assert usage
    return text


if __name__ == "__main__":
    main(*sys.argv[1:])
