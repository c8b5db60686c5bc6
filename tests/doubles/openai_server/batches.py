"""Files and batches. A batch takes a step each time somebody looks at it, so that tests need not wait."""

from __future__ import annotations

import io
import itertools
import json
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

if TYPE_CHECKING:
    from tests.doubles.openai_server.server import Call, Handler, OpenAiServer

WINDOW = 24 * 3600
_ONGOING = ("validating", "in_progress", "finalizing")
_FATES = ("complete", "expire", "fail")


@dataclass
class File:
    info: dict[str, Any]
    content: bytes


@dataclass
class Batch:
    """`fate` is how it will end: `complete`, `expire` (half of it is done) or `fail` (too much is enqueued)."""

    info: dict[str, Any]
    fate: str
    lines: list[dict[str, Any]] = field(default_factory=list)


class Batches:
    """All files and batches of a server. `script` says how the next batches end; otherwise they complete."""

    def __init__(self, server: OpenAiServer) -> None:
        self._server, self._lock = server, threading.Lock()
        self._ids = itertools.count(1)
        self._files: dict[str, File] = {}
        self._batches: dict[str, Batch] = {}
        self._script: deque[str] = deque()

    def script(self, *fates: str) -> None:
        if unknown := set(fates).difference(_FATES):
            raise ValueError(f"a batch cannot {unknown}; it can {', '.join(_FATES)}")
        self._script.extend(fates)

    def answer(self, handler: Handler, method: str, kind: str, rest: list[str], query: Mapping[str, str]) -> None:
        with self._lock:
            match [method, kind, *rest]:
                case ["POST", "files"]:
                    handler.send(200, self._upload(handler))
                case ["GET", "files", id]:
                    handler.send(200, self._file(id).info)
                case ["GET", "files", id, "content"]:
                    content = self._file(id).content.decode()
                    handler.send(200, content, {"Content-Type": "application/octet-stream"})
                case ["DELETE", "files", id]:
                    self._file(id)
                    del self._files[id]
                    handler.send(200, {"id": id, "object": "file", "deleted": True})
                case ["GET", "files" | "batches"]:
                    kept: Mapping[str, File | Batch] = self._files if kind == "files" else self._batches
                    handler.send(200, listing([each.info for each in kept.values()], query))
                case ["POST", "batches"]:
                    handler.send(200, self._create(handler.json()))
                case ["GET", "batches", id]:
                    self._step(self._batch(id))
                    handler.send(200, self._batch(id).info)
                case ["POST", "batches", id, "cancel"]:
                    handler.send(200, self._cancel(self._batch(id)))
                case _:
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
            case "in_progress":
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
        if batch.fate == "fail":
            # The call that made the batch went well all the same.
            errors.append({"code": "token_limit_exceeded", "message": "Enqueued token limit reached."})
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
                content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
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
