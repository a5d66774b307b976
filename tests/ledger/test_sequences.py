"""Sequences that lie behind their keys, as logical replication leaves them."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege, UniqueViolation

from pgledger import Ledger
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate, roles_sql
from support.database import Connect
from support.invoices import Customer, make_feature, make_plan
from support.server import NewServer
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
CHECK = "sequences are ahead of the keys in use"
SEQUENCES: LiteralString = """
    select relname
    from pg_class
    where relnamespace = 'pgledger'::regnamespace and relkind = 'S'
      -- Rows that are to be imported are gone before anybody could replicate them.
      and relname !~ '^import_'
    order by relname
"""


def fill(conn: Session) -> None:
    """Writes rows into every table whose keys come from a sequence."""
    ledger = Ledger(conn)
    shop, buyer = (ledger.create_account(name, "USD").id for name in ("shop", "buyer"))
    ledger.create_transfer(buyer, shop, 10)
    make_feature(conn, "api", type="metered")
    features = [{"key": "api", "limit": 100}]
    prices = [{"feature": "api", "model": "per_unit", "unit_amount": "2"}]
    customer = Customer(conn)
    customer.tenant.create(make_plan(conn, "pro", amount="10", features=features, prices=prices))
    for n in range(3):
        customer.use("api", n + 1)
    conn.execute("select ledger_create_coupon('shop', 'TEN', percentage => 10)")
    customer.redeem("TEN")
    customer.advance()
    (invoice, *_) = (row["id"] for row in customer.invoices("pending"))
    customer.tenant.one("ledger_record_payment", invoice_id=invoice, amount=1)
    conn.commit()


def put_back(conn: Session, sequence: str) -> None:
    conn.execute("select setval(('pgledger.' || %s)::regclass, 1, false)", [sequence])


def problem(conn: Session) -> tuple[int, str | None]:
    """Returns how many sequences the proof finds behind, and its example."""
    row = conn.execute(
        "select violations, example from pgledger_verify() where check_name = %s", [CHECK]
    ).fetchone()
    assert row is not None
    return row


def raised(conn: Session) -> int:
    row = conn.execute("select pgledger_raise_sequences()").fetchone()
    assert row is not None
    return int(row[0])


def next_keys(conn: Session) -> dict[str, int]:
    rows = conn.execute("select name, next_key from pgledger.key_sequences()").fetchall()
    return dict(rows)


def test_every_sequence_is_looked_at(conn):
    names = [name for (name,) in conn.execute(SEQUENCES)]
    assert names
    assert sorted(next_keys(conn)) == names
    assert problem(conn) == (0, None)
    assert raised(conn) == 0


def test_each_sequence_that_lies_behind_is_found_and_raised(conn):
    fill(conn)
    healthy = next_keys(conn)
    assert all(key > 1 for key in healthy.values()), healthy
    for sequence, key in healthy.items():
        put_back(conn, sequence)
        count, example = problem(conn)
        assert count == 1
        assert example is not None
        assert example.startswith(f"{sequence} would give 1, and {key - 1} is in use")
        assert raised(conn) == 1
        assert problem(conn) == (0, None)
        assert next_keys(conn) == healthy


def test_the_last_key_in_use_is_not_given_again(conn):
    fill(conn)
    healthy = next_keys(conn)["accounts_key_seq"]
    conn.execute("select setval('pgledger.accounts_key_seq', %s, false)", [healthy - 1])
    assert problem(conn)[0] == 1
    conn.execute("select setval('pgledger.accounts_key_seq', %s, true)", [healthy - 1])
    assert problem(conn)[0] == 0


def test_all_of_them_at_once_and_then_everything_can_be_written(conn):
    fill(conn)
    healthy = next_keys(conn)
    for sequence in healthy:
        put_back(conn, sequence)
    conn.commit()
    with pytest.raises(UniqueViolation):
        Ledger(conn).create_account("one more", "USD")
    conn.rollback()
    assert problem(conn)[0] == len(healthy)
    assert raised(conn) == len(healthy)
    assert raised(conn) == 0
    assert next_keys(conn) == healthy
    Ledger(conn).create_account("one more", "USD")
    assert next_keys(conn)["accounts_key_seq"] == healthy["accounts_key_seq"] + 1


def test_a_sequence_that_is_ahead_stays(conn):
    fill(conn)
    conn.execute("select setval('pgledger.plans_key_seq', 1000)")
    put_back(conn, "accounts_key_seq")
    assert raised(conn) == 1
    assert next_keys(conn)["plans_key_seq"] == 1001


def test_who_writes_meanwhile_is_waited_for_only_where_something_lies_behind(
    conn: Session, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    fill(conn)
    writer, admin = connect(), connect()
    Ledger(writer).create_account("not committed", "USD")
    assert raised(admin) == 0
    put_back(conn, "plans_key_seq")
    conn.commit()
    expected = next_keys(conn)["accounts_key_seq"] + 1
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(raised, admin)
        wait_until_blocked(admin.info.backend_pid, by=writer.info.backend_pid)
        Ledger(writer).create_account("nor this", "USD")
        writer.commit()
        assert waiting.result(30) == 1
    admin.commit()
    assert next_keys(conn)["accounts_key_seq"] == expected
    assert problem(conn) == (0, None)


def test_only_the_owner_may_call_it(conn):
    conn.execute("grant pgledger_poster, pgledger_auditor to current_user")
    for role in ("pgledger_poster", "pgledger_auditor"):
        conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        with pytest.raises(InsufficientPrivilege), conn.transaction():
            conn.execute("select pgledger_raise_sequences()")
    conn.execute("set local role pgledger_owner")
    assert raised(conn) == 0


# The real thing: two servers, the second of which is filled by logical replication.


def run(program: Path, *arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [program, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def counts(conn: Session) -> dict[str, int]:
    """Returns the number of rows of each table."""
    tables = [
        name
        for (name,) in conn.execute(
            "select relname from pg_class"
            " where relnamespace = 'pgledger'::regnamespace and relkind = 'r'"
        )
    ]
    found = {}
    for table in tables:
        row = conn.execute(
            sql.SQL("select count(*) from pgledger.{}").format(sql.Identifier(table))
        ).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def wait_until_equal(before: Session, after: Session) -> None:
    deadline = time.monotonic() + 60
    while counts(before) != counts(after):
        assert time.monotonic() < deadline, (counts(before), counts(after))
        time.sleep(0.05)


def documented(beginning: str) -> bytes:
    """Returns a statement of the page on operations."""
    (line,) = [
        line.strip() for line in OPERATIONS.splitlines() if line.startswith(f"    {beginning}")
    ]
    return line.encode()


def copy_schema(server_bin: Path, old: EmbeddedServer, new: EmbeddedServer) -> None:
    psql = server_bin / "psql"
    run(psql, "-Xqd", new.dsn(), "-v", "ON_ERROR_STOP=1", stdin=roles_sql())
    run(
        psql,
        *("-Xqd", new.dsn(), "-v", "ON_ERROR_STOP=1"),
        stdin=run(server_bin / "pg_dump", "--schema-only", "--no-publications", old.dsn()),
    )


def test_a_logical_switch_over(new_server: NewServer, server_bin: Path) -> None:
    old, new = (new_server(settings={"wal_level": "logical"}) for _ in range(2))
    migrate(old.dsn())
    copy_schema(server_bin, old, new)
    with (
        psycopg.connect(old.dsn(), autocommit=True) as before,
        psycopg.connect(new.dsn(), autocommit=True) as after,
    ):
        fill(before)
        before.execute(documented("create publication"))
        address = {
            name: value
            for name, value in conninfo_to_dict(old.dsn()).items()
            if name in {"host", "port", "user", "dbname"}
        }
        source = " ".join(f"{name}={value}" for name, value in address.items())
        after.execute(
            documented("create subscription").replace(b"host=old dbname=shop", source.encode())
        )
        # One part was there when it began, another comes while it runs.
        fill_more(before)
        wait_until_equal(before, after)
        after.execute(documented("drop subscription"))
        old.stop()

        behind, example = problem(after)
        assert behind == len(next_keys(after))
        assert example is not None
        assert "pgledger_raise_sequences()" in example
        with pytest.raises(UniqueViolation):
            Ledger(after).create_account("after", "USD")
        assert raised(after) == behind
        assert (
            after.execute("select * from pgledger_verify() where violations > 0").fetchall() == []
        )
        fill_more(after)
        assert (
            after.execute("select * from pgledger_verify() where violations > 0").fetchall() == []
        )
        assert not migrate(new.dsn()).applied


def fill_more(conn: Session) -> None:
    ledger = Ledger(conn)
    shop = ledger.create_account("another shop", "USD").id
    buyer = ledger.create_account("another buyer", "USD").id
    ledger.create_transfers([(buyer, shop, 3), (shop, buyer, 1)])
    Customer(conn).use("api", 7)
    conn.execute("select ledger_purge_usage('shop', now() - interval '400 days')")
