"""The Batch API of OpenAI, or of whoever speaks its protocol: many requests in a file, answered within a day.

Each method of the client is one thing asked of the provider, and never tried again here: what to do when it is not
known whether it was done is `grading.batching.plan`'s business. What is in the files is read without trust: lines come
in any order, or not at all, or twice, or cut off.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import openai
from openai.types import Batch

from grading.engines.engine import AskAgain, Completion, EngineError, Request, RequestRefused, Unavailable, Usage
from grading.engines.openai import CONNECT, OPENAI, provider_at
from grading.engines.openai_errors import translated
from grading.engines.openai_reply import Reply
from grading.engines.openai_request import LENGTHS, parameters, refused_part

log = logging.getLogger(__name__)

MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
"""What a provider takes in one file."""
KEPT: Final = 3 * 24 * 3600
"""Seconds after which the provider is to delete the files; the day that a batch takes, and a weekend."""
TIMEOUT = 60.0
"""Seconds of silence after which an answer does not come any more."""
ENDPOINT: Final = "/v1/chat/completions"
NAME = "pizhu_batch"
"""Under this name a batch carries our own id for it."""
SKEW = timedelta(hours=1)
"""How far a provider's clock may be behind ours."""
_ENDED = {"completed", "expired", "cancelled", "failed"}
_NO_ROOM = "token_limit_exceeded"
_NOT_AS_ASKED = {400, 403, 422}


class Gone(RequestRefused):
    """The provider has no such file or batch. That says nothing of the account, which others use as well."""


@dataclass(frozen=True)
class Remote:
    """A batch as the provider tells of it."""

    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: str = ""
    """Why it was not even begun."""

    @property
    def has_ended(self) -> bool:
        return self.status in _ENDED

    @property
    def had_no_room(self) -> bool:
        """Not begun, because of all that is enqueued there together; which is said nowhere but here."""
        return self.status == "failed" and _NO_ROOM in self.errors


@dataclass(frozen=True)
class Answers:
    """What the files of a batch say: by `custom_id` a reply, or what a live call would have raised instead of one.

    `refused` are the optional parts of a request that some line was refused for.
    """

    replies: Mapping[str, Completion | EngineError]
    refused: frozenset[str] = frozenset()


def line(custom_id: str, request: Request, model: str, left_out: Collection[str]) -> bytes:
    """One request as a line of the file: the same words as live, in one piece instead of a stream."""
    body = parameters(request, model, left_out)
    del body["stream"], body["stream_options"]
    asked = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(asked, ensure_ascii=False).encode() + b"\n"


def has_room(count: int, size: int, added: int) -> bool:
    """Whether a file of so many lines and bytes takes another line of `added` bytes."""
    return count < MOST_REQUESTS and size + added <= MOST_BYTES


def read(files: Iterable[bytes], provider: str, left_out: Collection[str] = ()) -> Answers:
    """The answers in the output and error files; of two to the same request, a reply goes before an error."""
    replies: dict[str, Completion | EngineError] = {}
    refused: set[str] = set()
    for row in _rows(files):
        custom_id, part = row["custom_id"], _refused(row, left_out)
        reply = _reply(row, provider, part)
        if custom_id in replies:
            log.warning("%s answered %s twice; the first reply counts", provider, custom_id)
        if isinstance(replies.get(custom_id), Completion):
            continue
        replies[custom_id] = reply
        refused |= part
    return Answers(replies, frozenset(refused))


