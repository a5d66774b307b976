"""What the catalog says about our objects: comments, names, promises made to the planner, size."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
import pytest

BYTES_A_TRANSFER = 260

PREFIX = re.compile(r"(pg)?ledger_[a-z0-9_]+")
NAME = re.compile(r"[a-z][a-z0-9_]*")

SINGLE_TRANSFERS = """
    do $$
    declare
      v_ids constant text[] := array(select id from public.pgledger_accounts_v1 order by id);
    begin
      for v_number in 1..20000 loop
        perform public.pgledger_create_transfer(
          v_ids[1 + v_number % 50], v_ids[1 + (v_number + 7) % 50], (v_number % 100 + 1) / 100.0
        );
        if v_number % 100 = 0 then
          commit;
        end if;
      end loop;
    end
    $$
"""


@dataclass(frozen=True)
class Function:
    name: str
    is_private: bool
    body: str
    language: str
    volatility: str
    parallel: str
    is_strict: bool
    is_definer: bool
    returns_set: bool
    rows: float
    argument_names: list[str]
    comment: str | None
    result: str

    @property
    def code(self) -> str:
        """The body without comments and literals, whose words mean nothing."""
        without_comments = re.sub(r"--[^\n]*|/\*.*?\*/", " ", self.body, flags=re.DOTALL)
        return re.sub(r"'(?:[^']|'')*'", "''", without_comments)

    @property
    def calls(self) -> set[str]:
        """The private functions that the body calls."""
        return set(re.findall(r"\bpgledger\.(\w+)\s*\(", self.code))

    @property
    def tables(self) -> set[str]:
        found = re.findall(
            r"\b(?:from|join|into|update)\s+pgledger\.(\w+)(?!\w|\s*\()", self.code, re.IGNORECASE
        )
        return {name for name in found if name in TABLES}

    @property
    def writes(self) -> bool:
        return bool(
            re.search(
                r"\b(insert\s+into|update|delete\s+from)\s+pgledger\.|\bfor\s+no\s+key\s+update\b",
                self.code,
            )
        )


# What is named so raises an error, or says true.
REFUSES = re.compile(r"fail|(check|refuse)_(?!change$)\w+")

AMOUNTS = [Decimal(n) / 100 for n in range(1, 101)] * 10

TABLES = {
    "accepted_times",
    "account_changes",
    "account_names",
    "accounts",
    "advance_runs",
    "apps",
    "block_accounts",
    "block_holds",
    "blocks",
    "clock_settings",
    "closed_periods",
    "coupon_applications",
    "coupon_redemptions",
    "coupons",
    "covered_accounts",
    "currencies",
    "earlier_names",
    "entitlement_cache",
    "feature_invalidations",
    "features",
    "holds",
    "idempotency_keys",
    "import_accounts",
    "import_entries",
    "import_legs",
    "import_times",
    "import_transfers",
    "imported_entries",
    "imported_times",
    "invoice_credits",
    "invoice_lines",
    "invoice_payments",
    "invoices",
    "meters",
    "noted_changes",
    "period_changes",
    "plan_features",
    "plan_versions",
    "plans",
    "reversals_over_limits",
    "schema_history",
    "seals",
    "subscription_changes",
    "subscriptions",
    "tenant_roles",
    "tenants",
    "transfers",
    "usage_corrections",
    "usage_events",
    "usage_rollups",
    "usage_values",
}


@pytest.fixture
def functions(conn: psycopg.Connection[Any]) -> list[Function]:
    rows = conn.execute(
        """
        select
          pg_proc.proname, pg_proc.pronamespace = 'pgledger'::regnamespace, pg_proc.prosrc,
          pg_language.lanname, pg_proc.provolatile::text, pg_proc.proparallel::text,
          pg_proc.proisstrict, pg_proc.prosecdef, pg_proc.proretset, pg_proc.prorows,
          coalesce(pg_proc.proargnames, '{}'), obj_description(pg_proc.oid, 'pg_proc'),
          pg_proc.prorettype::regtype::text
        from pg_proc
        inner join pg_language on pg_proc.prolang = pg_language.oid
        where pg_proc.pronamespace = 'pgledger'::regnamespace
          or pg_proc.proname ~ '^(pg)?ledger_'
        order by 1
        """
    ).fetchall()
    assert len(rows) > 30
    return [Function(*row) for row in rows]


def test_tables_are_listed(conn):
    assert {
        name
        for (name,) in conn.execute(
            "select relname from pg_class"
            " where relnamespace = 'pgledger'::regnamespace and relkind in ('r', 'p')"
        )
    } == TABLES


# Comments

# What a comment may begin with that is no word of a sentence: columns and their values.
STATES = "active|boolean|created|day|metered|trialing|usage"
VALUES = rf"created_at|event_at|versioned|subtotal|total|({STATES})([,:;]| or) "


def test_everything_has_a_comment(conn):
    without = conn.execute(
        r"""
        select 'schema ' || nspname
        from pg_namespace
        where nspname = 'pgledger' and obj_description(oid, 'pg_namespace') is null
        union all
        select 'relation ' || relname
        from pg_class
        where (relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_')
          and (relkind in ('r', 'v', 'm', 'p'))
          and obj_description(oid, 'pg_class') is null
        union all
        select 'column ' || relname || '.' || attname
        from pg_attribute
        inner join pg_class on attrelid = pg_class.oid
        where (
            relnamespace = 'pgledger'::regnamespace
            or relname ~ '^(pgledger_.*_v\d+|ledger_.*)$'
          )
          and relkind in ('r', 'v', 'm', 'p')
          and attnum > 0 and not attisdropped
          and relname <> 'pgledger_errors_v1'
          and col_description(attrelid, attnum) is null
        union all
        select 'function ' || proname
        from pg_proc
        where (pronamespace = 'pgledger'::regnamespace or proname ~ '^(pg)?ledger_')
          and obj_description(oid, 'pg_proc') is null
        union all
        select 'type ' || typname
        from pg_type
        left join pg_class on typrelid = pg_class.oid
        where (typnamespace = 'pgledger'::regnamespace or typname ~ '^(pg)?ledger_')
          and typcategory <> 'A' and coalesce(relkind, 'c') = 'c'
          and obj_description(pg_type.oid, 'pg_type') is null
        """
    ).fetchall()
    assert without == []


def test_comments_are_sentences(conn, functions):
    comments = [function.comment for function in functions]
    comments += [
        comment
        for (comment,) in conn.execute(
            """
            select description
            from pg_description
            inner join pg_class on objoid = pg_class.oid and classoid = 'pg_class'::regclass
            where relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_'
            """
        )
    ]
    assert len(comments) > 100
    assert [
        comment
        for comment in comments
        if comment is None
        or not re.match(rf"[A-Z0-9]|pgl[ate]_|{VALUES}", comment)
        or not comment.endswith(".")
    ] == []


def test_only_manuals_have_lines(conn, functions):
    """A comment is one line, but for those of functions that applications call."""
    for function in functions:
        if function.is_private:
            assert "\n" not in (function.comment or ""), function.name
    assert (
        conn.execute(
            """
            select objoid::regclass, objsubid
            from pg_description
            inner join pg_class on objoid = pg_class.oid and classoid = 'pg_class'::regclass
            where (relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_')
              and description ~ '\\n'
            """
        ).fetchall()
        == []
    )


def test_public_comments_name_the_errors_they_can_raise(functions):
    for function in functions:
        if not function.is_private and "fail(" in function.code:
            assert "Errors" in (function.comment or ""), function.name


# Names


def test_public_objects_carry_the_prefix(conn):
    """Nothing else is created where an application lives."""
    strangers = conn.execute(
        """
        select relname
        from pg_class
        where relnamespace = 'public'::regnamespace
        union all
        select proname
        from pg_proc
        where pronamespace = 'public'::regnamespace
        union all
        select typname
        from pg_type
        where typnamespace = 'public'::regnamespace
        union all
        select oprname
        from pg_operator
        where oprnamespace = 'public'::regnamespace
        """
    ).fetchall()
    assert strangers
    for (name,) in strangers:
        assert PREFIX.fullmatch(name.removeprefix("_")), name


def test_private_objects_carry_none(functions):
    for function in functions:
        assert NAME.fullmatch(function.name)
        assert function.is_private != bool(PREFIX.fullmatch(function.name)), function.name


def test_only_the_private_schema_is_ours(conn):
    assert conn.execute(
        "select nspname from pg_namespace"
        " where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')"
    ).fetchall() == [("pgledger",)]
    assert conn.execute("select extname from pg_extension").fetchall() == [("plpgsql",)]


def test_versioned_views_have_a_name_that_stays(conn):
    views = {
        name for (name,) in conn.execute("select viewname from pg_views where viewname ~ '^pgled'")
    }
    for view in views:
        assert re.search(r"_(v\d+|view)$", view)
        if view.endswith("_view"):
            assert any(re.fullmatch(view.removesuffix("view") + r"v\d+", name) for name in views)


def test_constraints_and_indexes_follow_the_rule(conn):
    kinds = {"p": "pk", "u": "key", "f": "fk", "c": "check", "x": "excl"}
    constraints = conn.execute(
        """
        select
          relname, conname, contype::text,
          array(
            select attname::text
            from unnest(conkey) with ordinality as part (attnum, place)
            inner join pg_attribute
              on pg_attribute.attrelid = conrelid and pg_attribute.attnum = part.attnum
            order by part.place
          )
        from pg_constraint
        inner join pg_class on conrelid = pg_class.oid
        -- NOT NULL is a constraint with a name of PostgreSQL's from 18 on.
        where relnamespace = 'pgledger'::regnamespace and contype <> 'n'
        """
    ).fetchall()
    assert constraints
    for table, name, kind, columns in constraints:
        if kind == "c":
            # Its name reads as the rule; one about several columns need not begin with the first.
            about = columns[0] if len(columns) == 1 else r"\w+"
            assert re.fullmatch(rf"{table}_{about}_\w+_check", name)
        else:
            assert name == "_".join([table, *columns, kinds[kind]])
    indexes = conn.execute(
        """
        select
          owner.relname, index.relname, indpred is not null,
          array(
            select attname::text
            from unnest(indkey::smallint[]) with ordinality as part (attnum, place)
            inner join pg_attribute
              on pg_attribute.attrelid = indrelid and pg_attribute.attnum = part.attnum
            order by part.place
          ),
          pg_get_expr(indexprs, indrelid)
        from pg_index
        inner join pg_class as index on indexrelid = index.oid
        inner join pg_class as owner on indrelid = owner.oid
        left join pg_constraint on conindid = indexrelid and contype in ('p', 'u', 'x')
        where index.relnamespace = 'pgledger'::regnamespace and pg_constraint.oid is null
        """
    ).fetchall()
    assert indexes
    for table, name, is_partial, plain_columns, expressions in indexes:
        # Of an expression its columns count, before the others and each once.
        inside = re.findall(r"\b[a-z_]+\b(?!\()", expressions or "")
        columns = list(dict.fromkeys([*inside, *plain_columns]))
        if is_partial:
            # A word may say what it is about.
            assert re.fullmatch(rf"{'_'.join([table, *columns])}(_[a-z]+)?_idx", name)
        else:
            assert name == "_".join([table, *columns, "idx"])


def test_every_table_that_keeps_something_has_a_primary_key(conn):
    """What an import works on is not logged, and gone when it ends."""
    without = conn.execute(
        """
        select relname
        from pg_class
        where relnamespace = 'pgledger'::regnamespace
          and relkind in ('r', 'p')
          and relpersistence = 'p'
          and not exists (select from pg_constraint where conrelid = pg_class.oid and contype = 'p')
        """
    ).fetchall()
    assert without == []


def test_no_index_depends_on_a_collation_that_can_change(conn):
    """An update of the system's or of ICU's rules would leave such an index in a wrong order."""
    others = conn.execute(
        """
        select index.relname, pg_collation.collname
        from pg_index
        inner join pg_class as index on indexrelid = index.oid
        cross join unnest(indcollation::oid[]) as used (collation_oid)
        inner join pg_collation on used.collation_oid = pg_collation.oid
        where index.relnamespace = 'pgledger'::regnamespace
          and pg_collation.oid <> '"C"'::regcollation
        """
    ).fetchall()
    assert others == []


def test_numbers_of_rows_leave_room_for_a_node(conn):
    """The upper 8 of 40 bits name the node, and are 0 here; the lower 32 count."""
    ranges = conn.execute(
        """
        select pg_class.relname, pg_sequence.seqmin, pg_sequence.seqmax
        from pg_sequence
        inner join pg_depend
          on pg_depend.objid = pg_sequence.seqrelid and pg_depend.classid = 'pg_class'::regclass
          and pg_depend.deptype = 'i'
        inner join pg_class on pg_depend.refobjid = pg_class.oid
        inner join pg_attribute
          on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = pg_depend.refobjsubid
        where pg_class.relnamespace = 'pgledger'::regnamespace
          and pg_attribute.atttypid = 'bigint'::regtype
        """
    ).fetchall()
    assert {"accounts", "invoices"} <= {table for table, _, _ in ranges}
    for table, lowest, highest in ranges:
        assert (lowest, highest) == (1, 2**32 - 1), table


def test_ids_compare_byte_by_byte(conn):
    """Under another collation the order of ids would not be that of their times."""
    others = conn.execute(
        """
        select relname, attname, collname
        from pg_attribute
        inner join pg_class on attrelid = pg_class.oid
        inner join pg_collation on attcollation = pg_collation.oid
        where (relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_')
          and relkind in ('r', 'v')
          and (attname ~ '(^|_)id$' or attname = 'currency')
          and collname <> 'C'
        """
    ).fetchall()
    assert others == []


def test_money_is_never_a_float(conn):
    types = conn.execute(
        """
        select relname, attname, format_type(atttypid, atttypmod)
        from pg_attribute
        inner join pg_class on attrelid = pg_class.oid
        where (relnamespace = 'pgledger'::regnamespace or relname ~ '^(pg)?ledger_')
          and attnum > 0
        """
    ).fetchall()
    assert types
    for relation, column, kind in types:
        assert kind not in {"real", "double precision", "money"}, (relation, column)
        if column == "amount_scale":
            # Answers have no smaller numbers than clients know.
            assert kind == ("integer" if relation.startswith("pgledger_") else "smallint"), relation
        elif re.search("amount|balance$", column) and not column.startswith("allow_"):
            assert kind == "numeric", (relation, column)
        if column.endswith("_at"):
            assert kind == "timestamp with time zone", (relation, column)


# Bodies


def test_public_functions_do_not_call_one_another(functions):
    for function in functions:
        called = re.findall(r"\b((?:pg)?ledger_\w+)\s*\(", function.code)
        assert called == [], (function.name, called)


def test_bodies_qualify_what_is_ours(functions):
    """Whatever is in front of us on a search_path, our own tables and functions are meant."""
    private = {function.name for function in functions if function.is_private}
    for function in functions:
        for name in re.findall(r"(?<![\w.])(\w+)\s*\(", function.code):
            assert name not in private or is_alias(function.code, name), (function.name, name)
        bare = re.findall(
            rf"\b(?:from|join|into|update)\s+({'|'.join(TABLES)})\b(?!\s*\.)", function.code
        )
        assert bare == [], function.name


def is_alias(code: str, name: str) -> bool:
    """Whether a name before a parenthesis is that of a row with named columns."""
    return re.search(rf"\bas\s+{name}\s*\(", code) is not None


def test_bodies_do_not_depend_on_where_the_surface_is(functions):
    for function in functions:
        assert not re.search(r"\bpublic\b", function.code), function.name


def test_no_body_builds_statements(functions):
    """But for the one that calls an application's function, whose quoted name is all it adds."""
    building = [
        function
        for function in functions
        if re.search(r"\bexecute\b", function.code, re.IGNORECASE)
    ]
    assert [function.name for function in building] == ["tell_hook"]
    (named,) = re.findall(r"\bv_name :=[^;]*;", building[0].body)
    assert named == "v_name := format('%I.%I', v_hook.schema, v_hook.function);"
    (run,) = re.findall(r"\bexecute\b[^;]*;", building[0].body)
    assert run.splitlines() == [
        "execute format('select %s($1, $2, $3, $4, $5)', v_name)",
        "  using happening, app_id, tenant_id, subject_id, occurred_at;",
    ]


def test_no_body_selects_everything(conn, functions):
    for function in functions:
        assert not re.search(r"\bselect\s+\*|\.\*", function.code), function.name


def test_time_comes_from_one_function(functions):
    clocks = re.compile(
        r"\b(now\s*\(|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday"
        r"|current_timestamp|current_date|localtime)",
        re.IGNORECASE,
    )
    assert [function.name for function in functions if clocks.search(function.code)] == ["clock"]


def test_refusals_say_little_of_where_they_come_from(functions):
    """An assignment is one line of CONTEXT; a perform adds the text of its whole statement."""
    refusals = [function for function in functions if REFUSES.fullmatch(function.name)]
    assert len(refusals) > 50
    for function in refusals:
        assert (function.language, function.result) == ("plpgsql", "boolean"), function.name
        returned = set(re.findall(r"\breturn\s+([\w.]+)", function.code)) - {"true"}
        assert all(REFUSES.fullmatch(name.removeprefix("pgledger.")) for name in returned), function
    for function in functions:
        performed = re.findall(r"\bperform\s+pgledger\.(\w+)", function.code)
        assert not [name for name in performed if REFUSES.fullmatch(name)], function.name


def test_languages(functions):
    assert {function.language for function in functions} <= {"sql", "plpgsql"}


# Promises to the planner

ASKS_FOR_ZONES = {
    "ledger_check_entitlement",
    "ledger_check_entitlements",
    "ledger_remaining_entitlement",
}


def by_name(functions: list[Function]) -> Mapping[str, Function]:
    return {function.name: function for function in functions if function.is_private}


def test_volatility_is_told_truthfully(functions):
    """A function is at least as volatile as what it calls, and as the tables it touches."""
    order = "isv"
    private = by_name(functions)
    for function in functions:
        least = "i"
        if function.tables:
            least = "s"
        if function.writes:
            least = "v"
        for callee in function.calls & set(private):
            # What refuses only raises, and what finds a fault says what to raise: whatever calls
            # them is as constant as without them.
            # What only reads may look at the clock: as volatile, it would read each of its parts
            # as of another moment, rather than all as of the calling statement's.
            if callee == "clock" and not function.writes and function.volatility == "s":
                continue
            if not REFUSES.fullmatch(callee) and not callee.endswith("_fault"):
                least = max(least, private[callee].volatility, key=order.index)
        assert order.index(function.volatility) >= order.index(least), (function.name, least)


def test_parallel_safety_is_told_truthfully(functions):
    order = "sru"
    private = by_name(functions)
    for function in functions:
        least = "u" if re.search(r"\b(insert|update|delete)\b.*pgledger\.", function.code) else "s"
        for callee in function.calls & set(private):
            least = max(least, private[callee].parallel, key=order.index)
        assert order.index(function.parallel) >= order.index(least), (function.name, least)


def test_public_functions_say_what_they_are(functions):
    public = {function.name: function for function in functions if not function.is_private}
    writes = re.compile(
        r"(?:pg)?ledger_(accept|advance$|archive|cancel|change|close|consume|correct|create|delete"
        r"|ensure|expire|extend|finalize|freeze|generate|import|ingest|invalidate|map|mark|pause|post"
        r"|purge|raise|record|redeem|refresh|remove|reopen|resume|reverse_|seal$|set|sweep|unfreeze|unmap"
        r"|update|use_|void)"
    )
    for name, function in public.items():
        if "_create_" in name or writes.match(name):
            assert (function.volatility, function.parallel) == ("v", "u"), name
        elif name == "pgledger_generate_id":
            assert (function.volatility, function.parallel) == ("v", "u")
        elif name.startswith(("pgledger_ulid", "pgledger_uuid", "pgledger_id_")):
            assert (function.volatility, function.parallel) == ("i", "s"), name
            assert function.is_strict
        elif name == "ledger_price_usage":
            # Refuses what cannot be, so it is not strict.
            assert (function.volatility, function.parallel) == ("i", "s")
        elif name == "ledger_check_cached_entitlement":
            # Remembers what it has worked out.
            assert (function.volatility, function.parallel) == ("v", "u")
        elif name in {"ledger_preview_invoice", "pgledger_preview_transfers"}:
            # Writes down what the clock has decided, or makes transfers, and rolls it back.
            assert (function.volatility, function.parallel) == ("v", "u")
        else:
            # What asks whether a zone is still known has to catch an error, which no worker may.
            label = "u" if name in ASKS_FOR_ZONES else "s"
            assert (function.volatility, function.parallel) == ("s", label), name
        assert function.is_definer, name


def test_parameters_are_plain_nouns(functions):
    reserved = {"from", "to", "order", "user", "default"}
    for function in functions:
        for name in function.argument_names:
            assert NAME.fullmatch(name), (function.name, name)
            assert not re.match(r"(p|in|v|_)_", name), (function.name, name)
            assert name not in reserved


def test_plpgsql_check_finds_nothing(conn):
    """Where the server has it; the rest of this file stands without."""
    if not conn.execute(
        "select 1 from pg_available_extensions where name = 'plpgsql_check'"
    ).fetchone():
        return
    conn.execute("create extension plpgsql_check")
    problems = conn.execute(
        """
        select pg_proc.proname, problem
        from pg_proc
        cross join lateral plpgsql_check_function(
          pg_proc.oid,
          relid => case
            when pg_proc.prorettype = 'trigger'::regtype then 'pgledger.transfers'::regclass
            else 0
          end,
          extra_warnings => false,
          performance_warnings => false
        ) as problem
        where pg_proc.prolang = (select oid from pg_language where lanname = 'plpgsql')
          and (pg_proc.pronamespace = 'pgledger'::regnamespace or pg_proc.proname ~ '^(pg)?ledger_')
          and problem ~ '^error'
        """
    ).fetchall()
    assert problems == []


# Size


def bytes_a_transfer(conn: psycopg.Connection[Any]) -> float:
    """Returns the bytes that a transfer takes, indexes and free space map included."""
    conn.execute("vacuum full analyze pgledger.transfers")
    row = conn.execute(
        "select pg_total_relation_size('pgledger.transfers')::float8 / count(*)"
        " from pgledger.transfers"
    ).fetchone()
    assert row is not None
    return float(row[0])


@pytest.mark.parametrize("way", ["singles", "batches"])
def test_a_transfer_takes_few_bytes(connect, way):
    conn = connect(autocommit=True)
    conn.execute(
        "select count(pgledger_create_account('a ' || n, 'USD')) from generate_series(1, 50) as n"
    )
    if way == "singles":
        conn.execute(SINGLE_TRANSFERS)
    else:
        ids = [row[0] for row in conn.execute("select id from pgledger_accounts_v1").fetchall()]
        for _ in range(20):
            conn.execute(
                "select count(*) from pgledger_create_transfers_bulk(%s, %s, %s)",
                [ids * 20, (ids[7:] + ids[:7]) * 20, AMOUNTS],
            )
    assert conn.execute("select count(*) from pgledger.transfers").fetchone() == (20_000,)
    assert bytes_a_transfer(conn) <= BYTES_A_TRANSFER
    assert conn.execute("select sum(violations) from pgledger_verify()").fetchone() == (0,)


def test_rows_have_no_gap_between_columns(conn):
    """Columns of 8 bytes stand first, so that no row is padded."""
    for table in ("accounts", "transfers"):
        aligned = [
            row[0]
            for row in conn.execute(
                "select typalign::text from pg_attribute"
                " inner join pg_type on atttypid = pg_type.oid"
                " where attrelid = %s::regclass and attnum > 0 and attlen = 8 order by attnum",
                [f"pgledger.{table}"],
            )
        ]
        lengths = [
            row[0]
            for row in conn.execute(
                "select attlen from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0 order by attnum",
                [f"pgledger.{table}"],
            )
        ]
        assert lengths[: len(aligned)] == [8] * len(aligned), table
