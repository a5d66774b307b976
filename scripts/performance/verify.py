"""Whether the books are in order after a measurement."""

from __future__ import annotations

from psycopg import sql

from scripts.performance.console import note
from scripts.performance.databases import APP_ID, Control, find_surface, scalar
from scripts.performance.errors import CheckFailed


def require_good_books(connection: Control) -> None:
    """Asks pgledger_verify: figures of broken books are worth nothing."""
    surface = sql.Identifier(find_surface(connection)).as_string()
    may = scalar(
        connection,
        "select has_function_privilege(%s, 'execute')",
        (f"{surface}.pgledger_verify(text)",),
    )
    if not may:
        note("This role may not call pgledger_verify: the books were not verified")
        return
    note("Verifying the books")
    broken = connection.execute(
        f"""
        select check_name, violations, example
        from {surface}.pgledger_verify(%s)
        where violations <> 0
        """.encode(),
        (APP_ID,),
    ).fetchall()
    if broken:
        found = "; ".join(f"{name}: {count}, such as {example}" for name, count, example in broken)
        raise CheckFailed(f"pgledger_verify found what is wrong: {found}")
