"""Who may do what: everything that the catalog knows of ours, compared with the lists below.

An object that is on no list fails the test, and so does a privilege that is not what its list says.
Privileges are asked for as PostgreSQL sees them, inherited ones included.
"""

from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from pgledger.migrate import migrate

OWNER = "pgledger_owner"
POSTER = "pgledger_poster"
READER = "pgledger_reader"
AUDITOR = "pgledger_auditor"
ROLES = ("public", READER, POSTER, AUDITOR, OWNER)

DENIED = "42501"
PINNED = "search_path=pg_catalog, pgledger, pg_temp"

NOBODY: Mapping[str, str] = {}
READERS = (READER, POSTER, AUDITOR)

# What each kind of object is for. The owner may do everything with what it owns.
PRIVATE_TABLES = {"pgledger.accounts", "pgledger.schema_history", "pgledger.transfers"}
PRIVATE_SEQUENCES = {"pgledger.accounts_key_seq"}
VIEWS = {
    "pgledger_accounts_v1",
    "pgledger_accounts_view",
    "pgledger_entries_v1",
    "pgledger_entries_view",
    "pgledger_errors_v1",
    "pgledger_transfers_v1",
    "pgledger_transfers_view",
}
TYPES = {"pgledger_transfer_request"}

READING_FUNCTIONS = {
    "pgledger_account_entries",
    "pgledger_balance_at",
    "pgledger_generate_id",
    "pgledger_get_account",
    "pgledger_get_transfer",
    "pgledger_id_timestamp",
    "pgledger_ulid_to_uuid",
    "pgledger_uuid_to_ulid",
}
WRITING_FUNCTIONS = {
    "pgledger_create_account",
    "pgledger_create_transfer",
    "pgledger_create_transfers",
    "pgledger_create_transfers_bulk",
}
AUDITING_FUNCTIONS = {"pgledger_verify"}
# Views call these with the privileges of whoever reads them.
HELPERS_OF_VIEWS = {"pgledger.entry_id", "pgledger.error_registry"}
PRIVATE_FUNCTIONS = {
    "pgledger.abridged",
    "pgledger.account_key",
    "pgledger.amount_fault",
    "pgledger.base32_lanes",
    "pgledger.base32_pair",
    "pgledger.base32_text",
    "pgledger.check_accounts",
    "pgledger.check_balance",
    "pgledger.check_balances",
    "pgledger.check_id",
    "pgledger.check_metadata",
    "pgledger.check_scope",
    "pgledger.check_transfer_request",
    "pgledger.check_transfer_requests",
    "pgledger.clock",
    "pgledger.create_repeatable_transfers",
    "pgledger.create_transfers_of_rows",
    "pgledger.fail",
    "pgledger.id_fault",
    "pgledger.in_app",
    "pgledger.invisible_characters",
    "pgledger.metadata_fault",
    "pgledger.new_ulid",
    "pgledger.post_transfers",
    "pgledger.refuse_account",
    "pgledger.refuse_change",
    "pgledger.text_fault",
    "pgledger.time_fault",
    "pgledger.transfers_by_id",
    "pgledger.ulid_fault",
}

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
    matrix: Matrix = {}

    def allow(kind: str, names: set[str], roles: Mapping[str, str] | None = None) -> None:
        for name in names:
            matrix[kind, name] = {OWNER: set(VERBS[kind])} | {
                role: {verb} for role, verb in (roles or {}).items()
            }

    allow("schema", {"pgledger"}, {AUDITOR: "USAGE"})
    # Where the public surface is; it belongs to the database's owner.
    matrix["schema", "public"] = {OWNER: {"USAGE", "CREATE"}} | {
        role: {"USAGE"} for role in ("public", *READERS)
    }
    allow("table", PRIVATE_TABLES, {AUDITOR: "SELECT"})
    allow("sequence", PRIVATE_SEQUENCES)
    allow("view", VIEWS, dict.fromkeys(READERS, "SELECT"))
    allow("type", TYPES, dict.fromkeys(READERS, "USAGE"))
    allow("function", READING_FUNCTIONS | HELPERS_OF_VIEWS, dict.fromkeys(READERS, "EXECUTE"))
    allow("function", WRITING_FUNCTIONS, {POSTER: "EXECUTE"})
    allow("function", AUDITING_FUNCTIONS, {AUDITOR: "EXECUTE"})
    allow("function", PRIVATE_FUNCTIONS)
    return matrix


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
    assert roles == [(role, *nothing) for role in sorted((AUDITOR, OWNER, POSTER, READER))]
    members = conn.execute(
        """
        select pg_get_userbyid(member), pg_get_userbyid(roleid), bool_or(admin_option)
        from pg_auth_members
        where pg_get_userbyid(member) ~ '^pgledger'
        group by member, roleid
        order by 1, 2
        """
    ).fetchall()
    assert members == [(AUDITOR, READER, False), (POSTER, READER, False)]


