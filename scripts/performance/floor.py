"""A floor: the least that PostgreSQL can do for the same work, in a schema of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from scripts.performance.databases import Control, connect, execute, scalar
from scripts.performance.errors import CheckFailed
from scripts.performance.rivals import Rival, Turn
from scripts.performance.work import Side, Task, Work

FLOOR_SCHEMA = "pgledger_floor"
FLOOR_COMMENT = "Scratch tables of performance_check.py; safe to drop when it is not running."
# Any fixed number: two runs with a floor in one database would drop each other's tables.
FLOOR_LOCK = 7_453_010_018


class Floor(Protocol):
    """The least that PostgreSQL can do for the same work."""

    @property
    def work(self) -> Work: ...

    def create(self, connection: Control) -> None:
        """Makes the floor's tables in the empty schema."""
        ...

    def task(self, connection: Control, turn: Turn) -> Task:
        """Prepares the floor's turn, which follows the ledger's, and says what is to be done."""
        ...


def open_floor(stack: ExitStack, connection: Control, dsn: str, floor: Floor) -> Rival:
    """Makes a floor, which is there until the stack ends."""
    stack.enter_context(floor_schema(connection, dsn))
    floor.create(connection)
    return Rival("floor", Side(dsn, floor.work), lambda turn: floor.task(connection, turn))


@contextmanager
def floor_schema(connection: Control, dsn: str) -> Iterator[None]:
    """Makes the floor's schema and drops it, whatever happens.

    The lock ends with the connection.
    """
    if not scalar(connection, f"select pg_try_advisory_lock({FLOOR_LOCK})"):
        raise CheckFailed("another run with a floor is at work in this database")
    comment = scalar(
        connection,
        f"select obj_description(to_regnamespace('{FLOOR_SCHEMA}'), 'pg_namespace')",
    )
    if comment == FLOOR_COMMENT:
        # A run that was killed could not clean up.
        drop_floor_schema(dsn)
    elif scalar(connection, f"select to_regnamespace('{FLOOR_SCHEMA}') is not null"):
        raise CheckFailed(f"schema {FLOOR_SCHEMA} is somebody else's: a floor cannot be measured")
    execute(connection, f"create schema {FLOOR_SCHEMA}")
    try:
        execute(connection, f"comment on schema {FLOOR_SCHEMA} is '{FLOOR_COMMENT}'")
        yield
    finally:
        drop_floor_schema(dsn)


def drop_floor_schema(dsn: str) -> None:
    # An interrupted connection may not be fit for use any more, so this is another one.
    with connect(dsn) as connection:
        execute(connection, "set client_min_messages = warning")
        execute(connection, f"drop schema {FLOOR_SCHEMA} cascade")
