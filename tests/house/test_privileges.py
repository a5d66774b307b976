"""Who may do what: everything that the catalog knows of ours, compared with the list that ships.

An object that is not on it fails the test, and so does a privilege that is not what the list says.
Privileges are asked for as PostgreSQL sees them, inherited ones included.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from pgledger.migrate import migrate
from support.guards import GUARDS, Guard, names

ROOT = Path(__file__).resolve().parents[2]

OWNER = "pgledger_owner"
POSTER = "pgledger_poster"
READER = "pgledger_reader"
AUDITOR = "pgledger_auditor"
TENANT = "pgledger_tenant"
# Owns the views of tenants' own roles.
VIEW_OWNER = "pgledger_tenant_views"
ROLES = ("public", READER, POSTER, AUDITOR, TENANT, VIEW_OWNER, OWNER)

DENIED = "42501"
PINNED = "search_path=pg_catalog, pgledger, pg_temp"

READERS = (READER, POSTER, AUDITOR)

# What the list says of each kind of object. The owner may do everything with what it owns.
PRIVATE_TABLES = names("table", "private", detail="")
# What the views of tenants' own roles read, under row security.
TENANTS_TABLES = names(
    "table", "private", granted="auditor=SELECT tenant_views=SELECT", detail="row security"
)
# Under row security too, though no view of tenants' own roles reads them.
AUDITED_TABLES = names("table", "private", granted="auditor=SELECT", detail="row security")
VIEWS = names("view", owner="owner")
TENANTS_VIEWS = names("view", owner="tenant_views")

# Functions that only administrators call, and those that only auditors do.
AUDITING_FUNCTIONS = {
    "pgledger_verify",
    "pgledger_verify_rest",
    "pgledger_verify_seals",
    "pgledger_verify_slice",
}
# For whoever may act as the owner.
ADMINISTRATORS_FUNCTIONS = {
    "ledger_map_tenant_role",
    "ledger_set_hook",
    "ledger_unmap_tenant_role",
    "pgledger_accept_time",
    "pgledger_import_begin",
    "pgledger_import_faults",
    "pgledger_import_history",
    "pgledger_raise_sequences",
    "pgledger_reopen_period",
    "pgledger_reverse_transfer_over_limits",
    "pgledger_set_clock_warning",
}
# They write nothing, though they are volatile: one counts, another takes back what it has done. The
# third numbers what others have written, in blocks, which is nothing that it could be told.
VOLATILE_READING_FUNCTIONS = {"ledger_preview_invoice", "pgledger_changes", "pgledger_generate_id"}

# Who writes is told by the sources: what is volatile is for those who post, the rest for readers.
VOLATILITIES = {
    path.stem: volatility
    for path in (ROOT / "sql" / "repeatable").rglob("*ledger_*.sql")
    if path.parent.name != "views"
    for volatility in re.findall(
        r"^(volatile|stable|immutable)$", path.read_text(encoding="utf-8"), re.MULTILINE
    )
}
READING_FUNCTIONS = (
    {name for name, volatility in VOLATILITIES.items() if volatility != "volatile"}
    | VOLATILE_READING_FUNCTIONS
) - AUDITING_FUNCTIONS
WRITING_FUNCTIONS = VOLATILITIES.keys() - (
    READING_FUNCTIONS | AUDITING_FUNCTIONS | ADMINISTRATORS_FUNCTIONS
)
# Views call these with the privileges of whoever reads them.
HELPERS_OF_VIEWS = {
    *("pgledger.account_status", "pgledger.entry_id"),
    *("pgledger.error_registry", "pgledger.iso_currencies"),
    *("pgledger.held_now", "pgledger.hold_status"),
}
HELPERS_OF_TENANTS_VIEWS = {"pgledger.event_id", "pgledger.line_item"}
PRIVATE_FUNCTIONS = {
    f"pgledger.{path.stem}"
    for path in (ROOT / "sql" / "repeatable").rglob("*.sql")
    if path.parent.name != "views" and path.stem not in VOLATILITIES
} - (HELPERS_OF_VIEWS | HELPERS_OF_TENANTS_VIEWS)

TABLE_VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
VERBS: Mapping[str, tuple[str, ...]] = {
    "schema": ("USAGE", "CREATE"),
    "table": TABLE_VERBS,
    "view": TABLE_VERBS,
    "sequence": ("SELECT", "UPDATE", "USAGE"),
    "function": ("EXECUTE",),
    "type": ("USAGE",),
}

Matrix = dict[tuple[str, str], dict[str, set[str]]]


def expected_matrix() -> Matrix:
    """Returns (kind, name) → role → verbs, without roles that may do nothing."""
    # Where the public surface is; it belongs to the database's owner.
    matrix: Matrix = {
        ("schema", "public"): {role: {"USAGE", "CREATE"} for role in (OWNER, VIEW_OWNER)}
        | {role: {"USAGE"} for role in ("public", TENANT, *READERS)}
    }
    for guard in GUARDS:
        if guard.kind not in VERBS:
            continue
        roles = {role: {verb} for role, verb in guard.rights.items()}
        if READER in roles:
            # They are its members.
            roles |= dict.fromkeys((POSTER, AUDITOR), roles[READER])
        # The owner of the ledger is a member of the owner of tenants' views.
        roles |= {role: set(VERBS[guard.kind]) for role in {OWNER, f"pgledger_{guard.owner}"}}
        assert matrix.setdefault((guard.kind, guard.bare_name), roles) == roles, guard
    return matrix


def wanted_rights(guard: Guard) -> dict[str, str]:
    """Returns what others than the owner may do with a thing, by the rules of the house."""
    is_private, bare = guard.place == "private", guard.bare_name
    if guard.kind == "function":
        if bare in HELPERS_OF_TENANTS_VIEWS:
            return {READER: "EXECUTE", TENANT: "EXECUTE"}
        if bare in READING_FUNCTIONS | HELPERS_OF_VIEWS:
            return {READER: "EXECUTE"}
        if bare in WRITING_FUNCTIONS:
            return {POSTER: "EXECUTE"}
        return {AUDITOR: "EXECUTE"} if bare in AUDITING_FUNCTIONS else {}
    if guard.kind == "view":
        return {TENANT if guard.owner == "tenant_views" else READER: "SELECT"}
    if guard.kind == "table":
        has_policy = any((g.kind, g.place, g.granted) == policy_of(guard) for g in GUARDS)
        return {AUDITOR: "SELECT"} | ({VIEW_OWNER: "SELECT"} if has_policy else {})
    if guard.kind == "type" and not is_private:
        return {READER: "USAGE"}
    return {AUDITOR: "USAGE"} if guard.kind == "schema" else {}


def policy_of(table: Guard) -> tuple[str, str, str]:
    return ("policy", table.name, "tenant_views")


# Everything of ours: what is in the private schema, and what carries a prefix of ours elsewhere.
OBJECTS: LiteralString = r"""
    with object (kind, oid, schema, name, owner) as (
      select
        case pg_class.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
        pg_class.oid, pg_class.relnamespace, pg_class.relname, pg_class.relowner
      from pg_class
      where pg_class.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      union all
      select 'function', pg_proc.oid, pg_proc.pronamespace, pg_proc.proname, pg_proc.proowner
      from pg_proc
      union all
      select 'type', pg_type.oid, pg_type.typnamespace, pg_type.typname, pg_type.typowner
      from pg_type
      left join pg_class on pg_type.typrelid = pg_class.oid
      -- Types that come with a table, a view or another type have no life of their own.
      where pg_type.typcategory <> 'A' and coalesce(pg_class.relkind, 'c') = 'c'
      union all
      select
        'schema', pg_namespace.oid, null, pg_namespace.nspname, pg_namespace.nspowner
      from pg_namespace
      where pg_namespace.nspname in ('pgledger', 'public')
    )

    select
      object.kind,
      object.oid,
      case when object.schema = 'pgledger'::regnamespace then 'pgledger.' else '' end
      || object.name as name,
      pg_get_userbyid(object.owner) as owner
    from object
    where object.schema = 'pgledger'::regnamespace
      or object.kind = 'schema'
      or (
        object.name ~ '^(pg)?ledger_'
        and object.schema not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      )
    order by object.kind, name
