"""What others have put where pgledger should be: no command runs it, and none believes it.

mallory is a role without powers who was given CREATE on the database or on its schema public, or
who owns it. Whatever she plants says so when it runs, in a warning that also tells whether it could
make itself a superuser. The victim is a superuser.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgledger import Billing
from pgledger.cli import main
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import MigrationError, dump, load_files, migrate, plan, status, verify
from support.database import NewDatabase

SQL = Path(__file__).resolve().parents[2] / "sql"

# What runs it, and whether it gets further than that.
BODY = """
  begin
    begin
      execute 'reset role';
    exception when others then null;
    end;
    raise warning 'planted code ran in % as %', tg, (
      select current_user || case when rolsuper then ', a superuser' else '' end
      from pg_catalog.pg_roles where rolname = current_user
    );
"""


def function(name: str, arguments: str, result: str, end: str) -> str:
    body = BODY.replace("tg,", f"'{name}',")
    return (
        f"create function {name}({arguments}) returns {result} language plpgsql"
        f" as $planted$ {body} {end}; end $planted$;"
    )


@dataclass
class Victim:
    """A database, who attacks it, and what of the attack was seen.

    Attributes:
        dsn: For a superuser.
        mallory: Name of the attacker's role.
        alarms: Warnings of planted code that ran.
    """

    dsn: str
    mallory: str
    alarms: list[str] = field(default_factory=list)

    def run(self, text: str, user: str | None = None) -> None:
        """Runs statements as a superuser, or as somebody else."""
        dsn = make_conninfo(self.dsn, **({"user": user} if user else {}))
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(text.encode())

    def plant(self, *statements: str) -> None:
        self.run("; ".join(statements), self.mallory)

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn) as conn:
            conn.add_notice_handler(self.listen)
            yield conn

    def listen(self, notice: psycopg.errors.Diagnostic) -> None:
        if "planted" in (notice.message_primary or ""):
            self.alarms.append(notice.message_primary or "")

    def refuse(self, pattern: str, commands: Sequence[str] = ()) -> None:
        """Asserts that a superuser's commands refuse for a reason, and that nothing else ran."""
        for name in commands or COMMANDS:
            with self.connection() as conn:
                with pytest.raises(MigrationError, match=pattern) as raised:
                    COMMANDS[name](conn)
                assert raised.value.hint, name
            assert self.alarms == [], name


COMMANDS: Mapping[str, Callable[[psycopg.Connection[Any]], object]] = {
    "status": status,
    "plan": plan,
    "migrate": migrate,
    "verify": verify,
    "Billing.start": lambda conn: Billing(conn).start(),
}


@pytest.fixture
def victim(server: EmbeddedServer, database: NewDatabase) -> Iterator[Victim]:
    dsn = database()
    name = str(conninfo_to_dict(dsn)["dbname"])
    mallory = f"mallory of {name}"
    role = sql.Identifier(mallory)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("create role {} login").format(role))
        conn.execute(
            sql.SQL("grant create on database {} to {}").format(sql.Identifier(name), role)
        )
        conn.execute(sql.SQL("grant create on schema public to {}").format(role))
    yield Victim(dsn, mallory)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("alter database {} owner to current_user").format(sql.Identifier(name))
        )
        conn.execute(sql.SQL("drop owned by {} cascade").format(role))
        conn.execute(sql.SQL("drop role {}").format(role))


def give_database(victim: Victim) -> None:
    name = sql.Identifier(str(conninfo_to_dict(victim.dsn)["dbname"]))
    with psycopg.connect(victim.dsn, autocommit=True) as conn:
        conn.execute(
            sql.SQL("alter database {} owner to {}").format(name, sql.Identifier(victim.mallory))
        )


def as_mallory(victim: Victim) -> str:
    return make_conninfo(victim.dsn, user=victim.mallory)


