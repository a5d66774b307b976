"""Draws a customer's life: what is offered, what happens, and when."""

import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from scripts.random_lives.life import (
    QUIET,
    Corrected,
    Ending,
    Event,
    Life,
    Moved,
    Repriced,
    Subscribed,
    Used,
)
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
# What some lives have besides.
KINDS: Final = (
    "correct",
    "add_on",
    "event",
    "cancel_at",
    "scheduled",
    "trial",
    "reprice",
    "prorated",
)
# Of the shortest interval that a plan of a life has, so that a life is not too long to try.
MOST_PERIODS: Final = 15
MICROSECOND: Final = timedelta(microseconds=1)


def random_intervals(
    dice: random.Random, count: int, *, side_by_side: bool
) -> tuple[list[Interval], timedelta]:
    """Returns intervals of plans, the main one first, and how long a life with them goes on.

    With plans side by side, the shortest periods go on until the longest one is over.
    """
    main = dice.choice(INTERVALS)
    periods = dice.randint(1, 2 if main.unit == "year" else 4)
    span = main.span * periods
    others = [one for one in INTERVALS if one.span * MOST_PERIODS >= span]
    if side_by_side:
        others = [one for one in others if one.span <= main.span * MOST_PERIODS]
    intervals = [main if dice.random() < 0.6 else dice.choice(others) for _ in range(count - 1)]
    return [main, *intervals], max(span, 3 * DAY)


