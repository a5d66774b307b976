"""A dump of the schema alone, as dbmate and Rails keep it, is taken over and used."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import MigrationError, load_files, migrate, plan, roles_sql, status, verify
from pgledger.migrate.session import READ, transaction
from pgledger.migrate.state import read_state
from support.database import NewDatabase
from support.server import NewServer

SQL = Path(__file__).resolve().parents[2] / "sql"
VERSIONED = [file.name for file in load_files(SQL) if file.kind == "versioned"]
REPEATABLE = [file.name for file in load_files(SQL) if file.kind == "repeatable"]

# The options that these tools give to pg_dump.
PLAIN: Sequence[str] = ()
RAILS: Sequence[str] = ("--no-privileges", "--no-owner")


def schema_of(server: EmbeddedServer, dsn: str, options: Sequence[str]) -> str:
    return server.run("pg_dump", "--schema-only", *options, f"--dbname={dsn}").stdout


def load(server: EmbeddedServer, dsn: str, text: str) -> None:
    server.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=text)


@pytest.fixture(params=[PLAIN, RAILS, (*RAILS, "--no-comments")], ids=" ".join)
def loaded(
    server: EmbeddedServer, ledger_dsn: str, database: NewDatabase, request: pytest.FixtureRequest
) -> str:
    """A database with the schema of another one, and no rows."""
    dsn = database()
    load(server, dsn, schema_of(server, ledger_dsn, request.param))
    return dsn


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_new_database_has_no_rows_but_its_history(ledger_dsn: str) -> None:
    tables = rows(
        ledger_dsn,
        "select relname::text from pg_class where relkind in ('r', 'p') "
        "and relnamespace = 'pgledger'::regnamespace",
    )
    counts = {
        str(name): rows(ledger_dsn, f"select count(*) from pgledger.{name}")[0][0]
        for (name,) in tables
    }
    assert len(counts) > 15
    assert {name for name, count in counts.items() if count} == {"schema_history"}


def test_status_and_plan_say_what_migrate_then_does(loaded: str) -> None:
    before = status(loaded)
    assert before.installed
    assert not before.up_to_date
    assert before.problem is None
    assert {file.name for file in before.files if file.state == "unrecorded"} == set(VERSIONED)
    assert {file.name for file in before.files if file.state == "pending"} == set(REPEATABLE)

    planned = plan(loaded)
    assert not planned.fresh
    assert [step.name for step in planned.steps if step.action == "record"] == VERSIONED
    assert [step.name for step in planned.steps if step.action == "apply"] == REPEATABLE

    done = migrate(loaded)
    assert not done.installed
    assert list(done.recorded) == VERSIONED
    assert list(done.applied) == REPEATABLE

    assert status(loaded).up_to_date
    assert plan(loaded).steps == ()
    assert not migrate(loaded).changed
    assert [check for check in verify(loaded) if check.violations] == []


def test_money_moves_in_what_was_taken_over(loaded: str) -> None:
    migrate(loaded)
    with psycopg.connect(loaded) as connection:
        (one,), (two,) = (
            connection.execute(
                "select id from pgledger_create_account(%s, 'USD')", (name,)
            ).fetchall()[0]
            for name in ("one", "two")
        )
        connection.execute("select from pgledger_create_transfer(%s, %s, 12.34)", (one, two))
    assert [check for check in verify(loaded) if check.violations] == []


@pytest.mark.parametrize("roles", [True, False])
def test_the_schema_says_whether_it_had_roles(
    server: EmbeddedServer, database: NewDatabase, roles: bool
) -> None:
    source, dsn = database(), database()
    migrate(source, roles=roles)
    load(server, dsn, schema_of(server, source, RAILS))
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = psycopg.Cursor(connection)
        with transaction(cursor, READ):
            assert read_state(cursor, load_files()).with_roles is roles
    assert list(migrate(dsn, roles=roles).recorded) == VERSIONED
    assert status(dsn).up_to_date


def test_a_plain_role_takes_over_what_it_has_loaded(
    new_server: NewServer, ledger_dsn: str, server: EmbeddedServer
) -> None:
    """As on a developer's machine: no superuser, and the roles are made beforehand."""
    other = new_server()
    other.run("psql", "-c", "create role app login createdb", input="")
    other.run("createdb", "--owner=app", "app")
    other.run("psql", "-v", "ON_ERROR_STOP=1", dbname="app", input=roles_sql("public", "app"))
    dsn = make_conninfo(other.dsn("app"), user="app")
    load(other, dsn, schema_of(server, ledger_dsn, RAILS))
    assert list(migrate(dsn).recorded) == VERSIONED
    assert status(dsn).up_to_date
    assert [check for check in verify(dsn) if check.violations] == []


# --- what is refused, and what is not believed ----------------------------------------------------


