"""A session needs memory for a batch's metadata a few times over, not many times.

What the caller's own query takes is among it: some three times the metadata.
"""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from support.database import Connect

ROWS = 1000
METADATA_KIB = 64

# Each reads the metadata from a table, as a job does that copies from one.
GIVEN = "(select metadatas from kept)"
BULK = f"""
  select count(*)
  from pgledger_create_transfers_bulk(
    array_fill((select min(id) from pgledger_accounts_view), array[{ROWS}]),
    array_fill((select max(id) from pgledger_accounts_view), array[{ROWS}]),
    array_fill(1::numeric, array[{ROWS}]),
    metadatas => {GIVEN}
"""
KEPT = f"""
  insert into kept
  select array_agg(jsonb_build_object('k', repeat('x', 65500) || number))
  from generate_series(1, {ROWS}) as number
"""


def peak_kib(conn: psycopg.Connection[Any]) -> int:
    """Returns the most memory that the session's process has had."""
    status = Path(f"/proc/{conn.info.backend_pid}/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak)


@pytest.mark.parametrize(
    ("statement", "times"),
    [
        (f"{BULK})", 9),
        (
            (
                f"{BULK}, ids => array[pgledger_generate_id('pglt')]"
                f" || array_fill(null::text, array[{ROWS - 1}]))"
            ),
            12,
        ),
        (
            f"""
            select count(*)
            from ledger_ingest_usage(
              'shop', array_fill('one'::text, array[{ROWS}]),
              array_fill('api'::text, array[{ROWS}]), array_fill(1::numeric, array[{ROWS}]),
              metadatas => {GIVEN}
            )
            """,
            5,
        ),
    ],
    ids=["bulk", "bulk with ids", "usage"],
)
def test_memory_of_a_batch_is_a_few_times_its_metadata(
    conn: psycopg.Connection[Any], connect: Connect, statement: str, times: int
) -> None:
    conn.execute("select pgledger_create_account(name, 'USD') from unnest('{a,b}'::text[]) as name")
    conn.execute("select ledger_create_feature('shop', 'api', 'api')")
    conn.execute("create table kept (metadatas jsonb[])")
    conn.execute("alter table kept alter metadatas set storage external")
    conn.execute(KEPT.encode())
    conn.commit()

    session = connect()
    before = peak_kib(session)
    assert session.execute(statement.encode()).fetchall() == [(ROWS,)]
    assert (peak_kib(session) - before) / ROWS < times * METADATA_KIB
