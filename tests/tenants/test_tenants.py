"""Tenants' own database roles: what the views ``ledger_tenant_*`` show them, and nothing else."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgledger.embedded import EmbeddedServer
from pgledger.errors import AlreadyExists, InvalidArgument, InvalidScope, NullArgument
from pgledger.migrate import migrate
from support.database import Connect
from support.server import NewServer

NAMES = (
    "plans",
    "features",
    "subscriptions",
    "subscription_changes",
    "usage_events",
    "entitlement_cache",
    "invoices",
    "invoice_payments",
)
VIEWS = tuple(f"ledger_tenant_{name}" for name in NAMES)
EACH_VIEW = pytest.mark.parametrize("view", VIEWS)
TABLES = (*NAMES, "invoice_lines", "tenants", "meters", "tenant_roles")

DENIED = "42501"

# Who sees rows of which scope; '' is the whole app's.
SHOWN = {
    "one": {("shop", "one"), ("shop", ""), ("*", "")},
    "two": {("shop", "two"), ("shop", ""), ("*", "")},
    "elsewhere": {("bank", "one"), ("bank", ""), ("*", "")},
}
SCOPES = {"one": ("shop", "one"), "two": ("shop", "two"), "elsewhere": ("bank", "one")}

# Rows of every kind for two tenants of an app, and for one of the same name in another app. What is
# written goes by way of the tables: all that counts here is who sees it.
ROWS = """
    insert into pgledger.features (
      id, app_id, tenant_id, key, name, type, aggregation, created_at, updated_at
    )
    select
      'feat_' || app || tenant, app, tenant, 'calls', 'secret of ' || app || '/' || tenant,
      'metered', 'sum', now(), now()
    from (
      values ('*', ''), ('shop', ''), ('shop', 'one'), ('shop', 'two'), ('bank', ''),
        ('bank', 'one')
    ) as scope (app, tenant);

    insert into pgledger.plans (
      id, app_id, tenant_id, slug, name, currency, features, pricing, billing_interval,
      interval_count, trial_days, anchor_at_trial_end, add_on, created_at, updated_at
    )
    select
      'plan_' || app || tenant, app, tenant, 'deal', 'secret of ' || app || '/' || tenant, 'USD',
      '[]', '{}', 'month', 1, 0, true, false, now(), now()
    from (
      values ('shop', ''), ('shop', 'one'), ('shop', 'two'), ('bank', ''), ('bank', 'one')
    ) as scope (app, tenant);

    insert into pgledger.subscriptions (
      id, app_id, tenant_id, plan_key, add_on, status, quantity, started_at, anchor_at, time_zone,
      billing_interval, interval_count, period_number, current_period_start, current_period_end,
      whole_start, metadata, created_at, updated_at
    )
    select
      'sub_' || plans.id, plans.app_id, tenant, plans.key, plans.tenant_id = '', 'active', 1,
      '2026-01-01', '2026-01-01', 'UTC', 'month', 1, 0, '2026-01-01', '2026-02-01', '2026-01-01',
      jsonb_build_object('secret', 'of ' || plans.app_id || '/' || tenant), now(), now()
    from (
      values ('shop', 'one', 'one'), ('shop', 'two', 'two'), ('shop', '', 'two'),
        ('bank', 'one', 'one')
    ) as subscriber (app, tenant_of_plan, tenant)
    inner join pgledger.plans
      on plans.app_id = subscriber.app and plans.tenant_id = subscriber.tenant_of_plan;

    insert into pgledger.subscription_changes (
      subscription_key, version, change, occurred_at, created_at, app_id, tenant_id, status,
      plan_key, quantity, period_number, period_start, period_end, whole_start
    )
    select
      key, 1, 'created', started_at, now(), app_id, tenant_id, status, plan_key, quantity, 0,
      current_period_start, current_period_end, current_period_start
    from pgledger.subscriptions;

    insert into pgledger.tenants (app_id, tenant_id)
    values ('shop', 'one'), ('shop', 'two'), ('bank', 'one');

    insert into pgledger.meters (tenant_key, app_id, tenant_id, feature_key, type)
    select key, app_id, tenant_id, 'calls', 'metered' from pgledger.tenants;

    insert into pgledger.usage_events (
      key, event_at, created_at, tenant_key, meter_key, quantity, idempotency_key, metadata
    )
    select
      number * 1048576 + meters.key, timestamptz '2026-01-01' + interval '1 hour' * number, now(),
      meters.tenant_key, meters.key, number, 'event ' || number,
      jsonb_build_object('secret', 'of ' || app_id || '/' || tenant_id)
    from pgledger.meters
    cross join generate_series(1, 3) as number;

    insert into pgledger.entitlement_cache (
      app_id, tenant_id, feature_key, used, quota, soft_limit, reason, plan_version,
      subscription_version, usage_version, tenant_version, feature_version, created_at, expires_at
    )
    select
      app_id, tenant_id, 'secret of ' || app_id || '/' || tenant_id, 6, 10, false, '', 1, 1, 3, 0,
      0, now(), now()
    from pgledger.tenants;

    insert into pgledger.invoices (
      id, app_id, tenant_id, kind, status, number, currency, subtotal, discount, tax, total,
      amount_due, amount_paid, created_at, updated_at
    )
    select
      'inv_' || app_id || tenant_id, app_id, tenant_id, 'one_off', 'pending', tenants.key, 'USD',
      10, 0, 0, 10, 10, 1, now(), now()
    from pgledger.tenants;

    insert into pgledger.invoice_lines (invoice_key, place, kind, description, amount)
    select key, 1, 'item', 'secret of ' || app_id || '/' || tenant_id, 10
    from pgledger.invoices;

    insert into pgledger.invoice_payments (
      id, invoice_key, app_id, tenant_id, amount, reference, paid_at, created_at
    )
    select
      'pay_' || app_id || tenant_id, key, app_id, tenant_id, 1,
      'secret of ' || app_id || '/' || tenant_id, now(), now()
    from pgledger.invoices;
