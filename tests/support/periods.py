"""Billing periods as a plain Python model, on top of Python's own time zones.

Where a local time comes twice the second is meant, and one that is left out is read by the clock as
it was before: of the two instants that a local time can stand for, always the later one.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS_A_UNIT = {"day": 1, "week": 7, "month": 30, "year": 365}


def local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def instant(moment: datetime, zone: ZoneInfo) -> datetime:
    return max(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def later(moment: datetime, unit: str, count: int) -> datetime:
    if unit in {"day", "week"}:
        return moment + timedelta(days=count * DAYS_A_UNIT[unit])
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def boundary(anchor: datetime, zone: ZoneInfo, unit: str, count: int, number: int) -> datetime:
    if number == 0:
        return anchor
    return instant(later(local(anchor, zone), unit, number * count), zone)


def period_at(
    anchor: datetime, zone: ZoneInfo, unit: str, count: int, at: datetime
) -> tuple[int, datetime, datetime]:
    """Returns number, start and end of the period that a time lies in, by looking around."""
    number = (at - anchor).days // (DAYS_A_UNIT[unit] * count) + 3
    while boundary(anchor, zone, unit, count, number) > at:
        number -= 1
    while boundary(anchor, zone, unit, count, number + 1) <= at:
        number += 1
    return (
        number,
        boundary(anchor, zone, unit, count, number),
        boundary(anchor, zone, unit, count, number + 1),
    )
