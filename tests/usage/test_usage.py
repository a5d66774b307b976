"""Usage: what is taken and what is refused, what it comes to, and what purging leaves."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Billing, UsageEvent, UsageRecord, ids, run_transaction
from pgledger.errors import (
    BatchTooLarge,
    FeatureNotFound,
    InvalidArgument,
    InvalidBatch,
    InvalidMetadata,
    InvalidPage,
    InvalidQuantity,
    InvalidScope,
    InvalidTime,
    NullArgument,
    PgledgerError,
    UsageInFuture,
    UsagePurged,
)
from support.clock import SetClock
from support.database import Connect
from support.properties import scaled
from support.usage_model import (
    AGGREGATIONS,
    EPOCH,
    HOUR,
    MICROSECOND,
    Aggregation,
    Counted,
    Event,
    UsageModel,
    hour_of,
    ingest,
    total,
)
from support.waiting import WaitUntilBlocked

APP = "acme"
OTHER_APP = "bank"
NOW = datetime(2026, 7, 15, 12, 20, 30, 500_000, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=400)
PATIENCE = {"options": "-c statement_timeout=60s"}
LEVELS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ)

levels = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())

Session = psycopg.Connection[Any]

# Key and aggregation of the metered features of both apps.
METERED: Mapping[str, Aggregation] = {
    "calls": "sum",
    "hits": "count",
    "peak": "max",
    "gauge": "latest",
    "users": "unique_count",
}


def make_catalogue(billing: Billing) -> None:
    for app_id in (APP, OTHER_APP):
        for key, aggregation in METERED.items():
            billing.create_feature(
                app_id,
                key,
                key,
                aggregation=aggregation,
                unique_key="user" if aggregation == "unique_count" else None,
            )
        billing.create_feature(app_id, "seats", "Seats", type="seat")
    billing.create_feature(APP, "sso", "Single sign-on", type="boolean")
    billing.create_feature(APP, "deal", "What only two has", tenant_id="two")
    billing.create_feature("*", "everywhere", "In all apps")


@pytest.fixture
def session(connect: Connect, set_clock: SetClock) -> Session:
    """An autocommit session in a database with a catalogue, whose clock stands still at NOW."""
    session = connect(autocommit=True, **PATIENCE)
    make_catalogue(Billing(session))
    set_clock(session, NOW)
    return session


@pytest.fixture
def billing(session: Session) -> Billing:
    return Billing(session)


def statuses(answers: Sequence[Any]) -> list[str]:
    return [answer[1] for answer in answers]


def codes(answers: Sequence[Any]) -> list[str | None]:
    return [answer[3] for answer in answers]


def text(at: datetime) -> str:
    return at.isoformat()


def stored(billing: Billing, tenant_id: str = "one", app_id: str = APP) -> list[UsageEvent]:
    return billing.query_usage(app_id, tenant_id, page_size=10_000)


def used(
    billing: Billing,
    feature_key: str = "calls",
    aggregation: Aggregation | None = None,
    *,
    tenant_id: str = "one",
    app_id: str = APP,
) -> Decimal:
    return billing.aggregate_usage(
        app_id, tenant_id, feature_key, LONG_AGO, LATER, aggregation=aggregation
    )


def count_of(session: Session, table: str) -> int:
    row = session.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


# What is taken, and what is refused

FEATURE_NOT_FOUND = ("LG111", "does not exist")
TOO_LARGE = json.dumps({"text": "x" * (65536 - 12 + 1)})
AS_LARGE_AS_CAN_BE = json.dumps({"text": "x" * (65536 - 12)})

REFUSED: list[tuple[Event, str, str]] = [
    (Event(None, "calls"), "LG003", "tenant_id must not be null"),
    (Event("one", None), "LG003", "feature_key must not be null"),
    (Event("one", "calls", None), "LG003", "quantity must not be null"),
    (Event("", "calls"), "LG006", "tenant_id '' is not valid: it is empty"),
    (Event("a b", "calls"), "LG006", "tenant_id 'a b' is not valid"),
    (Event("o" * 129, "calls"), "LG006", "129 characters"),
    (Event("one", "call"), *FEATURE_NOT_FOUND),
    (Event("one", ""), *FEATURE_NOT_FOUND),
    (Event("one", "Calls"), *FEATURE_NOT_FOUND),
    (Event("one", "x" * 10_000), *FEATURE_NOT_FOUND),
    (Event("one", "deal"), *FEATURE_NOT_FOUND),
    (Event("one", "sso"), "LG101", "the feature is on or off"),
    (Event("one", "calls", "NaN"), "LG104", "it is not a number"),
    (Event("one", "calls", "Infinity"), "LG104", "it is not finite"),
    (Event("one", "calls", "-Infinity"), "LG104", "it is not finite"),
    (Event("one", "calls", "-1"), "LG104", "it is negative"),
    (Event("one", "calls", "-0.000000000000000001"), "LG104", "it is negative"),
    (Event("one", "calls", "1e-16383"), "LG104", "16383 decimal places"),
    (Event("one", "calls", "0.0000000000000000001"), "LG104", "19 decimal places"),
    (Event("one", "calls", "1e30"), "LG104", "it is not below 1e30"),
    (Event("one", "calls", "1e131071"), "LG104", "it is not below 1e30"),
    (Event("one", "seats", "-1"), "LG104", "it is negative"),
    (Event("one", "calls", event_at="infinity"), "LG008", "it is not finite"),
    (Event("one", "calls", event_at="-infinity"), "LG008", "it is not finite"),
    (Event("one", "calls", event_at="4713-01-01 BC"), "LG008", "before the year 1970"),
    (Event("one", "calls", event_at=text(EPOCH - MICROSECOND)), "LG008", "before the year 1970"),
    (Event("one", "calls", event_at=text(NOW + HOUR + MICROSECOND)), "LG105", "more than 01:00:00"),
    (Event("one", "calls", event_at="294276-01-01"), "LG105", "more than 01:00:00"),
    (Event("one", "calls", idempotency_key=""), "LG101", "it is empty"),
    (Event("one", "calls", idempotency_key="k" * 256), "LG101", "256 characters"),
    (Event("one", "calls", metadata="[1]"), "LG007", "of type array"),
    (Event("one", "calls", metadata="null"), "LG007", "of type null"),
    (Event("one", "calls", metadata='"text"'), "LG007", "of type string"),
    (Event("one", "calls", metadata=TOO_LARGE), "LG007", "65537 bytes"),
    (Event("one", "users"), "LG007", "its member 'user'"),
    (Event("one", "users", metadata="{}"), "LG007", "its member 'user'"),
    (Event("one", "users", metadata="[]"), "LG007", "of type array"),
    (Event("one", "users", metadata='{"user": null}'), "LG007", "its member 'user'"),
    (Event("one", "users", metadata='{"user": ""}'), "LG007", "its member 'user'"),
    (Event("one", "users", metadata=json.dumps({"user": "u" * 256})), "LG007", "1 to 255"),
    (Event("one", "users", metadata='{"User": "a"}'), "LG007", "its member 'user'"),
]

TAKEN: list[Event] = [
    Event("one", "calls"),
    Event("one", "calls", "0"),
    Event("one", "calls", "-0"),
    Event("one", "calls", "0.000000000000000001"),
    Event("one", "calls", "1.00000000000000000000000000"),
    Event("one", "calls", "999999999999999999999999999999.999999999999999999"),
    Event("one", "calls", event_at=text(EPOCH)),
    Event("one", "calls", event_at="1999-12-31 23:59:59.999999+00"),
    Event("one", "calls", event_at=text(NOW + HOUR)),
    Event("one", "calls", event_at="2026-07-15 14:00:00+02"),
    Event("one", "calls", idempotency_key="k" * 255),
    Event("one", "calls", idempotency_key="\U0001f511" * 255),
    Event("one", "calls", idempotency_key=" "),
    Event("one", "calls", metadata="{}"),
    Event("one", "calls", metadata=AS_LARGE_AS_CAN_BE),
    Event("o" * 128, "calls"),
    Event("one", "seats", "12.5"),
    Event("two", "deal"),
    Event("one", "everywhere"),
    Event("one", "users", metadata='{"user": "a"}'),
    Event("one", "users", metadata=json.dumps({"user": "\U0001f9d1" * 255})),
    Event("one", "users", metadata='{"user": 7}'),
    Event("one", "users", metadata='{"user": {"id": [true]}}'),
]


def test_each_event_of_a_batch_is_answered_for_itself(session: Session, billing: Billing) -> None:
    expected: list[tuple[Event, str | None, str]] = [
        *REFUSED,
        *((event, None, "") for event in TAKEN),
    ]
    random.Random(3).shuffle(expected)

    answers = ingest(session, [event for event, _, _ in expected])

    assert [answer[0] for answer in answers] == list(range(1, len(expected) + 1))
    for (_, status, event_id, error, reason), (event, code, fault) in zip(
        answers, expected, strict=True
    ):
        if code is None:
            assert (status, error, reason) == ("inserted", None, None), event
            assert ids.is_valid(event_id or "", "evt")
        else:
            assert (status, event_id, error) == ("rejected", None, code), event
            assert fault in (reason or ""), event
    known = {row[0] for row in session.execute("select code from pgledger_errors_v1").fetchall()}
    assert {code for _, code, _ in REFUSED} <= known

    inserted = sorted(answer[2] or "" for answer in answers if answer[1] == "inserted")
    assert len(set(inserted)) == len(TAKEN)
    kept = [event for tenant in ("one", "two", "o" * 128) for event in stored(billing, tenant)]
    assert sorted(event.id for event in kept) == inserted
    assert len(stored(billing)) == len(TAKEN) - 2


def test_the_reason_of_a_rejection_is_the_message_that_recording_it_alone_raises(
    session: Session,
) -> None:
    for event, code, _ in REFUSED:
        ((_, _, _, error, reason),) = ingest(session, [event])
        with pytest.raises(PgledgerError) as raised:
            session.execute(
                "select * from ledger_record_usage(%s, %s, %s, %s::numeric, %s::timestamptz, %s,"
                " %s::jsonb)",
                [
                    APP,
                    event.tenant_id,
                    event.feature_key,
                    event.quantity,
                    event.event_at,
                    event.idempotency_key,
                    event.metadata,
                ],
            )
        assert raised.value.sqlstate == error == code
        assert raised.value.diag.message_primary == reason
    assert count_of(session, "ledger_usage_events") == 0


def test_recording_one_event_raises_what_a_batch_reports(billing: Billing) -> None:
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"quantity": Decimal(-1)}, InvalidQuantity),
        ({"feature_key": "none"}, FeatureNotFound),
        ({"feature_key": "sso"}, InvalidArgument),
        ({"tenant_id": ""}, InvalidScope),
        ({"tenant_id": None}, NullArgument),
        ({"event_at": LONG_AGO - DAY}, InvalidTime),
        ({"event_at": LATER}, UsageInFuture),
        ({"idempotency_key": ""}, InvalidArgument),
        ({"feature_key": "users"}, InvalidMetadata),
    ]
    for wrong, error in cases:
        arguments: dict[str, Any] = {"tenant_id": "one", "feature_key": "calls", **wrong}
        tenant_id, feature_key = arguments.pop("tenant_id"), arguments.pop("feature_key")
        with pytest.raises(error):
            billing.record_usage(APP, tenant_id, feature_key, **arguments)
    assert stored(billing) == []


def test_recording_one_event_says_whether_it_is_new(billing: Billing) -> None:
    receipt = billing.record_usage(
        APP,
        "one",
        "users",
        quantity=Decimal("2.50"),
        event_at=NOW - DAY,
        idempotency_key="k",
        metadata={"user": "a", "n": 1},
    )
    again = billing.record_usage(
        APP,
        "one",
        "users",
        quantity=Decimal("2.5"),
        event_at=NOW - DAY,
        idempotency_key="k",
        metadata={"user": "b"},
    )
    assert (receipt.status, again.status) == ("inserted", "duplicate")
    assert receipt.id == again.id
    (event,) = stored(billing)
    assert receipt.id is not None
    assert event == UsageEvent(
        id=receipt.id,
        app_id=APP,
        tenant_id="one",
        feature_key="users",
        quantity=Decimal("2.50"),
        event_at=NOW - DAY,
        idempotency_key="k",
        metadata={"user": "a", "n": 1},
        created_at=NOW,
    )
    assert ids.timestamp(event.id) == NOW
    assert used(billing, "users") == 1


def test_a_batch_in_which_everything_is_wrong_leaves_nothing_behind(
    session: Session, billing: Billing
) -> None:
    wrong = [Event("nobody", "none"), Event("", "calls"), Event(None, None), Event("nobody", "sso")]
    assert statuses(ingest(session, wrong * 50)) == ["rejected"] * 200
    assert stored(billing, "nobody") == []
    for table in ("tenants", "meters", "usage_events", "usage_rollups"):
        assert count_of(session, f"pgledger.{table}") == 0


def test_an_empty_batch_is_answered_with_nothing(session: Session, billing: Billing) -> None:
    assert ingest(session, []) == []
    assert billing.ingest_usage(APP, []) == []


ARRAYS = ("tenant_ids", "feature_keys", "quantities", "event_ats", "idempotency_keys", "metadatas")
BATCH = {
    "tenant_ids": "array['one', 'one']",
    "feature_keys": "array['calls', 'calls']",
    "quantities": "array[1, 2]",
    "event_ats": "array[null, null]::timestamptz[]",
    "idempotency_keys": "array['a', 'b']",
    "metadatas": "array[null, '{}']::jsonb[]",
}


def ingest_arrays(session: Session, arrays: dict[str, str], app_id: str = f"'{APP}'") -> list[Any]:
    named = ", ".join(f"{name} => {value}" for name, value in arrays.items())
    call = f"select status from ledger_ingest_usage(app_id => {app_id}, {named})"
    return session.execute(call.encode()).fetchall()


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit_together_are_refused(session: Session, name: str) -> None:
    kind = {
        "quantities": "numeric[]",
        "event_ats": "timestamptz[]",
        "metadatas": "jsonb[]",
    }.get(name, "text[]")
    wrong = [f"'{{}}'::{kind}", f"array[null]::{kind}", f"array[null, null, null]::{kind}"]
    wrong.append(f"array[[null, null], [null, null]]::{kind}")
    if name in ARRAYS[:3]:
        wrong.append(f"null::{kind}")
    for value in wrong:
        with pytest.raises(InvalidBatch):
            ingest_arrays(session, {**BATCH, name: value})
    # Two rows of one are two dimensions, whatever their number of elements.
    with pytest.raises(InvalidBatch, match="dimensions"):
        ingest_arrays(session, {**BATCH, name: f"array[[null], [null]]::{kind}"})
    assert count_of(session, "ledger_usage_events") == 0
    assert len(ingest_arrays(session, BATCH)) == 2


def test_optional_arrays_may_be_left_out(session: Session) -> None:
    required = {name: BATCH[name] for name in ARRAYS[:3]}
    assert ingest_arrays(session, required) == [("inserted",)] * 2
    nothing = dict.fromkeys(ARRAYS[3:], "null")
    assert ingest_arrays(session, {**required, **nothing}) == [("inserted",)] * 2


def test_more_than_100_000_events_are_refused_and_so_many_are_taken(
    session: Session, billing: Billing
) -> None:
    def filled(size: int) -> dict[str, str]:
        values = ("'one'::text", "'calls'::text", "1::numeric")
        return {
            name: f"array_fill({value}, array[{size}])"
            for name, value in zip(ARRAYS[:3], values, strict=True)
        }

    with pytest.raises(BatchTooLarge):
        ingest_arrays(session, filled(100_001))
    assert used(billing) == 0
    assert len(ingest_arrays(session, filled(100_000))) == 100_000
    assert used(billing) == 100_000
    # The places of a call's events in their ids do not run over.
    row = session.execute("select count(distinct id) from ledger_usage_events").fetchone()
    assert row == (100_000,)


def test_an_app_that_cannot_be_is_refused_by_every_call(session: Session) -> None:
    billing = Billing(session)
    cases: list[tuple[Any, type[Exception]]] = [
        ("", InvalidScope),
        ("*", InvalidScope),
        (None, NullArgument),
        ("a" * 129, InvalidScope),
    ]
    for app_id, error in cases:
        calls: list[Callable[[str], Any]] = [
            lambda app_id: ingest(session, [Event("one", "calls")], app_id=app_id),
            lambda app_id: billing.record_usage(app_id, "one", "calls"),
            lambda app_id: billing.aggregate_usage(app_id, "one", "calls", LONG_AGO, NOW),
            lambda app_id: billing.aggregate_usage_by_feature(app_id, "one", [], LONG_AGO, NOW),
            lambda app_id: billing.query_usage(app_id, "one"),
            lambda app_id: billing.purge_usage(app_id, NOW - DAY),
            lambda app_id: billing.set_usage_skew(app_id, HOUR),
        ]
        for call in calls:
            with pytest.raises(error):
                call(app_id)


# How far ahead


def test_the_skew_decides_how_far_ahead_an_event_may_be(session: Session, billing: Billing) -> None:
    def taken(app_id: str = APP) -> list[bool]:
        events = [
            Event("one", "calls", event_at=text(NOW + ahead))
            for ahead in (timedelta(0), MICROSECOND, 2 * HOUR, 2 * HOUR + MICROSECOND)
        ]
        answers = ingest(session, events, app_id=app_id)
        assert {answer[3] for answer in answers} <= {None, "LG105"}
        return [answer[1] == "inserted" for answer in answers]

    assert taken() == [True, True, False, False]
    assert billing.set_usage_skew(APP, 2 * HOUR) == 2 * HOUR
    assert taken() == [True, True, True, False]
    assert taken(OTHER_APP) == [True, True, False, False]
    billing.set_usage_skew(APP, timedelta(0))
    assert taken() == [True, False, False, False]
    for wrong in (-MICROSECOND, timedelta(days=366)):
        with pytest.raises(InvalidArgument):
            billing.set_usage_skew(APP, wrong)
    assert taken() == [True, False, False, False]


# Idempotency keys


def test_of_a_key_that_stands_twice_in_a_batch_the_first_sound_event_counts(
    session: Session, billing: Billing
) -> None:
    answers = ingest(
        session,
        [
            Event("one", "calls", "-1", idempotency_key="k"),
            Event("one", "calls", "5", idempotency_key="k"),
            Event("one", "calls", "5.0", idempotency_key="k"),
            Event("one", "calls", "7", idempotency_key="k"),
            Event("one", "hits", "1", idempotency_key="k"),
            Event("one", "calls", "11"),
            Event("one", "calls", "11"),
            Event("one", "calls", "1e31", idempotency_key="k"),
        ],
    )
    assert [(answer[1], answer[3]) for answer in answers] == [
        ("rejected", "LG104"),
        ("inserted", None),
        ("duplicate", None),
        ("rejected", "LG023"),
        ("inserted", None),
        ("inserted", None),
        ("inserted", None),
        ("rejected", "LG104"),
    ]
    # A duplicate is told the id of the event that counts.
    assert answers[1][2] == answers[2][2]
    assert len({answer[2] for answer in answers if answer[1] == "inserted"}) == 4
    assert used(billing) == 27
    assert used(billing, "hits") == 1


def test_a_key_names_an_event_of_one_tenant_of_one_app(session: Session, billing: Billing) -> None:
    pairs = [("one", "k"), ("two", "k"), ("a:b", "c"), ("a", "b:c"), ("a:b:c", "k"), ("k", "one")]
    events = [Event(tenant, "calls", idempotency_key=key) for tenant, key in pairs]
    assert statuses(ingest(session, events)) == ["inserted"] * len(pairs)
    assert statuses(ingest(session, events[::-1])) == ["duplicate"] * len(pairs)
    assert statuses(ingest(session, events, app_id=OTHER_APP)) == ["inserted"] * len(pairs)
    for tenant, _ in pairs:
        for app_id in (APP, OTHER_APP):
            assert used(billing, tenant_id=tenant, app_id=app_id) == 1


def test_keys_are_compared_exactly(session: Session) -> None:
    keys = ["k", "K", "k ", " k", "\u00e9", "e\u0301", "\u212b", "\u00c5", "k\x01", "\u200bk"]
    events = [Event("one", "calls", idempotency_key=key) for key in keys]
    assert statuses(ingest(session, events)) == ["inserted"] * len(keys)
    assert statuses(ingest(session, events)) == ["duplicate"] * len(keys)


def test_a_call_that_was_rolled_back_has_taken_no_key(connect: Connect, billing: Billing) -> None:
    events = [
        Event("new", key, idempotency_key="k" + key, metadata='{"user": "a"}') for key in METERED
    ]
    undone = connect()
    assert statuses(ingest(undone, events)) == ["inserted"] * 5
    undone.rollback()
    assert [used(billing, key, tenant_id="new") for key in METERED] == [0] * 5
    assert statuses(ingest(billing.conn, events)) == ["inserted"] * 5
    assert [used(billing, key, tenant_id="new") for key in METERED] == [1] * 5


def test_an_archived_feature_still_takes_usage_and_a_narrower_one_takes_its_place(
    session: Session, billing: Billing
) -> None:
    everywhere = next(
        feature for feature in billing.list_global_features() if feature.key == "everywhere"
    )
    billing.archive_feature("*", everywhere.id)
    billing.create_feature(APP, "everywhere", "On or off here", type="boolean", tenant_id="two")
    answers = ingest(session, [Event(tenant, "everywhere") for tenant in ("one", "two")])
    assert [(answer[1], answer[3]) for answer in answers] == [
        ("inserted", None),
        ("rejected", "LG101"),
    ]


# Reading events


def test_a_query_tells_events_in_the_order_in_which_they_happened(
    session: Session, billing: Billing
) -> None:
    times = [NOW - DAY, NOW - HOUR, NOW - HOUR, NOW - MICROSECOND, NOW]
    order = list(enumerate(times)) * 2
    random.Random(5).shuffle(order)
    events = [
        Event("one", ("calls", "hits")[number % 2], str(place), event_at=text(at))
        for place, (number, at) in enumerate(order)
    ]
    # Several a call, so that places within a call count as well.
    for start in range(0, len(events), 3):
        ingest(session, events[start : start + 3])
    recorded = [(at, place) for place, (_, at) in enumerate(order)]
    ingest(session, [Event("two", "calls")])
    ingest(session, [Event("one", "calls")], app_id=OTHER_APP)

    def found(**arguments: Any) -> list[int]:
        return [int(event.quantity) for event in billing.query_usage(APP, "one", **arguments)]

    whole = [place for _, place in sorted(recorded)]
    assert found() == whole
    pages = [found(page_size=3, page_offset=offset) for offset in range(0, 15, 3)]
    assert [len(page) for page in pages] == [3, 3, 3, 1, 0]
    assert list(itertools.chain(*pages)) == whole
    assert found(feature_key="calls") + found(feature_key="hits") != whole
    assert sorted(found(feature_key="calls") + found(feature_key="hits")) == sorted(whole)
    assert found(feature_key="none") == []
    for starts_at, ends_at in itertools.product([*times, None], repeat=2):
        assert found(starts_at=starts_at, ends_at=ends_at) == [
            place
            for at, place in sorted(recorded)
            if (starts_at is None or starts_at <= at) and (ends_at is None or at < ends_at)
        ]


def test_a_page_that_cannot_be_is_refused(session: Session, billing: Billing) -> None:
    for page_size, page_offset in ((0, 0), (10_001, 0), (-1, 0), (1, -1)):
        with pytest.raises(InvalidPage):
            billing.query_usage(APP, "one", page_size=page_size, page_offset=page_offset)
    for page in ("null, 0", "1, null"):
        call = f"select * from ledger_query_usage('{APP}', 'one', null, null, null, {page})"
        with pytest.raises(NullArgument):
            session.execute(call.encode())
    with pytest.raises(InvalidScope):
        billing.query_usage(APP, "")


# What usage comes to

AT = datetime(2026, 7, 13, tzinfo=UTC)

# Hours and days, both sides of their boundaries, and what is before 2000.
INSTANTS = [
    EPOCH,
    datetime(1999, 12, 31, 23, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    AT - HOUR,
    AT - MICROSECOND,
    AT,
    AT + MICROSECOND,
    AT + timedelta(minutes=30),
    AT + HOUR - MICROSECOND,
    AT + HOUR,
    AT + 5 * HOUR + timedelta(minutes=59, seconds=59),
    AT + DAY - MICROSECOND,
    AT + DAY,
    AT + DAY + 13 * HOUR,
    AT + 2 * DAY,
]


def counted_events(at: Sequence[datetime], feature_key: str = "users") -> list[Counted]:
    dice = random.Random(17)
    return [
        Counted(
            "one",
            feature_key,
            Decimal(dice.randrange(1000)) / 8,
            instant,
            place,
            None,
            dice.choice("abcd"),
        )
        for place, instant in enumerate(at)
    ]


def reported(event: Counted) -> Event:
    return Event(
        event.tenant_id,
        event.feature_key,
        str(event.quantity),
        event_at=text(event.event_at),
        idempotency_key=event.idempotency_key,
        metadata=json.dumps({"user": event.value}),
    )


def totals(
    billing: Billing, feature_key: str, starts_at: datetime, ends_at: datetime
) -> dict[str, Decimal]:
    return {
        aggregation: billing.aggregate_usage(
            APP, "one", feature_key, starts_at, ends_at, aggregation=aggregation
        )
        for aggregation in AGGREGATIONS
    }


def test_every_aggregation_is_exact_for_every_range(session: Session, billing: Billing) -> None:
    events = counted_events(INSTANTS * 2)
    ingest(session, map(reported, events[::2]))
    for event in events[1::2]:
        ingest(session, [reported(event)])
    # Recorded in another order than they stand.
    in_order = [
        replace(event, place=place) for place, event in enumerate(events[::2] + events[1::2])
    ]
    edges = sorted({*INSTANTS, AT + timedelta(minutes=10), AT + 7 * HOUR, NOW})
    for starts_at, ends_at in itertools.combinations(edges, 2):
        between = [event for event in in_order if starts_at <= event.event_at < ends_at]
        assert totals(billing, "users", starts_at, ends_at) == {
            aggregation: total(between, aggregation) for aggregation in AGGREGATIONS
        }, (starts_at, ends_at)


def test_late_events_count_the_same_in_whatever_order_they_come(
    session: Session, billing: Billing
) -> None:
    instants = sorted({*INSTANTS, AT + timedelta(minutes=31), AT + 5 * HOUR, NOW})
    events = counted_events(instants)
    edges = [EPOCH, AT, AT + timedelta(minutes=31), AT + DAY, NOW, LATER]
    dice = random.Random(23)
    for turn in range(12):
        billing.create_feature(
            APP, f"users{turn}", "Users", aggregation="unique_count", unique_key="user"
        )
        shuffled = dice.sample(events, len(events))
        size = dice.choice([1, 4, len(events)])
        for start in range(0, len(events), size):
            ingest(
                session,
                [
                    Event(
                        "one",
                        f"users{turn}",
                        str(event.quantity),
                        event_at=text(event.event_at),
                        metadata=json.dumps({"user": event.value}),
                    )
                    for event in shuffled[start : start + size]
                ],
            )
        for starts_at, ends_at in itertools.combinations(edges, 2):
            between = [event for event in events if starts_at <= event.event_at < ends_at]
            assert totals(billing, f"users{turn}", starts_at, ends_at) == {
                aggregation: total(between, aggregation) for aggregation in AGGREGATIONS
            }


def test_of_events_at_one_time_the_one_recorded_last_is_the_latest(
    session: Session, billing: Billing
) -> None:
    at = text(NOW - DAY)

    def latest() -> set[Decimal]:
        return {
            billing.aggregate_usage(APP, "one", "gauge", starts_at, ends_at)
            for starts_at, ends_at in [
                (LONG_AGO, LATER),
                (NOW - DAY, NOW - DAY + MICROSECOND),
                (hour_of(NOW) - DAY, hour_of(NOW) - DAY + HOUR),
            ]
        }

    ingest(session, [Event("one", "gauge", number, event_at=at) for number in "375"])
    assert latest() == {5}
    ingest(session, [Event("one", "gauge", "2", event_at=at)])
    assert latest() == {2}
    ingest(session, [Event("one", "gauge", "9", event_at=text(NOW - DAY - MICROSECOND))])
    assert latest() == {2}
    # One that is not taken does not count as the last.
    ingest(session, [Event("one", "gauge", "0", event_at=at, idempotency_key="k")])
    ingest(session, [Event("one", "gauge", "8", event_at=at)])
    ingest(session, [Event("one", "gauge", "0", event_at=at, idempotency_key="k")])
    assert latest() == {8}


def test_values_that_read_the_same_are_one_value(session: Session, billing: Billing) -> None:
    values = [
        "7",
        '"7"',
        "7.0",
        "true",
        '"true"',
        '"a"',
        '"A"',
        '"a "',
        "[1]",
        '"[1]"',
        "1e1",
        "10",
    ]
    ingest(session, [Event("one", "users", metadata=f'{{"user": {value}}}') for value in values])
    assert used(billing, "users") == len({"7", "true", "a", "A", "a ", "[1]", "10"})


def test_sums_are_exact_beyond_what_a_double_holds(session: Session, billing: Billing) -> None:
    highest = "999999999999999999999999999999.999999999999999999"
    smallest = "0.000000000000000001"
    ingest(session, [Event("one", "calls", highest)] * 3 + [Event("one", "calls", smallest)])
    ingest(session, [Event("one", "calls", smallest, event_at=text(NOW - 2 * DAY))])
    assert str(used(billing)) == "2999999999999999999999999999999.999999999999999999"
    assert used(billing, aggregation="max") == Decimal(highest)


def test_usage_of_a_feature_is_added_up_once_a_call(session: Session, billing: Billing) -> None:
    ingest(session, [Event("one", "calls", "3")])
    keys = ["calls", "hits", "calls"] * 1000
    session.execute("set track_functions = 'all'")
    with session.transaction():
        rows = billing.aggregate_usage_by_feature(APP, "one", keys, NOW - DAY, NOW + HOUR)
        made = session.execute(
            "select calls from pg_stat_xact_user_functions where funcname = 'aggregate_usage'"
        ).fetchall()
    assert made == [(2,)]
    assert [row.value for row in rows] == [Decimal(3), Decimal(0), Decimal(3)] * 1000


def test_pages_beyond_every_event_are_empty(session: Session, billing: Billing) -> None:
    ingest(session, [Event("one", "calls", "3")])
    for page_size, page_offset in ((1, 2**63 - 1), (10_000, 2**63 - 1), (10_000, 2**63 - 10_001)):
        assert billing.query_usage(APP, "one", page_size=page_size, page_offset=page_offset) == []


def test_usage_of_many_features_is_told_in_the_order_of_the_keys(
    session: Session, billing: Billing
) -> None:
    ingest(session, [Event("one", key, "3", metadata='{"user": "a"}') for key in METERED] * 2)
    ingest(session, [Event("one", "seats", "4"), Event("two", "calls", "100")])
    keys = ["seats", "users", "calls", "sso", "everywhere", *METERED, "calls"]
    rows = billing.aggregate_usage_by_feature(APP, "one", keys, NOW - DAY, NOW + HOUR)
    values = {"calls": 6, "hits": 2, "peak": 3, "gauge": 3, "users": 1, "seats": 4}
    assert [(row.feature_key, row.value) for row in rows] == [
        (key, values.get(key, 0)) for key in keys
    ]
    assert {row.feature_key: row.aggregation for row in rows} == {
        **METERED,
        "seats": "latest",
        "sso": "latest",
        "everywhere": "sum",
    }
    assert billing.aggregate_usage_by_feature(APP, "one", [], NOW - DAY, NOW) == []
    with pytest.raises(FeatureNotFound):
        billing.aggregate_usage_by_feature(APP, "one", ["calls", "deal"], NOW - DAY, NOW)
    with pytest.raises(NullArgument):
        session.execute(
            "select * from ledger_aggregate_usage_by_feature(%s, 'one', array['calls', null],"
            " %s, %s)",
            [APP, NOW - DAY, NOW],
        )


def test_what_cannot_be_added_up_is_refused(session: Session) -> None:
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"feature_key": "none"}, FeatureNotFound),
        ({"feature_key": "deal"}, FeatureNotFound),
        ({"feature_key": None}, NullArgument),
        ({"tenant_id": ""}, InvalidScope),
        ({"tenant_id": None}, NullArgument),
        ({"starts_at": None}, NullArgument),
        ({"ends_at": None}, NullArgument),
        ({"starts_at": "-infinity"}, InvalidTime),
        ({"ends_at": "infinity"}, InvalidTime),
        ({"ends_at": "10000-01-01"}, InvalidTime),
        ({"ends_at": NOW - DAY}, InvalidTime),
        ({"ends_at": NOW - DAY - MICROSECOND}, InvalidTime),
        ({"aggregation": "avg"}, InvalidArgument),
        ({"aggregation": ""}, InvalidArgument),
        ({"aggregation": "unique_count"}, InvalidArgument),
    ]
    sound = {
        "tenant_id": "one",
        "feature_key": "calls",
        "starts_at": NOW - DAY,
        "ends_at": NOW,
        "aggregation": None,
    }
    for wrong, error in cases:
        with pytest.raises(error):
            session.execute(
                "select ledger_aggregate_usage('acme', %(tenant_id)s, %(feature_key)s,"
                " %(starts_at)s::timestamptz, %(ends_at)s::timestamptz, %(aggregation)s)",
                {**sound, **wrong},
            )


def test_usage_is_told_of_its_own_tenant_only(session: Session, billing: Billing) -> None:
    ingest(session, [Event("one", "calls", "5"), Event("two", "deal", "7")])
    ingest(session, [Event("one", "calls", "11")], app_id=OTHER_APP)
    assert [used(billing, tenant_id=tenant) for tenant in ("one", "two", "on", "one2")] == [
        5,
        0,
        0,
        0,
    ]
    assert used(billing, app_id=OTHER_APP) == 11
    assert used(billing, "deal", tenant_id="two") == 7
    assert stored(billing, "two", OTHER_APP) == []


# Purging


def purge_all(billing: Billing, before: datetime, *, app_id: str = APP, at_once: int = 7) -> int:
    purged = 0
    while number := billing.purge_usage(app_id, before, max_events=at_once):
        assert number <= at_once
        purged += number
    return purged


def fill(session: Session, tenant_id: str = "one", app_id: str = APP) -> list[Counted]:
    """Records three events in each of the five hours until NOW, of two features."""
    events = []
    for number in range(15):
        at = hour_of(NOW) - 4 * HOUR + number * timedelta(minutes=20)
        feature = ("users", "calls")[number % 2]
        events.append(
            Counted(tenant_id, feature, Decimal(number), at, number, f"k{number}", f"u{number % 4}")
        )
    answers = ingest(session, map(reported, events), app_id=app_id)
    assert statuses(answers) == ["inserted"] * len(events)
    return events


def test_purging_is_bounded_and_takes_whole_hours(session: Session, billing: Billing) -> None:
    events = fill(session)
    # Two and a half hours ago: the half is kept.
    before = hour_of(NOW) - 2 * HOUR + timedelta(minutes=30)
    numbers = []
    while number := billing.purge_usage(APP, before, max_events=4):
        numbers.append(number)
    assert sum(numbers) == 6
    assert max(numbers) <= 4
    assert [event.idempotency_key for event in stored(billing)] == [
        event.idempotency_key for event in events[6:]
    ]


def test_purging_changes_no_total_of_whole_hours(session: Session, billing: Billing) -> None:
    fill(session)
    hours = [hour_of(NOW) + number * HOUR for number in (-40, -4, -3, -2, -1, 0, 1, 30)]
    ranges = list(itertools.combinations(hours, 2))

    def all_totals() -> list[Any]:
        return [
            (totals(billing, "users", *edges), used_between("calls", *edges)) for edges in ranges
        ]

    def used_between(key: str, starts_at: datetime, ends_at: datetime) -> Decimal:
        return billing.aggregate_usage(APP, "one", key, starts_at, ends_at)

    before = all_totals()
    while billing.purge_usage(APP, NOW - HOUR, max_events=2):
        assert all_totals() == before
    assert all_totals() == before
    assert len(stored(billing)) == 6


def test_what_may_have_been_purged_is_neither_split_nor_taken(
    session: Session, billing: Billing
) -> None:
    fill(session)
    ingest(session, [Event("two", "calls")])
    first = hour_of(NOW) - 4 * HOUR
    line = first + 2 * HOUR
    purge_all(billing, line)
    for starts_at, ends_at in [
        (first + MICROSECOND, NOW),
        (line - MICROSECOND, NOW),
        (first - timedelta(minutes=1), NOW),
        (first - DAY, line - MICROSECOND),
        (first + timedelta(minutes=1), first + timedelta(minutes=2)),
    ]:
        with pytest.raises(UsagePurged):
            billing.aggregate_usage(APP, "one", "calls", starts_at, ends_at)
        with pytest.raises(UsagePurged):
            billing.aggregate_usage_by_feature(APP, "one", ["users"], starts_at, ends_at)
        assert billing.aggregate_usage(APP, "two", "calls", starts_at, ends_at) == 0
    assert billing.aggregate_usage(APP, "one", "calls", first, line + MICROSECOND) > 0

    before = totals(billing, "users", LONG_AGO, LATER)
    late = [line - MICROSECOND, first, first - DAY, EPOCH]
    answers = ingest(
        session,
        [Event("one", "calls", event_at=text(at), idempotency_key=f"late{at}") for at in late]
        + [Event("one", "calls", event_at=text(line))]
        + [Event("two", "calls", event_at=text(at)) for at in late],
    )
    assert [(answer[1], answer[3]) for answer in answers] == (
        [("rejected", "LG106")] * 4 + [("inserted", None)] * 5
    )
    with pytest.raises(UsagePurged):
        billing.record_usage(APP, "one", "calls", event_at=line - MICROSECOND)
    assert totals(billing, "users", LONG_AGO, LATER) == before


def test_a_replay_of_what_was_purged_is_never_counted_twice(
    session: Session, billing: Billing
) -> None:
    events = fill(session)
    before = (totals(billing, "users", LONG_AGO, LATER), used(billing))
    while billing.purge_usage(APP, NOW - HOUR, max_events=1):
        replayed = statuses(ingest(session, map(reported, events)))
        assert set(replayed) <= {"duplicate", "rejected"}
        assert (totals(billing, "users", LONG_AGO, LATER), used(billing)) == before
    assert Counter(statuses(ingest(session, map(reported, events)))) == {
        "rejected": 9,
        "duplicate": 6,
    }


def test_a_batch_is_sent_again_when_a_purge_has_taken_one_of_two_events_of_a_key(
    session: Session, billing: Billing
) -> None:
    late = Event("one", "calls", "2", event_at=text(NOW - 5 * HOUR), idempotency_key="k")
    later = Event("one", "calls", "3", event_at=text(NOW - HOUR), idempotency_key="k")
    assert codes(ingest(session, [late, later])) == [None, "LG023"]
    assert purge_all(billing, NOW - 2 * HOUR) == 1
    # By itself it may have been counted, and nothing has its key.
    assert codes(ingest(session, [late])) == ["LG106"]
    # What has the key at the end of the call is another event, wherever it stands.
    assert codes(ingest(session, [late, later, late])) == ["LG023", None, "LG023"]
    for batch, expected in (
        ([late, later], ["LG023", None]),
        ([later, late], [None, "LG023"]),
        ([late], ["LG023"]),
    ):
        assert codes(ingest(session, batch)) == expected
    assert used(billing) == 5


def test_a_late_event_is_rejected_where_the_other_of_its_key_is_too(
    session: Session, billing: Billing
) -> None:
    fill(session)
    purge_all(billing, NOW - 2 * HOUR)
    late = Event("one", "calls", event_at=text(NOW - 5 * HOUR), idempotency_key="k")
    for other in (
        late,
        Event("one", "calls", "-1", idempotency_key="k"),
        Event("two", "calls", idempotency_key="k"),
    ):
        assert statuses(ingest(session, [late, other]))[0] == "rejected"


def test_purging_leaves_other_apps_alone_and_tenants_that_had_nothing_to_purge(
    session: Session, billing: Billing
) -> None:
    fill(session)
    fill(session, app_id=OTHER_APP)
    ingest(session, [Event("young", "calls")])
    assert purge_all(billing, NOW - HOUR) == 9
    assert len(stored(billing, app_id=OTHER_APP)) == 15
    late = Event("young", "calls", event_at=text(NOW - 30 * DAY))
    assert statuses(ingest(session, [late])) == ["inserted"]
    late = Event("one", "calls", event_at=text(NOW - 30 * DAY))
    assert statuses(ingest(session, [late])) == ["rejected"]
    assert statuses(ingest(session, [late], app_id=OTHER_APP)) == ["inserted"]


def test_a_purge_that_cannot_be_is_refused(session: Session, billing: Billing) -> None:
    fill(session)
    cases: list[tuple[Any, int | None, type[Exception]]] = [
        (None, 1, NullArgument),
        ("infinity", 1, InvalidTime),
        ("-infinity", 1, InvalidTime),
        (NOW, 1, InvalidTime),
        (NOW - HOUR + MICROSECOND, 1, InvalidTime),
        (LATER, 1, InvalidTime),
        (NOW - DAY, 0, InvalidArgument),
        (NOW - DAY, -1, InvalidArgument),
        (NOW - DAY, 1_000_001, InvalidArgument),
        (NOW - DAY, None, InvalidArgument),
    ]
    for before, max_events, error in cases:
        with pytest.raises(error):
            session.execute(
                "select ledger_purge_usage('acme', %s::timestamptz, %s)", [before, max_events]
            )
    assert len(stored(billing)) == 15
    assert billing.purge_usage(APP, NOW - HOUR, max_events=1_000_000) == 9


def subscribe(
    billing: Billing, tenant_id: str, period: str, interval: str, started_at: datetime
) -> str:
    plan = billing.create_plan(
        APP,
        f"plan-{tenant_id}",
        "Plan",
        "USD",
        features=[{"key": "calls", "limit": 10, "period": period}],
        pricing={"base": {"amount": "1", "interval": interval}},
    )
    return billing.create_subscription(APP, tenant_id, plan.id, started_at=started_at).id


@pytest.mark.parametrize(
    ("period", "interval", "since", "kept_at_last"),
    [
        # Both start at the anchor's 08:15, whose hour is kept whole.
        ("billing", "month", datetime(2026, 7, 1, 8, 15, tzinfo=UTC), True),
        ("day", "month", datetime(2026, 7, 1, 8, 15, tzinfo=UTC), True),
        ("month", "day", datetime(2026, 7, 1, 8, 15, tzinfo=UTC), False),
        ("year", "month", datetime(2026, 3, 1, 8, 15, tzinfo=UTC), False),
        ("day", "day", datetime(2026, 7, 15, 8, 15, tzinfo=UTC), True),
        ("lifetime", "week", datetime(2026, 7, 15, 8, 15, tzinfo=UTC), True),
    ],
)
def test_what_a_subscription_still_counts_in_is_kept(
    session: Session,
    billing: Billing,
    period: str,
    interval: str,
    since: datetime,
    kept_at_last: bool,
) -> None:
    started_at = datetime(2025, 3, 1, 8, 15, tzinfo=UTC)
    if (period, interval) == ("lifetime", "week"):
        started_at = datetime(2026, 7, 1, 8, 15, tzinfo=UTC)
    subscription_id = subscribe(billing, "one", period, interval, started_at)
    # A call moves it on by no more than so many periods.
    while billing.advance(APP, invoices="none", max_span=None):
        pass
    times = [hour_of(since) - HOUR, hour_of(since) - MICROSECOND, hour_of(since), since, NOW]
    ingest(session, [Event("one", "calls", event_at=text(at)) for at in times])
    used_of = billing.check_entitlement(APP, "one", "calls").used
    assert purge_all(billing, NOW - HOUR) == 2
    assert [event.event_at for event in stored(billing)] == times[2:]
    assert billing.check_entitlement(APP, "one", "calls").used == used_of
    # One that has ended counts in nothing any more. Its last period may begin within that hour.
    billing.cancel_subscription(APP, "one", subscription_id, at_period_end=False)
    assert purge_all(billing, NOW - HOUR) == (0 if kept_at_last else 2)
    assert billing.aggregate_usage(APP, "one", "calls", LONG_AGO, LATER) == 5


def test_two_that_purge_at_once_share_the_work(
    session: Session, billing: Billing, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    fill(session, "one")
    fill(session, "two")
    first, second = connect(**PATIENCE), connect(**PATIENCE)
    purged = Billing(first).purge_usage(APP, NOW - HOUR, max_events=5)
    assert purged == 5
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(Billing(second).purge_usage, APP, NOW - HOUR)
        try:
            # Not for the events, but for the line of a tenant of whom both purge.
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        finally:
            first.commit()
        assert future.result(timeout=60) == 13
    second.commit()
    assert purge_all(billing, NOW - HOUR) == 0
    for tenant in ("one", "two"):
        assert len(stored(billing, tenant)) == 6
        assert used(billing, "users", "count", tenant_id=tenant) == 8
        assert used(billing, "calls", "count", tenant_id=tenant) == 7


@pytest.mark.parametrize("ends", ["commit", "rollback"])
@levels
def test_a_replay_that_waits_for_a_purge_of_its_key_is_not_counted_twice(
    session: Session,
    billing: Billing,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    level: IsolationLevel,
    ends: str,
) -> None:
    events = fill(session)
    before = totals(billing, "users", LONG_AGO, LATER)
    purging, replaying = connect(**PATIENCE), connect(**PATIENCE)
    replaying.isolation_level = level
    assert Billing(purging).purge_usage(APP, NOW - HOUR) == 9
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(ingest, replaying, map(reported, events))
        try:
            wait_until_blocked(replaying.info.backend_pid, by=purging.info.backend_pid)
        finally:
            getattr(purging, ends)()
        if ends == "commit":
            with pytest.raises(SerializationFailure):
                future.result(timeout=60)
            replaying.rollback()
            expected = ["rejected"] * 9 + ["duplicate"] * 6
            assert statuses(ingest(replaying, map(reported, events))) == expected
        else:
            assert statuses(future.result(timeout=60)) == ["duplicate"] * 15
    replaying.commit()
    assert totals(billing, "users", LONG_AGO, LATER) == before


def test_a_snapshot_older_than_a_purge_cannot_count_what_was_purged(
    session: Session, billing: Billing, connect: Connect
) -> None:
    events = fill(session)
    before = totals(billing, "users", LONG_AGO, LATER)
    old = connect(**PATIENCE)
    old.isolation_level = IsolationLevel.REPEATABLE_READ
    assert used(Billing(old)) == used(billing)
    purge_all(billing, NOW - HOUR)
    with pytest.raises(SerializationFailure):
        ingest(old, map(reported, events))
    old.rollback()
    assert totals(billing, "users", LONG_AGO, LATER) == before


@levels
def test_late_events_that_are_being_recorded_while_others_are_purged_count_once(
    session: Session, billing: Billing, connect: Connect, level: IsolationLevel
) -> None:
    fill(session)
    late = [
        Event("one", "calls", "1000", event_at=text(NOW - 4 * HOUR), idempotency_key="late"),
        Event("one", "calls", "1000", event_at=text(NOW), idempotency_key="early"),
    ]
    before = used(billing)
    recording = connect(**PATIENCE)
    recording.isolation_level = level
    assert statuses(ingest(recording, late)) == ["inserted"] * 2
    if level is IsolationLevel.READ_COMMITTED:
        # It does not see what is not committed, and waits for nobody.
        assert purge_all(billing, NOW - HOUR) == 9
        recording.commit()
    else:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(purge_all, billing, NOW - HOUR)
            recording.commit()
            assert future.result(timeout=60) in {9, 10}
    assert used(billing) == before + 2000
    assert statuses(ingest(session, late)) in (["rejected", "duplicate"], ["duplicate"] * 2)
    purge_all(billing, NOW - HOUR)
    assert statuses(ingest(session, late)) == ["rejected", "duplicate"]
    assert used(billing) == before + 2000


@levels
def test_replays_and_purges_all_at_once_count_each_event_once(
    session: Session, billing: Billing, connect: Connect, level: IsolationLevel
) -> None:
    """Each event is sent by several sessions while others purge what has come."""
    dice = random.Random(29)
    events = [
        Event(
            dice.choice(["one", "two"]),
            "calls",
            str(number),
            event_at=text(NOW - dice.randrange(1, 72) * HOUR),
            idempotency_key=f"k{number}",
        )
        for number in range(240)
    ]
    batches = [events[start : start + 24] for start in range(0, 240, 24)]

    def send(number: int) -> list[tuple[Event, str]]:
        own = random.Random(number)
        conn = senders[number]
        answers: list[tuple[Event, str]] = []
        for batch in own.sample(batches, len(batches)):
            shuffled = own.sample(batch, len(batch))
            answered = run_transaction(
                conn,
                lambda conn: statuses(ingest(conn, shuffled)),  # noqa: B023
                attempts=1000,
                isolation_level=level,
            )
            answers += zip(shuffled, answered, strict=True)
        return answers

    def purge(conn: Session) -> int:
        purged = 0
        for _ in range(25):
            with suppress(SerializationFailure):
                purged += Billing(conn).purge_usage(APP, NOW - 30 * HOUR, max_events=20)
            conn.commit()
        return purged

    senders = [connect(**PATIENCE) for _ in range(4)]
    purgers = [connect(**PATIENCE) for _ in range(2)]
    for conn in purgers:
        conn.isolation_level = level
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(send, number) for number in range(4)]
        purged = [pool.submit(purge, conn) for conn in purgers]
        answers = [answer for future in sent for answer in future.result(timeout=90)]
        gone = sum(future.result(timeout=90) for future in purged)
    inserted = Counter(event for event, status in answers if status == "inserted")
    assert set(inserted.values()) <= {1}
    for tenant in ("one", "two"):
        own = [event for event in inserted if event.tenant_id == tenant]
        assert used(billing, "calls", "count", tenant_id=tenant) == len(own)
        assert used(billing, tenant_id=tenant) == sum(int(event.quantity or 0) for event in own)
    kept = sum(len(stored(billing, tenant)) for tenant in ("one", "two"))
    assert kept + gone == len(inserted)


# Any batches, in any order, against a plain count

TENANTS = ("one", "two")
PROPERTY_NOW = datetime(2026, 3, 1, 0, 10, tzinfo=UTC)

instants = st.one_of(
    # On boundaries of hours and days, and a microsecond beside them.
    st.builds(
        lambda hours, offset: PROPERTY_NOW.replace(minute=0) - hours * HOUR + offset * MICROSECOND,
        st.sampled_from([-1, 0, 1, 2, 3, 23, 24, 25, 47, 48, 49, 72]),
        st.sampled_from([-1, 0, 1]),
    ),
    st.builds(
        lambda ago: PROPERTY_NOW - ago * MICROSECOND,
        st.integers(-(10**9), 4 * 86_400_000_000),
    ),
)
quantities = st.one_of(
    st.sampled_from(["0", "1", "2.5", "0.000000000000000001", "999999999999999999999999999999"]),
    st.decimals(0, 1000, places=3).map(str),
)
faults: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"quantity": "NaN"},
        {"quantity": "-1"},
        {"quantity": None},
        {"feature_key": "none"},
        {"tenant_id": ""},
        {"event_at": "infinity"},
        {"event_at": text(PROPERTY_NOW + HOUR + MICROSECOND)},
        {"event_at": text(EPOCH - MICROSECOND)},
        {"idempotency_key": ""},
    ]
)


@st.composite
def reports(draw: st.DrawFn) -> tuple[Event, str | None, bool]:
    """An event, the value that is counted of it, and whether it is sound in itself."""
    value = draw(st.sampled_from("abc"))
    at = draw(st.none() | instants)
    arguments: dict[str, Any] = {
        "tenant_id": draw(st.sampled_from(TENANTS)),
        "feature_key": draw(st.sampled_from(list(METERED))),
        "quantity": draw(quantities),
        "event_at": None if at is None else text(at),
        "idempotency_key": draw(st.none() | st.sampled_from([f"k{n}" for n in range(12)])),
        "metadata": json.dumps({"user": value}),
    }
    is_sound = draw(st.integers(0, 5)) > 0
    if not is_sound:
        arguments.update(draw(faults))
    return Event(**arguments), value, is_sound


steps = st.one_of(
    st.lists(reports(), min_size=4, max_size=15),
    st.lists(reports(), max_size=15),
    # Sends an earlier batch again.
    st.integers(0, 9),
    # Purges what is before.
    st.builds(
        lambda hours, minutes: PROPERTY_NOW - hours * HOUR - timedelta(minutes=minutes),
        st.sampled_from([1, 2, 3, 24, 47, 70]),
        st.sampled_from([0, 10, 11]),
    ),
)

Step = list[tuple[Event, str | None, bool]] | int | datetime


def play(session: Session, app_id: str, steps: Sequence[Step], model: UsageModel) -> None:
    billing = Billing(session)
    batches: list[list[tuple[Event, str | None, bool]]] = []
    for step in steps:
        if isinstance(step, datetime):
            assert purge_all(billing, step, app_id=app_id, at_once=5) == model.purge(step)
            continue
        if isinstance(step, int):
            if not batches:
                continue
            batch = batches[step % len(batches)]
            # What has no key is another event each time.
            batch = [report for report in batch if report[0].idempotency_key]
            before = len(model.counted)
        else:
            batch, before = step, None
            batches.append(step)
        answers = ingest(session, [event for event, _, _ in batch], app_id=app_id)
        accepted = iter(
            model.accept(
                [
                    (event, value if event.feature_key == "users" else None)
                    for event, value, is_sound in batch
                    if is_sound
                ],
                PROPERTY_NOW,
            )
        )
        assert statuses(answers) == [
            next(accepted) if is_sound else "rejected" for _, _, is_sound in batch
        ]
        assert all((answer[1] == "rejected") == (answer[3] is not None) for answer in answers)
        # A key that a purge took with its event is free for a later one.
        assert before is None or all(
            (event.tenant_id, event.feature_key, event.idempotency_key) in model.forgotten
            for event in model.counted[before:]
        )


@settings(max_examples=scaled(50))
@given(
    played=st.lists(steps, min_size=1, max_size=7),
    edges=st.lists(instants | st.just(PROPERTY_NOW), min_size=2, max_size=8, unique=True),
)
def test_whatever_is_reported_comes_to_what_a_plain_count_of_it_does(
    played: list[Step],
    edges: list[datetime],
    property_session: Session,
    property_apps: "itertools.count[int]",
) -> None:
    session, app_id = property_session, f"app{next(property_apps)}"
    billing = Billing(session)
    model = UsageModel()
    play(session, app_id, played, model)

    ranges = list(itertools.combinations(sorted(edges), 2))
    ranges += [(hour_of(starts_at), hour_of(ends_at) + HOUR) for starts_at, ends_at in ranges]
    ranges = ranges[::2] + ranges[1::4]
    # Some that begin with the very hour of an event, which may be gone by now.
    hours = sorted({hour_of(event.event_at) for event in model.counted})
    ranges += [(hour, hour + length * HOUR) for hour in hours[:3] for length in (1, 30)]
    for tenant, (starts_at, ends_at) in itertools.product(TENANTS, ranges):
        if model.is_split(tenant, starts_at, ends_at):
            with pytest.raises(UsagePurged):
                billing.aggregate_usage(app_id, tenant, "calls", starts_at, ends_at)
            continue
        rows = billing.aggregate_usage_by_feature(app_id, tenant, METERED, starts_at, ends_at)
        assert {row.feature_key: row.value for row in rows} == {
            key: total(model.between(tenant, key, starts_at, ends_at), aggregation)
            for key, aggregation in METERED.items()
        }, (tenant, starts_at, ends_at)
    for tenant in TENANTS:
        assert [
            (event.feature_key, event.event_at, event.quantity, event.idempotency_key)
            for event in stored(billing, tenant, app_id)
        ] == [
            (event.feature_key, event.event_at, event.quantity, event.idempotency_key)
            for event in sorted(model.stored, key=lambda event: (event.event_at, event.place))
            if event.tenant_id == tenant
        ]


@pytest.fixture
def property_session(connect: Connect, set_clock: SetClock) -> Session:
    session = connect(autocommit=True, **PATIENCE)
    for key, aggregation in METERED.items():
        Billing(session).create_feature(
            "*",
            key,
            key,
            aggregation=aggregation,
            unique_key="user" if aggregation == "unique_count" else None,
        )
    set_clock(session, PROPERTY_NOW)
    return session


@pytest.fixture
def property_apps() -> "itertools.count[int]":
    """Numbers of apps: each example has one of its own."""
    return itertools.count()


def test_the_same_report_from_python_and_from_sql_is_the_same(
    session: Session, billing: Billing
) -> None:
    answers = billing.ingest_usage(
        APP,
        [
            UsageRecord("one", "calls", Decimal("1.5"), event_at=NOW - DAY, idempotency_key="k"),
            UsageRecord("one", "users", metadata={"user": "a"}),
            UsageRecord("one", "none"),
        ],
    )
    assert [(answer.event_index, answer.status, answer.error) for answer in answers] == [
        (1, "inserted", None),
        (2, "inserted", None),
        (3, "rejected", "LG111"),
    ]
    again = ingest(session, [Event("one", "calls", "1.50", idempotency_key="k")])
    assert statuses(again) == ["duplicate"]
    assert [answer.id for answer in answers[:2]] == [event.id for event in stored(billing)]
