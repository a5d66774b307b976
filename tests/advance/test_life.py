"""Customers' lives: two years of ten customers, billed by nothing but ``ledger_advance``.

What each did is a list of calls, and what each was billed is a table, worked out by hand from the
rules in docs/billing.md. The clock goes from one time in these to the next, and at each a worker
calls ``ledger_advance`` until it returns no row. Times are those of the customer's own zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from support.clock import SetClock
from support.database import Connect
from support.invoices import assert_adds_up, carry_clock, make_feature, make_plan, put_clock
from support.periods import instant, local
from support.subscriptions import Row, Session, Tenant, assert_consistent, call, utc

# No worker runs in between.
OUTAGE = (utc("2025-08-31 20:00"), utc("2025-09-02 06:00"))

Price = Mapping[str, Any]


def per_unit(feature: str, amount: str, **more: str) -> Price:
    return {"feature": feature, "model": "per_unit", "unit_amount": amount, **more}


def tiers(feature: str, model: str, *rates: Mapping[str, str]) -> Price:
    return {"feature": feature, "model": model, "tiers": list(rates)}


def soft(feature: str, limit: str) -> Mapping[str, Any]:
    return {"key": feature, "limit": limit, "soft_limit": True}


SOLO: dict[str, Any] = {"amount": "49.00", "prices": [per_unit("calls", "0.015")]}
SOLO_FROM_JUNE = {"base": {"amount": "55.00"}, "prices": [per_unit("calls", "0.02")]}

PLANS: dict[str, dict[str, Any]] = {
    "solo": {**SOLO, "features": [soft("calls", "1000")]},
    "studio": {
        "amount": "29.90",
        "trial_days": 16,
        "prices": [
            tiers(
                "calls",
                "graduated",
                {"up_to": "100", "unit_amount": "0.10", "flat_amount": "1"},
                {"up_to": "500", "unit_amount": "0.075"},
                {"unit_amount": "0.05", "flat_amount": "2"},
            )
        ],
    },
    "press": {
        "amount": "30.00",
        "trial_days": 10,
        "anchor_at_trial_end": False,
        "prices": [
            {
                "feature": "pages",
                "model": "package",
                "package_size": "100",
                "package_amount": "2.50",
                "free": "50",
                "maximum": "20",
            },
            per_unit("photos", "0.333", minimum="5"),
        ],
    },
    "small": {
        "amount": "20.00",
        "prices": [per_unit("calls", "0.10")],
        "features": [soft("calls", "100")],
    },
    "medium": {
        "amount": "50.00",
        "prices": [per_unit("calls", "0.08")],
        "features": [soft("calls", "500")],
    },
    "large": {
        "amount": "120.00",
        "prices": [per_unit("calls", "0.05")],
        "features": [soft("calls", "1000")],
    },
    "medium-year": {
        "base": {"amount": "500.00", "interval": "year"},
        "prices": [per_unit("calls", "0.08")],
        "features": [soft("calls", "500")],
    },
    "annual": {
        "base": {"amount": "1200.00", "interval": "year", "proration": "second"},
        "prices": [
            {
                "feature": "payouts",
                "model": "percentage",
                "percentage": "2.9",
                "flat_amount": "0.30",
            }
        ],
    },
    "annual-plus": {
        "base": {"amount": "2000.00", "interval": "year", "proration": "second"},
        "prices": [
            {
                "feature": "payouts",
                "model": "percentage",
                "percentage": "2.5",
                "flat_amount": "0.30",
            }
        ],
    },
    "afterwards": {
        "currency": "JPY",
        "base": {"amount": "5000", "billed": "arrears"},
        "prices": [
            tiers(
                "calls",
                "volume",
                {"up_to": "1000", "unit_amount": "1.5"},
                {"up_to": "5000", "unit_amount": "1.25"},
                {"unit_amount": "1"},
            )
        ],
    },
    "afterwards-plus": {
        "currency": "JPY",
        "base": {"amount": "8000", "billed": "arrears"},
        "prices": [
            tiers(
                "calls",
                "volume",
                {"up_to": "500", "unit_amount": "2"},
                {"unit_amount": "1"},
            )
        ],
    },
    "quarter": {
        "currency": "JPY",
        "base": {"amount": "12000", "interval_count": 3, "billed": "arrears"},
    },
    "desk": {
        "currency": "KWD",
        "amount": "12.500",
        "prices": [per_unit("seats", "4.125")],
        "features": [soft("seats", "3")],
    },
    "desk-plus": {
        "currency": "KWD",
        "amount": "20.000",
        "prices": [
            tiers(
                "seats",
                "graduated",
                {"up_to": "5", "unit_amount": "4"},
                {"unit_amount": "3.5"},
            )
        ],
    },
    "box": {"amount": "40.00", "prices": [per_unit("calls", "0.25")]},
    "box-plus": {"amount": "80.00", "prices": [per_unit("calls", "0.20")]},
    "gym": {
        "amount": "31.00",
        "prices": [per_unit("classes", "3.00")],
        "features": [soft("classes", "4")],
    },
    "fortnight": {"base": {"amount": "14.00", "interval": "week", "interval_count": 2}},
    "ten-days": {"base": {"amount": "7.00", "interval": "day", "interval_count": 10}},
    "extra": {"amount": "5.00", "add_on": True},
}

COUPONS: dict[str, dict[str, Any]] = {
    "TWENTY": {"percentage": 20, "duration": "repeating", "duration_invoices": 3},
    "SIXTY": {"amount": 60, "currency": "USD"},
    "CALLS": {"percentage": 10, "duration": "forever", "applies_to": ["calls"]},
    "BIG": {"amount": 15, "currency": "USD", "minimum_subtotal": 100},
    "HALF": {"percentage": 50, "duration": "forever"},
    "ODD": {"percentage": Decimal("12.345")},
}


def tax(name: str, percentage: str, *applies_to: str) -> dict[str, Any]:
    return {
        "name": name,
        "percentage": percentage,
        **({"applies_to": list(applies_to)} if applies_to else {}),
    }


@dataclass(frozen=True, slots=True)
class Customer:
    """What a customer does, and what is billed for it.

    Attributes:
        zone: Time zone of the customer's subscriptions, and of all times given here.
        story: Calls, each a time, what is done and its arguments.
        bills: The invoices in the order of their numbers. The first line of each says kind, start
            and end, when it is due, status and total; then what credit is kept or to be paid back.
            Its lines say kind, item, quantity and amount, and what of discount and tax is theirs;
            of a discount or a tax, name and amount.
        unpaid: Which of them the customer does not pay at once, counted from 1.
    """

    zone: str
    story: Sequence[tuple[Any, ...]]
    bills: str
    unpaid: frozenset[int] = frozenset()


# Monthly in advance, with overage under a soft limit, and much that is reported late. 49.00 a month
# and 0.015 for each call beyond 1000; from 15 June 2025 on 55.00 and 0.02.
ADA = Customer(
    zone="UTC",
    story=[
        ("2024-01-01", "subscribe", "solo"),
        ("2024-01-10", "use", "calls", 400),
        ("2024-01-25", "use", "calls", 350),
        ("2024-02-09", "use", "calls", 600),
        ("2024-02-28 12:00", "use", "calls", "400.5"),
        ("2024-03-05", "use", "calls", 100, "2024-02-20"),
        ("2024-03-06", "use", "calls", 200, "2024-01-31 23:00"),
        ("2024-03-15", "use", "calls", 1433),
        ("2024-04-03", "use", "calls", 150, "2024-01-02"),
        ("2024-05-20", "use", "calls", "12345.678"),
        ("2024-06-12", "use", "calls", 1000),
        ("2024-06-30 23:59:59.999999", "use", "calls", 1),
        ("2024-07-01", "use", "calls", 10),
        ("2024-07-15", "use", "calls", 1000),
        ("2024-09-30", "use", "calls", 2000),
        ("2024-10-05", "use", "calls", "999.999"),
        ("2024-11-30", "use", "calls", 1000),
        ("2024-12-24", "use", "calls", "1000.333"),
        ("2025-01-02", "use", "calls", "0.001", "2024-12-31"),
        ("2025-01-20", "use", "calls", 1500),
        ("2025-03-10", "update", {"tax_rates": [tax("VAT", "19")]}),
        ("2025-04-11", "use", "calls", 1040),
        ("2025-05-11", "use", "calls", 1100),
        ("2025-06-15", "update plan", "solo", SOLO_FROM_JUNE),
        ("2025-06-20", "use", "calls", 50, "2025-05-31"),
        ("2025-06-21", "use", "calls", 1030),
        ("2025-08-15", "use", "calls", 1000),
        ("2025-09-01 12:00", "use", "calls", 5, "2025-08-31 23:30"),
        ("2025-09-01 13:00", "use", "calls", 7),
        ("2025-12-05", "use", "calls", 1100),
        ("2025-12-10", "cancel"),
    ],
    bills="""
