"""Moving a subscription to another time zone, and zones that the server does not know any more."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from pgledger import errors
from support.subscriptions import (
    NOW,
    Session,
    Tenant,
    advance,
    assert_consistent,
    between,
    call,
    create_plan,
    everything,
    period_of,
    utc,
)

DAY = timedelta(days=1)
DROPPED = "Europe/Kiew"


def drop_zone(conn: Session, tenant_id: str = "t1", zone: str = DROPPED) -> None:
    """Leaves a tenant with a name that an update of the server's zones has left out."""
    conn.execute(
        "update pgledger.subscriptions set time_zone = %s where tenant_id = %s", [zone, tenant_id]
    )


def periods(tenant: Tenant, subscription: str) -> list[tuple[Any, Any]]:
    """Returns the periods that the subscription had, in order."""
    found = {row["period_start"]: row["period_end"] for row in tenant.changes(subscription)}
    return sorted(found.items())


@pytest.fixture
def month(conn: Session, clock: Any) -> str:
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    return create_plan(conn, "month", features=[{"key": "calls", "limit": 100, "period": "day"}])


@pytest.mark.parametrize(
    ("zone", "ends"),
    [
        # Midnight of the 31st there is five hours later than in Berlin, six after March 9.
        ("America/New_York", ["2025-03-31 04:00", "2025-04-30 04:00", "2025-05-31 04:00"]),
        ("Asia/Tokyo", ["2025-03-30 15:00", "2025-04-29 15:00", "2025-05-30 15:00"]),
        ("UTC", ["2025-03-31 00:00", "2025-04-30 00:00", "2025-05-31 00:00"]),
    ],
)
def test_the_anchor_keeps_its_time_on_the_clock(conn, tenant, clock, plan, zone, ends):
    clock("2025-01-30 23:00")
    row = tenant.create(plan, time_zone="Europe/Berlin")
    identifier = row["id"]
    clock("2025-02-10 09:00")
    moved = tenant.change_time_zone(identifier, zone)
    assert moved["time_zone"] == zone
    assert period_of(moved) == period_of(row) == between("2025-01-30 23:00", "2025-02-27 23:00")
    assert tenant.change_time_zone(identifier, zone) == moved
    assert tenant.story(identifier)[1:] == [("time_zone_changed", utc("2025-02-10 09:00"))]
    clock("2025-05-15 00:00")
    advance(conn)
    found = periods(tenant, identifier)
    assert found == [
        (utc("2025-01-30 23:00"), utc("2025-02-27 23:00")),
        (utc("2025-02-27 23:00"), utc(ends[0])),
        (utc(ends[0]), utc(ends[1])),
        (utc(ends[1]), utc(ends[2])),
    ]
    assert_consistent(conn)


@pytest.mark.parametrize("interval", ["day", "week", "month", "year"])
@pytest.mark.parametrize(
    "way", [("Pacific/Kiritimati", "Pacific/Pago_Pago"), ("UTC", "Asia/Tokyo")]
)
@pytest.mark.parametrize("back", [False, True])
def test_periods_follow_one_another_wherever_it_moves(conn, tenant, clock, interval, way, back):
    """Across the date line and back, 25 hours: no gap, no overlap, none that is empty."""
    here, there = reversed(way) if back else way
    row = tenant.create(create_plan(conn, "any", interval), time_zone=here)
    for step in range(3):
        clock(NOW + step * timedelta(hours=7))
        tenant.change_time_zone(row["id"], there if step % 2 == 0 else here)
    clock(NOW + 3 * DAY)
    tenant.change_time_zone(row["id"], here)
    clock(NOW + (800 if interval == "year" else 60) * DAY)
    advance(conn)
    found = periods(tenant, row["id"])
    assert len(found) > 1
    for (_, end), (start, next_end) in pairwise(found):
        assert end == start < next_end
    assert_consistent(conn)


def test_a_pause_ends_in_the_period_that_it_began_in(conn, tenant, clock):
    row = tenant.create(create_plan(conn, "daily", "day"))
    tenant.pause(row["id"])
    tenant.change_time_zone(row["id"], "Asia/Tokyo")
    clock(NOW + timedelta(hours=20))
    assert period_of(tenant.resume(row["id"])) == (NOW, NOW + DAY)
    tenant.pause(row["id"])
    clock(NOW + timedelta(hours=25))
    # Midday in Tokyo is at three in the morning.
    assert period_of(tenant.resume(row["id"])) == between("2025-01-16 12:00", "2025-01-17 03:00")
    assert_consistent(conn)


