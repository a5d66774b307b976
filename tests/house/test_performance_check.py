"""The benchmark measures what it says, in the seed's words, and leaves nothing behind.

No figure is judged here: how fast a machine is, is no property of the code.
"""

import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgledger.migrate import migrate
from scripts.performance.accounts import Books, new_id_prefix
from scripts.performance.console import Progress
from scripts.performance.errors import CheckFailed
from scripts.performance.events import Past
from scripts.performance.floor import FLOOR_COMMENT
from scripts.performance.options import seconds_of
from scripts.performance.packed import ARRAY_HEAD_BYTES, packed_array, with_new_digits
from scripts.performance.plot import draw
from scripts.performance.report import percentile
from scripts.performance.slices import slice_lengths
from support.database import Connect, NewDatabase
from support.server import short_directory
from support.waiting import WaitUntil

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "performance_check.py"
RUN_SECONDS = 120

SEED_LINES = (
    r"Completed transfers: \d+",
    r"Elapsed time in seconds: \d+\.\d",
    r"Database size before: \d+ \S+",
    r"Database size after: \d+ \S+",
    r"Database size growth in bytes: -?\d+",
    r"Transfers/second: \d+\.\d",
    r"Milliseconds/transfer: \d+\.\d+",
    r"Bytes/transfer: -?\d+",
)
PERCENTILE_LINES = tuple(rf"p{share} in milliseconds: \d+\.\d+" for share in (50, 95, 99))
FLOOR_LINES = (
    r"Floor transfers/second: \d+\.\d",
    r"Floor ratio: \d+\.\d+ \(slices: \d+\.\d+ to \d+\.\d+\)",
    r"Time/transfer over the floor's: \d+\.\d+",
)
KEYS = {
    "mode",
    "driver",
    "accounts",
    "workers",
    "transfers",
    "seconds",
    "transfers_per_second",
    "ms_per_transfer",
    "bytes_per_transfer",
    "bytes_by_relation",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "server_version",
}
FLOOR_KEYS = {"floor_per_second", "floor_ratio", "floor_time_ratio", "floor_slice_ratios"}
FEW = ("--workers", "2", "--accounts", "4", "--duration", "1s")


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without a server in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **changes}


def attempt(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=ROOT,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def run(*arguments: str, **changes: str) -> list[str]:
    """Runs the script and returns the lines of its report."""
    done = attempt(*arguments, **changes)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def refused(*arguments: str, **changes: str) -> str:
    """Runs the script, which must fail, and returns why."""
    done = attempt(*arguments, **changes)
    assert done.returncode != 0, done.stdout
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def assert_matches(lines: list[str], patterns: tuple[str, ...]) -> None:
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)


def value(conn: psycopg.Connection[Any], query: str) -> Any:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def count_transfers(conn: psycopg.Connection[Any]) -> int:
    number = value(
        conn, "select count(*) from pgledger_transfers_v1 where app_id = 'performance_check'"
    )
    return int(number)


def floor_exists(conn: psycopg.Connection[Any]) -> bool:
    return bool(value(conn, "select to_regnamespace('pgledger_floor') is not null"))


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    return tmp_path / "figures.json"


@pytest.fixture
def passable() -> Iterator[Path]:
    """A directory that the account of an embedded server can pass through, with a short path."""
    with short_directory() as directory:
        yield directory
        shutil.rmtree(directory)


# The seed's report


