"""Lives a life in the database in a rhythm, and adds up what the customer was billed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import psycopg

from scripts.random_lives.billing import MOST_ROUNDS, Billing
from scripts.random_lives.life import (
    Corrected,
    Ending,
    Event,
    Life,
    Moved,
    Repriced,
    Subscribed,
    Used,
)
from scripts.random_lives.offers import Plan
from scripts.random_lives.rhythm import Rhythm, Step
from scripts.random_lives.store import Row, Session, Store
from scripts.random_lives.times import HOUR

# Number of the subscription, item, start of the period, plan.
Part = tuple[int, str, datetime, str]

SUMS: Final = """
    select subscriptions.id, line.item, line.for_period, plans.slug, sum(line.amount) as amount
    from pgledger.invoice_lines as line
    inner join pgledger.invoices on line.invoice_key = invoices.key
    inner join pgledger.subscriptions on line.subscription_key = subscriptions.key
    inner join pgledger.plans on line.plan_key = plans.key
    where invoices.app_id = %s and invoices.status not in ('draft', 'voided')
    group by 1, 2, 3, 4
    having sum(line.amount) <> 0
"""
STORY: Final = """
    select
      changes.subscription_id, changes.version, changes.change, changes.occurred_at,
      changes.status, plans.slug, changes.quantity, changes.period_start, changes.period_end
    from ledger_subscription_changes as changes
    inner join ledger_plans as plans on changes.plan_id = plans.id
    where changes.app_id = %s
