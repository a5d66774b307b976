"""What is marked parallel safe runs in a parallel query, in its workers and in its leader.

`create table … as select` has already started a command when its plan is run in parallel. The
leader, which takes part, can then start no other: PL/pgSQL that is volatile starts one for each
statement, stable PL/pgSQL for none.
"""

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
import pytest

from support.calls import BEGIN, good_calls
from support.clock import SetClock
from support.invoices import carry_clock
from support.subscriptions import Session

FUNCTIONS: LiteralString = """
  select
    pg_proc.oid::regproc::text, pg_proc.oid::regprocedure::text,
    array(select format_type(kind, null) from unnest(pg_proc.proargtypes) as kind)
  from pg_proc
  where (
    pg_proc.pronamespace = 'pgledger'::regnamespace or pg_proc.proname ~ '^(pg)?ledger_'
  )
    and pg_proc.proparallel = 's'
    and pg_proc.prorettype <> 'trigger'::regtype
  order by 1
"""


def in_parallel(
    conn: Session, call: str, parameters: Mapping[str, str | None] | None = None
) -> str:
    """Runs a call for each of two rows in a worker, then in a leader that may start no command.

    Returns the plan that the worker ran.

    With an ordinality the call stays as it is, rather than becoming a part of the statement.
    """
    statement = (
        "explain (analyze, verbose, costs off, timing off) create temp table answers as"
        f" select count(answer) from asked cross join lateral {call} with ordinality as answer"
    )
    query = statement.encode()
    with conn.transaction(force_rollback=True):
        # A leader to whom no workers were given is in parallel mode all the same.
        conn.execute("set local max_parallel_workers = 0")
        plan = "\n".join(line for (line,) in conn.execute(query, parameters))
        assert "Workers Launched: 0" in plan or "Workers Planned" not in plan
    with conn.transaction(force_rollback=True):
        return "\n".join(line for (line,) in conn.execute(query, parameters))


@pytest.fixture
def session(conn: Session, set_clock: SetClock) -> Session:
    carry_clock(conn, set_clock, BEGIN)
    # Each argument comes from a row, so that nothing is worked out while planning.
    conn.execute("create table asked as select null::text as nothing from generate_series(1, 2)")
    renamed = conn.info.server_version >= 160000
    conn.execute(
        f"set {'debug_parallel_query' if renamed else 'force_parallel_mode'} = on".encode()
    )
    conn.commit()
    return conn


def test_reading_functions_answer_in_a_worker(session: Session, subtests: Any) -> None:
    names = {name for name, *_ in session.execute(FUNCTIONS) if "." not in name}
    calls = [call for call in good_calls(session) if call.function in names]
    session.commit()
    assert {call.function for call in calls} == names
    for call in calls:
        with subtests.test(call.function):
            given = ", ".join(
                f"{name} => %({name})s::text::{call.types[name]}" for name in call.given
            )
            plan = in_parallel(session, f"{call.function}({given})", call.given)
            assert "Workers Launched: 1" in plan


def test_a_table_of_answers_is_filled_by_several_workers(session: Session) -> None:
    """As somebody does who copies transfers to a table of his own."""
    (call,) = [call for call in good_calls(session) if call.function == "pgledger_get_transfer"]
    session.execute(
        "create table wanted as select %s::text as id from generate_series(1, 50000)",
        [call.given["id"]],
    )
    session.execute("analyze wanted")
    for setting in (
        "min_parallel_table_scan_size = 0",
        "parallel_setup_cost = 0",
        "parallel_tuple_cost = 0",
        "max_parallel_workers_per_gather = 2",
    ):
        session.execute(f"set {setting}".encode())
    session.commit()
    plan = "\n".join(
        line
        for (line,) in session.execute(
            "explain (analyze, costs off, timing off) create table copied as"
            " select (pgledger_get_transfer(wanted.id)).id from wanted"
        )
    )
    assert "Workers Launched: 2" in plan
    # The answers come from the workers: above them nothing is left to be worked out.
    assert plan.startswith("Gather")
    assert session.execute("select count(*), count(distinct id) from copied").fetchall() == [
        (50000, 1)
    ]


def test_safe_functions_run_in_a_worker(session: Session, subtests: Any) -> None:
    """Whatever a function says of nothing but nulls, it is not that a worker may not say it."""
    functions = session.execute(FUNCTIONS).fetchall()
    assert len(functions) > 100
    for name, signature, kinds in functions:
        with subtests.test(signature):
            arguments = ", ".join(f"asked.nothing::{kind}" for kind in kinds)
            try:
                plan = in_parallel(session, f"{name}({arguments})")
            except psycopg.errors.InvalidTransactionState:
                raise
            except psycopg.Error:
                continue
            else:
                assert "Workers Launched: 1" in plan


def test_volatile_bodies_are_not_called_safe(conn: Session) -> None:
    """Volatile PL/pgSQL starts a command for each of its statements."""
    assert (
        conn.execute(
            """
            select pg_proc.oid::regprocedure
            from pg_proc
            inner join pg_language on pg_proc.prolang = pg_language.oid
            where (
              pg_proc.pronamespace = 'pgledger'::regnamespace
              or pg_proc.proname ~ '^(pg)?ledger_'
            )
              and pg_language.lanname = 'plpgsql'
              and pg_proc.provolatile = 'v'
              and pg_proc.proparallel <> 'u'
            """
        ).fetchall()
        == []
    )


def test_what_reads_its_own_part_of_an_index_starts_no_workers(conn: Session) -> None:
    """Starting them takes longer than a few rows do, and a generic plan cannot know how few."""
    settings = conn.execute(
        """
        select pg_proc.oid::regprocedure::text, pg_proc.proconfig
        from pg_proc
        where (
          pg_proc.pronamespace = 'pgledger'::regnamespace
          or pg_proc.proname ~ '^(pg)?ledger_'
        )
          and pg_proc.provolatile = 's'
          and 'enable_seqscan=off' = any (pg_proc.proconfig)
        """
    ).fetchall()
    assert len(settings) >= 3
    assert [
        name for name, config in settings if "max_parallel_workers_per_gather=0" not in config
    ] == []
