"""A database of the generators' own, with everything that the sources make."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate
from scripts.generated.catalog import ROOT, Connection

# The list of how everything is to stand, below sql/repeatable.
GUARDS: Final = "10_ledger/expected_guards.sql"


@contextmanager
def migrated_database() -> Iterator[Connection]:
    """Runs a server of its own, and connects to a database that this tree's SQL is applied to.

    The list of how everything is to stand is empty there: a migration would put right what differs
    from a stale one.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pgledger-catalog-") as directory,
        tempfile.TemporaryDirectory(prefix="pgledger-sql-") as copy,
        EmbeddedServer(directory, settings={"fsync": "off", "synchronous_commit": "off"}) as server,
    ):
        files = Path(copy) / "sql"
        shutil.copytree(ROOT / "sql", files)
        guards = files / "repeatable" / GUARDS
        guards.write_text(without_rows(guards.read_text(encoding="utf-8")), encoding="utf-8")
        migrate(server.dsn("postgres"), sql_dir=files)
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("set search_path = pg_catalog, public")
            yield connection


def without_rows(text: str) -> str:
    """Returns the list of how everything is to stand without its rows."""
    start, end = text.index("  values"), text.index("\n$$;")
    return f"{text[:start]}  values ({', '.join(['null::text'] * 6)}) limit 0{text[end:]}"