def _rows(files: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for content in files:
        for number, raw in enumerate(content.splitlines(), 1):
            try:
                row = json.loads(raw)
                row["custom_id"] + ""
            except (ValueError, LookupError, TypeError, RecursionError):
                log.warning("line %d of a batch's file cannot be read", number)
            else:
                yield row


def _reply(row: Mapping[str, Any], provider: str, refused: Collection[str]) -> Completion | EngineError:
    failure: Unavailable
    try:
        response, error = row.get("response") or {}, row.get("error") or {}
        if response.get("status_code") == 200:
            return _whole(response["body"], provider)
        said = error or response["body"]["error"]
        why = f"{provider} did not answer this one: {said.get('message') or said.get('code')}"
        failure = AskAgain(why) if refused else Unavailable(why)
    except (AttributeError, LookupError, TypeError):
        failure = Unavailable(f"{provider} did not answer this one.")
    failure.usage = Usage()
    return failure


def _whole(body: Mapping[str, Any], provider: str) -> Completion | EngineError:
    """A whole completion, read as a stream of one piece."""
    reply = Reply()
    try:
        choices = [choice | {"delta": choice.get("message")} for choice in body.get("choices") or []]
        reply.take({"choices": choices, "usage": body.get("usage")}, 0.0)
        return reply.completion(provider)
    except EngineError as error:
        error.usage = reply.usage
        return error
    except (AttributeError, TypeError, ValueError) as error:
        return Unavailable(f"{provider} answered with something that cannot be read: {error}")


def _refused(row: Mapping[str, Any], left_out: Collection[str]) -> set[str]:
    try:
        response = row.get("response") or {}
        if response.get("status_code") not in _NOT_AS_ASKED:
            return set()
        error = response["body"]["error"]
        return refused_part(error["message"], error.get("param"), left_out)
    except (AttributeError, LookupError, TypeError):
        return set()


class BatchClient:
    """One account at one provider. Every method may raise what `grading.engines.openai_errors` makes of an error."""

    def __init__(self, base_url: str, api_key: str) -> None:
        address = base_url or OPENAI
        self.provider = provider_at(address)
        self.left_out = frozenset(LENGTHS if address == OPENAI else ())
        """Optional parts of a request that it is known from the start not to take."""
        self.version = f"openai {openai.__version__} batch at {self.provider}"
        self._client = openai.OpenAI(
            api_key=api_key or "none",
            base_url=address,
            max_retries=0,
            timeout=openai.Timeout(TIMEOUT, connect=CONNECT),
        )

    def upload(self, content: bytes, batch_id: str) -> str:
        """Put the file of requests there; returns its id."""
        with self._explained():
            file = self._client.files.create(
                file=(f"pizhu-{batch_id}.jsonl", content),
                purpose="batch",
                expires_after={"anchor": "created_at", "seconds": KEPT},
            )
            return file.id

    def create(self, file_id: str, batch_id: str) -> Remote:
        """Have the requests of a file answered. When this raises, it may have been heard all the same: see `find`."""
        with self._explained():
            return _remote(
                self._client.batches.create(
                    input_file_id=file_id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={NAME: batch_id},
                    output_expires_after={"anchor": "created_at", "seconds": KEPT},
                )
            )

    def find(self, file_id: str, batch_id: str, since: datetime) -> Remote | None:
        """The batch of that file or with our id, if there is one, of those begun since then."""
        with self._explained():
            for batch in self._client.batches.list(limit=100):
                if batch.input_file_id == file_id or (batch.metadata or {}).get(NAME) == batch_id:
                    return _remote(batch)
                if batch.created_at < (since - SKEW).timestamp():
                    break
        return None

    def look(self, remote_id: str) -> Remote | None:
        """How far it is; None when the provider knows no such batch."""
        with self._explained():
            try:
                return _remote(self._client.batches.retrieve(remote_id))
            except openai.NotFoundError:
                return None

    def cancel(self, remote_id: str) -> None:
        """Have it stopped. That it is over already is no error."""
        with self._explained():
            try:
                self._client.batches.cancel(remote_id)
            except (openai.BadRequestError, openai.ConflictError, openai.NotFoundError) as error:
                log.info("batch %s cannot be cancelled: %s", remote_id, error)

    def withdraw(self, file_id: str) -> None:
        """Delete a file, so that no batch can be made of it any more."""
        with self._explained():
            try:
                self._client.files.delete(file_id)
            except openai.NotFoundError:
                log.info("the file %s is gone already", file_id)

    def answers(self, remote: Remote, left_out: Collection[str] = ()) -> Answers:
        """All that has come of a batch that has ended."""
        with self._explained():
            ids = [id for id in (remote.output_file_id, remote.error_file_id) if id]
            files = [self._client.files.content(id).content for id in ids]
        return read(files, self.provider, left_out)

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except openai.NotFoundError as error:
            raise Gone(f"{self.provider} has it not: {error.message}") from error
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise translated(error, self.provider) from error


def _remote(batch: Batch) -> Remote:
    errors = [f"{each.code}: {each.message}" for each in (batch.errors and batch.errors.data) or []]
    return Remote(batch.id, batch.status, batch.output_file_id, batch.error_file_id, "; ".join(errors))
