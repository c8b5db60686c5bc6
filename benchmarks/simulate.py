"""How long a month of 450,000 essays takes to simulate, and what comes out of it.

    python -m benchmarks.simulate [--day submissions.csv]

15,000 essays a day for 30 days through the real routing: the six stages, what else could be, and the waits.
`processor_s` is what it takes of one core, `seconds` what passes meanwhile. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from click.testing import CliRunner

from app.cli.simulate import simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=Path, help="a recorded day, as `pizhu simulate` takes it")
    chosen = parser.parse_args()
    given = ["--essays", "15000", "--json", "-", *(["--day", str(chosen.day)] if chosen.day else [])]
    figures = {"benchmark": "simulate", "essays": 450_000}
    for name, options in (("stages", ["--no-what-if"]), ("with_what_ifs", [])):
        seconds, processor = time.perf_counter(), time.process_time()
        result = CliRunner().invoke(simulate, [*given, *options], catch_exceptions=False)
        told = json.loads(result.stdout)
        figures[name] = {
            "seconds": round(time.perf_counter() - seconds, 1),
            "processor_s": round(time.process_time() - processor, 1),
        }
    last = told["stages"][-1]
    print(
        json.dumps(
            figures
            | {
                "usd_a_month": {stage["stage"]: stage["cost_usd"] for stage in told["stages"]},
                "saved": last["saved"],
                "wait_s": last["wait_s"],
                "utilisation": last["utilisation"],
                "what_if_usd": {one["stage"]: one["cost_usd"] for one in told["what_if"]},
                "burstiness": told["day"]["burstiness"],
                "within_20_percent_of": told["day"]["within_20_percent_of"],
            }
        )
    )


if __name__ == "__main__":
    main()
