"""Crashes around the commit of a call with a key: whoever gets no answer asks again.

The server is killed with SIGKILL, as a whole or only the session's process: with the commit on disk
and no answer out, or with an answer and no commit. Asked again with its key, a call that was
committed gives its first answer and does nothing, and one that was not takes effect.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import psycopg
import pytest

from pgledger import Ledger, TransferRequest
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate
from support.crash import ANSWERED, COMMITS_CAN_WAIT, IN_COMMIT, crash
from support.keyed import CALLS, Books, Session, state
from support.server import running_server

DURABLE = {"fsync": "on", "full_page_writes": "on", **COMMITS_CAN_WAIT}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A server of this file's own, for it is going to be killed."""
    with running_server(settings=DURABLE) as started:
        yield started


def open_session(server: EmbeddedServer, name: str) -> Session:
    return psycopg.connect(server.dsn(name), autocommit=True)


def ask(conn: Session, books: dict[str, Books]) -> list[bool]:
    """Makes each call in one transaction, each with a key; says of each whether it was a repeat."""
    with conn.transaction():
        ledger = Ledger(conn)
        replayed = [
            call(ledger, books[function], idempotency_key=function).replayed
            for function, call in CALLS.items()
        ]
        mine = books["pgledger_create_transfer"]
        paid = ledger.create_transfers(
            [
                TransferRequest(mine.bank, mine.shop, 1, idempotency_key=f"batch {n}")
                for n in range(3)
            ]
        )
        refund = ledger.reverse_transfer(paid[0].id, idempotency_key="refund")
        return [*replayed, *(made.replayed for made in (*paid, refund))]


def ask_without_commit(conn: Session, books: dict[str, Books]) -> None:
    conn.execute("begin")
    ask(conn, books)


@pytest.mark.parametrize("way", ["backend", "server"])
def test_a_call_whose_answer_is_lost_is_asked_again(server: EmbeddedServer, way: str) -> None:
    name = f"crash_of_{way}"
    with closing(open_session(server, "postgres")) as admin:
        admin.execute(f"create database {name}".encode())
    migrate(server.dsn(name))
    new_session = partial(open_session, server, name)
    with closing(new_session()) as conn:
        books = {function: Books(conn) for function in CALLS}
        before = state(conn)

    crash(server, new_session, way, partial(ask_without_commit, books=books), ANSWERED)
    with closing(new_session()) as conn:
        assert state(conn) == before

    crash(server, new_session, way, partial(ask, books=books), IN_COMMIT)
    with closing(new_session()) as conn:
        made = state(conn)
        assert made != before
        assert set(ask(conn, books)) == {True}
        assert state(conn) == made
        assert [check.check_name for check in Ledger(conn).verify() if not check.ok] == []
