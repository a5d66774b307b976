"""Lives random lives of customers, each in several rhythms of billing, and compares the money.

The same life must come to the same sums, by item, period and plan, however often ``ledger_advance``
runs, with drafts, interim invoices, invoices taken back, purged usage and previews in between::

    python scripts/lives.py --lives 5000 --seed 7

It runs a PostgreSQL of its own. A difference is made as small as possible and told as a story, with
the command that repeats it. Ends with 1 if there is one.
"""

import argparse
import contextlib
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# This tree's pgledger, whichever is installed.
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

import psycopg  # noqa: E402

from pgledger.embedded import EmbeddedServer  # noqa: E402
from pgledger.migrate import migrate  # noqa: E402
from scripts.performance.console import Progress  # noqa: E402
from scripts.random_lives.shrinking import shrink  # noqa: E402
from scripts.random_lives.store import Session, prepare  # noqa: E402
from scripts.random_lives.story import tell  # noqa: E402
from scripts.random_lives.trial import random_trials, try_out  # noqa: E402

# A server that is thrown away need not survive anything.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@contextlib.contextmanager
def own_database() -> Iterator[Session]:
    with EmbeddedServer.temporary(settings=SETTINGS) as server:
        migrate(server.dsn())
        with psycopg.connect(server.dsn(), autocommit=True) as conn:
            prepare(conn)
            yield conn


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lives", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the lives (default: 1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first life to try")
    parser.add_argument("--stop", type=int, default=10, help="ends after so many differences")
    parser.add_argument("--no-shrink", action="store_true", help="only counts differences")
    options = parser.parse_args(arguments)
    found = 0
    with own_database() as conn, Progress(options.lives, "lives") as progress:
        for number in range(options.first, options.first + options.lives):
            difference = try_out(conn, random_trials(random.Random(f"{options.seed} {number}")))
            if difference is not None:
                found += 1
                print(f"difference {found}: life {number} of seed {options.seed}", flush=True)
                if not options.no_shrink:
                    print(tell(conn, *shrink(conn, *difference, progress.tick)))
                print(
                    f"again: python scripts/lives.py --seed {options.seed} --first {number}"
                    " --lives 1\n",
                    flush=True,
                )
                if found == options.stop:
                    break
            progress.step(1)
        tried = number - options.first + 1
    print(f"{tried:,} lives of seed {options.seed}, {found} with a difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
