"""Checks that remember their answers, many checks in one call, and forgetting one answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from pgledger import Billing, Plan
from pgledger.errors import (
    BatchTooLarge,
    FeatureNotFound,
    InvalidArgument,
    InvalidBatch,
    InvalidQuantity,
    InvalidScope,
    NullArgument,
)
from support.clock import SetClock
from support.database import Connect

APP = "acme"
NOW = datetime(2026, 3, 10, 10, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

Session = psycopg.Connection[Any]


@pytest.fixture
def session(connect: Connect, set_clock: SetClock) -> Session:
    """An autocommit session in a database where tenant "one" may make 10 calls a month.

    Its clock stands still at NOW.
    """
    session = connect(autocommit=True, options="-c statement_timeout=60s")
    session.execute("create table test_clock (now timestamptz not null)")
    session.execute("insert into test_clock values (%s)", [NOW])
    session.execute("grant select on test_clock to public")
    set_clock(session, "select test_clock.now from public.test_clock")
    billing = Billing(session)
    billing.create_feature(APP, "calls", "Calls")
    billing.create_feature(APP, "hits", "Hits", aggregation="count")
    billing.create_feature(APP, "sso", "Single sign-on", type="boolean")
    billing.create_feature(APP, "else", "In no plan")
    billing.create_subscription(APP, "one", make_plan(billing).id)
    return session


@pytest.fixture
def billing(session: Session) -> Billing:
    return Billing(session)


def put_clock(session: Session, now: datetime) -> None:
    session.execute("update test_clock set now = %s", [now])


def make_plan(billing: Billing, slug: str = "pro", limit: int = 10) -> Plan:
    return billing.create_plan(
        APP,
        slug,
        "Plan",
        "USD",
        features=[{"key": "calls", "limit": limit}, {"key": "hits", "limit": 3}, {"key": "sso"}],
    )


def remembered(session: Session) -> list[tuple[str, str, Decimal]]:
    return session.execute(
        "select tenant_id, feature_key, used from ledger_entitlement_cache order by 1, 2"
    ).fetchall()


def written(session: Session) -> list[Any]:
    """Returns which transaction wrote which entry."""
    return session.execute(
        "select xmin::text, tenant_id, feature_key from pgledger.entitlement_cache order by 2, 3"
    ).fetchall()


# Reading through what is remembered


def test_what_is_not_remembered_is_worked_out_and_remembered(
    session: Session, billing: Billing
) -> None:
    billing.record_usage(APP, "one", "calls", quantity=4)
    for quantity in (1, 6, 7):
        exact = billing.check_entitlement(APP, "one", "calls", quantity=quantity)
        assert billing.check_cached_entitlement(APP, "one", "calls", quantity=quantity) == exact
        assert exact.allowed == (quantity <= 6)
    first = written(session)
    assert [entry[1:] for entry in first] == [("one", "calls")]
    assert billing.get_cached_entitlement(APP, "one", "calls", quantity=7) == exact
    # It was served from there: nothing was written again.
    assert written(session) == first


def test_what_has_changed_is_not_served(session: Session, billing: Billing) -> None:
    assert billing.check_cached_entitlement(APP, "one", "calls").used == 0
    billing.record_usage(APP, "one", "calls", quantity=10)
    found = billing.check_cached_entitlement(APP, "one", "calls")
    assert (found.allowed, found.used, found.reason) == (False, 10, "limit_exceeded")
    subscription = billing.get_active_subscription(APP, "one")
    assert subscription is not None
    billing.change_plan(APP, "one", subscription.id, make_plan(billing, "max", 100).id)
    assert billing.check_cached_entitlement(APP, "one", "calls").remaining == 90
    assert remembered(session) == [("one", "calls", 10)]


def test_a_month_ends_what_is_remembered(session: Session, billing: Billing) -> None:
    billing.set_entitlement_ttl(APP, DAY)
    billing.record_usage(APP, "one", "calls", quantity=10)
    end = billing.list_subscriptions(APP, "one")[0].current_period_end
    put_clock(session, end - SECOND)
    assert not billing.check_cached_entitlement(APP, "one", "calls").allowed
    put_clock(session, end)
    assert billing.check_cached_entitlement(APP, "one", "calls").used == 0


@pytest.mark.parametrize("ttl", [None, 5 * SECOND, DAY])
def test_the_time_to_live_is_set_once_for_an_app(
    session: Session, billing: Billing, ttl: timedelta | None
) -> None:
    if ttl is not None:
        assert billing.set_entitlement_ttl(APP, ttl) == ttl
    billing.set_entitlement_ttl("other", SECOND)
    billing.check_cached_entitlement(APP, "one", "sso")
    billing.set_cached_entitlement(APP, "one", "calls")
    billing.set_cached_entitlement(APP, "one", "hits", ttl=2 * SECOND)
    lives = session.execute(
        "select feature_key, expires_at - created_at from ledger_entitlement_cache order by 1"
    ).fetchall()
    expected = ttl or 30 * SECOND
    assert lives == [("calls", expected), ("hits", 2 * SECOND), ("sso", expected)]

    put_clock(session, NOW + expected)
    assert billing.get_cached_entitlement(APP, "one", "sso") is None
    assert billing.check_cached_entitlement(APP, "one", "sso").allowed
    assert billing.get_cached_entitlement(APP, "one", "sso") is not None


def test_a_time_to_live_is_above_0_and_at_most_a_day(session: Session, billing: Billing) -> None:
    for wrong in (timedelta(0), -SECOND, DAY + timedelta(microseconds=1)):
        with pytest.raises(InvalidArgument):
            billing.set_entitlement_ttl(APP, wrong)
    for wrong_app in ("", "*", "a b"):
        with pytest.raises(InvalidScope):
            billing.set_entitlement_ttl(wrong_app, SECOND)
    with pytest.raises(psycopg.errors.CheckViolation):
        session.execute("insert into pgledger.apps (app_id, entitlement_ttl) values ('x', '0')")


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
def test_older_snapshots_get_the_answer_and_remember_nothing(
    session: Session, billing: Billing, connect: Connect, level: IsolationLevel
) -> None:
    older = connect()
    older.isolation_level = level
    assert Billing(older).check_cached_entitlement(APP, "one", "calls").used == 0
    # Another one remembers meanwhile; the older snapshot would fail on that.
    billing.record_usage(APP, "one", "calls")
    assert billing.check_cached_entitlement(APP, "one", "calls").used == 1
    assert Billing(older).check_cached_entitlement(APP, "one", "calls").used == 0
    older.commit()
    assert remembered(session) == [("one", "calls", 1)]


def test_a_read_only_transaction_gets_the_answer(session: Session, billing: Billing) -> None:
    with session.transaction():
        session.execute("set transaction read only")
        assert billing.check_cached_entitlement(APP, "one", "calls").remaining == 10
    assert remembered(session) == []


def test_it_waits_for_nobody(session: Session, billing: Billing, connect: Connect) -> None:
    hasty = connect(autocommit=True, options="-c lock_timeout=1ms -c statement_timeout=10s")
    # Once with an entry that is new and not committed, then with one that is being replaced.
    for used in (0, 1):
        holder = connect()
        assert Billing(holder).check_cached_entitlement(APP, "one", "calls").used == used
        assert Billing(hasty).check_cached_entitlement(APP, "one", "calls").used == used
        holder.commit()
        assert remembered(session) == [("one", "calls", used)]
        billing.record_usage(APP, "one", "calls")
    holder = connect()
    Billing(holder).set_cached_entitlement(APP, "one", "calls")
    assert Billing(hasty).check_cached_entitlement(APP, "one", "calls").used == 2


def test_very_many_answers_are_remembered_in_one_transaction(session: Session) -> None:
    """A transaction cannot hold a lock for each of them."""
    count = session.execute(
        "select count(answer.feature) from generate_series(1, 20000) as number"
        " cross join lateral ledger_check_cached_entitlement('acme', 't' || number, 'calls')"
        " as answer"
    ).fetchone()
    assert count == (20000,)
    assert len(remembered(session)) == 20000


def test_what_cannot_be_checked_is_refused(session: Session, billing: Billing) -> None:
    for quantity in (-1, Decimal("NaN"), 10**30):
        with pytest.raises(InvalidQuantity):
            billing.check_cached_entitlement(APP, "one", "calls", quantity=quantity)
    for scope, error in (
        (("*", "one", "calls"), InvalidScope),
        ((APP, "", "calls"), InvalidScope),
        ((None, "one", "calls"), NullArgument),
        ((APP, None, "calls"), NullArgument),
        ((APP, "one", None), NullArgument),
        ((APP, "one", "none"), FeatureNotFound),
    ):
        arguments: Any = scope
        with pytest.raises(error):
            billing.check_cached_entitlement(*arguments)
        with pytest.raises(error):
            billing.invalidate_entitlement(*arguments)
    with pytest.raises(NullArgument):
        session.execute("select ledger_check_cached_entitlement('acme', 'one', 'calls', null)")
    assert remembered(session) == []


# Forgetting one answer


def test_one_answer_of_one_tenant_is_forgotten(session: Session, billing: Billing) -> None:
    plan = billing.get_plan_by_slug(APP, "pro")
    billing.create_subscription(APP, "two", plan.id)
    answers = [(tenant, key) for tenant in ("one", "two") for key in ("calls", "hits")]

    def remember_all() -> None:
        for tenant, key in answers:
            billing.set_cached_entitlement(APP, tenant, key)

    def served() -> list[tuple[str, str]]:
        return [
            (tenant, key)
            for tenant, key in answers
            if billing.get_cached_entitlement(APP, tenant, key) is not None
        ]

    for _ in range(2):
        remember_all()
        assert served() == answers
        billing.invalidate_entitlement(APP, "one", "calls")
        assert served() == answers[1:]
        # All tenants', one tenant's all, and one alone do not undo one another.
        remember_all()
        billing.invalidate_feature_entitlements(APP, "calls")
        assert served() == [("one", "hits"), ("two", "hits")]
        remember_all()
        billing.invalidate_tenant_entitlements(APP, "one")
        assert served() == [("two", "calls"), ("two", "hits")]


def test_an_answer_that_is_being_worked_out_is_forgotten_too(
    session: Session, billing: Billing, connect: Connect
) -> None:
    holder = connect()
    assert Billing(holder).check_cached_entitlement(APP, "one", "calls").allowed
    billing.invalidate_entitlement(APP, "one", "calls")
    holder.commit()
    assert remembered(session) == [("one", "calls", 0)]
    assert billing.get_cached_entitlement(APP, "one", "calls") is None


# Many checks in one call


def test_many_checks_are_answered_in_the_order_of_the_keys(billing: Billing) -> None:
    billing.record_usage(APP, "one", "calls", quantity=4)
    keys = ["sso", "calls", "else", "hits", "calls"]
    exact = [billing.check_entitlement(APP, "one", key) for key in keys]
    assert billing.check_entitlements(APP, "one", keys) == exact
    quantities = [Decimal(1), Decimal(6), Decimal(0), Decimal(3), Decimal("6.5")]
    found = billing.check_entitlements(APP, "one", keys, quantities=quantities)
    assert found == [
        billing.check_entitlement(APP, "one", key, quantity=quantity)
        for key, quantity in zip(keys, quantities, strict=True)
    ]
    assert [one.allowed for one in found] == [True, True, False, True, False]
    assert billing.check_entitlements(APP, "one", []) == []
    assert billing.check_entitlements(APP, "one", [], quantities=[]) == []
    assert [one.reason for one in billing.check_entitlements(APP, "two", ["calls", "sso"])] == [
        "no_subscription"
    ] * 2


def test_many_checks_are_of_one_moment(billing: Billing, connect: Connect) -> None:
    """Each time another session has recorded meanwhile, all answers are still the same."""
    recorder = Billing(connect(autocommit=True))
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(lambda: [recorder.record_usage(APP, "one", "calls") for _ in range(300)])
        seen: set[Decimal] = set()
        while not done.done():
            answers = {one.used for one in billing.check_entitlements(APP, "one", ["calls"] * 200)}
            assert len(answers) == 1
            seen |= answers
    assert len(done.result()) == 300
    assert len(seen) > 1


def test_what_cannot_be_checked_together_is_refused(session: Session, billing: Billing) -> None:
    for statement, error in (
        ("null", InvalidBatch),
        ("array['calls', null]", NullArgument),
        ("array['calls', 'none']", FeatureNotFound),
        ("array[array['calls', 'sso'], array['sso', 'calls']]", InvalidBatch),
        ("array['calls'], array[1, 2]", InvalidBatch),
        ("array['calls'], array[1::numeric, null]", InvalidBatch),
        ("array['calls', 'sso'], array[1::numeric, null]", NullArgument),
        ("array['calls', 'sso'], array[1, -1]", InvalidQuantity),
        ("array['calls'], array['NaN'::numeric]", InvalidQuantity),
        ("array_fill('calls'::text, array[100001])", BatchTooLarge),
    ):
        query = f"select * from ledger_check_entitlements('acme', 'one', {statement})".encode()
        with pytest.raises(error):
            session.execute(query)
    for app_id, tenant_id in (("*", "one"), ("", "one"), (APP, "")):
        with pytest.raises(InvalidScope):
            billing.check_entitlements(app_id, tenant_id, ["calls"])
    wrong: Any
    for wrong in ("calls", 5):
        with pytest.raises(TypeError):
            billing.check_entitlements(APP, "one", wrong)
    for wrong in ("12", 5, [1.5], ["1"], [True], [None]):
        with pytest.raises(TypeError):
            billing.check_entitlements(APP, "one", ["calls"], quantities=wrong)
