"""Reads the books in one snapshot, and writes them."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import ServerCursor
from psycopg.rows import tuple_row

from pgledger.migrate.results import MigrationError
from pgledger.migrate.session import Connection, Cursor, fetch

from .asked import Export
from .formats import WRITERS
from .queries import Queries, Query
from .reading import reading
from .rows import Account, Transfer

# Rows that come at once: what of the books is in memory.
_BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far an export has come: ``of`` is None where it is not known how many there are."""

    transfers: int
    of: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class ExportResult:
    """How much was written."""

    transfers: int
    accounts: int


def export(
    target: Connection | str,
    asked: Export,
    write: Callable[[str], Any],
    on_progress: Callable[[ExportProgress], None] | None = None,
) -> ExportResult:
    """Writes transfers and balances down, all of one snapshot.

    Args:
        target: Connection string, or an idle connection.
        asked: What to write.
        write: Takes the text, piece by piece.
        on_progress: Called after some thousand transfers each.

    Returns:
        How many transfers and balances were written.

    Raises:
        MigrationError: pgledger is not installed, something in it is somebody else's, the role may
            not read it, there is no such account, or a time has no form in that format.
    """
    with reading(target) as (cursor, surface):
        return _Run(cursor, Queries(surface, asked), asked, write, on_progress).run()


class _Run:
    def __init__(
        self,
        cursor: Cursor,
        queries: Queries,
        asked: Export,
        write: Callable[[str], Any],
        on_progress: Callable[[ExportProgress], None] | None,
    ) -> None:
        self._cursor = cursor
        self._queries = queries
        self._asked = asked
        self._write = write
        self._on_progress = on_progress
        self._writer = WRITERS[asked.format]()
        self._began = time.monotonic()

    def run(self) -> ExportResult:
        self._check_accounts()
        expected = None
        if not self._asked.has_filter and self._asked.from_time is self._asked.until is None:
            expected = int(self._fetch(self._queries.expected())[0][0])
        rows = self._stream("transfers", self._queries.transfers())
        # The first one says when the journal begins.
        ahead = [Transfer(*row) for row in itertools.islice(rows, 1)]
        first = last = self._first_time(ahead)
        currencies = [row[0] for row in self._fetch(self._queries.currencies())]
        for piece in self._writer.head(self._asked, first, currencies):
            self._write(piece)
        if self._writer.has_accounts:
            for row in self._stream("accounts", self._queries.accounts()):
                self._write(self._writer.account(Account(*row)))
        if self._asked.from_time is not None:
            for row in self._stream("openings", self._queries.openings()):
                self._write(self._writer.opening(Account(*row)))
        count = 0
        for transfer in itertools.chain(ahead, (Transfer(*row) for row in rows)):
            self._write(self._writer.transfer(transfer))
            last = transfer.at
            count += 1
            if count % _BATCH == 0:
                self._tell(count, expected)
        accounts = 0
        for row in self._stream("closings", self._queries.closings()):
            self._write(self._writer.closing(Account(*row), last))
            accounts += 1
        self._tell(count, expected)
        return ExportResult(count, accounts)

    def _check_accounts(self) -> None:
        if not self._asked.account_ids:
            return
        missing = self._fetch(self._queries.missing_accounts())
        if missing:
            raise MigrationError(
                f"there is no account {missing[0][0]} in the books of the app "
                f"{self._asked.app_id!r}",
                "Ids are in pgledger_accounts_view; --app-id names the books.",
            )

    def _first_time(self, ahead: list[Transfer]) -> str:
        if self._asked.from_time is not None:
            return _text(self._asked.from_time)
        return ahead[0].at if ahead else _text(self._asked.until or datetime.now(UTC))

    def _tell(self, count: int, expected: int | None) -> None:
        if self._on_progress is not None:
            seconds = time.monotonic() - self._began
            self._on_progress(ExportProgress(count, expected, seconds))

    def _fetch(self, query: Query) -> list[tuple[Any, ...]]:
        return fetch(self._cursor, query.text, query.parameters)

    def _stream(self, name: str, query: Query) -> Iterator[tuple[Any, ...]]:
        with ServerCursor(
            self._cursor.connection, f"pgledger_{name}", row_factory=tuple_row
        ) as cursor:
            cursor.itersize = _BATCH
            cursor.execute(query.text.encode(), query.parameters)
            yield from cursor


def _text(when: datetime) -> str:
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
