"""The page that introduced the ledger, line by line: what it shows is what happens here.

Statements stand as the page has them; ``$name`` is replaced by an id, as a reader would.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgledger import ids
from support.clock import SetClock
from support.database import Connect
from support.psql import Psql

ROOT = Path(__file__).resolve().parents[2]
ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"

TRANSFER_COLUMNS = [
    *("id", "from_account_id", "to_account_id", "amount", "created_at", "event_at", "metadata"),
    *("currency", "from_account_name", "to_account_name"),
    *("from_account_balance", "to_account_balance"),
    *("from_account_version", "to_account_version"),
    *("group_id", "app_id", "from_tenant_id", "to_tenant_id", "origin_id"),
]
ACCOUNT_COLUMNS = [
    *("id", "name", "currency", "balance", "version"),
    *("allow_negative_balance", "allow_positive_balance", "metadata", "created_at", "updated_at"),
    *("app_id", "tenant_id", "min_balance", "max_balance", "held_out", "held_in"),
    *("available_balance", "status", "amount_scale"),
]
# What a function tells beyond the view's columns stands after them.
TRANSFER_ANSWER = [*TRANSFER_COLUMNS, "replayed"]
ACCOUNT_ANSWER = [*ACCOUNT_COLUMNS, "replayed"]
ENTRY_COLUMNS = [
    *("id", "account_id", "transfer_id", "amount"),
    *("account_previous_balance", "account_current_balance", "account_version"),
    *("created_at", "event_at", "metadata"),
    *("account_name", "currency", "app_id", "tenant_id"),
]


class Reader:
    """Somebody who types the page's statements, one transaction each, and saves the ids."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.saved: dict[str, str] = {}
        self.columns: list[str] = []

    def types(self, statement: str) -> list[tuple[Any, ...]]:
        for name, value in self.saved.items():
            literal = sql.Literal(value).as_string(self.conn)
            statement = re.sub(rf"\${name}\b", literal.replace("\\", r"\\"), statement)
        assert "$" not in statement
        cursor = self.conn.execute(statement.encode())
        self.columns = [column.name for column in cursor.description or []]
        return cursor.fetchall()

    def saves(self, name: str, statement: str) -> str:
        ((value,),) = self.types(statement)
        self.saved[name] = value
        return value


@pytest.fixture
def reader(connect: Connect) -> Reader:
    return Reader(connect(autocommit=True))


def open_accounts(reader: Reader) -> None:
    reader.saves("account_1_id", "select id from pgledger_create_account('account_1', 'USD');")
    reader.saves("account_2_id", "select id from pgledger_create_account('account_2', 'USD');")


def open_exchange(reader: Reader) -> None:
    for name in ("user1.USD", "user1.EUR", "liquidity.USD", "liquidity.EUR"):
        variable = name.lower().replace(".", "_")
        currency = name[-3:]
        reader.saves(variable, f"select id from pgledger_create_account('{name}', '{currency}');")


# Set up your accounts; create transfers; see balances and entries


def test_balance_after_two_transfers(reader):
    open_accounts(reader)
    reader.types("select * from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);")
    assert reader.columns == TRANSFER_ANSWER
    reader.types("select * from pgledger_create_transfer($account_1_id, $account_2_id, 56.78);")
    assert reader.types(
        "select name, balance, version from pgledger_accounts_view where id = $account_2_id;"
    ) == [("account_2", Decimal("69.12"), 2)]
    assert reader.types(
        "select name, balance, version from pgledger_accounts_view where id = $account_1_id;"
    ) == [("account_1", Decimal("-69.12"), 2)]


def test_entries_after_two_transfers(reader):
    before = datetime.now(UTC)
    open_accounts(reader)
    reader.types("select * from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);")
    reader.types("select * from pgledger_create_transfer($account_1_id, $account_2_id, 56.78);")
    rows = reader.types(
        "select created_at, account_version, amount, account_previous_balance,"
        " account_current_balance from pgledger_entries_view where account_id = $account_2_id"
        " order by id;"
    )
    assert reader.columns == [
        "created_at",
        "account_version",
        "amount",
        "account_previous_balance",
        "account_current_balance",
    ]
    # As text, because 0 would equal the page's 0.00.
    assert [[str(value) for value in row[1:]] for row in rows] == [
        ["1", "12.34", "0.00", "12.34"],
        ["2", "56.78", "12.34", "69.12"],
    ]
    assert before - timedelta(seconds=5) < rows[0][0] < rows[1][0]
    assert rows[1][0] < datetime.now(UTC) + timedelta(seconds=5)
    assert [
        [str(value) for value in row]
        for row in reader.types(
            "select amount, account_previous_balance, account_current_balance"
            " from pgledger_entries_view where account_id = $account_1_id order by id;"
        )
    ] == [["-12.34", "0.00", "-12.34"], ["-56.78", "-12.34", "-69.12"]]


