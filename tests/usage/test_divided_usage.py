"""An hour that holds very many events is added up in smaller parts, and those in smaller ones.

Here "very many" is three, so that few events make all parts. Each total is compared with what the
events themselves come to.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Billing
from support.clock import SetClock
from support.database import Connect
from support.usage_model import HOUR, MICROSECOND, Event, ingest
from support.waiting import WaitUntilBlocked

APP = "acme"
NOW = datetime(2026, 7, 15, 12, 20, 30, tzinfo=UTC)
START = datetime(2026, 7, 15, 10, tzinfo=UTC)
PATIENCE = {"options": "-c statement_timeout=60s"}

Session = psycopg.Connection[Any]


@pytest.fixture
def session(connect: Connect, set_clock: SetClock) -> Session:
    session = connect(autocommit=True, **PATIENCE)
    set_clock(session, NOW)
    session.execute(
        "create or replace function pgledger.most_undivided_usage() returns integer"
        " language sql immutable parallel safe as 'select 3'"
    )
    Billing(session).create_feature(
        APP, "users", "Users", aggregation="unique_count", unique_key="user"
    )
    return session


def report(session: Session, ats: Sequence[datetime], quantity: int = 1) -> None:
    answers = ingest(
        session,
        [
            Event(
                "one",
                "users",
                str(quantity + place % 3),
                event_at=at.isoformat(),
                metadata=f'{{"user": "u{place % 4}"}}',
            )
            for place, at in enumerate(ats)
        ],
    )
    assert {answer[1] for answer in answers} == {"inserted"}


def value(session: Session, query: LiteralString, parameters: Sequence[Any] = ()) -> Any:
    row = session.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def spans(session: Session) -> list[int]:
    return [
        span
        for (span,) in session.execute(
            "select distinct span from pgledger.usage_rollups order by span"
        )
    ]


def require_exact_parts(session: Session) -> None:
    """Every roll-up is what its events come to, and who has parts has all of them."""
    wrong = session.execute(
        """
        with part as (
          select
            rollups.*, rollups.starts_at + pgledger.usage_part_length(rollups.span) as ends_at
          from pgledger.usage_rollups as rollups
        )
        select part.span, part.starts_at, part.events, part.quantity, part.highest, part.latest
        from part
        cross join lateral (
          select
            count(*) as events, coalesce(sum(event.quantity), 0) as quantity,
            coalesce(max(event.quantity), 0) as highest,
            coalesce(
              (array_agg(event.quantity order by event.event_at desc, event.key desc))[1], 0
            ) as latest
          from pgledger.usage_events as event
          where event.meter_key = part.meter_key
            and event.event_at >= part.starts_at
            and event.event_at < part.ends_at
            and event.quantity is not null
        ) as counted
        cross join lateral (
          select coalesce(sum(smaller.events), 0) as events, count(*) as parts
          from pgledger.usage_rollups as smaller
          where smaller.meter_key = part.meter_key
            and smaller.span = part.span + 1
            and smaller.starts_at >= part.starts_at
            and smaller.starts_at < part.ends_at
        ) as inner_parts
        where (part.events, part.quantity, part.highest, part.latest)
          <> (counted.events, counted.quantity, counted.highest, counted.latest)
          or (inner_parts.parts > 0 and inner_parts.events <> part.events)
          or (part.span between 2 and 11 and (inner_parts.parts > 0) <> (part.events >= 3))
        """
    ).fetchall()
    assert wrong == []


def totals(session: Session, starts_at: datetime, ends_at: datetime) -> list[Any]:
    return [
        value(
            session,
            "select ledger_aggregate_usage(%s, 'one', 'users', %s, %s, %s)",
            [APP, starts_at, ends_at, aggregation],
        )
        for aggregation in ("sum", "count", "max", "latest", "unique_count")
    ]


def counted(session: Session, starts_at: datetime, ends_at: datetime) -> list[Any]:
    row = session.execute(
        """
        select
          coalesce(sum(quantity), 0), count(*), coalesce(max(quantity), 0),
          coalesce((array_agg(quantity order by event_at desc, key desc))[1], 0),
          count(distinct metadata ->> 'user')
        from pgledger.usage_events
        where event_at >= %s and event_at < %s and quantity is not null
        """,
        [starts_at, ends_at],
    ).fetchone()
    assert row is not None
    return list(row)


def crowded(choice: random.Random) -> datetime:
    """A time in one of two hours, and rather where others are."""
    size = choice.choice([7_200_000_000, 60_000_000, 100_000, 300, 12])
    return START + timedelta(minutes=17) + choice.randrange(size) * MICROSECOND


def edge(choice: random.Random) -> datetime:
    return choice.choice([crowded(choice), START, START + HOUR, START + timedelta(minutes=17), NOW])


@pytest.mark.parametrize("seed", range(6))
def test_totals_are_exact_whatever_an_hour_holds(session: Session, seed: int) -> None:
    choice = random.Random(seed)
    for _ in range(25):
        report(
            session,
            [crowded(choice) for _ in range(choice.randint(1, 6))],
            choice.randint(0, 9),
        )
        for _ in range(choice.randint(0, 3)):
            session.execute(
                """
                select case when %s
                  then (ledger_remove_usage(%s, 'one', event.id, event.event_at)).id
                  else (ledger_correct_usage(%s, 'one', event.id, event.event_at, %s)).id
                end
                from (
                  select pgledger.event_id(created_at, key) as id, event_at
                  from pgledger.usage_events
                  where quantity is not null
                  order by md5(key::text || %s)
                  limit 1
                ) as event
                """,
                [choice.random() < 0.6, APP, APP, choice.randint(0, 9), str(choice.random())],
            )
        require_exact_parts(session)
        for _ in range(4):
            starts_at, ends_at = sorted([edge(choice), edge(choice)])
            if starts_at < ends_at:
                assert totals(session, starts_at, ends_at) == counted(
                    session, starts_at, ends_at
                ), (starts_at, ends_at)
    assert spans(session) == list(range(1, 13))


def test_an_hour_with_few_events_has_no_parts(session: Session) -> None:
    report(session, [START, START + MICROSECOND])
    assert spans(session) == [1, 2]
    report(session, [START + timedelta(minutes=30)])
    assert spans(session) == [1, 2, 3]


@pytest.mark.parametrize("level", [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ])
def test_two_sessions_divide_an_hour_at_once(
    session: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    level: IsolationLevel,
) -> None:
    """The one that comes second waits for the hour, and sees what the first one has recorded."""
    report(session, [START + timedelta(minutes=5)])
    first, second = connect(**PATIENCE), connect(**PATIENCE)
    second.isolation_level = level
    second.execute("select")
    report(first, [START + timedelta(minutes=5, seconds=1)])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(
            report, second, [START + timedelta(minutes=5, seconds=2), START + timedelta(minutes=9)]
        )
        wait_until_blocked(second.info.backend_pid)
        first.commit()
        if level is IsolationLevel.REPEATABLE_READ:
            with pytest.raises(SerializationFailure):
                waiting.result()
            second.rollback()
        else:
            waiting.result()
            second.commit()
    report(session, [START + timedelta(minutes=5, seconds=3)])
    require_exact_parts(session)


def test_parts_outlive_the_events_of_an_hour(session: Session) -> None:
    """Times that split no part of which events are gone are still exact."""
    report(session, [START + number * timedelta(minutes=1) for number in range(60)], 4)
    edges = [START + number * timedelta(minutes=10) for number in range(7)]
    meter_key = value(session, "select key from pgledger.meters")

    def sums() -> list[Any]:
        return [
            session.execute(
                "select events, quantity, highest from pgledger.usage_sums(array[%s], %s, %s)",
                [meter_key, starts_at, ends_at],
            ).fetchone()
            for starts_at in edges
            for ends_at in edges
            if starts_at < ends_at
        ]

    before = sums()
    Billing(session).purge_usage(APP, NOW - HOUR, max_events=23)
    assert sums() == before
    while Billing(session).purge_usage(APP, NOW - HOUR, max_events=7):
        assert sums() == before
    assert sums() == before
    # Where a part of which events are gone is split, all of it counts after the edge.
    odd = START + timedelta(minutes=12, seconds=30)
    split = [
        value(
            session,
            "select coalesce(sum(events), 0) from pgledger.usage_sums(array[%s], %s, %s)",
            [meter_key, *limits],
        )
        for limits in ((START, odd), (odd, START + HOUR), (odd, odd + MICROSECOND))
    ]
    assert split[0] + split[1] == 60
    assert split[2] == 0
