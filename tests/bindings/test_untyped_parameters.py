"""Drivers that leave the types of parameters to the server, such as node-postgres and psycopg.

The protocol's type 0 says so. PostgreSQL then has to choose the function by its name and the number
of its arguments alone.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from psycopg import pq

Session = psycopg.Connection[Any]


def run(conn: Session, statement: str, values: Sequence[str]) -> list[list[str | None]]:
    """Runs a statement whose parameters are texts of no type, as such a driver sends them."""
    result = conn.pgconn.exec_params(statement.encode(), [value.encode() for value in values])
    if result.status != pq.ExecStatus.TUPLES_OK:
        pytest.fail(result.error_message.decode())
    return [
        [
            None if (value := result.get_value(row, column)) is None else value.decode()
            for column in range(result.nfields)
        ]
        for row in range(result.ntuples)
    ]


@pytest.fixture
def accounts(conn: Session) -> list[str]:
    return [
        run(conn, "select id from pgledger_create_account($1, $2)", [name, "USD"])[0][0] or ""
        for name in ("shop", "buyer")
    ]


@pytest.mark.parametrize(
    ("call", "count"),
    [
        ("pgledger_create_transfers($1)", 1),
        ("pgledger_create_transfers($1, $1)", 2),
        ("pgledger_create_transfers(variadic $2)", 2),
        ("pgledger_create_transfers_from_rows($2)", 2),
        ("pgledger_create_transfers_from_rows($2, group_id => $3)", 2),
        ("pgledger_create_transfers_bulk($4, $5, $6)", 2),
    ],
)
def test_several_transfers_are_made_from_parameters_without_types(conn, accounts, call, count):
    shop, buyer = accounts
    row = f"({shop},{buyer},1.50)"
    values = [
        row,
        f'{{"{row}","{row}"}}',
        "order-7",
        f"{{{shop},{shop}}}",
        f"{{{buyer},{buyer}}}",
        "{1.50,1.50}",
    ]
    # Only those that the call has, counted anew.
    used = [n for n in range(1, len(values) + 1) if f"${n}" in call]
    for new, old in enumerate(used, 1):
        call = call.replace(f"${old}", f"${new}")
    rows = run(conn, f"select amount from {call}", [values[n - 1] for n in used])
    assert rows == [["1.50"]] * count


def test_no_two_public_functions_have_one_name(conn):
    """PostgreSQL could not choose between them when it knows no types."""
    twice = conn.execute(
        """
        select proname
        from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^(pg)?ledger_'
        group by proname
        having count(*) > 1
        """
    ).fetchall()
    assert twice == []


def test_every_public_function_is_found_whatever_the_number_of_its_untyped_arguments(conn):
    functions = conn.execute(
        """
        select proname, pronargs - pronargdefaults, pronargs
        from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^(pg)?ledger_'
        order by proname
        """
    ).fetchall()
    assert len(functions) > 60
    for name, fewest, most in functions:
        for count in range(fewest, most + 1):
            given = ", ".join(f"${n}" for n in range(1, count + 1))
            result = conn.pgconn.prepare(b"", f"select {name}({given})".encode())
            assert result.status == pq.ExecStatus.COMMAND_OK, (name, count, result.error_message)
