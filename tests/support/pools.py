"""Pools of connections for meters and batchers, in which things go wrong when a test wants it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg

Fault = Callable[[], BaseException] | None


class Pool:
    """What is seen of psycopg_pool.ConnectionPool, and what can go wrong with it.

    ``before`` and ``after`` hold, for each coming loan, what to raise instead of lending, or once
    everything was committed. None is for a loan that goes well, as all those do that come after.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.before: list[Fault] = []
        self.after: list[Fault] = []
        self.loans = 0
        self.options: dict[str, Any] = {}

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        self.loans += 1
        before = self.before.pop(0) if self.before else None
        if before is not None:
            raise before()
        after = self.after.pop(0) if self.after else None
        with psycopg.connect(self.dsn, **self.options) as conn:
            yield conn
        if after is not None:
            raise after()


class AsyncPool:
    """Its asynchronous twin."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.before: list[Fault] = []
        self.after: list[Fault] = []
        self.loans = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        self.loans += 1
        before = self.before.pop(0) if self.before else None
        if before is not None:
            raise before()
        after = self.after.pop(0) if self.after else None
        async with await psycopg.AsyncConnection.connect(self.dsn) as conn:
            yield conn
        if after is not None:
            raise after()


def lost() -> BaseException:
    return psycopg.OperationalError("server closed the connection unexpectedly")