"""

# has_…_privilege() knows the pseudo-role public.
ASK: Mapping[str, LiteralString] = {
    "schema": "select has_schema_privilege(%s, %s::oid, %s)",
    "table": "select has_table_privilege(%s, %s::oid, %s)",
    "view": "select has_table_privilege(%s, %s::oid, %s)",
    "sequence": "select has_sequence_privilege(%s, %s::oid, %s)",
    "function": "select has_function_privilege(%s, %s::oid, %s)",
    "type": "select has_type_privilege(%s, %s::oid, %s)",
}
COLUMN_VERBS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")


def actual_matrix(conn: psycopg.Connection[Any]) -> Matrix:
    matrix: Matrix = {}
    for kind, oid, name, _ in conn.execute(OBJECTS).fetchall():
        roles: dict[str, set[str]] = {}
        for role in ROLES:
            for verb in VERBS[kind]:
                if conn.execute(ASK[kind], [role, oid, verb]).fetchone() == (True,):
                    roles.setdefault(role, set()).add(verb)
            for verb in COLUMN_VERBS if kind in ("table", "view") else ():
                # A column's privilege would be none of the table's.
                if conn.execute(
                    "select has_any_column_privilege(%s, %s::oid, %s)", [role, oid, verb]
                ).fetchone() == (True,):
                    roles.setdefault(role, set()).add(verb)
        # Functions of one name are to have the same privileges.
        assert matrix.setdefault((kind, name), roles) == roles, name
    return matrix


def test_the_list_follows_the_rules_of_the_house():
    """Who may do what is decided by what a thing is; the list is read off the sources' grants."""
    assert len(GUARDS) > 400
    for guard in GUARDS:
        if guard.kind in VERBS:
            assert guard.rights == wanted_rights(guard), guard
        if guard.kind == "function" and guard.place == "surface":
            assert guard.detail == f"security definer, {PINNED}", guard
    private = {guard.bare_name for guard in GUARDS if guard.place == "private"}
    assert private >= PRIVATE_FUNCTIONS | HELPERS_OF_VIEWS | HELPERS_OF_TENANTS_VIEWS


