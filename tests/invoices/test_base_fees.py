"""What a period's base fee comes to: the same in every order of changes, looks and drafts."""

from decimal import Decimal

import pytest

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.exact import sum_of
from support.invoices import Customer, carry_clock, make_plan
from support.subscriptions import Row, call, utc

D = Decimal
START = "2025-04-01 00:00"
RHYTHMS = ["daily", "once", "drafts"]


@pytest.fixture
def customer(connect: Connect, set_clock: SetClock) -> Customer:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    return Customer(conn)


def plan(customer: Customer, amount: str, **base: object) -> str:
    slug = "-".join(["p", amount.replace(".", "-"), *map(str, base.values())])
    return make_plan(customer.conn, slug, amount=amount, base=base)


def begin(customer: Customer, plan_id: str, **options: object) -> str:
    return str(customer.tenant.create(plan_id, **options)["id"])


def change(customer: Customer, subscription: str, plan_id: str) -> None:
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=plan_id)


def cancel(customer: Customer, subscription: str, unused_time: str = "none") -> None:
    customer.tenant.one(
        "ledger_cancel_subscription",
        id=subscription,
        at_period_end=False,
        unused_time=unused_time,
    )


def look(customer: Customer, rhythm: str) -> None:
    """What happens between two changes in a rhythm of looking."""
    if rhythm == "daily":
        customer.advance()
    elif rhythm == "drafts":
        customer.advance(invoices="draft")


def at(customer: Customer, rhythm: str, when: str) -> None:
    look(customer, rhythm)
    customer.at(when)
    look(customer, rhythm)


def standing(customer: Customer) -> list[Row]:
    return [row for row in customer.invoices() if row["status"] != "voided"]


def total(customer: Customer) -> Decimal:
    """Makes all final, and returns what they come to."""
    customer.advance()
    assert all(row["status"] != "draft" for row in customer.invoices())
    return sum_of(row["total"] for row in standing(customer))


def kinds(customer: Customer) -> list[tuple[str, Decimal]]:
    return [(row["kind"], row["total"]) for row in standing(customer)]


# Drafts


@pytest.mark.parametrize("finalized", ["by hand", "by ledger_advance"])
def test_drafts_do_not_lose_the_credit_of_a_change(customer: Customer, finalized: str) -> None:
    month, year = plan(customer, "100"), plan(customer, "1200", interval="year")
    subscription = begin(customer, month)
    customer.advance(invoices="draft")
    change(customer, subscription, year)
    customer.advance(invoices="draft")
    if finalized == "by hand":
        for kind in ("start", "period"):
            for row in customer.invoices("draft"):
                if row["kind"] == kind:
                    customer.finalize(row["id"])
    customer.tenant.one("ledger_cancel_subscription", id=subscription)
    customer.at("2026-04-01 00:00")
    assert total(customer) == D(1200)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_second_that_is_charged_in_a_draft_is_charged_for_good(
    customer: Customer, rhythm: str
) -> None:
    subscription = begin(customer, plan(customer, "10", proration="second"))
    at(customer, rhythm, "2025-04-11 00:00")
    customer.tenant.one("ledger_update_subscription", id=subscription, quantity=2)
    at(customer, rhythm, "2025-04-21 00:00")
    cancel(customer, subscription)
    assert total(customer) == D("16.66")


def test_nothing_is_given_back_that_was_not_billed(customer: Customer) -> None:
    subscription = begin(customer, plan(customer, "10"))
    draft = customer.generate(subscription)
    customer.at("2025-04-11 00:00")
    cancel(customer, subscription, "refund")
    start = customer.finalize(customer.generate(subscription, kind="start", at=utc(START))["id"])
    assert (start["total"], start["refund_due"]) == (D("3.33"), 0)
    period = customer.finalize(draft["id"])
    assert (period["total"], period["refund_due"]) == (0, 0)


def test_a_draft_does_not_keep_what_did_not_follow(customer: Customer) -> None:
    """It said that May follows, as it was to. A pause came in between."""
    subscription = begin(customer, plan(customer, "100"))
    customer.advance()
    customer.at("2025-04-08 00:00")
    assert customer.generate(subscription)["total"] == 100
    customer.at("2025-04-20 00:00")
    customer.tenant.pause(subscription)
    for day in ("2025-05-02 00:00", "2025-05-07 00:00"):
        customer.at(day)
        customer.advance(invoices="draft")
    # 10 of 30 days of April are given back, and 25 of 31 days of May follow.
    customer.tenant.resume(subscription)
    customer.advance(invoices="draft")
    before = {(row["kind"], row["total"]) for row in customer.invoices("draft")}
    assert before == {("period", D("43.98"))}
    for row in customer.invoices("draft"):
        customer.finalize(row["id"])
    assert {(row["kind"], row["total"]) for row in standing(customer)} == {
        ("start", D(100)),
        *before,
    }