start 2024-01-01 2024-02-01 due 2024-01-31 paid 49.00
  base_fee base 1 49.00
period 2024-01-01 2024-02-01 due 2024-03-02 paid 49.00
  base_fee base 1 49.00
  overage calls 0 0.00                          # 750 of 1000
period 2024-02-01 2024-03-01 due 2024-03-31 paid 49.01
  base_fee base 1 49.00
  overage calls 0.5 0.01                        # 0.0075
period 2024-03-01 2024-04-01 due 2024-05-01 paid 57.00
  base_fee base 1 49.00
  overage calls 433 6.50                        # 6.495
  late_usage calls 0 0.00                       # January: 200 more are 950 of 1000
  late_usage calls 100 1.50                     # February: 100.5 x 0.015 is 1.51, less 0.01
period 2024-04-01 2024-05-01 due 2024-05-31 paid 50.50
  base_fee base 1 49.00
  overage calls 0 0.00
  late_usage calls 100 1.50                     # January: 150 more are 1100
period 2024-05-01 2024-06-01 due 2024-07-01 paid 219.19
  base_fee base 1 49.00
  overage calls 11345.678 170.19                # 170.18517
period 2024-06-01 2024-07-01 due 2024-07-31 paid 49.02
  base_fee base 1 49.00
  overage calls 1 0.02                          # a microsecond before July; 0.015
period 2024-07-01 2024-08-01 due 2024-08-31 paid 49.15
  base_fee base 1 49.00
  overage calls 10 0.15                         # ten at the first instant of July
period 2024-08-01 2024-09-01 due 2024-10-01 paid 49.00
  base_fee base 1 49.00
  overage calls 0 0.00
period 2024-09-01 2024-10-01 due 2024-10-31 paid 64.00
  base_fee base 1 49.00
  overage calls 1000 15.00
period 2024-10-01 2024-11-01 due 2024-12-01 paid 49.00
  base_fee base 1 49.00
  overage calls 0 0.00
period 2024-11-01 2024-12-01 due 2024-12-31 paid 49.00
  base_fee base 1 49.00
  overage calls 0 0.00
period 2024-12-01 2025-01-01 due 2025-01-31 paid 49.00
  base_fee base 1 49.00
  overage calls 0.333 0.00                      # 0.004995
period 2025-01-01 2025-02-01 due 2025-03-03 paid 56.51
  base_fee base 1 49.00
  overage calls 500 7.50
  late_usage calls 0.001 0.01                   # December: 0.334 x 0.015 is 0.00501
period 2025-02-01 2025-03-01 due 2025-03-31 paid 49.00
  base_fee base 1 49.00
  overage calls 0 0.00
period 2025-03-01 2025-04-01 due 2025-05-01 paid 58.31
  base_fee base 1 49.00 tax 9.31
  overage calls 0 0.00
  tax VAT 9.31
period 2025-04-01 2025-05-01 due 2025-05-31 paid 59.02
  base_fee base 1 49.00 tax 9.31
  overage calls 40 0.60 tax 0.11
  tax VAT 9.42                                  # 9.424
period 2025-05-01 2025-06-01 due 2025-07-01 paid 60.10
  base_fee base 1 49.00 tax 9.31
  overage calls 100 1.50 tax 0.29               # 0.285
  tax VAT 9.60                                  # 9.595
period 2025-06-01 2025-07-01 due 2025-07-31 paid 67.06
  base_fee base 1 55.00 tax 10.45
  overage calls 30 0.60 tax 0.12                # 0.114, the largest remainder
  late_usage calls 50 0.75 tax 0.14             # May: at May's price; 0.1425
  tax VAT 10.71                                 # 10.7065
period 2025-07-01 2025-08-01 due 2025-08-31 paid 65.45
  base_fee base 1 55.00 tax 10.45
  overage calls 0 0.00
  tax VAT 10.45
period 2025-08-01 2025-09-01 due 2025-10-02T06:00 paid 65.57    # after the outage
  base_fee base 1 55.00 tax 10.45
  overage calls 5 0.10 tax 0.02
  tax VAT 10.47                                 # 10.469
period 2025-09-01 2025-10-01 due 2025-10-31 paid 65.45
  base_fee base 1 55.00 tax 10.45
  overage calls 0 0.00
  tax VAT 10.45
period 2025-10-01 2025-11-01 due 2025-12-01 paid 65.45
  base_fee base 1 55.00 tax 10.45
  overage calls 0 0.00
  tax VAT 10.45
period 2025-11-01 2025-12-01 due 2025-12-31 paid 65.45
  base_fee base 1 55.00 tax 10.45
  overage calls 0 0.00
  tax VAT 10.45
period 2025-12-01 2026-01-01 due 2026-01-31 paid 2.38
  overage calls 100 2.00 tax 0.38
  tax VAT 0.38
