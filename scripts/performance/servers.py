"""Which server is measured: the user's own, or an embedded one that is started for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate
from scripts.performance.console import note
from scripts.performance.databases import APP_ID
from scripts.performance.options import USAGE_MODES, Options


@dataclass(frozen=True, slots=True)
class Target:
    """Where to measure; ``server`` is there when it is embedded, so that it is ours alone."""

    dsn: str
    server: EmbeddedServer | None = None

    @property
    def own(self) -> bool:
        return self.server is not None


def libpq_is_configured() -> bool:
    names = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
    return any(os.environ.get(name) for name in names)


def given_dsn(options: Options) -> str | None:
    """DSN of the server that the user named, or None where an embedded one is meant."""
    if options.dsn is not None or options.embedded is not None:
        return options.dsn
    from_environment = os.environ.get("PGLEDGER_DSN")
    if from_environment:
        return from_environment
    return "" if libpq_is_configured() else None


@contextmanager
def open_target(options: Options) -> Iterator[Target]:
    """Finds the server that the options mean; starts it and installs pgledger if it is ours."""
    dsn = given_dsn(options)
    if dsn is not None:
        made = "Usage events" if options.mode in USAGE_MODES else "Transfers"
        note(f"{made} are permanent: they stay in this database, under app_id '{APP_ID}'")
        yield Target(dsn)
        return
    settings = {}
    if options.mode == "batcher":
        # Each caller has a connection of its own, which is more than the usual hundred.
        settings["max_connections"] = str(options.workers + 50)
    if options.embedded is None:
        note("Starting a temporary PostgreSQL with stock settings")
        running: AbstractContextManager[EmbeddedServer]
        running = EmbeddedServer.temporary(settings=settings)
    else:
        running = EmbeddedServer(options.embedded, settings=settings)
    with running as server:
        migrate(server.dsn())
        yield Target(server.dsn(), server)
