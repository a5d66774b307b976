"""Seals: whatever is done to what was sealed is found, and nothing else is."""

from typing import Any, LiteralString

import psycopg
import pytest

from pgledger import Ledger
from pgledger.errors import InvalidArgument, InvalidState
from support.database import Connect

UNGUARDED = (
    "transfers", "accounts", "holds", "account_changes", "blocks", "block_accounts",
    "block_holds", "noted_changes", "seals",
)  # fmt: skip
SEALED = "sealed blocks are as they were sealed"
KEPT = "exported seals are those of the database"
GAPS = "seals run from block 1 without a gap"
ENTRIES = "covered accounts have an entry for each version, and no other"
BALANCES = "balances and versions of accounts are those of their newest entries"


@pytest.fixture
def books(conn: psycopg.Connection[Any]) -> Ledger:
    """Three sealed blocks with everything that a block can hold."""
    ledger = Ledger(conn)
    bank, wallet, shop = (ledger.create_account(n, "USD").id for n in ("bank", "wallet", "shop"))
    ledger.create_transfer(bank, wallet, 100, metadata={"order": "Zürich"})
    ledger.seal()
    held = ledger.create_hold(wallet, shop, 10).id
    ledger.create_transfer(wallet, shop, 7)
    ledger.create_transfer(wallet, shop, 8)
    taken = ledger.create_hold(wallet, bank, 9).id
    ledger.post_hold(taken, amount=4, final=False)
    ledger.post_hold(taken, amount=2)
    ledger.freeze_account(shop, "in", reason="audit")
    ledger.seal()
    ledger.void_hold(held)
    ledger.create_transfer(wallet, bank, 3)
    ledger.seal()
    return ledger


def unguard(conn: psycopg.Connection[Any]) -> None:
    """Takes the triggers off, as an owner could."""
    for table in UNGUARDED:
        conn.execute(f"alter table pgledger.{table} disable trigger user".encode())


def found(ledger: Ledger, kept: Any = None) -> dict[str, str | None]:
    return {
        check.check_name: check.example
        for check in ledger.verify_seals(from_export=kept)
        if check.violations
    }