""",
)

# A trial whose end is the anchor, and that is the end of a month; tiers with flat amounts.
BERT = Customer(
    zone="Europe/Berlin",
    story=[
        ("2024-01-15", "subscribe", "studio"),
        ("2024-01-20", "use", "calls", 300),
        ("2024-01-31", "trial ends"),
        ("2024-02-10", "use", "calls", 50),
        ("2024-04-10", "use", "calls", 100),
        ("2024-05-10", "use", "calls", "100.5"),
        ("2024-06-10", "use", "calls", 500),
        ("2024-07-10", "use", "calls", 501),
        ("2024-08-10", "use", "calls", "1234.5"),
        ("2024-09-29 23:59", "use", "calls", 10),
        ("2024-09-30", "use", "calls", 20),
        ("2025-02-10", "use", "calls", 1),
        ("2025-03-05", "use", "calls", 499, "2025-02-10"),
        ("2025-04-05", "use", "calls", 7),
        ("2025-04-10", "cancel"),
        ("2025-04-12", "resume"),
        ("2025-04-15", "cancel"),
        ("2025-05-05", "use", "calls", 1000),
    ],
    bills="""
start 2024-01-31 2024-02-29 due 2024-03-01 paid 29.90
  base_fee base 1 29.90
period 2024-01-31 2024-02-29 due 2024-03-30 paid 35.90
  base_fee base 1 29.90
  usage calls 50 6.00                           # 50 x 0.10 + 1; those of the trial are free
period 2024-02-29 2024-03-31 due 2024-04-30T01:00 paid 30.90    # 30 x 24 hours, 1 of them in March
  base_fee base 1 29.90
  usage calls 0 1.00                            # the first tier's flat amount
period 2024-03-31 2024-04-30 due 2024-05-30 paid 40.90
  base_fee base 1 29.90
  usage calls 100 11.00                         # still the first tier
period 2024-04-30 2024-05-31 due 2024-06-30 paid 40.94
  base_fee base 1 29.90
  usage calls 100.5 11.04                       # 11 + 0.5 x 0.075 is 11.0375
period 2024-05-31 2024-06-30 due 2024-07-30 paid 70.90
  base_fee base 1 29.90
  usage calls 500 41.00                         # 11 + 400 x 0.075
period 2024-06-30 2024-07-31 due 2024-08-30 paid 72.95
  base_fee base 1 29.90
  usage calls 501 43.05                         # 41 + 0.05 + 2
period 2024-07-31 2024-08-31 due 2024-09-30 paid 109.63
  base_fee base 1 29.90
  usage calls 1234.5 79.73                      # 43 + 734.5 x 0.05 is 79.725
period 2024-08-31 2024-09-30 due 2024-10-29T23:00 paid 31.90
  base_fee base 1 29.90
  usage calls 10 2.00
period 2024-09-30 2024-10-31 due 2024-11-30 paid 32.90
  base_fee base 1 29.90
  usage calls 20 3.00                           # at the first instant in Berlin
period 2024-10-31 2024-11-30 due 2024-12-30 paid 30.90
  base_fee base 1 29.90
  usage calls 0 1.00
period 2024-11-30 2024-12-31 due 2025-01-30 paid 30.90
  base_fee base 1 29.90
  usage calls 0 1.00
period 2024-12-31 2025-01-31 due 2025-03-02 paid 30.90
  base_fee base 1 29.90
  usage calls 0 1.00
period 2025-01-31 2025-02-28 due 2025-03-30 paid 31.00
  base_fee base 1 29.90
  usage calls 1 1.10
period 2025-02-28 2025-03-31 due 2025-04-30 paid 70.80
  base_fee base 1 29.90
  usage calls 0 1.00
  late_usage calls 499 39.90                    # February: 500 are 41.00, less 1.10
period 2025-03-31 2025-04-30 due 2025-05-30 paid 1.70
  usage calls 7 1.70                            # and no fee for a next period
""",
)

# A trial within a period that counts from the start; packages, a maximum and a minimum; cancelled
# at once with a refund. Then cancelled in the trial, once at once and once for its end: both are
# free.
CLEO = Customer(
    zone="UTC",
    story=[
        ("2024-02-01", "subscribe", "press"),
        ("2024-02-05", "use", "pages", 500),
        ("2024-02-06", "use", "photos", 500),
        ("2024-02-11", "trial ends"),
        ("2024-02-15", "use", "pages", 151),
        ("2024-03-20", "use", "pages", 2000),
        ("2024-03-21", "use", "photos", 14),
        ("2024-04-05", "use", "photos", 1, "2024-03-31"),
        ("2024-04-06", "use", "pages", 100, "2024-03-31"),
        ("2024-04-10", "use", "pages", 50),
        ("2024-04-11", "use", "photos", 15),
        ("2024-05-10", "use", "pages", "50.01"),
        ("2024-05-11", "use", "photos", 16),
        ("2024-06-05", "use", "pages", 100, "2024-05-31"),
        ("2024-06-21 12:00", "cancel", {"at_period_end": False, "unused_time": "refund"}),
        ("2024-09-01", "subscribe", "press"),
        ("2024-09-04", "use", "pages", 900),
        ("2024-09-05", "cancel", {"at_period_end": False}),
        ("2025-01-01", "subscribe", "press"),
        ("2025-01-05", "cancel"),
        ("2025-01-11", "trial ends"),
    ],
    bills="""
start 2024-02-01 2024-03-01 due 2024-03-12 paid 19.66
  proration base 1 19.66                        # 30 less 30 x 10/29, which is 10.34
period 2024-02-01 2024-03-01 due 2024-03-31 paid 40.00
  base_fee base 1 30.00
  usage pages 151 5.00                          # 101 beyond what is free: 2 packages
  usage photos 0 0.00
  true_up photos - 5.00                         # not prorated
period 2024-03-01 2024-04-01 due 2024-05-01 paid 55.00
  base_fee base 1 30.00
  usage pages 2000 50.00                        # 1950: 20 packages
  cap pages - -30.00
  usage photos 14 4.66                          # 4.662
  true_up photos - 0.34
period 2024-04-01 2024-05-01 due 2024-05-31 paid 35.00
  base_fee base 1 30.00
  usage pages 50 0.00
  usage photos 15 5.00                          # 4.995, and the minimum adds nothing that shows
  late_usage pages 100 0.00                     # March: above the maximum anyway
  late_usage photos 1 0.00                      # March: the minimum covers it
period 2024-05-01 2024-06-01 due 2024-07-01 paid 37.83
  base_fee base 1 30.00
  usage pages 50.01 2.50                        # 0.01 begins a package
  usage photos 16 5.33                          # 5.328
period 2024-06-01 2024-06-21T12:00 due 2024-07-21T12:00 paid -1.50 refund 1.50
  proration base 1 -9.00                        # 30 x 9/30: the 21st counts, it ends in it
  usage pages 0 0.00
  usage photos 0 0.00
  true_up photos - 5.00
  late_usage pages 100 2.50                     # May: 100.01 are 2 packages, less 1