def test_psql_prints_what_the_page_prints(psql):
    printed = psql(
        r"""
        select id from pgledger_create_account('account_1', 'USD') \gset account_1_
        select id from pgledger_create_account('account_2', 'USD') \gset account_2_
        select * from pgledger_create_transfer(:'account_1_id', :'account_2_id', 12.34) \g /dev/null
        select * from pgledger_create_transfer(:'account_1_id', :'account_2_id', 56.78) \g /dev/null
        select name, balance, version from pgledger_accounts_view where id = :'account_2_id';
        select created_at, account_version, amount, account_previous_balance,
          account_current_balance
        from pgledger_entries_view where account_id = :'account_2_id' order by id;
        """,
        "--quiet",
    )
    lines = [" ".join(line.split()) for line in printed.splitlines() if line.strip()]
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00"
    patterns = [
        re.escape("name | balance | version"),
        r"-+\+-+\+-+",
        re.escape("account_2 | 69.12 | 2"),
        re.escape("(1 row)"),
        re.escape(
            "created_at | account_version | amount | account_previous_balance"
            " | account_current_balance"
        ),
        r"-+\+-+\+-+\+-+\+-+",
        time + re.escape(" | 1 | 12.34 | 0.00 | 12.34"),
        time + re.escape(" | 2 | 56.78 | 12.34 | 69.12"),
        re.escape("(2 rows)"),
    ]
    assert len(lines) == len(patterns), printed
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)


# event_at


def test_event_at_is_created_at_unless_given(reader):
    open_accounts(reader)
    rows = reader.types(
        "select created_at, event_at"
        " from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);"
    )
    assert reader.columns == ["created_at", "event_at"]
    assert rows[0][0] == rows[0][1]
    assert reader.types(
        "select bool_and(event_at = created_at) from pgledger_transfers_view"
    ) == reader.types("select bool_and(event_at = created_at) from pgledger_entries_view")


@pytest.mark.parametrize("argument", ["", "event_at => "], ids=["fourth", "named"])
def test_event_at_as_given(reader, argument):
    open_accounts(reader)
    rows = reader.types(
        "select created_at, event_at from pgledger_create_transfer("
        f"$account_1_id, $account_2_id, 12.34, {argument}'2025-07-01T12:34:56Z');"
    )
    event_at = datetime(2025, 7, 1, 12, 34, 56, tzinfo=UTC)
    assert rows[0][1] == event_at
    assert rows[0][0] > event_at
    assert reader.types("select event_at from pgledger_transfers_view") == [(event_at,)]
    assert reader.types("select distinct event_at from pgledger_entries_view") == [(event_at,)]


def test_event_at_in_psql(psql):
    printed = psql(
        r"""
        select id as account_1_id from pgledger_create_account('account_1', 'USD') \gset
        select id as account_2_id from pgledger_create_account('account_2', 'USD') \gset
        select created_at, event_at from pgledger_create_transfer(
          :'account_1_id', :'account_2_id', 12.34, '2025-07-01T12:34:56Z');
        select created_at, event_at from pgledger_create_transfer(
          :'account_1_id', :'account_2_id', 12.34, event_at => '2025-07-01T12:34:56Z');
        """,
        "--quiet",
        "--no-align",
        "--tuples-only",
    )
    assert [line.split("|")[1] for line in printed.splitlines()] == ["2025-07-01 12:34:56+00"] * 2


