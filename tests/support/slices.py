"""What the slices of a verification say together, compared with what it says at once."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import tuple_row

Finding = tuple[int, int, str | None]


def at_once(conn: psycopg.Connection[Any]) -> dict[str, Finding]:
    """Returns what ``pgledger_verify()`` finds."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "select check_name, rows_checked, violations, example from pgledger_verify()"
        ).fetchall()
    return {name: (checked, violations, example) for name, checked, violations, example in rows}


def in_slices(
    conn: psycopg.Connection[Any], page_size: int, *, most: int = 10_000
) -> tuple[dict[str, Finding], int]:
    """Returns what all slices find, and how many there were; what is left out is missing."""
    found: dict[str, Finding] = {}
    after, count = None, 0
    with conn.cursor(row_factory=tuple_row) as cursor:
        while count < most:
            rows = cursor.execute(
                "select check_name, rows_checked, violations, example, next_after"
                " from pgledger_verify_slice(%s, %s)",
                [after, page_size],
            ).fetchall()
            count += 1
            for name, checked, violations, example, _ in rows:
                found[name] = added(found.get(name, (0, 0, None)), (checked, violations, example))
            (after,) = {row[4] for row in rows}
            if after is None:
                return found, count
    raise AssertionError(f"more than {most} slices")


def added(one: Finding, other: Finding) -> Finding:
    """Returns what two parts of a check come to."""
    examples = [example for example in (one[2], other[2]) if example is not None]
    return one[0] + other[0], one[1] + other[1], min(examples, default=None)


def assert_slices_agree(
    conn: psycopg.Connection[Any], *page_sizes: int, whole: Mapping[str, Finding] | None = None
) -> None:
    """Asserts that slices of these sizes find what the whole does of their checks."""
    expected = whole or at_once(conn)
    for page_size in page_sizes:
        found, _ = in_slices(conn, page_size)
        assert found == {name: expected[name] for name in found}, page_size