def test_report_is_the_seeds_then_percentiles(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines = run(ledger_dsn, *FEW, "--json", str(figures))
    assert_matches(lines, (*SEED_LINES, *PERCENTILE_LINES))

    written = json.loads(figures.read_text())
    assert set(written) == KEYS
    assert (written["mode"], written["driver"]) == ("single", "psycopg")
    assert (written["accounts"], written["workers"]) == (4, 2)
    assert lines[0] == f"Completed transfers: {written['transfers']}"
    assert written["transfers"] == count_transfers(conn) > 0
    assert written["p50_ms"] <= written["p95_ms"] <= written["p99_ms"]


def test_accounts_are_recognisable_and_sum_to_zero(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    run(ledger_dsn, *FEW)
    rows = conn.execute(
        "select name, app_id, currency, balance, version from pgledger_accounts_v1 order by id"
    ).fetchall()
    assert [row[0] for row in rows] == [f"performance_check {number}" for number in range(1, 5)]
    assert {row[1:3] for row in rows} == {("performance_check", "USD")}
    assert sum(row[3] for row in rows) == 0
    assert sum(row[4] for row in rows) == 2 * count_transfers(conn)


def test_server_may_come_from_the_environment(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    run(*FEW, PGLEDGER_DSN=ledger_dsn)
    after_dsn = count_transfers(conn)
    assert after_dsn > 0
    conn.rollback()
    info = conn.info
    run(*FEW, PGHOST=info.host, PGPORT=str(info.port), PGUSER=info.user, PGDATABASE=info.dbname)
    assert count_transfers(conn) > after_dsn


def test_role_that_may_only_make_transfers_is_enough(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    user = f"teller_{conn.info.dbname}"
    conn.execute(f"create role {user} login in role pgledger_poster".encode())
    conn.commit()
    try:
        run(make_conninfo(ledger_dsn, user=user), *FEW)
        assert count_transfers(conn) > 0
    finally:
        conn.execute(f"drop role {user}".encode())
        conn.commit()


def test_surface_is_found_wherever_it_is(database: NewDatabase, connect: Connect) -> None:
    dsn = database()
    migrate(dsn, schema='our "books"')
    for arguments in (("--driver", "psycopg"), ("--driver", "pgbench"), ("--mode", "python")):
        more = ("--transfers", "5") if "python" in arguments else ()
        run(dsn, *FEW, *arguments, *more)
    books = 'select count(*) from "our ""books""".pgledger_transfers_v1'
    assert value(connect(dsn=dsn), books) > 10


def test_vacuum_is_done_when_asked(ledger_dsn: str, conn: psycopg.Connection[Any]) -> None:
    node = "select pg_relation_filenode('pgledger.transfers')"
    before = value(conn, node)
    conn.rollback()
    run(ledger_dsn, *FEW)
    assert value(conn, node) == before
    conn.rollback()
    run(ledger_dsn, *FEW, "--vacuum")
    assert value(conn, node) != before


# Drivers, batches and floors


@pytest.mark.parametrize("driver", ["psycopg", "pgbench"])
@pytest.mark.parametrize("mode", ["single", "batch", "bulk"])
def test_each_mode_is_measured_beside_its_floor(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path, mode: str, driver: str
) -> None:
    size = () if mode == "single" else ("--batch-size", "7")
    lines = run(
        ledger_dsn,
        *FEW,
        "--mode",
        mode,
        "--driver",
        driver,
        *size,
        "--floor",
        "--json",
        str(figures),
    )
    assert_matches(lines, (*SEED_LINES, *PERCENTILE_LINES, *FLOOR_LINES))

    written = json.loads(figures.read_text())
    assert set(written) == KEYS | FLOOR_KEYS | ({"batch_size"} if size else set())
    assert (written["mode"], written["driver"]) == (mode, driver)
    assert written["transfers"] == count_transfers(conn) > 0
    assert written["transfers"] % written.get("batch_size", 1) == 0
    assert written["floor_ratio"] == pytest.approx(
        written["transfers_per_second"] / written["floor_per_second"], abs=1e-5
    )
    assert not floor_exists(conn)


def test_pgbench_moves_money_between_all_accounts(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    run(ledger_dsn, *FEW, "--driver", "pgbench")
    assert value(conn, "select min(version) from pgledger_accounts_v1") > 0
    amounts = "from pgledger_transfers_v1"
    assert value(conn, f"select min(amount) > 0 and max(amount) <= 100 {amounts}")
    assert value(conn, f"select bool_or(amount <> trunc(amount)) {amounts}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--returning", "id"),
        ("--mode", "bulk", "--batch-size", "7", "--returning", "id"),
        ("--mode", "bulk", "--batch-size", "7", "--returning", "count"),
    ],
    ids=["ids", "ids of batches", "counts of batches"],
)
def test_call_may_bring_back_ids_or_counts_only(
    ledger_dsn: str, arguments: tuple[str, ...]
) -> None:
    lines = run(ledger_dsn, *FEW, *arguments)
    assert_matches(lines, (*SEED_LINES, *PERCENTILE_LINES))


def test_floor_leaves_a_strangers_schema_alone(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("create schema pgledger_floor")
    conn.execute("create table pgledger_floor.precious ()")
    conn.commit()
    assert "somebody else's" in refused(ledger_dsn, *FEW, "--floor")
    assert value(conn, "select to_regclass('pgledger_floor.precious') is not null")


def test_floor_clears_up_after_a_run_that_was_killed(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("create schema pgledger_floor")
    conn.execute(f"comment on schema pgledger_floor is '{FLOOR_COMMENT}'".encode())
    conn.execute("create table pgledger_floor.accounts ()")
    conn.commit()
    run(ledger_dsn, *FEW, "--floor")
    assert not floor_exists(conn)


# Rivals

PEER = """
create table accounts (id text primary key, name text not null, currency text not null);
create table transfers (from_id text not null, to_id text not null, amount numeric not null);

create function pgledger_create_account(name text, currency text, note jsonb default null)
returns setof accounts language sql as $$
  insert into accounts (id, name, currency) values (gen_random_uuid(), $1, $2) returning *
$$;

create function pgledger_create_transfer(
  from_id text, to_id text, amount numeric, note jsonb default null
)
returns setof transfers language sql as $$
  insert into transfers (from_id, to_id, amount) values ($1, $2, $3) returning *
$$;
"""
RIVAL_LINES = (
    r"{} transfers/second: \d+\.\d",
    r"{} ratio: \d+\.\d+ \(slices: \d+\.\d+ to \d+\.\d+\)",
    r"Time/transfer over the {}'s: \d+\.\d+",
)


@pytest.fixture
def peer_dsn(database: NewDatabase, connect: Connect) -> str:
    dsn = database()
    connection = connect(dsn=dsn)
    connection.execute(PEER.encode())
    connection.commit()
    return dsn


@pytest.mark.parametrize("driver", ["psycopg", "pgbench"])
def test_rivals_take_turns_with_the_ledger(
    ledger_dsn: str,
    peer_dsn: str,
    database: NewDatabase,
    connect: Connect,
    figures: Path,
    driver: str,
) -> None:
    baseline_dsn = database()
    migrate(baseline_dsn)
    lines = run(
        ledger_dsn,
        *(*FEW, "--driver", driver, "--floor", "--json", str(figures)),
        *("--peer", peer_dsn, "--baseline", baseline_dsn),
    )
    rivals = [
        line.format(name if "over" in line else name.capitalize())
        for name in ("floor", "peer", "baseline")
        for line in RIVAL_LINES
    ]
    assert_matches(lines, (*SEED_LINES, *PERCENTILE_LINES, *rivals))
    written = json.loads(figures.read_text())
    for name in ("floor", "peer", "baseline"):
        assert written[f"{name}_ratio"] == pytest.approx(
            written["transfers_per_second"] / written[f"{name}_per_second"], abs=1e-5
        )
    peer = connect(dsn=peer_dsn)
    assert value(peer, "select count(*) from accounts where currency = 'USD'") == 4
    # Each account, on both sides, and never on both at once.
    assert value(peer, "select count(distinct from_id) + count(distinct to_id) from transfers") == 8
    assert value(peer, "select bool_and(from_id <> to_id and amount > 0) from transfers")
    assert count_transfers(connect(dsn=baseline_dsn)) > 0


def test_accounts_of_the_peer_may_be_there_already(
    ledger_dsn: str, peer_dsn: str, connect: Connect
) -> None:
    peer = connect(dsn=peer_dsn)
    peer.execute("drop function pgledger_create_account")
    peer.execute(
        "insert into accounts (id, name, currency)"
        " select 'it''s ' || n, 'mine', 'EUR' from generate_series(1, 6) as n"
    )
    peer.commit()
    arguments = (ledger_dsn, *FEW, "--peer", peer_dsn)
    assert "say with --peer-accounts QUERY" in refused(*arguments)
    few = "select id from accounts limit 3"
    assert "4 accounts of the peer are needed, and there are 3" in refused(
        *arguments, "--peer-accounts", few
    )
    for driver in ("psycopg", "pgbench"):
        query = "select id from accounts order by id;"
        run(*arguments, "--driver", driver, "--peer-accounts", query)
        used = "select array_agg(distinct from_id order by from_id) from transfers"
        assert value(peer, used) == [f"it's {number}" for number in range(1, 5)]
        peer.execute("truncate transfers")
        peer.commit()


def test_peer_needs_the_function(ledger_dsn: str, database: NewDatabase) -> None:
    reason = refused(ledger_dsn, *FEW, "--peer", database())
    assert "no function pgledger_create_transfer(text, text, numeric)" in reason


def test_answers_take_turns(ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path) -> None:
    lines = run(
        ledger_dsn,
        *(*FEW, "--mode", "bulk", "--batch-size", "7", "--floor"),
        *("--returning", "rows,ids,count", "--json", str(figures)),
    )
    written = json.loads(figures.read_text())
    assert written["returning"] == ["row", "id", "count"]
    for name in ("id", "count"):
        assert f"Returning {name}, ratio to the first: " in "\n".join(lines)
        assert written[f"{name}_floor_ratio"] == pytest.approx(
            written[f"{name}_per_second"] / written["floor_per_second"], abs=1e-4
        )
    # Those of all three; a call counts for what it made, whatever comes back of it.
    assert count_transfers(conn) > written["transfers"]
    assert count_transfers(conn) % 7 == written["transfers"] % 7 == 0


def test_answer_that_there_is_no_function_for_is_refused(
    ledger_dsn: str, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("drop function if exists pgledger_create_transfers_bulk_count")
    conn.commit()
    reason = refused(ledger_dsn, *FEW, "--mode", "bulk", "--returning", "count")
    assert "this pgledger has no pgledger_create_transfers_bulk_count" in reason


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's clocks")
def test_processor_mode_counts_what_a_backend_takes(
    ledger_dsn: str, peer_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines = run(
        ledger_dsn,
        *("--mode", "processor", "--accounts", "4", "--transfers", "60", "--rounds", "3"),
        *("--peer", peer_dsn, "--json", str(figures)),
    )
    assert lines[0] == "Calls of each: 60"
    written = json.loads(figures.read_text())
    assert written["bare_processor_us"] > 0
    for rival in ("floor", "peer"):
        assert written[f"{rival}_processor_ratio"] == pytest.approx(
            written["ledger_processor_us"] / written[f"{rival}_processor_us"], rel=1e-3
        )
        assert len(written[f"{rival}_round_ratios"]) == 3
    # A round more, in which plans are made.
    assert count_transfers(conn) == 80
    assert not floor_exists(conn)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's clocks")
def test_calls_mode_compares_ways_to_move_money(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines = run(
        ledger_dsn,
        *("--mode", "calls", "--accounts", "4", "--transfers", "40", "--rounds", "2"),
        *("--batch-size", "20", "--json", str(figures)),
    )
    assert [line.partition(":")[0] for line in lines] == [
        f"Processor time in microseconds, {name}"
        for name in (
            *("single", "single, with a key", "hold, made and posted"),
            *("bulk", "outcomes", "savepoints"),
        )
    ]
    written = json.loads(figures.read_text())
    for name, plain in (("hold_made_and_posted", "single"), ("outcomes", "bulk")):
        assert written[f"{name}_ratio"] == pytest.approx(
            written[f"{name}_processor_us"] / written[f"{plain}_processor_us"], rel=1e-3
        )
    # A round more, in which plans are made; of 20 requests two fail.
    assert count_transfers(conn) == 3 * (3 * 20 + 20 + 18 + 18)


def test_batcher_mode_compares_callers_with_and_without_one(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines = run(
        ledger_dsn,
        *("--mode", "batcher", "--accounts", "4", "--workers", "6", "--duration", "1"),
        *("--json", str(figures)),
    )
    for way in ("Threads", "Tasks"):
        for pattern in (
            rf"{way}, batcher over single calls: \d+\.\d\d \(slices: ",
            rf"{way}, one caller's median call, batcher over single: \d+\.\d\d\d \(",
        ):
            assert any(re.match(pattern, line) for line in lines)
    written = json.loads(figures.read_text())
    for way in ("threads", "tasks"):
        assert written[f"{way}_batcher_ratio"] == pytest.approx(
            written[f"{way}_batcher_per_second"] / written[f"{way}_single_per_second"], rel=1e-3
        )
    # All have the first account on one of their sides.
    assert conn.execute(
        "select max(version) = (select count(*) from pgledger.transfers) from pgledger.accounts"
    ).fetchone() == (True,)


def test_broken_books_are_no_result(ledger_dsn: str, conn: psycopg.Connection[Any]) -> None:
    run(ledger_dsn, *FEW)
    conn.execute("set session_replication_role = replica")
    conn.execute("update pgledger.accounts set balance = balance + 1 where version > 0")
    conn.commit()
    assert "pgledger_verify found what is wrong: " in refused(ledger_dsn, *FEW)


# Pictures


def texts_of(picture: Path) -> list[str]:
    root = ElementTree.parse(picture).getroot()
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_workers_and_accounts_are_drawn_beside_one_another(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "transfers.svg"
    lines = run(
        ledger_dsn,
        *("--workers", "1,2", "--accounts", "3,4", "--duration", "1s", "--floor"),
        *("--json", str(figures), "--plot", str(picture)),
    )
    written = json.loads(figures.read_text())
    cases = [(each["workers"], each["accounts"]) for each in written["runs"]]
    assert cases == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert [line for line in lines if not line.startswith(" ")] == [
        f"{workers} workers, {accounts} accounts:" for workers, accounts in cases
    ]
    assert sum(each["transfers"] for each in written["runs"]) == count_transfers(conn)
    texts = texts_of(picture)
    assert {
        *("Transfers a second", "ledger", "floor", "2 workers, 4 accounts", "1 worker, 3 accounts"),
        *("Milliseconds a call: percentiles", "p50", "p95", "p99", "transfers_id_pk"),
    } <= set(texts)
    assert any(text.startswith("Bytes a transfer, by table and index: ") for text in texts)
    again = tmp_path / "again.svg"
    draw(written, again)
    assert again.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize(
    ("measured", "drawn"),
    [
        (
            {"ledger_processor_us": 90.0, "floor_processor_us": 40.0},
            {"Microseconds of processor time a transfer, more than a bare statement", "floor"},
        ),
        (
            {"workers": 2, "batch_size": 1000, "events_per_second": 1e5, "peer_per_second": 2.5},
            {"Events a second", "2 workers, batches of 1,000", "100,000", "2.50"},
        ),
        (
            {f"small_check_{share}_ms": 1.5 for share in ("p50", "p95", "p99")},
            {"Milliseconds a call: percentiles", "small check", "p95"},
        ),
    ],
)
def test_each_kind_of_figure_is_drawn(
    measured: dict[str, Any], drawn: set[str], tmp_path: Path
) -> None:
    picture = tmp_path / "some.svg"
    draw(measured, picture)
    assert drawn <= set(texts_of(picture))
    # Nothing that changes with the day.
    assert b"date" not in picture.read_bytes()


def test_picture_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="nothing to draw"):
        draw({"mode": "growth"}, tmp_path / "none.svg")
    monkeypatch.setattr("scripts.performance.plot.find_spec", lambda name: None)
    with pytest.raises(CheckFailed, match="pip install matplotlib"):
        draw({}, tmp_path / "none.svg")


# The other bars


def test_python_mode_compares_with_bare_psycopg(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines = run(
        ledger_dsn,
        "--mode",
        "python",
        "--transfers",
        "30",
        "--accounts",
        "5",
        "--json",
        str(figures),
    )
    assert lines[0] == "Calls of each: 30"
    assert lines[-1].startswith("Median call, ledger over psycopg: ")
    written = json.loads(figures.read_text())
    assert {"python_ratio", "python_ratio_of_sums", "ledger_p50_ms", "psycopg_p50_ms"} <= set(
        written
    )
    # One more, from which the statement was taken down.
    assert count_transfers(conn) == 61


def test_bytes_mode_counts_indexes(ledger_dsn: str, figures: Path) -> None:
    assert "add --vacuum" in refused(ledger_dsn, "--mode", "bytes", "--transfers", "50")
    lines = run(
        ledger_dsn,
        *FEW,
        "--mode",
        "bytes",
        "--transfers",
        "501",
        "--vacuum",
        "--json",
        str(figures),
    )
    # Divided among two workers, so one more.
    assert lines[0] == "Completed transfers: 502"
    assert re.fullmatch(r"Bytes/transfer: \d+\.\d", lines[-1])
    written = json.loads(figures.read_text())
    parts = written["bytes_by_relation"]
    assert {"transfers", "transfers_id_pk"} <= set(parts)
    assert written["bytes_per_transfer"] == pytest.approx(sum(parts.values()))


def test_history_mode_counts_what_is_read(ledger_dsn: str, figures: Path) -> None:
    lines = run(ledger_dsn, *FEW, "--mode", "history", "--transfers", "300", "--json", str(figures))
    assert lines[0] == "Entries of the account: 300"
    written = json.loads(figures.read_text())
    # Both of a page's sources may look one row further than the page.
    assert 20 <= written["newest_rows_read"] <= 42
    assert 1 <= written["balance_at_rows_read"] <= 300
    assert {"newest_p50_ms", "balance_at_p50_ms", "newest_buffers_read"} <= set(written)


def test_times_mode_reads_both_axes(ledger_dsn: str, figures: Path) -> None:
    lines = run(ledger_dsn, *FEW, "--mode", "times", "--transfers", "300", "--json", str(figures))
    assert lines[0] == "Entries of each account: 300"
    written = json.loads(figures.read_text())
    for part in ("none", "one", "all"):
        for read in ("balance", "statement"):
            for axis in ("recorded", "event"):
                assert written[f"{part}_{read}_{axis}_p50_ms"] > 0
        assert written[f"{part}_range_buffers_read"] > 0
    assert written["none_transfers_to_key_event_at_created_at_amount_idx"] == 0


def test_growth_mode_compares_few_with_many(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    arguments = (ledger_dsn, *FEW, "--mode", "growth", "--transfers", "5000")
    lines = run(*arguments, "--json", str(figures))
    assert lines[0].startswith("Milliseconds/transfer at 500 transfers: ")
    assert lines[1].startswith("Milliseconds/transfer at 5000 transfers: ")
    written = json.loads(figures.read_text())
    assert written["growth_ratio"] == pytest.approx(
        written["small_floor_ratio"] / written["large_floor_ratio"], rel=1e-3
    )
    assert count_transfers(conn) >= 5000
    assert not floor_exists(conn)
    assert "database without transfers" in refused(*arguments)


# Usage events and entitlements


def usage_run(dsn: str, figures: Path, *arguments: str) -> tuple[list[str], dict[str, Any]]:
    """Runs a small case of the modes for usage; returns the report and the figures."""
    lines = run(
        dsn,
        *("--workers", "2", "--tenants", "3", "--duration", "1s", "--batch-size", "20"),
        *arguments,
        *("--json", str(figures)),
    )
    written: dict[str, Any] = json.loads(figures.read_text())
    assert (written["driver"], written["workers"], written["tenants"]) == ("psycopg", 2, 3)
    return lines, written


def count_events(conn: psycopg.Connection[Any]) -> int:
    number = value(
        conn, "select count(*) from ledger_usage_events where app_id = 'performance_check'"
    )
    return int(number)


def test_usage_mode_ingests_beside_its_floor(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines, written = usage_run(ledger_dsn, figures, "--mode", "usage", "--floor", "--events", "200")
    assert_matches(
        lines[:9],
        (
            r"Completed events: \d+",
            r"Elapsed time in seconds: \d+\.\d",
            r"Events/second: \d+\.\d",
            *PERCENTILE_LINES,
            *(line.replace("transfer", "event") for line in FLOOR_LINES),
        ),
    )
    assert re.fullmatch(r"Bytes of roll-ups/event: \d+\.\d", lines[-1])
    assert written["events_present"] == count_events(conn) >= 200
    assert written["events"] % 20 == 0
    assert set(written) >= FLOOR_KEYS
    parts = written["bytes_by_relation"]
    assert written["bytes_per_event"] == pytest.approx(
        sum(size for name, size in parts.items() if name.startswith("usage_events")), rel=1e-3
    )
    assert not floor_exists(conn)


def test_usage_modes_take_turns_with_a_baseline(
    ledger_dsn: str, database: NewDatabase, connect: Connect, figures: Path
) -> None:
    baseline_dsn = database()
    migrate(baseline_dsn)
    baseline = ("--baseline", baseline_dsn)
    _, written = usage_run(ledger_dsn, figures, "--mode", "usage", "--events", "20", *baseline)
    assert written["baseline_ratio"] == pytest.approx(
        written["events_per_second"] / written["baseline_per_second"], abs=1e-5
    )
    events = count_events(connect(dsn=baseline_dsn))
    assert events > 0
    _, written = usage_run(
        ledger_dsn, figures, "--mode", "entitlement", "--events", "40", *baseline
    )
    assert count_events(connect(dsn=baseline_dsn)) == events + 40
    assert written["large_baseline_p50_ratio"] == pytest.approx(
        written["baseline_large_check_p50_ms"] / written["large_check_p50_ms"], rel=1e-2
    )
    assert written["baseline_large_check_buffers_read"] > 0


def test_usage_is_of_all_tenants_and_just_happened(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    usage_run(ledger_dsn, figures, "--mode", "usage", "--events", "20")
    found = conn.execute(
        """
        select
          count(distinct tenant_id),
          count(*) - count(distinct idempotency_key),
          min(char_length(idempotency_key)),
          max(quantity) <= 100 and min(quantity) >= 1 and bool_and(quantity = trunc(quantity)),
          min(event_at) > now() - interval '1 hour' and max(event_at) <= now()
        from ledger_usage_events
        """
    ).fetchone()
    assert found == (3, 0, 36, True, True)


def test_usage_mode_goes_on_until_the_events_asked_for_are_there(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    _, written = usage_run(
        ledger_dsn, figures, "--mode", "usage", "--batch-size", "5000", "--events", "30001"
    )
    assert written["events_present"] == count_events(conn) >= 30001
    assert written["events_present"] % 5000 == 0


def test_usage_mode_purges_old_events_only(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    _, written = usage_run(ledger_dsn, figures, "--mode", "usage", "--purge", "--events", "300")
    assert written["old_events"] == written["purged_events"] == 300
    assert {"purge_ratio", "purge_seconds", "events_per_second_while_purging"} <= set(written)
    assert count_events(conn) > 0
    assert value(conn, "select min(event_at) > now() - interval '1 hour' from ledger_usage_events")
    # Tenants of an earlier run do not take events before their purge line any more.
    resting = ("--purge", "--purge-rest", "1")
    _, rested = usage_run(ledger_dsn, figures, "--mode", "usage", *resting, "--events", "100")
    assert rested["purged_events"] == 100


def test_entitlement_mode_compares_few_with_many(
    ledger_dsn: str, conn: psycopg.Connection[Any], figures: Path
) -> None:
    lines, written = usage_run(ledger_dsn, figures, "--mode", "entitlement", "--events", "400")
    assert lines[0] == "Events, small: 40"
    assert lines[-1].startswith("p99, large over small: ")
    assert (written["small_events"], written["large_events"]) == (40, 400)
    assert count_events(conn) == 400
    for name in ("small", "large"):
        assert {f"{name}_{what}_p99_ms" for what in ("check", "cached", "round_trip")} <= set(
            written
        )
    # Totals of days and hours and a few events, not all that happened.
    assert 0 < written["large_check_buffers_read"] < 200
    assert value(conn, "select count(*) from ledger_subscriptions where status = 'active'") == 3


@pytest.mark.slow
def test_invoice_mode_invoices_each_subscription_once(
    ledger_dsn: str,
    conn: psycopg.Connection[Any],
    database: NewDatabase,
    connect: Connect,
    figures: Path,
) -> None:
    baseline_dsn = database()
    migrate(baseline_dsn)
    lines, written = usage_run(
        ledger_dsn, figures, "--mode", "invoice", "--events", "200", "--baseline", baseline_dsn
    )
    assert_matches(
        lines[:4],
        (r"Events: 200", r"Invoices at the start: 3", r"Invoices: \d+", r"Seconds: \d+\.\d"),
    )
    assert_matches(
        lines[-3:],
        (
            r"1000 lines, one-off invoice, created: \d+\.\d+ ms",
            r"1000 lines, one-off invoice, made final: \d+\.\d+ ms",
            r"1000 lines, invoice of metered features, drawn up: \d+\.\d+ ms",
        ),
    )
    assert any(line.startswith("Where the time goes") for line in lines)
    assert written["baseline_ratio"] > 0
    invoices = "select count(*) from ledger_invoices where kind = 'period' and status <> 'draft'"
    assert value(connect(dsn=baseline_dsn), invoices) == 3
    assert {"subscriptions_per_second", "many_lines_create_ms"} <= set(written)
    assert conn.execute(
        """
        select kind, count(*)
        from ledger_invoices
        where app_id = 'performance_check' and kind in ('start', 'period') and total > 0
          and subscription_id in (
            select id from ledger_subscriptions where tenant_id not like '%many'
          )
        group by kind
        order by kind
        """
    ).fetchall() == [("period", 3), ("start", 3)]


# What it refuses, and how it ends


def test_database_without_pgledger_is_refused(database: NewDatabase) -> None:
    assert "run `pgledger migrate` first" in refused(database(), *FEW)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--duration", "soon"), "is not a duration"),
        (("--duration", "0s"), "is not a duration"),
        (("--accounts", "1"), "1 is not from 2"),
        (("--workers", "0"), "0 is not from 1"),
        (("--batch-size", "100001"), "100001 is not from 1 to 100,000"),
        (("--mode", "python", "--floor"), "--floor goes with the modes single, batch, bulk, usage"),
        (
            ("--transfers", "5"),
            "--transfers goes with the modes python, bytes, history, times, growth, processor",
        ),
        (("--mode", "growth", "--transfers", "9"), "at least 10"),
        (("--events", "5"), "--events goes with the modes usage, entitlement, invoice"),
        (("--mode", "entitlement", "--events", "9"), "at least 10"),
        (("--tenants", "0"), "0 is not from 1 to 100,000"),
        (("--mode", "entitlement", "--purge"), "--purge goes with --mode usage"),
        (("--mode", "usage", "--purge", "--floor"), "not both"),
        (("--mode", "usage", "--purge", "--baseline", "dbname=old"), "not both"),
        (("--mode", "usage", "--purge-rest", "1"), "--purge-rest goes with --purge"),
        (("--mode", "bulk", "--peer", "dbname=peer"), "--peer goes with the modes single, proc"),
        (("--peer-accounts", "select 1"), "--peer-accounts goes with --peer"),
        (("--peer", "dbname=peer", "--returning", "id"), "answers come back whole"),
        (("--mode", "bytes", "--baseline", "dbname=old"), "--baseline goes with the modes single"),
        (("--returning", "count"), "--returning count goes with --mode bulk"),
        (("--mode", "bytes", "--returning", "row,id"), "several --returning go"),
        (("--returning", "all"), "'all' is not one of row, id, count"),
        (("--mode", "usage", "--workers", "1,2"), "several --workers or --accounts go"),
        (("--workers", "1,0"), "0 is not from 1"),
        (("--plot", "picture.png"), "must end in .svg"),
        (("--plot", "no/such/directory/picture.svg"), "there is no directory"),
        (("--mode", "growth", "--plot", "picture.svg"), "nothing to plot"),
        (("--mode", "usage", "--driver", "pgbench"), "which pgbench cannot"),
        (("--mode", "batcher", "--driver", "pgbench"), "which pgbench is not"),
        (("dbname=books", "--embedded", "books"), "not both"),
        (("--json", "no/such/directory/figures.json"), "there is no directory"),
    ],
)
def test_wrong_options_are_refused_at_once(arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refused(*arguments)


def test_error_of_a_worker_ends_the_run(ledger_dsn: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(
        """
        create function public.refuse() returns trigger language plpgsql
        as $$ begin raise 'no more transfers today'; end $$;
        create trigger refuse before insert on pgledger.transfers
        for each row execute function public.refuse();
        """
    )
    conn.commit()
    for driver in ("psycopg", "pgbench"):
        reason = refused(ledger_dsn, *FEW, "--floor", "--driver", driver)
        assert "no more transfers today" in reason
    assert not floor_exists(conn)


@pytest.mark.parametrize("driver", ["psycopg", "pgbench"])
def test_ctrl_c_leaves_nothing_behind(
    ledger_dsn: str,
    conn: psycopg.Connection[Any],
    wait_until: WaitUntil,
    tmp_path: Path,
    driver: str,
) -> None:
    dbname = conn.info.dbname
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), ledger_dsn, "--floor", "--driver", driver, "--workers", "3"],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As at a terminal, the signal goes to the whole group, and this one is the script's own.
        start_new_session=True,
    )
    try:
        wait_until(
            "select to_regnamespace('pgledger_floor') is not null"
            " and exists (select from pgledger.transfers)",
            dbname=dbname,
            timeout=RUN_SECONDS,
        )
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=RUN_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + signal.SIGINT
    assert output == ""
    assert errors.endswith("Stopped before the end: no figures\n")
    assert "Traceback" not in errors
    assert not floor_exists(conn)
    wait_until(
        "select not exists (select from pg_stat_activity where datname = current_database()"
        " and application_name in ('performance_check', 'pgbench'))",
        dbname=dbname,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_temporary_server_is_removed_and_a_directory_stays(passable: Path, figures: Path) -> None:
    temporary = passable / "temporary"
    temporary.mkdir(mode=0o755)
    changes = {"TMPDIR": str(temporary)}
    assert_matches(run(*FEW, **changes), (*SEED_LINES, *PERCENTILE_LINES))
    assert list(temporary.iterdir()) == []

    embedded = ("--embedded", str(passable / "books"), "--json", str(figures))
    first = run(*FEW, *embedded, **changes)
    assert_matches(first, (*SEED_LINES, *PERCENTILE_LINES))
    # Tidied up before and after, so that what grew is what the transfers take.
    assert json.loads(figures.read_text())["bytes_per_transfer"] > 0
    assert_matches(run(*FEW, *embedded, **changes), (*SEED_LINES, *PERCENTILE_LINES))
    assert not (passable / "books" / "pgdata" / "postmaster.pid").exists()


def test_help_teaches() -> None:
    text = "\n".join(run("--help"))
    for option in (
        "--accounts",
        "--workers",
        "--duration",
        "--vacuum",
        "--no-vacuum",
        "--embedded",
        "--mode",
        "--batch-size",
        "--driver",
        "--json",
        "--floor",
        "--transfers",
        "--returning",
        "--tenants",
        "--events",
        "--purge",
        "--purge-rest",
        "--peer",
        "--peer-accounts",
        "--baseline",
        "--rounds",
        "--plot",
    ):
        assert option in text
    modes = ("single", "batch", "bulk", "python", "bytes", "history", "times", "growth")
    for mode in (*modes, "processor", "batcher", "usage", "entitlement", "invoice"):
        assert re.search(rf"^  {mode}\b", text, re.MULTILINE)
    assert "Transfers are permanent" in text
    assert text.count("python performance_check.py") >= 5


# Small parts


def test_progress_is_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(4, "calls") as progress:
        progress.step(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("scripts.performance.console.LINE_SECONDS", 0.0)
    with Progress(4, "calls") as progress:
        progress.tick()
        progress.step(1)
        progress.step(3)
    assert capsys.readouterr().err == (
        "  0 of 4 calls in 0 s\n  1 of 4 calls in 0 s, about 0 s left\n"
    )


def test_progress_is_a_bar_with_its_time_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", shown)
    with Progress(4, "calls") as progress:
        progress.step(1)
    assert re.search(r"25%\|.*\| 1/4 calls \[00:00<", shown.getvalue())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("30s", 30), ("1m", 60), ("1m30s", 90), ("1m30", 90), ("2h", 7200), (" 5s ", 5)],
)
def test_durations(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


def test_slices_add_up_to_the_duration() -> None:
    for duration in range(1, 200):
        lengths = slice_lengths(duration)
        assert sum(lengths) == duration
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1


def test_percentiles_are_nearest_rank() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) == 0


def test_account_ids_are_valid_and_ascend() -> None:
    books = Books("public", new_id_prefix(), 3)
    assert books.ids == sorted(books.ids)
    for account_id in books.ids:
        assert re.fullmatch(r"pgla_[0-7][0-9A-HJKMNP-TV-Z]{25}", account_id)


def test_new_keys_are_as_long_and_as_different_as_the_ready_ones() -> None:
    ready = [b"00112233-4455-6677-8899-aabbccddeeff", b"00112233-4455-6677-8899-aabbccddeefe"]
    packed = packed_array("text", ready)
    seen: set[bytes] = set()
    for _ in range(50):
        made = with_new_digits(packed)
        assert made[:ARRAY_HEAD_BYTES] == packed[:ARRAY_HEAD_BYTES]
        keys = [made[24:60], made[64:]]
        assert all(re.fullmatch(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key) for key in keys)
        seen.update(keys)
    assert len(seen) == 100


def test_steps_of_the_past_follow_one_another() -> None:
    past = Past(10, 2, steps=4)
    parts = [past.part(number) for number in range(5)]
    for (_, end), (start, _) in itertools.pairwise(parts[:4]):
        assert start == pytest.approx(end, abs=1)
    assert [end - start for start, end in parts] == pytest.approx([7200] * 5)
    assert parts[4] == pytest.approx(parts[0], abs=1)
    assert parts[3][1] - parts[0][0] == pytest.approx(8 * 3600, abs=1)
