"""Coupons that change: what is taken away, what comes back, and codes that are used again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pgledger import Billing, Coupon, errors
from support.at_once import all_at_once
from support.database import Connect

APP = "shop"
NOW = datetime.now(UTC)


@pytest.fixture
def billing(connect: Connect) -> Billing:
    return Billing(connect(autocommit=True))


@pytest.fixture
def coupon(billing: Billing) -> Coupon:
    return billing.create_coupon(
        APP, "TEN", percentage=10, valid_from=NOW - timedelta(days=2),
        valid_until=NOW - timedelta(days=1), max_redemptions=1, max_redemptions_per_tenant=1,
        metadata={"a": 1},
    )  # fmt: skip


def test_each_limit_can_be_taken_away(billing: Billing, coupon: Coupon) -> None:
    with pytest.raises(errors.CouponNotValid):
        billing.redeem_coupon(APP, "t1", "TEN")
    open_ended = billing.update_coupon(APP, coupon.id, clear=["valid_until"])
    assert (open_ended.valid_until, open_ended.valid_from) == (None, coupon.valid_from)
    billing.redeem_coupon(APP, "t1", "TEN")
    with pytest.raises(errors.CouponExhausted):
        billing.redeem_coupon(APP, "t2", "TEN")
    billing.update_coupon(APP, coupon.id, clear=["max_redemptions"])
    billing.redeem_coupon(APP, "t2", "TEN")
    with pytest.raises(errors.CouponExhausted):
        billing.redeem_coupon(APP, "t2", "TEN")
    billing.update_coupon(APP, coupon.id, clear=["max_redemptions_per_tenant"])
    billing.redeem_coupon(APP, "t2", "TEN")
    bare = billing.update_coupon(APP, coupon.id, clear=["valid_from", "metadata"])
    assert (bare.valid_from, bare.metadata, bare.redemptions, bare.version) == (None, None, 3, 5)
    assert billing.update_coupon(APP, coupon.id, clear=["valid_from"]) == bare


def test_a_limit_can_be_taken_away_and_another_given(billing: Billing, coupon: Coupon) -> None:
    later = NOW + timedelta(days=1)
    changed = billing.update_coupon(
        APP, coupon.id, valid_from=later, clear=["valid_until", "max_redemptions"]
    )
    assert (changed.valid_from, changed.valid_until, changed.max_redemptions) == (
        *(later, None, None),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"clear": ["code"]},
        {"clear": ["percentage"]},
        {"clear": ["valid_until", "redemptions"]},
        {"clear": ["max_redemptions"], "max_redemptions": 5},
        {"status": "deleted"},
    ],
)
def test_what_cannot_be_taken_away(
    billing: Billing, coupon: Coupon, options: dict[str, Any]
) -> None:
    with pytest.raises(errors.InvalidArgument):
        billing.update_coupon(APP, coupon.id, **options)
    assert billing.get_coupon_by_id(APP, coupon.id) == coupon


def test_nobody_elses_coupon_changes(billing: Billing, coupon: Coupon) -> None:
    with pytest.raises(errors.CouponNotFound):
        billing.update_coupon("other", coupon.id, clear=["valid_until"], status="archived")
    assert billing.get_coupon_by_id(APP, coupon.id) == coupon


def test_limits_are_still_not_below_what_was_redeemed(billing: Billing) -> None:
    coupon = billing.create_coupon(APP, "FREE", percentage=10)
    for _ in range(3):
        billing.redeem_coupon(APP, "t1", "FREE")
    with pytest.raises(errors.InUse):
        billing.update_coupon(APP, coupon.id, max_redemptions=2)
    with pytest.raises(errors.InUse):
        billing.update_coupon(APP, coupon.id, max_redemptions_per_tenant=2)
    assert billing.update_coupon(APP, coupon.id, max_redemptions=3).max_redemptions == 3


def test_a_coupon_becomes_active_again(billing: Billing) -> None:
    coupon = billing.create_coupon(APP, "TEN", percentage=10)
    billing.redeem_coupon(APP, "t1", "TEN")
    billing.archive_coupon(APP, coupon.id)
    with pytest.raises(errors.CouponNotValid):
        billing.redeem_coupon(APP, "t2", "TEN")
    again = billing.update_coupon(APP, coupon.id, status="active")
    assert (again.status, again.version, again.redemptions) == ("active", 3, 1)
    assert billing.redeem_coupon(APP, "t2", "TEN").coupon_id == coupon.id


def test_the_code_of_an_archived_coupon_is_free(billing: Billing) -> None:
    last_year = billing.create_coupon(APP, "NEWYEAR", percentage=10)
    redeemed = billing.redeem_coupon(APP, "t1", "NEWYEAR", id=None)
    billing.archive_coupon(APP, last_year.id)
    this_year = billing.create_coupon(APP, "NEWYEAR", percentage=20)
    assert billing.get_coupon(APP, "NEWYEAR") == this_year
    assert billing.redeem_coupon(APP, "t1", "NEWYEAR").coupon_id == this_year.id
    assert {one.coupon_id for one in billing.list_coupon_redemptions(APP, "t1")} == {
        *(last_year.id, this_year.id),
    }
    # A repeated call is about the coupon that it redeemed.
    assert billing.redeem_coupon(APP, "t1", "NEWYEAR", id=redeemed.id) == redeemed
    with pytest.raises(errors.AlreadyExists):
        billing.create_coupon(APP, "NEWYEAR", percentage=30)
    with pytest.raises(errors.AlreadyExists):
        billing.update_coupon(APP, last_year.id, status="active")
    billing.archive_coupon(APP, this_year.id)
    assert billing.get_coupon(APP, "NEWYEAR").id == this_year.id
    with pytest.raises(errors.CouponNotValid):
        billing.redeem_coupon(APP, "t1", "NEWYEAR")
    billing.update_coupon(APP, last_year.id, status="active")
    assert billing.get_coupon(APP, "NEWYEAR").id == last_year.id


def test_who_redeems_while_a_code_is_used_again_gets_one_of_both(
    billing: Billing, connect: Connect
) -> None:
    first = billing.create_coupon(APP, "AGAIN", percentage=10)
    with connect() as other:
        changing = Billing(other)
        changing.archive_coupon(APP, first.id)
        second = changing.create_coupon(APP, "AGAIN", percentage=20)
        waiting = connect(autocommit=True, options="-c statement_timeout=60s")

        def redeem(_session: Any) -> Any:
            return Billing(waiting).redeem_coupon(APP, "t1", "AGAIN")

        def commit(session: Any) -> None:
            while not session.execute(
                "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s",
                [waiting.info.backend_pid],
            ).fetchone()[0]:
                pass
            other.commit()

        redemption, _ = all_at_once(connect, [redeem, commit])
    assert not isinstance(redemption, psycopg.Error), redemption
    assert redemption.coupon_id == second.id
    assert billing.get_coupon_by_id(APP, first.id).redemptions == 0