def test_june_bank_statement(reader, set_clock: SetClock):
    set_clock(reader.conn, "timestamptz '2025-05-31T23:00:00Z'")
    open_accounts(reader)
    reader.saved["account_id"] = reader.saved["account_2_id"]
    # June 30 at 11:55 pm reaches us on July 1 at 12:05 am; the other two are on either side.
    reader.types(
        "select * from pgledger_create_transfer("
        "$account_1_id, $account_2_id, 1.00, event_at => '2025-05-31T23:59:59.999999Z');"
    )
    set_clock(reader.conn, "timestamptz '2025-07-01T00:05:00Z'")
    reader.saved["transfer_id"] = "none yet"
    reader.saves(
        "transfer_id",
        "select id from pgledger_create_transfer("
        "$account_1_id, $account_2_id, 20.00, event_at => '2025-06-30T23:55:00Z');",
    )
    reader.types("select * from pgledger_create_transfer($account_1_id, $account_2_id, 300.00);")
    rows = reader.types(
        """
        select * from pgledger_entries_view
        where account_id = $account_id
        and event_at >= '2025-06-01'
        and event_at < '2025-07-01'
        order by event_at;
        """
    )
    assert reader.columns == ENTRY_COLUMNS
    (entry,) = [dict(zip(reader.columns, row, strict=True)) for row in rows]
    assert entry["transfer_id"] == reader.saved["transfer_id"]
    assert entry["amount"] == Decimal("20.00")
    assert entry["event_at"] == datetime(2025, 6, 30, 23, 55, tzinfo=UTC)
    assert entry["created_at"] > entry["event_at"]
    assert (
        reader.types(
            """
            select * from pgledger_entries_view
            where account_id = $account_id
            and created_at >= '2025-06-01'
            and created_at < '2025-07-01'
            order by created_at;
            """
        )
        == []
    )


# Multiple currencies


def test_exchange_between_four_accounts(reader):
    open_exchange(reader)
    rows = reader.types(
        "select * from pgledger_create_transfers(($user1_usd, $liquidity_usd, '10.00'),"
        " ($liquidity_eur, $user1_eur, '9.26'));"
    )
    assert reader.columns == TRANSFER_ANSWER
    transfers = [dict(zip(reader.columns, row, strict=True)) for row in rows]
    assert [
        (
            transfer["from_account_id"],
            transfer["to_account_id"],
            str(transfer["amount"]),
            transfer["currency"],
        )
        for transfer in transfers
    ] == [
        (reader.saved["user1_usd"], reader.saved["liquidity_usd"], "10.00", "USD"),
        (reader.saved["liquidity_eur"], reader.saved["user1_eur"], "9.26", "EUR"),
    ]
    assert reader.types("select name, balance from pgledger_accounts_view order by name") == [
        ("liquidity.EUR", Decimal("-9.26")),
        ("liquidity.USD", Decimal("10.00")),
        ("user1.EUR", Decimal("9.26")),
        ("user1.USD", Decimal("-10.00")),
    ]
    assert reader.types("select currency, count(*) from pgledger_entries_view group by 1") in (
        [("USD", 2), ("EUR", 2)],
        [("EUR", 2), ("USD", 2)],
    )
    assert reader.types("select distinct sum(balance) from pgledger_accounts_view") == [(0,)]


def test_exchange_in_psql(psql):
    printed = psql(
        r"""
        select id as user1_usd from pgledger_create_account('user1.USD', 'USD') \gset
        select id as user1_eur from pgledger_create_account('user1.EUR', 'EUR') \gset
        select id as liquidity_usd from pgledger_create_account('liquidity.USD', 'USD') \gset
        select id as liquidity_eur from pgledger_create_account('liquidity.EUR', 'EUR') \gset
        select amount, currency, from_account_name, to_account_name from pgledger_create_transfers(
          (:'user1_usd', :'liquidity_usd', '10.00'), (:'liquidity_eur', :'user1_eur', '9.26'));
        """,
        "--quiet",
        "--no-align",
        "--tuples-only",
    )
    assert printed.splitlines() == [
        "10.00|USD|user1.USD|liquidity.USD",
        "9.26|EUR|liquidity.EUR|user1.EUR",
    ]


def test_exchange_with_parameters(reader):
    """A driver sends the ids beside the statement, of no type that it knows."""
    open_exchange(reader)
    rows = reader.conn.execute(
        "select amount from pgledger_create_transfers("
        "(%(user1_usd)s, %(liquidity_usd)s, '10.00'), (%(liquidity_eur)s, %(user1_eur)s, %(sum)s))",
        {**reader.saved, "sum": Decimal("9.26")},
    ).fetchall()
    assert [str(amount) for (amount,) in rows] == ["10.00", "9.26"]


