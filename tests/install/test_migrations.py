"""The migrator: a database is never half of anything, and every way leads to the same schema."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from pgledger import migrate as migrator
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import (
    MigrationError,
    Progress,
    StoredType,
    dump,
    load_files,
    migrate,
    plan,
    roles_sql,
    run,
    session,
    split_statements,
    sqltext,
    status,
    verify,
    version,
    without_roles,
)
from support.database import NewDatabase
from support.migrating import (
    Case,
    catalog,
    do,
    everything,
    history,
    is_empty,
    kill_migrations,
    query,
)
from support.properties import dice_of
from support.server import SETTINGS, NewServer
from support.waiting import WaitUntil, WaitUntilBlocked

ROOT = Path(__file__).resolve().parents[2]
SQL = ROOT / "sql"
KILLS = int(os.environ.get("PGLEDGER_KILLS", "10"))
PRIVATE_LOCK = migrator.ADVISORY_LOCK

Tree = Callable[..., Path]


# --- using databases -------------------------------------------------------------------------


def use_the_ledger(dsn: str, schema: str = "public") -> None:
    """Makes a transfer and has the books verified."""
    with psycopg.connect(dsn) as connection:
        connection.execute(sql.SQL("set search_path to {}").format(sql.Identifier(schema)))
        ids = [
            connection.execute(
                "select id from pgledger_create_account(%s, 'USD')", (name,)
            ).fetchone()
            for name in ("one", "two")
        ]
        row = connection.execute(
            "select amount, to_account_balance from pgledger_create_transfer(%s, %s, 12.34)",
            [account[0] for account in ids if account],
        ).fetchone()
        assert [str(value) for value in row or ()] == ["12.34", "12.34"]
    checks = verify(dsn)
    assert checks
    assert [check for check in checks if check.violations] == []


def as_user(dsn: str, user: str) -> str:
    return make_conninfo(dsn, user=user)


# --- files to migrate with ------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """``tree({name: text or None, …})`` copies sql/ and adds, changes or removes files in it."""
    made = iter(range(1000))

    def make(changes: Mapping[str, str | None] | None = None) -> Path:
        directory = tmp_path / f"sql-{next(made)}"
        shutil.copytree(SQL, directory)
        for name, text in (changes or {}).items():
            path = directory / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return directory

    return make


NEW_TABLE = {
    "migrations/9001_create_notes.sql": """\
create table pgledger.notes (
  key bigint generated always as identity,
  body text not null,
  constraint notes_key_pk primary key (key)
);
revoke all on table pgledger.notes from public;
grant select on table pgledger.notes to pgledger_auditor;
"""
}

NEW_FUNCTION = {
    "repeatable/90_later/10_answer.sql": """\
create or replace function @extschema@.pgledger_answer()
returns integer
language sql
immutable
return 42;
comment on function @extschema@.pgledger_answer is 'What it was all about.';
revoke all on function @extschema@.pgledger_answer from public;
grant execute on function @extschema@.pgledger_answer to pgledger_reader, pgledger_auditor;
"""
}

CONCURRENT_INDEX = {
    "migrations/9002_index_notes.sql": """\
