"""Calling a statement on an asynchronous connection of the caller's.

The synchronous twin, ``_calling_sync.py``, is generated from this file by scripts/build_sync.py.
"""

from types import FunctionType
from typing import Any, TypeVar, cast

from psycopg import AsyncConnection, AsyncCursor
from psycopg.adapt import AdaptersMap
from psycopg.rows import BaseRowFactory

from pgledger._wire import ADAPTERS, require_connection

Row = TypeVar("Row")


class AsyncPlainCursor(AsyncCursor[Row]):
    __slots__ = ()

    @property
    def adapters(self) -> AdaptersMap:
        return ADAPTERS


class AsyncCaller:
    """What the ledger and the billing store have in common: a connection to call on.

    Statements count as literal although the type checker cannot see it: the schema in them is
    quoted, and everything else is written in this package's modules.
    """

    __slots__ = ("conn", "schema")

    def __init_subclass__(cls) -> None:
        """Names the generated methods after the class that callers know, as a TypeError does."""
        for member in vars(cls).values():
            if isinstance(member, FunctionType):
                owner = cls.__name__.removesuffix("Calls")
                member.__qualname__ = f"{owner}.{member.__name__}"

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        require_connection(type(self).__name__, conn, AsyncConnection)
        self.conn = conn
        self.schema = schema

    async def _fetch_one(
        self,
        row_factory: BaseRowFactory[Row],
        statement: str,
        parameters: tuple[str | None, ...],
    ) -> Row:
        row = await self._fetch_first(row_factory, statement, parameters)
        assert row is not None, "these functions return one row or raise"
        return row

    async def _fetch_first(
        self,
        row_factory: BaseRowFactory[Row],
        statement: str,
        parameters: tuple[str | None, ...],
    ) -> Row | None:
        cursor = AsyncPlainCursor(self.conn, row_factory=row_factory)
        await cursor.execute(cast("Any", statement), parameters, binary=True)
        return await cursor.fetchone()

    async def _fetch_all(
        self,
        row_factory: BaseRowFactory[Row],
        statement: str,
        parameters: tuple[str | None, ...],
    ) -> list[Row]:
        cursor = AsyncPlainCursor(self.conn, row_factory=row_factory)
        await cursor.execute(cast("Any", statement), parameters, binary=True)
        return await cursor.fetchall()