"""


class Logins:
    """Roles of this test's own, with login; roles belong to all databases of the server."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.made: list[str] = []

    def __call__(self, name: str, *granted: str, attributes: LiteralString = "login") -> str:
        role = f"{self.conn.info.dbname} {name}"
        self.conn.execute(
            sql.SQL("create role {} " + attributes).format(sql.Identifier(role)),
        )
        self.made.append(role)
        for other in granted:
            self.conn.execute(
                sql.SQL("grant {} to {}").format(sql.Identifier(other), sql.Identifier(role))
            )
        return role

    def drop(self) -> None:
        for role in reversed(self.made):
            self.conn.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
            self.conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture
def admin(connect: Connect) -> psycopg.Connection[Any]:
    """A superuser's connection to the test's database with the rows above, in autocommit."""
    conn = connect(autocommit=True)
    conn.execute(ROWS)
    return conn


@pytest.fixture
def login(ledger_dsn: str) -> Iterator[Logins]:
    with psycopg.connect(ledger_dsn, autocommit=True) as conn:
        logins = Logins(conn)
        yield logins
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = any (%s) and datname = current_database()",
            [logins.made],
        )
        logins.drop()


Tenant = Callable[[str], psycopg.Connection[Any]]


@pytest.fixture
def roles(admin: psycopg.Connection[Any], login: Logins) -> dict[str, str]:
    """Roles of the tenants in SCOPES, by its keys."""
    made = {name: login(name, "pgledger_tenant") for name in SCOPES}
    for name, scope in SCOPES.items():
        admin.execute("select ledger_map_tenant_role(%s, %s, %s)", [made[name], *scope])
    return made


@pytest.fixture
def tenant(connect: Connect, roles: dict[str, str]) -> Tenant:
    """``tenant("one")`` is a connection as that tenant's role, in autocommit."""
    return lambda name: connect(user=roles[name], autocommit=True)


