"""Chat completions, plain and streamed, and all that can go wrong in them."""

from __future__ import annotations

import itertools
import json
import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tests.doubles.openai_server import answers
from tests.doubles.openai_server.errors import ApiError, of_fault
from tests.doubles.openai_server.faults import Fault

if TYPE_CHECKING:
    from tests.doubles.openai_server.server import Call, Handler, OpenAiServer

CONTEXT = 16_384
REFUSAL = "I'm sorry, I can't help with that."
_NOT_STRICT = ("minLength", "maxLength", "uniqueItems")
"""Keywords of JSON Schema that the strict mode does not take."""
_ids = itertools.count(1)


class PrefixCache:
    """The prompts read last, one a model: what begins alike is cached from 1,024 tokens on, in steps of 128."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, str] = {}

    def cached(self, model: str, prompt: str) -> int:
        with self._lock:
            before, self._last[model] = self._last.get(model, ""), prompt
        alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before, prompt, strict=False))
        common = answers.count("".join(character for character, _ in alike))
        return common // 128 * 128 if common >= 1024 else 0


def complete(handler: Handler, body: dict[str, Any]) -> None:
    """Answer one request."""
    server = handler.server
    call = handler.called("/v1/chat/completions", body)
    fault = server.faults.next()
    call.fault = fault.name
    try:
        if error := of_fault(fault):
            raise error
        answer = begin(server, call, fault)
    except ApiError as error:
        call.status, call.ended = error.status, "refused"
        raise
    try:
        if fault.name == "slow":
            wait(handler, fault.seconds(1.0))
        if body.get("stream"):
            stream(handler, call, fault, answer)
        else:
            handler.send(200, "{ not json" if fault.name == "invalid_json" else plain(call, fault, answer))
    except OSError:
        call.ended = "aborted"
        handler.close_connection = True


def begin(server: OpenAiServer, call: Call, fault: Fault) -> answers.Answer:
    """Check the request and charge for its prompt; what it will be answered."""
    body = call.body
    check(body)
    prompt = answers.prompt_of(body)
    answer = server.said(body)
    size = answer.prompt_tokens or answers.count(prompt)
    asked = body.get("max_completion_tokens") or body.get("max_tokens") or 0
    if size + asked > CONTEXT:
        message = f"This model's maximum context length is {CONTEXT} tokens; your messages resulted in {size} tokens."
        raise ApiError(400, message, code="context_length_exceeded", param="messages")
    call.prompt, call.cached = size, min(size, server.cache.cached(call.model, prompt))
    if fault.name == "wrong_schema":
        return answers.Answer(json.dumps({"grade": "A", "remarks": ["Well done."]}), size)
    return answer


def check(body: Mapping[str, Any]) -> None:
    """Refuse what OpenAI refuses."""
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise ApiError(400, "Missing required parameter: 'messages'.", code="missing_required_parameter")
    if str(body.get("model", "")).startswith("reasoning"):
        for name in ("logprobs", "top_logprobs", "temperature"):
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                raise ApiError(400, message, code="unsupported_parameter", param=name)
    if schema := answers.schema_of(body):
        check_strict(schema, ())


def check_strict(schema: Mapping[str, Any], path: tuple[str, ...]) -> None:
    def refuse(what: str) -> None:
        message = f"Invalid schema for response_format 'reply': In context={path!r}, {what}."
        raise ApiError(400, message, param="response_format")

    for keyword in _NOT_STRICT:
        if keyword in schema:
            refuse(f"'{keyword}' is not permitted")
    if "properties" in schema:
        if schema.get("additionalProperties") is not False:
            refuse("'additionalProperties' is required to be supplied and to be false")
        if set(schema.get("required", ())) != set(schema["properties"]):
            refuse("'required' is required to be supplied and to be an array including every key in properties")
        for name, part in schema["properties"].items():
            check_strict(part, (*path, "properties", name))
    if "items" in schema:
        check_strict(schema["items"], (*path, "items"))


def written(call: Call, fault: Fault, answer: answers.Answer) -> tuple[list[answers.Token], str]:
    """The tokens of the reply and why it ends; charges for nothing yet."""
    tokens, reason = list(answers.tokens(answer.text)), "stop"
    limit = call.body.get("max_completion_tokens") or call.body.get("max_tokens") or len(tokens)
    if fault.name in ("length", "content_filter"):
        limit, reason = len(tokens) // 2, fault.name
    elif limit < len(tokens):
        reason = "length"
    return tokens[:limit], reason


def plain(call: Call, fault: Fault, answer: answers.Answer) -> dict[str, Any]:
    """The whole completion at once."""
    tokens, reason = written(call, fault, answer)
    message: dict[str, Any] = {"role": "assistant", "content": "".join(token.text for token in tokens), "refusal": None}
    if fault.name == "refusal":
        message |= {"content": None, "refusal": REFUSAL}
        tokens = list(answers.tokens(REFUSAL))
    call.completion = answer.completion_tokens or len(tokens)
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": logprobs(call, tokens)}
    whole = head(call, "chat.completion") | {"choices": [] if fault.name == "no_choices" else [choice]}
    return whole if fault.name == "no_usage" else whole | {"usage": usage(call)}


def stream(handler: Handler, call: Call, fault: Fault, answer: answers.Answer) -> None:
    """The completion as Server-Sent Events; what has been sent when the client leaves is charged for."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    stored, sent = answer.completion_tokens, 0
    for event in events(call, fault, answer):
        if fault.name == "trickle":
            wait(handler, fault.seconds(0.05))
        if fault.name == "cut" and sent >= fault.seconds(10):
            call.ended = "cut"
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        call.completion = event.charged if stored is None else stored if event.last else min(event.charged, stored)
        send_event(handler, event.text(call))
        sent += bool(event.charged)
    handler.wfile.write(b"0\r\n\r\n")


