"""What becomes of credits: they lower what is open, are kept or paid back, and are taken back."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import errors
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.exact import minus, plus, sum_of
from support.invoices import (
    CHARGES,
    Customer,
    assert_adds_up,
    carry_clock,
    make_feature,
    make_plan,
    put_clock,
)
from support.properties import scaled
from support.subscriptions import Row, Session, call, utc
from support.waiting import WaitUntilBlocked

START = "2025-01-01 00:00"
VAT: list[Row] = [{"name": "VAT", "percentage": "10"}]


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True, **PATIENCE)
    carry_clock(conn, set_clock, START)
    for feature in ("level", "calls"):
        make_feature(conn, feature, aggregation="latest" if feature == "level" else "sum")
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def money(invoice: Row) -> tuple[Any, ...]:
    """Returns status, what credits have paid, what is due, paid and open."""
    names = ("credits_applied", "amount_due", "amount_paid", "amount_remaining")
    return (invoice["status"], *(str(invoice[name]) for name in names))


def kept(invoice: Row) -> tuple[str, str, str, str]:
    """Returns status and total, and what of a credit is kept and to be paid back."""
    return (
        invoice["status"],
        str(invoice["total"]),
        str(invoice["unapplied"]),
        str(invoice["refund_due"]),
    )


def given_away(conn: Session) -> list[tuple[Any, ...]]:
    """Returns who gave to whom, how much, how much of it goes back, and whether it still stands."""
    return [
        (giver, taker, str(amount), str(refund), stands)
        for giver, taker, amount, refund, stands in conn.execute(
            """
            select giver.number, taker.number, given.amount, given.refund,
              given.taken_back_at is null
            from pgledger.invoice_credits as given
            inner join pgledger.invoices as giver on given.from_invoice_key = giver.key
            inner join pgledger.invoices as taker on given.to_invoice_key = taker.key
            order by 1, 2
            """
        ).fetchall()
    ]


def pay(customer: Customer, invoice: Row, amount: str | int, **options: Any) -> Row:
    return customer.tenant.one(
        "ledger_record_payment", invoice_id=invoice["id"], amount=D(amount), **options
    )


def get(customer: Customer, invoice: Row) -> Row:
    return customer.tenant.one("ledger_get_invoice", id=invoice["id"])


def end(customer: Customer, subscription: str, unused_time: str) -> None:
    customer.tenant.cancel(subscription, at_period_end=False, unused_time=unused_time)


def canceled(
    customer: Customer, unused_time: str, paid: str = "0", **options: Any
) -> tuple[Row, Row]:
    """Returns the invoice of 10 for January, and the credit after ten of its days."""
    plan = make_plan(customer.conn, "ten", amount="10")
    subscription = customer.tenant.create(plan, **options)["id"]
    customer.advance()
    (billed,) = customer.invoices()
    if D(paid):
        pay(customer, billed, paid)
    customer.at("2025-01-11 00:00")
    end(customer, subscription, unused_time)
    customer.advance()
    billed, credit = customer.invoices()
    return billed, credit


@pytest.mark.parametrize("unused_time", ["credit", "refund"])
def test_a_credit_lowers_what_was_not_paid(customer: Customer, unused_time: str) -> None:
    """10 unpaid, canceled at once: 3.23 is due in all, and nothing else."""
    billed, credit = canceled(customer, unused_time)
    assert money(billed) == ("pending", "6.77", "3.23", "0.00", "3.23")
    assert kept(credit) == ("paid", "-6.77", "0.00", "0.00")
    assert given_away(customer.conn) == [(2, 1, "6.77", "0.00", True)]
    assert (billed["version"], billed["updated_at"]) == (3, credit["finalized_at"])
    for invoice in (billed, credit):
        assert_adds_up(invoice)


@pytest.mark.parametrize(
    ("paid", "unused_time", "first", "last"),
    [
        # What was paid, what became of the invoice, and of the credit of 6.77.
        ("10", "credit", ("paid", "0.00", "10.00", "10.00", "0.00"), ("6.77", "0.00")),
        ("10", "refund", ("paid", "0.00", "10.00", "10.00", "0.00"), ("0.00", "6.77")),
        ("5", "credit", ("paid", "5.00", "5.00", "5.00", "0.00"), ("1.77", "0.00")),
        ("5", "refund", ("paid", "5.00", "5.00", "5.00", "0.00"), ("0.00", "1.77")),
        ("3.23", "refund", ("paid", "6.77", "3.23", "3.23", "0.00"), ("0.00", "0.00")),
        ("1", "refund", ("pending", "6.77", "3.23", "1.00", "2.23"), ("0.00", "0.00")),
        # What was paid too much is kept already where it was paid.
        ("12", "refund", ("paid", "0.00", "10.00", "12.00", "0.00"), ("0.00", "6.77")),
    ],
)
def test_what_is_not_open_is_kept_or_paid_back(
    customer: Customer, paid: str, unused_time: str, first: tuple[str, ...], last: tuple[str, str]
) -> None:
    billed, credit = canceled(customer, unused_time, paid)
    assert money(billed) == first
    assert kept(credit) == ("paid", "-6.77", *last)


def test_nothing_goes_back_while_something_is_open(customer: Customer) -> None:
    """31, of which 1 was paid and the rest given up: 21 less are open, and nothing goes back."""
    plan = make_plan(customer.conn, "pro", amount="31", prices=[PER_LEVEL])
    subscription = customer.tenant.create(plan)["id"]
    customer.advance()
    (billed,) = customer.invoices()
    pay(customer, billed, 1)
    customer.tenant.one("ledger_mark_invoice_uncollectible", id=billed["id"])
    customer.at("2025-01-11 00:00")
    end(customer, subscription, "refund")
    customer.advance()
    billed, credit = customer.invoices()
    assert money(billed) == ("uncollectible", "21.00", "10.00", "1.00", "9.00")
    assert kept(credit) == ("paid", "-21.00", "0.00", "0.00")
    # What is left can be paid, or taken back with the credit before it.
    customer.void(credit["id"])
    assert money(get(customer, billed)) == ("uncollectible", "0.00", "31.00", "1.00", "30.00")


PER_LEVEL = {"feature": "level", "model": "per_unit", "unit_amount": "1"}


def levels(customer: Customer, *amounts: int) -> list[Row]:
    """Bills January's level with the first amount, and the others late, month after month."""
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[PER_LEVEL]))
    for month, level in enumerate(amounts):
        customer.at(f"2025-{month + 2:02}-01 00:00")
        customer.use("level", level, f"2025-01-10 {month:02}:00")
        if month == 0:
            # Its own level ends with January.
            customer.use("level", 0, "2025-02-01 00:00")
        customer.advance()
    assert subscription["id"] == customer.tenant.active()[0]["id"]
    return customer.invoices()


