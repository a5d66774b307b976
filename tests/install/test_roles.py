"""Roles belong to a server: who backs up with them, whom they let in elsewhere, and who may not."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgledger.cli import main
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import (
    MigrationError,
    Progress,
    backup_sql,
    dump,
    migrate,
    roles_sql,
    status,
    verify,
)
from support.server import NewServer

ODD = 'nightly "dump"\n\'; drop'


def do(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(text.encode())


def query(dsn: str, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(text.encode(), parameters or None).fetchall()


@pytest.fixture
def shop(new_server: NewServer) -> EmbeddedServer:
    """A new server with a ledger in its database ``shop``, and a row that row security hides."""
    server = new_server()
    do(server.dsn(), "create database shop")
    migrate(server.dsn("shop"))
    do(
        server.dsn("shop"),
        "select ledger_create_plan('maps', 'pro', 'Pro', 'USD');"
        "create table public.orders (id integer);"
        "insert into public.orders values (7)",
    )
    return server


def psql(server: EmbeddedServer, text: str, dsn: str, *, check: bool = True) -> str:
    done = server.run(
        *("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}"), input=text, check=check
    )
    return str(done.stdout + done.stderr)


# --- backups --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop_backup", ODD])
def test_backup_role_saves_everything_and_changes_nothing(
    shop: EmbeddedServer, new_server: NewServer, tmp_path: Path, name: str
) -> None:
    for _ in range(2):
        assert psql(shop, backup_sql(name), shop.dsn("shop")) == ""
    mine = make_conninfo(shop.dsn("shop"), user=name)
    saved = tmp_path / "shop.dump"
    shop.run("pg_dump", "--format=custom", f"--file={saved}", f"--dbname={mine}")
    for statement in (
        "delete from pgledger.plans",
        "select ledger_create_plan('maps', 'x', 'X', 'USD')",
        "create table public.x ()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            do(mine, statement)

    other = new_server()
    do(other.dsn(), "create database shop")
    psql(other, roles_sql(), other.dsn("shop"))
    other.run("pg_restore", "--exit-on-error", f"--dbname={other.dsn('shop')}", str(saved))
    assert query(other.dsn("shop"), "select slug from pgledger.plans") == [("pro",)]
    assert query(other.dsn("shop"), "select id from public.orders") == [(7,)]
    assert [check for check in verify(other.dsn("shop")) if check.violations] == []


def test_role_that_reads_all_tables_is_no_backup_role_and_status_says_so(
    shop: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = shop.dsn("shop")
    do(dsn, "create role nightly login in role pg_read_all_data")
    mine = make_conninfo(dsn, user="nightly")
    done = shop.run("pg_dump", f"--dbname={mine}", check=False)
    assert "row-level security" in done.stderr
    done = shop.run("pg_dump", "--enable-row-security", "--data-only", f"--dbname={mine}")
    assert not re.search(r"\bpro\b", done.stdout)
    (warning,) = status(dsn).warnings
    assert "nightly may read every table" in warning
    assert warning.endswith("pgledger roles --backup nightly")
    assert main(["status", dsn]) == 0
    assert f"pgledger: warning: {warning}" in capsys.readouterr().err
    assert main(["roles", "--backup", "nightly"]) == 0
    psql(shop, capsys.readouterr().out, dsn)
    assert status(dsn).warnings == ()
    assert re.search(r"\bpro\b", shop.run("pg_dump", f"--dbname={mine}").stdout)


def test_backup_role_without_inheritance_is_completed(shop: EmbeddedServer) -> None:
    dsn = shop.dsn("shop")
    do(dsn, "create role nightly login noinherit bypassrls in role pg_read_all_data")
    psql(shop, backup_sql("nightly"), dsn)
    shop.run("pg_dump", f"--dbname={make_conninfo(dsn, user='nightly')}")


def test_who_may_not_make_a_backup_role_is_told_who_may(shop: EmbeddedServer) -> None:
    do(shop.dsn(), "create role clerk login")
    mine = make_conninfo(shop.dsn("shop"), user="clerk")
    told = psql(shop, backup_sql("nightly"), mine, check=False)
    assert "the role clerk may not make a role that backs up: permission denied" in told
    assert "A superuser may" in told
    assert query(shop.dsn(), "select from pg_roles where rolname = 'nightly'") == []


@pytest.mark.parametrize("name", ["", "x" * 64, "pg_backup", "pgledger_owner", "public", "a\0b"])
def test_names_that_no_backup_role_has(name: str) -> None:
    with pytest.raises(MigrationError) as raised:
        backup_sql(name)
    assert raised.value.hint


# --- one server, many databases -------------------------------------------------------------------


def test_where_roles_are_made_it_is_said_how_far_they_reach(new_server: NewServer) -> None:
    server = new_server()
    do(server.dsn(), "create database one; ")
    do(server.dsn(), "create database two")
    notes: list[list[str]] = []
    for name in ("one", "two"):
        seen: list[Progress] = []
        migrate(server.dsn(name), on_progress=seen.append)
        notes.append([progress.name for progress in seen if progress.event == "note"])
    ((note,), nothing) = notes
    assert nothing == []
    for text in (note, roles_sql()):
        assert "belong to the whole server" in text
        assert re.search(r"revoke connect on database \S+ from public", text)
        assert re.search(r"grant connect on database \S+ to", text)
        assert "--no-roles" in text


def test_poster_of_one_database_posts_in_another_until_it_is_closed(
    new_server: NewServer,
) -> None:
    """What status warns of is so, and what it says to do ends it."""
    server = new_server()
    for name in ("shop", "bank"):
        do(server.dsn(), f"create database {name}")
        migrate(server.dsn(name))
    do(server.dsn(), "create database other")
    do(server.dsn(), "create role teller login in role pgledger_poster")
    bank = make_conninfo(server.dsn("bank"), user="teller")
    post = "select id from pgledger_create_account('x', 'USD')"
    assert len(query(bank, post)) == 1
    (warning,) = status(server.dsn("bank")).warnings
    assert "everybody may connect to the database bank" in warning
    assert "in other databases of this server: shop." in warning
    found = re.search(r"run: (.*?);", warning)
    assert found is not None
    do(server.dsn(), found[1])
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        query(bank, post)
    assert status(server.dsn("bank")).warnings == ()
    # Each database is closed by itself.
    assert len(status(server.dsn("shop")).warnings) == 1
    do(server.dsn(), "grant connect on database bank to teller")
    assert len(query(bank, post)) == 1


def test_installation_without_roles_stands_alone(new_server: NewServer) -> None:
    server = new_server()
    do(server.dsn(), "create role app login")
    for name in ("shop", "bank"):
        do(server.dsn(), f"create database {name} owner app")
        migrate(make_conninfo(server.dsn(name), user="app"), roles=False)
    assert status(server.dsn("shop")).warnings == ()


def test_status_warns_of_a_surface_where_others_make_functions(shop: EmbeddedServer) -> None:
    dsn = shop.dsn("shop")
    assert status(dsn).warnings == ()
    do(dsn, "grant create on schema public to public")
    (warning,) = status(dsn).warnings
    found = re.search(r"Run: (.*)", warning)
    assert found is not None
    do(dsn, found[1])
    assert status(dsn).warnings == ()
    do(dsn, "create role host; alter schema public owner to host")
    (warning,) = status(dsn).warnings
    assert 'the schema "public" belongs to host, who could drop' in warning
    found = re.search(r"Run: (.*)", warning)
    assert found is not None
    do(dsn, found[1])
    assert status(dsn).warnings == ()


# --- who may not make them ------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["", "createrole"])
def test_owner_of_a_second_database_is_told_what_an_administrator_does(
    shop: EmbeddedServer, attribute: str
) -> None:
    do(shop.dsn(), f"create role host login {attribute}")
    do(shop.dsn(), "create database second owner host")
    mine = make_conninfo(shop.dsn("second"), user="host")
    if attribute and int(query(mine, "show server_version_num")[0][0]) < 160000:
        # Then who may make roles may also grant them.
        assert psql(shop, dump(), mine) == ""
        return
    told = psql(shop, dump(), mine, check=False)
    expected = "the role host may not make what pgledger needs first: membership of host in"
    assert expected in told
    assert "pgledger roles --for host" in told
    with pytest.raises(MigrationError, match=expected) as raised:
        migrate(mine)
    assert raised.value.statements == roles_sql("public", "host")
    psql(shop, raised.value.statements, shop.dsn("second"))
    assert psql(shop, dump(), mine) == ""
    assert status(mine).up_to_date


def test_grant_that_only_warns_is_no_endless_loop(shop: EmbeddedServer) -> None:
    do(shop.dsn(), "create role guest login; grant pgledger_owner to guest")
    do(shop.dsn(), "create database second")
    told = psql(shop, dump(), make_conninfo(shop.dsn("second"), user="guest"), check=False)
    assert "the role guest may not make what pgledger needs first: CREATE on the database" in told


def test_statements_for_an_administrator_run_nothing_of_others(shop: EmbeddedServer) -> None:
    """Operators in public that fit better than PostgreSQL's own."""
    dsn = shop.dsn("shop")
    do(
        dsn,
        "create role mallory login; grant create on schema public to mallory; set role mallory;"
        "create function public.spring(text[], text) returns text[] language plpgsql as"
        " $$ begin raise warning 'planted'; return $1; end $$;"
        "create operator public.|| (leftarg = text[], rightarg = text, function = public.spring);"
        "create function public.spring(integer, bigint) returns boolean language plpgsql as"
        " $$ begin raise warning 'planted'; return true; end $$;"
        "create operator public.>= (leftarg = integer, rightarg = bigint,"
        " function = public.spring)",
    )
    do(dsn, "revoke usage on schema public from pgledger_tenant")
    for script in (roles_sql(migrator="mallory"), backup_sql("nightly")):
        for path in ("public", "public, pg_catalog"):
            told = psql(
                shop, script, make_conninfo(dsn, options=f"-c search_path={path.replace(' ', '')}")
            )
            assert told == ""