def test_everything_is_owned_by_the_owner(conn):
    owners = {
        (kind, name): owner
        for kind, _, name, owner in conn.execute(OBJECTS).fetchall()
        if name != "public"
    }
    assert set(owners.values()) == {OWNER}, owners
    # Constraints, indexes, triggers and row types follow; nothing else is in the private schema.
    assert conn.execute(
        """
        select distinct pg_get_userbyid(relowner)
        from pg_class
        where relnamespace = 'pgledger'::regnamespace
        union
        select distinct pg_get_userbyid(typowner)
        from pg_type
        where typnamespace = 'pgledger'::regnamespace or typname ~ '^_?(pg)?ledger_'
        """
    ).fetchall() == [(OWNER,)]


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
    for name in HELPERS_OF_VIEWS:
        options = conn.execute(
            "select coalesce(proconfig, '{}'), prolang = (select oid from pg_language"
            " where lanname = 'sql') from pg_proc where oid = %s::regproc",
            [name],
        ).fetchone()
        assert options is not None
        assert PINNED in options[0] or name == "pgledger.error_registry", name


# Views

ALL_VIEWS = pytest.mark.parametrize("view", sorted(VIEWS))


def view_options(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    return dict(
        conn.execute(
            "select relname, reloptions from pg_class"
            " where relkind = 'v' and relname ~ '^(pg)?ledger_'"
        ).fetchall()
    )


def test_view_options(conn):
    """Views read the private tables as their owner: with security_invoker nobody could."""
    assert view_options(conn) == dict.fromkeys(VIEWS)


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
    assert rows == [(view, *["NO"] * 5) for view in sorted(VIEWS)]
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


@pytest.mark.parametrize("role", [OWNER, POSTER, "postgres"])
def test_writing_to_views_fails(connect, ledger_dsn, role):
    conn = connect(autocommit=True)
    (superuser,) = conn.execute("select current_user").fetchone()
    conn.execute(
        sql.SQL("set role {}").format(sql.Identifier(superuser if role == "postgres" else role))
    )
    for view in sorted(VIEWS):
        columns = [
            row[0]
            for row in conn.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0",
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
            codes = {"55000", DENIED} if role == POSTER else {"55000"}
            assert refused.value.sqlstate in codes, statement


# Roles at work


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


READS = (
    *(f"select * from {view}" for view in sorted(VIEWS)),
    "select * from pgledger_get_account('{shop}')",
    "select * from pgledger_get_transfer('{transfer}')",
    "select * from pgledger_account_entries('{shop}')",
    "select pgledger_balance_at('{shop}', now())",
    "select pgledger_generate_id('order')",
    "select pgledger_id_timestamp('{shop}')",
    "select pgledger_uuid_to_ulid(gen_random_uuid())",
    "select pgledger_ulid_to_uuid('01JTVST7XAES5BXHWZN4KR4VEZ')",
)
ARRAYS = "array['{shop}'], array['{buyer}'], array[1]"
ROWS = "array[('{shop}', '{buyer}', 1)]::pgledger_transfer_request[]"
WRITES = (
    "select * from pgledger_create_account('x', 'USD')",
    "select * from pgledger_create_transfer('{shop}', '{buyer}', 1)",
    "select * from pgledger_create_transfers(('{shop}', '{buyer}', 1))",
    f"select * from pgledger_create_transfers({ROWS}, group_id => 'x')",
    f"select * from pgledger_create_transfers_bulk({ARRAYS})",
    f"select * from pgledger_create_transfers_bulk({ARRAYS}, ids => array['{{new}}'])",
)
AUDITS = (
    "select * from pgledger_verify()",
    "select * from pgledger.accounts",
    "select * from pgledger.transfers",
    "select * from pgledger.schema_history",
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
    "alter function pgledger_verify() reset search_path",
    "create or replace view pgledger_errors_v1 as select 1",
    "drop view pgledger_accounts_view",
    "comment on table pgledger.accounts is 'mine'",
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
        ("nobody", set[str]()),
    ],
)
def test_what_a_login_of_that_role_can_do(connect, conn, accounts, role, may, subtests):
    shop, buyer = accounts
    (transfer,) = conn.execute("select id from pgledger_transfers_v1").fetchone()
    ids = {"shop": shop, "buyer": buyer, "transfer": transfer, "new": f"pglt_{'7' * 26}"}
    login = f"login_{conn.info.dbname}"
    conn.execute(sql.SQL("create role {} login").format(sql.Identifier(login)))
    if role != "nobody":
        conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(login)))
    conn.commit()
    session = connect(user=login)
    try:
        for statement in (*READS, *WRITES, *AUDITS, *INTRUSIONS):
            with subtests.test(statement):
                expected = "00000" if statement in may else DENIED
                assert outcome(session, statement, ids) == expected
    finally:
        session.close()
        conn.rollback()
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))
        conn.commit()


@pytest.mark.parametrize("role", [READER, POSTER, AUDITOR])
def test_views_show_the_same_to_every_role(conn, accounts, role):
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
