"""The ledger stays shut: after every restore, under default privileges, and when somebody turns one
screw. What differs is told by status, plan and verify, and migrate puts it right.

A database is compared with a fresh one by what PostgreSQL's catalogs say, asked for here and not by
the functions under test.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import MigrationError, dump, migrate, plan, roles_sql, status, verify
from support.server import running_server

SQL: Final = Path(__file__).resolve().parents[2] / "sql"

Rows = list[tuple[Any, ...]]


def query(dsn: str, text: str, parameters: Sequence[Any] = ()) -> Rows:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(text.encode(), parameters or None).fetchall()


def do(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


STANDS: Final = """
  with home as (select oid from pg_namespace where nspname in ('pgledger', %(surface)s)),
  object (kind, name, owner, acl, more) as (
    select 'schema', nspname::text, nspowner, coalesce(nspacl, acldefault('n', nspowner)), ''
    from pg_namespace where nspname = 'pgledger'
    union all
    select
      relkind::text, relname::text, relowner,
      coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)),
      concat(relrowsecurity, relforcerowsecurity, reloptions)
    from pg_class where relnamespace in (table home) and relkind in ('r', 'v', 'S')
    union all
    select 'column', attrelid::regclass || '.' || attname, relowner, attacl, ''
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace in (table home) and attacl <> '{}'
    union all
    select
      'type', typname::text, typowner, coalesce(typacl, acldefault('T', typowner)), typtype::text
    from pg_type where typnamespace in (table home)
    union all
    select
      'function', proname || oidvectortypes(proargtypes), proowner,
      coalesce(proacl, acldefault('f', proowner)), concat(prosecdef, proconfig, prosrc)
    from pg_proc where pronamespace in (table home)
  )
  select
    object.kind, object.name, pg_get_userbyid(object.owner),
    array(select entry::text from unnest(object.acl) as entry order by 1), object.more
  from object
  union all
  select
    'trigger', tgrelid::regclass || '.' || tgname, tgenabled::text, '{}',
    pg_get_triggerdef(oid)
  from pg_trigger where tgrelid in (select oid from pg_class where relnamespace in (table home))
    and not tgisinternal
  union all
  select
    'foreign key', tgrelid::regclass::text, tgenabled::text, '{}', count(*)::text
  from pg_trigger where tgrelid in (select oid from pg_class where relnamespace in (table home))
    and tgisinternal
  group by tgrelid, tgenabled
  union all
  select
    'policy', polrelid::regclass || '.' || polname, polcmd::text, polroles::regrole[]::text[],
    pg_get_expr(polqual, polrelid)
  from pg_policy
  order by 1, 2, 3, 5
"""


def stands(dsn: str, schema: str = "public") -> Rows:
    """Returns owner, privileges and settings of all that is ours."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set search_path = pg_catalog")
        return connection.execute(STANDS.encode(), {"surface": schema}).fetchall()


def findings(dsn: str) -> dict[str, str]:
    """Returns the checks that found something, with an example."""
    return {check.check_name: check.example or "" for check in verify(dsn) if check.violations}


def texts(dsn: str) -> list[str]:
    return [fault.text for fault in status(dsn).faults]


def move(dsn: str, schema: str = "public") -> None:
    """Makes a transfer."""
    with psycopg.connect(dsn) as connection:
        connection.execute(sql.SQL("set search_path to {}").format(sql.Identifier(schema)))
        connection.execute(
            "select pgledger_create_transfer(one.id, two.id, 5)"
            " from pgledger_create_account('one', 'USD') as one,"
            " pgledger_create_account('two', 'USD') as two"
        )


@pytest.fixture(scope="module")
def other_server() -> Iterator[EmbeddedServer]:
    """Another server, with roles of an application, and none of ours before each test."""
    with running_server() as server:
        do(server.dsn(), "create role app login createrole; create role anon_x login")
        yield server


