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
[tutorial](tutorial.md) and the [billing tutorial](billing-tutorial.md).

The ledger's names begin with `pgledger_`, those of [billing](#billing) with `ledger_`.

Arguments with a default may be left out, and any argument may be given by its name:
`event_at => '2025-07-01T12:34:56Z'`. Python's `Ledger` has a method for each function that is
about accounts and transfers, and `Billing` has one for each of billing's, with the same names:
`help(pgledger.Ledger)` and `help(pgledger.Billing)` show them.
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

# The same for billing, under headings of their own.
BILLING_ORDER: Final = {
    "Catalogue": (
        "ledger_create_feature",
        "ledger_get_feature",
        "ledger_get_feature_by_key",
        "ledger_list_features",
        "ledger_list_global_features",
        "ledger_update_feature",
        "ledger_archive_feature",
        "ledger_delete_feature",
        "ledger_create_plan",
        "ledger_get_plan",
        "ledger_get_plan_by_slug",
        "ledger_list_plans",
        "ledger_update_plan",
        "ledger_archive_plan",
        "ledger_delete_plan",
        "ledger_set_currency",
    ),
    "Subscriptions": (
        "ledger_create_subscription",
        "ledger_get_subscription",
        "ledger_get_active_subscription",
        "ledger_list_subscriptions",
        "ledger_update_subscription",
        "ledger_change_plan",
        "ledger_cancel_subscription",
        "ledger_pause_subscription",
        "ledger_resume_subscription",
        "ledger_advance",
    ),
    "Usage": (
        "ledger_ingest_usage",
        "ledger_record_usage",
        "ledger_aggregate_usage",
        "ledger_aggregate_usage_by_feature",
        "ledger_query_usage",
        "ledger_purge_usage",
        "ledger_set_usage_skew",
    ),
    "Entitlements": (
        "ledger_check_entitlement",
        "ledger_remaining_entitlement",
        "ledger_consume_entitlement",
        "ledger_set_cached_entitlement",
        "ledger_get_cached_entitlement",
        "ledger_invalidate_tenant_entitlements",
        "ledger_invalidate_feature_entitlements",
    ),
    "Prices": ("ledger_price_usage",),
    "Coupons": (
        "ledger_create_coupon",
        "ledger_get_coupon",
        "ledger_get_coupon_by_id",
        "ledger_list_coupons",
        "ledger_update_coupon",
        "ledger_archive_coupon",
        "ledger_delete_coupon",
        "ledger_redeem_coupon",
        "ledger_list_coupon_redemptions",
    ),
    "Invoices": (
        "ledger_generate_invoice",
        "ledger_preview_invoice",
        "ledger_create_invoice",
        "ledger_get_invoice",
        "ledger_get_invoice_by_period",
        "ledger_list_invoices",
        "ledger_list_pending_invoices",
        "ledger_refresh_invoice",
        "ledger_finalize_invoice",
        "ledger_delete_invoice",
        "ledger_record_payment",
        "ledger_mark_invoice_paid",
        "ledger_mark_invoice_voided",
        "ledger_mark_invoice_uncollectible",
        "ledger_list_payments",
        "ledger_set_payment_terms",
    ),
    "Tenants' database roles": (
        "ledger_map_tenant_role",
        "ledger_unmap_tenant_role",
    ),
}
BILLING_FUNCTIONS: Final = tuple(name for names in BILLING_ORDER.values() for name in names)

BILLING_VIEWS: Final = (
    "ledger_plans",
    "ledger_features",
    "ledger_currencies",
    "ledger_subscriptions",
    "ledger_subscription_changes",
    "ledger_usage_events",
    "ledger_entitlement_cache",
    "ledger_coupons",
    "ledger_coupon_redemptions",
    "ledger_invoices",
    "ledger_invoice_payments",
)

ROLES: Final = {
    "pgledger_poster": "makes accounts and transfers, writes what billing keeps, and reads",
    "pgledger_reader": "reads through the views and the reading functions",
    "pgledger_auditor": "reads everything, the private tables included, and verifies",
    "pgledger_tenant": (
        "is for the database roles of single tenants: each reads its own rows, through the views "
        "`ledger_tenant_…`"
    ),
}

BILLING_TEXT: Final = """\
Plans, subscriptions, usage, entitlements, coupons and invoices. Every call says whose data it is
about: `app_id`, and `tenant_id` where it is a tenant's. What belongs to others is not found. How an
invoice is computed is in [billing](billing.md).

Functions that return a row are called in FROM: `select * from ledger_get_plan(…)`. The column
`limit` is named like a word of SQL, so it is quoted where it is selected: `"limit"`."""

BILLING_VIEWS_TEXT: Final = """\
Their columns never change, and nobody can write through them. The tables behind them are
private."""

TENANT_VIEWS_TEXT: Final = """\
For database roles that [are a tenant's](operations.md#database-roles-of-tenants), and only for
them. Each has the columns of the view without `tenant_` in its name, and the rows of that
tenant."""

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
    return re.sub(
        r"(?<![\w`])((?:pg)?ledger_[a-z0-9_]+(?:\*|\b)|"
        r"(?:pgl[ate]|plan|feat|sub|evt|cpn|red|inv|pay)_(?![\w…]))"
        # The app of all apps.
        r"|(?<![^ (])(\*)(?=[ ;.,)])",
        lambda found: f"`{found[0]}`",
        text,
    )


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
    return f"{head} returns {result_text(str(row['result']))}"


