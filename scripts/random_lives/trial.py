"""Compares rhythms of one life, and makes what differs as small and readable as it can."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from scripts.random_lives.life import Life, random_life
from scripts.random_lives.living import Living, Outcome, Part
from scripts.random_lives.offers import Plan
from scripts.random_lives.rhythm import ONCE, Rhythm, random_rhythm
from scripts.random_lives.store import Session
from scripts.random_lives.times import HOUR

# Rhythms of each life that are compared with the first one.
RHYTHMS = 3
MOST_TRIES = 400


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


def smaller(trial: Trial) -> Iterator[Trial]:
    """Returns trials with less in them, those with much less first."""
    life, rhythm = trial.life, trial.rhythm
    for size in (8, 4, 2, 1):
        for start in range(0, len(rhythm.steps), size):
            steps = [*rhythm.steps[:start], *rhythm.steps[start + size :]]
            yield replace(trial, rhythm=replace(rhythm, steps=steps))
        for start in range(1, len(life.events), size):
            events = [*life.events[:start], *life.events[start + size :]]
            yield replace(trial, life=replace(life, events=events))
    last = max([step.at for step in rhythm.steps] + [life.events[-1].at])
    for until in (last, last + HOUR):
        if until < life.until:
            yield replace(trial, life=replace(life, until=until))
    if rhythm.previews:
        yield replace(trial, rhythm=replace(rhythm, previews=False))
    if rhythm.changes is not None:
        yield replace(trial, rhythm=replace(rhythm, changes=None))
    if rhythm.every is not None:
        yield replace(trial, rhythm=replace(rhythm, every=None))
    if rhythm.how != "final":
        yield replace(trial, rhythm=replace(rhythm, how="final"))
    for plain in plainer_lives(life.without_idle_plans()):
        yield replace(trial, life=plain)


def plainer_lives(life: Life) -> Iterator[Life]:
    """Returns lives with the same events at plainer terms."""
    yield life
    for number, plan in enumerate(life.plans):
        for plain in plainer_plans(plan):
            plans = [*life.plans[:number], plain, *life.plans[number + 1 :]]
            yield replace(life, plans=plans)
    begun = life.events[0].value
    for plain_begin in (
        replace(begun, zone="UTC"),
        replace(begun, quantity="1"),
        replace(begun, trial_days=None),
        replace(begun, anchor_at=None),
    ):
        first = replace(life.events[0], value=plain_begin)
        yield replace(life, events=[first, *life.events[1:]])
    for number, event in enumerate(life.events):
        if event.used_at is not None:
            events = [*life.events[:number], replace(event, used_at=None)]
            yield replace(life, events=[*events, *life.events[number + 1 :]])
    for key in life.features:
        events = [e for e in life.events if e.what != "use" or e.value.feature != key]
        features = [other for other in life.features if other != key]
        plans = [
            replace(plan, prices=[price for price in plan.prices if price["feature"] != key])
            for plan in life.plans
        ]
        yield replace(life, features=features, plans=plans, events=events)


def plainer_plans(plan: Plan) -> Iterator[Plan]:
    if plan.trial_days:
        yield replace(plan, trial_days=0)
    if plan.allowances:
        yield replace(plan, allowances=None)
    if plan.base["amount"] != "0":
        yield replace(plan, base={**plan.base, "amount": "0"})
    if plan.base["proration"] != "second":
        yield replace(plan, base={**plan.base, "proration": "second"})
    if plan.base["billed"] != "advance":
        yield replace(plan, base={**plan.base, "billed": "advance"})
    for number, price in enumerate(plan.prices):
        rest = [*plan.prices[:number], *plan.prices[number + 1 :]]
        yield replace(plan, prices=rest)
        for member in ("minimum", "maximum", "free"):
            if member in price:
                plain = {key: value for key, value in price.items() if key != member}
                yield replace(
                    plan, prices=[*plan.prices[:number], plain, *plan.prices[number + 1 :]]
                )
        if price["model"] != "per_unit":
            each = {"feature": price["feature"], "model": "per_unit", "unit_amount": "1"}
            yield replace(plan, prices=[*plan.prices[:number], each, *plan.prices[number + 1 :]])


def shrink(
    conn: Session, trial: Trial, found: Difference, tick: Callable[[], None] = lambda: None
) -> tuple[Trial, Difference]:
    """Drops from a trial what its difference does not need."""
    tries = 0
    dropping = True
    while dropping:
        dropping = False
        for candidate in smaller(trial):
            if candidate == trial:
                continue
            tries += 1
            if tries > MOST_TRIES:
                return trial, found
            tick()
            again = try_out(conn, [candidate])
            if again is not None and same_kind(again[1], found):
                trial, found = again
                dropping = True
                break
    return trial, found


def same_kind(one: Difference, other: Difference) -> bool:
    """Whether two differences may have the same reason."""
    bases = [{part[1] == "base" for part in found.parts} for found in (one, other)]
    return one.what[:20] == other.what[:20] and (bases[0] <= bases[1] or bases[1] <= bases[0])