@pytest.fixture
def other(other_server: EmbeddedServer) -> Iterator[Callable[[str], str]]:
    """Makes a database of that name on the other server, and removes it and our roles."""
    made: list[str] = []

    def create(name: str) -> str:
        do(other_server.dsn(), f"create database {name} owner app")
        made.append(name)
        return other_server.dsn(name)

    yield create
    for name in made:
        do(other_server.dsn(name), "drop owned by anon_x, app")
        do(other_server.dsn(), f"drop database {name} with (force)")
    for (role,) in query(
        other_server.dsn(), r"select rolname from pg_roles where rolname ~ '^pgl'"
    ):
        do(other_server.dsn(), f"drop role {role}")


@pytest.fixture
def saved(server: EmbeddedServer, ledger_dsn: str, tmp_path: Path) -> Path:
    """A dump of books with a transfer."""
    move(ledger_dsn)
    path = tmp_path / "saved"
    server.run("pg_dump", "--format=custom", f"--file={path}", f"--dbname={ledger_dsn}")
    return path


def as_user(dsn: str, user: str) -> str:
    return make_conninfo(dsn, user=user)


# --- default privileges ---------------------------------------------------------------------------


def open_everything(dsn: str, role: str, schema: str | None) -> None:
    """Lets whatever the role makes be everybody's, as a hosted platform may."""
    where = f"for role {role}" + (f" in schema {schema}" if schema else "")
    kinds = ["functions", "tables", "sequences", "types", *([] if schema else ["schemas"])]
    for kind in kinds:
        do(dsn, f"alter default privileges {where} grant all on {kind} to public")
        do(
            dsn,
            f"alter default privileges {where} grant all on {kind} to anon_x with grant option",
        )


def install(server: EmbeddedServer, dsn: str, way: str, schema: str, *, roles: bool) -> None:
    if way == "migrate":
        assert migrate(dsn, schema=schema, roles=roles).mended == ()
        return
    server.run(
        "psql",
        *("-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={dsn}"),
        input=dump(schema, roles=roles),
    )


@pytest.mark.parametrize("way", ["migrate", "dump"])
@pytest.mark.parametrize("roles", [True, False])
@pytest.mark.parametrize("scope", ["everywhere", "in the schema"])
def test_default_privileges_open_nothing(other_server, other, way, roles, scope):
    plain, opened = other("plain"), other("opened")
    user = "postgres" if roles else "app"
    schema = "money" if scope == "everywhere" else "public"
    do(plain, "create role pgledger_owner; grant pgledger_owner to app")
    migrate(as_user(plain, user), schema=schema, roles=roles)
    for role in {user, "pgledger_owner"}:
        open_everything(opened, role, None if scope == "everywhere" else schema)
    if scope != "everywhere":
        open_everything(opened, "pgledger_owner", None)
    install(other_server, as_user(opened, user), way, schema, roles=roles)
    assert stands(opened, schema) == stands(plain, schema)
    surface = (
        "select coalesce(nspacl, acldefault('n', nspowner))::text from pg_namespace"
        " where nspname = %s"
    )
    assert query(opened, surface, [schema]) == query(plain, surface, [schema])
    assert status(as_user(opened, user)).faults == ()
    assert status(as_user(opened, user)).others_rights == ()
    assert findings(as_user(opened, user)) == {}
    assert not migrate(as_user(opened, user)).changed


def test_default_privileges_open_nothing_that_an_upgrade_brings(other, tmp_path):
    """What was granted on purpose before, on what was there, stays."""
    dsn, files = other("upgraded"), tmp_path / "sql"
    shutil.copytree(SQL, files)
    (files / "repeatable/00_core/ids/pgledger_generate_id.sql").unlink()
    migrate(dsn, roles=False, sql_dir=files)
    do(dsn, "grant execute on function pgledger_id_timestamp to anon_x")
    open_everything(dsn, "postgres", None)
    assert migrate(dsn).applied
    held = "select has_function_privilege('anon_x', %s, 'execute')"
    assert query(dsn, held, ["pgledger_generate_id(text)"]) == [(False,)]
    assert query(dsn, held, ["pgledger_id_timestamp(text)"]) == [(True,)]
    assert status(dsn).faults == ()


# --- restores -------------------------------------------------------------------------------------

LOSSES: Final = {
    "neither": ("--no-owner", "--no-acl"),
    "no owners": ("--no-owner",),
    "no privileges": ("--no-acl",),
    "all": (),
}


