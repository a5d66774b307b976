"""Hot queries read what they need and no more, however long the history is.

Rows and pages are counted, and plans looked at; nothing is timed. A page is 8 KiB.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from pgledger import Ledger
from pgledger.embedded import EmbeddedServer

TRANSFERS = 200_000
# The hot account takes part in every second of them.
HOT_ENTRIES = TRANSFERS // 2
OTHERS = 500

DATABASE = "ledger_of_plans"


@dataclass(frozen=True)
class Busy:
    """A large, analyzed database; tests only read it, or roll back."""

    conn: psycopg.Connection[Any]
    hot: str
    other: str
    transfer: str


FILL = """
    with party as materialized (
      select array_agg(id order by id) as ids
      from pgledger_accounts_v1
      where name like 'other %%'
    ),
    request as (
      select
        party.ids[1 + n %% %(others)s] as other,
        party.ids[1 + (n * 7 + 1) %% %(others)s] as another,
        n
      from party
      cross join generate_series(1, %(count)s) as n
    )
    select count(*)
    from (
      select
        array_agg(case n %% 4 when 0 then %(hot)s else other end order by n) as sources,
        array_agg(
          case when n %% 4 = 2 then %(hot)s when other = another then %(hot)s else another end
          order by n
        ) as targets,
        array_agg((1 + n %% 100)::numeric / 100 order by n) as amounts
      from request
    ) as given
    cross join lateral pgledger_create_transfers_bulk(sources, targets, amounts)
"""


# Not the module's: a test process may leave this file for another, and come back.
@pytest.fixture(scope="session")
def busy_dsn(server: EmbeddedServer, ledger_template: NoopExecutor) -> Iterator[str]:
    name = sql.Identifier(DATABASE)
    template = sql.Identifier(str(ledger_template.template_dbname))
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template {}").format(name, template))
        try:
            fill(server.dsn(DATABASE))
            yield server.dsn(DATABASE)
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(name))


def fill(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        # Whoever is counting reads plans and catalogs anew after a table was vacuumed beside it.
        for table in ("accounts", "transfers"):
            conn.execute(f"alter table pgledger.{table} set (autovacuum_enabled = off)".encode())
        conn.execute(
            "select count(pgledger_create_account('other ' || n, 'USD'))"
            " from generate_series(1, %s) as n",
            [OTHERS],
        )
        hot = scalar(conn, "select id from pgledger_create_account('hot', 'USD')")
        for _ in range(2):
            made = scalar(conn, FILL, {"hot": hot, "others": OTHERS, "count": TRANSFERS // 2})
            assert made == TRANSFERS // 2
        conn.execute(
            "select pgledger_create_transfers_bulk("
            "array_fill(%s::text, array[100]), array_agg(id), array_fill(1::numeric, array[100]),"
            " event_ats => array_agg(timestamptz '2025-06-15' + n * interval '1 minute'),"
            " group_id => 'order-7')"
            " from (select id, row_number() over (order by id) as n from pgledger_accounts_v1"
            " where name like 'other %%' limit 100) as given",
            [hot],
        )
        conn.execute("vacuum analyze pgledger.accounts")
        conn.execute("vacuum analyze pgledger.transfers")


def scalar(conn: psycopg.Connection[Any], statement: str, parameters: Any = None) -> Any:
    row = conn.execute(statement.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def busy(busy_dsn: str) -> Iterator[Busy]:
    with psycopg.connect(busy_dsn) as conn:
        yield Busy(
            conn,
            hot=scalar(conn, "select id from pgledger_accounts_v1 where name = 'hot'"),
            other=scalar(conn, "select id from pgledger_accounts_v1 where name = 'other 7'"),
            transfer=scalar(conn, "select id from pgledger.transfers offset 100000 limit 1"),
        )
        conn.rollback()


@dataclass(frozen=True)
class Reads:
    """What a statement read: pages, and rows of each table by index and by reading all of it."""

    pages: int
    by_index: Mapping[str, int]
    by_scan: Mapping[str, int]
    rows: Sequence[tuple[Any, ...]]


COUNTERS = """
    select relname, coalesce(idx_tup_fetch, 0), seq_tup_read
    from pg_stat_xact_all_tables
    where schemaname = 'pgledger'