def rows(conn: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return conn.execute(query.encode()).fetchall()


def scopes(conn: psycopg.Connection[Any], view: str) -> set[tuple[str, str]]:
    return {(row[0], row[1]) for row in rows(conn, f"select app_id, tenant_id from {view}")}


def whole(view: str) -> str:
    """The view of which a tenant's shows a part."""
    return view.replace("ledger_tenant_", "ledger_")


def expected_scopes(view: str, name: str) -> set[tuple[str, str]]:
    shown = {
        "ledger_tenant_features": SHOWN[name],
        "ledger_tenant_plans": SHOWN[name] - {("*", "")},
    }
    return shown.get(view, {SCOPES[name]})


def refused(conn: psycopg.Connection[Any], statement: str) -> str:
    with pytest.raises(psycopg.Error) as error:
        conn.execute(statement.encode())
    if not conn.autocommit:
        conn.rollback()
    return error.value.sqlstate or str(error.value)


# What is shown


@EACH_VIEW
def test_columns_are_those_of_the_whole_view(conn, view):
    columns = """
        select array_agg(
          array[attname, format_type(atttypid, atttypmod), attcollation::regcollation::text]
          order by attnum
        )
        from pg_attribute
        where attrelid = %s::regclass and attnum > 0
    """
    assert (
        conn.execute(columns, [view]).fetchone() == conn.execute(columns, [whole(view)]).fetchone()
    )


@EACH_VIEW
@pytest.mark.parametrize("name", SCOPES)
def test_a_tenant_sees_its_rows_whole_and_no_others(admin, tenant, view, name):
    wanted = expected_scopes(view, name)
    listed = rows(admin, f"select * from {whole(view)} order by 1, 2, 3, 4, 5")
    names = [column.name for column in admin.execute(f"select * from {view}").description]
    app, owner = names.index("app_id"), names.index("tenant_id")
    own = [row for row in listed if (row[app], row[owner]) in wanted]
    assert 0 < len(own) < len(listed)
    assert rows(tenant(name), f"select * from {view} order by 1, 2, 3, 4, 5") == own
    assert {(row[app], row[owner]) for row in own} == wanted


@EACH_VIEW
def test_a_role_that_is_not_mapped_sees_nothing(admin, login, connect, view):
    stranger = connect(user=login("stranger", "pgledger_tenant"), autocommit=True)
    assert rows(stranger, f"select * from {view}") == []
    # Not even whoever owns the views, the tables or the server.
    for role in ("pgledger_tenant", "pgledger_tenant_views", "pgledger_owner", "postgres"):
        admin.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        assert scopes(admin, view) == set()


def test_no_longer_mapped_sees_nothing(admin, tenant, roles):
    session = tenant("one")
    session.execute("prepare mine as select count(*) from ledger_tenant_subscriptions")
    assert rows(session, "execute mine") == [(1,)]
    assert rows(admin, f"select ledger_unmap_tenant_role('{roles['one']}')") == [(True,)]
    assert rows(session, "execute mine") == [(0,)]
    assert all(rows(session, f"select * from {view}") == [] for view in VIEWS)
    assert scopes(tenant("two"), "ledger_tenant_subscriptions") == {("shop", "two")}


def test_several_roles_may_be_one_tenants(admin, login, connect, tenant):
    for name in ('Ünusual "name" \\', "x" * 40, "pg"):
        role = login(name, "pgledger_tenant")
        admin.execute("select ledger_map_tenant_role(%s, 'shop', 'one')", [role])
        for view in VIEWS:
            assert rows(connect(user=role), f"select * from {view}") == rows(
                tenant("one"), f"select * from {view}"
            )


def test_a_mapped_role_needs_the_grant_as_well(admin, login, connect):
    role = login("ungranted")
    admin.execute("select ledger_map_tenant_role(%s, 'shop', 'one')", [role])
    session = connect(user=role, autocommit=True)
    assert {refused(session, f"select * from {view}") for view in VIEWS} == {DENIED}


def test_members_of_a_mapped_role_have_to_become_it(admin, login, connect, roles):
    session = connect(
        user=login("clerk", "pgledger_tenant", roles["one"], roles["two"]), autocommit=True
    )
    assert scopes(session, "ledger_tenant_subscriptions") == set()
    for name in ("one", "two"):
        session.execute(sql.SQL("set role {}").format(sql.Identifier(roles[name])))
        assert scopes(session, "ledger_tenant_subscriptions") == {SCOPES[name]}


# Each of the two guards holds without the other


@EACH_VIEW
def test_the_policies_alone_keep_others_out(admin, tenant, view):
    """Behind a view of that owner that has no condition of its own."""
    table = view.removeprefix("ledger_tenant_")
    for name in TABLES if table == "plans" else [table]:
        admin.execute(f"create view bare_{name} as select * from pgledger.{name}")
        admin.execute(f"alter view bare_{name} owner to pgledger_tenant_views")
        admin.execute(f"grant select on bare_{name} to pgledger_tenant")
    every = len(rows(admin, f"select * from pgledger.{table}"))
    # Nobody is mapped as the superuser who asks here.
    assert rows(admin, f"select * from bare_{table}") == []
    for name, scope in SCOPES.items():
        bare = rows(tenant(name), f"select count(*) from bare_{table}")
        assert bare == rows(tenant(name), f"select count(*) from {view}")
        assert 0 < bare[0][0] < every
        if table == "plans":
            for other in ("tenants", "meters"):
                assert scopes(tenant(name), f"bare_{other}") == {scope}
            assert scopes(tenant(name), "bare_tenant_roles") == {scope}


@EACH_VIEW
def test_the_conditions_alone_keep_others_out(admin, tenant, view):
    for table in TABLES:
        admin.execute(f"alter table pgledger.{table} disable row level security")
    for name in SCOPES:
        assert scopes(tenant(name), view) == expected_scopes(view, name)
        assert peeked(tenant(name), view) == expected_secrets(view, name)


# Attacks


PEEK = """
    create function pg_temp.peek(anything text) returns boolean
    language plpgsql cost 0.0000001 as $$
    begin
      raise notice '%', anything;
      return true;
    end $$
"""


def peeked(conn: psycopg.Connection[Any], view: str) -> set[str]:
    """What a function in WHERE that costs next to nothing is shown of a view's rows."""
    heard: list[str] = []
    conn.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary or ""))
    conn.execute("set client_min_messages = notice")
    conn.execute(PEEK.replace("create function", "create or replace function"))
    conn.execute(
        f"select from {view} as shown where pg_temp.peek(shown::text)"
        " and pg_temp.peek(shown.tenant_id) and pg_temp.peek(shown.app_id)".encode()
    )
    conn.execute(
        f"select from {view} as one join {view} as other on pg_temp.peek(one::text)"
        " and pg_temp.peek(other::text) and one.tenant_id = other.tenant_id".encode()
    )
    assert heard
    return {
        scope for text in heard for scope in ("shop/two", "shop/one", "bank/one") if scope in text
    } | {text for text in heard if text in {"shop", "bank", "one", "two", "*", ""}}