def test_the_list_is_the_one_that_the_database_has(conn):
    listed = conn.execute(
        "select kind, place, name, owner, granted, detail from pgledger.expected_guards()"
    ).fetchall()
    assert [Guard(*row) for row in listed] == GUARDS


def lines(matrix: Matrix) -> list[str]:
    return sorted(
        f"{kind} {name}: {role} may {', '.join(sorted(verbs))}"
        for (kind, name), roles in matrix.items()
        for role, verbs in roles.items()
    )


def test_matrix(conn):
    actual, expected = set(lines(actual_matrix(conn))), set(lines(expected_matrix()))
    assert {"not listed": actual - expected, "missing": expected - actual} == {
        "not listed": set(),
        "missing": set(),
    }


def test_matrix_sees_an_object_that_is_not_listed(conn):
    before = set(actual_matrix(conn))
    conn.execute("create table pgledger.novelty (id integer)")
    conn.execute("create function pgledger_novelty() returns integer language sql return 1")
    unlisted = set(actual_matrix(conn)) - before
    assert unlisted == {("table", "pgledger.novelty"), ("function", "pgledger_novelty")}
    assert "public" in actual_matrix(conn)["function", "pgledger_novelty"]


def test_nobody_may_pass_privileges_on(conn):
    assert (
        conn.execute(
            """
            select acl.object, pg_get_userbyid(acl.grantee)
            from (
              select pg_class.relname, pg_class.relowner, pg_class.relacl
              from pg_class
              union all
              select pg_proc.proname, pg_proc.proowner, pg_proc.proacl
              from pg_proc
              union all
              select pg_type.typname, pg_type.typowner, pg_type.typacl
              from pg_type
            ) as object (name, owner, given)
            cross join lateral (
              select object.name, exploded.grantee, exploded.is_grantable
              from aclexplode(object.given) as exploded
            ) as acl (object, grantee, is_grantable)
            where object.name ~ 'ledger' and acl.is_grantable and acl.grantee <> object.owner
            """
        ).fetchall()
        == []
    )
    assert conn.execute("select count(*) from pg_default_acl").fetchone() == (0,)


def test_roles(conn):
    roles = conn.execute(
        """
        select
          rolname, rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
        from pg_roles
        where rolname ~ '^pgledger'
        order by rolname
        """
    ).fetchall()
    nothing = (False,) * 6
    ours = sorted((AUDITOR, OWNER, POSTER, READER, TENANT, VIEW_OWNER))
    assert roles == [(role, *nothing) for role in ours]
    members = conn.execute(
        """
        select pg_get_userbyid(member), pg_get_userbyid(roleid), bool_or(admin_option)
        from pg_auth_members
        where pg_get_userbyid(member) ~ '^pgledger'
        group by member, roleid
        order by 1, 2
        """
    ).fetchall()
    assert members == [
        (AUDITOR, READER, False),
        (OWNER, VIEW_OWNER, False),
        (POSTER, READER, False),
    ]
    # Who is a member of it may replace the views.
    assert conn.execute(
        "select member::regrole::text from pg_auth_members where roleid = %s::regrole", [VIEW_OWNER]
    ).fetchall() == [(OWNER,)]