# From free to paid


@pytest.mark.parametrize("looked", [False, True])
def test_what_a_free_plan_becomes_is_billed_at_once(customer: Customer, looked: bool) -> None:
    free = plan(customer, "0", interval="year")
    subscription = begin(customer, free)
    if looked:
        customer.advance()
    customer.at("2025-04-01 00:01")
    change(customer, subscription, plan(customer, "1200", interval="year"))
    customer.advance()
    assert kinds(customer) == [("start", D(1200))]
    customer.at("2026-04-01 00:00")
    customer.advance()
    assert kinds(customer) == [("start", D(1200)), ("period", D(1200))]


def test_a_change_just_after_a_trial_is_on_the_first_invoice(customer: Customer) -> None:
    free = make_plan(customer.conn, "free", amount="0", trial_days=14)
    subscription = begin(customer, free)
    customer.advance()
    customer.at("2025-04-15 00:30")
    change(customer, subscription, plan(customer, "30"))
    customer.advance()
    assert kinds(customer) == [("start", D(30))]


def test_a_change_just_after_a_boundary_is_on_the_invoice_of_the_period_before(
    customer: Customer,
) -> None:
    subscription = begin(customer, plan(customer, "0"))
    customer.advance()
    customer.at("2025-05-01 00:30")
    change(customer, subscription, plan(customer, "31"))
    customer.advance()
    assert sum_of(amount for _, amount in kinds(customer)) == D(31)


# What a cancellation without anything given back comes to


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize(
    ("change_to", "right"),
    [
        (None, "10"),
        ({"plan": "20"}, "15"),
        ({"plan": "0"}, "5"),
        ({"quantity": 3}, "20"),
    ],
)
def test_none_keeps_what_ending_at_the_period_s_end_costs(
    customer: Customer, rhythm: str, change_to: dict[str, object] | None, right: str
) -> None:
    subscription = begin(customer, plan(customer, "10"))
    at(customer, rhythm, "2025-04-16 00:00")
    if change_to and "plan" in change_to:
        change(customer, subscription, plan(customer, str(change_to["plan"])))
    elif change_to:
        customer.tenant.one("ledger_update_subscription", id=subscription, **change_to)
    at(customer, rhythm, "2025-04-20 00:00")
    cancel(customer, subscription)
    assert total(customer) == D(right)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_fewer_from_the_middle_on_and_canceled(customer: Customer, rhythm: str) -> None:
    subscription = begin(customer, plan(customer, "10"), quantity=3)
    at(customer, rhythm, "2025-04-16 00:00")
    customer.tenant.one("ledger_update_subscription", id=subscription, quantity=1)
    at(customer, rhythm, "2025-04-20 00:00")
    cancel(customer, subscription)
    assert total(customer) == D(20)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_paused_one_that_is_canceled_had_gone_on_paused(customer: Customer, rhythm: str) -> None:
    subscription = begin(customer, plan(customer, "10"))
    at(customer, rhythm, "2025-04-11 00:00")
    customer.tenant.pause(subscription)
    at(customer, rhythm, "2025-04-21 00:00")
    cancel(customer, subscription)
    assert total(customer) == D("3.33")


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_arrears_are_charged_up_to_a_cancellation(customer: Customer, rhythm: str) -> None:
    subscription = begin(customer, plan(customer, "30", billed="arrears"))
    at(customer, rhythm, "2025-04-11 00:00")
    cancel(customer, subscription)
    assert total(customer) == D(10)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_change_at_a_boundary_to_a_plan_in_advance_and_canceled_an_hour_later(
    customer: Customer, rhythm: str
) -> None:
    subscription = begin(customer, plan(customer, "10", billed="arrears"))
    at(customer, rhythm, "2025-05-01 00:00")
    change(customer, subscription, plan(customer, "20"))
    at(customer, rhythm, "2025-05-01 01:00")
    cancel(customer, subscription)
    assert total(customer) == D("30.00")


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("unused_time", ["none", "credit", "refund"])
def test_a_cancellation_at_the_very_start_of_a_period_leaves_it_out(
    customer: Customer, rhythm: str, unused_time: str
) -> None:
    subscription = begin(customer, plan(customer, "10"))
    at(customer, rhythm, "2025-05-01 00:00")
    cancel(customer, subscription, unused_time)
    assert total(customer) == D("10.00")