def test_exchange_is_refused_between_two_currencies(reader):
    open_exchange(reader)
    with pytest.raises(psycopg.Error) as refused:
        reader.types("select * from pgledger_create_transfer($user1_usd, $user1_eur, 10.00);")
    assert refused.value.sqlstate == "LG022"


def test_ways_to_write_several_transfers(reader):
    open_accounts(reader)
    array = "array[($account_1_id, $account_2_id, 1)]::pgledger_transfer_request[]"
    for call in (
        "pgledger_create_transfers(($account_1_id, $account_2_id, 1))",
        "pgledger_create_transfers(row($account_1_id, $account_2_id, '1'))",
        f"pgledger_create_transfers(variadic {array})",
        f"pgledger_create_transfers_from_rows(transfer_requests => {array})",
        f"pgledger_create_transfers_from_rows({array}, '2025-07-01T12:34:56Z', '{{}}')",
        f"pgledger_create_transfers_from_rows({array}, event_at => '2025-07-01T12:34:56Z')",
    ):
        assert reader.types(f"select amount from {call}") == [(1,)], call
    assert reader.types("select balance from pgledger_accounts_view where id = $account_2_id") == [
        (6,)
    ]


# IDs


def test_ids_are_prefixed_ulids_in_order(reader):
    open_accounts(reader)
    transfers = [
        row[0]
        for _ in range(5)
        for row in reader.types(
            "select id from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);"
        )
    ]
    entries = [
        row[0]
        for row in reader.types(
            "select id from pgledger_entries_view where account_id = $account_2_id"
            " order by account_version"
        )
    ]
    assert reader.saved["account_1_id"] < reader.saved["account_2_id"]
    for prefix, made in (("pgla", reader.saved.values()), ("pglt", transfers), ("pgle", entries)):
        assert all(re.fullmatch(f"{prefix}_{ULID}", value) for value in made), made
    assert transfers == sorted(set(transfers))
    assert entries == sorted(set(entries))


@pytest.mark.parametrize("shown", ["01JTVST7XAES5BXHWZN4KR4VEZ", "01JTVR1WKXEKCRG7N6YD7XCZA6"])
def test_ulids_shown_on_the_page_convert_into_uuids_and_back(reader, shown):
    ((uuid, ulid),) = reader.types(
        f"select pgledger_ulid_to_uuid('{shown}'),"
        f" pgledger_uuid_to_ulid(pgledger_ulid_to_uuid('{shown}'))"
    )
    assert uuid == ids.ulid_to_uuid(shown)
    assert uuid.version == 7
    assert ulid == shown


# History


def test_balance_before_a_time_is_in_the_most_recent_entry_before_it(reader):
    open_accounts(reader)
    created = []
    for amount in ("10.00", "20.00", "30.00"):
        ((created_at,),) = reader.types(
            "select created_at"
            f" from pgledger_create_transfer($account_1_id, $account_2_id, {amount});"
        )
        created.append(created_at)
    tick = timedelta(microseconds=1)
    times = [
        (created[0] - tick, None),
        (created[0], "10.00"),
        (created[1] - tick, "10.00"),
        (created[1], "30.00"),
        (created[2], "60.00"),
        (created[2] + timedelta(days=365), "60.00"),
    ]
    for at, balance in times:
        reader.saved["at"] = at.isoformat()
        rows = reader.types(
            "select account_current_balance from pgledger_entries_view"
            " where account_id = $account_2_id and created_at <= $at order by id desc limit 1"
        )
        assert [str(value) for (value,) in rows] == ([balance] if balance else []), at
        ((value,),) = reader.types("select pgledger_balance_at($account_2_id, $at)")
        assert value == Decimal(balance or 0)


# What the page wishes for: limits, metadata, new balances in the answer, versioned views


def test_arguments_of_accounts(reader):
    rows = reader.types(
        "select * from pgledger_create_account('user', 'USD', allow_negative_balance => false,"
        """ allow_positive_balance => true, metadata => '{"k": [1]}');"""
    )
    assert reader.columns == ACCOUNT_ANSWER
    account = dict(zip(reader.columns, rows[0], strict=True))
    assert account["allow_negative_balance"] is False
    assert account["allow_positive_balance"] is True
    assert account["metadata"] == {"k": [1]}
    assert (account["balance"], account["version"], account["app_id"]) == (0, 0, "")
    in_order = reader.types("select * from pgledger_create_account('user', 'USD', false, true);")
    assert in_order[0][5:7] == (False, True)