"""
ENDS_AT: Final = """
    select max(greatest(current_period_end, trial_end)) as ends_at
    from pgledger.subscriptions
    where app_id = %s and status <> 'canceled'
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a life in a rhythm came to."""

    sums: dict[Part, Decimal]
    # What each event was answered, and what the subscriptions went through.
    answers: list[str]
    story: list[tuple[Any, ...]]
    faults: list[str]
    trail: list[str]
    invoices: list[Row]


class Living:
    """One life in one rhythm."""

    def __init__(self, conn: Session, life: Life, rhythm: Rhythm) -> None:
        self.life = life
        self.rhythm = rhythm
        self.store = Store(conn, life.events[0].at)
        self.billing = Billing(self.store, life.used(), rhythm.previews)
        self.plans: dict[str, str] = {}
        self.add_ons: set[str] = set()
        # Usage by what corrections name it by: its id, and when it happened.
        self.recorded: dict[str, tuple[str, datetime]] = {}
        self.answers: list[str] = []

    def run(self) -> Outcome:
        self.store.put_clock(self.store.now)
        self.make_plans()
        for at, happening in self.happenings():
            self.advance_until(at)
            self.store.put_clock(at)
            if isinstance(happening, Event):
                self.happen(happening)
            else:
                self.billing.step(happening)
        self.end()
        return self.outcome()

    def make_plans(self) -> None:
        for plan in self.life.plans:
            (row,) = self.store.call(
                "ledger_create_plan",
                slug=plan.slug,
                name=plan.slug,
                currency=self.life.currency,
                trial_days=plan.trial_days,
                anchor_at_trial_end=plan.anchor_at_trial_end,
                add_on=plan.add_on,
                **self.terms(plan),
            )
            self.plans[plan.slug] = row["id"]

    def terms(self, plan: Plan) -> dict[str, Any]:
        return {
            "features": plan.features(self.life.features),
            "pricing": {"base": dict(plan.base), "prices": list(plan.prices)},
            "priority": plan.priority,
        }

    def happenings(self) -> Iterator[tuple[datetime, Event | Step]]:
        """Returns what the customer does and what is done about bills, in order."""
        begun = self.life.events[0].at
        rows: list[tuple[datetime, int, int, Event | Step]] = [
            (event.at, 1, number, event) for number, event in enumerate(self.life.events)
        ]
        for number, step in enumerate(self.rhythm.steps):
            if step.at > begun or (step.at == begun and step.after):
                rows.append((step.at, 2 if step.after else 0, number, step))
        for at, _, _, happening in sorted(rows, key=lambda row: row[:3]):
            yield at, happening

    def happen(self, event: Event) -> None:
        try:
            answer = self.answer(event)
        except psycopg.Error as error:
            answer = type(error).__name__
        self.answers.append(answer)
        about = "" if event.used_at is None else f" of {event.used_at:%Y-%m-%d %H:%M:%S.%f}"
        self.store.note(f"{event.what} {event.value or ''}{about}: {answer}")

    def answer(self, event: Event) -> str:
        match event.what:
            case "use":
                return self.use(event)
            case "correct":
                return self.correct(event.value)
            case "reprice":
                return self.reprice(event.value)
            case "subscribe":
                return self.subscribe(event.value, add_on=event.add_on)
            case _:
                return self.change(event)

    def use(self, event: Event) -> str:
        used: Used = event.value
        row = self.store.one(
            "ledger_record_usage",
            feature_key=used.feature,
            quantity=Decimal(used.quantity),
            event_at=event.used_at,
            metadata={"user": used.user},
        )
        self.recorded[used.name] = (row["id"], event.used_at or event.at)
        return str(row["status"])

    def correct(self, corrected: Corrected) -> str:
        if corrected.name not in self.recorded:
            return "nothing to correct"
        number, event_at = self.recorded[corrected.name]
        if corrected.quantity is None:
            self.store.one("ledger_remove_usage", id=number, event_at=event_at)
            return "removed"
        quantity = Decimal(corrected.quantity)
        self.store.one("ledger_correct_usage", id=number, event_at=event_at, quantity=quantity)
        return "corrected"

    def reprice(self, repriced: Repriced) -> str:
        plan = repriced.terms
        terms = {"effective_at": repriced.since, **self.terms(plan)}
        self.store.call("ledger_update_plan", id=self.plans[plan.slug], **terms)
        return "other prices"

    def subscribe(self, begun: Subscribed, *, add_on: bool) -> str:
        row = self.store.one(
            "ledger_create_subscription",
            plan_id=self.plans[begun.plan],
            quantity=Decimal(begun.quantity),
            time_zone=begun.zone,
            trial_days=begun.trial_days,
            started_at=begun.started_at,
            anchor_at=begun.anchor_at,
        )
        self.store.subscriptions.append(row["id"])
        if add_on:
            self.add_ons.add(row["id"])
        return str(row["status"])

    def change(self, event: Event) -> str:
        whose = [one for one in self.store.subscriptions if (one in self.add_ons) == event.add_on]
        if not whose:
            return "nothing to change"
        function, options = self.request(event.what, event.value)
        row = self.store.one(function, id=whose[-1], **options)
        return str(row["status"])

    def request(self, what: str, value: Any) -> tuple[str, dict[str, Any]]:
        invoice = self.rhythm.changes
        match value:
            case Moved():
                options: dict[str, Any] = {"plan_id": self.plans[value.plan], "invoice": invoice}
                options |= {"trial": value.trial, "keep_anchor": value.keep_anchor}
                return "ledger_change_plan", options
            case Ending():
                options = {"cancel_at": value.at, "unused_time": value.unused}
                return "ledger_cancel_subscription", options
            case _ if what == "quantity":
                options = {"quantity": Decimal(value), "invoice": invoice}
                return "ledger_update_subscription", options
            case _ if what == "cancel" and value != "period_end":
                options = {"at_period_end": False, "unused_time": value}
                return "ledger_cancel_subscription", options
            case _:
                return f"ledger_{what}_subscription", {}

    def advance_until(self, until: datetime) -> None:
        """Calls ``ledger_advance`` as often as the rhythm says, where it has something to do."""
        interval = self.rhythm.interval
        if interval is None:
            return
        begun = self.life.events[0].at
        for _ in range(MOST_ROUNDS):
            due = self.due_at()
            if due is None:
                return
            at = begun + interval * -((begun - max(due, self.store.now)) // interval)
            if at >= until:
                return
            self.store.put_clock(at)
            self.billing.advance(self.rhythm.how)
            if self.due_at() == due:
                return

    def due_at(self) -> datetime | None:
        column = "due_at" if self.rhythm.how == "none" else "advance_at"
        (row,) = self.store.read(
            f"select min({column}) as due_at from pgledger.subscriptions where app_id = %s",
            [self.store.app_id],
        )
        due: datetime | None = row["due_at"]
        return due

    def end(self) -> None:
        """Goes on until every change is billed, in any rhythm in the same way."""
        ends_at = self.ends_at()
        self.advance_until(ends_at)
        self.store.put_clock(ends_at)
        self.billing.draw_again()
        self.billing.advance("final")
        self.billing.finalize_all()
        for subscription in self.store.subscriptions:
            for at in self.late_periods(subscription):
                self.billing.draw_one(subscription, "interim", at, finalize=True)
        self.billing.finalize_all()

    def ends_at(self) -> datetime:
        """Returns a time when the period in which the last thing happened is over."""
        until = self.life.until
        now = self.store.now
        with self.store.conn.transaction(force_rollback=True):
            self.store.put_clock(until)
            self.store.call("ledger_advance", invoices="none", max_span=None)
            (row,) = self.store.read(ENDS_AT, [self.store.app_id])
        # The session's setting has been undone as well.
        self.store.now = now
        return max(until, row["ends_at"] or until) + HOUR

    def late_periods(self, subscription: str) -> list[datetime]:
        """Returns the starts of periods whose usage may not have been billed by now.

        Of seats, a late report changes all periods after it, because seats stay taken.
        """
        now = self.store.now
        starts = [*self.store.periods(subscription)[::-1], now]
        return [
            since
            for since, until in itertools.pairwise(starts)
            if until == now
            or any(since <= used < until <= at for at, used in self.life.used())
            or any(used < until <= at for at, used in self.life.used("seats"))
        ]

    def outcome(self) -> Outcome:
        app = [self.store.app_id]
        place = {key: number for number, key in enumerate(self.store.subscriptions)}
        return Outcome(
            {
                (place[row["id"]], row["item"], row["for_period"], row["slug"]): row["amount"]
                for row in self.store.read(SUMS, app)
            },
            self.answers,
            sorted(
                (place[row["subscription_id"]], *list(row.values())[1:])
                for row in self.store.read(STORY, app)
            ),
            self.store.faults,
            self.store.trail,
            self.store.read("select * from ledger_invoices where app_id = %s order by id", app),
        )
