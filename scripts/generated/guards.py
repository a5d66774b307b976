"""The list of what is to stand how: owners, rights, triggers, row security, settings.

It is read from a freshly migrated database by the same functions that compare a database with it.
"""

from collections.abc import Sequence
from typing import Any, Final

from scripts.generated.catalog import Connection

_WIDTH: Final = 98

_HEAD: Final = """\
/*
Written by scripts/build_catalog.py from a freshly migrated database: run make fmt, and read the
difference. How everything of ours is to stand, whatever the surface is called, on any server.

  kind      schema, table, view, sequence, function, type, trigger or policy
  place     'private' or 'surface'; the table of a trigger or policy
  owner     pgledger_owner or pgledger_tenant_views, without the prefix
  granted   what our other roles may do, as role=verb; the role of a policy
  detail    settings, row security; how a trigger or policy is made

In a database without roles of ours all belongs to one role, and nothing is granted.

With a setting of its own it is planned by itself. A query that reads the list in many places would
take longer to be planned than to run, because the list would be put into it as often.
*/
create or replace function pgledger.expected_guards()
returns table (kind text, place text, name text, owner text, granted text, detail text)
language sql
immutable
parallel safe
set jit = off
as $$
  values
"""
_TAIL: Final = """
$$;

comment on function pgledger.expected_guards is
  'How everything of ours is to stand: owners, privileges, triggers, row security, settings.';

revoke all on function pgledger.expected_guards from public;
"""


def expected_guards(connection: Connection) -> str:
    """Returns the text of the file."""
    rows = connection.execute(
        r"""
        select
          there.kind,
          there.place,
          there.name,
          replace(pg_get_userbyid(there.owner), 'pgledger_', ''),
          coalesce(
            (
              select string_agg(
                replace(pg_get_userbyid(held.grantee), 'pgledger_', '') || '=' || held.verb, ' '
                order by pg_get_userbyid(held.grantee), held.verb
              )
              from pgledger.rights_held('public') as held
              where (held.kind, held.oid) = (there.kind, there.oid)
            ),
            ''
          ),
          there.detail
        from pgledger.actual_guards('public') as there
        where there.place = 'private' or there.name ~ '^(pg)?ledger_'
        union all
        select
          'trigger', pg_class.relname, pg_trigger.tgname, '', '', pg_get_triggerdef(pg_trigger.oid)
        from pg_trigger
        join pg_class on pg_class.oid = pg_trigger.tgrelid
        where pg_class.relnamespace = 'pgledger'::regnamespace and not pg_trigger.tgisinternal
        union all
        select
          'policy', policy.place, policy.name, '',
          replace(policy.roles[1]::regrole::text, 'pgledger_', ''), policy.detail
        from pgledger.policies() as policy
        order by 1, 2, 3
        """
    ).fetchall()
    return _HEAD + ",\n".join(_row(row) for row in rows) + _TAIL


def _row(row: Sequence[Any]) -> str:
    values = [_literal(str(value)) for value in row]
    line = f"    ({', '.join(values)})"
    if len(line) <= _WIDTH:
        return line
    parts = "\n".join(f"      {part}" for part in _packed([_broken(str(value)) for value in row]))
    return f"    (\n{parts}\n    )"


def _packed(values: Sequence[list[str]]) -> list[str]:
    """Returns the values in lines: short ones together, long ones over lines of their own."""
    lines = [""]
    for place, pieces in enumerate(values):
        comma = "" if place == len(values) - 1 else ","
        if len(pieces) == 1 and len(lines[-1]) + len(pieces[0]) + 8 < _WIDTH:
            lines[-1] += f"{' ' if lines[-1] else ''}{pieces[0]}{comma}"
            continue
        lines += [*pieces[:-1], pieces[-1] + comma]
    return [line for line in lines if line]


def _broken(value: str) -> list[str]:
    """Returns a text as literals in as many lines as it takes, which SQL puts together."""
    lines = [""]
    for word in value.split(" "):
        if lines[-1] and len(_literal(f"{lines[-1]}{word} ")) + 8 > _WIDTH:
            lines.append("")
        lines[-1] += f"{word} "
    lines[-1] = lines[-1][:-1]
    return [_literal(line) for line in lines]


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