def test_transfers_answer_with_both_new_balances(reader):
    open_accounts(reader)
    assert reader.types(
        "select from_account_balance, to_account_balance, from_account_version,"
        " to_account_version, metadata from pgledger_create_transfer($account_1_id,"
        """ $account_2_id, 12.34, metadata => '{"order": 7}')"""
    ) == [(Decimal("-12.34"), Decimal("12.34"), 1, 1, {"order": 7})]


def test_create_transfers_answers_with_balances_as_well(reader):
    open_accounts(reader)
    rows = reader.types(
        "select from_account_balance, to_account_balance from pgledger_create_transfers("
        "($account_1_id, $account_2_id, 12.34), ($account_2_id, $account_1_id, 2.34))"
    )
    assert [[str(value) for value in row] for row in rows] == [
        ["-12.34", "12.34"],
        ["10.00", "-10.00"],
    ]


def test_metadata_of_accounts_and_transfers_is_json(reader):
    reader.saves(
        "account_1_id",
        """select id from pgledger_create_account('a', 'USD', metadata => '{"user": 42}');""",
    )
    reader.saves("account_2_id", "select id from pgledger_create_account('b', 'USD');")
    reader.types(
        "select * from pgledger_create_transfer($account_1_id, $account_2_id, 12.34,"
        """ metadata => '{"order": {"id": "7"}}');"""
    )
    assert reader.types(
        """select id from pgledger_accounts_view where metadata @> '{"user": 42}'"""
    ) == [(reader.saved["account_1_id"],)]
    assert reader.types(
        "select metadata #>> '{order, id}' from pgledger_transfers_view"
        """ where metadata @> '{"order": {}}'"""
    ) == [("7",)]
    assert reader.types("select distinct metadata -> 'order' from pgledger_entries_view") == [
        ({"id": "7"},)
    ]


def test_transfers_take_account_names_instead_of_ids(reader):
    """A separate function for one, and one for many."""
    open_accounts(reader)
    assert reader.types(
        "select from_account_id, to_account_id, to_account_balance"
        " from pgledger_create_transfer_by_name('account_1', 'account_2', 12.34, 'USD');"
    ) == [(reader.saved["account_1_id"], reader.saved["account_2_id"], Decimal("12.34"))]
    assert reader.columns == ["from_account_id", "to_account_id", "to_account_balance"]
    rows = reader.types(
        "select * from pgledger_create_transfers_bulk_by_name(array['account_1', 'account_2'],"
        " array['account_2', 'account_1'], array[56.78, 0.12], array['USD', 'USD']);"
    )
    assert reader.columns == TRANSFER_ANSWER
    assert len(rows) == 2
    assert reader.types(
        "select name, balance, version from pgledger_accounts_view order by name"
    ) == [("account_1", Decimal("-69.00"), 3), ("account_2", Decimal("69.00"), 3)]


# Each line of what ltree's own page shows of paths, where a name is written as a path.
SCIENCE = [
    *("Top", "Top.Science", "Top.Science.Astronomy"),
    *("Top.Science.Astronomy.Astrophysics", "Top.Science.Astronomy.Cosmology"),
    *("Top.Hobbies", "Top.Hobbies.Amateurs_Astronomy", "Top.Collections"),
    *("Top.Collections.Pictures", "Top.Collections.Pictures.Astronomy"),
    *("Top.Collections.Pictures.Astronomy.Stars", "Top.Collections.Pictures.Astronomy.Galaxies"),
    "Top.Collections.Pictures.Astronomy.Astronauts",
]