-- no transaction
drop index concurrently if exists pgledger.notes_body_idx;
create index concurrently notes_body_idx on pgledger.notes (body); -- a comment; with a semicolon
"""
}

UPGRADE = {**NEW_TABLE, **NEW_FUNCTION}
LAST_OF_0 = max(path.name for path in (SQL / "migrations").glob("0*.sql"))


def first_repeatable() -> str:
    return next(file.name for file in load_files(SQL) if file.kind == "repeatable")


def with_comment(name: str) -> dict[str, str]:
    return {name: (SQL / name).read_text(encoding="utf-8") + "\n-- changed\n"}


# --- fresh and again ------------------------------------------------------------------------------


def test_fresh_database_gets_every_file_in_order(database: NewDatabase) -> None:
    dsn = database()
    seen: list[Progress] = []
    result = migrate(dsn, on_progress=seen.append)
    files = load_files()
    assert result.installed
    assert result.changed
    assert result.schema == "public"
    assert result.roles
    assert result.applied == tuple(file.name for file in files)
    assert [p.name for p in seen if p.event == "applied"] == [file.name for file in files]
    assert [file.name for file in status(dsn).files] == [file.name for file in files]
    assert {row[:3] for row in history(dsn)} == {(f.name, f.kind, f.sha256) for f in files}
    use_the_ledger(dsn)


def test_again_does_nothing_and_says_so(server: EmbeddedServer, database: NewDatabase) -> None:
    dsn = database()
    migrate(dsn)
    before = everything(server, dsn)
    last_write = query(
        dsn, "select max(applied_at), max(xmin::text::bigint) from pgledger.schema_history"
    )
    seen: list[Progress] = []
    result = migrate(dsn, on_progress=seen.append)
    assert not result.changed
    assert not result.installed
    assert seen == []
    assert everything(server, dsn) == before
    assert (
        query(dsn, "select max(applied_at), max(xmin::text::bigint) from pgledger.schema_history")
        == last_write
    )


def test_nothing_to_do_needs_no_lock_and_no_right_to_write(database: NewDatabase) -> None:
    dsn = database()
    migrate(dsn)
    with psycopg.connect(dsn) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (PRIVATE_LOCK,))
        read_only = make_conninfo(dsn, options="-c default_transaction_read_only=on")
        assert not migrate(read_only, wait=0).changed


def test_plan_says_what_migrate_then_does(database: NewDatabase, tree: Tree) -> None:
    dsn = database()
    planned = plan(dsn)
    assert planned.fresh
    assert query(dsn, "select to_regnamespace('pgledger') is null")[0][0]
    assert [s.name for s in planned.steps if s.action == "apply"] == list(migrate(dsn).applied)
    assert plan(dsn).steps == ()
    changed = tree({**UPGRADE, **CONCURRENT_INDEX})
    steps = plan(dsn, sql_dir=changed).steps
    assert {s.name: s.in_transaction for s in steps if not s.in_transaction} == {
        "migrations/9002_index_notes.sql": False
    }
    assert [s.name for s in steps if s.action == "apply"] == list(
        migrate(dsn, sql_dir=changed).applied
    )


STORING_TRANSFERS = {
    "a column": ("create table t (x pgledger_transfer)", "t.x"),
    "an array": ("create table t (x pgledger_transfer[])", "t.x"),
    "a domain": ("create domain d as pgledger_transfer; create table t (x d)", "t.x"),
    "another type": ("create type o as (a pgledger_transfer[]); create table t (x o)", "t.x"),
    "a range": (
        (
            "create type r as range (subtype = pgledger_transfer, multirange_type_name = rs);"
            "create table t (x r)"
        ),
        "t.x",
    ),
    "ranges": (
        (
            "create type r as range (subtype = pgledger_transfer, multirange_type_name = rs);"
            "create table t (x rs)"
        ),
        "t.x",
    ),
    "a view's row": (
        "create view v as select null::pgledger_transfer as a; create table t (x v)",
        "t.x",
    ),
    "partitions": (
        (
            "create table t (k int, x pgledger_transfer) partition by list (k);"
            "create table t1 partition of t for values in (1)"
        ),
        "t.x",
    ),
    "a materialized view": (
        "create materialized view m as select null::pgledger_transfer as x",
        "m.x",
    ),
    "an indexed expression": (
        (
            "create type o as (a pgledger_transfer);"
            "create table t (k int); create index i on t ((case when k > 0 then row(null)::o end))"
        ),
        'i."case"',
    ),
}

# A column may be added to a type that these use, and its columns may be changed.
NOT_STORING_TRANSFERS = {
    "a view": "create view v as select null::pgledger_transfer as x",
    "a type": "create type o as (a pgledger_transfer)",
    "a function": (
        "create function f(x pgledger_transfer) returns pgledger_transfer "
        "language sql as 'select x'"
    ),
    "a dropped column": (
        "create table t (k int, x pgledger_transfer); alter table t drop column x"
    ),
    "an expression's part": (
        "create table t (k text);"
        "create index on t (((null::pgledger_transfer) is null)) where k is null"
    ),
}


def alter_transfers(dsn: str, change: str) -> None:
    with psycopg.connect(dsn) as connection:
        try:
            connection.execute(f"alter type pgledger_transfer {change}".encode())
        finally:
            connection.rollback()


ADD = "add attribute further text"
CHANGE = "alter attribute amount type text"


@pytest.mark.parametrize("kind", STORING_TRANSFERS)
def test_plan_lists_columns_that_store_a_result(ledger_dsn: str, kind: str) -> None:
    statements, column = STORING_TRANSFERS[kind]
    alter_transfers(ledger_dsn, CHANGE)
    do(ledger_dsn, statements)
    assert plan(ledger_dsn).stored_types == (StoredType(f"public.{column}", "pgledger_transfer"),)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=r"because column .* uses it"):
        alter_transfers(ledger_dsn, CHANGE)
    alter_transfers(ledger_dsn, ADD)


def test_plan_lists_tables_of_a_result(ledger_dsn: str) -> None:
    do(ledger_dsn, 'create schema "their own"; create table "their own".t of pgledger_transfer')
    assert plan(ledger_dsn).stored_types == (StoredType('"their own".t', "pgledger_transfer"),)
    for change in (ADD, CHANGE):
        with pytest.raises(psycopg.errors.DependentObjectsStillExist, match="of a typed table"):
            alter_transfers(ledger_dsn, change)


@pytest.mark.parametrize("kind", NOT_STORING_TRANSFERS)
def test_plan_does_not_list_what_stores_no_result(ledger_dsn: str, kind: str) -> None:
    do(ledger_dsn, NOT_STORING_TRANSFERS[kind])
    assert plan(ledger_dsn).stored_types == ()
    for change in (ADD, CHANGE):
        alter_transfers(ledger_dsn, change)


def test_plan_lists_stored_results_of_every_type_and_nobody_elses(database: NewDatabase) -> None:
    dsn = database()
    assert plan(dsn).stored_types == ()
    migrate(dsn, schema="money")
    assert plan(dsn).stored_types == ()
    do(
        dsn,
        "create type ledger_invoice as (a int);"
        "create table theirs (x ledger_invoice);"
        "create table t (b money.ledger_invoice, a money.pgledger_account)",
    )
    assert plan(dsn).stored_types == (
        StoredType("public.t.a", "pgledger_account"),
        StoredType("public.t.b", "ledger_invoice"),
    )


def test_a_column_that_stores_a_result_has_null_in_what_is_added(ledger_dsn: str) -> None:
    do(ledger_dsn, "create table t (x pgledger_transfer)")
    do(ledger_dsn, "insert into t select (null::pgledger_transfer); insert into t select x from t")
    do(ledger_dsn, "update t set x.id = 'one'")
    do(ledger_dsn, f"alter type pgledger_transfer {ADD}")
    assert query(ledger_dsn, "select distinct (x).id, (x).further from t") == [("one", None)]


def test_status_follows_the_database(database: NewDatabase, tree: Tree) -> None:
    dsn = database()
    before = status(dsn)
    assert not before.installed
    assert before.schema is None
    assert not before.up_to_date
    assert {file.state for file in before.files} == {"pending"}
    migrate(dsn)
    after = status(dsn)
    assert after.up_to_date
    assert after.owner == "pgledger_owner"
    assert after.schema == "public"
    assert after.problem is None
    assert {file.package_version for file in after.files} == {after.package_version}
    changed = status(dsn, sql_dir=tree({**NEW_TABLE, **with_comment(first_repeatable())}))
    states = {file.name: file.state for file in changed.files if file.state != "applied"}
    assert states == {"migrations/9001_create_notes.sql": "pending", first_repeatable(): "changed"}
    assert not changed.up_to_date


def test_connection_comes_back_as_it_was(database: NewDatabase) -> None:
    names = ("search_path", "role", "lock_timeout", "statement_timeout", "timezone", "datestyle")
    ask = "select " + ", ".join(f"current_setting('{name}') as {name}" for name in names)
    with psycopg.connect(database(), row_factory=dict_row) as connection:
        connection.execute("set search_path to nowhere")
        connection.execute("set lock_timeout to '7s'")
        connection.execute("set datestyle to 'German'")
        connection.commit()
        before = connection.execute(ask.encode()).fetchone()
        connection.commit()
        assert migrate(connection).installed
        assert not connection.autocommit
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.execute(ask.encode()).fetchone() == before
        connection.rollback()
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}


def test_connection_in_a_transaction_is_refused(database: NewDatabase) -> None:
    dsn = database()
    with psycopg.connect(dsn) as connection:
        connection.execute("create table precious (x integer)")
        with pytest.raises(MigrationError, match="in a transaction"):
            migrate(connection)
        connection.commit()
    assert query(dsn, "select to_regclass('precious') is not null")[0][0]
    assert is_empty(dsn)


def test_hostile_session_settings_change_nothing(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    plain, odd = database(), database()
    migrate(plain)
    for setting in (
        "default_transaction_isolation to 'serializable'",
        "client_encoding to 'LATIN1'",
        "check_function_bodies to off",
        "search_path to nowhere",
        "transform_null_equals to on",
        "default_tablespace to 'nowhere_either'",
    ):
        # A database's defaults reach every session, also those that a pooler keeps.
        do(server.dsn(), f"alter database {_database_name(odd)} set {setting}")
    migrate(odd)
    for setting in ("search_path", "client_encoding"):
        do(server.dsn(), f"alter database {_database_name(odd)} reset {setting}")
    assert catalog(server, odd) == catalog(server, plain)


def test_backslashes_as_escapes_change_nothing(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    # pg_dump writes down which way it is, so what it wrote is compared without that.
    plain, odd = database(), database()
    migrate(plain)
    do(
        server.dsn(),
        f"alter database {_database_name(odd)} set standard_conforming_strings to off",
    )
    migrate(odd, schema="public")
    do(server.dsn(), f"alter database {_database_name(odd)} reset standard_conforming_strings")
    assert catalog(server, odd) == catalog(server, plain)


def test_statement_timeout_of_the_database_does_not_stop_a_migration(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    do(server.dsn(), f"alter database {_database_name(dsn)} set statement_timeout to '300ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        query(dsn, "select pg_sleep(0.5)")
    slow = tree({"migrations/9001_take_time.sql": "select pg_sleep(0.5);\n"})
    assert migrate(dsn, sql_dir=slow).installed


def _database_name(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


# --- many at once ---------------------------------------------------------------------------------


def test_eight_at_once_apply_once(server: EmbeddedServer, database: NewDatabase) -> None:
    alone, shared = database(), database()
    migrate(alone)
    barrier = threading.Barrier(8)

    def one(_: int) -> bool:
        barrier.wait()
        return migrate(shared).installed

    with ThreadPoolExecutor(8) as pool:
        installed = list(pool.map(one, range(8)))
    assert sorted(installed) == [False] * 7 + [True]
    assert everything(server, shared) == everything(server, alone)


def test_eight_processes_at_once_apply_once(server: EmbeddedServer, database: NewDatabase) -> None:
    dsn = database()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pgledger", "migrate", dsn],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, outputs
    assert sum("Installed pgledger" in out for out, _ in outputs) == 1
    assert sum("Nothing to do" in out for out, _ in outputs) == 7
    assert status(dsn).up_to_date


@pytest.mark.parametrize("user", ["postgres", "app"])
def test_eight_databases_of_a_new_server_at_once(new_server: NewServer, user: str) -> None:
    server = new_server()
    do(server.dsn(), "create role app login createrole")
    names = [f"shop {number}" for number in range(8)]
    for name in names:
        do(server.dsn(), f'create database "{name}" owner app')
    barrier = threading.Barrier(8)

    def one(name: str) -> bool:
        barrier.wait()
        return migrate(as_user(server.dsn(name), user)).installed

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, names)) == [True] * 8
    first = catalog(server, server.dsn(names[0]))
    for name in names[1:]:
        assert catalog(server, server.dsn(name)) == first
    use_the_ledger(server.dsn(names[5]))


def test_waits_for_another_migration_and_then_finds_nothing_to_do(
    database: NewDatabase, wait_until: WaitUntil
) -> None:
    dsn = database()
    told: list[Progress] = []
    waiting = threading.Event()

    def on_progress(progress: Progress) -> None:
        told.append(progress)
        if progress.event == "waiting":
            waiting.set()

    with ThreadPoolExecutor(1) as pool, psycopg.connect(dsn) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (PRIVATE_LOCK,))
        later = pool.submit(migrate, dsn, on_progress=on_progress)
        assert waiting.wait(10)
        other.rollback()
        assert later.result(30).installed
    assert [p.event for p in told].count("waiting") == 1


def test_gives_up_waiting_in_time(database: NewDatabase) -> None:
    dsn = database()
    with psycopg.connect(dsn) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (PRIVATE_LOCK,))
        start = time.monotonic()
        with pytest.raises(MigrationError, match=r"another migration .* 0\.3 seconds"):
            migrate(dsn, wait=0.3)
        assert 0.2 < time.monotonic() - start < 5
        other.rollback()
    assert is_empty(dsn)


def test_application_that_holds_a_lock_is_not_waited_for_long(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn)
    before = everything(server, dsn)
    changed = tree(
        {
            **NEW_TABLE,
            "migrations/9003_widen_accounts.sql": "alter table pgledger.accounts add extra text;\n",
        }
    )
    with psycopg.connect(dsn) as application:
        application.execute("lock table pgledger.accounts in row exclusive mode")
        with pytest.raises(MigrationError, match="9003_widen_accounts") as raised:
            migrate(dsn, sql_dir=changed, lock_timeout=0.2)
        assert "--lock-timeout" in raised.value.hint
    assert everything(server, dsn) == before
    assert migrate(dsn, sql_dir=changed).applied


# --- killed ---------------------------------------------------------------------------------------


def test_killed_at_random_points_leaves_the_old_or_the_new(
    server: EmbeddedServer, database: NewDatabase, tree: Tree, wait_until: WaitUntil
) -> None:
    old, new = database("kill_old"), database("kill_new")
    upgraded = tree({**UPGRADE, **with_comment(first_repeatable())})
    start = time.monotonic()
    migrate(old)
    seconds = time.monotonic() - start
    migrate(new, sql_dir=upgraded)
    cases = [
        Case(None, None, everything(server, old), SQL),
        Case("kill_old", everything(server, old), everything(server, new), upgraded),
    ]
    outcomes = kill_migrations(
        server, database, wait_until, cases, dice_of("kills"), 1.5 * seconds, KILLS
    )
    print(f"after {KILLS} kills: {dict(Counter(outcomes))}")


@pytest.mark.parametrize("stop_at", ["first file", "middle", "last file"])
def test_killed_server_leaves_the_old(new_server: NewServer, stop_at: str) -> None:
    server = new_server(settings={"fsync": "on", "full_page_writes": "on"})
    do(server.dsn(), "create database crash")
    dsn = server.dsn("crash")
    files = load_files()
    last = {"first file": 0, "middle": len(files) // 2, "last file": len(files) - 1}[stop_at]

    def crash(progress: Progress) -> None:
        if progress.name == files[last].name:
            server.kill()

    with pytest.raises(psycopg.OperationalError):
        migrate(dsn, on_progress=crash)
    server.start()
    assert is_empty(dsn)
    assert migrate(dsn).installed
    use_the_ledger(dsn)


# --- upgrades -------------------------------------------------------------------------------------


def test_upgraded_equals_fresh(server: EmbeddedServer, database: NewDatabase, tree: Tree) -> None:
    upgraded, fresh = database(), database()
    files = tree({**UPGRADE, **with_comment(first_repeatable())})
    migrate(upgraded)
    use_the_ledger(upgraded)
    result = migrate(upgraded, sql_dir=files)
    migrate(fresh, sql_dir=files)
    assert result.changed
    assert not result.installed
    assert everything(server, upgraded) == everything(server, fresh)
    assert query(upgraded, "select count(*) from pgledger_transfers_view") == [(1,)]


def test_one_changed_repeatable_applies_all_in_listing_order(
    database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn)
    expected = [file.name for file in load_files() if file.kind == "repeatable"]
    last = expected[-1]
    result = migrate(dsn, sql_dir=tree(with_comment(last)))
    assert list(result.applied) == expected


def test_a_versioned_file_applies_all_repeatables_after_it(
    database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn)
    result = migrate(dsn, sql_dir=tree(NEW_TABLE))
    repeatable = [file.name for file in load_files() if file.kind == "repeatable"]
    assert list(result.applied) == ["migrations/9001_create_notes.sql", *repeatable]


def test_repeatable_that_is_gone_is_forgotten_and_reported(
    database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn, sql_dir=tree(NEW_FUNCTION))
    name = "repeatable/90_later/10_answer.sql"
    assert {f.name: f.state for f in status(dsn).files}[name] == "gone"
    assert [(s.action, s.name) for s in plan(dsn).steps] == [("forget", name)]
    result = migrate(dsn)
    assert result.forgotten == (name,)
    assert name not in {row[0] for row in history(dsn)}
    # Dropping is a versioned file's work: somebody may depend on it.
    assert query(dsn, "select pgledger_answer()") == [(42,)]
    assert not migrate(dsn).changed


def test_line_ends_do_not_make_another_file(database: NewDatabase, tree: Tree) -> None:
    dsn = database()
    migrate(dsn)
    turned = tree()
    for path in turned.rglob("*.sql"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert not migrate(dsn, sql_dir=turned).changed


def test_fault_in_a_file_is_located_and_changes_nothing(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn)
    before = everything(server, dsn)
    broken = tree(
        {**NEW_TABLE, "migrations/9005_break.sql": "select 1;\n\nselect nonsense from nowhere;\n"}
    )
    with pytest.raises(MigrationError, match=r"9005_break\.sql, line 3: .*nowhere"):
        migrate(dsn, sql_dir=broken)
    assert everything(server, dsn) == before


def test_file_that_ends_the_transaction_is_refused(database: NewDatabase, tree: Tree) -> None:
    with pytest.raises(MigrationError, match="ends the migration's transaction"):
        migrate(database(), sql_dir=tree({"migrations/9001_commit.sql": "commit;\n"}))


# --- outside the transaction ----------------------------------------------------------------------


def test_concurrent_index_runs_outside_and_ends_equal(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    upgraded, fresh = database(), database()
    files = tree({**UPGRADE, **CONCURRENT_INDEX, **_after_the_index()})
    migrate(upgraded)
    result = migrate(upgraded, sql_dir=files)
    assert result.applied[:3] == (
        "migrations/9001_create_notes.sql",
        "migrations/9002_index_notes.sql",
        "migrations/9004_use_notes.sql",
    )
    migrate(fresh, sql_dir=files)
    assert everything(server, upgraded) == everything(server, fresh)
    assert query(
        upgraded,
        "select indisvalid, pg_get_userbyid(relowner) from pg_index join pg_class on "
        "indexrelid = pg_class.oid where relname = 'notes_body_idx'",
    ) == [(True, "pgledger_owner")]
    assert _locks(upgraded) == 0


def _after_the_index() -> dict[str, str]:
    return {"migrations/9004_use_notes.sql": "comment on index pgledger.notes_body_idx is 'x';\n"}


def _locks(dsn: str) -> int:
    return int(query(dsn, "select count(*) from pg_locks where locktype = 'advisory'")[0][0])


@pytest.mark.parametrize(
    "last",
    [
        "migrations/9001_create_notes.sql",
        "migrations/9002_index_notes.sql",
        "migrations/9004_use_notes.sql",
        "repeatable/90_later/10_answer.sql",
    ],
)
def test_dying_around_a_file_outside_is_made_good_by_the_next_run(
    server: EmbeddedServer, database: NewDatabase, tree: Tree, last: str
) -> None:
    dsn, fresh = database(), database()
    files = tree({**UPGRADE, **CONCURRENT_INDEX, **_after_the_index()})
    migrate(dsn)

    def die(progress: Progress) -> None:
        if progress.name == last:
            raise InterruptedError(last)

    with psycopg.connect(dsn) as connection:
        with pytest.raises(InterruptedError):
            migrate(connection, sql_dir=files, on_progress=die)
        # The connection lives on, and holds nothing.
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.execute("select current_user, session_user").fetchone() == (
            "postgres",
            "postgres",
        )
        assert _locks(dsn) == 0
    assert not status(dsn, sql_dir=files).up_to_date
    migrate(dsn, sql_dir=files)
    migrate(fresh, sql_dir=files)
    assert everything(server, dsn) == everything(server, fresh)


def test_eight_at_once_around_a_file_outside(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn, fresh = database(), database()
    files = tree({**UPGRADE, **CONCURRENT_INDEX})
    migrate(dsn)
    barrier = threading.Barrier(8)

    def one(_: int) -> int:
        barrier.wait()
        return len(migrate(dsn, sql_dir=files).applied)

    with ThreadPoolExecutor(8) as pool:
        counts = sorted(pool.map(one, range(8)))
    assert counts[:7] == [0] * 7
    migrate(fresh, sql_dir=files)
    assert everything(server, dsn) == everything(server, fresh)


def test_only_concurrent_statements_may_run_outside(tree: Tree) -> None:
    with pytest.raises(MigrationError, match="only statements with CONCURRENTLY"):
        load_files(
            tree(
                {
                    "migrations/9001_x.sql": "-- no transaction\n"
                    "create index concurrently a on b (c);\nupdate t set s = 'concurrently';\n"
                }
            )
        )
    with pytest.raises(MigrationError, match="repeatable file cannot"):
        load_files(tree({"repeatable/90_x/x.sql": "-- no transaction\nselect 1;\n"}))


# --- bodies of functions --------------------------------------------------------------------------

BROKEN_NAME = "repeatable/90_later/answers/broken.sql"
HEAD = """\
-- The body is what is wrong.
create or replace function pgledger.broken(question text)
returns integer
"""
BROKEN = {
    "a word of PL/pgSQL that is none": (
        f"{HEAD}language plpgsql\nas $$\nbegin\n  retrun 1;\nend\n$$;\n",
        r", line 7: the body of pgledger\.broken\(question text\) is broken: syntax error at ",
    ),
    "PL/pgSQL without an end": (
        f"{HEAD}language plpgsql\nas $$\nbegin\n  return 1;\n$$;\n",
        r", line \d: the body of pgledger\.broken\(question text\) is broken: syntax error at end",
    ),
    "SQL that calls what is not there": (
        f"{HEAD}language sql\nas $$\n\n  select pgledger.no_such(question)\n$$;\n",
        r", line 7: the body of pgledger\.broken\(question text\) is broken: function .*no_such",
    ),
    "a body in single quotes": (
        f"{HEAD}language plpgsql\nas 'begin return ''one'' 2; end';\n",
        r": the body of pgledger\.broken\(question text\) is broken: syntax error at ",
    ),
    "SQL that returns something else": (
        f"{HEAD}language sql\nas $$\n  select question\n$$;\n",
        r", line 2: the body of pgledger\.broken\(question text\) is broken: return type mismatch",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_body_is_named_and_nothing_is_changed(
    server: EmbeddedServer, database: NewDatabase, tree: Tree, tmp_path: Path, case: str
) -> None:
    text, pattern = BROKEN[case]
    files = tree({**NEW_TABLE, BROKEN_NAME: text})
    installed, empty, by_psql = database(), database(), database()
    migrate(installed)
    before = everything(server, installed)
    for dsn in (installed, empty):
        with pytest.raises(MigrationError, match=f"^{BROKEN_NAME}{pattern}"):
            migrate(dsn, sql_dir=files)
    assert everything(server, installed) == before
    assert is_empty(empty)
    path = tmp_path / "broken.sql"
    path.write_text(dump(sql_dir=files))
    done = psql_file(server, by_psql, path, check=False)
    assert done.returncode != 0
    assert "the body of pgledger.broken(question text) is broken: " in done.stderr
    assert is_empty(by_psql)


def test_broken_body_on_the_surface_is_found_without_roles_too(
    database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    text = BROKEN["a word of PL/pgSQL that is none"][0]
    text = text.replace("pgledger.broken", "@extschema@.ledger_broken")
    with pytest.raises(MigrationError, match=r"line 7: the body of money\.ledger_broken"):
        migrate(dsn, schema="money", roles=False, sql_dir=tree({BROKEN_NAME: text}))
    assert is_empty(dsn)


def test_functions_of_others_are_their_business(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn)
    do(
        dsn,
        "set check_function_bodies = off; "
        "create function pgledger_of_others() returns int language sql as 'select nothing'; "
        "create function others() returns int language sql as 'select nothing'",
    )
    assert migrate(dsn, sql_dir=tree(UPGRADE)).changed


def test_function_may_call_one_of_a_later_file(
    server: EmbeddedServer, database: NewDatabase, tree: Tree, tmp_path: Path
) -> None:
    files = tree(
        {
            **NEW_FUNCTION,
            "repeatable/90_later/05_caller.sql": """\