def result_text(result: str) -> str:
    """Returns what a function returns, one column a line where there are several."""
    kind, bracket, columns = result.partition("TABLE(")
    if not bracket:
        return result
    inner = ",\n".join(f"  {column}" for column in split_arguments(columns.removesuffix(")")))
    return f"{kind}table (\n{inner}\n)"


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


def declared_functions(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """Returns all functions whose names begin so, with what the catalog says about them."""
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    return cursor.execute(
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
          and starts_with(proname, %b)
        order by proname, pronargs
        """.encode(),
        (prefix,),
    ).fetchall()


def entries(
    rows: Iterable[dict[str, Any]], order: Sequence[str], errors: Sequence[str], level: int
) -> list[str]:
    """Returns what the reference says about functions, those that the order names first."""
    places = {name: place for place, name in enumerate(order)}
    parts: list[str] = []
    seen: set[str] = set()
    for row in sorted(rows, key=lambda row: places.get(row["name"], len(places))):
        if row["name"] not in seen:
            parts.append(f"{'#' * level} {row['name']}")
            seen.add(row["name"])
        parts.append(indented(signature(row)))
        parts.append(paragraphs(str(row["comment"]), errors))
    return parts


def functions(connection: Connection, errors: Sequence[str]) -> str:
    rows = declared_functions(connection, "pgledger_")
    return "\n\n".join(["## Functions", *entries(rows, FUNCTION_ORDER, errors, 3)])


def billing(connection: Connection, errors: Sequence[str]) -> str:
    rows = declared_functions(connection, "ledger_")
    parts = ["## Billing", BILLING_TEXT]
    for title, names in BILLING_ORDER.items():
        of_title = [row for row in rows if row["name"] in names]
        if of_title:
            parts += [f"### {title}", *entries(of_title, names, errors, 4)]
    others = [row for row in rows if row["name"] not in BILLING_FUNCTIONS]
    if others:
        parts += ["### Other functions", *entries(others, (), errors, 4)]
    parts += ["### Billing's views", BILLING_VIEWS_TEXT]
    tenants: list[str] = []
    for oid, name, comment in view_rows(connection, "ledger_", BILLING_VIEWS):
        if str(name).startswith("ledger_tenant_"):
            tenants.append(f"- `{name}`. {code_in(str(comment))}")
        else:
            parts += [f"#### {name}", code_in(str(comment)), columns_table(connection, oid)]
    parts += ["### Views for tenants", TENANT_VIEWS_TEXT, "\n".join(tenants)]
    return "\n\n".join(parts)


def indented(text: str) -> str:
    """Returns a block of code as Markdown has it without a fence, which would say: run this."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def view_rows(
    connection: Connection, prefix: str, order: Sequence[str]
) -> list[tuple[int, str, str]]:
    """Returns oid, name and comment of all views whose names begin so, in order."""
    return connection.execute(
        f"""
        select oid, relname, obj_description(oid, 'pg_class')
        from pg_class
        where relnamespace = ({SURFACE})
          and relkind = 'v'
          and starts_with(relname, %b)
        order by relname like '%%\\_view', array_position(%b::text[], relname::text), relname
        """.encode(),
        (prefix, list(order)),
    ).fetchall()


def columns_table(connection: Connection, oid: int) -> str:
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
    if not any(meaning for _, _, meaning in columns):
        return "Columns: " + ", ".join(f"`{column}`" for column, _, _ in columns) + "."
    cells = [(f"`{name}`", kind, code_in(meaning)) for name, kind, meaning in columns]
    return table(("column", "type", "meaning"), cells)


def views(connection: Connection) -> str:
    order = ("pgledger_accounts_v1", "pgledger_transfers_v1", "pgledger_entries_v1")
    parts = [
        "## Views",
        VIEWS_TEXT,
    ]
    newest = []
    for oid, name, comment in view_rows(connection, "pgledger_", order):
        if str(name).endswith("_view"):
            newest.append(f"- `{name}`. {code_in(str(comment))}")
            continue
        parts += [f"### {name}", code_in(str(comment)), columns_table(connection, oid)]
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
            and proname ~ '^(pg)?ledger_'
          group by proname
          union all
          select relname::text, 'view', oid
          from pg_class
          where relnamespace = ({SURFACE})
            and relkind = 'v'
            and relname ~ '^(pg)?ledger_'
        ) as thing
        cross join unnest(%b::text[]) with ordinality as role (name, place)
        group by thing.name, thing.kind, thing.oid
        order by
          starts_with(thing.name, 'ledger_'),
          thing.kind,
          array_position(%b::text[], thing.name),
          thing.name
        """.encode(),
        (list(ROLES), [*FUNCTION_ORDER, *BILLING_FUNCTIONS, *BILLING_VIEWS]),
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
            billing(connection, errors),
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