def changed_dump(server: EmbeddedServer, dsn: str, old: str, new: str) -> str:
    text = schema_of(server, dsn, RAILS)
    assert old in text
    return text.replace(old, new)


def refused(dsn: str, pattern: str) -> None:
    """Asserts that migrate and plan refuse, for a reason that status knows, and change nothing."""
    for call in (migrate, plan):
        with pytest.raises(MigrationError, match=pattern):
            call(dsn)
    assert rows(dsn, "select from pgledger.schema_history") == []
    problem = status(dsn).problem
    assert problem is not None
    assert re.search(pattern, problem)


def test_a_dump_of_other_versioned_files_is_refused(
    server: EmbeddedServer, ledger_dsn: str, database: NewDatabase
) -> None:
    sha256 = load_files(SQL)[1].sha256
    dsn = database()
    load(server, dsn, changed_dump(server, ledger_dsn, sha256, "0" * 64))
    refused(dsn, rf"edited after it was applied: {VERSIONED[1]} .* of an unknown version")


def test_a_dump_of_a_newer_package_is_refused(
    server: EmbeddedServer, ledger_dsn: str, database: NewDatabase
) -> None:
    row = "('migrations/0001_create_foundation.sql',"
    newer = f"('migrations/8000_create_more.sql', '{'0' * 64}'), {row}"
    dsn = database()
    load(server, dsn, changed_dump(server, ledger_dsn, row, newer))
    refused(dsn, r"newer than this package: .* applied migrations/8000_create_more\.sql")


def test_a_dump_of_an_older_package_is_upgraded(
    server: EmbeddedServer, ledger_dsn: str, database: NewDatabase, tmp_path: Path
) -> None:
    files = tmp_path / "sql"
    subprocess.run(["cp", "-R", str(SQL), str(files)], check=True)
    new = files / "migrations" / "0900_create_notes.sql"
    new.write_text("create table pgledger.notes (key bigint constraint notes_key_pk primary key);")
    dsn = database()
    load(server, dsn, schema_of(server, ledger_dsn, RAILS))
    states = {file.name: file.state for file in status(dsn, sql_dir=files).files}
    assert states["migrations/0900_create_notes.sql"] == "pending"
    done = migrate(dsn, sql_dir=files)
    assert list(done.recorded) == VERSIONED
    assert list(done.applied) == ["migrations/0900_create_notes.sql", *REPEATABLE]
    assert rows(dsn, "select count(*) from pgledger.notes") == [(0,)]


@pytest.mark.parametrize(
    "change",
    [
        "drop function pgledger.versioned_files()",
        "alter function pgledger.versioned_files() owner to lists_stranger",
        (
            "create or replace function pgledger.versioned_files() "
            "returns table (name text, sha256 text) language sql as 'values (null, null)'"
        ),
    ],
)
def test_a_history_that_nothing_can_fill_is_refused(ledger_dsn: str, change: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("delete from pgledger.schema_history")
        connection.execute(
            "do $$ begin create role lists_stranger; exception when duplicate_object then end $$"
        )
        connection.execute(change.encode())
    for call in (migrate, plan, status):
        with pytest.raises(
            MigrationError, match=r"nothing else in the schema says|belongs to lists_stranger"
        ):
            call(ledger_dsn)


def test_the_list_is_read_and_never_called(ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        body = rows(ledger_dsn, "select prosrc from pg_proc where proname = 'versioned_files'")[0][
            0
        ]
        connection.execute("delete from pgledger.schema_history")
        connection.execute("create table public.was_called ()")
        connection.execute(
            "create or replace function pgledger.versioned_files() "
            "returns table (name text, sha256 text) language plpgsql as $$ begin "
            f"drop table public.was_called; return query {body}; end $$".encode()
        )
        connection.execute("alter function pgledger.versioned_files() owner to pgledger_owner")
    assert not status(ledger_dsn).up_to_date
    assert plan(ledger_dsn).steps
    assert list(migrate(ledger_dsn).recorded) == VERSIONED
    assert rows(ledger_dsn, "select to_regclass('public.was_called') is not null") == [(True,)]


def test_rows_of_the_history_come_before_the_list(ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("delete from pgledger.schema_history where name <> %s", (VERSIONED[0],))
    states = {file.name: file.state for file in status(ledger_dsn).files}
    assert states[VERSIONED[0]] == "applied"
    assert states[VERSIONED[1]] == "pending"


def test_what_was_taken_over_is_shut(loaded: str) -> None:
    """Without privileges in the dump everybody may call everything, until migrate has run."""
    open_to_all = (
        "select proname::text from pg_proc where proname ~ '^(pg)?ledger_' "
        "and has_function_privilege('public', oid, 'execute') order by 1"
    )
    migrate(loaded)
    assert rows(loaded, open_to_all) == []
    after = status(loaded)
    assert after.owner == "pgledger_owner"
    assert after.faults == ()
