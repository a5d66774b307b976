"""Callers within this process: threads or tasks, each with what it repeats."""

from __future__ import annotations

import asyncio
import threading
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import psycopg

from scripts.performance.databases import Control
from scripts.performance.work import Slice

AsyncControl = psycopg.AsyncConnection[tuple[object, ...]]
# What caller number n repeats.
Call = Callable[[int], object]
AsyncCall = Callable[[int], Awaitable[object]]


class Connections:
    """Lends the one connection it has; what a batcher needs of a pool."""

    def __init__(self, connection: Control) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[Control]:
        with self._lock:
            yield self._connection


class AsyncConnections:
    """Its twin for tasks."""

    def __init__(self, connection: AsyncControl) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncControl]:
        async with self._lock:
            yield self._connection


def run_threads(call: Call, callers: int, seconds: float) -> Slice:
    """Lets so many threads repeat a call, until so many seconds are over."""
    result = Slice()
    failures: list[BaseException] = []
    begin = threading.Barrier(callers + 1)
    parts = [array("d") for _ in range(callers)]

    def repeat(number: int) -> None:
        begin.wait()
        deadline = time.monotonic() + seconds
        try:
            now = time.monotonic()
            while now < deadline and not failures:
                call(number)
                before, now = now, time.monotonic()
                parts[number].append((now - before) * 1000)
        except BaseException as error:  # noqa: BLE001 -- raised below, where it ends the run
            failures.append(error)

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    begin.wait()
    started = time.monotonic()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return _total(result, parts, time.monotonic() - started)


async def run_tasks(call: AsyncCall, callers: int, seconds: float) -> Slice:
    """Lets so many tasks repeat a call, until so many seconds are over."""
    parts = [array("d") for _ in range(callers)]
    started = time.monotonic()
    deadline = started + seconds

    async def repeat(number: int) -> None:
        now = time.monotonic()
        while now < deadline:
            await call(number)
            before, now = now, time.monotonic()
            parts[number].append((now - before) * 1000)

    await asyncio.gather(*(repeat(number) for number in range(callers)))
    return _total(Slice(), parts, time.monotonic() - started)


def _total(result: Slice, parts: Sequence[array[float]], seconds: float) -> Slice:
    for part in parts:
        result.latencies.extend(part)
    result.rows = len(result.latencies)
    result.seconds = seconds
    return result
