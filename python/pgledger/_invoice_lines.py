"""Lines of invoices: JSON in the database, rows of a dataclass in Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = ["InvoiceLine", "invoice_lines"]


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice: an element of ``line_items`` in ``ledger_invoices``.

    The amounts of all lines of an invoice add up to its total.

    Attributes:
        id: Public id, ``li_`` and a ULID; None as long as the invoice is not written down.
        kind: ``base_fee``, ``proration``, ``usage``, ``overage``, ``seats``, ``true_up``, ``cap``,
            ``late_usage`` or ``item`` for what is charged or credited; ``discount``; ``tax``.
        description: Text for people.
        item: What it is for, as coupons and tax rates name it: the key of a feature, ``base``, or
            what the app called it; None for discounts and taxes.
        period_start: Start of the time it is for, inclusive.
        period_end: End of the time it is for, exclusive.
        quantity: How much is charged for.
        unit_amount: Price of one, where there is one.
        amount: Amount in the invoice's currency; credits and discounts are below zero.
        discount: Share of the invoice's discounts in it.
        tax: Share of the invoice's taxes on it.
        basis: What it was computed from, for example the price and the allowance.
    """

    id: str | None
    kind: str
    description: str
    item: str | None
    period_start: datetime | None
    period_end: datetime | None
    quantity: Decimal | None
    unit_amount: Decimal | None
    amount: Decimal
    discount: Decimal
    tax: Decimal
    basis: Mapping[str, Any] | None = field(hash=False)


def _optional_decimal(number: str | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _optional_time(time: str | None) -> datetime | None:
    return None if time is None else datetime.fromisoformat(time)


def _line(line: Mapping[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        id=line["id"],
        kind=line["kind"],
        description=line["description"],
        item=line["item"],
        period_start=_optional_time(line["period_start"]),
        period_end=_optional_time(line["period_end"]),
        quantity=_optional_decimal(line["quantity"]),
        unit_amount=_optional_decimal(line["unit_amount"]),
        amount=Decimal(line["amount"]),
        discount=Decimal(line["discount"]),
        tax=Decimal(line["tax"]),
        basis=line["basis"],
    )


def invoice_lines(lines: Iterable[Mapping[str, Any]] | None) -> tuple[InvoiceLine, ...]:
    """Returns an invoice's lines, in their order."""
    # An invoice without lines has null rather than an empty array.
    return tuple(map(_line, lines or ()))
