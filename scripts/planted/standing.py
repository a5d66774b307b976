"""Plug-in of pytest: the tests' own server is one that runs already, with the schema in it.

A planted fault is tried on a copy of a server's directory, which takes a tenth of a second, where a
server and a schema of the tests' own take ten. Tests that ask for further servers get them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

DIRECTORY: Final = "PGLEDGER_STANDING_SERVER"
SCHEMA: Final = "standing_schema"


def pytest_configure() -> None:
    """Puts the running server in the place of the one that the tests would start."""
    from pgledger.embedded import EmbeddedServer, server_binaries
    from support import database, server

    start = server.running_server
    directory = Path(os.environ[DIRECTORY])

    @contextmanager
    def running_server(
        major: int = server.MAJOR, settings: Mapping[str, str] | None = None
    ) -> Iterator[EmbeddedServer]:
        if major != server.MAJOR or settings is not None:
            with start(major, settings) as further:
                yield further
        else:
            with EmbeddedServer(directory, bin_dir=server_binaries(major)) as standing:
                yield standing

    def clone(dsn: str) -> None:
        template = str(conninfo_to_dict(dsn)["dbname"])
        with psycopg.connect(dsn, dbname="postgres", autocommit=True) as connection:
            names = {"clone": sql.Identifier(template), "schema": sql.Identifier(SCHEMA)}
            for statement in (
                "alter database {clone} is_template false",
                "drop database {clone}",
                "create database {clone} template {schema} strategy file_copy is_template true",
            ):
                connection.execute(sql.SQL(statement).format(**names))

    vars(server)["running_server"] = running_server
    vars(database)["migrate"] = clone