create or replace function pgledger.caller()
returns integer
language sql
as $$
  select pgledger.callee();
$$;
""",
            "repeatable/90_later/20_callee.sql": """\
create or replace function pgledger.callee()
returns integer
language plpgsql
set search_path = pg_catalog, pgledger
as $$
declare
  v_account accounts%rowtype;
begin
  return 42;
end
$$;
""",
        }
    )
    upgraded, fresh, by_psql = database(), database(), database()
    migrate(upgraded)
    path = tmp_path / "all.sql"
    path.write_text(dump(sql_dir=files))
    psql_file(server, by_psql, path)
    for dsn in (upgraded, fresh):
        migrate(dsn, sql_dir=files)
    for dsn in (upgraded, fresh, by_psql):
        assert query(dsn, "select pgledger.caller()") == [(42,)]
    assert everything(server, upgraded) == everything(server, fresh) == everything(server, by_psql)


# --- the order of files ---------------------------------------------------------------------------


def test_repeatable_files_come_by_folder_and_views_last(tree: Tree) -> None:
    names = [
        "repeatable/90_later/b/zebra.sql",
        "repeatable/90_later/zoo.sql",
        "repeatable/90_later/b/views/ape.sql",
        "repeatable/90_later/views/bear.sql",
        "repeatable/091_last/ant.sql",
        "repeatable/100_beyond/ant.sql",
    ]
    files = tree(dict.fromkeys(reversed(names), "select 1;\n"))
    assert [f.name for f in load_files(files) if re.search(r"/(90|091|100)_", f.name)] == names


@pytest.mark.parametrize(
    "name",
    ["lonely.sql", "later/answer.sql", "90-later/answer.sql", "views/90_later/answer.sql"],
)
def test_repeatable_file_outside_of_numbered_folders_is_refused(tree: Tree, name: str) -> None:
    with pytest.raises(MigrationError, match=f"repeatable/{name} is not in a numbered folder"):
        load_files(tree({f"repeatable/{name}": "select 1;\n"}))


def test_what_is_no_sql_is_left_alone(tree: Tree) -> None:
    strangers = [
        "README.md",
        "migrations/README.md",
        "migrations/frozen.txt",
        "repeatable/README.md",
        "repeatable/10_ledger/README.md",
        "repeatable/10_ledger/views/README.md",
        "repeatable/10_ledger/.post_transfers.sql",
        "install/README.md",
    ]
    assert load_files(tree(dict.fromkeys(strangers, "create nothing"))) == load_files(SQL)


@pytest.mark.parametrize("path", sorted((SQL / "install").glob("*.sql")), ids=lambda p: p.stem)
def test_sql_of_the_migrator_says_who_runs_it_and_is_run(path: Path) -> None:
    header = path.read_text(encoding="utf-8").partition("*/")[0]
    assert header.startswith("/*\n")
    assert re.search(r"^Run by ", header, re.M)
    modules = (ROOT / "python/pgledger/migrate").glob("*.py")
    others = [other for other in (SQL / "install").glob("*.sql") if other != path]
    users = [text.read_text(encoding="utf-8") for text in [*modules, *others]]
    assert any(
        f'"{path.name}"' in text
        or f"include: {path.name}" in text
        or f":include_{path.stem}" in text
        for text in users
    )


# --- refusals -------------------------------------------------------------------------------------


def refused(server: EmbeddedServer, dsn: str, pattern: str, **arguments: Any) -> MigrationError:
    """Asserts that migrate and plan refuse, for a reason that status knows, and change nothing."""
    before = everything(server, dsn)
    with pytest.raises(MigrationError, match=pattern) as raised:
        migrate(dsn, **arguments)
    with pytest.raises(MigrationError, match=pattern):
        plan(dsn, **arguments)
    assert everything(server, dsn) == before
    assert raised.value.hint
    if "sql_dir" in arguments:
        problem = status(dsn, sql_dir=arguments["sql_dir"]).problem
        assert problem is not None
        assert re.search(pattern, problem)
    return raised.value


def test_edited_versioned_file_is_refused(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn)
    name = f"migrations/{LAST_OF_0}"
    files = tree({**with_comment(name), **NEW_TABLE})
    refused(server, dsn, f"edited after it was applied: {name}", sql_dir=files)


def test_missing_versioned_file_is_refused(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn, sql_dir=tree(UPGRADE))
    files = tree(
        {
            **NEW_FUNCTION,
            "migrations/9100_later.sql": "comment on schema pgledger is 'later';\n",
        }
    )
    refused(
        server,
        dsn,
        r"missing from this package: migrations/9001_create_notes\.sql",
        sql_dir=files,
    )


def test_newer_database_is_refused_and_names_the_version(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn, sql_dir=tree(UPGRADE))
    do(dsn, "update pgledger.schema_history set package_version = '9.8.7' where name ~ '/90'")
    error = refused(
        server, dsn, r"newer than this package: pgledger 9\.8\.7 applied .*9001", sql_dir=tree()
    )
    assert "Upgrade the package" in error.hint


def test_database_with_newer_functions_is_refused(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    # A release that changed no table leaves no versioned file to go by.
    dsn = database()
    migrate(dsn, sql_dir=tree(NEW_FUNCTION))
    do(dsn, "update pgledger.schema_history set package_version = '9.8.7' where name ~ '90_later'")
    refused(server, dsn, r"newer than this package: pgledger 9\.8\.7", sql_dir=tree())


def test_newer_version_with_the_same_files_has_nothing_to_refuse(database: NewDatabase) -> None:
    dsn = database()
    migrate(dsn)
    do(dsn, "update pgledger.schema_history set package_version = '9.8.7'")
    assert not migrate(dsn).changed


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("0.2.0", "0.1.9"),
        ("0.10.0", "0.9.0"),
        ("1.0", "1.0rc2"),
        ("1.0rc1", "1.0b9"),
        ("1.0a1", "1.0.dev5"),
        ("1.0.1.dev0", "1.0"),
    ],
)
def test_versions_are_ordered(newer: str, older: str) -> None:
    assert version.is_newer(newer, older)
    assert not version.is_newer(older, newer)
    assert not version.is_newer(newer, newer)
    assert not version.is_newer("unknown", older)
    assert not version.is_newer("1.0.0", "1.0")


def test_extra_file_with_a_lower_number_is_refused(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    dsn = database()
    migrate(dsn, sql_dir=tree(NEW_TABLE))
    files = tree({**NEW_TABLE, "migrations/9000_late.sql": "select 1;\n"})
    refused(server, dsn, r"not applied, though .*: migrations/9000_late\.sql", sql_dir=files)


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"migrations/0001_again.sql": "select 1;\n"}, "have the same number"),
        ({"migrations/12_short.sql": "select 1;\n"}, "not named like"),
        ({"migrations/9001-dash.sql": "select 1;\n"}, "not named like"),
    ],
)
def test_badly_named_files_are_refused(
    database: NewDatabase, tree: Tree, changes: dict[str, str], pattern: str
) -> None:
    dsn = database()
    with pytest.raises(MigrationError, match=pattern):
        migrate(dsn, sql_dir=tree(changes))
    assert is_empty(dsn)


def test_package_without_files_is_refused(database: NewDatabase, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="SQL files are missing"):
        migrate(database(), sql_dir=tmp_path)


def test_too_old_server_is_refused(database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    # No server before 15 can be had from a wheel: what libpq reports is replaced.
    dsn = database()
    with monkeypatch.context() as patch:
        patch.setattr(psycopg.ConnectionInfo, "server_version", property(lambda _: 140013))
        for refuse in (migrate, plan, status, verify):
            with pytest.raises(MigrationError, match=r"PostgreSQL 14\.13; .* 15 or newer"):
                refuse(dsn)
    assert is_empty(dsn)
    session.check_server(150000)


def test_other_schema_than_the_installed_one_is_refused(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    dsn = database()
    migrate(dsn)
    refused(server, dsn, 'installed in the schema "public"', schema="money")
    assert not migrate(dsn, schema="public").changed


@pytest.mark.parametrize(
    "name", ["", "pgledger", "pg_catalog", "pg_money", "information_schema", "x" * 64, "é" * 32]
)
def test_schema_that_cannot_be_is_refused(database: NewDatabase, name: str) -> None:
    dsn = database()
    with pytest.raises(MigrationError, match="schema"):
        migrate(dsn, schema=name)
    with pytest.raises(MigrationError, match="schema"):
        dump(name)
    with pytest.raises(MigrationError, match="schema"):
        roles_sql(name)
    assert is_empty(dsn)


def test_no_roles_on_a_database_with_roles_is_refused(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    dsn = database()
    migrate(dsn)
    refused(server, dsn, "installed with its roles", roles=False)


def test_read_only_role_is_refused(database: NewDatabase) -> None:
    dsn = database()
    with pytest.raises(MigrationError, match="read-only"):
        migrate(make_conninfo(dsn, options="-c default_transaction_read_only=on"))
    assert is_empty(dsn)


def test_standby_is_refused_and_receives_everything(
    server: EmbeddedServer, new_server: NewServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    primary = new_server(settings={"wal_level": "replica"})
    copy = primary.directory.parent / "standby"
    copy.mkdir(mode=0o755)
    primary.run("pg_basebackup", "-D", str(copy / "pgdata"), "-R", "--checkpoint=fast")
    owner = primary.data_directory.stat()
    for path in [copy / "pgdata", *(copy / "pgdata").rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    with EmbeddedServer(copy, bin_dir=primary.bin_dir, settings=SETTINGS) as standby:
        with pytest.raises(MigrationError, match="standby"):
            migrate(standby.dsn())
        migrate(primary.dsn())
        position = query(primary.dsn(), "select pg_current_wal_lsn()::text")[0][0]
        deadline = time.monotonic() + 30
        while not query(
            standby.dsn(), "select pg_last_wal_replay_lsn() >= %s::pg_lsn", (position,)
        )[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert not migrate(standby.dsn()).changed
        assert status(standby.dsn()).up_to_date
        assert [check for check in verify(standby.dsn()) if check.violations] == []


def test_verify_says_where_nothing_is_installed(database: NewDatabase) -> None:
    with pytest.raises(MigrationError, match="not installed in the database"):
        verify(database())


# --- strangers ------------------------------------------------------------------------------------


def test_schema_of_that_name_by_somebody_else_is_refused(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    dsn = database()
    do(dsn, "create schema pgledger; create table pgledger.accounts (theirs text)")
    before = catalog(server, dsn)
    for call in (migrate, plan, status):
        with pytest.raises(MigrationError, match="that pgledger did not make"):
            call(dsn)
    assert catalog(server, dsn) == before


@pytest.mark.parametrize(
    "planted",
    [
        "create table pgledger_accounts (id text)",
        "create view pgledger_accounts_view as select 1 as id",
        "create function pgledger_create_transfer(text) returns text language sql return 'theirs'",
        "create function pgledger_generate_id(text) returns text language sql return 'theirs'",
        "create table ledger_plans (id text)",
        "create function ledger_get_plan(integer) returns text language sql return 'theirs'",
    ],
)
def test_objects_of_our_names_by_somebody_else_are_refused(
    server: EmbeddedServer, database: NewDatabase, planted: str
) -> None:
    dsn = database()
    do(dsn, planted)
    before = catalog(server, dsn)
    with pytest.raises(MigrationError, match="has objects of these names already") as raised:
        migrate(dsn)
    assert "--schema" in raised.value.hint
    done = psql_file(server, dsn, SQL / "pgledger.sql", check=False)
    assert "has objects that are named like ours" in done.stderr
    assert catalog(server, dsn) == before
    assert migrate(dsn, schema="money").installed
    use_the_ledger(dsn, "money")


def test_an_applications_own_ledger_tables_are_none_of_our_names(database: NewDatabase) -> None:
    dsn = database()
    do(dsn, "create table ledger_entries (id text); create table ledger_plans_old (id text)")
    assert migrate(dsn).installed


TRAPS = """
create role stranger;
create schema if not exists trap;
grant all on schema public, trap to public;
set role stranger;
create function {s}.spring() returns void language plpgsql as $$
  begin raise exception 'the trap in {s} sprang'; end $$;
