"""A customer's life: what happens, and when. How it is billed is no part of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from scripts.random_lives.offers import FEATURES, Plan, random_plan
from scripts.random_lives.times import (
    DAY,
    HOUR,
    INTERVALS,
    ZONES,
    Interval,
    random_moment,
    random_start,
)

CHANGES: Final = {
    "plan": 30,
    "quantity": 20,
    "pause": 13,
    "resume": 16,
    "cancel": 12,
    "subscribe": 5,
}
# How long the steps of a rhythm go on when nothing happens any more.
QUIET: Final = 3 * DAY
# Of the shortest interval that a plan of a life has, so that a life is not too long to try.
MOST_PERIODS: Final = 15


@dataclass(frozen=True)
class Event:
    """Something that the customer does or that is reported of it."""

    at: datetime
    what: str
    value: Any = None
    # Of usage: when it happened; by default when it is reported.
    used_at: datetime | None = None


@dataclass(frozen=True)
class Subscribed:
    """How a subscription begins."""

    plan: str
    quantity: str = "1"
    zone: str = "UTC"
    trial_days: int | None = None
    started_at: datetime | None = None
    anchor_at: datetime | None = None

    def __str__(self) -> str:
        given = [f"to {self.plan}, quantity {self.quantity}, {self.zone}"]
        given += [] if self.trial_days is None else [f"trial of {self.trial_days} days"]
        given += [] if self.started_at is None else [f"begun at {self.started_at}"]
        given += [] if self.anchor_at is None else [f"anchor at {self.anchor_at}"]
        return ", ".join(given)


@dataclass(frozen=True)
class Used:
    """Usage as it is reported."""

    feature: str
    quantity: str
    user: str = "ann"

    def __str__(self) -> str:
        return f"{self.quantity} {self.feature} by {self.user}"


@dataclass(frozen=True)
class Life:
    """Everything that happens to a customer, in the order in which it happens."""

    currency: str
    features: Sequence[str]
    plans: Sequence[Plan]
    events: Sequence[Event]
    # When nothing happens any more, and nothing is done about bills but what ends each rhythm.
    until: datetime

    def used(self) -> list[tuple[datetime, datetime]]:
        """Returns when usage was reported, and when it happened."""
        return [
            (event.at, event.used_at or event.at) for event in self.events if event.what == "use"
        ]

    def without_idle_plans(self) -> "Life":
        """Returns the same life without plans that it never has."""
        had = {event.value for event in self.events if event.what == "plan"} | {
            event.value.plan for event in self.events if event.what == "subscribe"
        }
        return replace(self, plans=[plan for plan in self.plans if plan.slug in had])


def random_intervals(dice: random.Random, count: int) -> tuple[list[Interval], timedelta]:
    """Returns intervals of plans, the main one first, and how long a life with them goes on."""
    main = dice.choice(INTERVALS)
    periods = dice.randint(1, 2 if main.unit == "year" else 4)
    span = main.span * periods
    others = [one for one in INTERVALS if one.span * MOST_PERIODS >= span]
    intervals = [main if dice.random() < 0.6 else dice.choice(others) for _ in range(count - 1)]
    return [main, *intervals], max(span, 3 * DAY)


def random_subscription(
    dice: random.Random, plans: Sequence[Plan], at: datetime, zone: str
) -> Subscribed:
    begun = Subscribed(dice.choice(plans).slug, dice.choice(["1", "1", "1", "2", "3", "1.5"]), zone)
    if dice.random() < 0.2:
        begun = replace(begun, trial_days=dice.choice([0, 2, 14]))
    if dice.random() < 0.15:
        begun = replace(begun, anchor_at=at + HOUR * dice.randint(-400, 400))
    return begun


def random_usage(
    dice: random.Random, key: str, at: datetime, span: timedelta, known: list[datetime]
) -> Event:
    sizes = ["1", "2", "7", "10", "50", "120", "1000", "0.5", "12.345", "0"]
    quantity = dice.choice(sizes[:5] if FEATURES[key].type == "seat" else sizes)
    used = Used(key, quantity, dice.choice(["ann", "ben", "cy"]))
    shape = dice.random()
    if shape < 0.5:
        used_at = None
    elif shape < 0.62:
        used_at = at + timedelta(minutes=dice.randint(1, 60))
    else:
        used_at = random_moment(dice, at - span * 1.3, at, known)
    return Event(at, "use", used, used_at)


def random_change(dice: random.Random, plans: Sequence[Plan], at: datetime, zone: str) -> Event:
    what = dice.choices(list(CHANGES), list(CHANGES.values()))[0]
    value: Any = None
    match what:
        case "plan":
            value = dice.choice(plans).slug
        case "quantity":
            value = dice.choice(["1", "2", "3", "0.5"])
        case "cancel":
            value = dice.choice(["period_end", "period_end", "none", "credit", "refund"])
        case "subscribe":
            value = random_subscription(dice, plans, at, zone)
        case _:
            pass
    return Event(at, what, value)


def random_life(dice: random.Random) -> Life:
    zone = dice.choice(["UTC", "UTC", *ZONES[1:]])
    starts_at = random_start(dice, ZoneInfo(zone))
    features = dice.sample(list(FEATURES), dice.randint(1, 3))
    intervals, span = random_intervals(dice, dice.randint(1, 4))
    plans = [
        random_plan(dice, f"p{number}", interval, features)
        for number, interval in enumerate(intervals, start=1)
    ]
    begun = random_subscription(dice, plans[:1], starts_at, zone)
    first = starts_at
    if dice.random() < 0.15:
        first = starts_at + HOUR * dice.randint(1, span // HOUR)
        begun = replace(begun, started_at=starts_at)

    known = [
        intervals[0].after(starts_at + DAY * trial, ZoneInfo(zone), number)
        for number in range(6)
        for trial in {0, plans[0].trial_days}
    ]
    events: list[Event] = []
    for _ in range(dice.choice([0, 2, 5, 8, 12])):
        at = random_moment(dice, first, starts_at + span, known)
        known.append(at)
        events.append(random_change(dice, plans, at, zone))
    for _ in range(dice.choice([0, 3, 6, 12])):
        # Some comes when everything else is over.
        at = random_moment(dice, first, starts_at + span * dice.choice([1, 1, 1.5]), known)
        known.append(at)
        events.append(random_usage(dice, dice.choice(features), at, intervals[0].span, known))
    currency = dice.choice(["USD", "USD", "USD", "JPY", "KWD"])
    events.sort(key=lambda event: event.at)
    events = [Event(first, "subscribe", begun), *events]
    return Life(currency, features, plans, events, events[-1].at + QUIET)
