"""Things that somebody plants in a schema that others look through: each runs a trap if it is used.

They fit better than PostgreSQL's own wherever PostgreSQL would have to cast.
"""

import contextlib
import re
from collections.abc import Callable, Iterable
from typing import Any, LiteralString

import psycopg

# Returns the body, in PL/pgSQL, of a function that takes its chance, by the name of what ran.
Trap = Callable[[str], str]

# Types that our bodies compute with: for each pair of them every operator is planted.
OPERAND_TYPES = (
    *("text", "numeric", "bigint", "integer", "boolean", "timestamptz", "interval", "jsonb"),
    *("uuid", "bytea", '"char"', "name", "smallint", "double precision", "text[]", "numeric[]"),
    *("bigint[]", "bit", "oid", "regclass", "regproc"),
)
TYPE_NAMES = (
    *("text", "numeric", "int8", "int4", "bool", "timestamptz", "interval", "jsonb", "uuid"),
    *("bytea", "bit", "regclass", "regproc", "record", "trigger"),
)

BODIES: LiteralString = """
    select pg_proc.prosrc
    from pg_proc
    where pg_proc.pronamespace = 'pgledger'::regnamespace or pg_proc.proname ~ '^(pg)?ledger_'
    union all
    select pg_get_viewdef(pg_class.oid)
    from pg_class
    where pg_class.relkind = 'v' and pg_class.relname ~ '^(pg)?ledger_'
"""


def names_in_bodies(conn: psycopg.Connection[Any]) -> set[str]:
    """Returns every word of every body, comments and all."""
    return {
        word
        for (body,) in conn.execute(BODIES).fetchall()
        for word in re.findall(r"[a-z_][a-z_0-9]*", body)
    }


def operators_in_bodies(conn: psycopg.Connection[Any]) -> set[str]:
    bodies = " ".join(body for (body,) in conn.execute(BODIES).fetchall())
    return {
        operator
        for (operator,) in conn.execute("select distinct oprname from pg_operator").fetchall()
        if operator in bodies
    }


def plant_functions(
    conn: psycopg.Connection[Any], schema: str, trap: Trap, words: Iterable[str]
) -> int:
    """Plants a function for each one of PostgreSQL's or ours that bears a name in our bodies."""
    found = conn.execute(
        """
        select
          pg_proc.proname,
          array_to_string(array(
            select format_type(argument.type, null)
            from unnest(pg_proc.proargtypes::oid[]) with ordinality as argument (type, place)
            order by argument.place
          ), ', '),
          case
            when pg_proc.prorettype in ('internal'::regtype, 'trigger'::regtype) then 'text'
            when pg_type.typtype = 'p' and pg_type.typname !~ '^any' then 'text'
            else format_type(pg_proc.prorettype, null)
          end
        from pg_proc
        inner join pg_type on pg_proc.prorettype = pg_type.oid
        where (
          pg_proc.pronamespace = 'pg_catalog'::regnamespace and pg_proc.proname = any(%s)
          or pg_proc.pronamespace = to_regnamespace('pgledger')
          or pg_proc.proname ~ '^pgledger_'
        )
        -- What takes these cannot be called from a statement.
        and not pg_proc.proargtypes::oid[] && array[
          'internal'::regtype, 'cstring'::regtype, '"any"'::regtype
        ]::oid[]
        and not pg_proc.proretset
        and pg_proc.prorettype <> 'cstring'::regtype
        """,
        [sorted(words)],
    ).fetchall()
    planted = 0
    for name, arguments, result in found:
        body = trap(f"{schema}.{name}")
        try:
            conn.execute(
                f'create or replace function {schema}."{name}"({arguments}) returns {result}'
                f" language plpgsql as $trap$ {body} $trap$".encode()
            )
            planted += 1
        except psycopg.errors.InvalidFunctionDefinition:
            # A polymorphic result without a polymorphic argument, and the like: nothing to plant.
            continue
        except psycopg.errors.InsufficientPrivilege:
            # A type of ours that nobody else may use.
            continue
    return planted


def plant_operators(
    conn: psycopg.Connection[Any], schema: str, trap: Trap, operators: Iterable[str]
) -> int:
    """Plants every operator that stands in our bodies for every pair of types."""
    body = trap("operator")
    comparing = {"<", ">", "=", "<=", ">=", "<>", "~", "!~", "~*"}
    statements = []
    for left in OPERAND_TYPES:
        for right in OPERAND_TYPES:
            for kind, suffix in (("boolean", "b"), (right, "")):
                statements.append(
                    f"create function {schema}.trap{suffix}(a {left}, b {right}) returns {kind}"
                    f" language plpgsql as $trap$ {body} $trap$"
                )
            for operator in sorted(operators):
                function = f"{schema}.trap{'b' if operator in comparing else ''}"
                statements.append(
                    f"create operator {schema}.{operator}"
                    f" (leftarg = {left}, rightarg = {right}, function = {function})"
                )
    conn.execute("; ".join(statements).encode())
    return len(statements)


def plant_types(conn: psycopg.Connection[Any], schema: str, trap: Trap) -> None:
    """Plants domains whose check would run wherever a value is cast to them."""
    body = trap("domain")
    conn.execute(
        f"create function {schema}.checked(value pg_catalog.text) returns pg_catalog.bool"
        f" language plpgsql as $trap$ {body} $trap$".encode()
    )
    for name in TYPE_NAMES:
        conn.execute(
            f'create domain {schema}."{name}" as pg_catalog.text'
            f" check ({schema}.checked(value))".encode()
        )


def plant_aggregates(
    conn: psycopg.Connection[Any], schema: str, trap: Trap, words: Iterable[str]
) -> int:
    """Plants each of PostgreSQL's aggregates that stands in our bodies for every type."""
    names = conn.execute(
        """
        select distinct proname
        from pg_proc
        where prokind = 'a' and pronamespace = 'pg_catalog'::regnamespace and proname = any(%s)
        """,
        [sorted(words)],
    ).fetchall()
    planted = 0
    for kind in OPERAND_TYPES:
        conn.execute(
            f"create function {schema}.gather(sum {kind}, a {kind}) returns {kind}"
            f" language plpgsql as $trap$ {trap('aggregate')} $trap$".encode()
        )
        for (name,) in names:
            # The state begins as null, and a function that is not strict sees the first value.
            statement = f"{schema}.{name}({kind}) (sfunc = {schema}.gather, stype = {kind})"
            # A plain function of that name is a trap as well.
            with contextlib.suppress(psycopg.errors.DuplicateFunction):
                conn.execute(f"create aggregate {statement}".encode())
                planted += 1
    return planted