create function {s}.now() returns timestamptz language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.lower(text) returns text language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.set_config(text, text, boolean) returns text language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.pg_has_role(name, name, text) returns boolean language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.format(text, variadic text[]) returns text language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.text_eq(text, text) returns boolean language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.bigint_eq(bigint, bigint) returns boolean language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.bigint_gt(bigint, bigint) returns boolean language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.name_eq(name, name) returns boolean language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create function {s}.integer_eq(integer, integer) returns boolean language plpgsql as $$
  begin perform {s}.spring(); return null; end $$;
create operator {s}.= (leftarg = name, rightarg = name, function = {s}.name_eq);
create operator {s}.= (leftarg = integer, rightarg = integer, function = {s}.integer_eq);
create operator {s}.= (leftarg = text, rightarg = text, function = {s}.text_eq);
create operator {s}.= (leftarg = bigint, rightarg = bigint, function = {s}.bigint_eq);
create operator {s}.> (leftarg = bigint, rightarg = bigint, function = {s}.bigint_gt);
create domain {s}.timestamptz as text;
reset role;
"""


def test_functions_and_operators_planted_in_the_path_stay_unused(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    clean, trapped, through_psql = database(), database(), database()
    migrate(clean)
    for dsn in (trapped, through_psql):
        do(dsn, TRAPS.format(s="public").replace("create role stranger;", _stranger()))
        do(dsn, TRAPS.format(s="trap").replace("create role stranger;", _stranger()))
    path = "-c search_path=trap,public,pg_catalog"
    migrate(make_conninfo(trapped, options=path))
    server.run(
        "psql",
        "-v",
        "ON_ERROR_STOP=1",
        f"--dbname={make_conninfo(through_psql, options=path)}",
        input=dump(),
    )
    for dsn in (trapped, through_psql):
        assert status(make_conninfo(dsn, options=path)).up_to_date
        assert not migrate(make_conninfo(dsn, options=path)).changed
        assert [c for c in verify(make_conninfo(dsn, options=path)) if c.violations] == []
        assert _definitions(dsn) == _definitions(clean)
        assert "trap" not in _dependencies(dsn)
        assert "stranger" not in _dependencies(dsn)


def _stranger() -> str:
    return (
        "do $$ begin if to_regrole('stranger') is null then create role stranger; end if; end $$;"
    )


def _definitions(dsn: str) -> list[tuple[Any, ...]]:
    return query(
        dsn,
        r"""
        select c.oid::regclass::text, pg_get_viewdef(c.oid)
        from pg_class as c
        where c.relname ~ '^(pg)?ledger_' and c.relkind = 'v'
        union all
        select polrelid::regclass || ' ' || polname, pg_get_expr(polqual, polrelid)
        from pg_policy
        union all
        select conname::text, pg_get_constraintdef(oid)
        from pg_constraint
        where connamespace = 'pgledger'::regnamespace
        order by 1
        """,
    )


def _dependencies(dsn: str) -> set[str]:
    """Owners and schemas of all that our views, constraints and defaults depend on."""
    rows = query(
        dsn,
        r"""
        with ours as (
          select 'pg_rewrite'::regclass as classid, r.oid as objid
          from pg_rewrite as r join pg_class as c on c.oid = r.ev_class
          where c.relname ~ '^(pg)?ledger_'
          union all
          select 'pg_policy'::regclass, oid from pg_policy
          union all
          select 'pg_constraint'::regclass, oid from pg_constraint
          where connamespace = 'pgledger'::regnamespace
        )
        select pronamespace::regnamespace::text, proowner::regrole::text
        from ours join pg_depend using (classid, objid)
        join pg_proc on refclassid = 'pg_proc'::regclass and pg_proc.oid = refobjid
        union
        select oprnamespace::regnamespace::text, oprowner::regrole::text
        from ours join pg_depend using (classid, objid)
        join pg_operator on refclassid = 'pg_operator'::regclass and pg_operator.oid = refobjid
        union
        select typnamespace::regnamespace::text, typowner::regrole::text
        from ours join pg_depend using (classid, objid)
        join pg_type on refclassid = 'pg_type'::regclass and pg_type.oid = refobjid
        """,
    )
    return {str(value) for row in rows for value in row}


@pytest.mark.parametrize(
    ("role", "owned"), [("pgledger_owner", "tables"), ("pgledger_tenant_views", "views")]
)
def test_owning_role_with_powers_is_refused(new_server: NewServer, role: str, owned: str) -> None:
    server = new_server()
    for attribute in ("superuser", "login", "createrole", "bypassrls"):
        do(server.dsn(), f"create role {role} {attribute}")
        with pytest.raises(MigrationError, match=f"{role} exists .* it has {attribute.upper()}"):
            migrate(server.dsn())
        with pytest.raises(MigrationError, match=f"it has {attribute.upper()}"):
            plan(server.dsn())
        done = psql_file(server, server.dsn(), SQL / "pgledger.sql", check=False)
        assert f"{role} exists and is more than an owner of {owned}" in done.stderr
        assert is_empty(server.dsn())
        do(server.dsn(), f"drop role {role}")


def test_owner_of_tenants_views_is_a_member_of_nothing(new_server: NewServer) -> None:
    """As a member of the tables' owner it would pass their row-security policies by."""
    server = new_server()
    do(server.dsn(), "create role pgledger_owner; create role other")
    do(server.dsn(), "create role pgledger_tenant_views in role pgledger_owner, other")
    for call in (migrate, plan):
        with pytest.raises(
            MigrationError, match="it is a member of pgledger_owner, other"
        ) as raised:
            call(server.dsn())
        assert "revoke pgledger_owner, other from pgledger_tenant_views" in raised.value.hint
    done = psql_file(server, server.dsn(), SQL / "pgledger.sql", check=False)
    assert "it is a member of pgledger_owner, other" in done.stderr
    assert "revoke pgledger_owner, other from pgledger_tenant_views" in done.stderr
    assert is_empty(server.dsn())
    do(server.dsn(), "revoke pgledger_owner, other from pgledger_tenant_views")
    assert migrate(server.dsn()).installed