def test_a_trial_and_what_counts_from_it_keep_their_instant(conn, tenant, clock):
    row = tenant.create(create_plan(conn, trial_days=10), time_zone="Europe/Berlin")
    row = tenant.change_time_zone(row["id"], "America/New_York")
    assert row["trial_end"] == row["anchor_at"] == NOW + 10 * DAY
    clock(NOW + 10 * DAY)
    advance(conn)
    row = tenant.get(row["id"])
    # Seven in the morning in New York, also in summer time.
    assert period_of(row) == between("2025-01-25 12:00", "2025-02-25 12:00")
    clock("2025-04-01 00:00")
    advance(conn)
    assert period_of(tenant.get(row["id"])) == between("2025-03-25 11:00", "2025-04-25 11:00")


def test_a_cancellation_and_an_anchor_ahead(conn, tenant, clock, plan):
    row = tenant.create(plan, anchor_at=utc("2025-02-01 00:00"))
    tenant.cancel(row["id"])
    row = tenant.change_time_zone(row["id"], "America/New_York")
    assert (row["cancel_at"], row["anchor_at"]) == between("2025-02-01 00:00", "2025-02-01 05:00")
    tenant.resume(row["id"])
    clock("2025-02-01 00:00")
    advance(conn)
    assert period_of(tenant.get(row["id"])) == between("2025-02-01 00:00", "2025-03-01 05:00")


