"""vLLM in this very process: a model, its tokenizer and its rolling batch.

Engine and process are one on purpose. vLLM's own way, the engine in a child process, leaves the child behind, with the
memory or the GPU it holds, when the parent is killed with -9.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from grading.engines import grammar, loading
from grading.engines.engine import (
    ALTERNATIVES,
    Completion,
    EngineDead,
    EngineError,
    Flag,
    GivenUp,
    Request,
    RequestRefused,
    Token,
    Usage,
)
from grading.engines.rolling import RollingBatch
from settings import Settings

if TYPE_CHECKING:
    from vllm import LLM, CompletionOutput, RequestOutput, SamplingParams

# Whatever is made at the first use is made by this one: kernels, the grammar compiler's view of the vocabulary.
_WARM_UP = Request(
    id="warm-up",
    messages=[
        {"role": "system", "content": "Grade the essay. Answer in JSON."},
        {"role": "user", "content": "My town is by the sea. " * 20},
    ],
    schema={"type": "object", "properties": {"level": {"enum": [1, 2]}}, "required": ["level"]},
    max_tokens=16,
    deadline=600,
)


class VllmEngine:
    """The local model; the constructor returns when it is loaded and has answered a first request.

    Raises `EngineDead` when the model cannot be had; the message says what to do. An engine that dies later ends the
    process (see `grading.engines.rolling`). `load` and `end` are there for tests and benchmarks.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[Settings], LLM] = loading.load,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self.model = loading.model_name(settings)
        self.version: str
        self._settings, self._load = settings, load
        self._tokenizing = threading.Lock()
        self._batch = RollingBatch(self._opened, stall=settings.engine_stall, end=end)
        try:
            self.grade(_WARM_UP, lambda delta: None, threading.Event())
        except EngineError as error:
            self.close()
            raise EngineDead(
                f"{self.model} cannot answer: {error} Choose a model with a chat template by PIZHU_LOCAL_MODEL."
            ) from error

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        """See `Engine.grade`. `on_delta` is called in the caller's own thread, about ten times a second at most."""
        start = time.monotonic()
        first_token_s = 0.0
        prompt = self._tokenize(request)
        outputs: list[RequestOutput] = []
        tokens: list[Token] = []
        stream = self._batch.stream(
            request.id,
            {"prompt_token_ids": prompt},
            sampling(request, self._repetition_penalty),
            deadline=request.deadline,
            cancelled=cancelled,
        )
        try:
            with closing(stream):
                for some in stream:
                    first_token_s = first_token_s or time.monotonic() - start
                    outputs += some
                    tokens += tokens_of(some)
                    if delta := "".join(output.outputs[0].text for output in some):
                        on_delta(delta)
                    if request.give_up and not some[-1].finished and request.give_up(tokens):
                        raise GivenUp("The rest of the reply was not wanted.")
        except EngineError as error:
            if outputs:
                error.usage = usage(outputs, len(prompt))
            raise
        return completion(outputs, tokens, len(prompt), first_token_s)

    def check_schema(self, schema: Mapping[str, Any]) -> None:
        """Raises `RequestRefused` for a schema that no reply could be confined to."""
        grammar.check_schema(schema)

    def close(self) -> None:
        """Abort what is in flight and free the model."""
        self._batch.close()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        llm = self._load(self._settings)
        from vllm import __version__
        from vllm.distributed import cleanup_dist_env_and_memory

        self.version = f"vllm {__version__}"
        # The engine thread reads the model's own tokenizer at any moment, and a tokenizer is not made for two threads.
        self._tokenizer = copy.deepcopy(llm.get_tokenizer())
        self._context = llm.model_config.max_model_len
        self._repetition_penalty = llm.get_default_sampling_params().repetition_penalty
        try:
            yield llm.llm_engine
        finally:
            llm.llm_engine.engine_core.shutdown()
            del llm
            cleanup_dist_env_and_memory()

    def _tokenize(self, request: Request) -> list[int]:
        try:
            with self._tokenizing:
                text = self._tokenizer.apply_chat_template(
                    list(request.messages), tokenize=False, add_generation_prompt=True
                )
                # The template has written the special tokens.
                tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        except Exception as error:
            raise RequestRefused(f"The model's chat template refuses the prompt: {error}") from error
        if len(tokens) + request.max_tokens > self._context:
            raise RequestRefused(
                f"The prompt with the text takes {len(tokens):,} tokens and the reply up to {request.max_tokens:,}, "
                f"but {self.model} holds {self._context:,} in all."
            )
        return tokens


def sampling(request: Request, repetition_penalty: float) -> SamplingParams:
    """vLLM's parameters for a request.

    The penalty is the one that the model's makers recommend in `generation_config.json`; log-probabilities, and with
    them the expected levels, are those before it. Never a seed of its own: on a CPU, a seeded request whose prompt is
    read in several steps ends the whole engine.
    """
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    return SamplingParams(
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        repetition_penalty=repetition_penalty,
        logprobs=ALTERNATIVES,
        structured_outputs=StructuredOutputsParams(json=dict(request.schema)) if request.schema else None,
        output_kind=RequestOutputKind.DELTA,
    )


def completion(
    outputs: Sequence[RequestOutput], tokens: Sequence[Token], prompt_tokens: int, first_token_s: float
) -> Completion:
    """The reply that all outputs of a request add up to. Raises `RequestRefused` when vLLM gave it up."""
    pieces = [output.outputs[0] for output in outputs]
    finish_reason = pieces[-1].finish_reason
    if finish_reason not in ("stop", "length"):
        raise RequestRefused(f"The engine gave the request up ({finish_reason}): it cannot compile this schema.")
    return Completion(
        text="".join(piece.text for piece in pieces),
        tokens=tokens,
        usage=usage(outputs, prompt_tokens),
        first_token_s=first_token_s,
        finish_reason=finish_reason,
    )


def usage(outputs: Sequence[RequestOutput], prompt_tokens: int) -> Usage:
    """What a request has used when it has given these outputs."""
    return Usage(
        prompt=prompt_tokens,
        cached=outputs[-1].num_cached_tokens or 0,
        completion=sum(len(output.outputs[0].token_ids) for output in outputs),
    )


def tokens_of(outputs: Iterable[RequestOutput]) -> list[Token]:
    """The tokens of some outputs of a request."""
    return [token for output in outputs for token in _tokens(output.outputs[0])]


def _tokens(piece: CompletionOutput) -> Iterator[Token]:
    """The tokens of one output, which is one as a rule; the output's text is the last one's.

    Not vLLM's text of each token, for a character may take several of them, and those texts do not add up.
    """
    tops = [_top(alternatives) for alternatives in piece.logprobs or [{}]]
    for top in tops[:-1]:
        yield Token("", top)
    yield Token(piece.text, tops[-1])


def _top(alternatives: Mapping[int, Any]) -> dict[str, float]:
    """The alternatives that the schema allows, likeliest first; those it does not allow have minus infinity."""
    top: dict[str, float] = {}
    for alternative in sorted(alternatives.values(), key=lambda each: -each.logprob):
        if alternative.logprob > float("-inf"):
            top.setdefault(alternative.decoded_token, alternative.logprob)
    return top
