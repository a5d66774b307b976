"""What cannot be imported is listed, row by row, and then nothing is; CSV files; who may."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from pgledger import Ledger
from pgledger.importing import CsvFiles, EarlierSchema, ImportFault, import_history
from pgledger.migrate import MigrationError
from support.cli import Cli, environment, failed
from support.database import Connect, NewDatabase
from support.earlier import make_earlier, run
from support.waiting import WaitUntil, WaitUntilBlocked

Session = psycopg.Connection[Any]

# Everything that an import writes, or writes on its way.
TABLES = (
    *("accounts", "transfers", "account_changes", "imported_entries", "imported_times"),
    *("import_accounts", "import_transfers", "import_entries", "import_legs", "import_times"),
)

# One row of each kind is spoilt, and what is said of which row.
FIRST: LiteralString = "(select min(id) from {schema}.pgledger_transfers)"
SPOILT: dict[str, tuple[LiteralString, set[tuple[str, str]]]] = {
    "NaN": (
        "update {schema}.pgledger_transfers set amount = 'NaN' where id = " + FIRST + ";"
        "update {schema}.pgledger_entries set amount = 'NaN' where transfer_id = " + FIRST,
        {
            ("transfer", "its amount is not valid: it is not a number"),
            ("transfer", "it has 2 entries, of NaN in all"),
        },
    ),
    "decimals": (
        "update {schema}.pgledger_transfers set amount = 1e-19 where id = " + FIRST + ";"
        "update {schema}.pgledger_entries set amount = sign(amount) * 1e-19"
        " where transfer_id = " + FIRST,
        {("transfer", "its amount is not valid: it has 19 decimal places")},
    ),
    "id": (
        (
            "update {schema}.pgledger_accounts set id = 'mine' where false;"
            "insert into {schema}.pgledger_accounts"
            " select 'mine', name, currency, 0, 0, true, true, null, created_at, created_at"
            " from {schema}.pgledger_accounts limit 1"
        ),
        {("account", "its id is not valid: it does not begin with pgla_")},
    ),
    "name": (
        (
            "update {schema}.pgledger_accounts set name = ''"
            " where id = (select min(id) from {schema}.pgledger_accounts)"
        ),
        {("account", "its name is not valid: it is empty")},
    ),
    "metadata": (
        "update {schema}.pgledger_transfers set metadata = '[1]' where id = " + FIRST,
        {("transfer", "its metadata is not valid: it is of type array, not an object")},
    ),
    "future": (
        "update {schema}.pgledger_transfers set created_at = '2999-01-01Z' where id = " + FIRST,
        {("transfer", "its created_at is ahead of the clock: 2999-01-01 00:00:00+00")},
    ),
    "infinite": (
        "update {schema}.pgledger_transfers set event_at = 'infinity' where id = " + FIRST,
        {("transfer", "its event_at is not valid: it is not finite")},
    ),
    "lost entry": (
        "delete from {schema}.pgledger_entries where amount > 0 and transfer_id = " + FIRST,
        {("transfer", "it has 1 entries, of -79.20 in all")},
    ),
    "balance": (
        (
            "update {schema}.pgledger_accounts set balance = balance + 1"
            " where id = (select min(id) from {schema}.pgledger_accounts)"
        ),
        {("account", "its balance is ")},
    ),
    "version": (
        (
            "update {schema}.pgledger_accounts set version = version + 1"
            " where id = (select min(id) from {schema}.pgledger_accounts)"
        ),
        {("account", "its version is ")},
    ),
    "entry's balance": (
        "update {schema}.pgledger_entries set account_current_balance = 0"
        " where amount < 0 and transfer_id = " + FIRST,
        {("transfer", "on account pgla_")},
    ),
    "age": (
        (
            "update {schema}.pgledger_accounts set created_at = '2024-02-01Z'"
            " where id = (select min(id) from {schema}.pgledger_accounts)"
        ),
        {("account", "it was created at 2024-02-01 00:00:00+00, and its first transfer at ")},
    ),
    "circle": (
        # Two transfers between the same accounts, each before the other on one of them.
        (
            "delete from {schema}.pgledger_entries; delete from {schema}.pgledger_transfers;"
            "update {schema}.pgledger_accounts set balance = 0, version = 0;"
            "insert into {schema}.pgledger_transfers"
            " select 'pglt_' || pgledger.derived_ulid(a.created_at, 1, n), a.id, b.id, 1,"
            " a.created_at, a.created_at from generate_series(1, 2) as n,"
            " (select * from {schema}.pgledger_accounts where currency = 'USD'"
            "  order by id limit 1) a,"
            " (select * from {schema}.pgledger_accounts where currency = 'USD'"
            "  order by id desc limit 1) b;"
            "insert into {schema}.pgledger_entries"
            " select 'pgle_' || pgledger.derived_ulid(created_at, 1, n), from_account_id, id, -1,"
            " 1 - n, -n, n, created_at"
            " from (select *, row_number() over (order by id) as n"
            "  from {schema}.pgledger_transfers) t"
            " union all"
            " select 'pgle_' || pgledger.derived_ulid(created_at, 2, n), to_account_id, id, 1,"
            " 2 - n, 3 - n, 3 - n, created_at"
            " from (select *, row_number() over (order by id) as n"
            "  from {schema}.pgledger_transfers) t;"
            "update {schema}.pgledger_accounts as a set version = 2, balance = e.balance"
            " from (select account_id, sum(amount) from {schema}.pgledger_entries group by 1)"
            " as e (id, balance) where a.id = e.id"
        ),
        {("transfer", "its versions would have it before and after the same transfer")},
    ),
}


@pytest.fixture
def conn(connect: Connect) -> Session:
    return connect(autocommit=True)


def counts(conn: Session) -> dict[str, int]:
    return {
        table: len(conn.execute(f"select from pgledger.{table}".encode()).fetchall())
        for table in TABLES
    }


def test_what_cannot_be_imported_is_listed_and_nothing_is(conn: Session) -> None:
    for number, (what, (spoil, expected)) in enumerate(SPOILT.items()):
        schema = f"earlier {number}"
        make_earlier(conn, schema, accounts=4, transfers=20)
        conn.execute(b"set session_replication_role = replica")
        run(conn, spoil, schema)
        conn.execute("reset session_replication_role")
        faults = import_history(conn, EarlierSchema(schema)).faults
        assert faults, what
        for kind, reason in expected:
            assert any(f.kind == kind and f.reason.startswith(reason) for f in faults), faults
        assert {f.kind for f in faults} == {kind for kind, _ in expected}, (what, faults)
        assert set(counts(conn).values()) == {0}, what
        conn.execute(f'drop schema "{schema}" cascade'.encode())


def test_ids_that_are_here_already_are_refused(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    assert not import_history(conn, EarlierSchema("earlier")).faults
    before = counts(conn)
    faults = import_history(conn, EarlierSchema("earlier"), app_id="other").faults
    assert {(f.kind, f.reason) for f in faults} == {
        ("account", "its id is taken"),
        ("transfer", "its id is taken"),
        ("entry", "its id has been imported before"),
    }
    assert len(faults) == 4 + 6 + 12
    assert counts(conn) == before


def test_amounts_have_the_decimal_places_of_their_currency(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    run(
        conn,
        "update {schema}.pgledger_transfers set amount = 1.005 where id = " + FIRST + ";"
        "update {schema}.pgledger_entries set amount = sign(amount) * 1.005"
        " where transfer_id = " + FIRST,
        "earlier",
    )
    for currency in ("EUR", "USD"):
        conn.execute("select pgledger_set_currency(%s, 2, 'books')", [currency])
    (fault,) = import_history(conn, EarlierSchema("earlier"), app_id="books").faults
    assert re.fullmatch("its amount has 3 decimal places, and (USD|EUR) has 2 here", fault.reason)


def test_nothing_is_imported_into_a_closed_period(conn: Session) -> None:
    """A transfer without event_at happened when it was recorded."""
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    ((first, last),) = conn.execute(
        "select min(event_at), max(event_at) from earlier.pgledger_transfers"
    ).fetchall()
    conn.execute("select pgledger_close_period('books', %s)", [last])
    faults = import_history(conn, EarlierSchema("earlier"), app_id="books").faults
    assert {fault.kind for fault in faults} == {"transfer"}
    assert all("and the books are closed until 2024-01-0" in f.reason for f in faults)
    ((before,),) = conn.execute(
        "select count(*) from earlier.pgledger_transfers where event_at < %s", [last]
    ).fetchall()
    assert len(faults) == before > 0
    conn.execute("select pgledger_reopen_period('books', %s, 'history')", [first])
    assert not import_history(conn, EarlierSchema("earlier"), app_id="books").faults
    assert [check for check in Ledger(conn).verify() if check.violations] == []


def test_the_same_in_psql(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=30)
    with conn.transaction():
        conn.execute("select pgledger_import_begin()")
        conn.execute(
            "insert into pgledger.import_accounts"
            " (id, name, currency, created_at, allow_negative_balance, balance, version)"
            " select id, name, currency, created_at, allow_negative_balance, balance, version"
            " from earlier.pgledger_accounts"
        )
        conn.execute(
            "insert into pgledger.import_transfers"
            " (id, from_account_id, to_account_id, amount, created_at)"
            " select id, from_account_id, to_account_id, amount, created_at"
            " from earlier.pgledger_transfers order by id"
        )
        assert conn.execute("select * from pgledger_import_faults()").fetchall() == []
        row = conn.execute("select accounts, transfers from pgledger_import_history()").fetchone()
    assert row == (4, 30)
    assert conn.execute("select * from pgledger_verify() where violations > 0").fetchall() == []


def test_numbers_of_rows_that_somebody_gave_twice_are_refused(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    # COPY does not ask whether the tables give the numbers themselves.
    with conn.transaction():
        conn.execute("select pgledger_import_begin()")
        for table, columns, rows in (
            ("accounts", "id, name, currency, created_at, allow_negative_balance", 4),
            ("transfers", "id, from_account_id, to_account_id, amount, created_at", 6),
        ):
            # All rows but the last have number 1.
            given = conn.execute(
                f"select 1 + row_number() over (order by id) / {rows}, {columns}"
                f" from earlier.pgledger_{table}".encode()
            ).fetchall()
            into = f"copy pgledger.import_{table} (number, {columns}) from stdin"
            with conn.cursor().copy(into.encode()) as copy:
                for row in given:
                    copy.write_row(row)
        faults = conn.execute("select kind, row_number, reason from pgledger_import_faults()")
        reason = "its number stands in several rows"
        assert faults.fetchall() == [
            *[("account", 1, reason)] * 3,
            *[("transfer", 1, reason)] * 5,
        ]


@pytest.mark.parametrize("role", ["poster", "auditor"])
def test_only_the_owner_may(connect: Connect, role: str, conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    conn.execute(f"create role nobody_{role} login in role pgledger_{role}".encode())
    try:
        other = connect(user=f"nobody_{role}", autocommit=True)
        with pytest.raises(MigrationError, match="may not import"):
            import_history(other, EarlierSchema("earlier"))
        for call in ("begin", "faults", "history"):
            with pytest.raises(InsufficientPrivilege):
                other.execute(f"select pgledger_import_{call}()".encode())
        other.close()
    finally:
        conn.execute(f"drop role nobody_{role}".encode())


def test_two_at_once_wait_for_each_other(
    connect: Connect, conn: Session, wait_until_blocked: WaitUntilBlocked
) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    first, second = connect(), connect(autocommit=True)
    first.execute("select pgledger_import_begin()")
    found: list[tuple[ImportFault, ...]] = []

    def import_it() -> None:
        result = import_history(second, EarlierSchema("earlier"), lock_timeout=30)
        found.append(result.faults)

    thread = threading.Thread(target=import_it)
    thread.start()
    wait_until_blocked(second.info.backend_pid)
    first.rollback()
    thread.join(30)
    assert found == [()]


def test_killed_in_the_middle_leaves_nothing(
    connect: Connect, conn: Session, ledger_dsn: str, wait_until: WaitUntil
) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=60)
    # Held here until the command waits for it, with everything written but the last.
    blocker = connect()
    blocker.execute("lock table pgledger.imported_times in access exclusive mode")
    process = subprocess.Popen(
        [sys.executable, "-m", "pgledger", "import", "--from-schema", "earlier", ledger_dsn],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    name = conn.info.dbname
    wait_until(
        "select exists (select from pg_locks where not granted"
        " and relation = 'pgledger.imported_times'::regclass)",
        dbname=name,
        timeout=60,
    )
    process.kill()
    process.wait()
    blocker.rollback()
    wait_until(
        "select not exists (select from pg_stat_activity where application_name = 'pgledger'"
        " and datname = %s)",
        [name],
    )
    assert set(counts(conn).values()) == {0}
    assert conn.execute(
        "select count(*) from aclexplode((select relacl from pg_class"
        " where oid = 'earlier.pgledger_accounts'::regclass)) where grantee = 'pgledger_owner'"
        "::regrole"
    ).fetchone() == (0,)
    assert not import_history(conn, EarlierSchema("earlier")).faults


# --- CSV ------------------------------------------------------------------------------------------

ACCOUNTS = "id,name,currency,created_at\n"
TRANSFERS = "id,from_account_id,to_account_id,amount,created_at\n"
EXPORTS = {
    "accounts": "select id, name, currency, balance, version, min_balance, max_balance,"
    " tenant_id, metadata, created_at from pgledger_accounts_v1",
    "transfers": "select id, from_account_id, to_account_id, amount, created_at, event_at,"
    " group_id, metadata from pgledger_transfers_v1",
    "entries": "select id, account_id, transfer_id, amount, account_previous_balance,"
    " account_current_balance, account_version from pgledger_entries_v1",
}


def export(conn: Session, folder: Path, kinds: tuple[str, ...]) -> CsvFiles:
    paths = {}
    for kind in kinds:
        paths[kind] = folder / f"{kind}.csv"
        with (
            paths[kind].open("wb") as file,
            conn.cursor().copy(
                f"copy ({EXPORTS[kind]}) to stdout (format csv, header)".encode()
            ) as c,
        ):
            for piece in c:
                file.write(piece)
    return CsvFiles(paths["accounts"], paths["transfers"], paths.get("entries"))


def state(conn: Session) -> list[Any]:
    return [
        conn.execute(f"select * from ({query}) as q order by id".encode()).fetchall()
        for query in (EXPORTS["accounts"], EXPORTS["transfers"])
    ]


@pytest.mark.parametrize("kinds", [("accounts", "transfers"), tuple(EXPORTS)])
def test_csv_there_and_back(
    conn: Session, module_database: NewDatabase, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    """A ledger that goes into files comes out of them as it was, with or without its entries."""
    for name in ("plain", 'with "quotes", and\na line', "ünïcode \t"):
        conn.execute(
            "select pgledger_create_account(%s, 'USD', metadata => %s, min_balance => -1e6)",
            [name, '{"a": "b,\\"c\\"\\n"}'],
        )
    ids = [row[0] for row in conn.execute("select id from pgledger_accounts_v1").fetchall()]
    for n in range(12):
        conn.execute(
            "select pgledger_create_transfer(%s, %s, %s, event_at => %s)",
            [ids[n % 3], ids[(n + 1) % 3], f"{n + 1}.{n}0", "2024-01-01Z" if n % 2 else None],
        )
    files = export(conn, tmp_path, kinds)
    other = psycopg.connect(module_database(f"back_{len(kinds)}"), autocommit=True)
    result = import_history(other, files)
    assert not result.faults
    assert result.lifted_times == 0
    assert state(other) == state(conn)
    assert other.execute("select * from pgledger_verify() where violations > 0").fetchall() == []
    other.close()


@pytest.mark.parametrize(
    ("accounts", "transfers", "says"),
    [
        ("", TRANSFERS, "has no column id"),
        ("id,name,currency\n", TRANSFERS, "has no column created_at"),
        (ACCOUNTS + "", "id,drop table\n", "column that is not known: 'drop table'"),
        ("id,id,name,currency,created_at\n", TRANSFERS, "a column twice"),
        (ACCOUNTS + "a,b\n", TRANSFERS, "line 2: missing data for column"),
        (ACCOUNTS + "a,b,c,never\n", TRANSFERS, "line 2, column created_at: invalid input"),
        (ACCOUNTS, TRANSFERS + "a,b,c,1;2,2024-01-01\n", "line 2, column amount: invalid input"),
        (ACCOUNTS + 'a,"b,c,2024-01-01\n', TRANSFERS, "unterminated CSV quoted field"),
        (ACCOUNTS + "a,\0,c,2024-01-01\n", TRANSFERS, "invalid byte sequence"),
    ],
)
def test_files_that_cannot_be_read(
    conn: Session, tmp_path: Path, accounts: str, transfers: str, says: str
) -> None:
    files = CsvFiles(tmp_path / "a.csv", tmp_path / "t.csv")
    files.accounts.write_text(accounts)
    files.transfers.write_text(transfers)
    with pytest.raises(MigrationError, match=says):
        import_history(conn, files)
    assert set(counts(conn).values()) == {0}


def test_hostile_rows_are_listed(conn: Session, tmp_path: Path) -> None:
    shop, buyer = ("pgla_0000000000000000000000000" + digit for digit in "12")
    files = CsvFiles(tmp_path / "a.csv", tmp_path / "t.csv")
    files.accounts.write_text(
        f"{ACCOUNTS}{shop},shop,USD,2024-01-01Z\n{buyer},buyer,USD,2024-01-01Z\n"
        f"{buyer},again,USD,2024-01-01Z\n,,,\n"
    )
    rows = [
        (f"pglt_0000000000000000000000000{n}", source, target, amount, at)
        for n, (source, target, amount, at) in enumerate(
            [
                (shop, shop, "1", "2024-01-02Z"),
                (shop, "'; drop table pgledger.accounts; --", "1", "2024-01-02Z"),
                (shop, "", "1", "2024-01-02Z"),
                (shop, buyer, "-1", "2024-01-02Z"),
                (shop, buyer, "Infinity", "2024-01-02Z"),
                (shop, buyer, "1e30", "2024-01-02Z"),
                (shop, buyer, "1", "-infinity"),
                (shop, buyer, "1", ""),
            ]
        )
    ]
    files.transfers.write_text(TRANSFERS + "".join(",".join(row) + "\n" for row in rows))
    faults = import_history(conn, files).faults
    listed = {(f.kind, f.row_number) for f in faults}
    assert {("account", n) for n in (2, 3, 4)} <= listed
    assert {("transfer", n) for n in range(1, 9)} <= listed
    assert set(counts(conn).values()) == {0}


def test_the_command_says_what_it_did(conn: Session, cli: Cli, ledger_dsn: str) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=40)
    failed(cli("import", ledger_dsn), "not clear what to import")
    failed(cli("import", ledger_dsn, "--from-schema", "nowhere"), "no table pgledger_accounts")
    conn.execute("update earlier.pgledger_accounts set name = E'\\e[2J ' || repeat('x', 300)")
    done = cli("import", ledger_dsn, "--from-schema", "earlier")
    failed(done, "nothing was imported: 4 rows cannot be imported")
    assert "\x1b" not in done.stdout
    assert "its name is not valid: it has 305 characters, at most 255 are allowed" in done.stdout
    conn.execute("update earlier.pgledger_accounts set name = 'x'")
    done = cli("import", ledger_dsn, "--from-schema", "earlier")
    assert done.returncode == 0, done.stderr
    assert "4 accounts, 40 transfers" in done.stdout
    assert done.stdout.endswith("Imported and verified.\n")
    assert done.stderr == ""


def test_views_in_place_of_tables_are_not_read(conn: Session) -> None:
    make_earlier(conn, "earlier", accounts=4, transfers=6)
    conn.execute("alter table earlier.pgledger_accounts rename to others")
    conn.execute("create view earlier.pgledger_accounts as select * from earlier.others")
    with pytest.raises(MigrationError, match="is not a table"):
        import_history(conn, EarlierSchema("earlier"))
