"""What somebody with a login and bad intentions tries, and what it gets them.

The attacker, mallory, may do what an application may (pgledger_poster) and what an auditor may, and
has a schema to plant things in. Whatever of it runs would make mallory a superuser if it could, and
leaves a warning that the tests look for. The victims are the owner's functions and a superuser who
reads the views.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from pgledger.migrate import TRUST_VARIABLE, MigrationError, migrate
from support.clock import SetClock
from support.database import Connect
from support.guards import GUARDS as GUARDS_LISTED
from support.guards import Guard
from support.planting import (
    Trap,
    names_in_bodies,
    operators_in_bodies,
    plant_aggregates,
    plant_functions,
    plant_operators,
    plant_types,
)
from support.slices import assert_slices_agree, at_once

IMMUTABLE = "LG030"
DENIED = "42501"


@dataclass
class Scene:
    """A database with some transfers, an attacker, and what has been planted so far.

    Attributes:
        admin: A superuser's connection.
        mallory: Name of the attacker's role.
        alarms: Warnings of planted code that ran.
    """

    admin: psycopg.Connection[Any]
    connect: Connect
    mallory: str
    ids: dict[str, str]
    alarms: list[str] = field(default_factory=list)

    def session(self, user: str | None = None) -> psycopg.Connection[Any]:
        conn = self.connect(autocommit=True, **({"user": user} if user else {}))
        conn.add_notice_handler(self.listen)
        return conn

    def listen(self, notice: psycopg.errors.Diagnostic) -> None:
        if "planted" in (notice.message_primary or ""):
            self.alarms.append(notice.message_primary or "")

    def assert_nothing_happened(self) -> None:
        assert self.alarms == []
        assert self.admin.execute(
            "select rolsuper from pg_roles where rolname = %s", [self.mallory]
        ).fetchone() == (False,)


@pytest.fixture
def scene(connect: Connect) -> Iterator[Scene]:
    admin = connect(autocommit=True)
    mallory = f"mallory_{admin.info.dbname}"
    admin.execute(sql.SQL("create role {} login").format(sql.Identifier(mallory)))
    for granted in ("pgledger_poster", "pgledger_reader", "pgledger_auditor"):
        admin.execute(
            sql.SQL("grant {} to {}").format(sql.Identifier(granted), sql.Identifier(mallory))
        )
    admin.execute(sql.SQL("create schema evil authorization {}").format(sql.Identifier(mallory)))
    ids = {}
    for name in ("shop", "buyer"):
        row = admin.execute(
            "select id from pgledger_create_account(%s, 'USD', metadata => '{}')", [name]
        ).fetchone()
        assert row is not None
        ids[name] = row[0]
    row = admin.execute(
        "select id from pgledger_create_transfer(%(shop)s, %(buyer)s, 7)", ids
    ).fetchone()
    assert row is not None
    ids["transfer"] = row[0]
    yield Scene(admin, connect, mallory, ids)
    role = sql.Identifier(mallory)
    admin.execute(sql.SQL("drop owned by {} cascade").format(role))
    admin.execute(sql.SQL("drop role {}").format(role))


def booby_trap(scene: Scene) -> Trap:
    """Returns what makes mallory a superuser if it can, and tells in any case that it ran."""
    return lambda name: (
        f"begin raise warning 'planted % ran as %', '{name}', current_user;"
        f" execute 'alter role {scene.mallory} superuser'; return null; end"
    )


def trap_functions(scene: Scene, conn: psycopg.Connection[Any], schema: str) -> int:
    return plant_functions(conn, schema, booby_trap(scene), names_in_bodies(scene.admin))


def trap_operators(scene: Scene, conn: psycopg.Connection[Any], schema: str) -> int:
    return plant_operators(conn, schema, booby_trap(scene), operators_in_bodies(scene.admin))


def trap_aggregates(scene: Scene, conn: psycopg.Connection[Any], schema: str) -> int:
    return plant_aggregates(conn, schema, booby_trap(scene), names_in_bodies(scene.admin))


def trap_types(scene: Scene, conn: psycopg.Connection[Any], schema: str) -> None:
    plant_types(conn, schema, booby_trap(scene))


def plant_tables(scene: Scene, conn: psycopg.Connection[Any], schema: str) -> None:
    """Plants empty twins of our tables and views, and of each catalog that we read."""
    for relation, name in scene.admin.execute(
        """
        select pg_class.oid::regclass::text, pg_class.relname
        from pg_class
        where pg_class.relkind in ('r', 'v')
          and (
            pg_class.relnamespace = 'pgledger'::regnamespace
            or pg_class.relnamespace = 'public'::regnamespace and pg_class.relname ~ '^pgledger_'
            or pg_class.oid in ('pg_trigger'::regclass, 'pg_class'::regclass)
          )
        """
    ).fetchall():
        conn.execute(f"create table {schema}.{name} (like {relation})".encode())


def calls(ids: Mapping[str, str]) -> list[str]:
    """Returns every public call and view, written so that nothing is left to the search_path."""
    shop, buyer, transfer = ids["shop"], ids["buyer"], ids["transfer"]
    rows = f"array[('{shop}', '{buyer}', 2)]::public.pgledger_transfer_request[]"
    twice = f"'{{{shop},{shop}}}', '{{{buyer},{buyer}}}'"
    functions = [
        "pgledger_create_account('x', 'USD')",
        f"pgledger_create_account('x', 'USD', id => 'pgla_{'7' * 26}', metadata => '{{}}')",
        f"pgledger_create_account('x', 'USD', id => 'pgla_{'7' * 26}', metadata => '{{}}')",
        f"pgledger_create_transfer('{shop}', '{buyer}', 12.34)",
        f"pgledger_create_transfer('{shop}', '{buyer}', 12.34, '2025-07-01', '{{}}')",
        f"pgledger_create_transfer('{shop}', '{buyer}', 1, id => 'pglt_{'7' * 26}')",
        f"pgledger_create_transfer('{shop}', '{buyer}', 1, id => 'pglt_{'7' * 26}')",
        f"pgledger_create_transfers(('{shop}', '{buyer}', '10.00'), ('{buyer}', '{shop}', 9.26))",
        f"pgledger_create_transfers_from_rows({rows}, metadata => '{{}}', group_id => 'order')",
        f"pgledger_create_transfers_bulk('{{{shop}}}', '{{{buyer}}}', '{{3}}')",
        f"pgledger_create_transfers_bulk({twice}, '{{1,3}}', ids => '{{pglt_{'7' * 26},NULL}}')",
        f"pgledger_get_account('{shop}')",
        f"pgledger_get_transfer('{transfer}')",
        f"pgledger_account_entries('{shop}')",
        f"pgledger_account_entries('{shop}', newest_first => false, after_version => 1)",
        f"pgledger_balance_at('{shop}', 'infinity')",
        f"pgledger_balance_at('{shop}', '2025-07-01', 'event')",
        f"pgledger_balances_at('{{{shop}}}', '2025-07-01', 'event')",
        f"pgledger_statement('{shop}', axis => 'event')",
        "pgledger_trial_balance('2025-07-01')",
        "pgledger_movements(by => 'year', axis => 'event')",
        f"pgledger_balance_at_version('{shop}', 1)",
        "pgledger_accounts_ahead()",
        "pgledger_generate_id('pglt')",
        "pgledger_ulid_to_uuid('01JTVST7XAES5BXHWZN4KR4VEZ')",
        "pgledger_uuid_to_ulid('0196b79d-9faa-7272-bebf-28ae4c4c4f1f')",
        f"pgledger_id_timestamp('{shop}')",
        "pgledger_verify()",
    ]
    refused = [
        "pgledger_create_account('', 'USD')",
        f"pgledger_create_transfer('{shop}', '{buyer}', -1)",
        f"pgledger_create_transfer('{shop}', '{shop}', 1)",
        f"pgledger_create_transfers(('{shop}', '{buyer}', 0))",
        f"pgledger_create_transfers_bulk('{{{shop}}}', '{{{buyer}}}', '{{}}')",
        f"pgledger_get_account('pgla_{'6' * 26}')",
        f"pgledger_account_entries('{shop}', page_size => 0)",
        "pgledger_generate_id('')",
    ]
    views = ["accounts_v1", "accounts_view", "transfers_v1", "transfers_view"]
    views += ["entries_v1", "entries_view", "errors_v1"]
    return [
        *(f"select * from public.{call}" for call in [*functions, *refused]),
        *(f"select * from public.pgledger_{view}" for view in views),
    ]


def run_everything(scene: Scene, conn: psycopg.Connection[Any]) -> None:
    for statement in calls(scene.ids):
        state = "00000"
        try:
            conn.execute(statement.encode())
        except psycopg.Error as error:
            state = error.sqlstate or str(error)
        assert state == "00000" or state.startswith("LG"), statement
        assert scene.alarms == [], statement


def as_it_should(scene: Scene, conn: psycopg.Connection[Any]) -> None:
    """Checks, on the attacker's path, that a transfer does what it does without an attack."""
    before = scene.admin.execute(
        "select balance, version from pgledger.accounts where id = %(buyer)s", scene.ids
    ).fetchone()
    assert before is not None
    made = conn.execute(
        "select r.id, r.to_account_balance, r.to_account_version"
        " from public.pgledger_create_transfer(%(shop)s, %(buyer)s, 12.34) as r",
        scene.ids,
    ).fetchone()
    assert made is not None
    assert (made[1] - before[0], made[2] - before[1]) == (Decimal("12.34"), 1)
    assert scene.admin.execute(
        "select amount::text, to_balance from pgledger.transfers where id = %s", [made[0]]
    ).fetchone() == ("12.34", made[1])
    assert scene.admin.execute("select sum(violations) from pgledger_verify()").fetchone() == (0,)


