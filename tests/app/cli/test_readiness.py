from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from app.cli.readiness import awaited
from settings import Settings


class Web(BaseHTTPRequestHandler):
    answer: ClassVar[tuple[int, bytes]] = (200, b"{}")

    def do_GET(self) -> None:
        status, body = self.answer if self.path == "/readyz" else (404, b"")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server = HTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Settings(port=server.server_port)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"status": "ready"}', None),
        (503, json.dumps({"detail": "Missing: a worker for local."}).encode(), "Missing: a worker for local."),
        (502, b"<h1>Bad gateway</h1>", "/readyz, which answers 502"),
        (500, b"[]", "/readyz, which answers 500"),
    ],
)
def test_it_tells_what_readyz_tells(
    config: Settings, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, expected: str | None
) -> None:
    monkeypatch.setattr(Web, "answer", (status, body))

    assert awaited(config) == expected


def test_where_nobody_listens_it_waits_for_the_web() -> None:
    assert awaited(Settings(port=1)) == "the web server"
