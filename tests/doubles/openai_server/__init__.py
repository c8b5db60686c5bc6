"""A hosted provider on this machine: OpenAI's protocol over real HTTP, with real misbehaviour.

    with serving() as server:
        server.faults.script("rate_limited:2", "cut")   # the next two requests; then all is well
        OpenAI(base_url=server.base_url, api_key="any")
        server.bill                                     # what a ledger must agree with, to the token

`python -m tests.doubles.openai_server --port 9000 --faults rate_limited=0.1,cut=0.05 --seed 7` is the same in a process
of its own: `GET /_bill` tells the bill, `POST /_faults` with `{"script": [...]}` or `{"mixture": "...", "seed": 7}`
changes what goes wrong. `tests.doubles.openai_server.faults` names the faults.
"""

from tests.doubles.openai_server.server import OpenAiServer, serving

__all__ = ["OpenAiServer", "serving"]
