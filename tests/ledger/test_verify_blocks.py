"""What pgledger_verify() says of blocks of changes and of what was noted of holds."""

from typing import Any

import psycopg
import pytest

from pgledger import Ledger
from support.guards import GUARDS

Session = psycopg.Connection[Any]

BLOCKS = "blocks of changes run from 1 without a gap"
RANGES = "blocks cover the versions and changes of accounts without a gap"
COVERED = "what is covered of accounts is what their newest block says"
NOTED = "noted changes run from 1 without a gap, and never back in time"
ENDS = "the ends of holds that nothing posted whole are noted"

TABLES = ("blocks", "block_accounts", "covered_accounts", "noted_changes", "holds")


@pytest.fixture
def books(conn: Session) -> Session:
    """Three blocks, with a hold that was extended and voided."""
    ledger = Ledger(conn)
    bank, wallet = (ledger.create_account(name, "USD").id for name in ("bank", "wallet"))
    ledger.create_transfer(bank, wallet, 100)
    ledger.changes()
    hold = ledger.create_hold(wallet, bank, 10).id
    ledger.create_transfer(bank, wallet, 5)
    ledger.changes()
    conn.execute("select pgledger_extend_hold(%s, now() + interval '1 day')", (hold,))
    ledger.void_hold(hold)
    ledger.freeze_account(wallet, "out")
    ledger.changes()
    return conn


def violated(conn: Session) -> set[str]:
    rows = conn.execute("select check_name from pgledger_verify() where violations > 0")
    return {name for (name,) in rows}


def test_blocks_in_order_are_found_so(books):
    assert violated(books) == set()
    rows = dict(books.execute("select check_name, rows_checked from pgledger_verify()").fetchall())
    assert [rows[check] for check in (BLOCKS, RANGES, COVERED, NOTED, ENDS)] == [3, 5, 2, 2, 1]
    of_another = books.execute("select sum(violations) from pgledger_verify('other')").fetchone()
    assert of_another == (0,)


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("update pgledger.blocks set number = 4 where number = 3", {BLOCKS, RANGES, NOTED}),
        ("update pgledger.block_accounts set from_version = 0 where block = 2", {RANGES}),
        ("update pgledger.block_accounts set to_version = 9 where block = 3", {RANGES, COVERED}),
        ("update pgledger.block_accounts set from_change = 1 where block = 3", {RANGES}),
        ("update pgledger.block_accounts set is_first = true", {RANGES}),
        ("delete from pgledger.block_accounts where block = 1", {RANGES}),
        ("update pgledger.covered_accounts set version = 1", {COVERED}),
        ("delete from pgledger.covered_accounts", {COVERED}),
        ("update pgledger.noted_changes set version = version + 10", {NOTED}),
        (
            "update pgledger.noted_changes set changed_at = changed_at + '1 h' where version = 1",
            {NOTED},
        ),
        ("update pgledger.noted_changes set block = 9", {NOTED}),
        ("delete from pgledger.noted_changes where version = 2", {ENDS}),
        ("update pgledger.noted_changes set change = 'expired' where version = 2", {ENDS}),
    ],
)
def test_tampering_is_found(books, statement, wanted):
    for table in TABLES:
        books.execute(f"alter table pgledger.{table} disable trigger all".encode())
    books.execute(statement.encode())
    for guard in GUARDS:
        if guard.kind == "trigger" and guard.place in TABLES:
            books.execute(
                f"alter table pgledger.{guard.place} enable always trigger {guard.name}".encode()
            )
    assert violated(books) == wanted
