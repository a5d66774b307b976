"""What a plan asks and gives has versions: which holds when, and what is refused of them."""

import itertools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgledger import errors
from support.at_once import all_at_once
from support.clock import SetClock
from support.database import Connect
from support.invoices import carry_clock, make_feature, make_plan, put_clock
from support.subscriptions import Row, Session, Tenant, call, utc

START = "2025-01-01 00:00"
JANUARY, FEBRUARY, MARCH, APRIL = (f"2025-0{month}-01 00:00" for month in (1, 2, 3, 4))
INVALID_TIME = errors.InvalidTime.sqlstate
CALLS = {"feature": "calls", "model": "per_unit"}


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    make_feature(conn, "words")
    make_feature(conn, "team", type="seat")
    return conn


def connect_now(connect: Connect, **options: Any) -> Session:
    conn = connect(**options)
    put_clock(conn, START)
    return conn


def price(amount: str | int) -> dict[str, Any]:
    return {"base": {"amount": str(amount)}}


def soft(limit: int, key: str = "calls") -> dict[str, Any]:
    return {"key": key, "limit": limit, "soft_limit": True}


def update(conn: Session, plan: str, **options: Any) -> Row:
    given = dict(options)
    if isinstance(options.get("effective_at"), str):
        given["effective_at"] = utc(options["effective_at"])
    if "clear" in options:
        given["clear"] = f"{{{','.join(options['clear'])}}}"
    (row,) = call(conn, "ledger_update_plan", app_id="shop", id=plan, **given)
    return row


