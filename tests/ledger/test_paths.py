"""Names as paths: what is at and below one, page by page, and balances added up by level."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from pgledger import Ledger, errors
from pgledger.embedded import EmbeddedServer
from support.clock import SetClock
from support.database import Connect, Janitor

Session = psycopg.Connection[Any]

LAST = chr(0x10FFFF)
# What patterns, regular expressions and collations would mistake for something else.
HOSTILE = [
    *("users", "users.1", "users.1.usd", "users.10.usd", "users.2", "users-old.1", "users/x"),
    *("users!", "usersx", "Users.1", "user", "users.", "users..x", ".users", "%", "%.a", "a.%"),
    *("_", "_.a", "u_ers", "u_ers.1", "u%", "u%.1", "\\", "\\.a", "users.\\", "users\\.1", "'"),
    *("users.\x01", "users\x01", "users.1\n", "ä", "ä.1", "a\u0308.1", "u", "u.1", "z.é"),
    *(LAST, f"{LAST}.a", f"{LAST}.{LAST}", f"users.{LAST}", f"users{LAST}", LAST * 255),
    *("users.1" + "." + "x" * 247, "u" * 255, "users." + LAST * 249),
]


def below(prefix: str | None, names: list[str]) -> list[str]:
    return sorted(
        (
            name
            for name in names
            if prefix is None or name == prefix or name.startswith(f"{prefix}.")
        ),
        key=str.encode,
    )


def opened(conn: Session, names: list[str], currency: str = "USD", **options: Any) -> None:
    for name in names:
        Ledger(conn).create_account(name, currency, **options)


def pages(conn: Session, prefix: str | None, size: int, **options: Any) -> list[list[str]]:
    """Returns the names on each page, the last of which may be empty."""
    found: list[list[str]] = []
    after_id: str | None = None
    while True:
        page = Ledger(conn).list_subtree(
            prefix=prefix, page_size=size, after_id=after_id, **options
        )
        found.append([account.name for account in page])
        if len(page) < size:
            return found
        after_id = page[-1].id


def test_a_subtree_is_the_prefix_and_what_is_below_it(conn):
    opened(conn, HOSTILE)
    opened(conn, ["users.1", "users.secret"], tenant_id="t")
    opened(conn, ["users.1", "users.secret"], app_id="app")
    for prefix in [None, *HOSTILE, "no", "users.3", "USERS", "user_", "users%", LAST * 2]:
        expected = below(prefix, HOSTILE)
        assert pages(conn, prefix, 10_000) == [expected], prefix
        for size in (1, 2, 3, 7):
            found = pages(conn, prefix, size)
            assert [name for page in found for name in page] == expected, (prefix, size)
            assert all(len(page) == size for page in found[:-1])
        counted = Ledger(conn).balances(prefix=prefix)
        assert [row.path for row in counted] == expected, prefix
    assert pages(conn, "users", 9, tenant_id="t") == [["users.1", "users.secret"]]
    assert pages(conn, None, 9, app_id="app") == [["users.1", "users.secret"]]


def test_accounts_of_one_name_are_in_the_order_of_their_ids(conn):
    ledger = Ledger(conn)
    made = [
        ledger.create_account("a.b", currency).id
        for currency in ("USD", "EUR", "JPY", "USD", "USD")
    ]
    ledger.create_account("a", "USD")
    after_id = ledger.list_subtree(prefix="a", page_size=1)[0].id
    for expected in sorted(made):
        (account,) = ledger.list_subtree(prefix="a", page_size=1, after_id=after_id)
        assert account.id == after_id or account.id == expected
        after_id = account.id
    assert ledger.list_subtree(prefix="a", page_size=1, after_id=after_id) == []


def test_a_listed_account_is_the_account(conn):
    ledger = Ledger(conn)
    opened(conn, ["world"])
    made = ledger.create_account("users.1", "USD", metadata={"a": 1}, tenant_id="t", app_id="x")
    (listed,) = ledger.list_subtree(prefix="users", tenant_id="t", app_id="x")
    assert listed == ledger.get_account(made.id, app_id="x")
    assert listed.replayed is None


def test_a_page_begins_after_any_account_of_the_app(conn):
    ledger = Ledger(conn)
    opened(conn, ["a", "b.1", "b.3"])
    between = ledger.create_account("b.2", "USD", tenant_id="other")
    last = ledger.create_account("c", "USD")
    assert [account.name for account in ledger.list_subtree(prefix="b", after_id=between.id)] == [
        "b.3"
    ]
    assert ledger.list_subtree(prefix="b", after_id=last.id) == []


BOOKS = {
    ("assets.bank", "USD"): "-50",
    ("assets.bank", "EUR"): "-7",
    ("users.1", "USD"): "1.50",
    ("users.1.points", "USD"): "8.5",
    ("users.1.points.old", "USD"): "10",
    ("users.2.usd", "USD"): "30.00",
    ("users.2.eur", "EUR"): "7",
    ("users", "USD"): "0",
    ("users-old.1", "USD"): "0",
}


@pytest.fixture
def books(conn: Session) -> Session:
    ledger = Ledger(conn)
    ids = {key: ledger.create_account(*key).id for key in BOOKS}
    for (name, currency), balance in BOOKS.items():
        if Decimal(balance) > 0:
            ledger.create_transfer(
                ids["assets.bank", currency], ids[name, currency], Decimal(balance)
            )
    return conn


@pytest.mark.parametrize(
    ("prefix", "depth", "rows"),
    [
        (
            None,
            1,
            [
                ("assets", "EUR", "-7", 1),
                ("assets", "USD", "-50.00", 1),
                ("users", "EUR", "7", 1),
                ("users", "USD", "50.00", 5),
                ("users-old", "USD", "0", 1),
            ],
        ),
        (
            "users",
            2,
            [
                ("users", "USD", "0", 1),
                ("users.1", "USD", "20.00", 3),
                ("users.2", "EUR", "7", 1),
                ("users.2", "USD", "30.00", 1),
            ],
        ),
        ("users.1", 1, [("users.1", "USD", "20.00", 3)]),
        ("users.1", 2, [("users.1", "USD", "20.00", 3)]),
        ("users.1", 3, [("users.1", "USD", "1.50", 1), ("users.1.points", "USD", "18.5", 2)]),
        (
            "users.1",
            None,
            [
                ("users.1", "USD", "1.50", 1),
                ("users.1.points", "USD", "8.5", 1),
                ("users.1.points.old", "USD", "10", 1),
            ],
        ),
        ("users.2", 99, [("users.2.eur", "EUR", "7", 1), ("users.2.usd", "USD", "30.00", 1)]),
        ("nobody", 1, []),
    ],
)
def test_balances_add_up_by_level_and_currency(books, prefix, depth, rows):
    found = books.execute(
        "select path, currency, balance::text, account_count, held_out, held_in"
        " from pgledger_balances(%s, %s)",
        [prefix, depth],
    ).fetchall()
    assert found == [(*row, 0, 0) for row in rows]


@pytest.mark.parametrize("depth", [None, 1, 2, 3, 4, 2_147_483_647])
def test_every_account_counts_once_at_every_depth(books, depth):
    rows = Ledger(books).balances(depth=depth)
    assert sum(row.account_count for row in rows) == len(BOOKS)
    for currency in ("USD", "EUR"):
        assert sum(row.balance for row in rows if row.currency == currency) == 0


def test_sums_of_holds_are_added_up(books):
    books.execute(
        "update pgledger.accounts set held_out = 1.5, held_in = 2 where name like 'users.1%'"
    )
    (row,) = Ledger(books).balances(prefix="users.1", depth=2)
    assert (row.held_out, row.held_in) == (Decimal("4.5"), Decimal(6))


def test_sums_of_holds_leave_out_what_has_expired(connect: Connect, set_clock: SetClock) -> None:
    conn = connect(autocommit=True)
    ledger = Ledger(conn)
    paths = ("shop.a", "shop.b")
    source, target = (ledger.create_account(path, "USD").id for path in paths)
    now = datetime(2030, 3, 1, 12, tzinfo=UTC)
    set_clock(conn, now)
    for amount, minutes in ((7, 1), (5, 2), (3, 3)):
        ledger.create_hold(source, target, amount, expires_at=now + timedelta(minutes=minutes))
    ledger.create_hold(source, target, 1)

    def held() -> list[tuple[Decimal | None, Decimal | None]]:
        return [(row.held_out, row.held_in) for row in ledger.balances(prefix="shop", depth=2)]

    for minutes, left in ((0, 16), (1, 9), (2, 4), (3, 1)):
        set_clock(conn, now + timedelta(minutes=minutes))
        assert held() == [(left, 0), (0, left)]
        shown = [
            account.held_out + account.held_in for account in ledger.list_subtree(prefix="shop")
        ]
        assert shown == [left, left]
        assert [row.held_out for row in ledger.balances(prefix="shop", depth=1)] == [left]
    # Nobody has written that they have expired.
    assert conn.execute("select sum(held_out), sum(held_in) from pgledger.accounts").fetchone() == (
        16,
        16,
    )


def test_balances_of_one_tenant_and_app_alone(books):
    opened(books, ["users.1"], tenant_id="t")
    opened(books, ["users.9"], app_id="app")
    assert [row.path for row in Ledger(books).balances(prefix="users", tenant_id="t")] == [
        "users.1"
    ]
    assert [row.path for row in Ledger(books).balances(app_id="app")] == ["users.9"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("pgledger_list_subtree('')", errors.InvalidName),
        ("pgledger_list_subtree(' ')", errors.InvalidName),
        ("pgledger_list_subtree(repeat('x', 256))", errors.InvalidName),
        ("pgledger_list_subtree('a', 0)", errors.InvalidPage),
        ("pgledger_list_subtree('a', 10001)", errors.InvalidPage),
        ("pgledger_list_subtree('a', null)", errors.NullArgument),
        ("pgledger_list_subtree('a', 1, 'x')", errors.InvalidId),
        (f"pgledger_list_subtree('a', 1, 'pgla_{'7' + 'Z' * 25}')", errors.AccountNotFound),
        ("pgledger_list_subtree('a', app_id => null)", errors.NullArgument),
        ("pgledger_list_subtree('a', app_id => 'a b')", errors.InvalidScope),
        ("pgledger_list_subtree('a', tenant_id => null)", errors.NullArgument),
        ("pgledger_list_subtree('a', tenant_id => 'a b')", errors.InvalidScope),
        ("pgledger_balances('')", errors.InvalidName),
        ("pgledger_balances(repeat('x', 256))", errors.InvalidName),
        ("pgledger_balances('a', 0)", errors.InvalidArgument),
        ("pgledger_balances(null, -1)", errors.InvalidArgument),
        ("pgledger_balances('a', app_id => null)", errors.NullArgument),
        ("pgledger_balances('a', app_id => 'a b')", errors.InvalidScope),
        ("pgledger_balances('a', tenant_id => null)", errors.NullArgument),
        ("pgledger_balances('a', tenant_id => 'a b')", errors.InvalidScope),
    ],
)
def test_what_is_no_subtree_is_refused(conn, call, error):
    with pytest.raises(error):
        conn.execute(f"select * from {call}".encode())


# How much is read

SIBLINGS = 20_000
SUBTREE = 50


@pytest.fixture(scope="module")
def large(server: EmbeddedServer, ledger_template: NoopExecutor) -> Iterator[Session]:
    """Many accounts, of which a few are below ``p%_`` and below the highest character."""
    janitor = Janitor(
        host=ledger_template.host,
        port=ledger_template.port,
        user=ledger_template.user,
        dbname="paths",
        template_dbname=ledger_template.template_dbname,
        maintenance_dbname=ledger_template.maintenance_dbname,
    )
    with janitor, psycopg.connect(server.dsn("paths"), autocommit=True) as conn:
        conn.execute("alter table pgledger.accounts set (autovacuum_enabled = off)")
        conn.execute(
            "select count(pgledger_create_account(name, 'USD'))"
            " from unnest(array['p%%_-', 'pab.', 'p%%_', %(last)s, 'p%%_/']) as branch,"
            " lateral (select branch || n as name from generate_series(1, %(siblings)s) as n"
            "   union all select branch || '.' || n from generate_series(1, %(subtree)s) as n"
            "   where branch not like '%%-') as named",
            {"last": LAST, "siblings": SIBLINGS // 5, "subtree": SUBTREE},
        )
        conn.execute("vacuum analyze pgledger.accounts")
        yield conn


def rows_read(conn: Session, call: str, *parameters: Any) -> tuple[int, int]:
    """Returns how many accounts a call read by index, and how many otherwise."""
    counters = (
        "select coalesce(idx_tup_fetch, 0), seq_tup_read from pg_stat_xact_all_tables"
        " where schemaname = 'pgledger' and relname = 'accounts'"
    )
    with conn.transaction(force_rollback=True):
        before = conn.execute(counters.encode()).fetchone()
        conn.execute(f"select * from {call}".encode(), parameters).fetchall()
        after = conn.execute(counters.encode()).fetchone()
    assert before is not None
    assert after is not None
    return after[0] - before[0], after[1] - before[1]


@pytest.mark.parametrize("prefix", ["p%_", LAST])
def test_a_subtree_reads_its_own_part_of_the_index(large, prefix):
    for call in ("pgledger_list_subtree(%s, 10000)", "pgledger_balances(%s)"):
        large.execute(f"select * from {call}".encode(), [prefix])
        by_index, by_scan = rows_read(large, call, prefix)
        assert (by_index, by_scan) == (SUBTREE, 0), call


def test_a_page_of_all_accounts_reads_its_own_rows(large):
    (middle,) = large.execute(
        "select id from pgledger_accounts_v1 order by name offset 5000 limit 1"
    ).fetchone()
    call = "pgledger_list_subtree(null, 20, %s)"
    large.execute(f"select * from {call}".encode(), [middle])
    by_index, by_scan = rows_read(large, call, middle)
    # The account before is looked up, and read again at the beginning of the page.
    assert by_index <= 20 + 3
    assert by_scan == 0


@pytest.mark.parametrize("prefix", ["p%_", LAST])
def test_the_plan_is_a_range_of_the_index_on_names(large, prefix):
    (plan,) = large.execute(
        sql.SQL(
            "explain (format json) select from pgledger.subtree_ranges({}) as range"
            " join pgledger.accounts on accounts.name >= range.low and accounts.name < range.high"
            " and accounts.app_id = '' and accounts.tenant_id = ''"
        ).format(sql.Literal(prefix))
    ).fetchone()

    def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("Plans", []):
            yield from scans(child)

    (scan,) = [
        node
        for node in scans(plan[0]["Plan"])
        if node.get("Index Name") == "accounts_app_id_tenant_id_name_idx"
    ]
    assert "name >= " in scan["Index Cond"]
    assert "name < " in scan["Index Cond"]
