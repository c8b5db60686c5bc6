"""Files and batches. A batch takes a step each time somebody looks at it, so that tests need not wait."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from tests.doubles.openai_server import chat
from tests.doubles.openai_server.errors import ApiError, of_fault
from tests.doubles.openai_server.faults import Fault

if TYPE_CHECKING:
    from tests.doubles.openai_server.server import Call, Handler, OpenAiServer

WINDOW = 24 * 3600
_ONGOING = ("validating", "in_progress", "finalizing")
_FATES = ("complete", "expire", "fail", "no_room", "garble", "stay")
TROUBLES = {
    "unheard": "the connection is lost before the request is read",
    "lost": "it is done, and the connection is lost before the answer",
    "delayed": "the connection is lost, and it is done only at the next `arrive`",
}


@dataclass
class File:
    info: dict[str, Any]
    content: bytes


@dataclass
class Batch:
    """`fate` is how it will end: `complete`, `expire` (half of it is done), `fail`, `no_room` (too much is enqueued),
    `garble` (complete, but one line is missing, one cut off and one there twice) or `stay` (until it is cancelled)."""

    info: dict[str, Any]
    fate: str
    lines: list[dict[str, Any]] = field(default_factory=list)


class Batches:
    """All files and batches of a server. `script` says how the next batches end; otherwise they complete."""

    def __init__(self, server: OpenAiServer) -> None:
        self._server, self._lock = server, threading.Lock()
        self._ids = itertools.count(1)
        self.asked = 0
        """Requests so far, of files and batches."""
        self._files: dict[str, File] = {}
        self._batches: dict[str, Batch] = {}
        self._script: deque[str] = deque()
        self._troubles: list[tuple[str, str]] = []
        self._delayed: list[dict[str, Any]] = []

    @property
    def count(self) -> int:
        """Batches so far."""
        return len(self._batches)

    def script(self, *fates: str) -> None:
        if unknown := set(fates).difference(_FATES):
            raise ValueError(f"a batch cannot {unknown}; it can {', '.join(_FATES)}")
        self._script.extend(fates)

    def interrupt(self, operation: str, trouble: str) -> None:
        """The next time that this is asked, it goes wrong like this. Operations are `METHOD kind[/part]`, such as
        `POST batches`; a trouble is one of `TROUBLES`, or of `faults.KNOWN` if that is answered at once."""
        if trouble not in TROUBLES:
            Fault.parse(trouble)
        self._troubles.append((operation, trouble))

    def arrive(self) -> None:
        """What was `delayed` on the way is there now."""
        delayed, self._delayed = self._delayed, []
        for asked in delayed:
            with self._lock, contextlib.suppress(ApiError):
                self._create(asked)

    def answer(self, handler: Handler, method: str, kind: str, rest: list[str], query: Mapping[str, str]) -> None:
        with self._lock:
            self.asked += 1
            trouble = self._trouble("/".join([f"{method} {kind}", *rest[1:]]))
            if trouble == "delayed":
                self._delayed.append(handler.json())
            elif trouble != "unheard":
                if trouble and trouble not in TROUBLES and (error := of_fault(Fault.parse(trouble))):
                    raise error
                content, headers = self._done(handler, method, kind, rest, query)
                if trouble != "lost":
                    handler.send(200, content, headers)
                    return
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    def _trouble(self, operation: str) -> str:
        found = next((each for each in self._troubles if each[0] == operation), None)
        if found is None:
            return ""
        self._troubles.remove(found)
        return found[1]

    def _done(
        self, handler: Handler, method: str, kind: str, rest: list[str], query: Mapping[str, str]
    ) -> tuple[Any, dict[str, str]]:
        match [method, kind, *rest]:
            case ["POST", "files"]:
                return self._upload(handler), {}
            case ["GET", "files", id]:
                return self._file(id).info, {}
            case ["GET", "files", id, "content"]:
                return self._file(id).content.decode(), {"Content-Type": "application/octet-stream"}
            case ["DELETE", "files", id]:
                self._file(id)
                del self._files[id]
                return {"id": id, "object": "file", "deleted": True}, {}
            case ["GET", "files" | "batches"]:
                kept: Mapping[str, File | Batch] = self._files if kind == "files" else self._batches
                return listing([each.info for each in kept.values()], query), {}
            case ["POST", "batches"]:
                return self._create(handler.json()), {}
            case ["GET", "batches", id]:
                self._step(self._batch(id))
                return self._batch(id).info, {}
            case ["POST", "batches", id, "cancel"]:
                return self._cancel(self._batch(id)), {}
        raise ApiError(404, f"Unknown request URL: {method} {handler.path}.", code="unknown_url")

    def _upload(self, handler: Handler) -> dict[str, Any]:
        mimetype, options = parse_options_header(handler.headers.get("Content-Type", ""))
        parser = FormDataParser(silent=False)
        _, form, files = parser.parse(io.BytesIO(handler.content), mimetype, len(handler.content), options)
        # Both or none, or the upload is refused.
        if ("expires_after[seconds]" in form) != ("expires_after[anchor]" in form):
            raise ApiError(400, "Missing required parameter: 'expires_after.anchor'.", param="expires_after.anchor")
        if "file" not in files:
            raise ApiError(400, "Missing required parameter: 'file'.", param="file")
        lasts = form.get("expires_after[seconds]")
        return self._keep(files["file"].read(), files["file"].filename or "", form.get("purpose", ""), lasts)

    def _keep(self, content: bytes, name: str, purpose: str, lasts: str | None = None) -> dict[str, Any]:
        info = {
            "id": f"file-{next(self._ids)}",
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "expires_at": int(time.time()) + int(lasts) if lasts else None,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self._files[info["id"]] = File(info, content)
        return info

    def _create(self, asked: dict[str, Any]) -> dict[str, Any]:
        file = self._file(asked.get("input_file_id", ""))
        if file.info["purpose"] != "batch":
            raise ApiError(400, "The input file's purpose is not 'batch'.", param="input_file_id")
        if asked.get("completion_window") != "24h":
            raise ApiError(400, "Invalid value for 'completion_window': only '24h'.", param="completion_window")
        now = int(time.time())
        info = {
            "id": f"batch_{next(self._ids)}",
            "object": "batch",
            "endpoint": asked.get("endpoint"),
            "input_file_id": file.info["id"],
            "completion_window": "24h",
            "metadata": asked.get("metadata"),
            "status": "validating",
            "created_at": now,
            "expires_at": now + WINDOW,
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        self._batches[info["id"]] = Batch(info, self._script.popleft() if self._script else "complete")
        return info

    def _step(self, batch: Batch) -> None:
        """What happens between two looks at a batch."""
        info = batch.info
        match info["status"]:
            case "validating":
                self._validate(batch)
            case "in_progress" if batch.fate != "stay":
                info["status"] = "finalizing"
            case "finalizing" if batch.fate == "expire":
                self._finish(batch, "expired", len(batch.lines) // 2, "batch_expired")
            case "finalizing":
                self._finish(batch, "completed", len(batch.lines), "")
            case "cancelling":
                self._finish(batch, "cancelled", len(batch.lines) // 2, "batch_cancelled")

    def _validate(self, batch: Batch) -> None:
        info = batch.info
        errors = []
        try:
            batch.lines = [json.loads(line) for line in self._file(info["input_file_id"]).content.splitlines()]
        except ValueError:
            errors.append({"code": "invalid_json_line", "message": "This line is not parseable as valid JSON."})
        ids = [line.get("custom_id") for line in batch.lines]
        if len(set(ids)) < len(ids):
            errors.append({"code": "duplicate_custom_id", "message": "The custom_id for this request is a duplicate."})
        # The call that made the batch went well all the same.
        if batch.fate == "no_room":
            errors.append({"code": "token_limit_exceeded", "message": "Enqueued token limit reached."})
        if batch.fate == "fail":
            errors.append({"code": "server_error", "message": "The batch could not be read."})
        info["status"] = "failed" if errors else "in_progress"
        info["errors"] = {"object": "list", "data": errors} if errors else None
        info["request_counts"]["total"] = len(batch.lines)

    def _cancel(self, batch: Batch) -> dict[str, Any]:
        if batch.info["status"] not in _ONGOING:
            raise ApiError(409, f"Cannot cancel a batch with status '{batch.info['status']}'.")
        batch.info["status"] = "cancelling"
        return batch.info

    def _finish(self, batch: Batch, status: str, done: int, code: str) -> None:
        """Write the files: the first lines are answered, the rest not; the order is nobody's promise."""
        info, good, bad = batch.info, [], []
        for line in reversed(batch.lines[:done]):
            answered = self._line(line, info["endpoint"])
            (good if answered["response"]["status_code"] == 200 else bad).append(answered)
        failed = len(bad)
        for line in reversed(batch.lines[done:]):
            error = {"code": code, "message": "This request was not executed before the batch ended."}
            bad.append({"id": self._request_id(), "custom_id": line["custom_id"], "response": None, "error": error})
        for name, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                written = [json.dumps(line, ensure_ascii=False) + "\n" for line in lines]
                if batch.fate == "garble":
                    written = [written[1], *written[1:-1], written[-1][:99]]
                content = "".join(written)
                info[name] = self._keep(content.encode(), f"{info['id']}_{name}.jsonl", "batch_output")["id"]
        info["request_counts"] |= {"completed": len(good), "failed": failed}
        info["status"] = status

    def _line(self, line: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
        """One request of a batch, answered as it would have been alone."""
        fault = self._server.faults.next()
        call = self._called(line, fault.name)
        error = of_fault(fault)
        try:
            if error or line["url"] != endpoint:
                raise error or ApiError(400, "The URL of this request is not the endpoint of the batch.")
            body: Any = chat.plain(call, fault, chat.begin(self._server, call, fault))
        except ApiError as refusal:
            call.status, call.ended, body = refusal.status, "refused", refusal.body()
        response = {"status_code": call.status, "request_id": self._request_id(), "body": body}
        return {"id": self._request_id(), "custom_id": line["custom_id"], "response": response, "error": None}

    def _called(self, line: Mapping[str, Any], fault: str) -> Call:
        from tests.doubles.openai_server.server import Call

        body = dict(line["body"])
        call = Call("/v1/batches", body.get("model", ""), fault, request_id=line["custom_id"], body=body)
        with self._server.lock:
            self._server.calls.append(call)
        return call

    def _request_id(self) -> str:
        return f"batch_req_{next(self._ids)}"

    def _file(self, id: str) -> File:
        if id not in self._files:
            raise ApiError(404, f"No such File object: {id}", param="id")
        return self._files[id]

    def _batch(self, id: str) -> Batch:
        if id not in self._batches:
            raise ApiError(404, f"No batch found with id '{id}'.")
        return self._batches[id]


def listing(infos: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """A page of a list, newest first."""
    newest = infos[::-1]
    ids = [info["id"] for info in newest]
    start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    page = newest[start : start + int(query.get("limit", 20))]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + len(page) < len(newest),
    }