def refused(conn: Session, sqlstate: str, message: str, plan: str, **options: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        update(conn, plan, **options)
    assert caught.value.sqlstate == sqlstate, caught.value
    assert message in str(caught.value.diag.message_primary)


def terms(conn: Session, plan: str, at: str | datetime) -> tuple[Any, Any, Any]:
    row = conn.execute(
        """
        select terms.pricing, terms.allowances, terms.features
        from pgledger.plans
        cross join lateral pgledger.plan_terms(plans.key, %s) as terms
        where plans.id = %s
        """,
        [utc(at) if isinstance(at, str) else at, plan],
    ).fetchone()
    assert row is not None
    return row


def base(conn: Session, plan: str, *times: str) -> list[str]:
    return [terms(conn, plan, at)[0]["base"]["amount"] for at in times]


def versions(conn: Session, plan: str) -> list[tuple[int, str, datetime | None]]:
    rows = call(conn, "ledger_list_plan_versions", app_id="shop", id=plan)
    assert all(row["plan_id"] == plan for row in rows)
    return [(row["version"], row["status"], row["effective_at"]) for row in rows]


# What holds when


def test_a_plan_has_held_since_ever(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1", features=[soft(10), {"key": "team", "limit": 3}])
    for at in ("0001-01-01 00:00", START, "9999-12-31 00:00"):
        pricing, allowances, features = terms(conn, plan, at)
        assert pricing == {"base": {"amount": "1"}, "prices": []}
        assert allowances == {"calls": "10"}
        assert {key: (one["type"], one["aggregation"]) for key, one in features.items()} == {
            "calls": ("metered", "sum"),
            "team": ("seat", "latest"),
        }
    assert versions(conn, plan) == [(1, "current", None)]


def test_a_price_holds_from_when_it_was_written(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1")
    put_clock(conn, "2025-02-01 08:00")
    assert update(conn, plan, pricing=price(2))["pricing"] == price(2)
    assert base(conn, plan, JANUARY, FEBRUARY, "2025-02-01 07:59", "2025-02-01 08:00", MARCH) == [
        *("1", "1", "1"),
        *("2", "2"),
    ]
    # The first is current too: the plan still has the features that it was created with.
    assert versions(conn, plan) == [(1, "current", None), (2, "current", utc("2025-02-01 08:00"))]


def test_a_price_can_hold_since_an_earlier_time(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1")
    put_clock(conn, "2025-02-01 08:00")
    assert update(conn, plan, pricing=price(2), effective_at=FEBRUARY)["pricing"] == price(2)
    assert base(conn, plan, JANUARY, "2025-01-31 23:59", FEBRUARY, MARCH) == ["1", "1", "2", "2"]


def test_a_price_can_be_planned(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1")
    planned = update(conn, plan, pricing=price(2), effective_at=MARCH)
    assert (planned["version"], planned["pricing"]["base"]["amount"]) == (2, "1")
    assert versions(conn, plan) == [(1, "current", None), (2, "planned", utc(MARCH))]
    (listed,) = call(conn, "ledger_list_plans", app_id="shop")
    assert listed == planned
    put_clock(conn, MARCH)
    (held,) = call(conn, "ledger_get_plan", app_id="shop", id=plan)
    assert held["pricing"] == price(2)
    (view,) = conn.execute("select pricing from ledger_plans").fetchall()
    assert view == (price(2),)
    assert [row[1] for row in versions(conn, plan)] == ["current", "current"]


@pytest.mark.parametrize("order", list(itertools.permutations((JANUARY, FEBRUARY, MARCH, APRIL))))
def test_changes_in_any_order_come_to_the_same(conn: Session, order: tuple[str, ...]) -> None:
    plan = make_plan(conn, "pro", amount="0")
    put_clock(conn, "2025-02-15 00:00")
    for at in order:
        update(conn, plan, pricing=price(at[5:7]), effective_at=at)
    assert base(conn, plan, "2024-12-31 00:00", JANUARY, FEBRUARY, MARCH, APRIL) == [
        *("0", "01", "02", "03", "04"),
    ]
    (held,) = call(conn, "ledger_get_plan", app_id="shop", id=plan)
    assert (held["pricing"], held["version"]) == (price("02"), 5)


def test_of_two_for_one_time_the_later_written_holds(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1")
    update(conn, plan, pricing=price(2), effective_at=MARCH)
    assert update(conn, plan, pricing=price(2), effective_at=MARCH)["version"] == 2
    # So a planned price is withdrawn.
    assert update(conn, plan, pricing=price(1), effective_at=MARCH)["version"] == 3
    assert base(conn, plan, FEBRUARY, MARCH, APRIL) == ["1", "1", "1"]
    # It is written even though the same holds: an earlier one may come between.
    assert update(conn, plan, pricing=price(1), effective_at=APRIL)["version"] == 4
    update(conn, plan, pricing=price(5), effective_at="2025-03-15 00:00")
    assert base(conn, plan, MARCH, "2025-03-15 00:00", APRIL) == ["1", "5", "1"]


def test_what_holds_already_is_no_change(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1", features=[soft(10)])
    (before,) = call(conn, "ledger_get_plan", app_id="shop", id=plan)
    given = {"features": before["features"], "pricing": before["pricing"]}
    assert update(conn, plan, **given) == before
    assert update(conn, plan, name="New")["version"] == 2
    assert [row[0] for row in versions(conn, plan)] == [1]


def test_features_and_pricing_have_times_of_their_own(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1", features=[soft(10)])
    update(conn, plan, pricing=price(2), effective_at=MARCH)
    put_clock(conn, "2025-01-10 00:00")
    update(conn, plan, features=[soft(20)], priority=1)
    assert [terms(conn, plan, at)[1]["calls"] for at in (JANUARY, FEBRUARY, MARCH)] == [
        *("10", "20", "20"),
    ]
    assert base(conn, plan, JANUARY, FEBRUARY, MARCH) == ["1", "1", "2"]
    rows = call(conn, "ledger_list_plan_versions", app_id="shop", id=plan)
    assert [(row["features"] is None, row["pricing"] is None) for row in rows] == [
        *((False, False), (False, True), (True, False)),
    ]
    assert [row["priority"] for row in rows] == [0, 1, None]
    assert [row["status"] for row in rows] == ["current", "current", "planned"]
    put_clock(conn, MARCH)
    assert [row[1] for row in versions(conn, plan)] == ["past", "current", "current"]


def test_limits_hold_at_once(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1", features=[{"key": "calls", "limit": 10}])
    Tenant(conn).create(plan)
    changed = update(conn, plan, features=[soft(20)], effective_at=MARCH)
    assert changed["features"] == [soft(20)]
    tenant = {"app_id": "shop", "tenant_id": "t1", "feature_key": "calls"}
    (allowed,) = call(conn, "ledger_check_entitlement", **tenant)
    assert (allowed["limit"], allowed["soft_limit"]) == (20, True)
    assert [terms(conn, plan, at)[1] for at in (FEBRUARY, MARCH)] == [{}, {"calls": "20"}]
    # And back at once, while what is planned stays.
    update(conn, plan, features=[{"key": "calls", "limit": 10}])
    (allowed,) = call(conn, "ledger_check_entitlement", **tenant)
    assert (allowed["limit"], allowed["soft_limit"]) == (10, False)
    assert terms(conn, plan, MARCH)[1] == {"calls": "20"}


def test_a_period_keeps_how_usage_was_counted(conn: Session) -> None:
    plan = make_plan(conn, "pro", features=[{"key": "calls", "aggregation": "max"}])
    put_clock(conn, FEBRUARY)
    update(conn, plan, features=[{"key": "words"}])
    before, after = terms(conn, plan, JANUARY)[2], terms(conn, plan, FEBRUARY)[2]
    assert before["calls"]["aggregation"] == "max"
    assert list(after) == ["words"]


def test_a_clock_that_was_put_back_loses_no_change(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="1")
    put_clock(conn, FEBRUARY)
    update(conn, plan, pricing=price(2))
    put_clock(conn, "2025-01-20 00:00")
    assert update(conn, plan, pricing=price(3))["pricing"] == price(3)
    assert base(conn, plan, "2025-01-25 00:00", FEBRUARY, MARCH) == ["1", "3", "3"]


def test_priorities_have_times_of_their_own(conn: Session) -> None:
    plan = make_plan(conn, "pro", priority=5)
    row = update(conn, plan, priority=-1, effective_at=MARCH)
    assert (row["priority"], row["version"]) == (5, 2)
    assert update(conn, plan, priority=5) == row
    put_clock(conn, MARCH)
    (row,) = call(conn, "ledger_get_plan", app_id="shop", id=plan)
    assert row["priority"] == -1
    assert conn.execute(
        "select pgledger.plan_priority(key, %s), pgledger.plan_priority(key, %s)"
        " from pgledger.plans",
        [utc(FEBRUARY), utc(MARCH)],
    ).fetchall() == [(5, -1)]


# What is refused


def test_what_is_planned_goes_together_with_what_comes_before_it(conn: Session) -> None:
    one = {"prices": [{**CALLS, "unit_amount": 1}]}
    plan = make_plan(conn, "pro", features=[{"key": "calls"}])
    update(conn, plan, pricing=one, effective_at=MARCH)
    # In March, calls have a price.
    refused(conn, "LG102", "$.pricing.prices[0].feature", plan, features=[])
    refused(conn, "LG102", "$.features[0].period", plan,
            features=[{**soft(1), "period": "day"}])  # fmt: skip
    assert versions(conn, plan) == [(1, "current", None), (2, "planned", utc(MARCH))]
    # Once they have none, they can go.
    update(conn, plan, pricing={}, effective_at=MARCH)
    put_clock(conn, FEBRUARY)
    update(conn, plan, features=[])
    # For what is not billed yet, it is known what there was.
    assert terms(conn, plan, JANUARY)[2]["calls"]["type"] == "metered"


@pytest.mark.parametrize(
    ("sqlstate", "message", "options"),
    [
        (INVALID_TIME, "effective_at", {"pricing": {}, "effective_at": "infinity"}),
        (INVALID_TIME, "effective_at", {"pricing": {}, "effective_at": "0044-03-15 00:00 BC"}),
        (INVALID_TIME, "effective_at", {"pricing": {}, "effective_at": "10000-01-01"}),
        ("LG101", "neither features nor pricing", {"name": "N", "effective_at": "2025-03-01"}),
        ("LG101", "neither features nor pricing", {"effective_at": "2025-03-01"}),
        ("LG102", "$.pricing.base.amount", {"pricing": price(-1), "effective_at": "2025-03-01"}),
        ("LG101", "status", {"status": "deleted"}),
        ("LG101", "clear", {"clear": ["name"]}),
        ("LG101", "clear", {"clear": [None]}),
        ("LG101", "clear", {"clear": ["metadata"], "metadata": {}}),
        ("LG101", "clear", {"clear": ["description'; drop table x; --"]}),
    ],
)
def test_what_cannot_be_is_refused(
    conn: Session, sqlstate: str, message: str, options: Mapping[str, Any]
) -> None:
    plan = make_plan(conn, "pro", amount="1")
    given = {
        name: Jsonb(value) if isinstance(value, dict) else value for name, value in options.items()
    }
    arguments = ", ".join(
        f"{name} => %({name})s::{'timestamptz' if name == 'effective_at' else 'text[]'}"
        if name in ("effective_at", "clear")
        else f"{name} => %({name})s"
        for name in given
    )
    statement = f"select ledger_update_plan('shop', '{plan}', {arguments})"
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(statement.encode(), given)
    assert message in str(caught.value.diag.message_primary), caught.value
    assert caught.value.sqlstate == sqlstate
    assert versions(conn, plan) == [(1, "current", None)]


def test_versions_are_of_plans_of_the_app(conn: Session) -> None:
    plan = make_plan(conn, "pro")
    for arguments, error in (
        ({"app_id": "other", "id": plan}, errors.PlanNotFound),
        ({"app_id": "shop", "id": None}, errors.NullArgument),
        ({"app_id": "shop", "id": "plan_x"}, errors.InvalidId),
        ({"app_id": "shop", "id": plan, "page_size": 0}, errors.InvalidPage),
        ({"app_id": "shop", "id": plan, "page_offset": -1}, errors.InvalidPage),
    ):
        with pytest.raises(psycopg.Error) as caught:
            call(conn, "ledger_list_plan_versions", **arguments)
        assert caught.value.sqlstate == error.sqlstate
    for number in range(5):
        update(conn, plan, pricing=price(number), effective_at=MARCH)
    pages = [
        [
            row["version"]
            for row in call(conn, "ledger_list_plan_versions", app_id="shop", id=plan,
                            page_size=2, page_offset=offset)
        ]
        for offset in (0, 2, 4, 6)
    ]  # fmt: skip
    assert pages == [[1, 2], [3, 4], [5, 6], []]


# The billing interval


YEARLY = {"base": {"amount": "100", "interval": "year"}}


def test_another_interval_holds_since_ever_while_nobody_has_the_plan(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="10", features=[soft(10)])
    update(conn, plan, pricing=price(20), effective_at=MARCH)
    refused(conn, "LG101", "effective_at", plan, pricing=YEARLY, effective_at=MARCH)
    changed = update(conn, plan, pricing=YEARLY)
    assert (changed["billing_interval"], changed["pricing"]) == ("year", YEARLY)
    assert versions(conn, plan) == [(3, "current", None)]
    for at in ("2020-01-01 00:00", JANUARY, MARCH):
        assert terms(conn, plan, at)[:2] == (YEARLY, {"calls": "10"})
    # So a subscription that began long ago pays a year's price for a year.
    began = Tenant(conn).create(plan, started_at=utc("2024-01-01 00:00"))
    assert (began["current_period_start"], began["current_period_end"]) == (
        utc("2025-01-01 00:00"),
        utc("2026-01-01 00:00"),
    )


def test_another_interval_is_refused_once_somebody_had_the_plan(conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="10")
    other = make_plan(conn, "other", amount="10")
    tenant = Tenant(conn)
    subscription = tenant.create(plan)["id"]
    refused(conn, "LG122", "subscriptions have it, so", plan, pricing=YEARLY)
    tenant.one("ledger_change_plan", id=subscription, plan_id=other)
    refused(conn, "LG122", "subscriptions have had it, so", plan, pricing=YEARLY)
    refused(conn, "LG122", "subscriptions have had it, so", plan, pricing=YEARLY,
            effective_at=START)  # fmt: skip


# Two sessions


def changing(plan: str, **options: Any) -> Callable[[Session], Any]:
    return lambda session: update(session, plan, **options)["version"]


def subscribing(plan: str, tenant_id: str) -> Callable[[Session], Any]:
    return lambda session: Tenant(session, tenant_id).create(plan)


def test_changes_of_many_sessions_are_all_kept(conn: Session, connect: Connect) -> None:
    plan = make_plan(conn, "pro", amount="0")
    times = [utc(START) + timedelta(days=day) for day in range(12)]

    answers = all_at_once(
        partial(connect_now, connect),
        [changing(plan, pricing=price(number), effective_at=at) for number, at in enumerate(times)],
    )
    assert sorted(answers) == list(range(2, 14))
    assert [terms(conn, plan, at)[0]["base"]["amount"] for at in times] == [
        str(number) for number in range(12)
    ]


def test_who_subscribes_waits_for_a_change_of_the_interval(conn: Session, connect: Connect) -> None:
    for turn in range(6):
        plan = make_plan(conn, f"plan-{turn}", amount="10")
        answers = all_at_once(
            partial(connect_now, connect),
            [
                changing(plan, pricing=YEARLY),
                subscribing(plan, f"t{turn}"),
            ],
        )
        changed, created = answers
        assert isinstance(created, dict), created
        length = created["current_period_end"] - created["current_period_start"]
        held = terms(conn, plan, created["current_period_start"])[0]
        if isinstance(changed, psycopg.Error):
            assert changed.sqlstate == "LG122"
            assert held["base"]["amount"] == "10"
            assert length < timedelta(days=32)
        else:
            assert held == YEARLY
            assert length > timedelta(days=360)


# Archived and active again


def test_a_plan_becomes_active_again(conn: Session) -> None:
    plan = make_plan(conn, "pro")
    assert update(conn, plan, status="archived")["status"] == "archived"
    assert update(conn, plan, status="archived")["version"] == 2
    with pytest.raises(psycopg.Error, match="is archived"):
        Tenant(conn).create(plan)
    assert (update(conn, plan, status="active")["version"]) == 3
    assert Tenant(conn).create(plan)["plan_id"] == plan


def test_the_slug_of_an_archived_plan_is_free(conn: Session) -> None:
    first = make_plan(conn, "pro", amount="1")
    call(conn, "ledger_archive_plan", app_id="shop", id=first)
    second = make_plan(conn, "pro", amount="2")
    (found,) = call(conn, "ledger_get_plan_by_slug", app_id="shop", slug="pro")
    assert found["id"] == second
    with pytest.raises(psycopg.Error) as caught:
        make_plan(conn, "pro")
    assert caught.value.sqlstate == "LG120"
    refused(conn, "LG120", "'pro'", first, status="active")
    update(conn, second, status="archived")
    (found,) = call(conn, "ledger_get_plan_by_slug", app_id="shop", slug="pro")
    assert found["id"] == second
    assert update(conn, first, status="active")["status"] == "active"
    refused(conn, "LG120", "'pro'", second, status="active")
    # A tenant's own plan of that slug is another.
    own = make_plan(conn, "pro", tenant_id="t1")
    call(conn, "ledger_archive_plan", app_id="shop", id=own)
    (found,) = call(conn, "ledger_get_plan_by_slug", app_id="shop", slug="pro", tenant_id="t1")
    assert found["id"] == own


def test_one_of_many_gets_a_slug(conn: Session, connect: Connect) -> None:
    plans = []
    for _ in range(4):
        plan = make_plan(conn, "pro")
        call(conn, "ledger_archive_plan", app_id="shop", id=plan)
        plans.append(plan)
    calls = [changing(plan, status="active") for plan in plans]
    answers = all_at_once(
        partial(connect_now, connect), [*calls, lambda session: make_plan(session, "pro")]
    )
    refusals = [one for one in answers if isinstance(one, psycopg.Error)]
    assert [error.sqlstate for error in refusals] == ["LG120"] * 4


def test_what_a_plan_says_can_be_taken_away(conn: Session) -> None:
    plan = make_plan(conn, "pro", description="for teams", metadata={"a": 1})
    row = update(conn, plan, clear=["description", "metadata"])
    assert (row["description"], row["metadata"], row["version"]) == (None, None, 2)
    assert update(conn, plan, clear=["description", "description"])["version"] == 2
    assert update(conn, plan, clear=[])["version"] == 2