def expected_secrets(view: str, name: str) -> set[str]:
    app, owner = SCOPES[name]
    named = {part for scope in expected_scopes(view, name) for part in scope}
    return named | (set() if view == "ledger_tenant_subscription_changes" else {f"{app}/{owner}"})


@EACH_VIEW
@pytest.mark.parametrize("name", SCOPES)
def test_a_leaky_function_is_shown_own_rows_only(tenant, view, name):
    assert peeked(tenant(name), view) == expected_secrets(view, name)


def test_an_error_does_not_tell_of_other_rows(tenant):
    session = tenant("one")
    for condition in (
        "1 / (tenant_id <> 'two')::integer = 1",
        "case when tenant_id = 'two' then idempotency_key::integer else 1 end = 1",
    ):
        found = rows(session, f"select from ledger_tenant_usage_events where {condition}")
        assert len(found) == 3


def test_nothing_in_a_session_changes_who_it_is(admin, tenant, roles):
    session = tenant("one")
    other = roles["two"]
    for statement in (
        f'set role "{other}"',
        f'set session authorization "{other}"',
        f"select set_config('role', '{other}', false)",
        f"select set_config('session_authorization', '{other}', false)",
        "set role pgledger_tenant_views",
        "set role pgledger_owner",
    ):
        assert refused(session, statement) == DENIED
    for setting in ("pgledger.tenant_id", "pgledger.role", "app.tenant_id", "my.current_user"):
        session.execute("select set_config(%s, %s, false)", [setting, "two"])
    session.execute("set search_path to pg_temp, public")
    for view in VIEWS:
        assert scopes(session, f"public.{view}") == expected_scopes(view, "one")
    # What every tenant's role is a member of is mapped to nobody.
    session.execute("set role pgledger_tenant")
    for view in VIEWS:
        assert scopes(session, f"public.{view}") == set()


@EACH_VIEW
def test_row_security_cannot_be_turned_off(tenant, view):
    session = tenant("one")
    session.execute("set row_security = off")
    assert refused(session, f"select * from {view}") == DENIED


def test_row_security_off_shows_nothing_more_where_policies_do_not_apply(admin, tenant):
    for table in TABLES:
        admin.execute(f"alter table pgledger.{table} disable row level security")
    session = tenant("one")
    session.execute("set row_security = off")
    for view in VIEWS:
        assert scopes(session, view) == expected_scopes(view, "one")


def test_objects_named_like_ours_are_not_used(admin, tenant, roles):
    session = tenant("one")
    session.execute("set search_path to pg_temp, pg_catalog, public")
    for table in TABLES:
        session.execute(f"create temp table {table} (app_id text, tenant_id text, key integer)")
    session.execute("alter table pg_temp.tenant_roles add column role_name name")
    session.execute("insert into pg_temp.tenant_roles values ('shop', 'two', 1, current_user)")
    session.execute("create function pg_temp.yes(text, text) returns boolean return true")
    session.execute("create function pg_temp.names(name, name) returns boolean return true")
    session.execute(
        "create operator pg_temp.= (leftarg = text, rightarg = text, function = pg_temp.yes)"
    )
    session.execute(
        "create operator pg_temp.= (leftarg = name, rightarg = name, function = pg_temp.names)"
    )
    session.execute(
        "create function pg_temp.event_id(timestamptz, bigint) returns text"
        " language plpgsql as $$ begin raise exception 'mine was called'; end $$"
    )
    session.execute(
        sql.SQL('create function pg_temp."current_user"() returns name return {}').format(
            sql.Literal(roles["two"])
        )
    )
    for view in VIEWS:
        assert scopes(session, f"public.{view}") == expected_scopes(view, "one")
        rows(session, f"select * from public.{view}")


