"""A process with a chain of its own, told what to do line by line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from grading.cache.chain import Answer, Chain
from grading.cache.key import Key
from settings import ROOT


class Other:
    """The parent's end: each method waits for the answer, or leaves that to `answers`."""

    def __init__(self, url: str, capacity: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.grading.cache.other", url, str(capacity)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.name = self.answer()

    def tell(self, **what: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def look_up(self, key: Key) -> Any:
        """The level that had it; None for a miss."""
        self.tell(look_up=_plain(key))
        return self.answer()

    def invalidate(self, *tags: str) -> Any:
        self.tell(invalidate=tags)
        return self.answer()

    def ask(self, key: Key, log: Path, seconds: float, threads: int = 1, error: str = "") -> None:
        """Have so many threads ask it. A call takes so many seconds, and is a line of the log; `answer` gives each
        thread's [value or error, level]."""
        self.tell(ask=_plain(key), log=str(log), seconds=seconds, threads=threads, error=error)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


def _plain(key: Key) -> dict[str, Any]:
    return {
        "kind": key.kind, "scope": key.scope, "parts": dict(key.parts), "text": key.text, "tags": sorted(key.tags)
    }  # fmt: skip


def _key(plain: dict[str, Any]) -> Key:
    return Key(**(plain | {"tags": frozenset(plain["tags"])}))


def main(url: str, capacity: str) -> None:
    chain = Chain(url, int(capacity))
    out = threading.Lock()

    def say(what: Any) -> None:
        with out:
            print(json.dumps(what), flush=True)

    say(chain._news._name)
    for line in sys.stdin:
        told = json.loads(line)
        if "look_up" in told:
            found = chain.look_up(_key(told["look_up"]))
            say(found.level if found else None)
        elif "invalidate" in told:
            say(chain.invalidate(*told["invalidate"]))
        else:
            for _ in range(told["threads"]):
                threading.Thread(target=lambda told=told: say(_ask(chain, told)), daemon=True).start()


def _ask(chain: Chain, told: dict[str, Any]) -> Any:
    def call() -> str:
        with Path(told["log"]).open("a") as log:
            log.write("call\n")
        time.sleep(told["seconds"])
        if told["error"]:
            raise ValueError(told["error"])
        return "answer"

    try:
        answer: Answer = chain.get_or_call(_key(told["ask"]), call)
    except Exception as error:
        return [f"{type(error).__name__}: {error}", None]
    return [answer.value, answer.level]


if __name__ == "__main__":
    main(*sys.argv[1:])
