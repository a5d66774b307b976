"""``pgledger_list_accounts`` and ``pgledger_list_transfers``: pages that hold each row once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgledger import Account, Ledger, Transfer, TransferRequest, errors, ids

Session = psycopg.Connection[Any]

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
APPS = ("", "shop")


def pages(ask: Callable[..., list[Any]], page_size: int, **given: Any) -> list[Any]:
    """Reads page after page, as a caller does."""
    found: list[Any] = []
    while True:
        after = found[-1].id if found else None
        page = ask(after_id=after, page_size=page_size, **given)
        found += page
        assert len(page) <= page_size
        if len(page) < page_size:
            return found


@pytest.fixture
def books(conn: Session, set_clock) -> Ledger:
    """Two apps with transfers of 40 days: singles, batches, groups, late ones, ids of their own."""
    ledger = Ledger(conn)
    set_clock(conn, "current_setting('test.now')::timestamptz")
    conn.execute("select set_config('test.now', %s, false)", (str(START),))
    accounts = {
        app: [
            ledger.create_account(
                name, "USD", app_id=app, tenant_id=tenant, metadata={"kind": name[0], "n": n}
            ).id
            for n, (name, tenant) in enumerate(
                [("bank", ""), ("users", "t1"), ("users.1", "t1"), ("users-old", "t2")]
            )
        ]
        for app in APPS
    }
    for day in range(1, 41):
        now = START + day * DAY
        conn.execute("select set_config('test.now', %s, false)", (str(now),))
        app = APPS[day % 3 == 0]
        bank, first, second, third = accounts[app]
        ledger.create_transfers(
            [
                TransferRequest(bank, first, 1, metadata={"day": day, "odd": bool(day % 2)}),
                TransferRequest(first, second, 1, event_at=START + (day * 7 % (day + 1)) * DAY),
                TransferRequest(
                    bank, third, 1, id=f"pglt_{(day * 7) % 8}{ids.generate('x')[-25:]}"
                ),
            ],
            app_id=app,
            group_id="group" if day % 10 == 0 else None,
        )
    return ledger


def everything(ledger: Ledger, app_id: str) -> list[Transfer]:
    rows = ledger.conn.execute(
        "select id from pgledger_transfers_v1 where app_id = %s order by created_at desc, id desc",
        (app_id,),
    ).fetchall()
    return [ledger.get_transfer(row[0], app_id=app_id) for row in rows]


Given = dict[str, Any]
Keeps = Callable[[Transfer], bool]

FROM, UNTIL = START + 10 * DAY, START + 30 * DAY
FILTERS: list[tuple[Given, Keeps]] = [
    ({}, lambda _: True),
    ({"group_id": "group"}, lambda t: t.group_id == "group"),
    ({"recorded_from": FROM}, lambda t: t.created_at >= FROM),
    ({"recorded_until": UNTIL}, lambda t: t.created_at < UNTIL),
    ({"event_from": FROM}, lambda t: t.event_at >= FROM),
    ({"event_until": UNTIL}, lambda t: t.event_at < UNTIL),
    (
        {"recorded_from": FROM, "recorded_until": UNTIL, "event_from": FROM, "event_until": UNTIL},
        lambda t: FROM <= t.created_at < UNTIL and FROM <= t.event_at < UNTIL,
    ),
    ({"recorded_from": UNTIL, "recorded_until": FROM}, lambda _: False),
    ({"metadata": {"odd": True}}, lambda t: bool(t.metadata and t.metadata["odd"])),
    ({"metadata": {"none": True}}, lambda _: False),
    ({"tenant_id": "t2"}, lambda t: "t2" in (t.from_tenant_id, t.to_tenant_id)),
    ({"tenant_id": "t3"}, lambda _: False),
]


def test_pages_of_transfers_hold_each_that_matches_once_in_order(books):
    for app in APPS:
        made = everything(books, app)
        assert len(made) == {"": 81, "shop": 39}[app]
        accounts = {row.to_account_id for row in made} | {row.from_account_id for row in made}
        for given, keeps in FILTERS:
            for account in (None, *sorted(accounts)):
                expected = [
                    row
                    for row in made
                    if keeps(row) and account in (None, row.from_account_id, row.to_account_id)
                ]
                size = 1000 if account else 7
                found = pages(books.list_transfers, size, account_id=account, app_id=app, **given)
                assert [row.id for row in found] == [row.id for row in expected], (given, account)
                assert found == expected


def test_pages_of_an_account_go_on_where_the_one_before_ended(books):
    made = everything(books, "")
    for account in {row.to_account_id for row in made}:
        for given, keeps in FILTERS[:7]:
            found = pages(books.list_transfers, 5, account_id=account, **given)
            assert found == [
                row
                for row in made
                if keeps(row) and account in (row.from_account_id, row.to_account_id)
            ]


def test_transfers_that_come_while_paging_do_not_move_the_pages(books):
    first = books.list_transfers(page_size=5)
    books.create_transfer(first[0].from_account_id, first[0].to_account_id, 1)
    second = books.list_transfers(page_size=5, after_id=first[-1].id)
    assert [row.created_at for row in first + second] == sorted(
        (row.created_at for row in first + second), reverse=True
    )
    assert not {row.id for row in first} & {row.id for row in second}


def test_the_order_is_that_of_recording(books):
    found = books.list_transfers(page_size=10000)
    assert all(
        (later.created_at, later.id) > (earlier.created_at, earlier.id)
        for later, earlier in pairwise(found)
    )


def every_account(ledger: Ledger, app_id: str) -> list[Account]:
    rows = ledger.conn.execute(
        "select id from pgledger_accounts_v1 where app_id = %s"
        ' order by tenant_id collate "C", name collate "C", id',
        (app_id,),
    ).fetchall()
    return [ledger.get_account(row[0], app_id=app_id) for row in rows]


def test_pages_of_accounts_hold_each_that_matches_once_in_order(books):
    for name in ("users", "users", "users.1", "USERS.2", "users.1.eur", "userś"):
        for tenant in ("", "t1"):
            books.create_account(name, "EUR", tenant_id=tenant, metadata={"kind": "twin"})
    made = every_account(books, "")
    later = START + 40 * DAY
    filters: list[tuple[Given, Callable[[Account], bool]]] = [
        ({}, lambda _: True),
        ({"tenant_id": "t1"}, lambda a: a.tenant_id == "t1"),
        ({"currency": "EUR"}, lambda a: a.currency == "EUR"),
        ({"prefix": "users"}, lambda a: a.name == "users" or a.name.startswith("users.")),
        (
            {"prefix": "users.1", "tenant_id": "t1"},
            lambda a: (
                (a.name == "users.1" or a.name.startswith("users.1.")) and a.tenant_id == "t1"
            ),
        ),
        ({"metadata": {"kind": "u"}}, lambda a: bool(a.metadata and a.metadata["kind"] == "u")),
        ({"created_from": later}, lambda a: a.created_at >= later),
        ({"created_until": later}, lambda a: a.created_at < later),
        ({"prefix": "use"}, lambda _: False),
    ]
    for given, keeps in filters:
        for size in (1, 3, 100):
            found = pages(books.list_accounts, size, **given)
            assert found == [account for account in made if keeps(account)], given


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"page_size": 0}, errors.InvalidPage),
        ({"page_size": 10001}, errors.InvalidPage),
        ({"after_id": "x"}, errors.InvalidId),
        ({"after_id": ids.generate("pglt")}, errors.TransferNotFound),
        ({"account_id": ids.generate("pgla")}, errors.AccountNotFound),
        ({"group_id": ""}, errors.InvalidScope),
        ({"tenant_id": "a b"}, errors.InvalidScope),
        ({"app_id": "a b"}, errors.InvalidScope),
        ({"metadata": Jsonb([])}, errors.InvalidMetadata),
        ({"event_from": "infinity"}, errors.InvalidTime),
        ({"recorded_until": "-infinity"}, errors.InvalidTime),
    ],
)
def test_what_cannot_match_is_refused(conn, given, error):
    ((name, value),) = given.items()
    with pytest.raises(error):
        conn.execute(f"select pgledger_list_transfers({name} => %s)".encode(), (value,))


def test_a_cursor_of_another_app_is_not_found(books):
    (other,) = books.list_transfers(page_size=1, app_id="shop")
    with pytest.raises(errors.TransferNotFound), books.conn.transaction():
        books.list_transfers(after_id=other.id)
    (account,) = books.list_accounts(page_size=1, app_id="shop")
    with pytest.raises(errors.AccountNotFound):
        books.list_accounts(after_id=account.id)


def test_an_index_of_ones_own_on_metadata_is_used_and_stays(conn: Session):
    """What the guide says: it is found by the lists, and verification has nothing against it."""
    ledger = Ledger(conn)
    bank = ledger.create_account("bank", "USD").id
    shop = ledger.create_account("shop", "USD").id
    ledger.create_transfers(
        [TransferRequest(bank, shop, 1, metadata={"order": n}) for n in range(20_000)]
    )
    conn.execute(
        "create index transfers_metadata_own on pgledger.transfers"
        " using gin (metadata jsonb_path_ops) where metadata is not null"
    )
    conn.execute("analyze pgledger.transfers")
    used = "select pg_stat_get_xact_numscans(%s::regclass)"
    filters: list[dict[str, Any]] = [{}, {"account_id": shop}]
    for given in filters:
        before = conn.execute(used, ("pgledger.transfers_metadata_own",)).fetchone()
        (found,) = ledger.list_transfers(metadata={"order": 777}, **given)
        assert found.metadata == {"order": 777}
        after = conn.execute(used, ("pgledger.transfers_metadata_own",)).fetchone()
        assert before is not None
        assert after is not None
        assert after[0] > before[0], given
    assert [check for check in ledger.verify() if not check.ok] == []
