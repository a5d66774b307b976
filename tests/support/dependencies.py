"""What our objects depend on, as the server keeps it."""

from typing import Any

import psycopg

_FOREIGN = """
    with recursive ours (classid, objid) as (
      select 'pg_class'::regclass, oid from pg_class
      where relnamespace = 'pgledger'::regnamespace
        or relnamespace = to_regnamespace(%(surface)s) and relname ~ '^(pg)?ledger_'
      union
      select 'pg_proc'::regclass, oid from pg_proc
      where pronamespace = 'pgledger'::regnamespace
        or pronamespace = to_regnamespace(%(surface)s) and proname ~ '^(pg)?ledger_'
      union
      select 'pg_type'::regclass, oid from pg_type
      where typnamespace = 'pgledger'::regnamespace
        or typnamespace = to_regnamespace(%(surface)s) and typname ~ '^_?(pg)?ledger_'
      union
      -- Rules of views, constraints, defaults, triggers, policies, types of rows.
      select pg_depend.classid, pg_depend.objid
      from ours
      join pg_depend on pg_depend.refclassid = ours.classid and pg_depend.refobjid = ours.objid
      where pg_depend.deptype in ('a', 'i')
    )
    select distinct
      pg_describe_object(ours.classid, ours.objid, 0),
      pg_describe_object(pg_depend.refclassid, pg_depend.refobjid, 0)
    from ours
    join pg_depend on pg_depend.classid = ours.classid and pg_depend.objid = ours.objid
    -- What initdb made is pinned, and nothing is noted of it.
    where not exists (
      select
      from ours as other
      where other.classid = pg_depend.refclassid and other.objid = pg_depend.refobjid
    )
      and pg_describe_object(pg_depend.refclassid, pg_depend.refobjid, 0) <> all(array[
        'schema pgledger', 'schema ' || quote_ident(%(surface)s), 'language plpgsql'
      ])
    order by 1, 2
"""


def foreign_dependencies(
    conn: psycopg.Connection[Any], surface: str = "public"
) -> list[tuple[str, str]]:
    """Returns pairs of an object of ours and what a stranger owns that it depends on."""
    with conn.transaction():
        conn.execute("set local search_path = pg_catalog")
        return conn.execute(_FOREIGN, {"surface": surface}).fetchall()