"""


def pages_of(plan: Mapping[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def explain(
    conn: psycopg.Connection[Any], statement: str, parameters: Any, options: str
) -> dict[str, Any]:
    answer = scalar(conn, f"explain ({options}, format json) {statement}", parameters)
    (explained,) = json.loads(answer) if isinstance(answer, str) else answer
    return dict(explained["Plan"])


def reads(conn: psycopg.Connection[Any], statement: str, parameters: Any) -> Reads:
    # The first call of a session also reads the catalogs and compiles the body. A session that
    # missed too many messages of other databases does so again: the least of a few calls counts.
    rows = conn.execute(statement.encode(), parameters).fetchall()
    calls = [counted(conn, statement, parameters, rows) for _ in range(3)]
    return min(calls, key=lambda call: (sum(call.by_index.values()), call.pages))


def counted(
    conn: psycopg.Connection[Any],
    statement: str,
    parameters: Any,
    rows: Sequence[tuple[Any, ...]],
) -> Reads:
    before = {name: counts for name, *counts in conn.execute(COUNTERS.encode()).fetchall()}
    plan = explain(conn, statement, parameters, "analyze, buffers, timing off")
    after = {name: counts for name, *counts in conn.execute(COUNTERS.encode()).fetchall()}
    return Reads(
        pages_of(plan),
        {name: after[name][0] - before[name][0] for name in after},
        {name: after[name][1] - before[name][1] for name in after},
        rows,
    )


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def indexes(plan: Mapping[str, Any]) -> set[str]:
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


def scanned(plan: Mapping[str, Any]) -> set[str]:
    """Returns the tables that a plan reads from end to end."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}


def test_data_is_large(busy):
    assert scalar(busy.conn, "select count(*) from pgledger.transfers") >= TRANSFERS
    assert (
        scalar(busy.conn, "select version from pgledger_accounts_v1 where id = %s", [busy.hot])
        >= HOT_ENTRIES
    )
    assert scalar(busy.conn, "select pg_relation_size('pgledger.transfers') / 8192") > 2000