def test_everything_is_owned_by_the_owner(conn):
    owners = {
        (kind, name): owner
        for kind, _, name, owner in conn.execute(OBJECTS).fetchall()
        if name != "public"
    }
    assert {name for (_, name), owner in owners.items() if owner == VIEW_OWNER} == TENANTS_VIEWS
    assert set(owners.values()) == {OWNER, VIEW_OWNER}, owners
    # Constraints, indexes, triggers and row types follow; nothing else is in the private schema.
    assert conn.execute(
        """
        select distinct pg_get_userbyid(relowner)
        from pg_class
        where relnamespace = 'pgledger'::regnamespace
        union
        select distinct pg_get_userbyid(typowner)
        from pg_type
        where typnamespace = 'pgledger'::regnamespace
          or (typname ~ '^_?(pg)?ledger_' and typname !~ '^_?ledger_tenant_')
        """
    ).fetchall() == [(OWNER,)]
    assert conn.execute(
        "select distinct pg_get_userbyid(typowner) from pg_type where typname ~ '^_?ledger_tenant_'"
    ).fetchall() == [(VIEW_OWNER,)]


def test_row_security(conn):
    """On, and never forced: that would hold for the owner, whose functions see all tenants."""
    tables = conn.execute(
        """
        select 'pgledger.' || relname, relrowsecurity, relforcerowsecurity
        from pg_class
        where relnamespace = 'pgledger'::regnamespace and relkind in ('r', 'p')
        """
    ).fetchall()
    assert {name for name, is_on, _ in tables if is_on} == TENANTS_TABLES | AUDITED_TABLES
    assert {name for name, _, is_forced in tables if is_forced} == set()
    policies = conn.execute(
        """
        select
          'pgledger.' || relname, polcmd::text, polpermissive, polwithcheck is null,
          polroles::regrole[]::text[], pg_get_expr(polqual, polrelid) = 'true'
        from pg_policy
        inner join pg_class on polrelid = pg_class.oid
        """
    ).fetchall()
    assert sorted(policies) == sorted(
        (table, "r", True, True, [role], role == AUDITOR)
        for table in TENANTS_TABLES | AUDITED_TABLES
        for role in (AUDITOR, VIEW_OWNER)
        if role == AUDITOR or table in TENANTS_TABLES
    )
    assert conn.execute(
        "select count(*) from pg_policy where pg_get_expr(polqual, polrelid) !~ 'CURRENT_USER'"
        " and polroles <> array[%s::regrole::oid]",
        [AUDITOR],
    ).fetchone() == (0,)


def test_tenants_rows_depend_on_nothing_that_could_be_changed(conn):
    """A setting could be changed by the session, and a function of somebody's be replaced."""
    expressions = conn.execute(
        "select pg_get_expr(polqual, polrelid) from pg_policy"
        " union all select pg_get_viewdef(oid) from pg_class where relname ~ '^ledger_tenant_'"
    ).fetchall()
    assert len(expressions) == 2 * len(TENANTS_TABLES) + len(AUDITED_TABLES) + len(TENANTS_VIEWS)
    assert not [text for (text,) in expressions if "current_setting" in text]
    # PostgreSQL's own functions and operators are not listed.
    assert conn.execute(
        """
        select refobjid::regprocedure::text
        from pg_depend
        left join pg_rewrite on classid = 'pg_rewrite'::regclass and objid = pg_rewrite.oid
        left join pg_class on pg_rewrite.ev_class = pg_class.oid
        where refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)
          and (classid = 'pg_policy'::regclass or relname ~ '^ledger_tenant_')
        """
    ).fetchall() == [
        ("pgledger.event_id(timestamp with time zone,bigint)",),
        ("pgledger.line_item(pgledger.invoice_lines,timestamp with time zone)",),
    ]


def test_public_has_nothing(conn):
    granted = conn.execute(
        """
        select object.name
        from (
          select relname, coalesce(relacl, acldefault('r', relowner))
          from pg_class
          where relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_'
          union all
          select proname, coalesce(proacl, acldefault('f', proowner))
          from pg_proc
          where pronamespace = 'pgledger'::regnamespace or proname ~ '^(pg)?ledger_'
          union all
          select nspname, coalesce(nspacl, acldefault('n', nspowner))
          from pg_namespace
          where nspname = 'pgledger'
        ) as object (name, acl)
        where exists (select from aclexplode(object.acl) as given where given.grantee = 0)
        """
    ).fetchall()
    assert granted == []


def test_definers_pin_their_search_path(conn):
    functions = conn.execute(
        """
        select
          proname, prosecdef, coalesce(proconfig, '{}'), pronamespace = 'pgledger'::regnamespace
        from pg_proc
        where pronamespace = 'pgledger'::regnamespace or proname ~ '^(pg)?ledger_'
        """
    ).fetchall()
    assert functions
    for name, is_definer, options, is_private in functions:
        if is_definer:
            assert PINNED in options, name
        if not is_private:
            # Whoever may call it has no use of the private schema.
            assert is_definer, name
        assert not [option for option in options if "search_path" in option and option != PINNED]