# Planting

PATHS = [
    "evil, pg_catalog, public, pg_temp",
    "evil, pg_temp, pg_catalog, public",
    "pg_temp, evil, public",
    "public, evil",
    "evil",
]


PLANTERS: Mapping[str, Callable[[Scene, psycopg.Connection[Any], str], Any]] = {
    "functions": trap_functions,
    "operators": trap_operators,
    "aggregates": trap_aggregates,
    "types": trap_types,
    "tables": plant_tables,
}


@pytest.mark.parametrize("what", PLANTERS)
def test_planted_things_never_run_for_the_owner(scene, what):
    """mallory calls the definer functions with her own things ahead of everybody's."""
    conn = scene.session(scene.mallory)
    PLANTERS[what](scene, conn, "evil")
    if what in ("tables", "types", "functions"):
        PLANTERS[what](scene, conn, "pg_temp")
    for path in PATHS:
        conn.execute(f"set search_path = {path}".encode())
        run_everything(scene, conn)
        as_it_should(scene, conn)
    scene.assert_nothing_happened()


@pytest.mark.parametrize("what", PLANTERS)
def test_planted_things_never_run_for_a_superuser(scene, what):
    """A superuser calls everything on a search_path that goes through mallory's schema."""
    PLANTERS[what](scene, scene.session(scene.mallory), "evil")
    victim = scene.session()
    for path in ("public, evil", "evil, public", "evil, pg_catalog, public"):
        victim.execute(f"set search_path = {path}".encode())
        run_everything(scene, victim)
    scene.assert_nothing_happened()