def test_what_was_billed_last_is_lowered_first(customer: Customer) -> None:
    january, added, credit = levels(customer, 100, 130, 85)
    assert [january["total"], added["total"], credit["total"]] == [100, 30, -45]
    assert money(added) == ("paid", "30.00", "0.00", "0.00", "0.00")
    assert money(january) == ("past_due", "15.00", "85.00", "0.00", "85.00")
    assert given_away(customer.conn) == [
        (3, 1, "15.00", "0.00", True),
        (3, 2, "30.00", "0.00", True),
    ]
    assert added["paid_at"] == credit["finalized_at"]


def test_a_later_credit_goes_on_from_what_an_earlier_one_left(customer: Customer) -> None:
    january, first, second, third = levels(customer, 100, 70, 40, 0)
    assert [row["total"] for row in (first, second, third)] == [-30, -30, -40]
    assert money(january) == ("paid", "100.00", "0.00", "0.00", "0.00")
    assert {kept(row)[2:] for row in (first, second, third)} == {("0.00", "0.00")}
    # Taken back in any order.
    for row in (second, third, first):
        customer.void(row["id"])
    assert money(get(customer, january)) == ("pending", "0.00", "100.00", "0.00", "100.00")
    assert customer.void(january["id"])["status"] == "voided"


def test_money_goes_back_once(customer: Customer) -> None:
    """100 of which 30 were paid, given back as 50 and 45: 75 are open less, and 25 go back."""
    billed, _ = levels(customer, 100, 100)
    pay(customer, billed, 30)
    end(customer, str(billed["subscription_id"]), "refund")
    seen = []
    for hour, level in ((3, 50), (4, 5), (5, 0)):
        customer.use("level", level, f"2025-01-10 {hour:02}:00")
        draft = customer.generate(
            billed["subscription_id"], kind="interim", at="2025-01-02 00:00+00"
        )
        seen.append(kept(customer.finalize(draft["id"])))
        billed = get(customer, billed)
    assert seen == [
        ("paid", "-50.00", "0.00", "0.00"),
        ("paid", "-45.00", "0.00", "25.00"),
        ("paid", "-5.00", "0.00", "5.00"),
    ]
    assert money(billed) == ("paid", "70.00", "30.00", "30.00", "0.00")


