"""Importing the earlier project's tables: everything stays as it was there, or nothing comes."""

from typing import Any, LiteralString

import psycopg
import pytest

from pgledger.importing import EarlierSchema, ImportResult, import_history
from support.database import Connect
from support.earlier import make_earlier

Session = psycopg.Connection[Any]

# Staging tables and what an import leaves.
LEFT: LiteralString = """
    select count(*) from pgledger.{table}
"""


@pytest.fixture
def conn(connect: Connect) -> Session:
    return connect(autocommit=True)


def imported(conn: Session, **options: Any) -> ImportResult:
    result = import_history(conn, EarlierSchema("earlier"), **options)
    assert not result.faults, result.faults[:5]
    return result


def rows(conn: Session, query: LiteralString) -> list[tuple[Any, ...]]:
    return conn.execute(query).fetchall()


def test_everything_is_as_it_was_there(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=10, transfers=400)
    result = imported(conn)
    assert (result.accounts, result.transfers, result.entry_ids) == (10, 400, 800)
    assert result.lifted_times > 50
    assert rows(
        conn,
        "select id, name, currency, balance, version, metadata, created_at"
        " from pgledger_accounts_v1 order by id",
    ) == rows(
        conn,
        "select id, name, currency, balance, version, metadata, created_at"
        " from earlier.pgledger_accounts order by id",
    )
    assert rows(
        conn,
        "select id, from_account_id, to_account_id, amount, metadata, event_at"
        " from pgledger_transfers_v1 order by id",
    ) == rows(
        conn,
        "select id, from_account_id, to_account_id, amount, metadata, event_at"
        " from earlier.pgledger_transfers order by id",
    )
    entries = (
        "account_id, transfer_id, account_version, amount, account_previous_balance,"
        " account_current_balance, event_at, metadata"
    )
    assert rows(
        conn, f"select {entries} from pgledger_entries_v1 order by transfer_id, amount"
    ) == rows(
        conn,
        "select e.account_id, e.transfer_id, e.account_version, e.amount,"
        " e.account_previous_balance, e.account_current_balance, t.event_at, t.metadata"
        " from earlier.pgledger_entries as e"
        " inner join earlier.pgledger_transfers as t on t.id = e.transfer_id"
        " order by e.transfer_id, e.amount",
    )
    assert rows(conn, "select * from pgledger_verify() where violations > 0") == []


def test_times_stay_but_for_what_is_lifted(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=10, transfers=400)
    result = imported(conn)
    changed = rows(
        conn,
        "select id, there.created_at, here.created_at from earlier.pgledger_transfers as there"
        " inner join pgledger_transfers_v1 as here using (id)"
        " where there.created_at <> here.created_at order by id",
    )
    assert changed == rows(
        conn,
        "select transfer_id, imported_created_at, created_at"
        " from pgledger_imported_times_v1 order by 1",
    )
    assert len(changed) == result.lifted_times
    assert all(before < after for _, before, after in changed)
    # The least that makes times ascend along both accounts: one after another, by the rule itself.
    newest = dict(rows(conn, "select id, created_at from earlier.pgledger_accounts"))
    microsecond = rows(conn, "select interval '1 us'")[0][0]
    for id_, source, target, at in rows(
        conn,
        "select id, from_account_id, to_account_id, created_at"
        " from earlier.pgledger_transfers order by id",
    ):
        lifted = max(at, newest[source] + microsecond, newest[target] + microsecond)
        newest[source] = newest[target] = lifted
        found = conn.execute("select created_at from pgledger_transfers_v1 where id = %s", [id_])
        assert found.fetchone() == (lifted,)


def test_old_ids_of_entries_lead_to_new_ones(conn: Session) -> None:
    make_earlier(conn, "earlier")
    imported(conn)
    assert rows(
        conn,
        "select m.imported_id, m.id, m.account_id, m.transfer_id, m.account_version"
        " from pgledger_imported_entries_v1 as m order by 1",
    ) == rows(
        conn,
        "select o.id, n.id, o.account_id, o.transfer_id, o.account_version"
        " from earlier.pgledger_entries as o inner join pgledger_entries_v1 as n"
        " using (account_id, transfer_id) order by 1",
    )


def test_transfers_go_on_after_it(conn: Session) -> None:
    make_earlier(conn, "earlier")
    imported(conn, app_id="books")
    a, b = (
        row[0]
        for row in rows(
            conn,
            "select id from pgledger_accounts_v1"
            " where currency = 'USD' and allow_positive_balance order by id limit 2",
        )
    )
    conn.execute("select pgledger_create_transfer(%s, %s, 1, app_id => 'books')", [a, b])
    assert rows(conn, "select * from pgledger_verify() where violations > 0") == []
    assert rows(conn, "select distinct app_id from pgledger_transfers_v1") == [("books",)]


def test_limits_that_history_breaks_are_later_ones(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=10, transfers=400)
    result = imported(conn)
    broken = rows(
        conn,
        "select distinct a.id from earlier.pgledger_accounts as a"
        " inner join earlier.pgledger_entries as e on e.account_id = a.id"
        " where not a.allow_positive_balance and e.amount > 0 and e.account_current_balance > 0"
        " order by 1",
    )
    assert result.later_limits == len(broken) > 0
    assert broken == rows(
        conn,
        "select account_id from pgledger_account_changes_v1 where change = 'set_limits' order by 1",
    )
    assert rows(
        conn,
        "select count(*) from pgledger_accounts_v1 as here"
        " inner join earlier.pgledger_accounts as there using (id)"
        " where here.allow_positive_balance <> there.allow_positive_balance"
        " or here.allow_negative_balance <> there.allow_negative_balance",
    ) == [(0,)]
