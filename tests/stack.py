"""The whole installation, as `pizhu up` starts it, in a folder of its own: for end-to-end tests and benchmarks."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from settings import ROOT

Result = TypeVar("Result")


def eventually(condition: Callable[[], Result], timeout: float, what: str, every: float = 0.2) -> Result:
    """Wait until the condition is true and return its value; fail with `what` when it never is."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(every)
    return value


class Client:
    """Somebody who uses the HTTP API."""

    def __init__(self, base: str, email: str, password: str, token: str) -> None:
        self.base, self.email, self.password, self.token = base, email, password, token
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **options: Any) -> requests.Response:
        return self._call("GET", path, **options)

    def post(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> requests.Response:
        return self._call("POST", path, json=body or {}, **options)

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self.http.request(method, f"{self.base}/api/v1{path}", timeout=options.pop("timeout", 30), **options)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer


class Stack:
    """A running installation. `environment` adds to or replaces settings, as `PIZHU_*` variables."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PIZHU_")}
        self.environment = inherited | {"PIZHU_HOME": str(home), "PIZHU_PORT": str(self.port)} | environment

    def pizhu(self, *arguments: str, timeout: float = 900) -> str:
        """Run the command line as a user would; its standard output."""
        command = [str(Path(sys.executable).with_name("pizhu")), *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"pizhu {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self) -> None:
        self.pizhu("up", "--detach")

    def down(self) -> None:
        self.pizhu("down")

    def person(self, role: str) -> Client:
        """A new user with that role."""
        email, password = f"{role}-{secrets.token_hex(4)}@school.test", secrets.token_urlsafe(12)
        self.pizhu("user", "create", "--email", email, "--role", role, "--password", password)
        return Client(self.base, email, password, self.pizhu("token", "create", "--user", email).strip())

    def processes(self, part: str) -> list[psutil.Process]:
        """Live processes of this installation whose command line contains `part`."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            try:
                mine = process.environ().get("PIZHU_HOME") == str(self.home)
                if mine and process.status() != psutil.STATUS_ZOMBIE and part in " ".join(process.cmdline()):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def log(self) -> str:
        path = self.home / "log" / "pizhu.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def running(home: Path, **environment: str) -> Iterator[Stack]:
    """An installation that is up inside the block and down after it.

    It uses the model that set-up has made for the checkout, so that a fresh folder costs no second conversion.
    """
    stack = Stack(home, environment)
    models = home / "models"
    if not models.exists():
        home.mkdir(parents=True, exist_ok=True)
        models.symlink_to(ROOT / "var" / "models")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@contextmanager
def gunicorn(application: str = "app:create_app()", **environment: str) -> Iterator[str]:
    """The web alone, as the Procfile starts it, on the servers that the environment names; gives its base URL.

    It gets a socket that listens already, so that nobody else can take the port before it. It answers once all is
    imported, which takes seconds of the processor, and so much longer where many want it.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryFile("w+") as log:
        port, fd = listener.getsockname()[1], listener.fileno()
        base = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gunicorn", "-c", "app/gunicorn.py", "-b", f"fd://{fd}", application]
        environ = os.environ | {"PIZHU_PORT": str(port)} | environment
        process = subprocess.Popen(command, cwd=ROOT, env=environ, pass_fds=[fd], stderr=log)

        def said() -> str:
            log.seek(0)
            return log.read()

        def answers() -> bool:
            assert process.poll() is None, f"gunicorn has ended with {process.returncode}\n{said()}"
            try:
                return requests.get(f"{base}/healthz", timeout=2).ok
            except requests.RequestException:
                return False

        try:
            eventually(answers, 180, "gunicorn answers")
            yield base
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def classroom(stack: Stack, language: str = "en") -> tuple[Client, Client, dict[str, Any]]:
    """A teacher, a student of theirs, and an assignment."""
    teacher, student = stack.person("teacher"), stack.person("student")
    school_class = teacher.post("/classes", {"name": "Class 8b"}).json()
    student.post("/classes/join", {"join_code": school_class["join_code"]})
    return teacher, student, teacher.post("/assignments", {"class_id": school_class["id"], **TASKS[language]}).json()


TASKS: dict[str, dict[str, Any]] = {
    "en": {
        "title": "Computers and people",
        "prompt": "Write a letter to your local newspaper: what effect do computers have on people?",
        "language": "en",
        "rubric": {
            "criteria": [
                {"key": "ideas", "name": "Ideas", "max": 6},
                {"key": "language", "name": "Language", "max": 6},
            ]
        },
    },
    "zh": {
        "title": "找准位置",
        "prompt": "以“找准自己的位置”为话题，写一篇议论文。",
        "language": "zh",
        "rubric": {
            "criteria": [
                {"key": "ideas", "name": "立意", "max": 20},
                {"key": "language", "name": "语言", "max": 20},
            ]
        },
    },
}


def server_sent_events(answer: requests.Response) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(id, type, data) of each event of an open `text/event-stream` response."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if not line:
            if "data" in fields:
                yield fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