def test_a_credit_of_the_application_is_kept(customer: Customer) -> None:
    """A one-off credit gives back nothing that another invoice billed."""
    customer.tenant.create(make_plan(customer.conn, "ten", amount="10"))
    customer.advance()
    draft = customer.tenant.one(
        "ledger_create_invoice",
        currency="USD",
        lines=[{"description": "Base fee", "item": "base", "amount": "-4"}],
    )
    credit = customer.finalize(draft["id"])
    assert kept(credit) == ("paid", "-4.00", "4.00", "0.00")
    assert kept(customer.void(credit["id"])) == ("voided", "-4.00", "0.00", "0.00")
    assert given_away(customer.conn) == []


# Taking it back


def test_voiding_has_no_dead_end(customer: Customer) -> None:
    billed, credit = canceled(customer, "credit")
    with pytest.raises(errors.InvalidState, match=f"voided while invoice {credit['id']} goes on"):
        customer.void(billed["id"])
    voided = customer.void(credit["id"])
    assert kept(voided) == ("voided", "-6.77", "0.00", "0.00")
    assert voided["paid_at"] is None
    assert given_away(customer.conn) == [(2, 1, "6.77", "0.00", False)]
    assert money(get(customer, billed)) == ("pending", "0.00", "10.00", "0.00", "10.00")
    assert customer.void(credit["id"]) == voided
    assert customer.void(billed["id"])["status"] == "voided"


@pytest.mark.parametrize("unused_time", ["credit", "refund"])
def test_a_paid_credit_that_is_voided_is_neither_kept_nor_paid_back(
    customer: Customer, unused_time: str
) -> None:
    billed, credit = canceled(customer, unused_time, "5")
    pay(customer, credit, 2)
    assert kept(customer.void(credit["id"])) == ("voided", "-6.77", "2.00", "0.00")
    reopened = get(customer, billed)
    assert money(reopened) == ("pending", "0.00", "10.00", "5.00", "5.00")
    assert (reopened["paid_at"], reopened["unapplied"]) == (None, 0)
    assert customer.void(billed["id"])["unapplied"] == 5


def test_what_is_open_again_is_asked_for_again(customer: Customer) -> None:
    billed, credit = canceled(customer, "credit")
    paid = pay(customer, billed, "3.30")
    assert (paid["status"], paid["unapplied"]) == ("paid", D("0.07"))
    customer.void(credit["id"])
    reopened = get(customer, billed)
    # What was too much before pays a part of it.
    assert money(reopened) == ("pending", "0.00", "10.00", "3.30", "6.70")
    assert reopened["unapplied"] == 0
    customer.at("2025-03-01 00:00")
    assert [row["change"] for row in customer.advance()] == ["invoice_past_due"]
    assert pay(customer, billed, "6.70")["status"] == "paid"


def test_what_stays_covered_stays_paid(customer: Customer) -> None:
    billed, credit = canceled(customer, "credit")
    pay(customer, billed, 12)
    customer.void(credit["id"])
    paid = get(customer, billed)
    assert money(paid) == ("paid", "0.00", "10.00", "12.00", "0.00")
    assert paid["unapplied"] == 2
    assert paid["paid_at"] == paid["updated_at"]


def test_nothing_is_given_twice_after_it_was_taken_back(customer: Customer) -> None:
    billed, credit = canceled(customer, "refund", "10")
    assert credit["refund_due"] == D("6.77")
    customer.void(credit["id"])
    subscription = billed["subscription_id"]
    again = customer.finalize(customer.generate(subscription, at="2025-01-02 00:00+00")["id"])
    assert kept(again) == ("paid", "-6.77", "0.00", "6.77")
    assert given_away(customer.conn) == [
        (2, 1, "0.00", "6.77", False),
        (3, 1, "0.00", "6.77", True),
    ]