def test_functions_that_others_call_directly_do_not_look_names_up(conn):
    """A helper of a view runs as whoever reads the view, on the reader's own search_path."""
    for name in HELPERS_OF_VIEWS | HELPERS_OF_TENANTS_VIEWS:
        options, body = conn.execute(
            "select coalesce(proconfig, '{}'), prosrc from pg_proc where oid = %s::regproc", [name]
        ).fetchone()
        if PINNED not in options:
            code = re.sub(r"'(?:[^']|'')*'|\bas\s+\w+\s*\(", "", body)
            called = set(re.findall(r"(?<![\w.])(\w+)\s*\(", code)) - {"values", "from"}
            assert called - {"minor_unit", "listed"} == set(), name


# Views


def view_options(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    return dict(
        conn.execute(
            "select relname, reloptions from pg_class"
            " where relkind = 'v' and relname ~ '^(pg)?ledger_'"
        ).fetchall()
    )


def test_view_options(conn):
    """Views read the private tables as their owner: with security_invoker nobody could.

    Those of tenants keep a tenant's functions from rows that are not the tenant's.
    """
    barrier = ["security_barrier=true"]
    assert view_options(conn) == dict.fromkeys(VIEWS) | dict.fromkeys(TENANTS_VIEWS, barrier)


def test_view_options_and_privileges_survive_the_next_migration(conn, ledger_dsn):
    before = (view_options(conn), lines(actual_matrix(conn)))
    conn.execute(
        "update pgledger.schema_history set sha256 = repeat('0', 64) where kind = 'repeatable'"
    )
    conn.commit()
    result = migrate(ledger_dsn)
    assert len(result.applied) > 20
    assert (view_options(conn), lines(actual_matrix(conn))) == before


def test_no_view_can_be_written_to(conn):
    rows = conn.execute(
        """
        select
          table_name, is_updatable, is_insertable_into, is_trigger_updatable,
          is_trigger_deletable, is_trigger_insertable_into
        from information_schema.views
        where table_name ~ '^(pg)?ledger_'
        order by table_name
        """
    ).fetchall()
    assert rows == [(view, *["NO"] * 5) for view in sorted(VIEWS | TENANTS_VIEWS)]
    columns = conn.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_name ~ '^(pg)?ledger_' and is_updatable = 'YES'"
    ).fetchall()
    assert columns == []
    rules = conn.execute(
        "select tablename, rulename from pg_rules"
        " where tablename ~ 'ledger' and rulename <> '_RETURN'"
    ).fetchall()
    assert rules == []


@pytest.mark.parametrize("role", [OWNER, VIEW_OWNER, POSTER, TENANT, "postgres"])
def test_writing_to_views_fails(connect, ledger_dsn, role):
    conn = connect(autocommit=True)
    (superuser,) = conn.execute("select current_user").fetchone()
    conn.execute(
        sql.SQL("set role {}").format(sql.Identifier(superuser if role == "postgres" else role))
    )
    for view in sorted(VIEWS | TENANTS_VIEWS):
        columns = [
            row[0]
            for row in conn.execute(
                "select quote_ident(attname) from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0",
                [view],
            )
        ]
        statements = [
            f"delete from {view}",
            f"insert into {view} default values",
            *(f"update {view} set {column} = null" for column in columns),
            *(f"insert into {view} ({column}) values (null)" for column in columns),
        ]
        for statement in statements:
            with pytest.raises(psycopg.Error) as refused:
                conn.execute(statement.encode())
            # What cannot be done at all may be said before who may not.
            codes = {"55000"} if role in {OWNER, "postgres"} else {"55000", DENIED}
            assert refused.value.sqlstate in codes, statement


# Roles at work


FEATURES = '[{"key": "calls", "limit": "100"}]'
LINES = '[{"description": "Work", "amount": "80"}]'


