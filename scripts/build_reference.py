"""Writes docs/reference.md from a migrated database's catalog: ``build_reference.py [--check]``.

Runs on a PostgreSQL 18 of its own, in a temporary directory. What the reference says about a
function, view, column or error is the comment or the row that the database itself has, so there is
one place to change it: the SQL file.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reference.md"

# What is built is this tree's, whichever pgledger is installed.
sys.path.insert(0, str(ROOT / "python"))

import psycopg  # noqa: E402

from pgledger.embedded import EmbeddedError, EmbeddedServer  # noqa: E402
from pgledger.migrate import MigrationError, migrate  # noqa: E402

Connection = psycopg.Connection[Any]

INTRODUCTION: Final = """\
<!-- Written by scripts/build_reference.py from the comments in sql/: change those, not this. -->

# Reference

Every public function, view, type, role and error of pgledger, as a migrated database describes
them. They are in the schema that the migration was told, `public` unless it was told another.
What the words mean is in [concepts](concepts.md); how to use them, in the
[tutorial](tutorial.md).

Arguments with a default may be left out, and any argument may be given by its name:
`event_at => '2025-07-01T12:34:56Z'`. Python's `Ledger` has a method for each function that is
about accounts and transfers, with the same names; `help(pgledger.Ledger)` shows them.
"""

# The order in which a reader wants them; a function of another name goes to the end.
FUNCTION_ORDER: Final = (
    "pgledger_create_account",
    "pgledger_create_transfer",
    "pgledger_create_transfers",
    "pgledger_create_transfers_bulk",
    "pgledger_get_account",
    "pgledger_get_transfer",
    "pgledger_account_entries",
    "pgledger_balance_at",
    "pgledger_verify",
    "pgledger_generate_id",
    "pgledger_id_timestamp",
    "pgledger_ulid_to_uuid",
    "pgledger_uuid_to_ulid",
)

ROLES: Final = {
    "pgledger_poster": "makes accounts and transfers, and reads",
    "pgledger_reader": "reads through the views and the reading functions",
    "pgledger_auditor": "reads everything, the private tables included, and verifies",
}

VIEWS_TEXT: Final = """\
A view whose name ends in `_v1` never changes its columns. The one that ends in `_view` is its
newest version. Nobody can write through any of them."""

ROLES_TEXT: Final = """\
`pgledger_owner` owns everything and cannot log in. The others cannot log in either: grant them to
your own roles."""

ERRORS_TEXT: Final = """\
SQLSTATEs of class `LG`. In Python each is a class of that name in `pgledger.errors`, below
`PgledgerError`. `%s` stands for a value. The errors of a batch begin with `request N of M: `,
counted from 1. The same table is the view `pgledger_errors_v1`.

None of them is cured by running the same transaction again at once. Those that are
are PostgreSQL's own:
`40001` (serialization failure), `40P01` (deadlock) and `55P03` (lock not available), which
`run_transaction` retries."""

SURFACE: Final = """
    select relnamespace
    from pg_class
    where oid = 'pgledger_accounts_v1'::regclass
"""


def names_of_errors(connection: Connection) -> list[str]:
    rows = connection.execute("select name from pgledger_errors_v1").fetchall()
    return [str(name) for (name,) in rows]


def linked(text: str, errors: Iterable[str]) -> str:
    """Returns a comment with each error's name leading to the table of errors."""
    known = "|".join(sorted(errors, key=len, reverse=True))
    return re.sub(rf"\b({known})\b", r"[\1](#errors)", text)


def code_in(text: str) -> str:
    """Returns a comment in which names of ours are set as code."""
    return re.sub(r"(?<![\w`])(pgledger_[a-z0-9_]+|pgl[ate]_(?![\w…]))", r"`\1`", text)


def paragraphs(comment: str, errors: Sequence[str]) -> str:
    """Lays a function's comment out: what it does, its arguments, its errors."""
    # They are listed, "Errors: A, B.", or told about, "Errors name the request; …".
    what, *raised = re.split(r" (?=Errors\b)", comment, maxsplit=1)
    # An argument is described as "name: text." or "name, name: text."
    pieces = re.split(r"(?<=[.:]) (?=[a-z_]+(?:, [a-z_]+)*: )", what)
    lines = [code_in(pieces[0])]
    if len(pieces) > 1:
        lines.append("")
        for piece in pieces[1:]:
            names, _, meaning = piece.partition(": ")
            marked = ", ".join(f"`{name}`" for name in names.split(", "))
            lines.append(f"- {marked}: {code_in(meaning)}")
    if raised:
        lines += ["", linked(code_in(raised[0]), errors)]
    return "\n".join(lines)