def test_an_invoice_of_nothing_can_be_voided(customer: Customer) -> None:
    """And its coupons go back."""
    call(customer.conn, "ledger_create_coupon", app_id="shop", code="ALL", percentage=100)
    customer.redeem("ALL")
    draft = customer.tenant.one(
        "ledger_create_invoice", currency="USD", lines=[{"description": "Work", "amount": "7"}]
    )
    final = customer.finalize(draft["id"])
    assert kept(final) == ("paid", "0.00", "0.00", "0.00")
    assert customer.redeem_left() == [(0, None)]
    assert kept(customer.void(final["id"])) == ("voided", "0.00", "0.00", "0.00")
    assert customer.redeem_left() == [(1, None)]


def test_what_came_before_a_credit_does_not_hold_up_what_came_after(customer: Customer) -> None:
    """Only what gives back a part of an invoice has to be voided before it."""
    month = {"interval": "day", "interval_count": 30}
    small, large = (
        make_plan(customer.conn, f"plan-{amount}", amount=amount, base=month)
        for amount in ("10", "20")
    )
    subscription = customer.tenant.create(small)["id"]
    customer.advance()
    customer.at("2025-01-16 00:00")
    customer.tenant.change_plan(subscription, large)
    customer.at("2025-01-31 00:00")
    customer.advance()
    first, second = customer.invoices()
    assert (first["total"], second["total"]) == (10, 25)
    with pytest.raises(errors.InvalidState, match=f"while invoice {second['id']} goes on"):
        customer.void(first["id"])
    customer.void(second["id"])
    customer.void(first["id"])
    again = customer.finalize(customer.generate(subscription, at="2025-01-02 00:00+00")["id"])
    assert again["total"] == 35
    customer.void(again["id"])


# Tax


def test_parts_of_a_credit_give_back_the_tax_once(customer: Customer) -> None:
    """0.10 with 0.01 of tax, given back as 0.05 twice: 0.01 of tax in all."""
    price = {**PER_LEVEL, "unit_amount": "0.05"}
    subscription = customer.tenant.create(
        make_plan(customer.conn, "pro", prices=[price]), tax_rates=VAT
    )["id"]
    seen = []
    for hour, level in enumerate((2, 1, 0)):
        customer.at(f"2025-01-10 0{hour}:00")
        customer.use("level", level)
        customer.at(f"2025-01-10 0{hour}:30")
        invoice = customer.finalize(customer.generate(subscription, kind="interim")["id"])
        seen.append((str(invoice["subtotal"]), str(invoice["tax"])))
    assert seen == [("0.10", "0.01"), ("-0.05", "0.00"), ("-0.05", "-0.01")]


def test_credits_split_their_tax_as_charges_do(customer: Customer) -> None:
    third: list[Row] = [{"name": "Third", "percentage": "33.333333"}]
    seen = []
    for amount in ("1", "-1"):
        draft = customer.tenant.one(
            "ledger_create_invoice",
            currency="USD",
            lines=[{"description": str(n), "amount": amount} for n in range(3)],
            tax_rates=third,
        )
        seen.append([line["tax"] for line in draft["line_items"] if line["kind"] in CHARGES])
    assert seen == [["0.34", "0.33", "0.33"], ["-0.34", "-0.33", "-0.33"]]


RATE = st.builds(
    lambda name, percentage, items: {
        "name": name,
        "percentage": percentage,
        **({"applies_to": items} if items else {}),
    },
    st.sampled_from(["VAT", "City", "Levy"]),
    st.sampled_from(["0", "5", "8.25", "10", "33.333", "100"]),
    st.sampled_from([None, ["level"], ["calls"], ["level", "calls"]]),
)


def taxes_by_rate(invoices: list[Row]) -> dict[tuple[str, str, str], Decimal]:
    """Returns what each rate comes to on all of them, whosever line it is in."""
    found: dict[tuple[str, str, str], Decimal] = {}
    for invoice in invoices:
        for line in invoice["line_items"]:
            if line["kind"] == "tax":
                basis = line["basis"]
                name = (basis["name"], basis["percentage"], str(basis.get("applies_to")))
                found[name] = plus(found.get(name, D(0)), D(line["amount"]))
    return found