class Drawing:
    """Draws a life with some kinds of events and prices."""

    def __init__(self, dice: random.Random, kinds: Collection[str]) -> None:
        self.dice = dice
        self.kinds = kinds
        self.zone = dice.choice(["UTC", "UTC", *ZONES[1:]])
        self.starts_at = random_start(dice, ZoneInfo(self.zone))
        self.features = dice.sample(list(FEATURES), dice.randint(1, 3))
        add_ons = dice.randint(1, 2) if "add_on" in kinds else 0
        main = dice.randint(1, 4)
        self.intervals, self.span = random_intervals(dice, main + add_ons, side_by_side=add_ons > 0)
        self.plans = [
            self.plan(f"p{number}", interval, add_on=number > main)
            for number, interval in enumerate(self.intervals, start=1)
        ]
        # Near which more happens.
        self.known: list[datetime] = []

    def offered(self, *, add_on: bool = False) -> list[Plan]:
        return [plan for plan in self.plans if plan.add_on == add_on]

    def plan(self, slug: str, interval: Interval, *, add_on: bool) -> Plan:
        dice = self.dice
        plan = replace(random_plan(dice, slug, interval, self.features, self.kinds), add_on=add_on)
        if "add_on" not in self.kinds:
            return plan
        # What a subscription gives without a price is free where another one has a price.
        priced = {price["feature"] for price in plan.prices}
        given = {
            key: dice.choice(["5", "10", "100", "2.5"])
            for key in self.features
            if key not in priced and dice.random() < 0.6
        }
        allowances = {**(plan.allowances or {}), **given}
        return replace(plan, allowances=allowances, priority=dice.choice([0, 0, 1, -1]))

    def moment(self, starts_at: datetime, span: timedelta) -> datetime:
        at = random_moment(self.dice, starts_at, starts_at + span, self.known)
        self.known.append(at)
        return at

    def subscription(self, plans: Sequence[Plan], at: datetime) -> Subscribed:
        """Returns a start, now or later.

        One in the past takes over only what no other subscription has billed by then, so beside
        others it depends on the rhythm: only a life's first one is backdated.
        """
        dice = self.dice
        quantity = dice.choice(["1", "1", "1", "2", "3", "1.5"])
        begun = Subscribed(dice.choice(plans).slug, quantity, self.zone)
        if dice.random() < 0.2:
            begun = replace(begun, trial_days=dice.choice([0, 2, 14]))
        if dice.random() < 0.15:
            begun = replace(begun, anchor_at=at + HOUR * dice.randint(-400, 400))
        if "scheduled" in self.kinds and dice.random() < 0.4:
            begun = replace(begun, started_at=self.moment(at, self.span / 2))
        return begun

    def usage(self, name: str, first: datetime) -> Event:
        dice = self.dice
        # Some comes when everything else is over.
        ends_at = self.starts_at + self.span * dice.choice([1, 1, 1.5])
        at = self.moment(first, ends_at - first)
        feature = dice.choice(self.features)
        used = Used(feature, self.quantity(feature), dice.choice(["ann", "ben", "cy"]), name)
        shape = dice.random()
        if shape < 0.5:
            used_at = None
        elif shape < 0.62:
            used_at = at + timedelta(minutes=dice.randint(1, 60))
        else:
            used_at = random_moment(dice, at - self.intervals[0].span * 1.3, at, self.known)
        return Event(at, "use", used, used_at)

    def quantity(self, feature: str) -> str:
        sizes = ["1", "2", "7", "10", "50", "120", "1000", "0.5", "12.345", "0"]
        return self.dice.choice(sizes[:5] if FEATURES[feature].type == "seat" else sizes)

    def correction(self, report: Event) -> Event:
        at = self.moment(report.at, self.span * self.dice.choice([0.5, 1]))
        quantity = None
        if self.dice.random() < 0.7:
            quantity = self.quantity(report.value.feature)
        return Event(at, "correct", Corrected(report.value.name, quantity))

    def change(self, first: datetime) -> Event:
        dice = self.dice
        at = self.moment(first, self.starts_at + self.span - first)
        add_on = "add_on" in self.kinds and dice.random() < 0.5
        what = dice.choices(list(CHANGES), list(CHANGES.values()))[0]
        if add_on and dice.random() < 0.2:
            what = "subscribe"
        value: Any = None
        match what:
            case "plan":
                value = self.move(add_on=add_on)
            case "quantity":
                value = dice.choice(["1", "2", "3", "0.5"])
            case "cancel":
                value = self.cancellation(at)
            case "subscribe":
                value = self.subscription(self.offered(add_on=add_on), at)
            case _:
                pass
        return Event(at, what, value, add_on=add_on)

    def move(self, *, add_on: bool) -> Moved:
        moved = Moved(self.dice.choice(self.offered(add_on=add_on)).slug)
        if "trial" in self.kinds:
            trial = self.dice.choice(["keep", "end", "plan", "plan"])
            moved = replace(moved, trial=trial, keep_anchor=self.dice.random() < 0.5)
        return moved

    def cancellation(self, at: datetime) -> str | Ending:
        if "cancel_at" in self.kinds and self.dice.random() < 0.6:
            unused = self.dice.choice([None, "credit", "refund"])
            return Ending(self.moment(at, self.span * 0.7), unused)
        return self.dice.choice(["period_end", "period_end", "none", "credit", "refund"])

    def repricing(self, first: datetime) -> Event:
        """Returns a change of prices.

        One that holds since a time in the past leaves alone what a final invoice has billed, so it
        depends on the rhythm. Nothing else happens in the very moment of a change that holds at
        once, and no period begins in it.
        """
        at = self.moment(first, self.starts_at + self.span - first) + 7 * MICROSECOND
        old = self.dice.choice(self.plans)
        terms = self.plan(old.slug, old.interval, add_on=old.add_on)
        since = None
        if self.dice.random() < 0.5:
            since = self.moment(at + MICROSECOND, self.intervals[0].span * 1.5)
        return Event(at, "reprice", Repriced(terms, since))

    def life(self) -> Life:
        dice = self.dice
        first = self.starts_at
        begun = self.subscription(self.offered()[:1], first)
        if begun.started_at is None and dice.random() < 0.15:
            first += HOUR * dice.randint(1, self.span // HOUR)
            begun = replace(begun, started_at=self.starts_at)
        self.known += [
            self.intervals[0].after(self.starts_at + DAY * trial, ZoneInfo(self.zone), number)
            for number in range(6)
            for trial in {0, self.plans[0].trial_days}
        ]
        events = [self.change(first) for _ in range(dice.choice([0, 2, 5, 8, 12]))]
        events += self.besides(first)
        reports = [self.usage(f"u{number}", first) for number in range(dice.choice([0, 3, 6, 12]))]
        events += reports
        if "correct" in self.kinds:
            events += [self.correction(dice.choice(reports)) for _ in reports[::2]]
        events.sort(key=lambda event: event.at)
        currency = dice.choice(["USD", "USD", "USD", "JPY", "KWD"])
        events = [Event(first, "subscribe", begun), *events]
        return Life(currency, self.features, self.plans, events, events[-1].at + QUIET)

    def besides(self, first: datetime) -> list[Event]:
        """Returns what a life with these kinds has at least."""
        events: list[Event] = []
        if "add_on" in self.kinds:
            at = self.moment(first, self.span / 3)
            begun = self.subscription(self.offered(add_on=True), at)
            events.append(Event(at, "subscribe", begun, add_on=True))
        if "cancel_at" in self.kinds:
            at = self.moment(first, self.span)
            events.append(Event(at, "cancel", self.cancellation(at)))
        if "reprice" in self.kinds:
            events += [self.repricing(first) for _ in range(self.dice.randint(1, 3))]
        return events


def random_life(dice: random.Random) -> Life:
    kinds = {kind for kind in KINDS if dice.random() < 0.3}
    return Drawing(dice, kinds).life()
