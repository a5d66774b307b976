"""A rhythm of billing: when ``ledger_advance`` runs and how, and what is done by hand besides."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scripts.random_lives.life import Life
from scripts.random_lives.times import DAY, HOUR, random_moment

# What is done besides, and how often in comparison.
ACTIONS: Final = {
    "advance": 4,
    "draft": 4,
    "move": 1,
    "refresh": 3,
    "finalize": 6,
    "interim": 5,
    "interim_draft": 1,
    "period_draft": 2,
    "start_draft": 1,
    "change": 2,
    "delete": 2,
    "void": 4,
    "purge": 4,
}
EVERY: Final = {
    "hour": HOUR,
    "day": DAY,
    "week": 7 * DAY,
    "month": 30 * DAY,
}


@dataclass(frozen=True)
class Step:
    """Something that is done about bills, before or after what the customer does at that time."""

    at: datetime
    action: str
    # Chooses among what there is, such as drafts.
    number: int = 0
    after: bool = True


@dataclass(frozen=True)
class Rhythm:
    """When and how invoices are drawn up."""

    # How often ledger_advance is called, or never before the end.
    every: str | None = None
    how: str = "final"
    steps: Sequence[Step] = ()
    previews: bool = False
    # When changes within a period are invoiced: now or next, or as the store thinks best.
    changes: str | None = None

    @property
    def interval(self) -> timedelta | None:
        return None if self.every is None else EVERY[self.every]


# Everything at the end, when all is known.
ONCE: Final = Rhythm()


def random_rhythm(dice: random.Random, life: Life) -> Rhythm:
    starts_at = life.events[0].at
    known = [event.at for event in life.events]
    steps: list[Step] = []
    for _ in range(dice.choice([0, 5, 12, 20])):
        at = random_moment(dice, starts_at, life.until, known)
        action = dice.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        steps.append(Step(at, action, dice.randrange(60), dice.random() < 0.5))
    steps.sort(key=lambda step: step.at)
    return Rhythm(
        every=dice.choice(["hour", "hour", "day", "week", "month", None]),
        how=dice.choice(["final", "final", "draft", "none"]),
        steps=steps,
        previews=dice.random() < 0.3,
        changes=dice.choice([None, "now", "next"]),
    )