@pytest.fixture
def billed(conn) -> Mapping[str, str]:
    """Ids of a feature, a plan, a coupon, a subscription and invoices; of some nobody uses."""
    ids: dict[str, str] = {}
    for name, statement in {
        "feature": "select id from ledger_create_feature('shop', 'calls', 'Calls')",
        "unused_feature": "select id from ledger_create_feature('shop', 'other', 'Other')",
        "plan": f"select id from ledger_create_plan('shop', 'pro', 'Pro', 'USD', '{FEATURES}')",
        "unused_plan": "select id from ledger_create_plan('shop', 'old', 'Old', 'USD')",
        "subscription": "select id from ledger_create_subscription('shop', 'one', '{plan}')",
        "event": "select id from ledger_record_usage('shop', 'one', 'calls', 3)",
        "coupon": "select id from ledger_create_coupon('shop', 'SAVE', percentage => 5)",
        "unused_coupon": "select id from ledger_create_coupon('shop', 'OLD', percentage => 5)",
        "redemption": "select id from ledger_redeem_coupon('shop', 'one', 'SAVE')",
        "draft": f"select id from ledger_create_invoice('shop', 'one', 'USD', '{LINES}')",
        "invoice": f"select id from ledger_create_invoice('shop', 'one', 'USD', '{LINES}')",
        "final": "select id from ledger_finalize_invoice('shop', 'one', '{invoice}')",
    }.items():
        text = statement.replace("{plan}", ids.get("plan", ""))
        text = text.replace("{invoice}", ids.get("invoice", ""))
        ids[name] = conn.execute(text.encode()).fetchone()[0]
    conn.commit()
    return ids


@pytest.fixture
def accounts(conn) -> Iterator[tuple[str, str]]:
    rows = [
        conn.execute("select id from pgledger_create_account(%s, 'USD')", [name]).fetchone()
        for name in ("shop", "buyer")
    ]
    conn.execute("select pgledger_create_transfer(%s, %s, 7)", [rows[0][0], rows[1][0]])
    conn.commit()
    yield rows[0][0], rows[1][0]
    conn.rollback()


def as_role(conn: psycopg.Connection[Any], role: str) -> None:
    conn.rollback()
    conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    conn.commit()