def test_a_view_or_function_of_one_tenant_shows_another_what_is_the_others(admin, tenant, roles):
    admin.execute("create schema shared; grant create, usage on schema shared to public")
    owner = tenant("two")
    owner.execute("create view shared.subscriptions as select * from ledger_tenant_subscriptions")
    owner.execute(
        "create view shared.invoked with (security_invoker) as"
        " select * from ledger_tenant_subscriptions"
    )
    owner.execute(
        "create function shared.listed() returns setof ledger_tenant_subscriptions"
        " language sql as 'select * from ledger_tenant_subscriptions'"
    )
    owner.execute(
        "create function shared.counted() returns setof ledger_tenant_subscriptions"
        " language plpgsql as"
        " 'begin return query select * from ledger_tenant_subscriptions; end'"
    )
    owner.execute("grant select on all tables in schema shared to public")
    for relation in ("subscriptions", "invoked", "listed()", "counted()"):
        for name in ("one", "two"):
            assert scopes(tenant(name), f"shared.{relation}") == {SCOPES[name]}, relation


@pytest.mark.parametrize("mode", ["auto", "force_generic_plan", "force_custom_plan"])
def test_a_statement_prepared_as_another_role_asks_again(admin, login, connect, roles, mode):
    """Whoever may become both prepares as the one, and executes as the other."""
    session = connect(user=login("both", roles["one"], roles["two"]), autocommit=True)
    session.prepare_threshold = None
    session.execute(sql.SQL("set plan_cache_mode = {}").format(sql.Literal(mode)))
    session.execute(
        "create function pg_temp.cached() returns setof text language plpgsql as $$"
        " begin return query select app_id || '/' || tenant_id from public.ledger_tenant_plans"
        " where tenant_id <> ''; end $$"
    )
    for view in VIEWS:
        session.execute("reset role")
        for name in ("one", "two", "one", "two"):
            session.execute(sql.SQL("set role {}").format(sql.Identifier(roles[name])))
            if name == "one" and not rows(session, "select from pg_prepared_statements"):
                session.execute(f"prepare mine as select app_id, tenant_id from {view}")
            for _ in range(7):
                assert set(rows(session, "execute mine")) == expected_scopes(view, name)
            assert rows(session, "select * from pg_temp.cached()") == [("/".join(SCOPES[name]),)]
        session.execute("deallocate mine")


def test_a_plan_of_the_administrators_does_not_serve_a_tenant(admin, roles):
    admin.prepare_threshold = None
    for view in VIEWS:
        admin.execute("reset role")
        admin.execute(f"prepare mine as select app_id, tenant_id from {view}")
        admin.execute(f"prepare every as select app_id, tenant_id from {whole(view)}")
        every = rows(admin, "execute every")
        assert rows(admin, "execute mine") == []
        admin.execute(sql.SQL("set role {}").format(sql.Identifier(roles["one"])))
        assert set(rows(admin, "execute mine")) == expected_scopes(view, "one")
        assert refused(admin, "execute every") == DENIED
        assert len(every) > len(expected_scopes(view, "one"))
        admin.execute("deallocate all")


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("hold", [True, False])
def test_a_cursor_shows_one_tenants_rows_and_no_mixture(admin, login, connect, roles, opened, hold):
    session = connect(user=login("both", roles["one"], roles["two"]))
    for view in VIEWS:
        for first, then in (("one", "two"), ("two", "one")):
            session.execute(sql.SQL("set role {}").format(sql.Identifier(roles[first])))
            session.execute(
                f"declare mine cursor {'with hold' if hold else ''} for"
                f" select app_id, tenant_id from {view}".encode()
            )
            fetched = rows(session, "fetch 1 from mine") if opened else []
            if hold:
                session.commit()
            session.execute(sql.SQL("set role {}").format(sql.Identifier(roles[then])))
            fetched += rows(session, "fetch all from mine")
            session.execute("close mine")
            shown = set(fetched)
            assert any(shown <= expected_scopes(view, name) for name in ("one", "two"))
            if opened or hold:
                assert shown <= expected_scopes(view, first)
            session.rollback()
            session.execute("reset role")
            session.commit()


def test_parallel_workers_know_who_asks(tenant):
    session = tenant("one")
    renamed = session.info.server_version >= 160000
    session.execute(f"set {'debug_parallel_query' if renamed else 'force_parallel_mode'} = on")
    session.execute("set parallel_setup_cost = 0; set parallel_tuple_cost = 0")
    session.execute("set min_parallel_table_scan_size = 0")
    for view in VIEWS:
        assert scopes(session, view) == expected_scopes(view, "one")


def test_copy_shows_own_rows(tenant):
    session = tenant("one")
    for view in VIEWS:
        with session.cursor().copy(f"copy (select app_id, tenant_id from {view}) to stdout") as out:
            assert set(out.rows()) == expected_scopes(view, "one")


