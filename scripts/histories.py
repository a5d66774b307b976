"""Lives random histories of a ledger, and holds each answer against a plain Python model.

Callers of one connection open and change accounts, move money one at a time and in batches, by id
and by name, under conditions, skipping what fails and seeing beforehand what would, make, post,
void and extend holds alone and many at once, let them expire, reverse, sweep, freeze and close,
repeat what they did under idempotency keys and purge these, within transactions and savepoints,
rightly and wrongly. After each history balances, what is held, versions and changes are compared
with the model, and ``pgledger_verify`` looks through the books. ``make test`` takes 20,000 steps;
this takes as many as it is told::

    python scripts/histories.py --steps 100000 --seed 7

It runs the test of ``tests/ledger/test_invariants.py`` on a PostgreSQL of its own. What fails is
made as small as possible. Ends with 1 if something does.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = "tests/ledger/test_invariants.py::test_random_histories_end_as_the_model_has_them"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the histories (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="at once, up to 4 (default: 2)")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error("--steps must be at least 1")
    environment = os.environ | {
        "PGLEDGER_STEPS": str(options.steps),
        "PGLEDGER_SEED": str(options.seed),
    }
    begun = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        str(options.workers),
        "--timeout=0",
        TEST,
    ]
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    verdict = "as the model has them" if ended == 0 else "NOT as the model has them"
    print(f"{options.steps:,} steps of seed {options.seed} in {minutes}:{seconds:02}: {verdict}")
    return 1 if ended else 0


if __name__ == "__main__":
    sys.exit(main())
