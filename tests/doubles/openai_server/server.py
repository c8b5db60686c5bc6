"""The HTTP of it: doors, the bill, and who may come in."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles.openai_server import answers, batches, chat
from tests.doubles.openai_server.errors import ApiError
from tests.doubles.openai_server.faults import Faults

MODELS = ("small", "large", "reasoning", "embedding")
"""`reasoning` takes neither log-probabilities nor a temperature, as OpenAI's own of that kind."""
WRONG_KEY = "wrong"
"""The one key that is not let in."""
DIMENSIONS = 64


@dataclass
class Call:
    """One request and what it was billed; `ended` is `complete`, `cut`, `aborted` (by the client) or `refused`."""

    path: str
    model: str = ""
    fault: str = "ok"
    status: int = 200
    ended: str = "complete"
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    request_id: str = ""
    body: dict[str, Any] = field(default_factory=dict)


class OpenAiServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; `calls` are all requests so far, in the order in which they came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, *, faults: Faults | None = None, said: answers.Answers = answers.made_up) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.faults = faults or Faults()
        self.said = said
        self.lock = threading.Lock()
        self.calls: list[Call] = []
        self.cache = chat.PrefixCache()
        self.batches = batches.Batches(self)
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def bill(self) -> dict[str, int]:
        """Requests, and the tokens charged for, of chats, embeddings and lines of batches."""
        calls = list(self.calls)
        sums = {kind: sum(getattr(call, kind) for call in calls) for kind in ("prompt", "cached", "completion")}
        return {"requests": len(calls), "refused": sum(call.ended == "refused" for call in calls), **sums}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: OpenAiServer

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        self.content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.headers.get("Authorization", "") in ("", f"Bearer {WRONG_KEY}") and not self.path.startswith("/_"):
                raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
            self._route(method)
        except ApiError as error:
            self.send(error.status, error.body(), error.headers)

    def _route(self, method: str) -> None:
        address = urlsplit(self.path)
        match [method, *address.path.strip("/").split("/")]:
            case ["POST", "v1", "chat", "completions"]:
                chat.complete(self, self.json())
            case ["POST", "v1", "embeddings"]:
                self._embed(self.json())
            case ["GET", "v1", "models"]:
                self.send(200, {"object": "list", "data": [{"id": model, "object": "model"} for model in MODELS]})
            case [_, "v1", "files" | "batches" as kind, *rest]:
                self.server.batches.answer(self, method, kind, rest, dict(parse_qsl(address.query)))
            case ["GET", "_bill"]:
                self.send(200, self.server.bill | {"calls": [asdict(call) for call in self.server.calls]})
            case ["POST", "_faults"]:
                asked = self.json()
                self.server.faults.script(*asked.get("script", []))
                if "mixture" in asked:
                    self.server.faults.mix(asked["mixture"], asked.get("seed", 0))
                self.send(200, {})
            case _:
                raise ApiError(404, f"Unknown request URL: {method} {address.path}.", code="unknown_url")

    def _embed(self, body: dict[str, Any]) -> None:
        call = self.called("/v1/embeddings", body)
        inputs = [body["input"]] if isinstance(body["input"], str) else body["input"]
        call.prompt = sum(answers.count(text) for text in inputs)
        data = []
        for index, text in enumerate(inputs):
            vector: Any = embedding(text, body.get("dimensions") or DIMENSIONS)
            if body.get("encoding_format") == "base64":
                vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
            data.append({"object": "embedding", "index": index, "embedding": vector})
        usage = {"prompt_tokens": call.prompt, "total_tokens": call.prompt}
        self.send(200, {"object": "list", "model": call.model, "data": data, "usage": usage})

    def called(self, path: str, body: dict[str, Any]) -> Call:
        """Note a request of this body; what it is billed is filled in as it goes on."""
        client_id = self.headers.get("X-Client-Request-Id", "")
        call = Call(path, str(body.get("model", "")), request_id=client_id, body=body)
        with self.server.lock:
            self.server.calls.append(call)
        return call

    def json(self) -> dict[str, Any]:
        try:
            body = json.loads(self.content)
        except ValueError:
            raise ApiError(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(body, dict):
            raise ApiError(400, "The body of your request is not an object.")
        return body

    def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        """A whole answer; text goes as it is, anything else as JSON."""
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def embedding(text: str, dimensions: int) -> list[float]:
    """Hashed character trigrams, of length one: texts that share words are near each other."""
    vector = [0.0] * dimensions
    for start in range(max(1, len(text) - 2)):
        digest = hashlib.blake2b(text[start : start + 3].encode("utf-8", "surrogatepass"), digest_size=8).digest()
        vector[int.from_bytes(digest, "big") % dimensions] += 1
    norm = sum(value * value for value in vector) ** 0.5 or 1.0
    return [value / norm for value in vector]


@contextmanager
def serving(**options: Any) -> Iterator[OpenAiServer]:
    """A server in a thread of this process, for as long as the block runs."""
    with OpenAiServer(**options) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], name="hosted provider", daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
