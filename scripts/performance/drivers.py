"""The driver that the options name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from scripts.performance.options import Options
from scripts.performance.pgbench_driver import PgbenchDriver
from scripts.performance.psycopg_driver import PsycopgDriver
from scripts.performance.servers import Target
from scripts.performance.work import Driver, Side


def new_driver(
    options: Options, target: Target, sides: Mapping[str, Side]
) -> AbstractContextManager[Driver]:
    if options.driver == "pgbench":
        return PgbenchDriver(target, options.workers, sides)
    return PsycopgDriver(options.workers, sides)