""",
)

# Plans and quantities that change in the middle of periods which begin at half past nine in New
# York, on the last day of the month. Small: 20.00 and 0.10 beyond 100; medium: 50.00 and 0.08
# beyond 500; large: 120.00 and 0.05 beyond 1000. Then a change from monthly to yearly.
DANA = Customer(
    zone="America/New_York",
    story=[
        ("2024-01-31 09:30", "subscribe", "small"),
        ("2024-02-10", "use", "calls", 150),
        ("2024-03-05", "use", "calls", 80),
        ("2024-03-15 12:00", "change", "medium"),
        ("2024-03-20", "use", "calls", 520),
        ("2024-04-02", "use", "calls", 40, "2024-03-10"),
        ("2024-04-05", "use", "calls", 450),
        ("2024-04-08 08:00", "change", "large"),
        ("2024-04-10", "use", "calls", 800),
        ("2024-04-20 10:00", "change", "small"),
        ("2024-04-22", "use", "calls", 50),
        ("2024-04-27 09:30", "change", "medium"),
        ("2024-05-10 11:00", "change", "large"),
        ("2024-05-10 12:00", "use", "calls", 1000),
        ("2024-05-10 18:00", "change", "medium"),
        ("2024-05-20", "use", "calls", 600),
        ("2024-06-15 09:30", "update", {"quantity": 3}),
        ("2024-06-25 10:00", "update", {"quantity": 2}),
        ("2024-07-10 09:30", "change", "small"),
        ("2024-08-05", "use", "calls", 300),
        ("2024-08-11 09:30", "cancel", {"at_period_end": False, "unused_time": "credit"}),
        ("2024-10-01", "subscribe", "small"),
        ("2024-11-10", "use", "calls", 130),
        ("2024-11-16", "change", "medium-year"),
        ("2024-12-24", "use", "calls", 700),
        ("2025-06-24", "use", "calls", 800),
    ],
    bills="""
start 2024-01-31T09:30 2024-02-29T09:30 due 2024-03-01T09:30 paid 20.00
  base_fee base 1 20.00
period 2024-01-31T09:30 2024-02-29T09:30 due 2024-03-30T10:30 paid 25.00
  base_fee base 1 20.00
  overage calls 50 5.00
period 2024-02-29T09:30 2024-03-31T09:30 due 2024-04-30T09:30 paid 73.49
  proration base 1 -10.32                       # small: 20 less 20 x 15/31, which is 9.68
  proration base 1 25.81                        # medium: 50 less 50 x 15/31, which is 24.19
  base_fee base 1 50.00
  overage calls 0 0.00                          # small: 80 of 100
  overage calls 100 8.00                        # medium: 600 of 500
period 2024-03-31T09:30 2024-04-30T09:30 due 2024-05-30T09:30 paid 96.04
  proration base 1 -33.33                       # medium, days 7 to 27: 45.00 less 11.67
  proration base 1 52.00                        # large, days 7 to 20: 80.00 less 28.00
  proration base 1 4.67                         # small, days 20 to 27: 18.00 less 13.33
  base_fee base 1 50.00
  overage calls 0 0.00                          # medium: 450 of 500, and none later
  overage calls 250 12.50                       # large: 1250 of 1000
  overage calls 50 5.00                         # small: from 1250 to 1300
  late_usage calls 20 2.00                      # March, small: 120 of 100, less 0.00
  late_usage calls 40 3.20                      # March, medium: from 120 to 640, less 8.00
period 2024-04-30T09:30 2024-05-31T09:30 due 2024-06-30T09:30 paid 98.00
  base_fee base 1 50.00                         # up and down within a day
  overage calls 600 48.00                       # medium: from 1000 to 1600
  overage calls 0 0.00                          # large: 1000 of 1000
period 2024-05-31T09:30 2024-06-30T09:30 due 2024-07-30T09:30 paid 141.67
  proration base 1 -25.00                       # 50 x 15/30
  proration base 3 50.00                        # days 15 to 25 of 150: 125.00 less 75.00
  proration base 2 16.67                        # days 25 to 30 of 100: 100 less 83.33
  base_fee base 2 100.00
  overage calls 0 0.00
period 2024-06-30T09:30 2024-07-31T09:30 due 2024-08-30T09:30 paid -0.64 unapplied 0.64
  proration base 2 -67.74                       # medium: 100 less 100 x 10/31, which is 32.26
  proration base 2 27.10                        # small: 40 less 40 x 10/31, which is 12.90
  base_fee base 2 40.00
  overage calls 0 0.00                          # medium
  overage calls 0 0.00                          # small
period 2024-07-31T09:30 2024-08-11T09:30 due 2024-09-10T09:30 paid -5.81 unapplied 5.81
  proration base 2 -25.81                       # 40 less 40 x 11/31, which is 14.19
  overage calls 200 20.00
start 2024-10-01 2024-11-01 due 2024-10-31 paid 20.00
  base_fee base 1 20.00
period 2024-10-01 2024-11-01 due 2024-11-30T23:00 paid 20.00
  base_fee base 1 20.00
  overage calls 0 0.00
period 2024-11-01 2024-11-16 due 2024-12-16 paid 493.00
  proration base 1 -10.00                       # 15 of 30 days, one of which has 25 hours
  base_fee base 1 500.00
  overage calls 30 3.00
period 2024-11-16 2025-11-16 due 2025-12-16 paid 580.00
  base_fee base 1 500.00
  overage calls 1000 80.00                      # 1500 of 500
""",
)

# A yearly plan from the 29th of February, prorated by second, with a tax on all and one on the base
# fee.
EMIL = Customer(
    zone="UTC",
    story=[
        (
            "2024-02-29",
            "subscribe",
            "annual",
            {"tax_rates": [tax("State", "6.25"), tax("City", "2.375", "base")]},
        ),
        ("2024-07-01", "use", "payouts", "5000.00"),
        ("2024-08-30 12:00", "change", "annual-plus"),
        ("2024-12-01", "use", "payouts", "7345.67"),
        ("2025-09-01", "update", {"quantity": 2}),
        ("2026-01-15", "cancel"),
    ],
    bills="""
start 2024-02-29 2025-02-28 due 2024-03-30 paid 1303.50
  base_fee base 1 1200.00 tax 103.50
  tax State 75.00
  tax City 28.50
period 2024-02-29 2025-02-28 due 2025-03-30 paid 2954.12
  proration base 1 -596.71 tax -51.47           # 1200 less 183.5/365; -37.30 - 14.17
  proration base 1 994.52 tax 85.78             # 2000 less 183.5/365; 62.16 + 23.62
  base_fee base 1 2000.00 tax 172.50            # 125 + 47.50
  usage payouts 5000 145.30 tax 9.08            # 2.9 %, 0.30
  usage payouts 7345.67 183.64 tax 11.48        # 2.5 %, which is 183.64175
  tax State 170.42                              # 2726.75 x 6.25 % is 170.421875
  tax City 56.95                                # 2397.81 x 2.375 % is 56.9479875
period 2025-02-28 2026-02-28 due 2026-03-30 paid 1071.68
  proration base 1 -986.30 tax -85.07           # 2000 x 180/365; -61.64 - 23.43
  proration base 2 1972.60 tax 170.13           # 4000 x 180/365; 123.28 + 46.85
  usage payouts 0 0.30 tax 0.02                 # 0.01875, the largest remainder
  tax State 61.66                               # 986.60 x 6.25 % is 61.6625
  tax City 23.42                                # 986.30 x 2.375 % is 23.424625