@pytest.mark.parametrize("proration", ["day", "second"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Tokyo"])
def test_each_period_costs_the_same(conn, tenant, clock, proration, zone):
    """Ten a month, whole, however many hours longer or shorter; a change costs what it did."""
    base = {"amount": "10", "proration": proration}
    plans = [
        call(
            conn,
            "ledger_create_plan",
            app_id="shop",
            slug=slug,
            name=slug,
            currency="USD",
            pricing={"base": {**base, "amount": amount}},
        )[0]["id"]
        for slug, amount in (("ten", "10"), ("twenty", "20"))
    ]
    clock("2025-01-01 00:00")
    moves, stays = Tenant(conn, "moves"), Tenant(conn, "stays")
    rows = [one.create(plans[0]) for one in (moves, stays)]
    for at in ("2025-01-11 00:00", "2025-01-21 00:00"):
        clock(at)
        for one, row in zip((moves, stays), rows, strict=True):
            one.change_plan(row["id"], plans[1 if at < "2025-01-20" else 0])
        if at < "2025-01-20":
            moves.change_time_zone(rows[0]["id"], zone)
    clock("2025-04-20 00:00")
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    totals = [
        sum(invoice["total"] for invoice in one.rows("ledger_list_invoices", page_size=99))
        for one in (moves, stays)
    ]
    assert totals == [Decimal("43.23")] * 2
    assert_consistent(conn)


def test_a_day_of_a_limit_goes_to_its_end(conn, tenant, clock, month):
    def consume() -> bool:
        answer = tenant.one("ledger_consume_entitlement", feature_key="calls", quantity=100)
        return bool(answer["allowed"])

    clock("2025-01-15 00:00")
    row = tenant.create(month)
    clock("2025-01-15 14:00")
    assert consume()
    # Tomorrow has begun at 15:00 in Tokyo; the next one there begins at 15:00 on the 16th.
    for zone in ("Asia/Tokyo", "America/New_York", "Asia/Tokyo", "UTC", "Asia/Tokyo"):
        tenant.change_time_zone(row["id"], zone)
        assert not consume()
    clock("2025-01-15 23:59")
    assert not consume()
    clock("2025-01-16 00:00")
    assert consume()
    clock("2025-01-16 14:59")
    assert not consume()
    clock("2025-01-16 15:00")
    assert consume()
    # Westwards the next day is longer: up to the second midnight there.
    clock("2025-01-16 16:00")
    tenant.change_time_zone(row["id"], "America/New_York")
    clock("2025-01-17 15:00")
    assert consume()
    clock("2025-01-19 04:59")
    assert not consume()
    clock("2025-01-19 05:00")
    assert consume()


@pytest.mark.parametrize(
    ("zone", "error"),
    [
        (None, errors.NullArgument),
        ("", errors.InvalidArgument),
        ("CET", errors.InvalidArgument),
        (DROPPED, errors.InvalidArgument),
        ("Europe/Berlin' or 1=1", errors.InvalidArgument),
    ],
)
def test_zones_that_there_are_not(conn, tenant, plan, zone, error):
    row = tenant.create(plan)
    before = everything(conn)
    with pytest.raises(error, match="time_zone"):
        tenant.change_time_zone(row["id"], zone)
    assert everything(conn) == before


def test_what_has_ended_stays(tenant, plan):
    row = tenant.cancel(tenant.create(plan)["id"], at_period_end=False)
    assert tenant.change_time_zone(row["id"], "UTC") == row
    with pytest.raises(errors.InvalidState, match="is canceled and cannot become counted in"):
        tenant.change_time_zone(row["id"], "Asia/Tokyo")


def test_a_repeated_creation_does_not_mind(tenant, plan):
    row = tenant.create(plan, id="sub_01JHMXBCG0E008D84C2DB5D539", time_zone="Europe/Berlin")
    row = tenant.change_time_zone(row["id"], "Asia/Tokyo")
    assert tenant.create(plan, id=row["id"], time_zone="Europe/Berlin") == row


# A name that is gone


def test_a_zone_that_is_gone_is_named_with_the_call_that_mends_it(conn, tenant, clock, month):
    row = tenant.create(month, time_zone="Europe/Berlin")
    other = create_plan(conn, "other", "year")
    drop_zone(conn)
    subscription = {"subscription_id": row["id"]}
    for function, arguments in [
        ("ledger_check_entitlement", {"feature_key": "calls"}),
        ("ledger_remaining_entitlement", {"feature_key": "calls"}),
        ("ledger_consume_entitlement", {"feature_key": "calls"}),
        ("ledger_set_cached_entitlement", {"feature_key": "calls"}),
        ("ledger_preview_invoice", subscription),
        ("ledger_generate_invoice", subscription),
        ("ledger_change_plan", {"id": row["id"], "plan_id": other}),
    ]:
        with pytest.raises(errors.UnknownTimeZone, match=DROPPED) as caught:
            tenant.one(function, **arguments)
        assert row["id"] in str(caught.value.diag.message_primary)
        assert "ledger_change_time_zone" in str(caught.value.diag.message_hint)
    clock(row["current_period_end"])
    (told,) = call(conn, "ledger_advance", app_id="shop", max_span=None, invoices="none")
    assert told["change"] == "failed"
    assert f"time zone '{DROPPED}' of subscription {row['id']}" in told["error"]
    # What needs no zone still goes.
    assert tenant.update(tenant.create(create_plan(conn, "a", add_on=True))["id"], quantity=2)
    with pytest.raises(errors.UnknownTimeZone):
        tenant.update(row["id"], quantity=2)


@pytest.mark.parametrize("late", [False, True])
def test_another_name_mends_it(conn, tenant, clock, month, late):
    """As Kyiv takes the place of Kiev: nothing moves."""
    clock("2025-01-30 22:00")
    row = tenant.create(month, time_zone="Europe/Kyiv")
    drop_zone(conn)
    if late:
        clock("2025-03-01 00:00")
    row = tenant.change_time_zone(row["id"], "Europe/Kyiv")
    assert (row["time_zone"], row["anchor_at"]) == ("Europe/Kyiv", utc("2025-01-30 22:00"))
    assert tenant.story(row["id"])[-1][0] == "time_zone_changed"
    clock("2025-04-10 00:00")
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    assert periods(tenant, row["id"]) == [
        (utc("2025-01-30 22:00"), utc("2025-02-27 22:00")),
        (utc("2025-02-27 22:00"), utc("2025-03-30 21:00")),
        (utc("2025-03-30 21:00"), utc("2025-04-29 21:00")),
    ]
    assert tenant.one("ledger_consume_entitlement", feature_key="calls")["allowed"]
    assert_consistent(conn)


def test_a_zone_of_an_earlier_period_can_be_gone(conn, tenant, clock, month):
    row = tenant.create(month, time_zone="Europe/Berlin")
    tenant.change_time_zone(row["id"], "Asia/Tokyo")
    conn.execute(
        "update pgledger.subscriptions"
        " set earlier_zones = jsonb_set(earlier_zones, '{0,time_zone}', '\"Europe/Kiew\"')"
    )
    with pytest.raises(errors.UnknownTimeZone, match=DROPPED):
        tenant.one("ledger_preview_invoice", subscription_id=row["id"])
    mended = tenant.change_time_zone(row["id"], "Asia/Tokyo")
    assert mended["version"] == 3
    assert tenant.one("ledger_preview_invoice", subscription_id=row["id"])["total"] == 20
    assert tenant.change_time_zone(row["id"], "Asia/Tokyo") == mended


def test_what_has_ended_is_mended_to_be_invoiced(conn, tenant, clock, month):
    row = tenant.cancel(tenant.create(month, time_zone="Europe/Berlin")["id"])
    clock(row["current_period_end"])
    advance(conn)
    row = tenant.get(row["id"])
    drop_zone(conn)
    (told,) = call(conn, "ledger_advance", app_id="shop", max_span=None)
    assert (told["change"], DROPPED in told["error"]) == ("failed", True)
    mended = tenant.change_time_zone(row["id"], "Europe/Berlin")
    assert {**row, "time_zone": mended["time_zone"]} == mended
    assert tenant.one("ledger_generate_invoice", subscription_id=row["id"])["total"] == 10