def signature(row: dict[str, Any]) -> str:
    """Returns a function's declaration, one argument a line where there are several."""
    arguments = split_arguments(str(row["arguments"]))
    head = f"{row['name']}("
    if len(arguments) > 1:
        inner = ",\n".join(f"  {argument}" for argument in arguments)
        head += f"\n{inner}\n)"
    else:
        head += f"{''.join(arguments)})"
    return f"{head} returns {row['result']}"


def split_arguments(text: str) -> list[str]:
    """Splits what pg_get_function_arguments returns at its commas outside of parentheses."""
    found = re.findall(r"(?:'[^']*'|\([^)]*\)|[^,(']+)+", text)
    readable = [re.sub(r"::[a-z ]+(?:\[\])?$", "", argument.strip()) for argument in found]
    return [
        re.sub(r"^VARIADIC\b", "variadic", argument)
        .replace(" DEFAULT NULL", " default null")
        .replace(" DEFAULT ", " default ")
        .replace("timestamp with time zone", "timestamptz")
        for argument in readable
    ]


def cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def functions(connection: Connection, errors: Sequence[str]) -> str:
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    rows = cursor.execute(
        f"""
        select
          proname as name,
          pg_get_function_arguments(oid) as arguments,
          replace(
            replace(pg_get_function_result(oid), 'SETOF ', 'setof '),
            'timestamp with time zone', 'timestamptz'
          ) as result,
          obj_description(oid, 'pg_proc') as comment
        from pg_proc
        where pronamespace = ({SURFACE})
          and proname like 'pgledger\\_%'
        order by proname, pronargs
        """.encode()
    ).fetchall()
    found = sorted(
        rows,
        key=lambda row: (
            FUNCTION_ORDER.index(row["name"])
            if row["name"] in FUNCTION_ORDER
            else len(FUNCTION_ORDER)
        ),
    )
    parts: list[str] = ["## Functions"]
    seen: set[str] = set()
    for row in found:
        result = str(row["result"]).replace("TABLE(", "table (")
        declared = signature({**row, "result": result})
        if row["name"] not in seen:
            parts.append(f"### {row['name']}")
            seen.add(row["name"])
        parts.append(indented(declared))
        parts.append(paragraphs(str(row["comment"]), errors))
    return "\n\n".join(parts)


