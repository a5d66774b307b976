"""Calls of many sessions from the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from support.database import Connect
from support.subscriptions import Session

# A session that waits for ever would hold the run; one that waits this long has been forgotten.
PATIENCE = {"options": "-c statement_timeout=60s"}

Call = Callable[[Session], Any]


def all_at_once(connect: Connect, calls: Sequence[Call]) -> list[Any]:
    """Runs each call in a thread and session of its own, all from the same moment.

    A call's psycopg error is its result.
    """
    sessions = [connect(autocommit=True, **PATIENCE) for _ in calls]
    barrier = threading.Barrier(len(calls))

    def run(session: Session, work: Call) -> Any:
        barrier.wait()
        try:
            return work(session)
        except psycopg.Error as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, sessions, calls))