# --- who migrates ---------------------------------------------------------------------------------


@pytest.fixture
def shop(new_server: NewServer) -> tuple[EmbeddedServer, str]:
    """A new server without our roles, and its database ``shop``, which the role ``app`` owns."""
    server = new_server()
    do(server.dsn(), "create role app login")
    do(server.dsn(), "create database shop owner app")
    return server, server.dsn("shop")


# Of everything, and of the views that tenants read.
OWNERS = {"pgledger_owner", "pgledger_tenant_views"}


def owners(dsn: str) -> set[str]:
    return {
        str(row[0])
        for row in query(
            dsn,
            r"""
            select pg_get_userbyid(relowner) from pg_class
            where relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_'
            union
            select pg_get_userbyid(proowner) from pg_proc
            where pronamespace = 'pgledger'::regnamespace or proname ~ '^(pg)?ledger_'
            union
            select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'pgledger'
            """,
        )
    }


def test_superuser_migrates_and_the_owner_stays_small(shop: tuple[EmbeddedServer, str]) -> None:
    _, dsn = shop
    result = migrate(dsn)
    assert result.installed
    assert result.warnings == ()
    assert owners(dsn) == OWNERS
    roles = query(
        dsn,
        r"""
        select rolname, rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolbypassrls
        from pg_roles where rolname like 'pgledger\_%' order by rolname
        """,
    )
    assert roles == [
        ("pgledger_auditor", False),
        ("pgledger_owner", False),
        ("pgledger_poster", False),
        ("pgledger_reader", False),
        ("pgledger_tenant", False),
        ("pgledger_tenant_views", False),
    ]
    # A superuser needs no membership, and so gets none.
    assert query(
        dsn, "select count(*) from pg_auth_members where roleid = 'pgledger_owner'::regrole"
    ) == [(0,)]