HOUR = "'2026-01-01 00:00Z', '2026-01-01 01:00Z'"
READS = (
    *(f"select * from {view}" for view in sorted(VIEWS)),
    "select * from pgledger_get_account('{shop}')",
    "select * from pgledger_get_transfer('{transfer}')",
    "select * from pgledger_account_entries('{shop}')",
    "select pgledger_balance_at('{shop}', now())",
    "select * from pgledger_balances_at('{{{shop}}}', now(), 'event')",
    "select * from pgledger_statement('{shop}')",
    "select * from pgledger_trial_balance()",
    "select * from pgledger_movements()",
    "select pgledger_balance_at_version('{shop}', 0)",
    "select * from pgledger_accounts_ahead()",
    "select pgledger_generate_id('order')",
    "select pgledger_id_timestamp('{shop}')",
    "select pgledger_uuid_to_ulid(gen_random_uuid())",
    "select pgledger_ulid_to_uuid('01JTVST7XAES5BXHWZN4KR4VEZ')",
    "select * from ledger_get_plan('shop', '{plan}')",
    "select * from ledger_get_plan_by_slug('shop', 'pro')",
    "select * from ledger_list_plans('shop')",
    "select * from ledger_get_feature('shop', '{feature}')",
    "select * from ledger_get_feature_by_key('shop', 'calls')",
    "select * from ledger_list_features('shop')",
    "select * from ledger_list_global_features()",
    "select * from ledger_get_coupon('shop', 'SAVE')",
    "select * from ledger_get_coupon_by_id('shop', '{coupon}')",
    "select * from ledger_list_coupons('shop')",
    "select * from ledger_list_coupon_redemptions('shop', 'one')",
    "select * from ledger_get_subscription('shop', 'one', '{subscription}')",
    "select * from ledger_get_active_subscription('shop', 'one')",
    "select * from ledger_list_subscriptions('shop', 'one')",
    "select * from ledger_get_invoice('shop', 'one', '{draft}')",
    "select * from ledger_preview_invoice('shop', 'one', '{subscription}')",
    "select * from ledger_get_invoice_by_period('shop', 'one', '{subscription}', now())",
    "select * from ledger_list_invoices('shop', 'one')",
    "select * from ledger_list_pending_invoices('shop', 'one')",
    "select * from ledger_list_payments('shop', 'one', '{invoice}')",
    f"select ledger_aggregate_usage('shop', 'one', 'calls', {HOUR})",
    f"select * from ledger_aggregate_usage_by_feature('shop', 'one', array['calls'], {HOUR})",
    "select * from ledger_query_usage('shop', 'one')",
    """select * from ledger_price_usage('{{"model": "flat", "flat_amount": 1}}', 1)""",
    "select * from ledger_check_entitlement('shop', 'one', 'calls')",
    "select ledger_remaining_entitlement('shop', 'one', 'calls')",
    "select * from ledger_get_cached_entitlement('shop', 'one', 'calls')",
)
ARRAYS = "array['{shop}'], array['{buyer}'], array[1]"
ROWS = "array[('{shop}', '{buyer}', 1)]::pgledger_transfer_request[]"
WRITES = (
    "select * from pgledger_create_account('x', 'USD')",
    "select * from pgledger_create_transfer('{shop}', '{buyer}', 1)",
    "select * from pgledger_create_transfers(('{shop}', '{buyer}', 1))",
    f"select * from pgledger_create_transfers_from_rows({ROWS}, group_id => 'x')",
    f"select * from pgledger_create_transfers_bulk({ARRAYS})",
    f"select * from pgledger_create_transfers_bulk({ARRAYS}, ids => array['{{new}}'])",
    "select * from ledger_create_feature('shop', 'seats', 'Seats', 'seat')",
    "select * from ledger_update_feature('shop', '{feature}', 'API calls')",
    "select * from ledger_archive_feature('shop', '{feature}')",
    "select * from ledger_delete_feature('shop', '{unused_feature}')",
    "select * from ledger_set_currency('shop', 'POINTS', 0)",
    "select ledger_set_usage_skew('shop', '2 hours')",
    "select * from ledger_create_plan('shop', 'new', 'New', 'EUR')",
    "select * from ledger_update_plan('shop', '{plan}', 'Professional')",
    "select * from ledger_archive_plan('shop', '{plan}')",
    "select * from ledger_delete_plan('shop', '{unused_plan}')",
    "select * from ledger_create_coupon('shop', 'NEW', amount => 5, currency => 'USD')",
    "select * from ledger_update_coupon('shop', '{coupon}', 'Five percent off')",
    "select * from ledger_archive_coupon('shop', '{coupon}')",
    "select * from ledger_delete_coupon('shop', '{unused_coupon}')",
    "select * from ledger_redeem_coupon('shop', 'two', 'SAVE')",
    "select * from ledger_create_subscription('shop', 'two', '{plan}', trial_days => 7)",
    "select * from ledger_update_subscription('shop', 'one', '{subscription}', 2)",
    "select * from ledger_change_plan('shop', 'one', '{subscription}', '{unused_plan}')",
    "select * from ledger_cancel_subscription('shop', 'one', '{subscription}')",
    "select * from ledger_pause_subscription('shop', 'one', '{subscription}')",
    "select * from ledger_resume_subscription('shop', 'one', '{subscription}')",
    """select * from ledger_create_invoice(
      'shop', 'two', 'USD', '[{{"description": "Work", "amount": "80"}}]'
    )""",
    "select * from ledger_generate_invoice('shop', 'one', '{subscription}')",
    "select * from ledger_refresh_invoice('shop', 'one', '{draft}')",
    "select * from ledger_finalize_invoice('shop', 'one', '{draft}')",
    "select * from ledger_delete_invoice('shop', 'one', '{draft}')",
    "select * from ledger_record_payment('shop', 'one', '{invoice}', 1)",
    "select * from ledger_mark_invoice_paid('shop', 'one', '{invoice}')",
    "select * from ledger_mark_invoice_voided('shop', 'one', '{invoice}')",
    "select * from ledger_mark_invoice_uncollectible('shop', 'one', '{invoice}')",
    "select ledger_set_payment_terms('shop', 14)",
    "select * from ledger_advance('shop')",
    "select * from ledger_ingest_usage('shop', array['one'], array['calls'], array[1])",
    "select * from ledger_record_usage('shop', 'two', 'calls')",
    "select ledger_purge_usage('shop', '2026-01-01 00:00Z')",
    "select * from ledger_consume_entitlement('shop', 'one', 'calls')",
    "select * from ledger_set_cached_entitlement('shop', 'one', 'calls')",
    "select ledger_invalidate_tenant_entitlements('shop', 'one')",
    "select ledger_invalidate_feature_entitlements('shop', 'calls')",
)
TENANTS_READS = tuple(f"select * from {view}" for view in sorted(TENANTS_VIEWS))
AUDITS = (
    "select * from pgledger_verify()",
    *(
        f"select * from {table}"
        for table in sorted(PRIVATE_TABLES | TENANTS_TABLES | AUDITED_TABLES)
    ),
)
INTRUSIONS = (
    "insert into pgledger.accounts default values",
    "insert into pgledger.transfers select * from pgledger.transfers",
    "update pgledger.accounts set balance = 1e6",
    "update pgledger.transfers set amount = 1",
    "delete from pgledger.accounts",
    "delete from pgledger.transfers",
    "truncate pgledger.accounts, pgledger.transfers",
    "select nextval('pgledger.accounts_key_seq')",
    "select setval('pgledger.accounts_key_seq', 1)",
    "lock table pgledger.accounts in access exclusive mode",
    "select pgledger.clock()",
    "select pgledger.post_transfers(null, null, null, null, null, null, null, null, null, null)",
    "select pgledger.refuse_change()",
    "create table pgledger.mine (id integer)",
    "create trigger mine before truncate on pgledger.transfers execute function now()",
    "alter table pgledger.transfers disable trigger all",
    "drop trigger transfers_never_change on pgledger.transfers",
    "alter function pgledger_verify(text) reset search_path",
    "create or replace view pgledger_errors_v1 as select 1",
    "drop view pgledger_accounts_view",
    "comment on table pgledger.accounts is 'mine'",
    "insert into pgledger.tenant_roles values (current_user, 'shop', 'one')",
    "select ledger_map_tenant_role(current_user, 'shop', 'one')",
    "select ledger_unmap_tenant_role(current_user)",
    "update pgledger.subscriptions set status = 'active'",
    "delete from pgledger.usage_events",
    "select nextval('pgledger.usage_calls_seq')",
    "select * from pgledger.event_id(now(), 1), pgledger.clock()",
    "alter table pgledger.plans disable row level security",
    "create policy mine on pgledger.plans using (true)",
    "drop policy tenants_read_their_own on pgledger.plans",
    "create or replace view ledger_tenant_plans as select 1",
    "alter view ledger_tenant_plans set (security_barrier = false)",
    "set role pgledger_tenant_views",
    "set role pgledger_owner",
    "set session_replication_role = replica",
)