@settings(max_examples=scaled(40))
@given(
    rates=st.lists(RATE, min_size=1, max_size=3),
    changed=st.lists(RATE, max_size=2),
    unit=st.sampled_from(["0.01", "0.05", "0.333", "1", "7.77"]),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=6),
)
def test_parts_of_a_credit_never_give_back_more_tax_than_was_charged(
    conn: Session, rates: list[Row], changed: list[Row], unit: str, steps: list[int]
) -> None:
    """By rate, and in the end all of it, however the charge is given back."""
    (count,) = conn.execute("select count(*) from ledger_subscriptions").fetchone() or (0,)
    customer = Customer(conn, f"t{count}")
    put_clock(conn, START)
    subscription = customer.tenant.create(
        make_plan(conn, f"plan-{count}", prices=[{**PER_LEVEL, "unit_amount": unit}]),
        tax_rates=rates,
    )["id"]
    for hour, level in enumerate([sum(steps), *sorted(steps, reverse=True), 0], start=1):
        put_clock(conn, f"2025-01-10 {hour:02}:00")
        customer.use("level", min(level, sum(steps)))
        put_clock(conn, f"2025-01-10 {hour:02}:30")
        customer.finalize(customer.generate(subscription, kind="interim")["id"])
        if hour == 1:
            customer.tenant.update(subscription, tax_rates=changed)
        invoices = customer.invoices()
        assert_adds_up(invoices[-1])
        assert min(taxes_by_rate(invoices).values(), default=D(0)) >= 0
    assert sum_of(invoice["total"] for invoice in invoices) == 0
    assert set(taxes_by_rate(invoices).values()) <= {D(0)}
    assert sum_of(invoice["amount_remaining"] for invoice in invoices) == 0
    assert sum_of(invoice["unapplied"] for invoice in invoices) == 0


# Whatever happens


def assert_money_is_accounted_for(conn: Session, tenant_id: str) -> None:
    """Asserts that what was billed and stands is paid, lowered, open, kept or to be paid back."""
    (lost,) = conn.execute(
        """
        select array_agg(invoices.id)
        from pgledger.invoices
        cross join lateral (
          select
            coalesce(sum(given.amount) filter (where given.to_invoice_key = invoices.key), 0)
              as taken,
            coalesce(sum(given.amount) filter (where given.from_invoice_key = invoices.key), 0)
              as given,
            coalesce(sum(given.refund) filter (where given.from_invoice_key = invoices.key), 0)
              as refund,
            coalesce(sum(given.refund) filter (where given.to_invoice_key = invoices.key), 0)
              as refunded
          from pgledger.invoice_credits as given
          where invoices.key in (given.from_invoice_key, given.to_invoice_key)
            and given.taken_back_at is null
        ) as credit
        where invoices.tenant_id = %s
          and invoices.status <> 'draft'
          and (
            invoices.credits_applied <> credit.taken
            or invoices.refund_due <> credit.refund
            or credit.refunded > least(invoices.amount_paid, invoices.amount_due)
            or (invoices.status = 'paid') <> (invoices.paid_at is not null)
            or (invoices.status = 'paid') <> (
              invoices.status <> 'voided' and invoices.amount_paid >= invoices.amount_due
            )
            or invoices.unapplied <> case
              when invoices.status = 'voided' then invoices.amount_paid
              else greatest(invoices.amount_paid - invoices.amount_due, 0)
              + greatest(-invoices.total, 0) - credit.given - credit.refund
            end
            or (invoices.status = 'voided' and num_nonnulls(
              nullif(credit.taken, 0), nullif(credit.given, 0), nullif(credit.refund, 0)
            ) > 0)
          )
        """,
        [tenant_id],
    ).fetchone() or (None,)
    assert lost is None


def assert_books_balance(invoices: list[Row], paid: Decimal) -> None:
    """Asserts that money paid, less what stands, is what is kept or to be paid back, less open."""
    standing = sum_of(row["total"] for row in invoices if row["status"] not in ("draft", "voided"))
    kept = sum_of(plus(row["unapplied"], row["refund_due"]) for row in invoices)
    still = sum_of(row["amount_remaining"] for row in invoices if row["status"] != "draft")
    assert minus(paid, standing) == minus(kept, still)


MOVES = st.one_of(
    st.tuples(st.sampled_from(["advance", "change", "pause", "resume", "draw"]), st.integers(0, 9)),
    st.tuples(st.just("level"), st.integers(0, 40)),
    st.tuples(st.sampled_from(["pay", "give_up", "void"]), st.integers(0, 99)),
)


