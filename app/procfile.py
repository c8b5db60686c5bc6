"""What is to run: the lines of the Procfile, each as often as asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from honcho.environ import ProcessParams, expand_processes, parse_procfile

from settings import ROOT, Settings

ONLY_ONE = {
    "web": "a second web would need a port of its own behind a proxy",
    "beat": "a second beat would do everything twice",
}

NO_MODEL = {
    "local": "There is no local model to work with: PIZHU_LOCAL_MODEL is none, or no tier is local.",
    "openai": "There is no provider to work with: set OPENAI_API_KEY or PIZHU_OPENAI_BASE_URL.",
}


def read_procfile() -> dict[str, str]:
    """Name and command of each line."""
    return dict(parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes)


def parse_workers(text: str, lines: Mapping[str, str], config: Settings) -> dict[str, int]:
    """The counts in `local=2,triage=1`; a line that is not named there has one process.

    Raises ValueError for what cannot be, with the reason.
    """
    counts = dict.fromkeys(config.idle_queues, 0)
    for part in filter(None, text.split(",")):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if not (number.isascii() and number.isdecimal()):
            raise ValueError(f"{part!r} is not NAME=NUMBER, as in local=2.")
        if name not in lines:
            raise ValueError(f"The Procfile has no {name!r}; it has {', '.join(lines)}.")
        if name in ONLY_ONE and int(number) > 1:
            raise ValueError(f"There is one {name}: {ONLY_ONE[name]}.")
        if name in config.idle_queues and int(number):
            raise ValueError(NO_MODEL[name])
        counts[name] = int(number)
    return counts


def processes(lines: Mapping[str, str], counts: Mapping[str, int], config: Settings) -> list[ProcessParams]:
    """Every process to run, with its name, its command and its environment."""
    queues = [queue for queue in config.queue_names if counts.get(queue, 1)]
    environment = {
        **os.environ,
        # The programs of our own virtual environment, whether or not it is activated.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Celery and gunicorn name their processes; that must not overwrite where /proc shows whose they are.
        "SPT_NOENV": "1",
        # They run in the checkout; a relative path was meant from where the user stands.
        "PIZHU_HOME": str(config.home),
        "PIZHU_QUEUES": ",".join(queues),
    }
    environment.pop("PORT", None)  # honcho would count it up for each line; the web's is PIZHU_PORT
    return list(expand_processes(lines, concurrency=counts, env=environment))