HISTORY_COLUMNS = (
    "name text, kind text, sha256 text, applied_at timestamptz default now(), package_version text"
)
LOOK_ALIKE = (
    "create table pgledger.accounts (id text)",
    "create view public.pgledger_accounts_v1 as select id from pgledger.accounts",
    function("public.pgledger_verify", "app_id text default null", "text", "return 'fine'"),
    function("public.pgledger_verify", "", "text", "return 'fine'"),
)


def history_of_files() -> str:
    """Returns what makes a history look as if everything were installed."""
    rows = ", ".join(f"('{f.name}', '{f.kind}', '{f.sha256}')" for f in load_files())
    return f"insert into pgledger.schema_history (name, kind, sha256) values {rows}"


# --- a schema named pgledger ----------------------------------------------------------------------

FORGERIES: Mapping[str, tuple[str, ...]] = {
    "view": (
        function("pgledger.files", "", "setof pgledger.file", "return"),
        "create view pgledger.schema_history as select * from pgledger.files()",
    ),
    "table": (f"create table pgledger.schema_history ({HISTORY_COLUMNS})", history_of_files()),
    "table with a policy": (
        f"create table pgledger.schema_history ({HISTORY_COLUMNS})",
        function("pgledger.shown", "", "boolean", "return true"),
        "create policy p on pgledger.schema_history using (pgledger.shown())",
        "alter table pgledger.schema_history enable row level security",
        "grant select on pgledger.schema_history to public",
        "grant usage on schema pgledger to public",
    ),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_schema_of_a_stranger_is_neither_run_nor_believed(victim: Victim, kind: str) -> None:
    victim.plant(
        "create schema pgledger",
        f"create type pgledger.file as ({HISTORY_COLUMNS.replace(' default now()', '')})",
        *FORGERIES[kind],
        *LOOK_ALIKE,
    )
    victim.refuse(f'schema pgledger in this database belongs to "{victim.mallory}"')


def test_schema_of_a_stranger_without_a_history_is_named_with_its_owner(victim: Victim) -> None:
    victim.plant("create schema pgledger", *LOOK_ALIKE)
    victim.refuse(f'did not make: it belongs to "{victim.mallory}"')


def test_command_line_says_whose_schema_it_is(
    victim: Victim, capsys: pytest.CaptureFixture[str]
) -> None:
    victim.plant("create schema pgledger", *FORGERIES["table"], *LOOK_ALIKE)
    for command in ("status", "plan", "migrate", "verify"):
        assert main([command, victim.dsn]) == 1
        printed = capsys.readouterr().err
        assert f'belongs to "{victim.mallory}"' in printed
        assert "hint: " in printed


@pytest.mark.parametrize("who", ["a superuser", "the owner of the database", "who asks"])
def test_owner_who_is_believed(victim: Victim, who: str) -> None:
    asks = victim.dsn if who == "a superuser" else as_mallory(victim)
    if who == "the owner of the database":
        give_database(victim)
        migrate(asks, roles=False)
        asks = victim.dsn
    else:
        migrate(asks, roles=False)
    assert status(asks).up_to_date
    assert plan(asks).steps == ()
    assert not migrate(asks).changed
    assert [check for check in verify(asks) if check.violations] == []


def test_installation_of_a_plain_role_is_believed_by_that_role_alone(victim: Victim) -> None:
    migrate(as_mallory(victim), roles=False)
    victim.refuse("connect as|belongs to")
    # The superuser who has become mallory would be one again as soon as her code says so.
    posing = make_conninfo(
        victim.dsn, options=f"-c role={victim.mallory}".replace(" of ", r"\ of\ ")
    )
    with pytest.raises(MigrationError, match="belongs to"):
        status(posing)


# --- what the owner of the schema may have changed ------------------------------------------------

HISTORY_TRAPS: Mapping[str, tuple[str, ...]] = {
    "a view": (
        "alter table pgledger.schema_history rename to kept",
        function("pgledger.spring", "text", "text", "return $1"),
        (
            "create view pgledger.schema_history as select pgledger.spring(name) as name, kind,"
            " sha256, applied_at, package_version from pgledger.kept"
        ),
    ),
    "a trigger": (
        function("pgledger.spring", "", "trigger", "return new"),
        (
            "create trigger t before insert or update or delete on pgledger.schema_history"
            " for each row execute function pgledger.spring()"
        ),
    ),
    "a rule": (
        function("pgledger.spring", "", "text", "return ''"),
        "create rule r as on insert to pgledger.schema_history do also select pgledger.spring()",
    ),
    "a policy": (
        function("pgledger.spring", "", "boolean", "return true"),
        "create policy p on pgledger.schema_history using (pgledger.spring())",
        "alter table pgledger.schema_history enable row level security, force row level security",
    ),
    "a default": (
        function("pgledger.spring", "", "text", "return ''"),
        "alter table pgledger.schema_history add extra text default pgledger.spring()",
    ),
    "a check": (
        function("pgledger.spring", "text", "boolean", "return true"),
        "alter table pgledger.schema_history add check (pgledger.spring(name)) not valid",
    ),
    "an index": (
        function("pgledger.spring", "text", "text", "return $1").replace(
            "plpgsql", "plpgsql immutable"
        ),
        "set client_min_messages = error",
        "create index on pgledger.schema_history (pgledger.spring(name))",
    ),
    "a predicate": (
        function("pgledger.spring", "text", "boolean", "return true").replace(
            "plpgsql", "plpgsql immutable"
        ),
        "set client_min_messages = error",
        "create index on pgledger.schema_history (name) where pgledger.spring(name)",
    ),
    "a domain": (
        function("pgledger.spring", "text", "boolean", "return true"),
        "create domain pgledger.word as text check (pgledger.spring(value))",
        "set client_min_messages = error",
        "alter table pgledger.schema_history alter package_version type pgledger.word",
    ),
    "an operator": (
        function("pgledger.spring", "text, text", "boolean", "return true"),
        (
            "create operator pgledger.<<>> (leftarg = text, rightarg = text,"
            " function = pgledger.spring)"
        ),
        (
            "alter table pgledger.schema_history"
            " add check (name operator(pgledger.<<>>) kind) not valid"
        ),
    ),
    "a partition": ("create table pgledger.more () inherits (pgledger.schema_history)",),
    "a foreign key": (
        'create table pgledger.names (name text collate "C" references pgledger.schema_history)',
    ),
}


@pytest.mark.parametrize("kind", HISTORY_TRAPS)
def test_history_that_is_not_plain_is_not_touched(victim: Victim, kind: str) -> None:
    give_database(victim)
    migrate(as_mallory(victim), roles=False)
    victim.plant(*HISTORY_TRAPS[kind])
    victim.refuse("schema_history is not the plain table")


def test_a_newer_history_may_have_more_columns(victim: Victim) -> None:
    migrate(victim.dsn)
    victim.run("alter table pgledger.schema_history add took interval default '0', add by name")
    assert status(victim.dsn).up_to_date


def test_verifying_function_that_runs_as_its_caller_is_not_called(victim: Victim) -> None:
    give_database(victim)
    migrate(as_mallory(victim), roles=False)
    victim.plant("alter function public.pgledger_verify security invoker")
    victim.refuse("would not run with the rights of pgledger's owner", ["verify"])


def test_verifying_function_of_an_owner_runs_with_the_owners_rights(victim: Victim) -> None:
    """Who owns the ledger may have changed it; the superuser who verifies it stays safe."""
    give_database(victim)
    migrate(as_mallory(victim), roles=False)
    victim.plant(
        function("pgledger.spring", "", "text", "return null").replace("plpgsql", "plpgsql stable"),
        "create or replace function public.pgledger_verify_rest()"
        " returns setof public.pgledger_check language sql stable security definer as"
        " $$ select pgledger.spring(), 1::bigint, 0::bigint, null $$",
    )
    with victim.connection() as conn:
        verify(conn)
    assert victim.alarms == [f"planted code ran in pgledger.spring as {victim.mallory}"]


# --- between migrations ---------------------------------------------------------------------------

NEXT = {
    "function": (
        (
            "create or replace function @extschema@.pgledger_answer() returns text language sql"
            " as $$ select 'ours' $$;"
        ),
        function("public.pgledger_answer", "", "text", "return 'hers'"),
    ),
    "overload": (
        (
            "create or replace function @extschema@.pgledger_answer() returns text language sql"
            " as $$ select 'ours' $$;"
        ),
        function("public.pgledger_answer", "a integer default 0", "text", "return 'hers'"),
    ),
    "view": (
        "create or replace view @extschema@.ledger_answers as select 1 as answer;",
        function("public.spring", "", "integer", "return 1")
        + "create view public.ledger_answers as select public.spring() as answer",
    ),
    "type": (
        "create type @extschema@.ledger_answer as (answer text);",
        "create domain public.ledger_answer as text",
    ),
}


@pytest.mark.parametrize("roles", [True, False])
@pytest.mark.parametrize("kind", NEXT)
def test_names_of_the_next_version_that_a_stranger_took(
    victim: Victim, tmp_path: Path, kind: str, roles: bool
) -> None:
    """What a superuser replaces stays its owner's, who could change it again."""
    migrate(victim.dsn, roles=roles)
    ours, hers = NEXT[kind]
    files = with_file(tmp_path, "repeatable/90_later/answer.sql", ours)
    victim.plant(hers)
    for command in (status, plan, migrate):
        with (
            victim.connection() as conn,
            pytest.raises(MigrationError, match="not everything that is named like") as raised,
        ):
            command(conn, sql_dir=files)
        assert f'belongs to "{victim.mallory}"' in raised.value.message
    assert victim.alarms == []
    # Until there is such a version, it is nobody's name.
    assert status(victim.dsn).up_to_date


def test_name_that_a_stranger_takes_during_the_migration(victim: Victim, tmp_path: Path) -> None:
    """Only a superuser who owns the ledger could take her function for one that it has made."""
    migrate(victim.dsn, roles=False)
    files = with_file(tmp_path, "repeatable/90_later/answer.sql", NEXT["function"][0])

    def plant(progress: Any) -> None:
        if progress.name.startswith("repeatable/00_core") and not planted:
            victim.plant(NEXT["function"][1])
            planted.append(progress.name)

    planted: list[str] = []
    with (
        victim.connection() as conn,
        pytest.raises(MigrationError, match=r"function public\.pgledger_answer\(\) belongs to"),
    ):
        migrate(conn, sql_dir=files, on_progress=plant)
    assert planted
    assert victim.alarms == []


def with_file(tmp_path: Path, name: str, text: str) -> Path:
    """Returns a copy of our SQL with one more file."""
    directory = tmp_path / "sql"
    shutil.copytree(SQL, directory)
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    return directory


# --- on a surface that is in use ------------------------------------------------------------------


@pytest.mark.parametrize("roles", [True, False])
def test_planted_function_of_our_name_is_not_called_and_named(victim: Victim, roles: bool) -> None:
    migrate(victim.dsn, roles=roles)
    victim.plant(function("public.pgledger_verify", "", "text", "return 'all is well'"))
    victim.refuse(r"the function public\.pgledger_verify\(\) belongs to")
    victim.plant("drop function public.pgledger_verify()")
    assert [check for check in verify(victim.dsn) if check.violations] == []


def test_planted_function_elsewhere_is_none_of_our_business(victim: Victim) -> None:
    migrate(victim.dsn, schema="money")
    victim.plant(function("public.pgledger_verify", "", "text", "return 'all is well'"))
    with victim.connection() as conn:
        for command in COMMANDS.values():
            command(conn)
    assert victim.alarms == []


def test_trigger_of_a_stranger_on_our_tables(victim: Victim) -> None:
    migrate(victim.dsn)
    victim.run(
        f'grant usage on schema pgledger to "{victim.mallory}";'
        f' grant trigger on pgledger.accounts to "{victim.mallory}"'
    )
    victim.plant(
        function("public.spring", "", "trigger", "return new"),
        "create trigger hers before insert on pgledger.accounts"
        " for each row execute function public.spring()",
    )
    victim.refuse(r"the trigger hers on pgledger\.accounts calls a function that belongs to")


def test_table_of_ours_that_was_given_away(victim: Victim) -> None:
    migrate(victim.dsn)
    victim.run(f'alter table pgledger.plans owner to "{victim.mallory}"')
    victim.refuse(r"the table pgledger\.plans belongs to")


# --- before an installation -----------------------------------------------------------------------


def test_surface_of_a_stranger_is_not_built_upon(victim: Victim, server: EmbeddedServer) -> None:
    """Who owns a schema may drop what others have made in it."""
    victim.plant("create schema money")
    for command in (migrate, plan):
        with pytest.raises(MigrationError, match=r'schema "money" belongs to "mallory'):
            command(victim.dsn, schema="money")
    done = server.run(
        *("psql", "-X", "-v", "ON_ERROR_STOP=1", f"--dbname={victim.dsn}"),
        input=dump("money"),
        check=False,
    )
    assert "the schema money belongs to somebody" in done.stderr
    victim.run("alter schema money owner to pg_database_owner")
    assert migrate(victim.dsn, schema="money").installed


def test_planted_types_of_our_names_are_refused(victim: Victim) -> None:
    victim.plant("create type public.ledger_invoice as enum ('hers')")
    for command in (migrate, plan):
        with pytest.raises(MigrationError, match="these names already: type ledger_invoice"):
            command(victim.dsn)


# --- statements of a migration --------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["pgledger_owner", "the owner of the database"])
@pytest.mark.parametrize("when", ["", "deferrable initially deferred"])
def test_what_a_migration_sets_off_does_not_get_a_superusers_rights(
    victim: Victim, tmp_path: Path, owner: str, when: str
) -> None:
    """Who may act as the owner has put a trigger on a table that a new version changes."""
    if owner == "pgledger_owner":
        migrate(victim.dsn)
        victim.run(f'grant pgledger_owner to "{victim.mallory}"')
        become = "set role pgledger_owner"
    else:
        give_database(victim)
        migrate(as_mallory(victim), roles=False)
        become = "select"
    # It also makes the functions in which what comes after will run.
    end = """
      for number in 1 .. 2000 loop
        execute format(
          'create or replace function pg_temp.run_as_owner_%s(statements text) returns void'
          ' language plpgsql as $f$ begin reset role; execute statements; end $f$',
          number
        );
      end loop;
      return null"""
    victim.plant(
        become,
        function("pgledger.spring", "", "trigger", end),
        f"create {'constraint ' if when else ''}trigger hers after insert on pgledger.currencies"
        f" {when} for each row execute function pgledger.spring()",
    )
    files = with_file(
        tmp_path,
        "migrations/9001_add_currency.sql",
        "insert into pgledger.currencies (app_id, code, exponent) values ('x', 'XYZ', 2);",
    )
    with victim.connection() as conn:
        assert "migrations/9001_add_currency.sql" in migrate(conn, sql_dir=files).applied
        of_the_superuser = conn.execute(
            "select count(*) from pg_proc"
            " where proname like 'run_as_owner%' and proowner = 'postgres'::regrole"
        )
        assert of_the_superuser.fetchone() == (0,)
    ran_as = "pgledger_owner" if owner == "pgledger_owner" else victim.mallory
    assert victim.alarms == [f"planted code ran in pgledger.spring as {ran_as}"]
