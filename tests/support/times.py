"""What the books were at a time, in Python: a list of transfers, read from the beginning each time.

It knows two axes. As recorded a transfer was when it was recorded; by event it was when its
``event_at`` says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from pgledger import Transfer
from support.exact import negated, plus, sum_of

AXES: Final[tuple[Literal["recorded", "event"], ...]] = ("recorded", "event")


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer."""

    transfer: Transfer
    version: int
    amount: Decimal
    counterparty_id: str


def time_of(transfer: Transfer, axis: str) -> datetime:
    return transfer.created_at if axis == "recorded" else transfer.event_at


def legs_of(transfers: Iterable[Transfer], account_id: str) -> list[Leg]:
    legs: list[Leg] = []
    for transfer in transfers:
        source, target = transfer.from_account_id, transfer.to_account_id
        if source == account_id:
            version = transfer.from_account_version
            legs.append(Leg(transfer, version, negated(transfer.amount), target))
        elif target == account_id:
            legs.append(Leg(transfer, transfer.to_account_version, transfer.amount, source))
    return sorted(legs, key=lambda leg: leg.version)


def balance_at(transfers: Iterable[Transfer], account_id: str, at: datetime, axis: str) -> Decimal:
    return sum_of(
        leg.amount for leg in legs_of(transfers, account_id) if time_of(leg.transfer, axis) <= at
    )


def statement(
    transfers: Iterable[Transfer],
    account_id: str,
    from_time: datetime | None,
    until: datetime | None,
    axis: str,
) -> list[tuple[Any, ...]]:
    """Returns kind, time, amount, balance, counterparty and transfer of each line."""
    legs = sorted(
        legs_of(transfers, account_id),
        key=lambda leg: (time_of(leg.transfer, axis), leg.version),
    )
    before = [leg for leg in legs if from_time and time_of(leg.transfer, axis) < from_time]
    shown = [
        leg for leg in legs[len(before) :] if until is None or time_of(leg.transfer, axis) < until
    ]
    opening = balance = sum_of(leg.amount for leg in before)
    lines: list[tuple[Any, ...]] = [("opening", from_time, None, opening, None, None)]
    for leg in shown:
        balance = plus(balance, leg.amount)
        transfer = leg.transfer
        at = time_of(transfer, axis)
        lines.append(("entry", at, leg.amount, balance, leg.counterparty_id, transfer.id))
    total = sum_of(leg.amount for leg in shown)
    return [*lines, ("closing", until, total, balance, None, None)]


def movements(
    transfers: Iterable[Transfer],
    account_ids: Sequence[str],
    from_time: datetime | None,
    until: datetime | None,
    axis: str,
) -> dict[tuple[datetime, str, str], tuple[Decimal, Decimal, int]]:
    """Returns what came, what went and how many transfers, by day, account and counterparty."""
    found: dict[tuple[datetime, str, str], tuple[Decimal, Decimal, int]] = {}
    for transfer in transfers:
        at = time_of(transfer, axis)
        if (from_time and at < from_time) or (until and at >= until):
            continue
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        for own, other, incoming, outgoing in (
            (transfer.from_account_id, transfer.to_account_id, Decimal(0), transfer.amount),
            (transfer.to_account_id, transfer.from_account_id, transfer.amount, Decimal(0)),
        ):
            if own in account_ids:
                came, went, count = found.get((day, own, other), (Decimal(0), Decimal(0), 0))
                found[day, own, other] = (plus(came, incoming), plus(went, outgoing), count + 1)
    return found