""",
)

# Yen, billed when a period is over: the first is a part of one, the last is cut short. Then by the
# quarter, counted from the end of a month.
FAY = Customer(
    zone="Asia/Tokyo",
    story=[
        (
            "2024-01-11",
            "subscribe",
            "afterwards",
            {"anchor_at": "2024-01-01", "tax_rates": [tax("JCT", "10")]},
        ),
        ("2024-01-20", "use", "calls", 333),
        ("2024-02-20", "use", "calls", 1001),
        ("2024-03-10", "use", "calls", 450),
        ("2024-03-16", "change", "afterwards-plus"),
        ("2024-03-20", "use", "calls", 500),
        ("2024-04-05", "use", "calls", 100),
        ("2024-04-11 12:00", "cancel", {"at_period_end": False}),
        ("2024-05-31", "subscribe", "quarter", {"tax_rates": [tax("JCT", "10")]}),
        ("2024-09-10", "redeem", "ODD"),
        ("2025-01-10", "cancel"),
    ],
    bills="""
period 2024-01-11 2024-02-01 due 2024-03-02 paid 4276
  proration base 1 3387 tax 339                 # 5000 less 5000 x 10/31, which is 1613
  usage calls 333 500 tax 50                    # 499.5
  tax JCT 389                                   # 388.7
period 2024-02-01 2024-03-01 due 2024-03-31 paid 6876
  base_fee base 1 5000 tax 500
  usage calls 1001 1251 tax 125                 # all at 1.25
  tax JCT 625                                   # 625.1
period 2024-03-01 2024-04-01 due 2024-05-01 paid 8495
  proration base 1 2419 tax 242                 # 5000 x 15/31
  proration base 1 4129 tax 413                 # 8000 less 8000 x 15/31, which is 3871
  usage calls 450 675 tax 67                    # 950 at 1.5, 450 of 950; 67.5
  usage calls 500 500 tax 50                    # plus: 950 at 1, 500 of 950
  tax JCT 772                                   # 772.3
period 2024-04-01 2024-04-11T12:00 due 2024-05-11T12:00 paid 3446
  proration base 1 2933 tax 293                 # 8000 x 11/30: the 11th counts, it ends in it
  usage calls 100 200 tax 20
  tax JCT 313                                   # 313.3
period 2024-05-31 2024-08-31 due 2024-09-30 paid 13200
  base_fee base 1 12000 tax 1200
  tax JCT 1200
period 2024-08-31 2024-11-30 due 2024-12-30 paid 11571
  base_fee base 1 12000 off 1481 tax 1052
  discount ODD -1481                            # 1481.4
  tax JCT 1052                                  # 1051.9
period 2024-11-30 2025-02-28 due 2025-03-30 paid 13200
  base_fee base 1 12000 tax 1200
  tax JCT 1200
""",
)

# Seats by the day, in dinars of a thousand fils. Desk: 12.500, and 4.125 for each seat beyond 3;
# plus: 20.000, and 4 for each of the first 5, 3.5 for each further one.
GUS = Customer(
    zone="Asia/Kuwait",
    story=[
        ("2024-04-15", "subscribe", "desk", {"tax_rates": [tax("VAT", "5")]}),
        ("2024-04-20 08:00", "use", "seats", 5),
        ("2024-05-01", "use", "seats", 8),
        ("2024-05-25 09:00", "use", "seats", 10),
        ("2024-05-25 17:00", "use", "seats", 4),
        ("2024-06-20", "use", "seats", 9, "2024-06-05"),
        ("2024-06-25", "use", "seats", 3),
        ("2024-07-15", "use", "seats", 6),
        ("2024-08-01", "change", "desk-plus"),
        ("2024-09-01", "cancel"),
        ("2024-09-05", "resume"),
        ("2024-10-01", "cancel"),
    ],
    bills="""
start 2024-04-15 2024-05-15 due 2024-05-15 paid 13.125
  base_fee base 1 12.500 tax 0.625
  tax VAT 0.625
period 2024-04-15 2024-05-15 due 2024-06-14 paid 26.408
  base_fee base 1 12.500 tax 0.625
  seats seats 3.066667 12.650 tax 0.633         # 2, days 5 to 16: 3.025; 5, days 16 to 30: 9.625
  tax VAT 1.258                                 # 1.2575
period 2024-05-15 2024-06-15 due 2024-07-15 paid 23.044
  base_fee base 1 12.500 tax 0.625
  seats seats 2.290323 9.447 tax 0.472          # 5, days 0 to 10: 6.653; 1, days 10 to 31: 2.794
  tax VAT 1.097                                 # 1.09735
period 2024-06-15 2024-07-15 due 2024-08-14 paid 28.773
  base_fee base 1 12.500 tax 0.625
  seats seats 2 8.250 tax 0.412                 # 6, days 0 to 10
  late_usage seats 1.612903 6.653 tax 0.333     # 6 for 1, days 21 to 31: 16.100 less 9.447
  tax VAT 1.370                                 # 1.37015
period 2024-07-15 2024-08-15 due 2024-09-14 paid 42.825
  proration base 1 -5.645 tax -0.282            # desk: 12.5 less 12.5 x 17/31, which is 6.855
  proration base 1 9.032 tax 0.451              # plus: 20 less 20 x 17/31, which is 10.968
  base_fee base 1 20.000 tax 1.000
  seats seats 1.645161 6.786 tax 0.339          # 3 x 4.125, days 0 to 17
  seats seats 2.709677 10.613 tax 0.531         # 23.5 less 23.5 x 17/31, which is 12.887
  tax VAT 2.039                                 # 2.0393
period 2024-08-15 2024-09-15 due 2024-10-15 paid 45.675
  base_fee base 1 20.000 tax 1.000
  seats seats 6 23.500 tax 1.175                # 5 x 4 + 3.5
  tax VAT 2.175
period 2024-09-15 2024-10-15 due 2024-11-14 paid 24.675
  seats seats 6 23.500 tax 1.175
  tax VAT 1.175
""",
)

# Coupons of every kind before a sales tax; one bill is paid late and in parts, one is given up, and
# one is given up and then paid.
HANA = Customer(
    zone="UTC",
    story=[
        ("2024-03-01", "redeem", "TWENTY"),
        ("2024-03-01", "subscribe", "box", {"tax_rates": [tax("Sales", "8.25")]}),
        ("2024-03-10", "use", "calls", 100),
        ("2024-04-10", "use", "calls", 33),
        ("2024-06-10", "use", "calls", 10),
        ("2024-07-02", "pay", 5, "3.99"),
        ("2024-07-02", "is", 4, "past_due"),
        ("2024-07-05", "redeem", "SIXTY"),
        ("2024-07-10", "pay", 4, "20.00"),
        ("2024-07-11", "is", 4, "past_due"),
        ("2024-07-12", "pay", 4, "23.30"),
        ("2024-07-12", "use", "calls", 4),
        ("2024-08-10", "use", "calls", 8),
        ("2024-09-02", "redeem", "CALLS"),
        ("2024-09-03", "redeem", "BIG"),
        ("2024-09-10", "use", "calls", 80),
        ("2024-10-10", "use", "calls", 241),
        ("2024-10-30", "is", 8, "pending"),
        ("2024-11-10", "use", "calls", 2),
        ("2024-12-02", "is", 8, "past_due"),
        ("2024-12-02", "is", 9, "past_due"),
        ("2024-12-10", "redeem", "HALF"),
        ("2024-12-15", "give up", 8),
        ("2024-12-15", "give up", 9),
        ("2025-01-10", "use", "calls", 40),
        ("2025-01-16", "change", "box-plus"),
        ("2025-01-20", "pay", 9, "85.76"),
        ("2025-02-15", "change", "box"),
        ("2025-03-05", "use", "calls", 4),
        ("2025-03-10", "cancel", {"at_period_end": False}),
    ],
    unpaid=frozenset({4, 8, 9}),
    bills="""
