"""Transfers of all workers, which one batcher sends together, with ids or keys."""

import contextlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg

from pgledger.batcher import TransferBatcher, TransferUnsettled
from scripts.crashes.deeds import Deed, Kind, Session, transfers_of


class Source:
    """Lends connections as a pool does, each a new one."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn, connect_timeout=10) as conn:
            yield conn


class Batched(Kind):
    name = "batched"
    # What is sent together commits by itself, not with its caller's transaction.
    has_row = False

    def __init__(self) -> None:
        super().__init__()
        self.batcher: TransferBatcher | None = None

    def begin(self, dsn: str) -> None:
        super().begin(dsn)
        # It would tell of every attempt while the server is gone.
        logging.getLogger("pgledger.batcher").setLevel(logging.CRITICAL)
        self.batcher = TransferBatcher(Source(dsn), retry_for=timedelta(seconds=60))

    def end(self) -> None:
        super().end()
        if self.batcher is not None:
            self.batcher.close(timedelta(seconds=10))
            self.batcher = None

    def make(self, conn: Session, deed: Deed) -> None:
        del conn
        assert self.batcher is not None
        source, target = deed.pair()
        has_key = deed.chance % 2 == 1
        self.batcher.create_transfer(
            self.accounts[source],
            self.accounts[target],
            1 + deed.chance % 100,
            metadata={"deed": deed.name},
            id=None if has_key else deed.id("pglt"),
            idempotency_key=deed.name if has_key else None,
        )

    def perform(self, conn: Session, deed: Deed) -> None:
        deed.is_sent = True
        try:
            self.make(conn, deed)
        except psycopg.Error:
            # Only of what is unsettled may anything have come through.
            deed.is_sent = False
            raise

    def is_cut_off(self, conn: Session, error: Exception) -> bool:  # noqa: ARG002
        return isinstance(error, (psycopg.OperationalError, TransferUnsettled))

    def found(self, conn: Session) -> dict[str, int]:
        return transfers_of(conn, self.name)


KIND = Batched()