# Days


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("begins_at", ["00:00", "12:00"])
def test_pausing_at_noon_each_day_saves_nothing(
    customer: Customer, rhythm: str, begins_at: str
) -> None:
    customer.at(f"2025-04-01 {begins_at}")
    subscription = begin(customer, plan(customer, "10"))
    for day in range(2, 31):
        at(customer, rhythm, f"2025-04-{day:02} 11:59")
        customer.tenant.pause(subscription)
        customer.at(f"2025-04-{day:02} 12:01")
        customer.tenant.resume(subscription)
    at(customer, rhythm, "2025-04-30 23:00")
    cancel(customer, subscription)
    assert total(customer) == D("10.00")


@pytest.mark.parametrize("rhythm", ["daily", "once"])
def test_a_dear_plan_is_forgiven_once_a_period(customer: Customer, rhythm: str) -> None:
    small, large = plan(customer, "10"), plan(customer, "1000")
    subscription = begin(customer, small)
    for day in range(2, 30):
        at(customer, rhythm, f"2025-04-{day:02} 01:00")
        change(customer, subscription, large)
        customer.at(f"2025-04-{day:02} 23:00")
        change(customer, subscription, small)
    at(customer, rhythm, "2025-04-30 00:00")
    customer.tenant.one("ledger_cancel_subscription", id=subscription)
    customer.at("2025-05-01 00:00")
    assert total(customer) == D("901.00")


@pytest.mark.parametrize("rhythm", ["daily", "once"])
def test_a_pause_over_midnight_hides_no_dear_day(customer: Customer, rhythm: str) -> None:
    small, large = plan(customer, "10"), plan(customer, "1000")
    subscription = begin(customer, small)
    at(customer, rhythm, "2025-04-01 23:59")
    customer.tenant.one("ledger_pause_subscription", id=subscription)
    for day in range(2, 30):
        at(customer, rhythm, f"2025-04-{day:02} 00:01")
        change(customer, subscription, large)
        customer.tenant.one("ledger_resume_subscription", id=subscription)
        customer.at(f"2025-04-{day:02} 23:00")
        change(customer, subscription, small)
        customer.at(f"2025-04-{day:02} 23:59")
        customer.tenant.one("ledger_pause_subscription", id=subscription)
    at(customer, rhythm, "2025-04-30 00:00")
    customer.tenant.one("ledger_resume_subscription", id=subscription)
    customer.tenant.one("ledger_cancel_subscription", id=subscription)
    customer.at("2025-05-01 00:00")
    assert total(customer) == D("901.00")


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_day_in_which_it_ends_is_charged(customer: Customer, rhythm: str) -> None:
    subscription = begin(customer, plan(customer, "30"))
    at(customer, rhythm, "2025-04-10 00:01")
    cancel(customer, subscription, "credit")
    assert total(customer) == D(10)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_the_day_of_a_change_of_interval_is_the_new_period_s(
    customer: Customer, rhythm: str
) -> None:
    subscription = begin(customer, plan(customer, "30"))
    at(customer, rhythm, "2025-04-11 18:00")
    change(customer, subscription, plan(customer, "365", interval="year"))
    customer.advance()
    assert total(customer) == D(375)


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_period_is_prorated_as_the_plan_it_began_with(customer: Customer, rhythm: str) -> None:
    subscription = begin(customer, plan(customer, "30", proration="second"))
    at(customer, rhythm, "2025-04-16 12:00")
    change(customer, subscription, plan(customer, "60"))
    at(customer, rhythm, "2025-04-30 00:00")
    cancel(customer, subscription)
    assert total(customer) == D("44.50")


def test_a_time_that_comes_twice_begins_a_day_the_second_time(customer: Customer) -> None:
    units = customer.conn.execute(
        """
        select pgledger.proration_unit(
          at, '2025-10-20 05:30+00', '2025-11-20 06:30+00', 'America/New_York', 'day'
        )
        from unnest(array[
          '2025-11-01 05:29:59.999999+00', '2025-11-01 05:30+00', '2025-11-02 05:30+00',
          '2025-11-02 06:00+00', '2025-11-02 06:29:59+00', '2025-11-02 06:30+00'
        ]::timestamptz[]) as at
        """
    ).fetchall()
    assert [unit for (unit,) in units] == [11, 12, 12, 12, 12, 13]


# Changes that are invoiced at once


def yearly(customer: Customer) -> tuple[str, str, str]:
    """A subscription to a plan of 120 a year from Jan 1, and one of 12,000; it is Feb 1."""
    customer.at("2025-01-01 00:00")
    small, large = (plan(customer, amount, interval="year") for amount in ("120", "12000"))
    subscription = begin(customer, small)
    customer.advance()
    customer.at("2025-02-01 00:00")
    return subscription, small, large


def end_of_year(customer: Customer) -> list[tuple[str, Decimal]]:
    customer.at("2026-01-01 00:00")
    customer.advance()
    return kinds(customer)