@EACH_VIEW
def test_tenants_only_read(admin, tenant, view):
    session = tenant("one")
    before = rows(admin, f"select * from {whole(view)}")
    for statement in (
        f"insert into {view} default values",
        f"update {view} set app_id = 'x'",
        f"delete from {view}",
        f"truncate {view}",
        f"do $$ begin lock table {view} in share row exclusive mode; end $$",
        f"select * from {view} for key share",
        f"create rule mine as on insert to {view} do instead nothing",
        f"create or replace view {view} as select 1",
        f"alter view {view} set (security_barrier = false)",
        f"alter view {view} owner to current_user",
        f"drop view {view}",
    ):
        assert refused(session, statement) in {DENIED, "55000", "42809"}, statement
    # PostgreSQL only warns of this.
    session.execute(f"grant select on {view} to public")
    assert rows(admin, f"select has_table_privilege('public', '{view}', 'select')") == [(False,)]
    assert rows(admin, f"select * from {whole(view)}") == before


def test_tenants_reach_nothing_else(admin, tenant, subtests):
    session = tenant("one")
    relations = rows(
        admin,
        "select oid::regclass::text from pg_class where relkind in ('r', 'v', 'S')"
        r" and (relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_')"
        r" and relname !~ '^ledger_tenant_'",
    )
    assert len(relations) > 20
    for (relation,) in relations:
        with subtests.test(relation):
            assert refused(session, f"select * from {relation}") == DENIED
    executable = rows(
        session,
        "select oid::regprocedure::text from pg_proc"
        " where (pronamespace = (select oid from pg_namespace where nspname = 'pgledger')"
        "   or proname ~ '^(pg)?ledger_') and has_function_privilege(oid, 'execute')"
        " order by proname",
    )
    assert executable == [
        ("pgledger.event_id(timestamp with time zone,bigint)",),
        ("pgledger.line_item(pgledger.invoice_lines,timestamp with time zone)",),
    ]
    # The view's function runs without the schema, which stays closed.
    assert refused(session, "select pgledger.event_id(now(), 1)") == DENIED


def test_statistics_do_not_tell_of_other_rows(admin, tenant):
    admin.execute("analyze")
    session = tenant("one")
    assert rows(session, "select from pg_stats where schemaname = 'pgledger'") == []
    assert refused(session, "select from pg_statistic") == DENIED


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def test_a_tenants_usage_is_found_by_index(admin, tenant):
    """And so EXPLAIN has no rows of others to count, however many there are."""
    admin.execute(
        """
        insert into pgledger.tenants (app_id, tenant_id)
        select 'shop', 'tenant ' || number from generate_series(1, 200) as number;
        insert into pgledger.meters (tenant_key, app_id, tenant_id, feature_key, type)
        select tenants.key, tenants.app_id, tenants.tenant_id, 'feature ' || number, 'metered'
        from pgledger.tenants
        cross join generate_series(1, 5) as number;
        insert into pgledger.usage_events (
          key, event_at, created_at, tenant_key, meter_key, quantity
        )
        select
          number * 1048576 + meters.key, timestamptz '2026-03-01' + interval '1 hour' * number,
          now(), meters.tenant_key, meters.key, 1
        from pgledger.meters
        cross join generate_series(1, 50) as number;
        analyze;
        """
    )
    session = tenant("one")
    for condition, count in (
        ("true", 303),
        ("feature_key = 'feature 2'", 50),
        ("event_at >= '2026-03-02' and event_at < '2026-03-03'", 144),
        ("feature_key = 'feature 2' and event_at < '2026-03-01 03:30Z'", 3),
    ):
        query = f"select * from ledger_tenant_usage_events where {condition}"
        assert len(rows(session, query)) == count
        ((explained,),) = rows(session, f"explain (analyze, format json) {query}")
        text = json.dumps(explained)
        for node in nodes(explained[0]["Plan"]):
            if node.get("Relation Name") == "usage_events":
                assert node["Node Type"] != "Seq Scan", text
                assert node.get("Rows Removed by Filter", 0) <= 303, text


# Those for whom everything stays as it was


def test_others_see_everything(admin, connect, login):
    every = {table: rows(admin, f"select count(*) from pgledger.{table}") for table in TABLES}
    auditor = connect(user=login("auditor", "pgledger_auditor"), autocommit=True)
    admin.execute("set role pgledger_owner")
    for table in TABLES:
        for conn in (auditor, admin):
            assert rows(conn, f"select count(*) from pgledger.{table}") == every[table], table
        auditor.execute("set row_security = on")
    admin.execute("reset role")
    for role in ("pgledger_reader", "pgledger_poster"):
        session = connect(user=login(role, role), autocommit=True)
        session.execute("set row_security = off")
        for view in VIEWS:
            assert rows(session, f"select count(*) from {whole(view)}") == rows(
                admin, f"select count(*) from {whole(view)}"
            )
            assert refused(session, f"select * from {view}") == DENIED


