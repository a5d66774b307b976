"""Compares rhythms of one life, and makes what differs as small and readable as it can."""

import random
from dataclasses import dataclass
from decimal import Decimal

from scripts.random_lives.drawing import random_life
from scripts.random_lives.life import Life
from scripts.random_lives.living import Living, Outcome, Part
from scripts.random_lives.rhythm import ONCE, Rhythm, random_rhythm
from scripts.random_lives.store import Session

# Rhythms of each life that are compared with the first one.
RHYTHMS = 3


@dataclass(frozen=True)
class Trial:
    """A life, and the two rhythms that it is lived in."""

    life: Life
    rhythm: Rhythm
    other: Rhythm = ONCE


@dataclass(frozen=True)
class Difference:
    """What two rhythms of a life do not agree about."""

    what: str
    parts: dict[Part, tuple[Decimal, Decimal]]


def random_trials(dice: random.Random) -> list[Trial]:
    life = random_life(dice)
    return [Trial(life, random_rhythm(dice, life)) for _ in range(RHYTHMS)]


def compare(one: Outcome, other: Outcome) -> Difference | None:
    """Returns how two outcomes of the same life differ."""
    for outcome in (one, other):
        if outcome.faults:
            return Difference(outcome.faults[0], {})
        below = {part: (amount, amount) for part, amount in outcome.sums.items() if amount < 0}
        if below:
            return Difference("more was given back than billed", below)
    if one.answers != other.answers:
        return Difference("calls of the customer's are answered otherwise", {})
    if one.story != other.story:
        return Difference("the subscriptions go through something else", {})
    nothing = Decimal(0)
    parts = {
        part: (one.sums.get(part, nothing), other.sums.get(part, nothing))
        for part in sorted({*one.sums, *other.sums})
    }
    parts = {part: sums for part, sums in parts.items() if sums[0] != sums[1]}
    return Difference("the sums differ", parts) if parts else None


def try_out(conn: Session, trials: list[Trial]) -> tuple[Trial, Difference] | None:
    """Lives a life in all its rhythms, and returns the first that differs from the others."""
    first: Outcome | None = None
    for trial in trials:
        first = first or Living(conn, trial.life, trial.other).run()
        found = compare(Living(conn, trial.life, trial.rhythm).run(), first)
        if found is not None:
            return trial, found
    return None
