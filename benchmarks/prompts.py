"""How many tokens the compact prompts save beside the verbose ones, and what the compressor alone saves.

    python -m benchmarks.prompts

For essay grading, customer service and code review, in English and Chinese, by the tokenizer of the local model and by
two encodings of hosted ones (package bpe-openai); what is filled in is not counted. `tokens` are of the verbose, the
compressed and the compact version; null where a tokenizer is not here. Prints one line of JSON.
"""

from __future__ import annotations

import json
from typing import Any

from grading.prompts import library
from grading.prompts.tokens import lengths, tokenizers
from settings import settings

TASKS = ("grade", "customer_service", "code_review")


def main() -> None:
    figures: dict[str, Any] = {"benchmark": "prompts"}
    counts = tokenizers(settings())
    for task in TASKS:
        for language in ("en", "zh"):
            versions = [library.load(task, language, version) for version in ("verbose", "compact")]
            verbose, compressed, compact = lengths(versions, counts)
            figures[f"{task}/{language}"] = {
                name: {
                    "tokens": [row.tokens[name] for row in (verbose, compressed, compact)],
                    "saved_by_compressor": compressed.saving[name],
                    "saved_by_compact": compact.saving[name],
                }
                for name in counts
            }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
