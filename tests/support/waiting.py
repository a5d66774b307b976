"""Waiting for what another session does, by looking at the server instead of sleeping."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest

from pgledger.embedded import EmbeddedServer

DEADLINE_SECONDS = 15.0
LOOK_EVERY_SECONDS = 0.005

WaitUntil = Callable[..., None]
WaitUntilBlocked = Callable[..., None]


@pytest.fixture
def wait_until(server: EmbeddedServer) -> Iterator[WaitUntil]:
    """``wait_until(query, parameters)`` returns once the query's one value is true.

    It asks as superuser, in a session of its own, in the database ``postgres`` or in
    ``dbname=…``, and fails the test after ``timeout=…`` seconds.
    """
    sessions: dict[str, psycopg.Connection[Any]] = {}

    def wait(
        query: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        dbname: str = "postgres",
        timeout: float = DEADLINE_SECONDS,
    ) -> None:
        if dbname not in sessions:
            sessions[dbname] = psycopg.connect(server.dsn(dbname), autocommit=True)
        session = sessions[dbname]
        deadline = time.monotonic() + timeout
        while True:
            row = session.execute(query.encode(), parameters).fetchone()
            if row is not None and row[0]:
                return
            if time.monotonic() > deadline:
                pytest.fail(f"not true after {timeout:g} s: {query} with {parameters}")
            time.sleep(LOOK_EVERY_SECONDS)

    yield wait
    for session in sessions.values():
        session.close()


@pytest.fixture
def wait_until_blocked(wait_until: WaitUntil) -> WaitUntilBlocked:
    """``wait_until_blocked(pid)`` returns once that backend waits for a lock of another.

    The pid is ``connection.info.backend_pid``. With ``by=pid`` the other one has to be that
    backend. Fails the test after ``timeout=…`` seconds.
    """

    def wait(pid: int, *, by: int | None = None, timeout: float = DEADLINE_SECONDS) -> None:
        wait_until(
            "select case when %(by)s::integer is null then cardinality(blockers) > 0"
            " else %(by)s = any (blockers) end"
            " from pg_blocking_pids(%(pid)s) as blockers",
            {"pid": pid, "by": by},
            timeout=timeout,
        )

    return wait
