"""python -m tests.doubles.openai_server --port 9000 --faults rate_limited=0.1,cut=0.05 --seed 7"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from tests.doubles.openai_server import answers
from tests.doubles.openai_server.faults import KNOWN, Faults
from tests.doubles.openai_server.server import OpenAiServer


def main() -> None:
    known = "\n".join(f"  {name:18} {what}" for name, what in KNOWN.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.doubles.openai_server",
        description="A hosted provider that misbehaves, on 127.0.0.1.",
        epilog=f"faults, as NAME[:ARGUMENT]=SHARE,…:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0: any, it is printed")
    parser.add_argument("--faults", default="", help="which share of all requests goes wrong, and how")
    parser.add_argument("--seed", type=int, default=0, help="of the mixture")
    parser.add_argument("--replay", type=Path, metavar="ANSWERS", help="stored answers of a real model (.jsonl.gz)")
    parser.add_argument("--essays", type=Path, help="the essays that they answer (.jsonl.gz)")
    parser.add_argument("--replay-model", default="ChatGPT", help="whose answers")
    parser.add_argument("--replay-variant", default="A", help="to which variant of the prompt")
    chosen = parser.parse_args()
    said = answers.made_up
    if chosen.replay:
        if not chosen.essays:
            parser.error("--replay needs --essays")
        said = answers.replayed(chosen.essays, chosen.replay, model=chosen.replay_model, variant=chosen.replay_variant)
    with OpenAiServer(chosen.port, faults=Faults(chosen.faults, chosen.seed), said=said) as server:
        print(server.base_url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