def outcome(conn: psycopg.Connection[Any], statement: str, ids: Mapping[str, str]) -> str:
    """Returns the SQLSTATE of a statement, which is then rolled back."""
    try:
        conn.execute(statement.format_map(ids).encode())
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    finally:
        conn.rollback()
    return "00000"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (READER, {*READS}),
        (POSTER, {*READS, *WRITES}),
        (AUDITOR, {*READS, *AUDITS}),
        (TENANT, {*TENANTS_READS}),
        ("nobody", set[str]()),
    ],
)
def test_what_a_login_of_that_role_can_do(connect, conn, accounts, billed, role, may, subtests):
    shop, buyer = accounts
    (transfer,) = conn.execute("select id from pgledger_transfers_v1").fetchone()
    ids = {"shop": shop, "buyer": buyer, "transfer": transfer, "new": f"pglt_{'7' * 26}"}
    ids |= billed
    login = f"login_{conn.info.dbname}"
    conn.execute(sql.SQL("create role {} login").format(sql.Identifier(login)))
    if role != "nobody":
        conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(login)))
    conn.commit()
    session = connect(user=login)
    try:
        for statement in (*READS, *WRITES, *TENANTS_READS, *AUDITS, *INTRUSIONS):
            with subtests.test(statement):
                expected = "00000" if statement in may else DENIED
                assert outcome(session, statement, ids) == expected
        # What has no statement above is called with nulls, which is refused after the right to.
        for name, statement in calls_with_nulls(conn).items():
            allowed = may & {*READS} if name in READING_FUNCTIONS else may & {*WRITES}
            with subtests.test(statement):
                assert (outcome(session, statement, ids) == DENIED) == (not allowed)
    finally:
        session.close()
        conn.rollback()
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))
        conn.commit()


def calls_with_nulls(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Returns calls of the functions that no statement of this module calls."""
    called = set(re.findall(r"\b((?:pg)?ledger_\w+)\(", " ".join((*READS, *WRITES, *INTRUSIONS))))
    rows = conn.execute(
        """
        select
          proname,
          format(
            'select * from %%I(%%s)',
            proname,
            (
              select string_agg('null::' || format_type(type, null), ', ' order by place)
              from unnest(proargtypes) with ordinality as argument (type, place)
            )
          )
        from pg_proc
        where pronamespace = 'public'::regnamespace and proname = any (%s)
        """,
        [sorted((READING_FUNCTIONS | WRITING_FUNCTIONS) - called)],
    ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("role", [READER, POSTER, AUDITOR])
def test_views_show_the_same_to_every_role(conn, accounts, billed, role):
    shown = {view: conn.execute(f"select * from {view}").fetchall() for view in sorted(VIEWS)}
    as_role(conn, role)
    assert {
        view: conn.execute(f"select * from {view}").fetchall() for view in sorted(VIEWS)
    } == shown


def test_entries_of_a_page_and_of_the_view_are_the_same_for_a_reader(conn, accounts):
    as_role(conn, READER)
    shop, _ = accounts
    assert (
        conn.execute("select * from pgledger_account_entries(%s)", [shop]).fetchall()
        == conn.execute(
            "select * from pgledger_entries_v1 where account_id = %s", [shop]
        ).fetchall()
        != []
    )