def kept_seals(conn: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    rows = conn.execute("select block, encode(root, 'hex') from pgledger.seals order by 1")
    return [{"block": block, "root": root} for block, root in rows]


def test_what_nobody_touched_is_as_it_was_sealed(conn, books):
    kept = kept_seals(conn)
    assert len(kept) == 3
    checks = books.verify_seals(from_export=kept)
    assert [(check.rows_checked, check.violations) for check in checks] == [
        (3, 0), (3, 0), (3, 0), (3, 0), (3, 0),
    ]  # fmt: skip
    assert books.verify_seals(from_export=[kept[1]])[4].rows_checked == 1
    assert books.seal().root == kept[-1]["root"]


def test_seals_do_not_depend_on_the_session(conn, books, connect: Connect):
    conn.commit()
    for settings in ("-c timezone=Asia/Tokyo -c datestyle=german", "-c client_encoding=latin1"):
        assert found(Ledger(connect(options=settings))) == {}
        assert (
            found(Ledger(connect(options="-c extra_float_digits=0 -c bytea_output=escape"))) == {}
        )


TAMPERINGS: dict[str, tuple[LiteralString, dict[str, str]]] = {
    "edited amount": (
        "update pgledger.transfers set amount = 6 where amount = 7",
        {SEALED: "block 2"},
    ),
    "edited metadata": (
        "update pgledger.transfers set metadata = '{}' where amount = 100",
        {SEALED: "block 1"},
    ),
    "edited time": (
        "update pgledger.transfers set created_at = created_at - '1 us'::interval where amount = 3",
        {SEALED: "block 3"},
    ),
    "deleted": ("delete from pgledger.transfers where amount = 8", {SEALED: "block 2"}),
    "inserted on one side": (
        """
        insert into pgledger.transfers
        select to_key, from_key, 99, 1, created_at, event_at, 'pglt_x', app_id, 1, 0, 0
        from pgledger.transfers where amount = 100
        """,
        {ENTRIES: "bank"},
    ),
    "reordered": (
        """
        update pgledger.transfers set amount = case amount when 7 then 8 else 7 end
        where amount in (7, 8)
        """,
        {SEALED: "block 2"},
    ),
    "swapped versions": (
        "update pgledger.transfers set from_version = 20 - from_version where amount in (7, 8)",
        {SEALED: "block 2"},
    ),
    "changed balance of an entry": (
        "update pgledger.transfers set to_balance = to_balance + 1 where amount = 7",
        {SEALED: "block 2"},
    ),
    "changed balance of an account": (
        "update pgledger.accounts set balance = balance + 1 where name = 'shop'",
        {BALANCES: "shop"},
    ),
    "another account of an id": (
        "update pgledger.accounts set tenant_id = 'other' where name = 'shop'",
        {SEALED: "block 1"},
    ),
    "edited change of an account": (
        "update pgledger.account_changes set reason = 'holiday'",
        {SEALED: "block 2"},
    ),
    "edited hold": ("update pgledger.holds set amount = 11", {SEALED: "block 2"}),
    "posted hold that is pending again": (
        """
        update pgledger.holds set status = 0, ended_at = null, out_released = false,
          in_released = false
        where posted_amount = 6;
        update pgledger.accounts set held_out = held_out + 3 where name = 'wallet';
        update pgledger.accounts set held_in = held_in + 3 where name = 'bank'
        """,
        {SEALED: "block 2"},
    ),
    "edited end of a hold": (
        "update pgledger.holds set ended_at = ended_at + '1 us'::interval where status = 1",
        {SEALED: "block 2"},
    ),
    "edited note": ("update pgledger.noted_changes set change = 'expired'", {SEALED: "block 3"}),
    "moved between blocks": (
        "update pgledger.block_holds set block = 3",
        {SEALED: "block 2"},
    ),
    "edited root": (
        "update pgledger.seals set root = sha256('x') where block = 2",
        {SEALED: "block 2", KEPT: "block 2"},
    ),
    "seal in the middle taken out": (
        "delete from pgledger.seals where block = 2",
        {GAPS: "block 3", SEALED: "block 3", KEPT: "block 2"},
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(conn, books, name):
    kept = kept_seals(conn)
    unguard(conn)
    statement, wanted = TAMPERINGS[name]
    conn.execute(statement)
    told = found(books, kept)
    for check in wanted.keys() & {BALANCES, ENTRIES}:
        wanted = {check: told[check] or ""}
    assert wanted.items() <= told.items()
    # Those after it are not blamed.
    assert len(books.verify_seals()) == 5


def cut_tail(conn: psycopg.Connection[Any]) -> None:
    """Takes the newest block off with all that it covers, so that the rest agrees."""
    conn.execute(
        """
        delete from pgledger.seals where block = 3;
        delete from pgledger.blocks where number = 3;
        delete from pgledger.transfers where amount = 3;
        delete from pgledger.noted_changes where block = 3;
        update pgledger.covered_accounts set version = b.from_version
        from pgledger.block_accounts b where b.account_key = covered_accounts.account_key
          and b.block = 3;
        update pgledger.accounts set version = b.from_version,
          balance = pgledger.version_balance(key, b.from_version)
        from pgledger.block_accounts b where b.account_key = key and b.block = 3;
        delete from pgledger.block_accounts where block = 3;
        """
    )


def test_a_cut_tail_shows_against_a_kept_seal(conn, books):
    kept = kept_seals(conn)
    unguard(conn)
    cut_tail(conn)
    assert found(books) == {}
    assert found(books, kept[:2]) == {}
    assert found(books, kept[2:]) == {KEPT: "block 3"}


def test_a_chain_that_was_made_again_shows_against_a_kept_seal(conn, books):
    kept = kept_seals(conn)
    unguard(conn)
    conn.execute("update pgledger.transfers set metadata = null where amount = 100")
    conn.execute("delete from pgledger.seals")
    books.seal()
    assert found(books) == {}
    assert found(books, kept) == {KEPT: "block 1"}


@pytest.mark.parametrize(
    "kept",
    ["1", "null", '"x"', "{}", '{"block": 0, "root": "00"}', '[[]]', '[{"block": 1}]',
     '{"block": 1.5, "root": "' + "0" * 64 + '"}', '{"block": 1, "root": "' + "A" * 64 + '"}'],
)  # fmt: skip
def test_what_is_no_seal_is_refused(conn, kept):
    with pytest.raises(InvalidArgument):
        conn.execute("select pgledger_verify_seals(%s::jsonb)", (kept,))


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_who_keeps_a_snapshot_seals_nothing(conn, level):
    conn.execute(f"set transaction isolation level {level}")
    with pytest.raises(InvalidState):
        Ledger(conn).seal()


def test_nothing_is_sealed_where_nothing_is(conn):
    seal = Ledger(conn).seal()
    assert (seal.block, seal.root, seal.sealed_at) == (None, None, None)