@settings(max_examples=scaled(40))
@given(
    moves=st.lists(st.tuples(st.integers(1, 24 * 12), MOVES), min_size=4, max_size=24),
    unused_time=st.sampled_from(["none", "credit", "refund"]),
    pays=st.booleans(),
    rates=st.sampled_from([[], VAT]),
)
def test_every_invoice_can_be_ended(
    conn: Session,
    moves: list[tuple[int, tuple[str, int]]],
    unused_time: str,
    pays: bool,
    rates: list[Row],
) -> None:
    """From wherever a life has got to; and without money paid, all of it can be taken back."""
    (count,) = conn.execute("select count(*) from ledger_subscriptions").fetchone() or (0,)
    life = Life(Customer(conn, f"t{count}"), count, rates, pays)
    for hours, (move, value) in moves:
        life.step(hours, move, value)
    life.finish(unused_time)


class Life:
    """A tenant that changes, pays and takes back at random."""

    def __init__(self, customer: Customer, number: int, rates: list[Row], pays: bool) -> None:
        self.customer = customer
        self.pays = pays
        self.paid = D(0)
        self.hours = 0
        put_clock(customer.conn, START)
        self.plans = [
            make_plan(customer.conn, f"plan-{number}-{amount}", amount=amount, prices=[PER_LEVEL])
            for amount in ("10", "77.77")
        ]
        self.id = str(customer.tenant.create(self.plans[0], tax_rates=rates)["id"])

    def step(self, hours: int, move: str, value: int) -> None:
        self.hours += hours
        put_clock(self.customer.conn, utc(START) + timedelta(hours=self.hours))
        with suppress(errors.InvalidState, errors.InvalidArgument):
            getattr(self, move)(value)
        self.check()

    def check(self) -> None:
        assert_money_is_accounted_for(self.customer.conn, self.customer.tenant_id)
        assert_books_balance(self.customer.invoices(), self.paid)

    def advance(self, _: int) -> None:
        self.customer.advance()

    def change(self, value: int) -> None:
        self.customer.tenant.change_plan(self.id, self.plans[value % 2])

    def pause(self, _: int) -> None:
        self.customer.tenant.pause(self.id)

    def resume(self, _: int) -> None:
        self.customer.tenant.resume(self.id)

    def level(self, value: int) -> None:
        self.customer.use("level", value)

    def draw(self, value: int) -> None:
        self.customer.advance()
        draft = self.customer.generate(self.id, kind="interim" if value % 2 else "start")
        if draft["status"] == "draft":
            self.customer.finalize(draft["id"])

    def some(self, value: int) -> Row:
        final = [row for row in self.customer.invoices() if row["status"] != "draft"]
        if not final:
            raise errors.InvalidState("there is none")
        return final[value % len(final)]

    def pay(self, value: int) -> None:
        invoice = self.some(value)
        if self.pays and invoice["status"] != "voided":
            amount = D(value % 7 + 1)
            pay(self.customer, invoice, str(amount))
            self.paid = plus(self.paid, amount)

    def give_up(self, value: int) -> None:
        self.customer.tenant.one("ledger_mark_invoice_uncollectible", id=self.some(value)["id"])

    def void(self, value: int) -> None:
        self.customer.void(self.some(value)["id"])

    def finish(self, unused_time: str) -> None:
        self.step(1, "advance", 0)
        if self.customer.tenant.get(self.id)["status"] == "paused":
            self.step(1, "resume", 0)
        end(self.customer, self.id, unused_time)
        self.step(1, "advance", 0)
        for draft in self.customer.invoices("draft"):
            self.customer.tenant.one("ledger_delete_invoice", id=draft["id"])
        voided = True
        while voided:
            voided = False
            for invoice in reversed(self.customer.invoices()):
                if invoice["status"] != "voided":
                    try:
                        self.customer.void(invoice["id"])
                        voided = True
                    except errors.InvalidState:
                        pass
            self.check()
        left = [row for row in self.customer.invoices() if row["status"] != "voided"]
        if self.paid == 0:
            assert left == []
        for invoice in left:
            if invoice["status"] != "paid":
                self.paid = plus(self.paid, invoice["amount_remaining"])
                self.customer.tenant.one("ledger_mark_invoice_paid", id=invoice["id"])
        self.check()
        assert {row["status"] for row in self.customer.invoices()} <= {"paid", "voided"}


