"""A chat completion, put together from the chunks of its stream."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grading.engines.engine import Completion, RequestRefused, Token, Unavailable, Usage

_NEVER = -9999.0
"""The log-probability of what cannot be: JSON has no minus infinity."""


class Reply:
    """What has come of a reply so far.

    It reads the chunks as the plain JSON that they are: to make the SDK's objects of every one of them costs a
    processor four times as much as all the rest of a call.
    """

    def __init__(self) -> None:
        self.first_token_s = 0.0
        self.tokens: list[Token] = []
        self._refusal = ""
        self._finish_reason: str | None = None
        self._usage: Mapping[str, Any] | None = None

    def take(self, chunk: Any, elapsed: float) -> str:
        """Add a chunk that came `elapsed` seconds after the call, and return the text in it.

        Raises ValueError for what is no chunk.
        """
        try:
            return self._take(chunk, elapsed)
        except (AttributeError, LookupError, TypeError) as error:
            raise ValueError(f"a piece of the reply lacks what belongs there ({error!r})") from error

    def _take(self, chunk: Any, elapsed: float) -> str:
        self._usage = chunk.get("usage") or self._usage
        if not chunk.get("choices"):
            return ""
        choice = chunk["choices"][0]
        delta = choice.get("delta") or {}
        text: str = delta.get("content") or ""
        logprobs = (choice.get("logprobs") or {}).get("content") or []
        if text or logprobs:
            self.first_token_s = self.first_token_s or elapsed
            self.tokens += _tokens(text, logprobs)
        self._refusal += delta.get("refusal") or ""
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        return text

    @property
    def usage(self) -> Usage | None:
        """What the provider said that it used; before it said so, the tokens that have come."""
        if self._usage is None:
            return Usage(completion=len(self.tokens)) if self.tokens else None
        details = self._usage.get("prompt_tokens_details") or {}
        return Usage(
            prompt=self._usage.get("prompt_tokens") or 0,
            cached=details.get("cached_tokens") or 0,
            completion=self._usage.get("completion_tokens") or 0,
        )

    def completion(self, provider: str) -> Completion:
        """The whole reply, once the stream has ended; raises `RequestRefused` or `Unavailable` when it is none."""
        if self._refusal:
            raise RequestRefused(f"The model declines: {self._refusal}")
        if self._finish_reason == "content_filter":
            raise RequestRefused(f"The content filter of {provider} does not let this pass.")
        if self._finish_reason is None:
            what = "broke the reply off" if self.tokens else "sent an empty answer"
            raise Unavailable(f"{provider} {what}.")
        if self._finish_reason not in ("stop", "length"):
            raise Unavailable(f"{provider} ended the reply with {self._finish_reason!r}.")
        return Completion(
            text="".join(token.text for token in self.tokens),
            tokens=self.tokens,
            usage=self.usage or Usage(),
            first_token_s=self.first_token_s,
            finish_reason=self._finish_reason,
        )


def _tokens(text: str, logprobs: Sequence[Mapping[str, Any]]) -> Iterator[Token]:
    """The tokens of one chunk; their texts add up to the chunk's, whatever the provider says that each of them is.

    A character may take several tokens: it is then the last one's. Where the bytes of the tokens are not those of the
    text (an end-of-text mark, a server that names parts of characters `�`), all of the text is the last one's.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    texts = [decoder.decode(bytes(each.get("bytes") or each["token"].encode())) for each in logprobs]
    if not logprobs or "".join(texts) != text:
        texts = [*("" for _ in logprobs[1:]), text]
    tops = [_top(each) for each in logprobs] or [{}]
    return (Token(text, top) for text, top in zip(texts, tops, strict=True))


def _top(token: Mapping[str, Any]) -> dict[str, float]:
    """The alternatives that can be, likeliest first."""
    top: dict[str, float] = {}
    for alternative in sorted(token.get("top_logprobs") or [], key=lambda each: -each["logprob"]):
        if alternative["logprob"] > _NEVER:
            top.setdefault(alternative["token"], alternative["logprob"])
    return top
