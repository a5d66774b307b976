"""Intervals, and the times at which something happens in random lives."""

import random
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# The clock is put forward and back in each of these but the first.
ZONES: Final = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
)


@dataclass(frozen=True)
class Interval:
    """A billing interval."""

    unit: str
    count: int

    @property
    def span(self) -> timedelta:
        """About how long it is."""
        return DAY * self.count * {"day": 1, "week": 7, "month": 30, "year": 365}[self.unit]

    def after(self, at: datetime, zone: ZoneInfo, number: int) -> datetime:
        """Returns the boundary that is so many intervals after a time."""
        local = at.astimezone(zone).replace(tzinfo=None)
        if self.unit in {"day", "week"}:
            local += DAY * self.count * number * (7 if self.unit == "week" else 1)
        else:
            months = local.year * 12 + local.month - 1
            months += self.count * number * (12 if self.unit == "year" else 1)
            year, month = divmod(months, 12)
            day = min(local.day, monthrange(year, month + 1)[1])
            local = local.replace(year=year, month=month + 1, day=day)
        return local.replace(tzinfo=zone, fold=1).astimezone(UTC)


INTERVALS: Final = (
    Interval("day", 1),
    Interval("day", 3),
    Interval("day", 30),
    Interval("week", 1),
    Interval("week", 2),
    Interval("month", 1),
    Interval("month", 1),
    Interval("month", 1),
    Interval("month", 3),
    Interval("year", 1),
)


def random_start(dice: random.Random, zone: ZoneInfo) -> datetime:
    """Returns when a life begins: often at a round time, or just before or after one."""
    day = datetime(2024, 1, 1, tzinfo=zone) + DAY * dice.randrange(730)
    if dice.random() < 0.3:
        day = day.replace(month=dice.choice([1, 3, 10]), day=dice.choice([1, 28, 29, 30, 31]))
    return (day + random_time_of_day(dice)).astimezone(UTC)


def random_time_of_day(dice: random.Random) -> timedelta:
    shape = dice.random()
    if shape < 0.2:
        return timedelta(0)
    if shape < 0.6:
        return HOUR * dice.randrange(24)
    if shape < 0.9:
        return timedelta(minutes=dice.randrange(24 * 60))
    return timedelta(microseconds=dice.randrange(24 * 3_600_000_000))


def random_moment(
    dice: random.Random,
    starts_at: datetime,
    ends_at: datetime,
    known: list[datetime],
) -> datetime:
    """Returns a time from a start to an end: anywhere, or at or near one that is known."""
    shape = dice.random()
    if known and shape < 0.45:
        near = dice.choice(known)
        if shape < 0.15:
            chosen = near
        elif shape < 0.2:
            chosen = near + dice.choice([-1, 1]) * timedelta(microseconds=1)
        elif shape < 0.35:
            chosen = near + timedelta(minutes=dice.randint(-90, 90))
        else:
            chosen = near + HOUR * dice.randint(-48, 48)
    else:
        days = (ends_at - starts_at) // DAY
        chosen = starts_at + DAY * dice.randint(0, days) + random_time_of_day(dice)
    return min(max(chosen, starts_at), ends_at)