def test_owner_of_the_database_with_createrole_migrates(shop: tuple[EmbeddedServer, str]) -> None:
    server, dsn = shop
    do(server.dsn(), "alter role app createrole")
    mine = as_user(dsn, "app")
    seen: list[Progress] = []
    assert migrate(mine, on_progress=seen.append).installed
    assert "roles" in {progress.event for progress in seen}
    assert owners(dsn) == OWNERS
    assert not migrate(mine).changed
    assert status(mine).up_to_date
    assert [check for check in verify(mine) if check.violations] == []
    use_the_ledger(mine)


def test_owner_without_createrole_gets_statements_that_make_it_work(
    shop: tuple[EmbeddedServer, str], tree: Tree
) -> None:
    server, dsn = shop
    mine = as_user(dsn, "app")
    before = catalog(server, dsn)
    with pytest.raises(MigrationError, match="the role app may not make") as raised:
        migrate(mine)
    assert catalog(server, dsn) == before
    assert query(dsn, r"select count(*) from pg_roles where rolname like 'pgledger\_%'") == [(0,)]
    statements = raised.value.statements
    assert statements == roles_sql("public", "app")
    assert "pgledger roles" in raised.value.hint
    # Twice: an administrator may not remember.
    for _ in range(2):
        server.run("psql", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=statements)
    assert migrate(mine).installed
    assert owners(dsn) == OWNERS
    use_the_ledger(mine)
    # And once more for an upgrade, which must not need the administrator again.
    assert migrate(mine, sql_dir=tree({**UPGRADE, **CONCURRENT_INDEX})).changed
    assert query(
        dsn, "select not rolcreaterole and not rolsuper from pg_roles where rolname = 'app'"
    ) == [(True,)]


def test_second_database_needs_only_the_membership(shop: tuple[EmbeddedServer, str]) -> None:
    server, dsn = shop
    migrate(server.dsn())
    with pytest.raises(MigrationError, match="membership of app in pgledger_owner") as raised:
        migrate(as_user(dsn, "app"))
    assert "the role pgledger_owner" not in raised.value.message
    server.run("psql", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=raised.value.statements)
    assert migrate(as_user(dsn, "app")).installed


def test_stranger_to_the_database_is_told_what_is_missing(shop: tuple[EmbeddedServer, str]) -> None:
    server, dsn = shop
    do(server.dsn(), "create role visitor login createrole")
    with pytest.raises(MigrationError, match="the role visitor may not make") as raised:
        migrate(as_user(dsn, "visitor"), schema="the money")
    assert query(dsn, r"select count(*) from pg_roles where rolname like 'pgledger\_%'") == [(0,)]
    server.run("psql", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=raised.value.statements)
    assert migrate(as_user(dsn, "visitor"), schema="the money").installed


def test_role_outside_may_neither_read_nor_migrate(
    shop: tuple[EmbeddedServer, str], tree: Tree
) -> None:
    server, dsn = shop
    migrate(dsn)
    do(
        server.dsn(),
        "create role visitor login; create role checker login in role pgledger_auditor",
    )
    with pytest.raises(MigrationError, match="the role visitor may not read") as raised:
        migrate(as_user(dsn, "visitor"))
    assert 'grant "pgledger_owner" to "visitor"' in raised.value.hint
    # To look, fewer rights will do.
    for call in (plan, status, verify):
        with pytest.raises(MigrationError, match=r"the role visitor may not (read|verify)") as told:
            call(as_user(dsn, "visitor"))
        assert told.value.hint == ('Have an administrator run: grant pgledger_auditor to "visitor"')
    # An auditor sees everything and changes nothing.
    assert status(as_user(dsn, "checker")).up_to_date
    assert [c for c in verify(as_user(dsn, "checker")) if c.violations] == []
    before = everything(server, dsn)
    with pytest.raises(MigrationError, match="checker"):
        migrate(as_user(dsn, "checker"), sql_dir=tree(UPGRADE))
    assert everything(server, dsn) == before