def test_the_owner_dumps_all_rows(admin, server: EmbeddedServer, login, ledger_dsn, roles):
    keeper = login("keeper", "pgledger_owner")
    dumped = server.run(
        "pg_dump",
        "--data-only",
        "--role=pgledger_owner",
        f"--dbname={make_conninfo(ledger_dsn, user=keeper)}",
    ).stdout
    for secret in ("secret of shop/one", "secret of shop/two", "secret of bank/one", roles["two"]):
        assert secret in dumped


# The map


@pytest.fixture
def map_role(admin: psycopg.Connection[Any]) -> Callable[..., Any]:
    def call(role: str | None, app: str | None = "shop", tenant: str | None = "one") -> Any:
        return admin.execute("select ledger_map_tenant_role(%s, %s, %s)", [role, app, tenant])

    return call


def mapped(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return rows(conn, "select role_name, app_id, tenant_id from pgledger.tenant_roles order by 1")


def test_mapping_again_changes_nothing_and_never_moves_a_role(admin, map_role, login):
    role = login("mover")
    map_role(role)
    map_role(role)
    for app, tenant in (("shop", "two"), ("bank", "one")):
        with pytest.raises(AlreadyExists, match="is already taken by tenant 'one' in app 'shop'"):
            map_role(role, app, tenant)
    assert mapped(admin) == [(role, "shop", "one")]
    assert rows(admin, f"select ledger_unmap_tenant_role('{role}')") == [(True,)]
    assert rows(admin, f"select ledger_unmap_tenant_role('{role}')") == [(False,)]
    map_role(role, "shop", "two")
    assert mapped(admin) == [(role, "shop", "two")]


def test_two_at_once_map_a_role_once(admin, connect, login, wait_until_blocked):
    role = login("contested")
    first, second = connect(), connect(autocommit=True)
    first.execute("select ledger_map_tenant_role(%s, 'shop', 'one')", [role])
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(
            second.execute, "select ledger_map_tenant_role(%s, 'shop', 'two')", [role]
        )
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        with pytest.raises(AlreadyExists):
            call.result()
    assert mapped(admin) == [(role, "shop", "one")]


def test_only_a_role_that_is_no_more_than_a_tenant_can_be_mapped(admin, map_role, login):
    with pytest.raises(InvalidArgument, match="role_name 'nobody there' is not valid: there is no"):
        map_role("nobody there")
    owner = login("keeper", "pgledger_owner")
    cases = {
        "postgres": "it is a superuser",
        "pgledger_tenant": "it is not for tenants",
        "pgledger_tenant_views": "it is not for tenants",
        "pgledger_owner": "it is not for tenants",
        "pgledger_reader": "it is not for tenants",
        "pg_read_all_data": "it is allowed to read or write everything",
        owner: "it is a member of pgledger_owner, which is not for tenants",
        login("clerk", owner): "it is a member of pgledger_owner, which is not for tenants",
        login("reader", "pgledger_tenant", "pgledger_reader"): "it is a member of pgledger_reader",
        login("poster", "pgledger_poster"): "it is a member of pgledger_poster",
        login("checker", "pgledger_auditor"): "it is a member of pgledger_auditor",
        login("all", "pg_read_all_data"): "it is a member of pg_read_all_data, which is allowed to",
        login("root", attributes="superuser"): "it is a superuser",
        login("free", attributes="bypassrls"): "it is not bound by row security",
        login("copy", attributes="replication"): "it is allowed to replicate the whole server",
        login("chief", attributes="createrole"): "it is allowed to make and grant roles",
    }
    cases[login("deputy", "pgledger_tenant", login("group", "postgres"))] = (
        "it is a member of postgres, which is a superuser"
    )
    for role, fault in cases.items():
        with pytest.raises(InvalidArgument, match=f"is not valid: {fault}"):
            map_role(role)
    assert mapped(admin) == []
    map_role(login("plain", "pgledger_tenant", login("plain group", attributes="nologin")))
    assert len(mapped(admin)) == 1


GRANTS = {
    "usage on schema pgledger": "it may use the schema pgledger",
    "select on pgledger.invoices": "it may select the table pgledger.invoices",
    "select (id) on pgledger.invoices": "it may select the table pgledger.invoices",
    "references (id) on pgledger.accounts": "it may refer to the table pgledger.accounts",
    "insert on pgledger.usage_events": "it may insert into the table pgledger.usage_events",
    "select on ledger_invoices": "it may select the view public.ledger_invoices",
    "update on ledger_tenant_invoices": "it may update the view public.ledger_tenant_invoices",
    "execute on function ledger_list_invoices": (
        r"it may execute the function public.ledger_list_invoices\("
    ),
    "execute on function pgledger.post_transfers": (
        r"it may execute the function pgledger.post_transfers\("
    ),
}


@pytest.mark.parametrize("right", GRANTS)
def test_a_role_with_rights_of_its_own_cannot_be_mapped(admin, map_role, login, right):
    role, group = login("plain", "pgledger_tenant"), login("granted", attributes="nologin")
    member = login("member", "pgledger_tenant", group)
    for grantee, named, fault in (
        (role, role, GRANTS[right]),
        (group, member, GRANTS[right].replace("it may", "it is a member of [^,]+, which may")),
        ("public", role, GRANTS[right].replace("it may", "everybody may")),
    ):
        quoted = grantee if grantee == "public" else f'"{grantee}"'
        admin.execute(f"grant {right} to {quoted}".encode())
        with pytest.raises(InvalidArgument, match=f"is not valid: {fault}.*not for tenants"):
            map_role(named)
        admin.execute(f"revoke {right} from {quoted}".encode())
        map_role(named)
        admin.execute("select ledger_unmap_tenant_role(%s)", [named])


def test_what_tenants_may_anyhow_can_be_granted_directly(admin, map_role, login):
    role = login("plain")
    admin.execute(f'grant select on ledger_tenant_invoices to "{role}"'.encode())
    admin.execute(f'grant usage on type ledger_invoice to "{role}"'.encode())
    map_role(role)
    assert len(mapped(admin)) == 1


def test_map_arguments(admin, map_role, login):
    role = login("plain")
    for arguments in ((None, "shop", "one"), (role, None, "one"), (role, "shop", None)):
        with pytest.raises(NullArgument):
            map_role(*arguments)
    for app, tenant in (("", "one"), ("*", "one"), ("shop", ""), ("shop", "x" * 129)):
        with pytest.raises(InvalidScope):
            map_role(role, app, tenant)
    with pytest.raises(NullArgument):
        admin.execute("select ledger_unmap_tenant_role(null)")
    assert mapped(admin) == []


def test_only_administrators_map(admin, connect, login, roles):
    calls = (
        f"select ledger_map_tenant_role('{roles['one']}', 'shop', 'two')",
        f"select ledger_unmap_tenant_role('{roles['one']}')",
    )
    for role in ("pgledger_tenant", "pgledger_reader", "pgledger_poster", "pgledger_auditor"):
        session = connect(user=login(role, role), autocommit=True)
        assert {refused(session, call) for call in calls} == {DENIED}
    keeper = connect(user=login("keeper", "pgledger_owner"), autocommit=True)
    assert rows(keeper, calls[1]) == [(True,)]
    keeper.execute(calls[0].encode())
    assert (roles["one"], "shop", "two") in mapped(admin)


# Without roles of ours


def test_without_our_roles_the_views_still_close(new_server: NewServer) -> None:
    server = new_server()
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute("create role app login; create role one login; create role two login")
        conn.execute("create role stranger login")
        conn.execute("create database shop owner app")
    dsn = server.dsn("shop")
    assert not migrate(make_conninfo(dsn, user="app"), roles=False).roles
    app = psycopg.connect(make_conninfo(dsn, user="app"), autocommit=True)
    with app:
        app.execute(ROWS)
        for role in ("one", "two", "stranger"):
            app.execute(f"grant select on {', '.join(VIEWS)} to {role}".encode())
            app.execute(
                "grant execute on function pgledger.event_id(timestamptz, bigint),"
                " pgledger.line_item(pgledger.invoice_lines, timestamptz)"
                f" to {role}".encode()
            )
        for role in ("one", "two"):
            app.execute("select ledger_map_tenant_role(%s, %s, %s)", [role, *SCOPES[role]])
        # The owner is nobody's tenant, and cannot become one.
        with pytest.raises(InvalidArgument, match="it is not for tenants"):
            app.execute("select ledger_map_tenant_role('app', 'shop', 'one')")
        for view in VIEWS:
            assert rows(app, f"select * from {view}") == []
            assert rows(app, f"select * from {whole(view)}") != []
        for role in ("one", "two"):
            with psycopg.connect(make_conninfo(dsn, user=role), autocommit=True) as session:
                for setting in ("on", "off"):
                    session.execute(f"set row_security = {setting}".encode())
                    for view in VIEWS:
                        assert scopes(session, view) == expected_scopes(view, role)
                        assert peeked(session, view) == expected_secrets(view, role)
        with psycopg.connect(make_conninfo(dsn, user="stranger"), autocommit=True) as session:
            for view in VIEWS:
                assert rows(session, f"select * from {view}") == []
