"""Makes a trial that fails as small and plain as it can be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from scripts.random_lives.life import Event, Life, Moved
from scripts.random_lives.offers import EVENT_MEMBERS, Plan
from scripts.random_lives.rhythm import Step
from scripts.random_lives.store import Session
from scripts.random_lives.times import HOUR
from scripts.random_lives.trial import Difference, Trial, try_out

T = TypeVar("T")
MOST_TRIES = 400


class Shrinking:
    """A trial that gets smaller, and the difference that it still has."""

    def __init__(
        self, conn: Session, trial: Trial, found: Difference, tick: Callable[[], None]
    ) -> None:
        self.conn = conn
        self.trial = trial
        self.found = found
        self.tick = tick
        self.tries = 0

    def fails(self, candidate: Trial) -> bool:
        """Takes a smaller trial if it has a difference of the same kind."""
        if candidate == self.trial or self.tries == MOST_TRIES:
            return False
        self.tries += 1
        self.tick()
        again = try_out(self.conn, [candidate])
        if again is None or not same_kind(again[1], self.found):
            return False
        self.trial, self.found = again
        return True

    def drop(self, there: Sequence[T], put: Callable[[Trial, Sequence[T]], Trial]) -> None:
        """Leaves out of a sequence what is not needed, large parts first."""
        size = len(there)
        while size:
            start = 0
            while start < len(there):
                fewer = [*there[:start], *there[start + size :]]
                if self.fails(put(self.trial, fewer)):
                    there = fewer
                else:
                    start += size
            size //= 2

    def simplify(self) -> None:
        place = 0
        while place < len(candidates := list(plainer(self.trial))):
            if not self.fails(candidates[place]):
                place += 1

    def run(self) -> None:
        before = None
        while before != self.trial:
            before = self.trial
            self.drop(self.trial.rhythm.steps, with_steps)
            self.drop(self.trial.life.events[1:], with_events)
            self.simplify()


def shrink(
    conn: Session, trial: Trial, found: Difference, tick: Callable[[], None] = lambda: None
) -> tuple[Trial, Difference]:
    """Drops from a trial what its difference does not need."""
    shrinking = Shrinking(conn, trial, found, tick)
    shrinking.run()
    return shrinking.trial, shrinking.found


def with_steps(trial: Trial, steps: Sequence[Step]) -> Trial:
    return replace(trial, rhythm=replace(trial.rhythm, steps=steps))


def with_events(trial: Trial, later: Sequence[Event]) -> Trial:
    """Returns the trial with other events after the first one."""
    return replace(trial, life=replace(trial.life, events=[trial.life.events[0], *later]))


def plainer(trial: Trial) -> Iterator[Trial]:
    """Returns trials of the same steps and events in which something is plainer."""
    life, rhythm = trial.life, trial.rhythm
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
        replace(begun, started_at=None),
    ):
        first = replace(life.events[0], value=plain_begin)
        yield replace(life, events=[first, *life.events[1:]])
    for number, event in enumerate(life.events):
        if event.used_at is not None:
            events = [*life.events[:number], replace(event, used_at=None)]
            yield replace(life, events=[*events, *life.events[number + 1 :]])
        elif event.what == "plan" and event.value != Moved(event.value.plan):
            events = [*life.events[:number], replace(event, value=Moved(event.value.plan))]
            yield replace(life, events=[*events, *life.events[number + 1 :]])
        elif event.what == "reprice":
            for plain in plainer_plans(event.value.terms):
                repriced = replace(event, value=replace(event.value, terms=plain))
                events = [*life.events[:number], repriced, *life.events[number + 1 :]]
                yield replace(life, events=events)
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
        for member in ("minimum", "maximum", "free", "prorated", *EVENT_MEMBERS):
            if member in price:
                plain = {key: value for key, value in price.items() if key != member}
                yield replace(
                    plan, prices=[*plan.prices[:number], plain, *plan.prices[number + 1 :]]
                )
        if price["model"] != "per_unit":
            each = {"feature": price["feature"], "model": "per_unit", "unit_amount": "1"}
            yield replace(plan, prices=[*plan.prices[:number], each, *plan.prices[number + 1 :]])


def same_kind(one: Difference, other: Difference) -> bool:
    """Whether two differences may have the same reason."""
    bases = [{part[1] == "base" for part in found.parts} for found in (one, other)]
    return one.what[:20] == other.what[:20] and (bases[0] <= bases[1] or bases[1] <= bases[0])
