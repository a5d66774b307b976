"""Measures how fast, how small and how steady pgledger is on a PostgreSQL server.

Each worker is a process that repeats one thing: it picks two accounts at random and makes a
transfer between them, one transaction each. At the end the script says how many transfers were
made, how long one took and how many bytes it occupies. Other modes do the same for usage events,
for entitlements and for invoices.

The server is, in this order: the DSN argument; --embedded DIR; PGLEDGER_DSN; libpq's own variables
(PGHOST, PGSERVICE, …); and when there is none of these, a temporary PostgreSQL 18 with its stock
settings, which is removed at the end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing

import psycopg

from pgledger.embedded import EmbeddedError
from pgledger.migrate import MigrationError
from scripts.performance.console import note
from scripts.performance.databases import connect, warn_if_not_durable
from scripts.performance.errors import CheckFailed
from scripts.performance.modes import MEASURES
from scripts.performance.options import Options, read_options
from scripts.performance.plot import draw, require_matplotlib
from scripts.performance.report import Report, rounded
from scripts.performance.servers import open_target
from scripts.performance.signals import stopping_on_signals
from scripts.performance.verify import require_good_books


def measure(options: Options) -> Report:
    # Only closed at the end: an interrupted connection cannot roll back.
    with open_target(options) as target, closing(connect(target.dsn)) as connection:
        warn_if_not_durable(connection)
        report = MEASURES[options.mode](options, target, connection)
        require_good_books(connection)
        return report


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(sys.argv[1:] if arguments is None else arguments, __doc__)
    try:
        if options.plot is not None:
            require_matplotlib()
        with stopping_on_signals():
            report = measure(options)
    except KeyboardInterrupt as stopped:
        note("Stopped before the end: no figures")
        return 128 + int(stopped.args[0])
    except (CheckFailed, EmbeddedError, MigrationError, psycopg.Error) as error:
        note(f"performance_check.py: {error}")
        return 1
    print("\n".join(report.lines))
    figures = {key: rounded(value) for key, value in report.figures.items()}
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.plot is not None:
        draw(figures, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
