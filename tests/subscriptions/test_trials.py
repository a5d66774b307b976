"""Making a trial longer or shorter."""

from datetime import timedelta
from typing import Any

import pytest

from pgledger import errors
from support.subscriptions import (
    NOW,
    Tenant,
    advance,
    assert_consistent,
    between,
    create_plan,
    everything,
    period_of,
    utc,
)

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def anchored(conn: Any, clock: Any) -> str:
    return create_plan(conn, "anchored", trial_days=10)


@pytest.fixture
def rolling(conn: Any, clock: Any) -> str:
    return create_plan(conn, "rolling", trial_days=10, anchor_at_trial_end=False)


@pytest.mark.parametrize("end", ["2025-01-20 06:00", "2025-02-20 06:00", "2025-05-01 06:00"])
def test_periods_count_from_where_the_trial_now_ends(conn, tenant, clock, anchored, end):
    row = tenant.create(anchored)
    clock("2025-01-18 00:00")
    row = tenant.set_trial_end(row["id"], end)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("trialing", utc(end), utc(end))
    assert period_of(row) == (NOW, utc(end))
    assert tenant.set_trial_end(row["id"], end) == row
    assert_consistent(conn)
    clock(utc(end) - MICROSECOND)
    assert advance(conn) == []
    clock(end)
    assert [moved["change"] for moved in advance(conn)] == ["trial_ended", "period_started"]
    row = tenant.get(row["id"])
    assert (row["status"], row["current_period_start"]) == ("active", utc(end))
    assert tenant.story(row["id"])[1] == ("trial_changed", utc("2025-01-18 00:00"))
    assert_consistent(conn)


def test_periods_that_do_not_count_from_it_stay(conn, tenant, clock, rolling):
    row = tenant.create(rolling)
    row = tenant.set_trial_end(row["id"], "2025-03-01 00:00")
    assert (row["anchor_at"], row["trial_end"]) == (NOW, utc("2025-03-01 00:00"))
    assert period_of(row) == between("2025-01-15 12:00", "2025-02-15 12:00")
    clock("2025-03-02 00:00")
    assert [moved["change"] for moved in advance(conn)] == ["period_started", "trial_ended"]
    assert period_of(tenant.get(row["id"])) == between("2025-02-15 12:00", "2025-03-15 12:00")


@pytest.mark.parametrize("given", [None, "2025-01-18 00:00"])
def test_a_trial_ends_now(conn, tenant, clock, anchored, rolling, given):
    other = Tenant(conn, "rolling")
    first, second = tenant.create(anchored), other.create(rolling)
    at = utc("2025-01-18 00:00")
    clock(at)
    row = tenant.set_trial_end(first["id"], given)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("active", at, at)
    assert period_of(row) == between("2025-01-18 00:00", "2025-02-18 00:00")
    assert tenant.story(row["id"])[1:] == [
        ("trial_changed", at),
        ("trial_ended", at),
        ("period_started", at),
    ]
    row = other.set_trial_end(second["id"], given)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("active", at, NOW)
    assert period_of(row) == between("2025-01-15 12:00", "2025-02-15 12:00")
    assert_consistent(conn)


def test_a_trial_that_ends_as_it_begins(conn, tenant, anchored):
    row = tenant.create(anchored)
    row = tenant.set_trial_end(row["id"], None)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("active", NOW, NOW)
    assert period_of(row) == between("2025-01-15 12:00", "2025-02-15 12:00")
    assert_consistent(conn)


@pytest.mark.parametrize("at", [NOW, utc("2025-01-18 00:00")])
def test_a_trial_is_moved_in_a_pause(conn, tenant, clock, anchored, at):
    row = tenant.create(anchored)
    clock(at)
    tenant.pause(row["id"])
    row = tenant.set_trial_end(row["id"], "2025-02-01 00:00")
    assert (row["status"], row["trial_end"]) == ("paused", utc("2025-02-01 00:00"))
    row = tenant.set_trial_end(row["id"], None)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("paused", at, at)
    assert_consistent(conn)
    clock("2025-01-25 00:00")
    row = tenant.resume(row["id"])
    assert (row["status"], row["current_period_start"]) == ("active", at)
    assert_consistent(conn)


@pytest.mark.parametrize("which", ["anchored", "rolling"])
def test_a_cancellation_moves_with_the_trial(conn, tenant, clock, request, which):
    plan = request.getfixturevalue(which)
    row = tenant.cancel(tenant.create(plan)["id"])
    assert row["cancel_at"] == NOW + 10 * DAY
    row = tenant.set_trial_end(row["id"], NOW + 12 * DAY)
    assert (row["cancel_at"], row["cancel_at_period_end"]) == (NOW + 12 * DAY, True)
    row = tenant.set_trial_end(row["id"], None)
    assert (row["status"], row["ended_at"]) == ("canceled", NOW)
    assert_consistent(conn)
    fixed = Tenant(conn, "fixed")
    row = fixed.cancel(fixed.create(plan)["id"], cancel_at=NOW + 3 * DAY)
    assert fixed.set_trial_end(row["id"], NOW + 12 * DAY)["cancel_at"] == NOW + 3 * DAY


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (NOW - MICROSECOND, "it is in the past"),
        ("infinity", "trial_end infinity"),
        ("10000-01-01", "after the year 9999"),
    ],
)
def test_ends_that_cannot_be(conn, tenant, anchored, end, words):
    row = tenant.create(anchored)
    before = everything(conn)
    with pytest.raises(errors.InvalidTime, match=words):
        tenant.one("ledger_set_trial_end", id=row["id"], trial_end=end)
    assert everything(conn) == before


def test_there_has_to_be_a_trial(conn, tenant, clock, plan, anchored):
    row = tenant.create(plan)
    with pytest.raises(errors.InvalidState, match="is active and cannot become one whose trial"):
        tenant.set_trial_end(row["id"], "2025-03-01 00:00")
    over = Tenant(conn, "over")
    row = over.create(anchored)
    clock(row["trial_end"])
    # The clock alone has ended it.
    with pytest.raises(errors.InvalidState, match="is active"):
        over.set_trial_end(row["id"], "2025-03-01 00:00")
    gone = Tenant(conn, "gone")
    row = gone.cancel(gone.create(anchored)["id"], at_period_end=False)
    with pytest.raises(errors.InvalidState, match="is canceled"):
        gone.set_trial_end(row["id"], "2025-03-01 00:00")


def test_a_repeated_creation_does_not_mind(conn, tenant, anchored):
    row = tenant.create(anchored, id="sub_01JHMXBCG0E008D84C2DB5D539", trial_days=5)
    row = tenant.set_trial_end(row["id"], "2025-03-01 00:00")
    assert tenant.create(anchored, id=row["id"], trial_days=5) == row
