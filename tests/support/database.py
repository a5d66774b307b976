"""Databases and connections.

The schema is migrated once, into a template; each test gets a clone of it and commits for real.
CREATE DATABASE does not copy grants on the database itself, so in a clone ``pgledger_owner`` may
not create schemas until somebody migrates again.
"""

import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

# Importing the package is what makes raw psycopg calls raise the ledger's own errors.
import pgledger  # noqa: F401
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate

NewDatabase = Callable[..., str]
Connect = Callable[..., psycopg.Connection[Any]]

SESSION_END_SECONDS = 5.0

_numbers = itertools.count(1)


@dataclass(frozen=True)
class ServerAddress:
    """What pytest-postgresql reads from the fixture that its own depends on."""

    host: str
    port: int
    user: str
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None


def migrate_template(*, host: str, port: int, user: str, dbname: str, **_: object) -> None:
    """Installs the schema, as pytest-postgresql asks it of a loader."""
    migrate(make_conninfo(host=host, port=port, user=user, dbname=dbname))


@pytest.fixture(scope="session")
def server_address(server: EmbeddedServer) -> ServerAddress:
    return ServerAddress(host=str(server.host), port=int(server.port), user=server.user)


ledger_template = factories.postgresql_noproc(
    dbname="ledger", depends_on="server_address", load=[migrate_template]
)


def _answers(session: psycopg.Connection[Any] | None) -> bool:
    if session is None:
        return False
    try:
        session.execute("select 1")
    except psycopg.OperationalError:
        session.close()
        return False
    return True


class Janitor(DatabaseJanitor):
    """Creates a database on entering, and drops it on leaving without a wait of 100 ms.

    That is how long DROP DATABASE sleeps between looks at sessions that are about to be gone.
    A template's files are copied as they are, which takes half the time of logging each page.
    One session creates and drops all databases of a server.
    """

    _sessions: ClassVar[dict[tuple[str, str | int], psycopg.Connection[Any]]] = {}

    @contextmanager
    def cursor(self, dbname: str | None = None) -> Iterator[psycopg.Cursor[Any]]:
        if dbname is not None:
            with super().cursor(dbname) as cursor:
                yield cursor
            return
        address = self.host, self.port
        if not _answers(self._sessions.get(address)):
            self._sessions[address] = psycopg.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                dbname=self.maintenance_dbname,
                autocommit=True,
            )
        with self._sessions[address].cursor() as cursor:
            yield cursor

    @classmethod
    def close_sessions(cls) -> None:
        while cls._sessions:
            cls._sessions.popitem()[1].close()

    def init(self) -> None:
        with self.cursor() as cursor:
            cursor.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(self.dbname), sql.Identifier(self.template_dbname or "template1")
                )
            )

    def drop(self) -> None:
        deadline = time.monotonic() + SESSION_END_SECONDS
        with self.cursor() as cursor:
            while time.monotonic() < deadline:
                cursor.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                    (self.dbname,),
                )
                if cursor.rowcount == 0:
                    break
                time.sleep(0.002)
            cursor.execute(
                sql.SQL("drop database if exists {} with (force)").format(
                    sql.Identifier(self.dbname)
                )
            )


def _janitor(
    address: ServerAddress | NoopExecutor, name: str, template: str | None
) -> DatabaseJanitor:
    return Janitor(
        host=address.host,
        port=address.port,
        user=address.user,
        dbname=name,
        template_dbname=template,
        maintenance_dbname=address.maintenance_dbname,
    )


@pytest.fixture
def database(server: EmbeddedServer, server_address: ServerAddress) -> Iterator[NewDatabase]:
    """Creates an empty database and returns its DSN: ``database()`` or ``database("a name")``.

    Dropped at the end of the test.
    """
    with ExitStack() as stack:

        def create(name: str | None = None, *, template: str | None = None) -> str:
            chosen = name or f"empty_{next(_numbers)}"
            stack.enter_context(_janitor(server_address, chosen, template))
            return server.dsn(chosen)

        yield create


@pytest.fixture(scope="module")
def module_database(server: EmbeddedServer, ledger_template: NoopExecutor) -> Iterator[NewDatabase]:
    """Creates a database with the whole schema, and returns its DSN: ``module_database("a name")``.

    Dropped after the last test of the file. What takes long to fill is filled there once, and each
    test gets a clone of it: ``database(template="a name")``.
    """
    with ExitStack() as stack:

        def create(name: str) -> str:
            stack.enter_context(_janitor(ledger_template, name, ledger_template.template_dbname))
            return server.dsn(name)

        yield create


@pytest.fixture
def ledger_dsn(server: EmbeddedServer, ledger_template: NoopExecutor) -> Iterator[str]:
    """DSN of a database of the test's own with the whole schema, as superuser."""
    name = f"ledger_{next(_numbers)}"
    with _janitor(ledger_template, name, ledger_template.template_dbname):
        yield server.dsn(name)


@pytest.fixture
def connect(ledger_dsn: str) -> Iterator[Connect]:
    """Opens connections to the test's database, all closed at the end of the test.

    ``connect()`` is another superuser session; ``connect(user="app")`` and further arguments of
    ``psycopg.connect`` work as they do there; ``connect(dsn=…)`` goes somewhere else.
    """
    with ExitStack() as stack:

        def open_connection(
            *, dsn: str | None = None, autocommit: bool = False, **parameters: Any
        ) -> psycopg.Connection[Any]:
            connection: psycopg.Connection[Any] = psycopg.connect(
                dsn or ledger_dsn, autocommit=autocommit, **parameters
            )
            # Not entered as a context: leaving it would commit what the test left open.
            stack.callback(connection.close)
            return connection

        yield open_connection


@pytest.fixture
def conn(connect: Connect) -> psycopg.Connection[Any]:
    """A superuser's connection to the test's database, not in autocommit."""
    return connect()


@pytest.fixture
async def aconn(ledger_dsn: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The asynchronous twin of ``conn``."""
    connection = await psycopg.AsyncConnection.connect(ledger_dsn)
    try:
        yield connection
    finally:
        await connection.close()


def pytest_sessionfinish() -> None:
    Janitor.close_sessions()
