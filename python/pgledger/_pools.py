"""Where meters and batchers get their connections."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

from psycopg import AsyncConnection, Connection


class ConnectionSource(Protocol):
    """Where connections come from: a psycopg_pool.ConnectionPool, or anything like it."""

    def connection(self) -> AbstractContextManager[Connection[Any]]:
        """Lends a connection that is not in a transaction, for as long as the block lasts."""
        ...


class AsyncConnectionSource(Protocol):
    """Where connections come from: a psycopg_pool.AsyncConnectionPool, or anything like it."""

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """Lends a connection that is not in a transaction, for as long as the block lasts."""
        ...