def test_without_roles_the_migrating_role_owns_everything(
    shop: tuple[EmbeddedServer, str], tree: Tree
) -> None:
    server, dsn = shop
    mine = as_user(dsn, "app")
    result = migrate(mine, roles=False)
    assert result.installed
    assert not result.roles
    assert result.warnings == ()
    assert owners(dsn) == {"app"}
    assert query(dsn, r"select count(*) from pg_roles where rolname like 'pgledger\_%'") == [(0,)]
    assert not re.search(r"\bTO \"?pgledger_", catalog(server, dsn))
    use_the_ledger(mine)
    # Later runs keep to it without being told, also when a superuser comes along.
    assert migrate(dsn, sql_dir=tree({**UPGRADE, **CONCURRENT_INDEX})).changed
    assert owners(dsn) == {"app"}


def test_without_roles_a_role_outside_is_told_grants_that_suffice(
    shop: tuple[EmbeddedServer, str],
) -> None:
    server, dsn = shop
    # Another database of the server has the roles, which open nothing here.
    do(server.dsn(), "create database other")
    migrate(server.dsn("other"))
    do(server.dsn(), "create role visitor login in role pgledger_auditor")
    migrate(as_user(dsn, "app"), roles=False)
    for call in (status, verify):
        with pytest.raises(MigrationError, match="the role visitor may not") as told:
            call(as_user(dsn, "visitor"))
        assert "pgledger_auditor" not in told.value.hint
        do(dsn, told.value.hint.removeprefix("Have an administrator run: "))
        call(as_user(dsn, "visitor"))
    assert status(as_user(dsn, "visitor")).up_to_date


def test_without_roles_a_superuser_is_warned(shop: tuple[EmbeddedServer, str]) -> None:
    _, dsn = shop
    seen: list[Progress] = []
    result = migrate(dsn, roles=False, on_progress=seen.append)
    assert len(result.warnings) == 1
    assert "postgres, a superuser" in result.warnings[0]
    assert [p.name for p in seen if p.event == "warning"] == list(result.warnings)
    use_the_ledger(dsn)


# --- where the surface is -------------------------------------------------------------------------

ODD_NAME = 'we "pay" \\ it\'s'


def test_schema_with_quotes_and_spaces(server: EmbeddedServer, database: NewDatabase) -> None:
    dsn = database()
    result = migrate(dsn, schema=ODD_NAME)
    assert result.schema == ODD_NAME
    assert status(dsn).schema == ODD_NAME
    assert query(
        dsn,
        r"select count(*) from pg_proc where proname like 'pgledger\_%' "
        "and pronamespace = 'public'::regnamespace",
    ) == [(0,)]
    # Found again without being told.
    assert migrate(dsn).schema == ODD_NAME
    assert not migrate(dsn, schema=ODD_NAME).changed
    use_the_ledger(dsn, ODD_NAME)
    assert query(
        dsn,
        "select has_schema_privilege('pgledger_poster', oid, 'usage') from pg_namespace "
        "where nspname = %s",
        (ODD_NAME,),
    ) == [(True,)]


def test_schema_that_exists_is_used(database: NewDatabase) -> None:
    dsn = database()
    do(dsn, "create schema money; create table money.mine (x integer)")
    assert migrate(dsn, schema="money").schema == "money"
    use_the_ledger(dsn, "money")


def test_renamed_surface_is_found_and_upgraded(database: NewDatabase, tree: Tree) -> None:
    dsn = database()
    migrate(dsn, schema="money")
    do(dsn, "alter schema money rename to cash")
    assert migrate(dsn, sql_dir=tree(UPGRADE)).schema == "cash"
    assert query(dsn, "select cash.pgledger_answer()") == [(42,)]
    use_the_ledger(dsn, "cash")


@pytest.mark.parametrize("statement", ["select 1 / 0", "rollback"])
def test_progress_that_breaks_the_transaction_is_told(
    shop: tuple[EmbeddedServer, str], statement: str
) -> None:
    """A commit after an error is a rollback that nobody hears of."""
    _, dsn = shop
    migrate(dsn)
    do(dsn, "create role linked")
    with psycopg.connect(dsn, autocommit=True) as connection:

        def on_progress(_: Progress) -> None:
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement.encode())

        with pytest.raises(MigrationError, match="on_progress broke or ended"):
            migrate(connection, link="linked", on_progress=on_progress)
    assert [step.action for step in plan(dsn, link="linked").steps] == ["link"]


# --- applications' tables -------------------------------------------------------------------------