# Many at once


def test_a_payment_waits_for_a_credit_and_the_other_way_round(
    connect: Connect, conn: Session, wait_until_blocked: WaitUntilBlocked
) -> None:
    for number, first_is_credit in enumerate((True, False)):
        customer = Customer(conn, f"t{number}")
        put_clock(conn, START)
        plan = make_plan(conn, f"plan-{number}", amount="10")
        subscription = customer.tenant.create(plan)["id"]
        customer.advance()
        (billed,) = customer.invoices()
        put_clock(conn, "2025-01-11 00:00")
        end(customer, subscription, "refund")
        draft = customer.generate(subscription, at="2025-01-02 00:00+00")
        first, second = connect(**PATIENCE), connect(**PATIENCE)
        for session in (first, second):
            session.execute("select set_config('test.now', '2025-01-11 00:00+00', false)")
            session.commit()
        settler, payer = (first, second) if first_is_credit else (second, first)
        calls: dict[Session, Callable[[], Row]] = {
            settler: partial(Customer(settler, customer.tenant_id).finalize, draft["id"]),
            payer: partial(pay, Customer(payer, customer.tenant_id), billed, 10),
        }
        calls[first]()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(calls[second])
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            first.commit()
            waiting.result(timeout=60)
            second.commit()
        billed, credit = customer.invoices()
        if first_is_credit:
            assert money(billed) == ("paid", "6.77", "3.23", "10.00", "0.00")
            assert (billed["unapplied"], kept(credit)[2:]) == (D("6.77"), ("0.00", "0.00"))
        else:
            assert money(billed) == ("paid", "0.00", "10.00", "10.00", "0.00")
            assert kept(credit)[2:] == ("0.00", "6.77")
        assert_money_is_accounted_for(conn, customer.tenant_id)
        assert_books_balance(customer.invoices(), D(10))


def test_an_old_snapshot_does_not_settle(connect: Connect, customer: Customer) -> None:
    plan = make_plan(customer.conn, "ten", amount="10")
    subscription = customer.tenant.create(plan)["id"]
    customer.advance()
    (billed,) = customer.invoices()
    customer.at("2025-01-11 00:00")
    end(customer, subscription, "credit")
    draft = customer.generate(subscription, at="2025-01-02 00:00+00")
    late = connect(**PATIENCE)
    late.isolation_level = IsolationLevel.REPEATABLE_READ
    late.execute("select set_config('test.now', '2025-01-11 00:00+00', false)")
    pay(customer, billed, 4)
    with pytest.raises(SerializationFailure):
        Customer(late).finalize(draft["id"])
    late.rollback()
    assert kept(customer.finalize(draft["id"])) == ("paid", "-6.77", "0.77", "0.00")


def test_credits_payments_and_voids_at_once(connect: Connect, conn: Session) -> None:
    customer = Customer(conn)
    plan = make_plan(conn, "ten", amount="10", add_on=True)
    subscriptions = [customer.tenant.create(plan)["id"] for _ in range(6)]
    customer.advance()
    billed = customer.invoices()
    put_clock(conn, "2025-01-11 00:00")
    for subscription in subscriptions:
        end(customer, subscription, "credit")

    def work(seed: int, session: Session) -> Decimal:
        put_clock(session, "2025-01-11 00:00")
        choice = random.Random(seed)
        worker = Customer(session)
        paid = D(0)
        for _ in range(scaled(30)):
            invoice = choice.choice(worker.invoices())
            try:
                if choice.random() < 0.3:
                    worker.advance(max_subscriptions=1)
                elif choice.random() < 0.3:
                    pay(worker, invoice, 1)
                    paid += 1
                elif choice.random() < 0.5:
                    draft = worker.generate(choice.choice(subscriptions), at="2025-01-02 00:00+00")
                    worker.finalize(draft["id"])
                else:
                    worker.void(invoice["id"])
            except errors.InvalidState:
                pass
        return paid

    results = all_at_once(connect, [partial(work, seed) for seed in range(5)])
    assert [result for result in results if not isinstance(result, Decimal)] == []
    assert len(customer.invoices()) > len(billed)
    for draft in customer.invoices("draft"):
        customer.tenant.one("ledger_delete_invoice", id=draft["id"])
    assert_money_is_accounted_for(conn, "t1")
    assert_books_balance(customer.invoices(), sum_of(results))