def test_names_are_used_like_ltree(reader):
    for name in SCIENCE:
        reader.types(f"select id from pgledger_ensure_account('{name}', 'USD');")
    # select path from test where path <@ 'Top.Science';
    assert reader.types("select name from pgledger_list_subtree('Top.Science')") == [
        ("Top.Science",),
        ("Top.Science.Astronomy",),
        ("Top.Science.Astronomy.Astrophysics",),
        ("Top.Science.Astronomy.Cosmology",),
    ]
    for number, name in enumerate(SCIENCE[1:], 1):
        reader.types(
            f"select id from pgledger_create_transfer_by_name('Top', '{name}', {number}, 'USD')"
        )
    # select subpath(path, 0, 2), sum(…) … group by 1
    assert reader.types("select path, balance, account_count from pgledger_balances('Top', 2)") == [
        ("Top", Decimal(-78), 1),
        ("Top.Collections", Decimal(57), 6),
        ("Top.Hobbies", Decimal(11), 2),
        ("Top.Science", Decimal(10), 4),
    ]
    assert reader.types("select path, balance from pgledger_balances(depth => 1)") == [("Top", 0)]


def test_the_page_about_names_as_paths_is_one_that_its_test_types():
    page = (ROOT / "docs" / "ledger.md").read_text()
    section = re.split(r"^## ", page.split("\n## Names as paths\n")[1], flags=re.M)[0]
    shown = "".join(re.findall(r"^```sql\n(.*?)^```", section, re.M | re.S))
    for call in ("pgledger_ensure_account", "pgledger_list_subtree", "pgledger_balances"):
        assert call in shown
    # Each of its blocks is followed by what it prints, which the test of the pages compares.
    assert section.count("```sql\n") == section.count("```text\n") >= 1
    assert "ltree" in section


def test_tables_are_internal(reader, connect: Connect):
    open_accounts(reader)
    reader.types("select id from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);")
    surface = reader.types(
        "select distinct relkind::text from pg_class"
        " where relname like 'pgledger\\_%' and relnamespace = 'public'::regnamespace"
    )
    # Views, and the types of answers.
    assert set(surface) == {("v",), ("c",)}
    role = "seed_reader"
    reader.conn.execute(f"drop role if exists {role}; create role {role} login".encode())
    reader.conn.execute(f"grant pgledger_poster to {role}".encode())
    session = connect(user=role, autocommit=True)
    try:
        assert session.execute("select count(*) from pgledger_transfers_view").fetchone() == (1,)
        for table in ("accounts", "transfers"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"select from pgledger.{table}".encode())
    finally:
        session.close()
        reader.conn.execute(f"drop owned by {role}; drop role {role}".encode())


def test_sql_is_a_series_of_numbered_migrations_and_one_file():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "sql" / "migrations").glob("*.sql"))]
    assert numbers[0] == 1
    assert all(before < after for before, after in pairwise(numbers))
    overall = (ROOT / "sql" / "pgledger.sql").read_text()
    for path in (ROOT / "sql" / "migrations").glob("*.sql"):
        made = re.findall(r"^create table (pgledger\.\w+)", path.read_text(), re.M)
        assert all(f"create table {name}" in overall for name in made), path.name


def test_documentation_comments_are_in_the_database(reader):
    uncommented = reader.types(
        """
        select proname from pg_proc
        where proname like 'pgledger\\_%' and obj_description(oid, 'pg_proc') is null
        union all
        select relname from pg_class
        where relname like 'pgledger\\_%' and relkind = 'v'
          and obj_description(oid, 'pg_class') is null
        union all
        select attname from pg_attribute
        inner join pg_class on attrelid = pg_class.oid
        where relname like 'pgledger\\_%' and relkind = 'v' and attnum > 0
          and col_description(attrelid, attnum) is null
        """
    )
    assert uncommented == []
    ((comment,),) = reader.types(
        "select obj_description('pgledger_create_transfer'::regproc, 'pg_proc')"
    )
    assert comment.startswith("Moves an amount from one account to another.")


def test_the_time_in_an_id_is_created_at_to_the_millisecond(reader):
    open_accounts(reader)
    reader.types("select id from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);")
    assert reader.types(
        "select pgledger_id_timestamp(id) = date_trunc('milliseconds', created_at)"
        " from pgledger_transfers_view"
    ) == [(True,)]


