"""Talking to the server: sessions, transactions, and the settings that the files need."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .results import MigrationError

MINIMUM_SERVER: Final = 150000
DEFAULT_LOCK_TIMEOUT: Final = 5.0
DEFAULT_WAIT: Final = 60.0
DEFAULT_SLICE_SIZE: Final = 50_000

# psycopg cannot be imported where there is no libpq, and this module's settings are also for those
# who only print a script.
if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]
    Cursor = psycopg.Cursor[tuple[Any, ...]]
else:
    Connection = Cursor = Any


def execute(
    cursor: Cursor, text: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None
) -> None:
    """Runs statements."""
    # Without parameters psycopg uses the simple protocol, which takes several statements; and
    # nothing is prepared, because a pooler may hand the next statement to another session.
    cursor.execute(text.encode(), parameters, prepare=False)


def fetch(
    cursor: Cursor, text: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None
) -> list[tuple[Any, ...]]:
    """Runs a query and returns its rows."""
    execute(cursor, text, parameters)
    return cursor.fetchall()


@contextlib.contextmanager
def open_session(target: Connection | str) -> Generator[Cursor]:
    """Opens a connection, or borrows an idle one, and hands out a cursor in autocommit."""
    import psycopg
    from psycopg.pq import TransactionStatus
    from psycopg.rows import tuple_row

    if isinstance(target, str):
        with psycopg.connect(
            target, autocommit=True, fallback_application_name="pgledger"
        ) as connection:
            yield psycopg.Cursor(connection, row_factory=tuple_row)
        return
    if target.closed:
        raise MigrationError("the connection is closed")
    if target.info.transaction_status != TransactionStatus.IDLE:
        raise MigrationError(
            "the connection is in a transaction",
            "Commit or roll back first: the migrator has a transaction of its own.",
        )
    before = target.autocommit
    target.autocommit = True
    try:
        yield psycopg.Cursor(target, row_factory=tuple_row)
    finally:
        if not target.closed:
            roll_back(target)
            target.autocommit = before


def roll_back(connection: Connection) -> None:
    """Ends the transaction that the connection is in, if it is in one."""
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status in {
        TransactionStatus.INTRANS,
        TransactionStatus.INERROR,
    }:
        connection.execute("rollback", prepare=False)


@contextlib.contextmanager
def transaction(cursor: Cursor, modes: str) -> Generator[None]:
    """A transaction with these modes, whatever the defaults of database and connection are."""
    from psycopg.pq import TransactionStatus

    # Our own statements find PostgreSQL's functions and operators, even if somebody has made others
    # of the same name. Definitions in the catalog are compared by their text, and psycopg reads
    # times of one form only.
    execute(
        cursor,
        f"begin isolation level {modes}; set local search_path to pg_catalog, pg_temp;"
        " set local quote_all_identifiers to off; set local datestyle to ISO",
    )
    try:
        yield
        # The caller's callbacks may use the connection too. A commit of what they broke would roll
        # back without an error.
        if cursor.connection.info.transaction_status in {
            TransactionStatus.INERROR,
            TransactionStatus.IDLE,
        }:
            raise MigrationError(
                "on_progress broke or ended the migrator's transaction, which cannot be committed",
                "Let on_progress use a connection of its own.",
            )
        execute(cursor, "commit")
    finally:
        if not cursor.connection.closed:
            roll_back(cursor.connection)


READ: Final = "repeatable read read only"
# Each statement has to see what other sessions have committed while we waited for them. "read
# write" is left out: if a database or role is set to read-only, that is respected.
WRITE: Final = "read committed"


def file_settings(
    lock_timeout: float, *, server_version: int | None = None
) -> list[tuple[str, str]]:
    """Settings that the files need to mean the same everywhere, and to run to their end."""
    settings = [
        ("client_encoding", "UTF8"),
        ("client_min_messages", "warning"),
        ("standard_conforming_strings", "on"),
        ("check_function_bodies", "off"),
        ("transform_null_equals", "off"),
        # A function's own search_path is stored as it is written out.
        ("quote_all_identifiers", "off"),
        ("datestyle", "ISO"),
        ("intervalstyle", "postgres"),
        ("timezone", "UTC"),
        ("default_tablespace", ""),
        ("default_table_access_method", "heap"),
        ("row_security", "on"),
        ("lock_timeout", f"{max(0, round(lock_timeout * 1000))}ms"),
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ]
    if server_version is not None and server_version >= 170000:
        settings.append(("transaction_timeout", "0"))
    return settings


def check_server(version: int) -> None:
    """Refuses a server that is too old."""
    if version < MINIMUM_SERVER:
        raise MigrationError(
            f"the server is PostgreSQL {version_text(version)}; pgledger needs "
            f"{MINIMUM_SERVER // 10000} or newer",
            "Upgrade the server first.",
        )


def version_text(version: int) -> str:
    """Returns a server's version as people write it."""
    if version >= 100000:
        return f"{version // 10000}.{version % 10000}"
    return f"{version // 10000}.{version // 100 % 100}.{version % 100}"
