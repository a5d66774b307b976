"""A customer's life: what happens, and when. How it is billed is no part of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from scripts.random_lives.offers import Plan
from scripts.random_lives.times import DAY

# How long the steps of a rhythm go on when nothing happens any more.
QUIET: Final = 3 * DAY


@dataclass(frozen=True)
class Event:
    """Something that the customer does or that is reported of it."""

    at: datetime
    what: str
    value: Any = None
    # Of usage: when it happened; by default when it is reported.
    used_at: datetime | None = None
    # Of a change: whether it is of the add-on that was taken last, or of the subscription.
    add_on: bool = False


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
    # What a correction names it by.
    name: str = ""

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        return f"{self.quantity} {self.feature} by {self.user}{name}"


@dataclass(frozen=True)
class Corrected:
    """Usage that was reported wrongly: what it is to be, or None if there was none."""

    name: str
    quantity: str | None

    def __str__(self) -> str:
        return f"{self.name} to {'nothing' if self.quantity is None else self.quantity}"


@dataclass(frozen=True)
class Moved:
    """A change to another plan."""

    plan: str
    trial: str = "keep"
    keep_anchor: bool = False

    def __str__(self) -> str:
        given = [f"to {self.plan}"]
        given += [] if self.trial == "keep" else [f"trial {self.trial}"]
        given += ["anchor kept"] if self.keep_anchor else []
        return ", ".join(given)


@dataclass(frozen=True)
class Ending:
    """A cancellation at a time that is given."""

    at: datetime
    unused: str | None = None

    def __str__(self) -> str:
        return f"at {self.at}" + (f", {self.unused}" if self.unused else "")


@dataclass(frozen=True)
class Repriced:
    """Other prices of a plan, and since when they hold; by default from now on."""

    terms: Plan
    since: datetime | None = None

    def __str__(self) -> str:
        since = "now" if self.since is None else self.since
        terms = self.terms
        told = f"{terms.slug} since {since}: base {dict(terms.base)}, prices {list(terms.prices)}"
        return f"{told}, free {dict(terms.allowances or {})}, priority {terms.priority}"


@dataclass(frozen=True)
class Life:
    """Everything that happens to a customer, in the order in which it happens."""

    currency: str
    features: Sequence[str]
    plans: Sequence[Plan]
    events: Sequence[Event]
    # When nothing happens any more, and nothing is done about bills but what ends each rhythm.
    until: datetime

    def used(self, feature: str | None = None) -> list[tuple[datetime, datetime]]:
        """Returns when usage was reported or corrected, and when it happened."""
        reports = [
            event
            for event in self.events
            if event.what == "use" and feature in {None, event.value.feature}
        ]
        happened = {event.value.name: event.used_at or event.at for event in reports}
        return [(event.at, event.used_at or event.at) for event in reports] + [
            (event.at, happened[event.value.name])
            for event in self.events
            if event.what == "correct" and event.value.name in happened
        ]

    def without_idle_plans(self) -> "Life":
        """Returns the same life without plans that it never has."""
        had = {event.value.plan for event in self.events if event.what in {"plan", "subscribe"}}
        return replace(self, plans=[plan for plan in self.plans if plan.slug in had])