def test_an_upgrade_within_a_year_is_billed_now(customer: Customer) -> None:
    subscription, _, large = yearly(customer)
    change(customer, subscription, large)
    customer.advance()
    assert kinds(customer) == [("start", D(120)), ("change", D("10871.01"))]
    assert end_of_year(customer)[2:] == [("period", D(12000))]


def test_an_upgrade_can_wait_for_the_year_s_end(customer: Customer) -> None:
    subscription, _, large = yearly(customer)
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=large, invoice="next")
    customer.advance()
    assert kinds(customer) == [("start", D(120))]
    assert end_of_year(customer) == [("start", D(120)), ("period", D("22871.01"))]


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_changes_and_their_invoices_come_to_the_same(customer: Customer, rhythm: str) -> None:
    subscription, small, large = yearly(customer)
    change(customer, subscription, large)
    at(customer, rhythm, "2025-03-01 00:00")
    customer.tenant.one("ledger_update_subscription", id=subscription, quantity=2, invoice="now")
    at(customer, rhythm, "2025-07-01 00:00")
    change(customer, subscription, small)
    at(customer, rhythm, "2025-10-01 00:00")
    customer.tenant.one("ledger_cancel_subscription", id=subscription)
    customer.at("2026-01-01 00:00")
    assert total(customer) == D("9073.65")


def test_a_change_is_drawn_up_once_by_whomever(customer: Customer) -> None:
    subscription, _, large = yearly(customer)
    with pytest.raises(errors.InvalidArgument, match="did not change in the period"):
        customer.generate(subscription, kind="change")
    change(customer, subscription, large)
    preview = customer.preview(subscription, kind="change")
    draft = customer.generate(subscription, kind="change")
    assert preview["total"] == draft["total"] == D("10871.01")
    assert customer.generate(subscription, kind="change")["id"] == draft["id"]
    customer.advance()
    (found,) = customer.tenant.rows(
        "ledger_get_invoice_by_period",
        subscription_id=subscription,
        at=utc("2025-06-01 00:00"),
        kind="change",
    )
    assert (found["id"], found["status"]) == (draft["id"], "pending")
    customer.at("2025-02-02 00:00")
    customer.tenant.one("ledger_update_subscription", id=subscription, quantity=2, invoice="now")
    second = customer.generate(subscription, kind="change")
    assert second["id"] != draft["id"]
    assert second["total"] == D("10947.94")
    customer.void(draft["id"])
    assert customer.tenant.one("ledger_refresh_invoice", id=second["id"])["total"] == D("21818.95")


def test_changes_become_final_in_their_order(customer: Customer) -> None:
    subscription, _, large = yearly(customer)
    change(customer, subscription, large)
    first = customer.generate(subscription, kind="change")
    customer.at("2025-02-02 00:00")
    customer.tenant.one("ledger_update_subscription", id=subscription, quantity=2, invoice="now")
    second = customer.generate(subscription, kind="change")
    with pytest.raises(errors.InvalidState, match=f"before draft {first['id']}"):
        customer.finalize(second["id"])
    customer.finalize(first["id"])
    customer.finalize(second["id"])


@pytest.mark.parametrize("uses", [1, 3])
def test_a_change_goes_on_with_the_use_that_its_period_has_taken(
    customer: Customer, uses: int
) -> None:
    customer.at("2025-01-01 00:00")
    call(
        customer.conn,
        "ledger_create_coupon",
        app_id="shop",
        code="HALF",
        percentage=50,
        duration="repeating",
        duration_invoices=uses,
    )
    customer.redeem("HALF")
    subscription, _, large = yearly(customer)
    assert customer.redeem_left() == [(uses - 1, None)]
    change(customer, subscription, large)
    customer.advance()
    # Half of 10980.82, less the 54.91 that were paid for the rest of the year.
    assert kinds(customer)[-1] == ("change", D("5435.50"))
    assert customer.redeem_left() == [(uses - 1, None)]
    customer.void(customer.invoices()[-1]["id"])
    assert customer.redeem_left() == [(uses - 1, None)]


def test_an_amount_is_taken_off_once_a_period(customer: Customer) -> None:
    customer.at("2025-01-01 00:00")
    call(
        customer.conn,
        "ledger_create_coupon",
        app_id="shop",
        code="150",
        amount=150,
        currency="USD",
        duration="repeating",
        duration_invoices=3,
    )
    customer.redeem("150")
    subscription, _, large = yearly(customer)
    change(customer, subscription, large)
    customer.advance()
    # Of the 150, 120 are taken; nothing was paid for the rest of the year.
    assert kinds(customer) == [("start", D(0)), ("change", D("10950.82"))]
    assert customer.redeem_left() == [(2, None)]
