"""The two calls of a batcher on an asynchronous connection.

The synchronous twin, ``calls_sync.py``, is generated from this file by scripts/build_sync.py.
"""

from collections.abc import Sequence
from typing import Any, cast

from psycopg.rows import tuple_row

from pgledger._calling_async import AsyncCaller, AsyncPlainCursor

from .failures import Row
from .requests import Request
from .statements import call_of

__all__ = ["AsyncBatchCaller"]


class AsyncBatchCaller(AsyncCaller):
    """Sends requests to make transfers."""

    __slots__ = ()

    async def send(self, requests: Sequence[Request]) -> AsyncPlainCursor[Row]:
        """Sends requests that have their scope in common; a single one by a single call.

        Returns:
            Where to read a row for each.
        """
        statement, parameters = call_of(requests, self.schema)
        cursor = AsyncPlainCursor(self.conn, row_factory=tuple_row)
        await cursor.execute(cast("Any", statement), parameters, binary=True)
        return cursor
