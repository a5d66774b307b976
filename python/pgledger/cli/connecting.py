"""Connects to the database that the arguments and the environment name."""

import argparse
import contextlib
import os
import re
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgledger.embedded import EmbeddedServer
from pgledger.errors import PgledgerError

from .addresses import EMBEDDED_DATABASE
from .failures import Failure
from .printing import one_line


def _without_secrets(text: str, dsn: str) -> str:
    secrets = [os.environ.get("PGPASSWORD"), os.environ.get("PGSSLPASSWORD")]
    with contextlib.suppress(psycopg.Error):
        parameters = conninfo_to_dict(dsn)
        secrets += [str(parameters.get(name) or "") for name in ("password", "sslpassword")]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text


def _connect(dsn: str, where: str) -> psycopg.Connection[Any]:
    try:
        conninfo_to_dict(dsn)
    except psycopg.Error:
        # libpq's own message repeats the text, which may hold a password.
        raise Failure(
            f"the connection string in {where} cannot be read",
            "Write it as postgresql://user@host:5432/name or as 'host=… port=… user=… dbname=…'.",
        ) from None
    try:
        return psycopg.connect(dsn, autocommit=True, fallback_application_name="pgledger")
    except psycopg.OperationalError as error:
        reason = re.sub(r"^connection (is bad|failed): ", "", str(error))
        raise Failure(
            f"cannot connect: {_without_secrets(one_line(reason), dsn)}",
            "Name a server with a DSN (pgledger migrate postgresql://user@host/name), with "
            "PGLEDGER_DSN or with PGHOST and its like; or run one in a directory: --embedded DIR.",
        ) from None


def _create_database(server: EmbeddedServer) -> None:
    with (
        psycopg.connect(server.dsn(), autocommit=True) as connection,
        # There since the last time, or made by another process at this moment.
        contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),
    ):
        connection.execute(f"create database {EMBEDDED_DATABASE}".encode())


@contextlib.contextmanager
def _embedded(directory: Path, *, create: bool) -> Generator[EmbeddedServer]:
    server = EmbeddedServer(directory)
    if not create and not server.data_directory.exists():
        raise Failure(
            f"there is no embedded server in {server.directory}",
            f"Make one with: pgledger migrate --embedded {shlex.quote(str(directory))}",
        )
    with server:
        _create_database(server)
        yield server


@contextlib.contextmanager
def _told_as_failures() -> Generator[None]:
    try:
        yield
    except PgledgerError as error:
        raise Failure(
            error.diag.message_primary or str(error), error.diag.message_hint or ""
        ) from None
    except psycopg.OperationalError as error:
        # Whether the last commit arrived is not known when the connection breaks under it.
        raise Failure(
            f"lost the database: {one_line(str(error))}",
            "What was not finished is rolled back; see what there is with: pgledger status",
        ) from None
    except psycopg.Error as error:
        raise Failure(
            f"PostgreSQL says: {one_line(str(error))}", error.diag.message_hint or ""
        ) from None


@contextlib.contextmanager
def target(
    arguments: argparse.Namespace, *, create: bool = False
) -> Generator[tuple[psycopg.Connection[Any], EmbeddedServer | None]]:
    """Connects to the database that the arguments and the environment name.

    Raises:
        Failure: It cannot be connected to, or PostgreSQL refuses something, or is lost.
    """
    with _told_as_failures(), contextlib.ExitStack() as stack:
        server: EmbeddedServer | None = None
        if arguments.embedded is not None:
            server = stack.enter_context(_embedded(arguments.embedded, create=create))
            dsn, where = server.dsn(EMBEDDED_DATABASE), "--embedded"
        elif arguments.dsn is not None:
            dsn, where = str(arguments.dsn), "the argument"
        else:
            dsn, where = os.environ.get("PGLEDGER_DSN", ""), "PGLEDGER_DSN"
        connection = _connect(dsn, where)
        stack.callback(connection.close)
        yield connection, server