start 2024-03-01 2024-04-01 due 2024-03-31 paid 34.64
  base_fee base 1 40.00 off 8.00 tax 2.64
  discount TWENTY -8.00
  tax Sales 2.64
period 2024-03-01 2024-04-01 due 2024-05-01 paid 56.29
  base_fee base 1 40.00 off 8.00 tax 2.64
  usage calls 100 25.00 off 5.00 tax 1.65
  discount TWENTY -13.00
  tax Sales 4.29
period 2024-04-01 2024-05-01 due 2024-05-31 paid 41.78
  base_fee base 1 40.00 off 8.00 tax 2.64
  usage calls 33 8.25 off 1.65 tax 0.54
  discount TWENTY -9.65                         # the third time
  tax Sales 3.18                                # 38.60 x 8.25 % is 3.1845
period 2024-05-01 2024-06-01 due 2024-07-01 paid 43.30
  base_fee base 1 40.00 tax 3.30
  usage calls 0 0.00
  tax Sales 3.30
period 2024-06-01 2024-07-01 due 2024-07-31 paid 46.01 unapplied 3.99
  base_fee base 1 40.00 tax 3.30
  usage calls 10 2.50 tax 0.21                  # 0.20625
  tax Sales 3.51                                # 3.50625
period 2024-07-01 2024-08-01 due 2024-08-31 paid 0.00
  base_fee base 1 40.00 off 40.00
  usage calls 4 1.00 off 1.00
  discount SIXTY -41.00                         # 19 are left
  tax Sales 0.00
period 2024-08-01 2024-09-01 due 2024-10-01 paid 24.90
  base_fee base 1 40.00 off 18.10 tax 1.81      # 18.0952; 1.80675
  usage calls 8 2.00 off 0.90 tax 0.09          # 0.9048; 0.09075
  discount SIXTY -19.00
  tax Sales 1.90                                # 23 x 8.25 % is 1.8975
period 2024-09-01 2024-10-01 due 2024-10-31 uncollectible 62.79
  base_fee base 1 40.00 tax 3.30
  usage calls 80 20.00 off 2.00 tax 1.49        # 1.485
  discount CALLS -2.00                          # BIG waits for 100
  tax Sales 4.79                                # 58 x 8.25 % is 4.785
period 2024-10-01 2024-11-01 due 2024-12-01 paid 85.76
  base_fee base 1 40.00 off 6.37 tax 2.78       # 15 x 40 / 94.22; 2.774475
  usage calls 241 60.25 off 14.66 tax 3.76      # 6.03 + 8.63; 3.761175
  discount CALLS -6.03                          # 6.025
  discount BIG -15.00
  tax Sales 6.54                                # 79.22 x 8.25 % is 6.53565
period 2024-11-01 2024-12-01 due 2024-12-31 paid 43.79
  base_fee base 1 40.00 tax 3.30
  usage calls 2 0.50 off 0.05 tax 0.04
  discount CALLS -0.05
  tax Sales 3.34                                # 40.45 x 8.25 % is 3.337125
period 2024-12-01 2025-01-01 due 2025-01-31 paid 21.65
  base_fee base 1 40.00 off 20.00 tax 1.65
  usage calls 0 0.00
  discount HALF -20.00
  tax Sales 1.65
period 2025-01-01 2025-02-01 due 2025-03-03 paid 59.33
  proration base 1 -10.33 tax -0.85             # box: 20.65 of the 40 less 10.32 of the discount
  proration base 1 41.29 off 20.65 tax 1.70     # plus: 80 less 80 x 15/31, which is 38.71
  base_fee base 1 80.00 off 40.00 tax 3.30
  usage calls 40 10.00 off 5.50 tax 0.37        # box; 1.00 + 4.50
  usage calls 0 0.00                            # plus
  discount CALLS -1.00
  discount HALF -65.15                          # half of 41.29 + 80 + 9 is 65.145
  tax Sales 4.52                                # 54.81 x 8.25 % is 4.521825
period 2025-02-01 2025-03-01 due 2025-03-31 paid 10.83
  proration base 1 -20.00 tax -1.65             # plus: half of the 40 that were billed
  proration base 1 20.00 off 10.00 tax 0.83     # box: 40 x 14/28; 0.825
  base_fee base 1 40.00 off 20.00 tax 1.65
  usage calls 0 0.00
  usage calls 0 0.00
  discount HALF -30.00
  tax Sales 0.83                                # 10 x 8.25 % is 0.825
period 2025-03-01 2025-03-10 due 2025-04-09 paid 0.49
  usage calls 4 1.00 off 0.55 tax 0.04          # 0.10 + 0.45; what is left of March is kept
  discount CALLS -0.10
  discount HALF -0.45
  tax Sales 0.04                                # 0.45 x 8.25 % is 0.037125
""",
)

# Pauses: within a period, and over the boundaries of two; cancelled while paused. 31.00 a month and
# 3.00 for each class beyond 4.
IVO = Customer(
    zone="Europe/Berlin",
    story=[
        ("2024-05-01", "subscribe", "gym"),
        ("2024-05-20", "use", "classes", 6),
        ("2024-06-11 08:00", "pause"),
        ("2024-06-21", "resume"),
        ("2024-07-10", "use", "classes", 5),
        ("2024-07-16", "pause"),
        ("2024-07-20", "use", "classes", 2),
        ("2024-08-10", "use", "classes", 6),
        ("2024-09-05", "use", "classes", 3),
        ("2024-09-11", "resume"),
        ("2024-09-20", "use", "classes", 3),
        ("2024-11-11", "pause"),
        ("2024-11-21", "cancel", {"at_period_end": False, "unused_time": "credit"}),
    ],
    bills="""
start 2024-05-01 2024-06-01 due 2024-05-31 paid 31.00
  base_fee base 1 31.00
period 2024-05-01 2024-06-01 due 2024-07-01 paid 37.00
  base_fee base 1 31.00
  overage classes 2 6.00
period 2024-06-01 2024-07-01 due 2024-07-31 paid 21.70
  proration base 1 -9.30                        # days 11 to 20 of 30: 20.67 less 11.37
  base_fee base 1 31.00
  overage classes 0 0.00                        # until the pause, and after it
period 2024-07-01 2024-08-01 due 2024-08-31 paid -13.00 unapplied 13.00
  proration base 1 -16.00                       # 31 x 16/31, and no fee for August
  overage classes 1 3.00                        # 5; the 2 in the pause cost nothing
start 2024-09-01 2024-10-01 due 2024-10-11 paid 20.67
  proration base 1 20.67                        # 31 less 31 x 10/30, which is 10.33