def test_traps_work(scene):
    """Without an attack that would succeed on somebody careless, the tests above prove nothing."""
    conn = scene.session(scene.mallory)
    trap_operators(scene, conn, "evil")
    trap_functions(scene, conn, "evil")
    trap_types(scene, conn, "evil")
    scene.admin.execute(
        "create function careless(a numeric) returns numeric language plpgsql security definer"
        " as $$ begin return a + 1; end $$"
    )
    scene.admin.execute(
        "create function naive(a timestamptz) returns boolean language plpgsql security definer"
        " as $$ begin return isfinite(a); end $$"
    )
    for call in ("careless(1)", "naive('now')"):
        victim = scene.session()
        victim.execute("set search_path = evil, pg_catalog, public")
        victim.execute(f"select public.{call}".encode())
        assert len(scene.alarms) == 1
        assert scene.admin.execute(
            "select rolsuper from pg_roles where rolname = %s", [scene.mallory]
        ).fetchone() == (True,)
        scene.admin.execute(
            sql.SQL("alter role {} nosuperuser").format(sql.Identifier(scene.mallory))
        )
        scene.alarms.clear()


def test_enough_is_planted(scene):
    conn = scene.session(scene.mallory)
    words = names_in_bodies(scene.admin)
    assert {"clock_timestamp", "format", "greatest", "unnest", "encode", "min_scale"} <= words
    operators = operators_in_bodies(scene.admin)
    assert {"+", "-", "*", "/", "=", "<>", "<", ">=", "||", "<<", ">>", "&", "|", "~"} <= operators
    assert trap_functions(scene, conn, "evil") > 200


@pytest.mark.parametrize("schema", ["public", "pg_temp"])
def test_temporary_tables_swallow_nothing(scene, schema):
    """Known from a ledger that named its tables bare: entries went into the caller's own table."""
    conn = scene.session(scene.mallory)
    plant_tables(scene, conn, "pg_temp")
    conn.execute(f"set search_path = pg_temp, {schema}".encode())
    as_it_should(scene, conn)
    for name in ("accounts", "transfers", "pgledger_accounts_v1", "pgledger_transfers_v1"):
        assert conn.execute(f"select count(*) from pg_temp.{name}".encode()).fetchone() == (0,)


