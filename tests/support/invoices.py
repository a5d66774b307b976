"""Billing a customer under a clock that the test's own session carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from support.clock import SetClock
from support.exact import minus, negated, plus, sum_of
from support.subscriptions import Row, Session, Tenant, call, utc

Line = tuple[str, str | None, Decimal | None, Decimal]

CHARGES = (
    "base_fee",
    "proration",
    "usage",
    "overage",
    "seats",
    "true_up",
    "cap",
    "late_usage",
    "item",
)


def carry_clock(conn: Session, set_clock: SetClock, now: str | datetime) -> None:
    """Lets the setting ``test.now`` of each session be the time, and puts it to ``now``."""
    set_clock(conn, "current_setting('test.now')")
    put_clock(conn, now)


def put_clock(conn: Session, now: str | datetime) -> None:
    at = utc(now) if isinstance(now, str) else now
    conn.execute("select set_config('test.now', %s, false)", [at.isoformat()])


def lines(invoice: Mapping[str, Any]) -> list[Line]:
    """Returns kind, item, quantity and amount of each line."""
    return [
        (
            line["kind"],
            line["item"],
            None if line["quantity"] is None else Decimal(line["quantity"]),
            Decimal(line["amount"]),
        )
        for line in invoice["line_items"] or []
    ]


def amounts(invoice: Mapping[str, Any], *kinds: str) -> list[Decimal]:
    """Returns the amounts of the lines of those kinds, or of all."""
    return [
        Decimal(line["amount"])
        for line in invoice["line_items"] or []
        if not kinds or line["kind"] in kinds
    ]


def assert_adds_up(invoice: Mapping[str, Any]) -> None:
    """Asserts that lines, shares, sums and what is due agree."""
    rows = invoice["line_items"] or []
    charges = [line for line in rows if line["kind"] in CHARGES]
    assert sum_of(amounts(invoice)) == invoice["total"]
    assert sum_of(amounts(invoice, *CHARGES)) == invoice["subtotal"]
    assert negated(sum_of(amounts(invoice, "discount"))) == invoice["discount"]
    assert sum_of(amounts(invoice, "tax")) == invoice["tax"]
    assert sum_of(Decimal(line["discount"]) for line in charges) == invoice["discount"]
    assert sum_of(Decimal(line["tax"]) for line in charges) == invoice["tax"]
    net = minus(invoice["subtotal"], invoice["discount"])
    assert invoice["total"] == plus(net, invoice["tax"])
    assert invoice["amount_due"] == max(minus(invoice["total"], invoice["credits_applied"]), 0)
    for line in charges:
        amount, discount = Decimal(line["amount"]), Decimal(line["discount"])
        assert 0 <= discount <= max(amount, Decimal(0))


@dataclass(slots=True)
class Customer:
    """A tenant with a clock of its own, and its invoices."""

    conn: Session
    tenant_id: str = "t1"
    app_id: str = "shop"
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        self.tenant = Tenant(self.conn, self.tenant_id, self.app_id)

    def at(self, now: str | datetime) -> None:
        put_clock(self.conn, now)

    def advance(self, **options: Any) -> list[Row]:
        """Calls ``ledger_advance`` until nothing is left, and returns all that was done.

        Tests put the clock forward by as much as they like, and say so.
        """
        done: list[Row] = []
        arguments = {"max_span": None, **options}
        while rows := call(self.conn, "ledger_advance", app_id=self.app_id, **arguments):
            done += rows
        return done

    def use(self, feature: str, quantity: Decimal | int, at: str | datetime | None = None) -> None:
        self.tenant.one(
            "ledger_record_usage",
            feature_key=feature,
            quantity=quantity,
            event_at=utc(at) if isinstance(at, str) else at,
        )

    def generate(self, subscription: str, **options: Any) -> Row:
        return self.tenant.one("ledger_generate_invoice", subscription_id=subscription, **options)

    def preview(self, subscription: str, **options: Any) -> Row:
        return self.tenant.one("ledger_preview_invoice", subscription_id=subscription, **options)

    def finalize(self, invoice: str) -> Row:
        return self.tenant.one("ledger_finalize_invoice", id=invoice)

    def void(self, invoice: str) -> Row:
        return self.tenant.one("ledger_mark_invoice_voided", id=invoice)

    def invoices(self, status: str | None = None) -> list[Row]:
        """Returns invoices in the order of their numbers, drafts last."""
        rows = self.tenant.rows("ledger_list_invoices", status=status, page_size=10000)
        return sorted(rows, key=lambda row: (row["number"] is None, row["number"], row["id"]))

    def redeem(self, code: str, **options: Any) -> Row:
        return self.tenant.one("ledger_redeem_coupon", code=code, **options)

    def redeem_left(self) -> list[tuple[int | None, Decimal | None]]:
        """Returns how many uses, and how much, is left of each coupon, in order of redemption."""
        return [
            (row["uses_left"], row["amount_left"])
            for row in self.tenant.rows("ledger_list_coupon_redemptions")
        ]


def make_feature(conn: Session, key: str, app_id: str = "shop", **options: Any) -> None:
    call(conn, "ledger_create_feature", app_id=app_id, key=key, name=key, **options)


def make_plan(
    conn: Session,
    slug: str,
    *,
    amount: str | None = None,
    base: Mapping[str, Any] | None = None,
    prices: Sequence[Mapping[str, Any]] = (),
    features: Sequence[Mapping[str, Any]] | None = None,
    app_id: str = "shop",
    currency: str = "USD",
    **options: Any,
) -> str:
    """Creates a plan with these prices and returns its id; features are those with a price."""
    given = {"amount": amount} if amount is not None else {}
    (plan,) = call(
        conn,
        "ledger_create_plan",
        app_id=app_id,
        slug=slug,
        name=slug,
        currency=currency,
        features=[{"key": price["feature"]} for price in prices]
        if features is None
        else list(features),
        pricing={"base": {**given, **(base or {})}, "prices": list(prices)},
        **options,
    )
    return str(plan["id"])