period 2024-09-01 2024-10-01 due 2024-10-30T23:00 paid 31.00
  base_fee base 1 31.00
  overage classes 0 0.00                        # 3 after the pause, of 4 that are free
period 2024-10-01 2024-11-01 due 2024-12-01 paid 31.00
  base_fee base 1 31.00
  overage classes 0 0.00
period 2024-11-01 2024-11-21 due 2024-12-21 paid -20.67 unapplied 20.67
  proration base 1 -20.67                       # from the pause on: 31 less 31 x 10/30
  overage classes 0 0.00
""",
)

# By the fortnight with a refund, by ten days with nothing, each over a change of New York's clocks,
# and an add-on beside, 2.5 times.
JO = Customer(
    zone="America/New_York",
    story=[
        ("2024-10-25 18:00", "subscribe", "fortnight"),
        ("2024-12-10 20:00", "cancel", {"at_period_end": False, "unused_time": "refund"}),
        ("2025-02-15", "subscribe", "extra", {"quantity": Decimal("2.5")}),
        ("2025-03-01 12:00", "subscribe", "ten-days"),
        ("2025-03-24", "cancel", {"at_period_end": False}),
        ("2025-04-01", "turn to", "extra"),
        ("2025-04-01", "update", {"quantity": Decimal("1.25")}),
        ("2025-05-01", "cancel"),
    ],
    bills="""
start 2024-10-25T18:00 2024-11-08T18:00 due 2024-11-24T17:00 paid 14.00
  base_fee base 1 14.00
period 2024-10-25T18:00 2024-11-08T18:00 due 2024-12-08T18:00 paid 14.00
  base_fee base 1 14.00
period 2024-11-08T18:00 2024-11-22T18:00 due 2024-12-22T18:00 paid 14.00
  base_fee base 1 14.00
period 2024-11-22T18:00 2024-12-06T18:00 due 2025-01-05T18:00 paid 14.00
  base_fee base 1 14.00
period 2024-12-06T18:00 2024-12-10T20:00 due 2025-01-09T20:00 paid -9.00 refund 9.00
  proration base 1 -9.00                        # 9 of 14 days: the fifth counts, it ends in it
start 2025-02-15 2025-03-15 due 2025-03-17T01:00 paid 12.50
  base_fee base 2.5 12.50
start 2025-03-01T12:00 2025-03-11T12:00 due 2025-03-31T13:00 paid 7.00
  base_fee base 1 7.00
period 2025-03-01T12:00 2025-03-11T12:00 due 2025-04-10T12:00 paid 7.00
  base_fee base 1 7.00
period 2025-02-15 2025-03-15 due 2025-04-14 paid 12.50
  base_fee base 2.5 12.50
period 2025-03-11T12:00 2025-03-21T12:00 due 2025-04-20T12:00 paid 7.00
  base_fee base 1 7.00
period 2025-03-15 2025-04-15 due 2025-05-15 paid 3.42
  proration base 2.5 -5.65                      # 12.5 less 12.5 x 17/31, which is 6.85
  proration base 1.25 2.82                      # 6.25 less 6.25 x 17/31, which is 3.43
  base_fee base 1.25 6.25