# Functions


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("place", ["first page", "middle", "last page"])
def test_a_page_of_20_entries_reads_20_rows(busy, newest_first, place):
    last = scalar(busy.conn, "select version from pgledger_accounts_v1 where id = %s", [busy.hot])
    after_version = {"first page": None, "middle": last // 2, "last page": 21}[place]
    if place == "last page" and not newest_first:
        after_version = last - 20
    page = reads(
        busy.conn,
        "select * from pgledger_account_entries(%s, 20, %s, %s)",
        [busy.hot, newest_first, after_version],
    )
    assert len(page.rows) == 20
    assert page.by_index["transfers"] == 20
    assert not any(page.by_scan.values())
    assert page.by_index["accounts"] <= 4
    assert page.pages < 150


def test_a_page_stays_cheap_on_a_generic_plan(busy):
    """A session that has called it often gets a plan that does not know its arguments."""
    busy.conn.execute("set plan_cache_mode = force_generic_plan")
    page = reads(
        busy.conn, "select * from pgledger_account_entries(%s, page_size => 20)", [busy.hot]
    )
    assert len(page.rows) == 20
    assert page.by_index["transfers"] == 20
    assert page.by_scan["transfers"] == 0
    assert page.pages < 150


@pytest.mark.parametrize("part", [0, 0.001, 0.25, 0.5, 0.999, 1])
def test_balance_at_any_time_reads_a_few_pages(busy, part):
    at = scalar(
        busy.conn,
        "select min(created_at) + (max(created_at) - min(created_at)) * %s::double precision"
        " from pgledger.transfers",
        [part],
    )
    found = reads(busy.conn, "select pgledger_balance_at(%s, %s)", [busy.hot, at])
    assert found.by_scan["transfers"] == 0
    # At most three looks more than halving 100,000 versions takes, the first entry, the balance.
    assert found.by_index["transfers"] <= 22
    assert found.pages < 400
    balance = scalar(
        busy.conn,
        "select coalesce(sum(amount), 0) from pgledger_entries_v1"
        " where account_id = %s and created_at <= %s",
        [busy.hot, at],
    )
    assert found.rows == [(balance,)]


def span_of(busy: Busy, entries: int) -> tuple[Any, Any]:
    """Returns a span of time in the middle, with so many entries of the hot account."""
    middle = HOT_ENTRIES // 2
    (first,), (last,) = busy.conn.execute(
        "select created_at from pgledger_entries_v1"
        " where account_id = %s and account_version in (%s, %s) order by 1",
        [busy.hot, middle, middle + entries],
    ).fetchall()
    return first, last


def test_balance_by_event_reads_what_was_given_besides(busy):
    for at in (span_of(busy, 1)[0], "2025-06-15 00:30Z", "2000-01-01Z", "infinity"):
        found = reads(busy.conn, "select pgledger_balance_at(%s, %s, 'event')", [busy.hot, at])
        assert found.by_scan["transfers"] == 0
        # A hundred entries of the account gave an event_at, and may be on the other side of a time.
        assert found.by_index["transfers"] <= 22 + 100
        assert found.pages < 500
        balance = scalar(
            busy.conn,
            "select coalesce(sum(amount), 0) from pgledger_entries_v1"
            " where account_id = %s and event_at <= %s",
            [busy.hot, at],
        )
        assert found.rows == [(balance,)]


def test_balances_of_many_accounts_read_those(busy):
    ids = busy.conn.execute("select array_agg(id) from pgledger_accounts_v1").fetchone()
    at = span_of(busy, 1)[0]
    found = reads(busy.conn, "select * from pgledger_balances_at(%s, %s)", [ids[0], at])
    assert sum(row[2] for row in found.rows) == 0
    assert not any(found.by_scan.values())
    assert found.by_index["transfers"] <= 22 * (OTHERS + 1)
    # Once to see that it is there.
    assert found.by_index["accounts"] <= 2 * (OTHERS + 1)


@pytest.mark.parametrize("axis", ["recorded", "event"])
def test_a_statement_reads_its_own_entries(busy, axis):
    span = span_of(busy, 1000)
    found = reads(
        busy.conn, "select * from pgledger_statement(%s, %s, %s, %s)", [busy.hot, *span, axis]
    )
    assert len(found.rows) == 1002
    assert not any(found.by_scan.values())
    # Besides them the two ends, and for the axis event what was given.
    assert 1000 <= found.by_index["transfers"] <= 1000 + 2 * 22 + (400 if axis == "event" else 0)
    assert found.by_index["accounts"] <= 1001


def test_a_trial_balance_looks_for_what_has_moved_since(busy):
    found = reads(busy.conn, "select * from pgledger_trial_balance('infinity')", [])
    assert len(found.rows) == OTHERS + 1
    assert found.by_scan["accounts"] == 0
    assert (found.by_index["transfers"], found.by_scan["transfers"]) == (0, 0)


def test_movements_of_a_span_read_the_pages_that_may_hold_it(busy):
    found = reads(
        busy.conn,
        "select * from pgledger_movements('2025-06-15Z', '2025-07-01Z', axis => 'event')",
        [],
    )
    # Both sides of a hundred transfers between the hot account and others, within a day.
    assert len(found.rows) == 200
    assert found.by_scan["transfers"] == 0
    # It is planned anew, which reads catalogs; all pages of the table are more than 3,000.
    assert found.pages < 1500


def test_indexes_of_given_event_times_are_empty_where_none_is_given(conn):
    ledger = Ledger(conn)
    one, other = (ledger.create_account(name, "USD").id for name in ("one", "other"))
    size = (
        "select sum(pg_relation_size(indexrelid)) from pg_index"
        " where indrelid = 'pgledger.transfers'::regclass"
        " and indexrelid::regclass::text like '%created_at_amount_idx'"
    )
    empty = scalar(conn, size)
    ledger.create_transfers_count([(one, other, 1)] * 5000)
    assert scalar(conn, size) == empty
    ledger.create_transfer(one, other, 1, event_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert scalar(conn, size) > empty


@pytest.mark.parametrize(
    ("call", "transfers"),
    [
        ("pgledger_get_account(%(hot)s)", 0),
        ("pgledger_get_transfer(%(transfer)s)", 1),
    ],
)
def test_getting_one_reads_one(busy, call, transfers):
    ids = {"hot": busy.hot, "transfer": busy.transfer}
    # A session plans it for its arguments at first, and planning reads catalogs.
    for _ in range(6):
        busy.conn.execute(f"select * from {call}".encode(), ids)
    found = reads(busy.conn, f"select * from {call}", ids)
    assert found.by_scan["transfers"] == 0
    # Planning may look at both ends of an index as well: that depends on the statistics.
    assert found.by_index["transfers"] in (transfers, transfers + 2)
    assert found.by_scan["accounts"] == 0
    assert found.pages < 40


def test_getting_a_transfer_is_planned_once(busy):
    statement = "select id from pgledger_get_transfer(%s)"
    for _ in range(10):
        busy.conn.execute(statement, [busy.transfer])
    planned: list[str | None] = []
    busy.conn.add_notice_handler(lambda notice: planned.append(notice.message_primary))
    # The server then tells of each plan that it makes.
    busy.conn.execute("set client_min_messages = log")
    busy.conn.execute("set debug_print_plan = on")
    busy.conn.execute(statement, [busy.transfer], prepare=False)
    busy.conn.execute("set debug_print_plan = off")
    assert planned.count("plan:") == 1


def test_one_transfer_reads_its_two_accounts(busy):
    made = reads(
        busy.conn,
        "select * from pgledger_create_transfer(%s, %s, 1)",
        [busy.hot, busy.other],
    )
    assert made.by_scan["accounts"] == 0
    assert made.by_scan["transfers"] == 0
    assert made.by_index["transfers"] == 0
    assert made.pages < 150


def test_an_id_is_looked_up_before_the_locks_and_under_them(busy):
    taken = scalar(busy.conn, "select pgledger_generate_id('pglt')")
    made = reads(
        busy.conn,
        "select * from pgledger_create_transfer(%s, %s, 1, id => %s)",
        [busy.hot, busy.other, taken],
    )
    assert made.by_scan["accounts"] == made.by_scan["transfers"] == 0
    assert made.by_index["transfers"] == 2
    assert made.pages < 150


@pytest.mark.parametrize("with_ids", [False, True])
def test_a_batch_does_not_read_the_history(busy, with_ids):
    made = reads(
        busy.conn,
        "select * from pgledger_create_transfers_bulk("
        "array_fill(%s::text, array[100]), array_fill(%s::text, array[100]),"
        " array_fill(1::numeric, array[100]),"
        " ids => case when %s then (select array_agg(pgledger_generate_id('pglt'))"
        " from generate_series(1, 100)) end)",
        [busy.hot, busy.other, with_ids],
    )
    assert len(made.rows) == 100
    assert made.by_scan["transfers"] == 0
    assert made.pages < 6000


def test_batches_are_not_compiled(conn):
    """What a batch costs is guessed from unnest()'s default of rows, which is far too high.

    Where the server can compile (jit is on by default), every call would be: for a second or more,
    in place of a few milliseconds.
    """
    replanned = conn.execute(
        """
        select proname, proconfig
        from pg_proc
        where pronamespace = 'pgledger'::regnamespace
          and 'plan_cache_mode=force_custom_plan' = any(proconfig)
        """
    ).fetchall()
    assert replanned
    assert [name for name, options in replanned if "jit=off" not in options] == []


# Views

SAME_TENANT = "app_id = '' and tenant_id = ''"
IN_JUNE = "event_at >= '2025-06-15' and event_at < '2025-07-01'"
BY_ACCOUNT = {"transfers_from_key_from_version_key", "transfers_to_key_to_version_key"}


@pytest.mark.parametrize("view", ["pgledger_entries_v1", "pgledger_entries_view"])
def test_entries_of_an_account_go_through_its_two_indexes(busy, view):
    statement = f"select * from {view} where account_id = %s"
    plan = explain(busy.conn, statement, [busy.other], "analyze, buffers, timing off")
    assert "transfers" not in scanned(plan)
    assert indexes(plan) >= {*BY_ACCOUNT, "accounts_id_key"}
    entries = scalar(
        busy.conn, "select version from pgledger_accounts_v1 where id = %s", [busy.other]
    )
    assert plan["Actual Rows"] == entries
    # Nothing is read of the other accounts' history.
    assert pages_of(plan) < 60 + 4 * entries


def test_one_version_of_an_account_is_one_row(busy):
    found = reads(
        busy.conn,
        "select * from pgledger_entries_v1 where account_id = %s and account_version = %s",
        [busy.hot, HOT_ENTRIES // 2],
    )
    assert len(found.rows) == 1
    assert found.by_scan["transfers"] == 0
    # Each of the two legs may be looked for by either of two indexes.
    assert found.by_index["transfers"] <= 4


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("select * from pgledger_transfers_v1 where id = %(transfer)s", "transfers_id_pk"),
        ("select * from pgledger_entries_v1 where transfer_id = %(transfer)s", "transfers_id_pk"),
        ("select * from pgledger_accounts_v1 where id = %(other)s", "accounts_id_key"),
        (
            f"select * from pgledger_accounts_v1 where {SAME_TENANT} and name = 'other 7'",
            "accounts_app_id_tenant_id_name_idx",
        ),
        (
            "select * from pgledger_transfers_v1 where app_id = '' and group_id = 'order-7'",
            "transfers_app_id_group_id_idx",
        ),
    ],
)
def test_looking_something_up_uses_its_index(busy, statement, index):
    ids = {"transfer": busy.transfer, "other": busy.other}
    plan = explain(busy.conn, statement, ids, "analyze, buffers, timing off")
    assert index in indexes(plan)
    assert "transfers" not in scanned(plan)
    assert plan["Actual Rows"] > 0


BY_TIME = "transfers_event_at_created_at_idx"


def tables(plan: Mapping[str, Any]) -> set[str]:
    return {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node}


@pytest.mark.parametrize("kind", ["transfers", "entries"])
@pytest.mark.parametrize("columns", ["*", "count(*)"])
def test_a_range_of_event_times_reads_the_pages_that_may_hold_it(busy, kind, columns):
    # Each worker of a parallel plan reads the accounts for itself.
    busy.conn.execute("set local max_parallel_workers_per_gather = 0")
    statement = f"select {columns} from pgledger_{kind}_view where {IN_JUNE}"
    plan = explain(busy.conn, statement, None, "analyze, buffers, timing off")
    assert BY_TIME in indexes(plan)
    assert "transfers" not in scanned(plan)
    # Accounts are read only where something of theirs is asked for.
    assert tables(plan) == ({"transfers"} if columns == "count(*)" else {"transfers", "accounts"})
    # For each leg the last ranges, one of which is not summarized yet; all of them are thousands.
    assert pages_of(plan) < 600
    rows = busy.conn.execute(statement.encode()).fetchall()
    legs = 1 if kind == "transfers" else 2
    assert (rows == [(100 * legs,)]) if columns == "count(*)" else len(rows) == 100 * legs


def test_a_range_of_recorded_times_reads_the_pages_that_may_hold_it(busy):
    at = scalar(busy.conn, "select max(created_at) + interval '1 second' from pgledger.transfers")
    statement = "select count(*) from pgledger_transfers_view where created_at >= %s"
    plan = explain(busy.conn, statement, [at], "analyze, buffers, timing off")
    assert indexes(plan) == {BY_TIME}
    assert tables(plan) == {"transfers"}
    assert pages_of(plan) < 100


LIST = "select id from pgledger_list_transfers(page_size => 100, {})"
OF_ALL = "after_id => %(transfer)s"
# A page has 100 rows, each looked up by its id with two accounts: some 1200 pages, most of them
# the same. All transfers are thousands.
LISTS = {
    "all": "metadata => null",
    "all, from the middle": OF_ALL,
    "all, one group": "group_id => 'order-7'",
    "all, by event": "event_from => '2025-06-15', event_until => '2025-06-16'",
    "all, until a time": (
        "recorded_until => (select created_at from pgledger.transfers where id = %(transfer)s)"
    ),
    "an account": "account_id => %(hot)s",
    "an account, from the middle": f"account_id => %(hot)s, {OF_ALL}",
    "an account, from a time on": (
        "account_id => %(hot)s, recorded_from =>"
        " (select created_at from pgledger.transfers where id = %(transfer)s)"
    ),
}


@pytest.mark.parametrize("given", LISTS.values(), ids=LISTS)
def test_a_page_of_a_list_reads_a_page(busy, given):
    parameters = {"hot": busy.hot, "transfer": busy.transfer}
    seen = reads(busy.conn, LIST.format(given), parameters)
    assert len(seen.rows) == 100
    assert sum(seen.by_scan.values()) == 0
    assert seen.pages < 3000
    # Ranges of pages hold more rows than were asked for.
    assert seen.by_index["transfers"] < 5000


def test_ranges_of_times_cost_less_than_half_a_byte_a_transfer(busy):
    size = scalar(busy.conn, f"select pg_relation_size('pgledger.{BY_TIME}'::regclass)")
    assert size < TRANSFERS / 2


def test_new_ranges_of_times_are_summarized_by_vacuum(conn):
    """Ranges that asked for it by themselves would fill the server's log while many are made."""
    options = dict(
        conn.execute(
            "select relname, array_to_string(reloptions, ' ') from pg_class"
            " where oid in ('pgledger.transfers'::regclass, %s::regclass)",
            [f"pgledger.{BY_TIME}"],
        ).fetchall()
    )
    assert "autosummarize=false" in options[BY_TIME]
    assert options["transfers"] == (
        "autovacuum_vacuum_insert_threshold=20000 autovacuum_vacuum_insert_scale_factor=0"
    )


@pytest.mark.parametrize(
    ("columns", "read"),
    [
        ("sum(amount)", set()),
        ("max(event_at), count(metadata), max(group_id), max(app_id)", set()),
        ("max(from_account_name)", {"source"}),
        ("max(to_account_id)", {"target"}),
        ("max(currency)", {"source"}),
        ("max(from_tenant_id || to_tenant_id)", {"source", "target"}),
    ],
)
def test_accounts_that_a_query_does_not_ask_for_are_not_read(busy, columns, read):
    plan = explain(busy.conn, f"select {columns} from pgledger_transfers_view", None, "costs off")
    accounts = {node["Alias"] for node in nodes(plan) if node.get("Relation Name") == "accounts"}
    assert accounts == read


def test_views_show_each_leg_once_whatever_is_asked(busy):
    shown = busy.conn.execute(
        "select (select count(*) from pgledger_transfers_view),"
        " (select count(from_account_id || to_account_id) from pgledger_transfers_view),"
        " (select count(*) from pgledger_entries_view),"
        " (select count(account_id || app_id) from pgledger_entries_view)"
    ).fetchone()
    made = TRANSFERS + 100
    assert shown == (made, made, 2 * made, 2 * made)


def test_partial_indexes_hold_only_what_was_given(busy):
    size = scalar(
        busy.conn, "select pg_relation_size('pgledger.transfers_app_id_group_id_idx'::regclass)"
    )
    assert size < TRANSFERS


def test_locks_are_taken_by_index_whatever_the_statistics_say(busy):
    """A table that was empty when it was analyzed looks as if reading all of it were cheap."""
    busy.conn.execute("set local plan_cache_mode = force_generic_plan")
    made = reads(
        busy.conn, "select * from pgledger_create_transfer(%s, %s, 1)", [busy.hot, busy.other]
    )
    assert made.by_scan["accounts"] == 0


# Updates of accounts


@pytest.mark.parametrize("options", ["", ", id => pgledger_generate_id('pglt')"])
def test_a_transfer_finds_its_accounts_by_id_where_nothing_is_known_of_them(conn, options):
    """A young table looks so small that reading a whole app seems to cost no more."""
    made = conn.execute(
        "select (pgledger_create_account('a' || number, 'USD')).id"
        " from generate_series(1, 300) as number"
    ).fetchall()
    call = sql.SQL("select pgledger_create_transfer(%s, %s, 1{})").format(sql.SQL(options))
    fetched = "select pg_stat_get_xact_tuples_fetched('pgledger.accounts'::regclass)"
    for number in range(12):
        (before,) = conn.execute(fetched).fetchone()
        conn.execute(call, [made[number][0], made[-number - 1][0]])
        (after,) = conn.execute(fetched).fetchone()
        # Once to lock and once to write, where the caller chose the id.
        assert after - before <= 4


def test_updates_of_accounts_are_heap_only(server, connect):
    """No index has to be told of a new balance."""
    conn = connect(autocommit=True)
    conn.execute(
        "select count(pgledger_create_account('a ' || n, 'USD')) from generate_series(1, 50) as n"
    )
    ids = [row[0] for row in conn.execute("select id from pgledger_accounts_v1").fetchall()]
    for n in range(500):
        conn.execute("select pgledger_create_transfer(%s, %s, 1)", [ids[n % 50], ids[n % 50 - 7]])
    for _ in range(5):
        conn.execute(
            "select count(*) from pgledger_create_transfers_bulk(%s, %s, %s)",
            [ids[:25], ids[25:], [1] * 25],
        )
    conn.execute("select pg_stat_force_next_flush()")
    updates, heap_only = conn.execute(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'accounts'"
    ).fetchone()
    assert updates > 1000
    assert heap_only / updates > 0.95


def test_no_index_holds_a_column_that_a_transfer_changes(conn):
    indexed = {
        name
        for (name,) in conn.execute(
            """
            select pg_attribute.attname
            from pg_index
            inner join pg_attribute
              on pg_index.indrelid = pg_attribute.attrelid
              and pg_attribute.attnum = any(pg_index.indkey::smallint[])
            where pg_index.indrelid = 'pgledger.accounts'::regclass
            """
        )
    }
    assert not indexed & {"balance", "version", "updated_at"}