def test_transfers_can_be_told_from_their_entries(reader):
    open_accounts(reader)
    for amount in ("12.34", "56.78"):
        reader.types(
            f"select id from pgledger_create_transfer($account_1_id, $account_2_id, {amount});"
        )
    reader.types("select id from pgledger_create_transfer($account_2_id, $account_1_id, 1.00);")
    told = reader.types(
        """
        select
          transfer_id,
          min(account_id) filter (where amount < 0), min(account_id) filter (where amount > 0),
          max(amount), sum(amount)
        from pgledger_entries_view
        group by transfer_id
        order by transfer_id
        """
    )
    assert told == [
        (*row, 0)
        for row in reader.types(
            "select id, from_account_id, to_account_id, amount from pgledger_transfers_view"
            " order by id"
        )
    ]
    assert len(told) == 3


def test_an_event_at_that_is_not_given_takes_no_room(reader):
    open_accounts(reader)
    for event_at in ("", ", '2025-07-01T12:34:56Z'"):
        reader.types(
            f"select id from pgledger_create_transfer($account_1_id, $account_2_id, 1{event_at});"
        )
    assert reader.types("select event_at is null from pgledger.transfers order by id") == [
        (True,),
        (False,),
    ]
    # A time takes eight bytes, and what it makes others move.
    ((without, with_time),) = reader.types(
        "select min(pg_column_size(transfers)), max(pg_column_size(transfers))"
        " from pgledger.transfers"
    )
    assert with_time - without >= 8
    assert reader.types(
        "select event_at = created_at from pgledger_transfers_view order by id"
    ) == [(True,), (False,)]
    ((index,),) = reader.types(
        "select indexdef from pg_indexes where indexname = 'transfers_event_at_created_at_idx'"
    )
    assert "COALESCE(event_at, created_at)" in index


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("accounts", ACCOUNT_COLUMNS),
        ("transfers", TRANSFER_COLUMNS),
        ("entries", ENTRY_COLUMNS),
    ],
)
def test_views_of_both_names_show_the_same(reader, kind, columns):
    open_accounts(reader)
    reader.types("select * from pgledger_create_transfer($account_1_id, $account_2_id, 12.34);")
    shown = reader.types(f"select * from pgledger_{kind}_view order by id")
    assert reader.columns == columns
    assert len(shown) == {"accounts": 2, "transfers": 1, "entries": 2}[kind]
    assert shown == reader.types(f"select * from pgledger_{kind}_v1 order by id")
    assert reader.columns == columns


@pytest.mark.parametrize(
    ("call", "columns"),
    [
        ("pgledger_get_account($account_1_id)", ACCOUNT_ANSWER),
        ("pgledger_create_account('x', 'USD')", ACCOUNT_ANSWER),
        ("pgledger_get_transfer($transfer_id)", TRANSFER_ANSWER),
        (
            "pgledger_create_transfers_bulk(array[$account_1_id], array[$account_2_id], array[1])",
            TRANSFER_ANSWER,
        ),
        ("pgledger_find_account('account_1', 'USD')", ACCOUNT_ANSWER),
        ("pgledger_ensure_account('account_1', 'USD')", ACCOUNT_ANSWER),
        ("pgledger_list_subtree('account_1')", ACCOUNT_ANSWER),
        (
            "pgledger_create_transfer_by_name('account_1', 'account_2', 1, 'USD')",
            TRANSFER_ANSWER,
        ),
        ("pgledger_account_entries($account_1_id)", ENTRY_COLUMNS),
    ],
)
def test_functions_answer_with_the_columns_of_the_views_first(reader, call, columns):
    open_accounts(reader)
    reader.saves(
        "transfer_id",
        "select id from pgledger_create_transfer($account_1_id, $account_2_id, 12.34)",
    )
    assert reader.types(f"select * from {call}")
    assert reader.columns == columns


def test_page_as_a_script(psql: Psql):
    """All of it in one transaction, as an application's test may do it, and nothing stays."""
    printed = psql(
        r"""
        begin;
        select id as a from pgledger_create_account('account_1', 'USD') \gset
        select id as b from pgledger_create_account('account_2', 'USD') \gset
        select 1 from pgledger_create_transfer(:'a', :'b', 12.34) \g /dev/null
        select 1 from pgledger_create_transfer(:'a', :'b', 56.78) \g /dev/null
        select name, balance, version from pgledger_accounts_view where id = :'b';
        rollback;
        select count(*) from pgledger_accounts_view;
        """,
        "--quiet",
        "--no-align",
        "--tuples-only",
    )
    assert printed.splitlines() == ["account_2|69.12|2", "0"]