""",
)

CUSTOMERS: Mapping[str, Customer] = {
    "ada": ADA,
    "bert": BERT,
    "cleo": CLEO,
    "dana": DANA,
    "emil": EMIL,
    "fay": FAY,
    "gus": GUS,
    "hana": HANA,
    "ivo": IVO,
    "jo": JO,
}

# Each bill that was overdue, and at which time.
OVERDUE = [("hana", 4, "2024-07-01"), ("hana", 8, "2024-10-31"), ("hana", 9, "2024-12-01")]

# Every subscription in order: plan, status, and when it ended or until when it goes on.
ENDS = {
    "ada": [("solo", "canceled", "2026-01-01")],
    "bert": [("studio", "canceled", "2025-04-30")],
    "cleo": [
        ("press", "canceled", "2024-06-21T12:00"),
        ("press", "canceled", "2024-09-05"),
        ("press", "canceled", "2025-01-11"),
    ],
    "dana": [("small", "canceled", "2024-08-11T09:30"), ("medium-year", "active", "2026-11-16")],
    "emil": [("annual-plus", "canceled", "2026-02-28")],
    "fay": [
        ("afterwards-plus", "canceled", "2024-04-11T12:00"),
        ("quarter", "canceled", "2025-02-28"),
    ],
    "gus": [("desk-plus", "canceled", "2024-10-15")],
    "hana": [("box", "canceled", "2025-03-10")],
    "ivo": [("gym", "canceled", "2024-11-21")],
    "jo": [
        ("fortnight", "canceled", "2024-12-10T20:00"),
        ("extra", "canceled", "2025-05-15"),
        ("ten-days", "canceled", "2025-03-24"),
    ],
}

# What is left of hana's coupons: status, uses, amount.
COUPONS_LEFT = {
    "TWENTY": ("used", 0, None),
    "SIXTY": ("used", 0, Decimal(0)),
    "CALLS": ("active", None, None),
    "BIG": ("used", 0, Decimal(0)),
    "HALF": ("active", None, None),
}


# Reading and writing bills

Bill = list[str]


def instant_of(text: str, zone: str) -> datetime:
    return instant(datetime.fromisoformat(text), ZoneInfo(zone))


def text_of(at: datetime, zone: str) -> str:
    text = local(at, ZoneInfo(zone)).isoformat(timespec="minutes")
    return text.removesuffix("T00:00")


def read_bills(text: str) -> list[Bill]:
    """Returns the lines of each bill, without comments and what is only for looks."""
    bills: list[Bill] = []
    for line in text.splitlines():
        words = " ".join(line.partition("#")[0].split())
        if words and line.startswith(" "):
            bills[-1].append(words)
        elif words:
            bills.append([words])
    return bills


def write_bill(invoice: Row, zone: str) -> Bill:
    """Returns an invoice in the words of the tables."""
    times = [text_of(invoice[name], zone) for name in ("period_start", "period_end", "due_at")]
    words = f"{invoice['kind']} {times[0]} {times[1]} due {times[2]}"
    words += f" {invoice['status']} {invoice['total']}"
    for name, value in (
        ("unapplied", invoice["unapplied"]),
        ("refund", invoice["refund_due"]),
    ):
        words += f" {name} {value}" if value else ""
    return [words, *(write_line(line) for line in invoice["line_items"])]


def write_line(line: Mapping[str, Any]) -> str:
    if line["kind"] in ("discount", "tax"):
        return f"{line['kind']} {line['description'].split()[0]} {line['amount']}"
    quantity = "-" if line["quantity"] is None else f"{Decimal(line['quantity']).normalize():f}"
    words = f"{line['kind']} {line['item']} {quantity} {line['amount']}"
    for name, value in (("off", line["discount"]), ("tax", line["tax"])):
        words += f" {name} {value}" if Decimal(value) else ""
    return words


# Living


@dataclass(slots=True)
class Life:
    """The customers, what they have, and who bills them."""

    conn: Session
    plans: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], str] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)
    issued: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CUSTOMERS})
    overdue: list[tuple[str, int, str]] = field(default_factory=list)

    def tenant(self, name: str) -> Tenant:
        return Tenant(self.conn, name)

    def invoice(self, name: str, number: int) -> Row:
        return self.tenant(name).one("ledger_get_invoice", id=self.issued[name][number - 1])

    def invoices(self, name: str) -> list[Row]:
        found = self.tenant(name).rows("ledger_list_invoices", page_size=1000)
        return sorted(found, key=lambda row: row["number"])

    def prepare(self) -> None:
        for feature in ("calls", "pages", "photos", "payouts", "classes"):
            make_feature(self.conn, feature)
        make_feature(self.conn, "seats", type="seat")
        for slug, plan in PLANS.items():
            self.plans[slug] = make_plan(self.conn, slug, **plan)
        for code, coupon in COUPONS.items():
            terms = {"app_id": "shop", "code": code, **coupon}
            given = ", ".join(f"{name} => %({name})s" for name in terms)
            self.conn.execute(f"select ledger_create_coupon({given})".encode(), terms)

    def times(self) -> Iterator[tuple[datetime, list[tuple[str, tuple[Any, ...]]]]]:
        """Returns every time that anything is to happen at, with what customers do then."""
        times: dict[datetime, list[tuple[str, tuple[Any, ...]]]] = {at: [] for at in OUTAGE}
        for name, customer in CUSTOMERS.items():
            for bill in read_bills(customer.bills):
                _, start, end, _, due, *_ = bill[0].split()
                for text in (start, end, due):
                    times.setdefault(instant_of(text, customer.zone), [])
            for at, *action in customer.story:
                times.setdefault(instant_of(at, customer.zone), []).append((name, tuple(action)))
        yield from sorted(times.items())

    def live(self) -> None:
        for now, actions in self.times():
            put_clock(self.conn, now)
            for name, action in actions:
                self.act(name, *action)
            if not OUTAGE[0] <= now < OUTAGE[1]:
                self.work()

    def act(self, name: str, what: str, *given: Any) -> None:
        zone, tenant = CUSTOMERS[name].zone, self.tenant(name)
        match what, given:
            case "subscribe", (slug, *rest):
                options = dict(rest[0]) if rest else {}
                if "anchor_at" in options:
                    options["anchor_at"] = instant_of(options["anchor_at"], zone)
                row = tenant.create(self.plans[slug], time_zone=zone, **options)
                self.current[name] = self.subscriptions[name, slug] = row["id"]
            case "trial ends", ():
                pass
            case "turn to", (slug,):
                self.current[name] = self.subscriptions[name, slug]
            case "change", (slug,):
                tenant.change_plan(self.current[name], self.plans[slug])
            case "update", (options,):
                tenant.update(self.current[name], **options)
            case "cancel", options:
                tenant.cancel(self.current[name], **(options[0] if options else {}))
            case "pause", ():
                tenant.pause(self.current[name])
            case "resume", ():
                tenant.resume(self.current[name])
            case "use", (feature, quantity, *at):
                tenant.one(
                    "ledger_record_usage",
                    feature_key=feature,
                    quantity=Decimal(quantity),
                    event_at=instant_of(at[0], zone) if at else None,
                )
            case "redeem", (code,):
                tenant.one("ledger_redeem_coupon", code=code)
            case "pay", (number, amount):
                self.pay(name, self.issued[name][number - 1], Decimal(amount))
            case "give up", (number,):
                tenant.one("ledger_mark_invoice_uncollectible", id=self.issued[name][number - 1])
            case "is", (number, status):
                assert self.invoice(name, number)["status"] == status
            case "update plan", (slug, pricing):
                call(
                    self.conn,
                    "ledger_update_plan",
                    app_id="shop",
                    id=self.plans[slug],
                    pricing=pricing,
                )
            case _:
                raise AssertionError(what)

    def work(self) -> None:
        """Does what is due, and lets those who pay at once do so."""
        while rows := call(self.conn, "ledger_advance", app_id="shop", max_span=None):
            for row in rows:
                name, invoice = row["tenant_id"], row["invoice_id"]
                if row["change"] == "invoice_past_due":
                    at = text_of(row["occurred_at"], CUSTOMERS[name].zone)
                    self.overdue.append((name, self.issued[name].index(invoice) + 1, at))
                if row["change"] != "invoice_finalized":
                    continue
                self.issued[name].append(invoice)
                due = self.invoice(name, len(self.issued[name]))["amount_due"]
                if due and len(self.issued[name]) not in CUSTOMERS[name].unpaid:
                    self.pay(name, invoice, due)

    def pay(self, name: str, invoice: str, amount: Decimal) -> None:
        self.tenant(name).one("ledger_record_payment", invoice_id=invoice, amount=amount)

    def ends(self, name: str) -> list[tuple[str, str, str]]:
        rows = self.tenant(name).page()
        return [
            (
                row["plan_slug"],
                row["status"],
                text_of(row["ended_at"] or row["current_period_end"], CUSTOMERS[name].zone),
            )
            for row in sorted(rows, key=lambda row: row["created_at"])
        ]


@pytest.fixture
def life(connect: Connect, set_clock: SetClock) -> Life:
    # The session's own zone, which is no customer's, must not matter.
    conn = connect(autocommit=True, options="-c timezone=America/St_Johns")
    carry_clock(conn, set_clock, "2024-01-01")
    return Life(conn)


def test_two_years_of_ten_customers(life: Life, subtests: pytest.Subtests) -> None:
    life.prepare()
    life.live()
    invoices = {name: life.invoices(name) for name in CUSTOMERS}
    for name, customer in CUSTOMERS.items():
        with subtests.test(name):
            bills = [write_bill(invoice, customer.zone) for invoice in invoices[name]]
            assert bills == read_bills(customer.bills)
        with subtests.test(name, what="how it ends"):
            assert life.ends(name) == ENDS[name]
    everybodys = sorted(
        (invoice for found in invoices.values() for invoice in found),
        key=lambda invoice: invoice["number"],
    )
    with subtests.test("numbers"):
        assert [row["number"] for row in everybodys] == list(range(1, len(everybodys) + 1))
        assert all(
            one["finalized_at"] <= next_["finalized_at"] for one, next_ in pairwise(everybodys)
        )
        assert [row["id"] for row in invoices["hana"]] == life.issued["hana"]
    with subtests.test("sums"):
        for invoice in everybodys:
            assert_adds_up(invoice)
    with subtests.test("times of lines"):
        empty = [
            (invoice["tenant_id"], invoice["number"], line["description"])
            for invoice in everybodys
            for line in invoice["line_items"]
            if line["period_start"] is not None and line["period_start"] >= line["period_end"]
        ]
        assert empty == []
    with subtests.test("overdue"):
        assert life.overdue == OVERDUE
    with subtests.test("coupons"):
        assert {
            row["code"]: (row["status"], row["uses_left"], row["amount_left"])
            for row in life.tenant("hana").rows("ledger_list_coupon_redemptions")
        } == COUPONS_LEFT
    with subtests.test("subscriptions"):
        assert_consistent(life.conn)
        put_clock(life.conn, "2026-07-01")
        life.work()
        assert {name: life.invoices(name) for name in CUSTOMERS} == invoices