def test_link_lets_a_role_refer_to_accounts(shop: tuple[EmbeddedServer, str]) -> None:
    server, dsn = shop
    do(server.dsn(), 'create role "the app" login; create role other login')
    do(dsn, 'create schema orders authorization "the app"')
    result = migrate(dsn, link="the app")
    assert result.linked == ("the app",)
    mine = as_user(dsn, "the app")
    do(
        mine,
        "create table orders.customer (account_id text not null references pgledger.accounts (id))",
    )
    do(dsn, 'grant pgledger_poster, pgledger_reader to "the app"')
    with psycopg.connect(mine) as connection:
        row = connection.execute("select id from pgledger_create_account('one', 'USD')").fetchone()
        connection.execute("insert into orders.customer values (%s)", row)
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation),
        psycopg.connect(mine) as connection,
    ):
        connection.execute("insert into orders.customer values ('pgla_none')")
    # It may refer to accounts and nothing else.
    for forbidden in ("select id from pgledger.accounts", "select pgledger.clock()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(mine, forbidden)
    assert not migrate(dsn, link="the app").changed
    assert migrate(dsn, link=["the app", "other"]).linked == ("other",)
    assert [(s.action, s.name) for s in plan(dsn, link="other").steps] == []


def test_link_of_nobody_is_refused(server: EmbeddedServer, database: NewDatabase) -> None:
    fresh, installed = database(), database()
    with pytest.raises(MigrationError, match="no role named nobody"):
        migrate(fresh, link="nobody")
    assert is_empty(fresh)
    migrate(installed)
    refused(server, installed, "no role named nobody", link="nobody")


def test_a_link_needs_trust_on_every_version(
    shop: tuple[EmbeddedServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, dsn = shop
    do(server.dsn(), "create role linked login; create role beside login")
    migrate(dsn, link="beside")
    for answer in (None, "", "0", "yes"):
        if answer is None:
            monkeypatch.delenv(migrator.TRUST_VARIABLE)
        else:
            monkeypatch.setenv(migrator.TRUST_VARIABLE, answer)
        for call in (migrate, plan):
            with pytest.raises(MigrationError, match="so linked could rewrite") as refusal:
                call(dsn, link=["beside", "linked"])
            assert f"set {migrator.TRUST_VARIABLE}=1" in str(refusal.value)
    # What was linked before is left as it is.
    assert not migrate(dsn, link="beside").changed


# --- one file -------------------------------------------------------------------------------------


def psql_file(
    server: EmbeddedServer, dsn: str, path: Path, *, options: str = "", check: bool = True
) -> subprocess.CompletedProcess[str]:
    target = make_conninfo(dsn, options=options) if options else dsn
    return server.run(
        "psql",
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        str(path),
        f"--dbname={target}",
        check=check,
    )


def test_generated_file_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_sql.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_psql_installs_what_migrate_installs_and_migrate_takes_over(
    server: EmbeddedServer, database: NewDatabase, tree: Tree
) -> None:
    migrated, installed = database(), database()
    migrate(migrated)
    assert psql_file(server, installed, SQL / "pgledger.sql").stdout == ""
    assert everything(server, installed) == everything(server, migrated)
    assert not migrate(installed).changed
    assert status(installed).up_to_date
    use_the_ledger(installed)
    files = tree({**UPGRADE, **CONCURRENT_INDEX})
    migrate(installed, sql_dir=files)
    migrate(migrated, sql_dir=files)
    assert everything(server, installed) == everything(server, migrated)


def test_psql_twice_is_refused_and_changes_nothing(
    server: EmbeddedServer, database: NewDatabase
) -> None:
    dsn = database()
    psql_file(server, dsn, SQL / "pgledger.sql")
    before = everything(server, dsn)
    done = psql_file(server, dsn, SQL / "pgledger.sql", check=False)
    assert done.returncode != 0
    assert "is installed in the database" in done.stderr
    assert "pgledger migrate" in done.stderr
    # Also where psql goes on after an error, as it does by default.
    server.run("psql", "-X", "-q", "-f", str(SQL / "pgledger.sql"), f"--dbname={dsn}")
    assert everything(server, dsn) == before


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_store_all_characters_is_refused(
    shop: tuple[EmbeddedServer, str], encoding: str
) -> None:
    server, _ = shop
    settings = f"encoding '{encoding}' locale_provider libc locale 'C' template template0"
    do(server.dsn(), f"create database narrow {settings}")
    dsn = server.dsn("narrow")
    for refuse in (plan, migrate):
        with pytest.raises(MigrationError, match=f"has the encoding {encoding}; .* needs UTF8"):
            refuse(dsn)
    done = psql_file(server, dsn, SQL / "pgledger.sql", check=False)
    assert f"has the encoding {encoding}; pgledger needs UTF8" in done.stderr
    assert "template template0" in done.stderr
    assert is_empty(dsn)


def test_psql_into_another_schema(
    server: EmbeddedServer, database: NewDatabase, tmp_path: Path
) -> None:
    migrated, by_dump = database(), database()
    migrate(migrated, schema="money")
    path = tmp_path / "dump.sql"
    path.write_text(dump("money"))
    psql_file(server, by_dump, path)
    assert everything(server, by_dump) == everything(server, migrated)
    odd = database()
    path.write_text(dump(ODD_NAME))
    psql_file(server, odd, path)
    assert not migrate(odd, schema=ODD_NAME).changed
    use_the_ledger(odd, ODD_NAME)


@pytest.mark.parametrize("roles", [True, False])
def test_psql_as_the_plain_owner_of_the_database(
    shop: tuple[EmbeddedServer, str], tmp_path: Path, roles: bool
) -> None:
    server, dsn = shop
    do(server.dsn(), "create database other owner app")
    if roles:
        do(server.dsn(), "alter role app createrole")
    path = tmp_path / "dump.sql"
    path.write_text(dump(roles=roles))
    psql_file(server, as_user(dsn, "app"), path)
    migrate(as_user(server.dsn("other"), "app"), roles=roles)
    assert everything(server, dsn) == everything(server, server.dsn("other"))
    assert owners(dsn) == (OWNERS if roles else {"app"})
    assert not migrate(as_user(dsn, "app")).changed
    use_the_ledger(as_user(dsn, "app"))


def test_dump_holds_a_concurrent_index(
    server: EmbeddedServer, database: NewDatabase, tree: Tree, tmp_path: Path
) -> None:
    migrated, installed = database(), database()
    files = tree({**UPGRADE, **CONCURRENT_INDEX})
    migrate(migrated, sql_dir=files)
    path = tmp_path / "dump.sql"
    path.write_text(dump(sql_dir=files))
    psql_file(server, installed, path)
    assert everything(server, installed) == everything(server, migrated)


# --- into another server --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["plain", "custom"])
@pytest.mark.parametrize("who", ["superuser", "owner of the database"])
def test_restored_into_another_server_everything_works(
    shop: tuple[EmbeddedServer, str],
    database: NewDatabase,
    server: EmbeddedServer,
    tmp_path: Path,
    form: str,
    who: str,
) -> None:
    target, dsn = shop
    source = database()
    migrate(source, schema="money")
    use_the_ledger(source, "money")
    data = "select * from money.pgledger_entries_v1 order by id"
    saved = tmp_path / "saved"
    server.run("pg_dump", f"--format={form}", f"--file={saved}", f"--dbname={source}")

    # What a restore needs first, and all that it needs.
    mine = dsn if who == "superuser" else as_user(dsn, "app")
    statements = roles_sql("money", None if who == "superuser" else "app")
    target.run("psql", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=statements)
    around = re.findall("--   ((?:alter default|revoke create).*;)", statements)
    if who != "superuser":
        do(mine, around[0])
    if form == "plain":
        target.run("psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", str(saved), f"--dbname={mine}")
    else:
        target.run("pg_restore", "--exit-on-error", f"--dbname={mine}", str(saved))
    if who != "superuser":
        for statement in around[1:]:
            do(mine, statement)
        assert query(dsn, "select count(*) from pg_default_acl") == [(0,)]

    assert query(dsn, data) == query(source, data)
    assert len(query(dsn, data)) == 2
    assert status(mine).up_to_date
    assert owners(dsn) == OWNERS
    assert _immutable(dsn) == _immutable(source)
    use_the_ledger(mine, "money")
    assert not migrate(mine).changed


def _immutable(dsn: str) -> list[tuple[Any, ...]]:
    return query(
        dsn,
        "select tgname, tgrelid::regclass::text, tgenabled from pg_trigger "
        "where not tgisinternal order by 2, 1",
    )


def test_restored_database_can_be_upgraded(
    shop: tuple[EmbeddedServer, str],
    database: NewDatabase,
    server: EmbeddedServer,
    tmp_path: Path,
    tree: Tree,
) -> None:
    target, dsn = shop
    source, saved = database(), tmp_path / "saved.sql"
    migrate(source)
    server.run("pg_dump", f"--file={saved}", f"--dbname={source}")
    target.run("psql", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=roles_sql("public", "app"))
    target.run("psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", str(saved), f"--dbname={dsn}")
    files = tree({**UPGRADE, **CONCURRENT_INDEX})
    migrate(as_user(dsn, "app"), sql_dir=files)
    migrate(source, sql_dir=files)
    assert _definitions(dsn) == _definitions(source)
    use_the_ledger(dsn)


# --- SQL as text ----------------------------------------------------------------------------------


def test_statements_are_split_where_they_end() -> None:
    text = """
    -- one; comment
    create index concurrently a on b (c) where d = 'x;y''z;';
    /* nested /* ; */ ; */
    do $body$ begin perform 1; end; $body$;
    select "odd;name", $$;$$, E'\\';', a$b, $1 from t;
    ;
    -- the end;
    """
    statements = split_statements(text)
    assert len(statements) == 3
    assert statements[0].endswith("where d = 'x;y''z;'")
    assert statements[1].endswith("$body$ begin perform 1; end; $body$")
    assert statements[2].endswith("from t")


def test_grants_to_our_roles_become_grants_to_the_current_role() -> None:
    text = """
    grant select on table a to pgledger_reader;
    grant execute on function f(text, text)
      to pgledger_poster,
         pgledger_auditor;
    GRANT SELECT ON x TO pgledger_owner WITH GRANT OPTION;
    grant select on y to somebody, pgledger_reader;
    -- grant select on z to pgledger_reader;
    do $$ begin
    grant select on w to pgledger_reader;
    end $$;
    select 'grant select on v to pgledger_reader;';
    grant select on u to pgledger_tenant;
    grant select on t to pgledger_tenant_views, pgledger_tenant;
    create policy p on s for select to pgledger_tenant_views using (a = current_user);
    create policy q on r
    for all to pgledger_tenant,
      pgledger_auditor
    with check (true);
    alter view o owner to pgledger_tenant_views;
    alter view n owner to pgledger_tenants;
    -- alter view m owner to pgledger_tenant_views;
    """
    changed = without_roles(text)
    assert changed.count("current_user") == 9
    assert "on table a to current_user;" in changed
    assert "to current_user;\n    GRANT" in changed
    assert "x TO current_user WITH GRANT OPTION;" in changed
    assert "somebody, pgledger_reader" in changed
    assert "on z to pgledger_reader" in changed
    assert "on w to pgledger_reader" in changed
    assert "on v to pgledger_reader" in changed
    assert "on u to current_user;" in changed
    assert "on t to current_user;" in changed
    assert "for select to current_user using (a = current_user);" in changed
    assert "for all to current_user\n    with check (true);" in changed
    assert "alter view o owner to current_user;" in changed
    assert "alter view n owner to pgledger_tenants;" in changed
    assert "alter view m owner to pgledger_tenant_views;" in changed


def test_no_file_names_our_roles_except_where_it_grants() -> None:
    # Otherwise it could not be installed without them.
    for file in load_files():
        left = sqltext.mask(without_roles(file.text))
        names = r"\bpgledger_(owner|poster|reader|auditor|tenant|tenant_views)\b"
        assert not re.search(names, left), file.name


def test_roles_script_needs_nothing_but_a_database(shop: tuple[EmbeddedServer, str]) -> None:
    server, dsn = shop
    for _ in range(2):
        done = server.run(
            "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}", input=roles_sql()
        )
        assert done.stdout == done.stderr == ""
    assert query(dsn, r"select count(*) from pg_roles where rolname like 'pgledger\_%'") == [(6,)]


def test_terminated_while_waiting_leaves_no_lock(
    database: NewDatabase, wait_until_blocked: WaitUntilBlocked
) -> None:
    dsn = database()
    process = subprocess.Popen(
        [sys.executable, "-m", "pgledger", "migrate", dsn],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with psycopg.connect(dsn) as other, process:
        other.execute("select pg_advisory_xact_lock(%s)", (PRIVATE_LOCK,))
        for line in process.stdout:
            if "waiting" in line or "Installed" in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        other.rollback()
    assert process.returncode in {0, 130}
    assert _locks(dsn) == 0


def test_pooler_that_changes_sessions_is_noticed(
    server: EmbeddedServer, database: NewDatabase, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn, fresh = database(), database()
    files = tree({**UPGRADE, **CONCURRENT_INDEX})
    migrate(dsn)
    # Between transactions a pooler may hand over another session, one that holds no lock.
    with monkeypatch.context() as patch:
        patch.setattr(run.Run, "_take_session_lock", lambda _: None)
        with pytest.raises(MigrationError, match="a pooler gives") as raised:
            migrate(dsn, sql_dir=files)
    assert "directly" in raised.value.hint
    migrate(dsn, sql_dir=files)
    migrate(fresh, sql_dir=files)
    assert everything(server, dsn) == everything(server, fresh)