@pytest.mark.parametrize("roles_first", [True, False])
@pytest.mark.parametrize("lost", LOSSES)
def test_a_restore_is_shut_again(other_server, other, saved, lost, roles_first):
    dsn, fresh = other("restored"), other("fresh")
    if roles_first:
        do(dsn, roles_sql())
    is_whole = roles_first and lost == "all"
    # Without the roles a restore complains of them, and goes on.
    other_server.run("pg_restore", f"--dbname={dsn}", *LOSSES[lost], str(saved), check=is_whole)
    if not is_whole:
        told = texts(dsn)
        assert told
        assert [step.name for step in plan(dsn).steps if step.action == "mend"] == told
        assert findings(dsn)
        mended = migrate(dsn).mended
        assert set(told) <= set(mended)
    migrate(fresh)
    assert stands(dsn) == stands(fresh)
    assert texts(dsn) == []
    assert findings(dsn) == {}
    assert plan(dsn).steps == ()
    assert not migrate(dsn).changed
    assert query(dsn, "select amount from pgledger_transfers_view") == [(5,)]
    move(dsn)


def test_a_restore_with_the_roles_of_the_server_is_whole(
    server, other_server, other, saved, tmp_path
):
    """As pg_dumpall does it: roles and memberships first, then each database."""
    do(server.dsn(), "create role clerk login; grant pgledger_poster to clerk")
    roles = tmp_path / "roles.sql"
    try:
        server.run("pg_dumpall", "--roles-only", f"--file={roles}", f"--dbname={server.dsn()}")
    finally:
        do(server.dsn(), "drop role clerk")
    dsn = other("restored")
    # It makes every role of the server, those that are here already too.
    other_server.run("psql", "-X", "-q", f"--dbname={dsn}", f"--file={roles}")
    try:
        other_server.run("pg_restore", "--exit-on-error", f"--dbname={dsn}", str(saved))
        assert texts(dsn) == []
        assert findings(dsn) == {}
        assert not migrate(dsn).changed
        move(as_user(dsn, "clerk"))
    finally:
        do(dsn, "drop role clerk")