def indented(text: str) -> str:
    """Returns a block of code as Markdown has it without a fence, which would say: run this."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def views(connection: Connection) -> str:
    rows = connection.execute(
        f"""
        select oid, relname, obj_description(oid, 'pg_class')
        from pg_class
        where relnamespace = ({SURFACE})
          and relkind = 'v'
          and relname like 'pgledger\\_%'
        order by relname like '%\\_view', array_position(
          array['pgledger_accounts_v1', 'pgledger_transfers_v1', 'pgledger_entries_v1'],
          relname::text
        ), relname
        """.encode()
    ).fetchall()
    parts = [
        "## Views",
        VIEWS_TEXT,
    ]
    newest = []
    for oid, name, comment in rows:
        if str(name).endswith("_view"):
            newest.append(f"- `{name}`. {code_in(str(comment))}")
            continue
        columns = connection.execute(
            """
            select
              attname,
              replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz'),
              coalesce(col_description(attrelid, attnum), '')
            from pg_attribute
            where attrelid = %s
              and attnum > 0
            order by attnum
            """,
            (oid,),
        ).fetchall()
        parts += [f"### {name}", code_in(str(comment))]
        if any(meaning for _, _, meaning in columns):
            cells = [(f"`{name}`", kind, code_in(meaning)) for name, kind, meaning in columns]
            parts.append(table(("column", "type", "meaning"), cells))
        else:
            parts.append("Columns: " + ", ".join(f"`{column}`" for column, _, _ in columns) + ".")
    parts += ["### Names that stay", "\n".join(newest)]
    return "\n\n".join(parts)


def types(connection: Connection) -> str:
    rows = connection.execute(
        f"""
        select
          typname,
          obj_description(pg_type.oid, 'pg_type'),
          (
            select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', '
              order by attnum)
            from pg_attribute
            where attrelid = typrelid
              and attnum > 0
          )
        from pg_type
        join pg_class on typrelid = pg_class.oid
        where typnamespace = ({SURFACE})
          and relkind = 'c'
          and typname like 'pgledger\\_%'
        order by typname
        """.encode()
    ).fetchall()
    parts = ["## Types"]
    for name, comment, attributes in rows:
        parts += [f"### {name}", indented(f"{name} as ({attributes})"), str(comment)]
    return "\n\n".join(parts)


def roles(connection: Connection) -> str:
    rows = connection.execute(
        f"""
        select
          thing.name,
          thing.kind,
          array_agg(
            case
              when thing.kind = 'view' then has_table_privilege(role.name, thing.oid, 'select')
              else has_function_privilege(role.name, thing.oid, 'execute')
            end
            order by role.place
          )
        from (
          select proname::text as name, 'function' as kind, min(oid::bigint)::oid as oid
          from pg_proc
          where pronamespace = ({SURFACE})
            and proname like 'pgledger\\_%%'
          group by proname
          union all
          select relname::text, 'view', oid
          from pg_class
          where relnamespace = ({SURFACE})
            and relkind = 'v'
            and relname like 'pgledger\\_%%'
        ) as thing
        cross join unnest(%b::text[]) with ordinality as role (name, place)
        group by thing.name, thing.kind, thing.oid
        order by thing.kind, array_position(%b::text[], thing.name), thing.name
        """.encode(),
        (list(ROLES), list(FUNCTION_ORDER)),
    ).fetchall()
    cells = [(f"`{name}`", *("yes" if may else "" for may in allowed)) for name, _, allowed in rows]
    described = "\n".join(f"- `{name}` {what}." for name, what in ROLES.items())
    return "\n\n".join(
        (
            "## Roles",
            ROLES_TEXT,
            described,
            table(("", *(f"`{name}`" for name in ROLES)), cells),
        )
    )


def errors_table(connection: Connection) -> str:
    rows = connection.execute(
        "select code, name, message, hint, retryable from pgledger_errors_v1 order by code"
    ).fetchall()
    assert not any(retryable for *_, retryable in rows), "the text below says that none is"
    cells = [
        (f"`{code}`", name, f"`{message}`", code_in(hint)) for code, name, message, hint, _ in rows
    ]
    return "\n\n".join(
        (
            "## Errors",
            ERRORS_TEXT,
            table(("code", "name", "message", "what to do"), cells),
        )
    )


def render(dsn: str) -> str:
    """Returns the whole document, as the database of that connection string describes itself."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set search_path = public, pg_catalog")
        errors = names_of_errors(connection)
        parts = (
            INTRODUCTION.rstrip(),
            functions(connection, errors),
            views(connection),
            types(connection),
            roles(connection),
            errors_table(connection),
        )
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if the file is stale"
    )
    arguments = parser.parse_args()
    try:
        # Nothing here has to outlive a power cut.
        with EmbeddedServer.temporary(settings={"fsync": "off"}) as server:
            migrate(server.dsn())
            wanted = render(server.dsn()).encode()
    except (EmbeddedError, MigrationError, psycopg.Error) as error:
        print(f"build_reference.py: {error}", file=sys.stderr)
        return 1
    present = TARGET.read_bytes() if TARGET.exists() else None
    name = TARGET.relative_to(ROOT)
    if present == wanted:
        print(f"{name} is fresh")
        return 0
    if arguments.check:
        state = "missing" if present is None else "stale"
        print(
            f"{name} is {state}; write it with: python scripts/build_reference.py", file=sys.stderr
        )
        return 1
    # Renamed into place, so that nobody reads half of it.
    descriptor, stage = tempfile.mkstemp(prefix=".reference-", suffix=".md", dir=TARGET.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(wanted)
    Path(stage).chmod(0o644)
    Path(stage).replace(TARGET)
    print(f"{name} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
