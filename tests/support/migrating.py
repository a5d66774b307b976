"""Looking at what migrations leave of databases, and killing them on the way."""

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate, verify
from support.database import NewDatabase
from support.waiting import WaitUntil

CHILD = """
import sys, time
from pathlib import Path
from pgledger.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(sys.argv[1], sql_dir=Path(sys.argv[2]))
print("done", flush=True)
"""


def catalog(server: EmbeddedServer, dsn: str) -> str:
    """Everything that a database's catalogs say of its schemas, as a text to compare."""
    dumped = server.run("pg_dump", "--schema-only", f"--dbname={dsn}").stdout
    # pg_dump guards its output with a word that is new each time.
    return "\n".join(
        line for line in dumped.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
    )


def query(dsn: str, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(text.encode(), parameters or None).fetchall()


def do(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def history(dsn: str) -> list[tuple[Any, ...]]:
    return query(
        dsn,
        "select name, kind, sha256, package_version from pgledger.schema_history order by name",
    )


def everything(server: EmbeddedServer, dsn: str) -> tuple[str, list[tuple[Any, ...]]]:
    return catalog(server, dsn), history(dsn)


def is_empty(dsn: str) -> bool:
    """Whether a database has nothing of pgledger."""
    rows = query(
        dsn,
        r"""
        select not exists (select from pg_namespace where nspname = 'pgledger')
          and not exists (select from pg_proc where proname ~ '^(pg)?ledger_')
          and not exists (select from pg_class where relname ~ '^(pg)?ledger_')
          and not exists (select from pg_type where typname ~ '^(pg)?ledger_')
        """,
    )
    return bool(rows[0][0])


@dataclass
class Case:
    """A migration: the database before and after, to be found in between never.

    Attributes:
        start: Database to start from; None for an empty one.
        before: All that it says of its schemas, or None.
        after: What the migration makes of that.
        files: Directory of the files to apply.
    """

    start: str | None
    before: tuple[str, list[tuple[Any, ...]]] | None
    after: tuple[str, list[tuple[Any, ...]]]
    files: Path


def kill_migrations(
    server: EmbeddedServer,
    database: NewDatabase,
    wait_until: WaitUntil,
    cases: Sequence[Case],
    dice: random.Random,
    seconds: float,
    kills: int,
) -> list[str]:
    """Kills migrations at random points, and asserts that each left the old or the new.

    Those of the cases are killed in turns: of each, every other time the program, and otherwise its
    session. Then the migration is repeated, and must end as if nothing had been.

    Args:
        server: Where it happens.
        database: Creates databases.
        wait_until: Waits for sessions to be gone.
        cases: Migrations to kill.
        dice: Chooses the moments.
        seconds: Latest moment, from the start of the migration.
        kills: How many to kill.

    Returns:
        What each left: nothing, old or new.
    """
    outcomes: list[str] = []
    for number in range(kills):
        case = cases[number % len(cases)]
        name = f"killed_{number}"
        dsn = database(name, template=case.start)
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, dsn, str(case.files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        with child:
            assert child.stdout.readline() == "ready\n"
            child.stdin.write("go\n")
            child.stdin.flush()
            time.sleep(dice.uniform(0, seconds))
            if number // len(cases) % 2 == 0:
                child.kill()
            else:
                # The server's side of it.
                do(
                    server.dsn(),
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    f"where datname = '{name}'",
                )
        wait_until("select not exists (select from pg_stat_activity where datname = %s)", (name,))
        if query(dsn, "select to_regclass('pgledger.schema_history') is null")[0][0]:
            assert case.start is None, "an upgrade removed the schema"
            assert is_empty(dsn)
            outcomes.append("nothing")
        else:
            found = everything(server, dsn)
            assert found in (case.before, case.after), "a half of something"
            outcomes.append("new" if found == case.after else "old")
        migrate(dsn, sql_dir=case.files)
        assert everything(server, dsn) == case.after
        assert verify(dsn)
    return outcomes
