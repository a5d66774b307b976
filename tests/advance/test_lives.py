"""However a customer is billed, the same life comes to the same money.

Random lives are lived in random rhythms: ``ledger_advance`` often, seldom or only at the end, with
drafts, interim invoices, invoices taken back, purged usage and previews. What each item, period and
plan was billed must be the same in all of them. ``python scripts/lives.py`` tries more of them.

``PGLEDGER_LIVES=5000`` lives so many; ``PGLEDGER_SEED`` and ``PGLEDGER_HYPOTHESIS`` work as for all
tests that try many cases.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts import lives
from scripts.random_lives.drawing import CHANGES
from scripts.random_lives.life import QUIET, Ending, Event, Life, Moved, Subscribed, Used
from scripts.random_lives.offers import EVENT_MEMBERS, FEATURES, MODELS, Plan
from scripts.random_lives.rhythm import ACTIONS, EVERY, Rhythm, Step
from scripts.random_lives.shrinking import shrink
from scripts.random_lives.store import Session, prepare
from scripts.random_lives.story import tell
from scripts.random_lives.times import INTERVALS, ZONES
from scripts.random_lives.trial import Trial, random_trials, try_out
from support.database import Connect
from support.properties import dice_of, scaled

LIVES = int(os.environ.get("PGLEDGER_LIVES") or scaled(300))
# So that processes that run tests side by side share the lives.
PARTS = 6


@pytest.fixture
def conn(connect: Connect) -> Session:
    conn = connect(autocommit=True)
    prepare(conn)
    return conn


def trials_of(number: int) -> list[Trial]:
    return random_trials(dice_of("lives", number))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_life_comes_to_the_same_in_every_rhythm(conn: Session, part: int) -> None:
    for number in range(part, LIVES, PARTS):
        found = try_out(conn, trials_of(number))
        if found is not None:
            pytest.fail(f"life {number}: {tell(conn, *shrink(conn, *found))}")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def life_of(plan: Plan, *events: Event) -> Life:
    features = [price["feature"] for price in plan.prices]
    first = Event(events[0].at, "subscribe", Subscribed(plan.slug))
    return Life("USD", features, [plan], [first, *events[1:]], events[-1].at + QUIET)


def free_plan(*prices: dict[str, str], interval: str = "month") -> Plan:
    return Plan("p1", {"amount": "0", "interval": interval, "interval_count": 1}, prices)


VISITS = {"feature": "visits", "model": "per_unit", "unit_amount": "1"}
PEAK = {"feature": "peak", "model": "per_unit", "unit_amount": "2"}
FLAT_CALLS = {"feature": "calls", "model": "flat", "flat_amount": "10"}

# What lives have found, as short as it can be told.
STORIES = {
    "an interim invoice of a period that is over is voided, and another is there": Trial(
        life_of(
            free_plan(VISITS, interval="year"),
            Event(at("2025-10-28"), "subscribe"),
            Event(at("2025-11-07"), "use", Used("visits", "1")),
            Event(at("2025-11-18"), "cancel", "credit"),
        ),
        Rhythm(
            steps=[
                Step(at("2025-11-19"), "interim", 1),
                Step(at("2025-11-20 01:00"), "advance", 1),
                Step(at("2025-11-20 02:00"), "interim", 1),
                Step(at("2025-11-20 03:00"), "void", 0),
            ]
        ),
    ),
    "an invoice is voided and drawn up again after late usage of one of its features": Trial(
        life_of(
            free_plan(PEAK, FLAT_CALLS),
            Event(at("2025-03-01"), "subscribe"),
            Event(at("2025-04-10"), "use", Used("peak", "10"), at("2025-03-05")),
            Event(at("2025-05-02"), "use", Used("peak", "0")),
        ),
        Rhythm(
            every="day",
            steps=[Step(at("2025-05-03"), "void", 0)],
        ),
    ),
    "late usage is purged before an invoice counts it": Trial(
        life_of(
            free_plan(VISITS),
            Event(at("2025-02-24"), "subscribe"),
            Event(at("2025-04-24"), "use", Used("visits", "7"), at("2025-03-17 04:43")),
        ),
        Rhythm(every="hour", steps=[Step(at("2025-04-24 01:15"), "purge", 1)]),
    ),
    "a draft is drawn up of a period in which a trial goes on into the next": Trial(
        Life(
            "USD",
            [],
            [
                Plan(
                    "p1", {"amount": "100", "interval": "month", "interval_count": 1}, trial_days=30
                )
            ],
            [
                Event(
                    at("2025-04-05 03:00"),
                    "subscribe",
                    Subscribed("p1", anchor_at=at("2025-04-04 16:00")),
                )
            ],
            at("2025-04-08 03:00"),
        ),
        Rhythm(
            every="hour",
            how="draft",
            steps=[Step(at("2025-04-08 03:00"), "period_draft", 0)],
        ),
    ),
    "an interim invoice is drawn up in the moment in which the period begins": Trial(
        life_of(
            free_plan(VISITS),
            Event(at("2025-03-16 22:36"), "subscribe"),
            Event(at("2025-04-20"), "cancel", "none"),
            Event(at("2025-04-21"), "use", Used("visits", "12"), at("2025-04-10")),
        ),
        Rhythm(every="hour", steps=[Step(at("2025-03-16 22:36"), "interim", 0)]),
    ),
    "a trial that a change began ends with the period": Trial(
        Life(
            "USD",
            ["calls"],
            [
                free_plan(FLAT_CALLS),
                replace(free_plan(), slug="p2", trial_days=30, anchor_at_trial_end=False),
            ],
            [
                Event(at("2024-04-22 12:00"), "subscribe", Subscribed("p1")),
                Event(at("2024-04-27 17:00"), "plan", Moved("p2", trial="plan")),
            ],
            at("2024-06-22 13:00"),
        ),
        Rhythm(steps=[Step(at("2024-06-21 05:00"), "interim", 1)]),
    ),
    "late usage of a subscription that has ended is purged before an interim invoice": Trial(
        life_of(
            free_plan(VISITS),
            Event(at("2025-02-24 12:30"), "subscribe"),
            Event(at("2025-03-10 12:30"), "cancel", "credit"),
            Event(at("2025-04-24"), "use", Used("visits", "7"), at("2025-03-10 11:55")),
        ),
        Rhythm(
            every="day",
            steps=[Step(at("2025-04-25"), "purge", 1), Step(at("2025-04-26"), "purge", 1)],
        ),
    ),
}


@pytest.mark.parametrize("trial", STORIES.values(), ids=STORIES.keys())
def test_a_story_that_was_found_comes_to_the_same(conn: Session, trial: Trial) -> None:
    found = try_out(conn, [trial])
    assert found is None, tell(conn, *found)


def about(event: Event) -> Iterator[object]:
    """Returns what an event has in it."""
    value: Any = event.value
    yield event.what
    if event.used_at is not None:
        yield "late" if event.used_at < event.at else "early"
    if event.add_on and event.what != "subscribe":
        yield "change of an add-on"
    match event.what:
        case "subscribe":
            begun = value.started_at or event.at
            yield value.zone
            when = "now" if begun == event.at else "past" if begun < event.at else "later"
            yield ("start", when)
        case "plan":
            yield ("trial becomes", value.trial)
            yield ("anchor kept", value.keep_anchor)
        case "correct":
            yield "removed" if value.quantity is None else "corrected"
        case "reprice":
            yield "priced now" if value.since is None else "priced later"
        case "cancel":
            yield ("at a time", value.unused) if isinstance(value, Ending) else ("cancel", value)
        case _:
            pass


def test_lives_have_everything_in_them() -> None:
    seen: Counter[object] = Counter()
    for number in range(200):
        trials = trials_of(number)
        life = trials[0].life
        for plan in life.plans:
            seen.update([plan.interval, ("billed", plan.base["billed"])])
            seen.update([("proration", plan.base["proration"]), ("trial", plan.trial_days > 0)])
            seen.update([("anchored", plan.anchor_at_trial_end)])
            seen.update(price["model"] for price in plan.prices)
            seen.update(member for price in plan.prices for member in price)
            seen.update(["allowance"] if plan.allowances else [])
            seen.update([("add-on", plan.add_on), ("priority", plan.priority)])
        seen.update(life.features)
        for event in life.events:
            seen.update(about(event))
        for rhythm in (trial.rhythm for trial in trials):
            seen.update([rhythm.every, ("how", rhythm.how), ("previews", rhythm.previews)])
            seen.update([("changes", rhythm.changes)])
            seen.update(("step", step.action) for step in rhythm.steps)
    expected = {
        *MODELS,
        *FEATURES,
        *CHANGES,
        *INTERVALS,
        *ZONES,
        *EVERY,
        *(("step", action) for action in ACTIONS),
        *(("how", how) for how in ("final", "draft", "none")),
        *(("cancel", unused) for unused in ("period_end", "none", "credit", "refund")),
        *(("changes", when) for when in ("now", "next", None)),
        *(("billed", when) for when in ("advance", "arrears")),
        *(("proration", unit) for unit in ("day", "second")),
        *((what, given) for what in ("trial", "anchored", "previews") for given in (True, False)),
        *(("start", when) for when in ("past", "now", "later")),
        *(("add-on", given) for given in (True, False)),
        *(("priority", priority) for priority in (-1, 0, 1)),
        *(("trial becomes", what) for what in ("keep", "end", "plan")),
        *(("anchor kept", kept) for kept in (True, False)),
        *(("at a time", unused) for unused in (None, "credit", "refund")),
        *("corrected", "removed", "priced now", "priced later", "change of an add-on"),
        *("minimum", "maximum", "prorated", *EVENT_MEMBERS),
        *("allowance", "free", "use", "late", "early", None),
    }
    assert {one for one in expected if seen[one] < 3} == set()


@pytest.fixture
def conn_with_a_fault(conn: Session) -> Session:
    """A database in which what a voided invoice billed is never billed again."""
    conn.execute(
        "create or replace function pgledger.counts_as_billed("
        "billed pgledger.invoices, invoice pgledger.invoices) returns boolean"
        " language sql immutable parallel safe as"
        " $$ select billed.key is distinct from invoice.key $$"
    )
    return conn


def test_the_command_tells_the_story_of_a_difference(conn_with_a_fault, monkeypatch, capsys):
    monkeypatch.setattr(lives, "own_database", lambda: nullcontext(conn_with_a_fault))
    assert lives.main(["--lives", "100", "--seed", "7", "--stop", "1"]) == 1
    told = capsys.readouterr().out
    assert "the sums differ" in told
    assert "void" in told
    (again,) = re.findall("again: python scripts/lives.py (.*)", told)
    assert lives.main([*again.split(), "--no-shrink"]) == 1


def test_the_command_ends_well_without_a_difference(conn, monkeypatch, capsys):
    monkeypatch.setattr(lives, "own_database", lambda: nullcontext(conn))
    assert lives.main(["--lives", "3", "--seed", "7"]) == 0
    assert capsys.readouterr().out == "3 lives of seed 7, 0 with a difference\n"