def test_strangers_uuidv7_and_clock(scene):
    """An application may well have functions of these names; they are none of our business."""
    admin = scene.admin
    for schema in ("public", "evil"):
        for name, result, value in (
            ("uuidv7", "uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
            ("uuid_generate_v7", "uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
            ("gen_random_uuid", "uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
            ("clock_timestamp", "timestamptz", "'1999-01-01'"),
            ("now", "timestamptz", "'1999-01-01'"),
            ("clock", "timestamptz", "'1999-01-01'"),
        ):
            admin.execute(
                f"create function {schema}.{name}() returns {result} language sql"
                f" as $$ select {value}::{result} $$".encode()
            )
    conn = scene.session(scene.mallory)
    conn.execute("set search_path = evil, public, pg_catalog")
    made = conn.execute(
        "select r.id, pg_catalog.now() - r.created_at < '1 hour' as is_new, r.created_at,"
        " public.pgledger_id_timestamp(r.id) as inside"
        " from public.pgledger_create_transfer(%(shop)s, %(buyer)s, 1) as r",
        scene.ids,
    ).fetchone()
    assert made is not None
    assert made[1] is True
    assert not made[0].endswith("Z" * 10)
    assert abs((made[2] - made[3]).total_seconds()) < 0.001
    many = conn.execute(
        "select r.id from public.pgledger_create_transfers((%(shop)s, %(buyer)s, 1),"
        " (%(shop)s, %(buyer)s, 1)) as r",
        scene.ids,
    ).fetchall()
    assert len({*many, made[0]}) == 3


def test_only_tests_replace_the_clock(scene, set_clock: SetClock):
    conn = scene.session(scene.mallory)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("create or replace function pgledger.clock() returns timestamptz return now()")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select pgledger.clock()")
    set_clock(scene.admin, "timestamptz '2030-01-01'")
    assert (
        scene.admin.execute("select created_at from pgledger_create_account('x', 'USD')").fetchone()
        == scene.admin.execute("select timestamptz '2030-01-01'").fetchone()
    )


def test_arguments_are_never_statements(scene):
    """Texts of a caller end in rows and messages, as they are."""
    conn = scene.session(scene.mallory)
    hostile = f"'); alter role {scene.mallory} superuser; --"
    for text in (hostile, f"%s%I {hostile}", "$$" + hostile, "\\" + hostile):
        assert conn.execute(
            "select name from pgledger_create_account(%s, 'USD', metadata => %s)",
            [text, Jsonb({text: text})],
        ).fetchone() == (text,)
        for call in (
            "pgledger_create_account('x', %s)",
            "pgledger_create_account('x', 'USD', app_id => %s)",
            "pgledger_create_account('x', 'USD', id => %s)",
            "pgledger_get_account(%s)",
            "pgledger_generate_id(%s)",
            "pgledger_ulid_to_uuid(%s)",
        ):
            with pytest.raises(psycopg.Error, match="superuser") as refused:
                conn.execute(f"select {call}".encode(), [text])
            assert (refused.value.sqlstate or "").startswith("LG")
    scene.assert_nothing_happened()


# Changing what was written

CHANGES: Mapping[str, str] = {
    "update": "update pgledger.transfers set amount = amount",
    "update nothing": "update pgledger.transfers set amount = 1 where false",
    "update metadata": "update pgledger.transfers set metadata = '{}'",
    "delete": "delete from pgledger.transfers",
    "delete one": "delete from pgledger.transfers where id = '{transfer}'",
    "delete nothing": "delete from pgledger.transfers where false",
    "delete using": "delete from pgledger.transfers using pgledger.accounts",
    "truncate": "truncate pgledger.transfers",
    "truncate both": "truncate pgledger.accounts, pgledger.transfers restart identity cascade",
    "upsert": "insert into pgledger.transfers select * from pgledger.transfers"
    " on conflict on constraint transfers_id_pk do update set amount = 1",
    "merge": "merge into pgledger.transfers using (values (1)) as one (n) on true"
    " when matched then update set amount = 1",
    "merge and delete": "merge into pgledger.transfers using (values (1)) as one (n) on true"
    " when matched then delete",
    "with": "with gone as (delete from pgledger.transfers returning id) select * from gone",
    "delete account": "delete from pgledger.accounts",
    "delete no account": "delete from pgledger.accounts where false",
    "truncate accounts": "truncate pgledger.accounts",
    "truncate only": "truncate only pgledger.accounts cascade",
}

changes = pytest.mark.parametrize(
    "change", [pytest.param(statement, id=name) for name, statement in CHANGES.items()]
)


@pytest.mark.parametrize("replication_role", ["origin", "local", "replica"])
@pytest.mark.parametrize("role", ["superuser", "pgledger_owner"])
def test_nobody_changes_what_was_written(scene, role, replication_role, subtests):
    conn = scene.session()
    conn.execute(f"set session_replication_role = {replication_role}".encode())
    if role != "superuser":
        conn.execute(f"set role {role}".encode())
    before = scene.admin.execute("select count(*), sum(amount) from pgledger.transfers").fetchone()
    for name, statement in CHANGES.items():
        with subtests.test(name):
            with pytest.raises(psycopg.Error) as refused:
                conn.execute(statement.replace("{transfer}", scene.ids["transfer"]).encode())
            assert refused.value.sqlstate == IMMUTABLE
    assert (
        scene.admin.execute("select count(*), sum(amount) from pgledger.transfers").fetchone()
        == before
    )


def test_poster_changes_nothing(scene, subtests):
    conn = scene.session(scene.mallory)
    for name, statement in CHANGES.items():
        with subtests.test(name):
            with pytest.raises(psycopg.Error) as refused:
                conn.execute(statement.replace("{transfer}", scene.ids["transfer"]).encode())
            assert refused.value.sqlstate == DENIED
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("set session_replication_role = replica")


def test_cascade_from_an_applications_table_is_refused(scene):
    """Linked tables refer to accounts; they can be emptied, and accounts stay."""
    scene.admin.execute(
        "create table orders (account_id text references pgledger.accounts (id) on delete cascade)"
    )
    scene.admin.execute("insert into orders values (%(shop)s)", scene.ids)
    scene.admin.execute("truncate orders cascade")
    with pytest.raises(psycopg.Error) as refused:
        scene.admin.execute("truncate pgledger.accounts cascade")
    assert refused.value.sqlstate == IMMUTABLE


@pytest.mark.parametrize("view", ["accounts", "transfers", "entries"])
def test_views_are_no_way_round(scene, view):
    for conn in (scene.session(), scene.session(scene.mallory)):
        for suffix in ("v1", "view"):
            name = f"pgledger_{view}_{suffix}"
            for statement in (
                f"update {name} set metadata = null",
                f"delete from {name}",
                f"insert into {name} select * from {name}",
                f"truncate {name}",
                f"merge into {name} using (values (1)) as one (n) on true when matched then delete",
            ):
                with pytest.raises(psycopg.Error) as refused:
                    conn.execute(statement.encode())
                assert refused.value.sqlstate in {DENIED, "55000", "42809", "0A000"}, statement


# What the trust that a link asks for hands over

# The key's column is an array of a domain, whose cast to text is called with the owner's rights.
# In it the transfer of 7 becomes one of 700, and nothing is left that could be found.
SPRING = """
    create domain evil.word as text;
    create function evil.spring(evil.word[]) returns text language plpgsql as $$
    begin
      if current_user = 'pgledger_owner' then
        alter table pgledger.transfers disable trigger transfers_rows_never_change;
        alter table pgledger.transfers disable trigger transfers_never_change;
        update pgledger.transfers set amount = 700, from_balance = -700, to_balance = 700;
        update pgledger.accounts set balance = sign(balance) * 700 where balance <> 0;
        alter table pgledger.transfers enable always trigger transfers_never_change;
        alter table pgledger.transfers enable always trigger transfers_rows_never_change;
      end if;
      return $1[1];
    end
    $$;
    create cast (evil.word[] as text) with function evil.spring(evil.word[]) as implicit
"""
REFERRING = "create table evil.t (account_id evil.word[] references pgledger.accounts (id))"


def balances(conn: psycopg.Connection[Any]) -> dict[str, Decimal]:
    return dict(conn.execute("select name, balance from pgledger_accounts_view").fetchall())


def bystander(conn: psycopg.Connection[Any]) -> str:
    row = conn.execute("select id from pgledger_create_account('bystander', 'USD')").fetchone()
    assert row is not None
    return str(row[0])


def test_without_trust_a_role_is_not_linked_and_cannot_become_the_owner(
    scene, ledger_dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(TRUST_VARIABLE)
    with pytest.raises(MigrationError, match="can act as their owner"):
        migrate(ledger_dsn, link=scene.mallory)
    conn = scene.session(scene.mallory)
    conn.execute(SPRING.encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(REFERRING.encode())
    assert balances(scene.admin) == {"shop": -7, "buyer": 7}


def test_a_linked_role_is_as_powerful_as_the_owner(scene, ledger_dsn: str):
    """So says the refusal. Should this fail, the text may be changed, and the refusal with it."""
    innocent = bystander(scene.admin)
    migrate(ledger_dsn, link=scene.mallory)
    conn = scene.session(scene.mallory)
    conn.execute(SPRING.encode())
    conn.execute(REFERRING.encode())
    conn.execute("insert into evil.t values (array[%s]::evil.word[])", [innocent])
    assert balances(scene.admin) == {"shop": -700, "buyer": 700, "bystander": 0}
    assert findings(scene.admin) == {}


# What pgledger_verify() finds

GUARDS = {
    "transfers_rows_never_change": ("transfers", "before update or delete", "row"),
    "transfers_never_change": ("transfers", "before update or delete or truncate", "statement"),
    "accounts_rows_are_never_deleted": ("accounts", "before delete", "row"),
    "accounts_are_never_deleted": ("accounts", "before delete or truncate", "statement"),
    "account_changes_rows_never_change": ("account_changes", "before update or delete", "row"),
    "account_changes_never_change": (
        *("account_changes", "before update or delete or truncate", "statement"),
    ),
    "period_changes_rows_never_change": ("period_changes", "before update or delete", "row"),
    "period_changes_never_change": (
        *("period_changes", "before update or delete or truncate", "statement"),
    ),
    "reversals_over_limits_rows_never_change": (
        *("reversals_over_limits", "before update or delete", "row"),
    ),
    "reversals_over_limits_never_change": (
        *("reversals_over_limits", "before update or delete or truncate", "statement"),
    ),
    "holds_rows_are_never_deleted": ("holds", "before delete", "row"),
    "holds_are_never_deleted": ("holds", "before delete or truncate", "statement"),
    "idempotency_keys_rows_never_change": ("idempotency_keys", "before update", "row"),
    "idempotency_keys_never_change": (
        *("idempotency_keys", "before update or truncate", "statement"),
    ),
}
# One has a condition, the other columns, so they cannot be made anew as the others are.
GUARDS_OF_HOLDS = {
    "holds_only_end": ("(old.ended_at IS NOT NULL)", "false"),
    "holds_keep_what_was_asked": (", amount,", ","),
}
# Their guards are looked at by the catalog, and switched off here to tamper with them.
TABLES_OF_CHANGES = ("blocks", "block_accounts", "covered_accounts", "noted_changes")
CHECK_OF_GUARDS = "triggers that keep records unchanged stand and are always on"


def findings(conn: psycopg.Connection[Any]) -> dict[str, tuple[int, str]]:
    """Returns the checks that found something, with how much and an example.

    In slices the same is found.
    """
    whole = at_once(conn)
    assert_slices_agree(conn, 2, whole=whole)
    return {
        name: (violations, str(example))
        for name, (_, violations, example) in whole.items()
        if violations
    }


def create_guard(trigger: str, *, events: str = "", when: str = "", always: bool = True) -> str:
    table, all_events, each = GUARDS[trigger]
    return (
        f"drop trigger {trigger} on pgledger.{table};"
        f" create trigger {trigger} {events or all_events} on pgledger.{table}"
        f" for each {each} {when} execute function pgledger.refuse_change();"
        + (f" alter table pgledger.{table} enable always trigger {trigger}" if always else "")
    )


def test_guards_listed_here_are_all_there_are(conn):
    assert {
        name
        for (name,) in conn.execute(
            "select tgname from pg_trigger where not tgisinternal"
            " and tgrelid in ('pgledger.accounts'::regclass, 'pgledger.transfers'::regclass,"
            " 'pgledger.account_changes'::regclass, 'pgledger.holds'::regclass,"
            " 'pgledger.idempotency_keys'::regclass, 'pgledger.period_changes'::regclass,"
            " 'pgledger.reversals_over_limits'::regclass)"
        )
    } == {*GUARDS, *GUARDS_OF_HOLDS}
    for trigger in GUARDS:
        conn.execute(create_guard(trigger).encode())
    # Made anew as they were, they are as good: nothing but what the tests below do is found.
    assert findings(conn) == {}


@pytest.mark.parametrize("trigger", GUARDS)
def test_missing_and_switched_off_guards_are_found(conn, trigger, subtests):
    table, events, _ = GUARDS[trigger]
    fewer = events.replace("update or ", "").replace(" or truncate", "")
    ways = {
        "disabled": f"alter table pgledger.{table} disable trigger {trigger}",
        "all disabled": f"alter table pgledger.{table} disable trigger all",
        "not always": f"alter table pgledger.{table} enable trigger {trigger}",
        "on replicas only": f"alter table pgledger.{table} enable replica trigger {trigger}",
        "dropped": f"drop trigger {trigger} on pgledger.{table}",
        "renamed": f"alter trigger {trigger} on pgledger.{table} rename to other",
        "made again, not always": create_guard(trigger, always=False),
        "after": create_guard(trigger, events=events.replace("before", "after")),
        "other function": (
            "create function pgledger.let_change() returns trigger language plpgsql"
            " as 'begin return coalesce(new, old); end';"
            + create_guard(trigger).replace("refuse_change", "let_change")
        ),
        "never when": create_guard(trigger, when="when (false)"),
    }
    if fewer != events:
        ways["fewer events"] = create_guard(trigger, events=fewer)
    if "update" in events:
        columns = {"idempotency_keys": "request"}
        columns |= dict.fromkeys(
            ("account_changes", "period_changes", "reversals_over_limits"), "reason"
        )
        column = columns.get(table, "event_at")
        ways["update of a column"] = create_guard(
            trigger, events=events.replace("update", f"update of {column}")
        )
    for label, way in ways.items():
        with subtests.test(label), conn.transaction(force_rollback=True):
            conn.execute(way.encode())
            found = findings(conn)
            assert CHECK_OF_GUARDS in found, label
            violations, example = found[CHECK_OF_GUARDS]
            assert violations >= 1
            assert example in GUARDS


@pytest.mark.parametrize("guard", GUARDS_OF_HOLDS)
def test_a_weaker_guard_of_holds_is_found(conn, guard, subtests):
    (made,) = conn.execute(
        "select pg_get_triggerdef(oid) from pg_trigger where tgname = %s", [guard]
    ).fetchone()
    again = f"drop trigger {guard} on pgledger.holds; {{}};"
    always = f"alter table pgledger.holds enable always trigger {guard}"
    conn.execute((again.format(made) + always).encode())
    assert findings(conn) == {}
    weaker = made.replace(*GUARDS_OF_HOLDS[guard])
    assert weaker != made
    for way in (
        f"alter table pgledger.holds disable trigger {guard}",
        f"alter table pgledger.holds enable trigger {guard}",
        f"alter table pgledger.holds enable replica trigger {guard}",
        f"drop trigger {guard} on pgledger.holds",
        f"alter trigger {guard} on pgledger.holds rename to other",
        again.format(made),
        again.format(weaker) + always,
        again.format(made.replace("BEFORE UPDATE ON", "BEFORE UPDATE OF status ON")) + always
        if "BEFORE UPDATE ON" in made
        else again.format(made.replace("BEFORE UPDATE", "AFTER UPDATE")) + always,
    ):
        with subtests.test(way), conn.transaction(force_rollback=True):
            conn.execute(way.encode())
            assert findings(conn)[CHECK_OF_GUARDS] == (1, guard)


def test_guard_whose_function_was_replaced_is_found(conn):
    conn.execute(
        "create or replace function pgledger.refuse_change() returns trigger language plpgsql"
        " as 'begin return coalesce(new, old); end'"
    )
    assert CHECK_OF_GUARDS in findings(conn)


NEWEST = "where id = (select max(id) from pgledger.transfers)"

# What to do to the data, and by which check it has to be found. There are four accounts, a to d, of
# which d has no entries; a gives to b and c, b to c, and once c to b: six transfers in all.
TAMPERS: Mapping[str, str] = {
    "balances of each app and currency sum to zero": (
        "update pgledger.accounts set balance = balance + 1 where name = 'a'"
    ),
    "account balances are the sums of their entries": (
        "update pgledger.accounts set balance = balance"
        " + case name when 'a' then 1 else -1 end where name in ('a', 'b')"
    ),
    "account versions are the counts of their entries": (
        "update pgledger.accounts set version = version + 1 where name = 'a'"
    ),
    "accounts were updated when their newest entry was recorded": (
        "update pgledger.accounts set updated_at = updated_at + interval '1 second'"
        " where name = 'a'"
    ),
    "versions of entries run from 1 without a gap": (
        "update pgledger.transfers set from_version = from_version + 1000"
        " where from_key = (select key from pgledger.accounts where name = 'a')"
        " and from_version = 2"
    ),
    "each entry starts from the balance that the one before left": (
        "update pgledger.transfers set from_balance = from_balance - 1"
        " where from_key = (select key from pgledger.accounts where name = 'a')"
        " and from_version = 1"
    ),
    "each entry was recorded later than the one before": (
        "update pgledger.transfers set created_at = created_at - interval '1 hour'"
        " where from_key = (select key from pgledger.accounts where name = 'a')"
        " and from_version = 2"
    ),
    "balances stayed within their account's limits after every entry": (
        "update pgledger.accounts set min_balance = 0 where name = 'a'"
    ),
    "limits of accounts are in range, the lower one not above the upper": (
        "update pgledger.accounts set min_balance = 'NaN' where name = 'a'"
    ),
    "the status of each account is known": (
        "update pgledger.accounts set status = 5 where name = 'a'"
    ),
    "accounts have the decimal places of their currency": (
        "update pgledger.accounts set amount_scale = 19 where name = 'a'"
    ),
    "no entry passed an account that was frozen for it or closed": (
        "update pgledger.account_changes set version = 0, to_status = 4 where change = 'unfreeze'"
    ),
    "changes of accounts run from 1 without a gap": (
        "delete from pgledger.account_changes where number = 1"
    ),
    "each change of an account starts from what the one before left": (
        "update pgledger.account_changes set from_name = 'other' where number = 2"
    ),
    "each change of an account was recorded later than what was there": (
        "update pgledger.account_changes set changed_at = '2020-01-01Z' where number = 1"
    ),
    "accounts are as their newest change left them": (
        "update pgledger.accounts set status = 1 where name = 'a'"
    ),
    "balances have no more decimal places than their account allows": (
        "update pgledger.accounts set amount_scale = 0,"
        " balance = balance + case name when 'a' then 0.5 when 'b' then -0.5 else 0 end"
    ),
    "transfers join two accounts of one app and currency": (
        "update pgledger.accounts set currency = 'EUR' where name = 'c'"
    ),
    "amounts are above 0, below 1e30, of at most 18 decimal places": (
        "update pgledger.transfers set amount = -amount"
        " where from_key = (select key from pgledger.accounts where name = 'a')"
        " and from_version = 1"
    ),
    "ids of accounts and transfers are well formed": (
        "update pgledger.transfers set id = lower(id)"
        " where from_key = (select key from pgledger.accounts where name = 'a')"
        " and from_version = 1"
    ),
    "accounts are not ahead of the clock, unless that was accepted": (
        "update pgledger.accounts set updated_at = clock_timestamp() + interval '2 minutes'"
        " where name = 'a'"
    ),
    "accounts hold what is left of their unreleased holds": (
        "update pgledger.accounts set held_out = 2 where name = 'a'"
    ),
    "what was posted of holds are the sums of their transfers": (
        "update pgledger.holds set posted_amount = 0.5"
    ),
    "holds join two accounts of one app and currency": (
        "update pgledger.holds set to_key = from_key"
    ),
    "holds are pending, posted, voided or expired, and each ended once": (
        "update pgledger.holds set ended_at = created_at"
    ),
    "reversals go the other way between the accounts of their transfer, after it": (
        f"update pgledger.transfers set origin_id = id {NEWEST}"
    ),
    "reversals of a transfer never exceed its amount": (
        # From c to b: it takes back 1 of the 0.01 that went from b to c.
        "update pgledger.transfers set origin_id = (select id from pgledger.transfers"
        f" where amount = 0.01) {NEWEST}"
    ),
    "only reversals were let past limits, each when it was made": (
        "insert into pgledger.reversals_over_limits select created_at, id, 'me', 'none', 'why'"
        f" from pgledger.transfers {NEWEST}"
    ),
    "names lead to accounts of that app, tenant, currency and name": (
        "update pgledger.account_names set name = 'other'"
    ),
    "idempotency keys lead to what came of them": (
        "update pgledger.idempotency_keys set result_id = null"
    ),
    "what came of idempotency keys is what was asked for": (
        "update pgledger.idempotency_keys set request = jsonb_set(request, '{amount}', '7.01')"
    ),
    CHECK_OF_GUARDS: "alter table pgledger.transfers disable trigger transfers_never_change",
    # The rest is tried one by one in tests/install/test_restores.py.
    "what belongs to the ledger is there and has its owner": (
        "alter type pgledger_check owner to postgres"
    ),
    "nobody may do more or less than was granted": (
        "grant execute on function pgledger.post_transfers to public"
    ),
    "triggers and foreign keys are on": "alter table pgledger.plans disable trigger all",
    "row security and its policies stand": "alter table pgledger.plans disable row level security",
    "functions and views keep their settings": (
        "alter function pgledger_create_transfer reset search_path"
    ),
    "sequences are ahead of the keys in use": (
        "select setval('pgledger.accounts_key_seq', 1, false)"
    ),
    "changes of closed periods run from 1 without a gap": (
        "update pgledger.period_changes set number = number + 1 where number = 2"
    ),
    "each change of closed periods starts from what the one before left, and later": (
        "update pgledger.period_changes set from_until = '1999-01-01Z' where number = 2"
    ),
    "books were closed until a past time, and reopened from an earlier one": (
        "update pgledger.period_changes set to_until = changed_at + interval '1 day'"
        " where number = 2"
    ),
    "books are closed as their newest change left them": (
        "update pgledger.closed_periods set closed_until = null"
    ),
    "nothing was recorded in a period after it was closed": (
        f"update pgledger.transfers set event_at = '2000-06-01Z' {NEWEST}"
    ),
    "blocks of changes run from 1 without a gap": "update pgledger.blocks set number = number + 1",
    "blocks cover the versions and changes of accounts without a gap": (
        "update pgledger.block_accounts set from_version = from_version + 1"
    ),
    "what is covered of accounts is what their newest block says": (
        "update pgledger.covered_accounts set version = version + 1"
    ),
    "noted changes run from 1 without a gap, and never back in time": (
        "update pgledger.noted_changes set version = version + 10"
    ),
    "the ends of holds that nothing posted whole are noted": (
        "update pgledger.holds set status = 2, ended_at = created_at"
    ),
    "entries and times of an import are of transfers that are there": (
        "insert into pgledger.imported_entries (account_key, account_version, id)"
        " select key, version + 1, 'entry' from pgledger.accounts limit 1"
    ),
}

KEY_OF_D = "(select key from pgledger.accounts where name = 'd')"
FORGERY = """
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance
    )
    select
      from_key, to_key, from_version + 1, to_version + 1, created_at + interval '1 second',
      'pglt_70000000000000000000000000', app_id, amount, from_balance - amount, to_balance + amount
    from pgledger.transfers
    order by id desc
    limit 1
"""

MORE_TAMPERS: Mapping[str, tuple[str, str]] = {
    "a transfer removed": (
        "delete from pgledger.transfers where id = (select max(id) from pgledger.transfers)",
        "account balances are the sums of their entries",
    ),
    "the first transfer removed": (
        "delete from pgledger.transfers where id = (select min(id) from pgledger.transfers)",
        "versions of entries run from 1 without a gap",
    ),
    "all transfers removed": (
        "truncate pgledger.transfers",
        "account versions are the counts of their entries",
    ),
    "an account removed": (
        "delete from pgledger.accounts where name = 'c'",
        "transfers join two accounts of one app and currency",
    ),
    "an amount changed": (
        f"update pgledger.transfers set amount = amount + 1 {NEWEST}",
        "each entry starts from the balance that the one before left",
    ),
    "an amount that is not a number": (
        "update pgledger.transfers set amount = 'NaN'",
        "amounts are above 0, below 1e30, of at most 18 decimal places",
    ),
    "a balance that is not a number": (
        "update pgledger.accounts set balance = 'NaN' where name = 'a'",
        "account balances are the sums of their entries",
    ),
    "all balances not a number": (
        "update pgledger.accounts set balance = 'NaN'",
        "balances of each app and currency sum to zero",
    ),
    "a transfer moved to another account": (
        f"update pgledger.transfers set to_key = {KEY_OF_D} {NEWEST}",
        "account balances are the sums of their entries",
    ),
    "a transfer moved to another app": (
        f"update pgledger.transfers set app_id = 'other' {NEWEST}",
        "transfers join two accounts of one app and currency",
    ),
    "an account moved to another app": (
        "update pgledger.accounts set app_id = 'other' where name = 'a'",
        "transfers join two accounts of one app and currency",
    ),
    "an account's id changed": (
        "update pgledger.accounts set id = 'pgla_u' || substr(id, 7) where name = 'a'",
        "ids of accounts and transfers are well formed",
    ),
    "an account younger than its entries": (
        "update pgledger.accounts set created_at = updated_at where name = 'a'",
        "each entry was recorded later than the one before",
    ),
    "an upper limit that was not kept": (
        "update pgledger.accounts set max_balance = 0 where name = 'c'",
        "balances stayed within their account's limits after every entry",
    ),
    "a transfer from an account to itself": (
        f"update pgledger.transfers set to_key = from_key, to_version = 1000 {NEWEST}",
        "transfers join two accounts of one app and currency",
    ),
    "a forged transfer between accounts that balance": (
        FORGERY,
        "account balances are the sums of their entries",
    ),
}


@pytest.fixture
def tampered(conn) -> Callable[[str], dict[str, tuple[int, str]]]:
    """Makes six transfers, does something to them that only a superuser can, and verifies."""
    keys = {}
    for name in "abcd":
        row = conn.execute("select id from pgledger_create_account(%s, 'USD')", [name]).fetchone()
        keys[name] = row[0]
    for until in ("2000-01-01Z", "2001-01-01Z"):
        conn.execute("select pgledger_close_period('', %s)", [until])
    for source, target, amount in (
        ("a", "b", "12.34"),
        ("b", "c", "2.30"),
        ("a", "b", "5"),
        ("b", "c", "0.01"),
        ("a", "c", "7"),
        ("c", "b", "1"),
    ):
        conn.execute(
            "select pgledger_create_transfer(%s, %s, %s::numeric, idempotency_key => %s)",
            [keys[source], keys[target], amount, "evt_1" if amount == "7" else None],
        )
    conn.execute("select pgledger_freeze_account(%s, 'out')", [keys["b"]])
    conn.execute("select pgledger_unfreeze_account(%s)", [keys["b"]])
    conn.execute(
        "select pgledger_extend_hold((pgledger_create_hold(%s, %s, 1)).id, '2100-01-01Z')",
        [keys["a"], keys["b"]],
    )
    conn.execute("select pgledger_ensure_account('d', 'USD')")
    conn.commit()
    conn.execute("select count(*) from pgledger_changes()")
    conn.commit()
    assert findings(conn) == {}

    def tamper(statement: str) -> dict[str, tuple[int, str]]:
        tables = {table for table, _, _ in GUARDS.values()} | {"holds", *TABLES_OF_CHANGES}
        for table in tables:
            conn.execute(f"alter table pgledger.{table} disable trigger all".encode())
        for trigger, (table, _, _) in GUARDS.items():
            if "disable trigger" not in statement:
                continue
            conn.execute(f"alter table pgledger.{table} enable always trigger {trigger}".encode())
        conn.execute(statement.encode())
        for trigger, (table, _, _) in GUARDS.items():
            if "disable trigger" not in statement:
                conn.execute(
                    f"alter table pgledger.{table} enable always trigger {trigger}".encode()
                )
        for guard in GUARDS_OF_HOLDS:
            conn.execute(f"alter table pgledger.holds enable always trigger {guard}".encode())
        for (enabling,) in conn.execute(
            "select format('alter table %%s enable always trigger %%I', tgrelid::regclass, tgname)"
            " from pg_trigger where not tgisinternal and tgrelid = any(%s::regclass[])",
            [[f"pgledger.{table}" for table in TABLES_OF_CHANGES]],
        ).fetchall():
            conn.execute(enabling.encode())
        return findings(conn)

    return tamper


def test_each_check_has_a_tampering_of_its_own(conn):
    names = [
        name for (name,) in conn.execute("select check_name from pgledger_verify()").fetchall()
    ]
    assert sorted(names) == sorted(TAMPERS)


@pytest.mark.parametrize("check", TAMPERS)
def test_tampering_is_found_by_its_check(tampered, check):
    found = tampered(TAMPERS[check])
    assert check in found, found
    violations, example = found[check]
    assert violations >= 1
    assert example


@pytest.mark.parametrize(
    ("statement", "check"), [pytest.param(*case, id=name) for name, case in MORE_TAMPERS.items()]
)
def test_further_tampering_is_found(tampered, statement, check):
    assert check in tampered(statement)


def test_an_account_out_of_its_row_is_the_only_thing_found(tampered):
    """One wrong balance is not drowned in other findings."""
    found = tampered(TAMPERS["account balances are the sums of their entries"])
    assert set(found) == {"account balances are the sums of their entries"}
    assert found["account balances are the sums of their entries"][0] == 2


def guards(kind: str) -> list[Guard]:
    """Returns what the list has of a kind."""
    return [guard for guard in GUARDS_LISTED if guard.kind == kind]


def test_verify_counts_what_it_looks_at(tampered, conn):
    rows = dict(conn.execute("select check_name, rows_checked from pgledger_verify()").fetchall())
    things = len(GUARDS_LISTED) - len(guards("trigger") + guards("policy"))

    assert rows == {
        "balances of each app and currency sum to zero": 4,
        "account balances are the sums of their entries": 4,
        "account versions are the counts of their entries": 4,
        "accounts were updated when their newest entry was recorded": 4,
        "limits of accounts are in range, the lower one not above the upper": 4,
        "the status of each account is known": 4,
        "accounts have the decimal places of their currency": 4,
        "balances have no more decimal places than their account allows": 4,
        "versions of entries run from 1 without a gap": 12,
        "each entry starts from the balance that the one before left": 12,
        "each entry was recorded later than the one before": 12,
        "balances stayed within their account's limits after every entry": 12,
        "no entry passed an account that was frozen for it or closed": 12,
        "changes of accounts run from 1 without a gap": 2,
        "each change of an account starts from what the one before left": 2,
        "each change of an account was recorded later than what was there": 2,
        "accounts are as their newest change left them": 5,
        "transfers join two accounts of one app and currency": 6,
        "amounts are above 0, below 1e30, of at most 18 decimal places": 6,
        "ids of accounts and transfers are well formed": 10,
        "accounts are not ahead of the clock, unless that was accepted": 4,
        "sequences are ahead of the keys in use": 11,
        "accounts hold what is left of their unreleased holds": 4,
        "what was posted of holds are the sums of their transfers": 1,
        "holds join two accounts of one app and currency": 1,
        "holds are pending, posted, voided or expired, and each ended once": 1,
        "reversals go the other way between the accounts of their transfer, after it": 0,
        "reversals of a transfer never exceed its amount": 0,
        "only reversals were let past limits, each when it was made": 0,
        "changes of closed periods run from 1 without a gap": 2,
        "each change of closed periods starts from what the one before left, and later": 2,
        "books were closed until a past time, and reopened from an earlier one": 2,
        "books are closed as their newest change left them": 1,
        "nothing was recorded in a period after it was closed": 0,
        "blocks of changes run from 1 without a gap": 1,
        "blocks cover the versions and changes of accounts without a gap": 4,
        "what is covered of accounts is what their newest block says": 4,
        "noted changes run from 1 without a gap, and never back in time": 1,
        "the ends of holds that nothing posted whole are noted": 1,
        "entries and times of an import are of transfers that are there": 0,
        "names lead to accounts of that app, tenant, currency and name": 1,
        "idempotency keys lead to what came of them": 1,
        "what came of idempotency keys is what was asked for": 1,
        CHECK_OF_GUARDS: 33,
        "what belongs to the ledger is there and has its owner": things,
        "nobody may do more or less than was granted": things,
        "triggers and foreign keys are on": len(guards("trigger") + guards("table")),
        "row security and its policies stand": len(guards("policy") + guards("table")),
        "functions and views keep their settings": len(guards("function") + guards("view")),
    }