def test_a_restore_opens_to_everybody_until_it_is_mended(other_server, other, saved):
    dsn = other("restored")
    other_server.run(
        "pg_restore", f"--dbname={dsn}", "--no-owner", "--no-acl", str(saved), check=False
    )
    stranger = as_user(dsn, "anon_x")
    move(stranger)
    assert "everybody may execute the function public.pgledger_create_transfer(" in "\n".join(
        texts(dsn)
    )
    migrate(dsn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        move(stranger)


def test_a_restore_stays_without_roles_where_that_is_asked_for(other_server, other, saved):
    dsn, fresh = other("restored"), other("fresh")
    mine = as_user(dsn, "app")
    other_server.run(
        "pg_restore", f"--dbname={mine}", "--no-owner", "--no-acl", str(saved), check=False
    )
    assert "the role pgledger_owner is missing" in texts(mine)
    assert migrate(mine, roles=False).mended
    migrate(as_user(fresh, "app"), roles=False)
    assert stands(dsn) == stands(fresh)
    assert texts(mine) == []
    assert findings(mine) == {}
    # Later runs keep to it.
    assert not migrate(mine).changed
    assert query(dsn, "select count(*) from pg_roles where rolname ~ '^pgledger'") == [(0,)]


def test_the_owner_of_the_database_mends_what_he_restored(other_server, other, saved):
    dsn, fresh = other("restored"), other("fresh")
    mine = as_user(dsn, "app")
    other_server.run(
        "pg_restore", f"--dbname={mine}", "--no-owner", "--no-acl", str(saved), check=False
    )
    assert migrate(mine).mended
    migrate(fresh)
    assert stands(dsn) == stands(fresh)
    assert not migrate(mine).changed


def test_who_may_not_hand_it_over_is_told(other_server, other, saved):
    dsn = other("restored")
    do(dsn, roles_sql("public", "app"))
    other_server.run("pg_restore", f"--dbname={dsn}", "--no-owner", str(saved))
    before = stands(dsn)
    with pytest.raises(MigrationError, match=r"may not hand it over|not a member") as raised:
        migrate(as_user(dsn, "app"))
    assert "superuser" in raised.value.hint or "grant" in raised.value.hint
    assert stands(dsn) == before


def test_a_restore_of_data_with_triggers_disabled_leaves_them_off_in_replicas(
    other_server, other, saved
):
    dsn, fresh = other("restored"), other("fresh")
    do(dsn, roles_sql())
    other_server.run("pg_restore", f"--dbname={dsn}", "--schema-only", str(saved))
    other_server.run(
        "pg_restore", f"--dbname={dsn}", "--data-only", "--disable-triggers", str(saved)
    )
    assert "the trigger transfers_never_change of pgledger.transfers is not always on" in texts(dsn)
    assert "triggers that keep records unchanged stand and are always on" in findings(dsn)
    mended = migrate(dsn).mended
    ((guards,),) = query(
        dsn,
        "select count(*) from pg_trigger join pg_class on pg_class.oid = tgrelid"
        " where relnamespace = 'pgledger'::regnamespace and tgenabled = 'A'",
    )
    assert len(mended) == guards > 6
    migrate(fresh)
    assert stands(dsn) == stands(fresh)
    assert findings(dsn) == {}


def test_what_was_planted_before_a_restore_is_refused_and_then_made(other_server, other, saved):
    """The owner of the database must not end with a stranger's body that runs as the owner."""
    dsn, fresh = other("restored"), other("fresh")
    do(dsn, "grant create on schema public to anon_x")
    do(
        as_user(dsn, "anon_x"),
        "create function public.pgledger_generate_id(prefix text) returns text"
        " language sql security definer as $$ select 'mine' $$",
    )
    do(dsn, "revoke create on schema public from anon_x")
    other_server.run("pg_restore", f"--dbname={dsn}", str(saved), check=False)
    with pytest.raises(
        MigrationError, match=r"pgledger_generate_id\(prefix text\) belongs to anon_x"
    ):
        migrate(dsn)
    do(dsn, "drop function public.pgledger_generate_id(text)")
    migrate(dsn)
    migrate(fresh)
    assert stands(dsn) == stands(fresh)


# --- one thing at a time --------------------------------------------------------------------------

FUNCTION: Final = "pgledger_balance_at(text, timestamptz, text, text)"
# What is done, and what is said of it. A restore without owners makes all the restoring role's.
TURNS: Final = {
    "alter schema pgledger owner to postgres": "the schema pgledger belongs to postgres",
    "alter table pgledger.accounts owner to postgres": "pgledger.accounts",
    "alter view pgledger_accounts_v1 owner to postgres": "accounts_v1",
    "alter view ledger_tenant_plans owner to pgledger_owner": "tenant_plans",
    f"alter function {FUNCTION} owner to postgres": "balance_at",
    "alter type ledger_plan owner to postgres": "the type public.ledger_plan",
    "alter sequence pgledger.usage_calls_seq owner to postgres": "calls_seq",
    "alter function pgledger.guard_faults owner to postgres": "guard_faults",
    f"grant execute on function {FUNCTION} to public": "everybody may execute",
    "grant usage on schema pgledger to public": "everybody may use the schema pgledger",
    "grant select on pgledger.transfers to public": "everybody may select the table",
    "grant select (id) on pgledger.transfers to public": "may select column id of the table",
    "grant usage on sequence pgledger.accounts_key_seq to public": "everybody may use the sequence",
    "grant usage on type ledger_plan to public": "everybody may use the type",
    "grant select on pgledger_accounts_view to public": "everybody may select the view",
    "grant update on pgledger.accounts to pgledger_poster": "pgledger_poster may update",
    "grant select on pgledger_entries_v1 to pgledger_tenant": "pgledger_tenant may select",
    f"grant execute on function {FUNCTION} to pgledger_reader with grant option": "let others",
    "create role mallet; grant update on pgledger.accounts to mallet": "mallet may update",
    "create role mallet; grant references on pgledger.accounts to mallet": "may refer to",
    "create role mallet; grant create on schema pgledger to mallet": "may create objects",
    "create role mallet; grant execute on function pgledger.clock to mallet": "pgledger.clock",
    f"revoke all on function {FUNCTION} from pgledger_reader": "pgledger_reader may not exec",
    "revoke select on pgledger.accounts from pgledger_auditor": "pgledger_auditor may not select",
    "revoke usage on schema pgledger from pgledger_auditor": "may not use the schema pgledger",
    "alter table pgledger.transfers disable trigger transfers_never_change": "not always on",
    "alter table pgledger.transfers enable trigger transfers_never_change": "not always on",
    "drop trigger transfers_never_change on pgledger.transfers": "is missing",
    "alter table pgledger.invoices disable trigger all": "the foreign key",
    "alter table pgledger.plans disable row level security": "is to have row security",
    "alter table pgledger.plans force row level security": "forced row security",
    "alter table pgledger.accounts enable row level security": "is to have no row security",
    "drop policy tenants_read_their_own on pgledger.plans": "is missing",
    "alter policy tenants_read_their_own on pgledger.plans using (true)": "another than it was",
    "alter policy tenants_read_their_own on pgledger.plans to pgledger_tenant": "another than it",
    "create policy mine on pgledger.plans using (true)": "is for everybody",
    "create policy mine on pgledger.plans to pgledger_tenant_views using (true)": "the policy mine",
    f"alter function {FUNCTION} security invoker": "to have the settings (security definer,",
    f"alter function {FUNCTION} reset search_path": "and has (security definer)",
    f"alter function {FUNCTION} set search_path = public": "search_path=public)",
    "alter function pgledger.clock() security definer": "pgledger.clock",
    "alter view ledger_tenant_plans reset (security_barrier)": "=true), and has ()",
    "alter view pgledger_accounts_v1 set (security_invoker = true)": "has (security_invoker=true)",
    "drop view pgledger_errors_v1": "the view pgledger_errors_v1 is missing",
    f"drop function {FUNCTION}": "the function pgledger_balance_at(",
}


@pytest.mark.parametrize("turn", TURNS)
def test_each_screw_that_is_turned_is_told_and_turned_back(ledger_dsn, turn):
    before = stands(ledger_dsn)
    do(ledger_dsn, turn)
    try:
        assert stands(ledger_dsn) != before
        told = texts(ledger_dsn)
        assert TURNS[turn] in "\n".join(told)
        try:
            assert findings(ledger_dsn)
        except (psycopg.errors.InsufficientPrivilege, MigrationError):
            # Without what the owner needs to verify, that is told instead.
            assert " owner to " in turn
        assert [step.name for step in plan(ledger_dsn).steps if step.action == "mend"] == told
        result = migrate(ledger_dsn)
        assert set(told) <= set(result.mended)
        assert result.warnings == ()
        assert stands(ledger_dsn) == before
        assert findings(ledger_dsn) == {}
        assert not migrate(ledger_dsn).changed
    finally:
        do(
            ledger_dsn,
            "drop owned by mallet; drop role mallet" if "mallet" in turn else "",
        )


def command(dsn: str, *arguments: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pgledger", *arguments, dsn],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, done.stderr


def test_the_command_says_so(ledger_dsn):
    fault = f"everybody may execute the function public.{FUNCTION}"
    fault = fault.replace("timestamptz", "timestamp with time zone")
    do(ledger_dsn, f"grant execute on function {FUNCTION} to public")
    printed, warned = command(ledger_dsn, "status")
    assert "Up to date" in printed
    assert "1 fault in how it stands" in warned
    assert f"  {fault}\n" in warned
    listed = json.loads(command(ledger_dsn, "status", "--json")[0])
    assert listed["faults"] == [{"aspect": "rights", "text": fault, "mended_by": "owner"}]
    assert listed["others_rights"] == []
    assert f"  mend: {fault}\n" in command(ledger_dsn, "plan")[0]
    assert fault in command(ledger_dsn, "verify")[0]
    printed, _ = command(ledger_dsn, "migrate")
    assert f"  mended: {fault}\n" in printed
    assert "Put right 1 fault in how it stands." in printed
    assert "in how it stands" not in command(ledger_dsn, "status")[1]


# --- what others were given -----------------------------------------------------------------------

GIVEN: Final = (
    f"grant execute on function {FUNCTION} to clerk",
    "grant select on pgledger_accounts_view to clerk with grant option",
    "grant all on ledger_plans to clerk",
    "grant usage on schema pgledger to clerk",
    "grant select on pgledger.transfers to clerk",
    "grant select (id, name) on pgledger.accounts to clerk",
    "grant references (id) on pgledger.accounts to clerk",
    "grant execute on function pgledger.error_registry to clerk",
    "grant usage on type ledger_plan to clerk",
    "create policy clerks on pgledger.plans for select to clerk using (true)",
)


def test_what_an_administrator_gave_stays_and_is_listed(ledger_dsn):
    do(ledger_dsn, "create role clerk")
    try:
        for statement in GIVEN:
            do(ledger_dsn, statement)
        before = stands(ledger_dsn)
        others = status(ledger_dsn).others_rights
        for words in (
            "clerk may execute the function public.pgledger_balance_at(text, timestamp",
            "clerk may select the view public.pgledger_accounts_view, and let others",
            "clerk may refer to column id of the table pgledger.accounts",
            "the policy clerks of pgledger.plans is for clerk",
        ):
            assert words in "\n".join(others)
        assert status(ledger_dsn).faults == ()
        assert findings(ledger_dsn) == {}
        assert not migrate(ledger_dsn).changed
        do(
            ledger_dsn,
            "update pgledger.schema_history set sha256 = repeat('0', 64) where kind = 'repeatable'",
        )
        assert migrate(ledger_dsn).applied
        assert stands(ledger_dsn) == before
    finally:
        do(ledger_dsn, "drop owned by clerk; drop role clerk")


def test_who_passed_a_right_on_to_everybody_loses_that_and_nothing_else(ledger_dsn):
    do(ledger_dsn, "create role clerk")
    try:
        do(ledger_dsn, "grant select on pgledger_accounts_view to clerk with grant option")
        do(ledger_dsn, "set role clerk; grant select on pgledger_accounts_view to public")
        assert "everybody may select" in "\n".join(texts(ledger_dsn))
        assert migrate(ledger_dsn).mended
        held = "select has_table_privilege(%s, 'pgledger_accounts_view', 'select')"
        assert query(ledger_dsn, held, ["public"]) == [(False,)]
        assert query(ledger_dsn, held, ["clerk"]) == [(True,)]
    finally:
        do(ledger_dsn, "drop owned by clerk; drop role clerk")


def test_anybody_who_may_read_the_history_is_told(ledger_dsn, server):
    do(ledger_dsn, "create role checker login in role pgledger_auditor")
    try:
        do(ledger_dsn, "grant select on pgledger.transfers to public")
        assert len(texts(as_user(ledger_dsn, "checker"))) == 1
        assert len(findings(as_user(ledger_dsn, "checker"))) == 1
    finally:
        do(ledger_dsn, "drop owned by checker; drop role checker")


# --- the history ----------------------------------------------------------------------------------


def test_a_file_recorded_as_another_kind_is_refused(ledger_dsn):
    """The table refuses it, and where its check is gone status says so."""
    change = "update pgledger.schema_history set kind = 'repeatable' where name ~ '0003_'"
    with pytest.raises(psycopg.errors.CheckViolation, match="kind_is_what_the_name_says"):
        do(ledger_dsn, change)
    do(
        ledger_dsn,
        "alter table pgledger.schema_history"
        " drop constraint schema_history_kind_is_what_the_name_says_check",
    )
    do(ledger_dsn, change)
    seen = status(ledger_dsn)
    assert not seen.up_to_date
    assert "another kind than it is: migrations/0003_" in (seen.problem or "")
    with pytest.raises(MigrationError, match="another kind"):
        migrate(ledger_dsn)
    # A row without a file is judged by its name, too.
    do(ledger_dsn, "update pgledger.schema_history set kind = 'versioned' where name ~ '0003_'")
    do(
        ledger_dsn,
        "insert into pgledger.schema_history select 'migrations/9999_later.sql', 'repeatable',"
        " sha256, applied_at, package_version, with_roles from pgledger.schema_history limit 1",
    )
    with pytest.raises(MigrationError, match="another kind than it is: migrations/9999_later"):
        migrate(ledger_dsn)