class Event:
    """One event of the stream: its JSON, or text that is none, and how many tokens have been written by then."""

    def __init__(self, body: Any, charged: int, *, last: bool = False) -> None:
        self.body, self.charged, self.last = body, charged, last

    def text(self, call: Call) -> str:
        if callable(self.body):
            self.body = self.body(call)
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)


def events(call: Call, fault: Fault, answer: answers.Answer) -> Iterator[Event]:
    def chunk(delta: Mapping[str, Any], reason: str | None = None, tokens: list[answers.Token] | None = None) -> Any:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": logprobs(call, tokens or [])}
        return head(call, "chat.completion.chunk") | {"choices": [choice]}

    tokens, reason = written(call, fault, answer)
    if fault.name == "refusal":
        tokens = list(answers.tokens(REFUSAL))
    if fault.name == "no_choices":
        tokens = []
    else:
        yield Event(chunk({"role": "assistant", "content": ""}), 0)
    for index, token in enumerate(tokens):
        if index == 5 and fault.name == "invalid_json":
            yield Event('{"id": "chatcmpl', index)  # and no more is written, which nobody could be charged for
            return
        if index == 5 and fault.name == "stream_error":
            code = fault.argument or "server_error"
            yield Event({"error": {"message": "The server had an error.", "type": code, "code": code}}, index)
            return
        field = "refusal" if fault.name == "refusal" else "content"
        yield Event(chunk({field: token.text}, tokens=[token]), index + 1)
    if fault.name not in ("no_choices", "no_finish"):
        yield Event(chunk({}, reason), len(tokens), last=True)
    if (call.body.get("stream_options") or {}).get("include_usage") and fault.name != "no_usage":
        # Made when it is sent, for only then all is charged.
        yield Event(
            lambda call: head(call, "chat.completion.chunk") | {"choices": [], "usage": usage(call)},
            len(tokens),
            last=True,
        )
    yield Event("[DONE]", len(tokens), last=True)


def head(call: Call, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{next(_ids)}", "object": kind, "created": int(time.time()), "model": call.model}


def usage(call: Call) -> dict[str, Any]:
    return {
        "prompt_tokens": call.prompt,
        "completion_tokens": call.completion,
        "total_tokens": call.prompt + call.completion,
        "prompt_tokens_details": {"cached_tokens": call.cached},
    }


def logprobs(call: Call, tokens: list[answers.Token]) -> dict[str, Any] | None:
    if not call.body.get("logprobs"):
        return None
    count = call.body.get("top_logprobs") or 0
    content = []
    for token in tokens:
        top = [
            {"token": text, "logprob": logprob, "bytes": list(text.encode())}
            for text, logprob in itertools.islice(token.top.items(), count)
        ]
        name = token.bytes.decode(errors="backslashreplace")
        content.append({"token": name, "bytes": list(token.bytes), "logprob": -0.01, "top_logprobs": top})
    return {"content": content, "refusal": None}


def send_event(handler: Handler, text: str) -> None:
    if is_gone(handler, 0):
        raise ConnectionResetError("the client has gone")
    data = f"data: {text}\n\n".encode()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def wait(handler: Handler, seconds: float) -> None:
    """Let time pass; raises as soon as the client has gone."""
    if is_gone(handler, seconds):
        raise ConnectionResetError("the client has gone")


def is_gone(handler: Handler, seconds: float) -> bool:
    """Whether the client closes the connection within that time; it sends nothing while it waits for an answer."""
    poll = select.poll()
    poll.register(handler.connection, select.POLLIN)
    return bool(poll.poll(1000 * seconds)) and handler.connection.recv(1, socket.MSG_PEEK) == b""
