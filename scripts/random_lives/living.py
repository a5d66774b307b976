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
from scripts.random_lives.life import Event, Life
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
                features=plan.features(self.life.features),
                pricing={"base": dict(plan.base), "prices": list(plan.prices)},
                trial_days=plan.trial_days,
                anchor_at_trial_end=plan.anchor_at_trial_end,
            )
            self.plans[plan.slug] = row["id"]

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
        value = event.value
        options: dict[str, Any] = {}
        match event.what:
            case "use":
                row = self.store.one(
                    "ledger_record_usage",
                    feature_key=value.feature,
                    quantity=Decimal(value.quantity),
                    event_at=event.used_at,
                    metadata={"user": value.user},
                )
                return str(row["status"])
            case "subscribe":
                row = self.store.one(
                    "ledger_create_subscription",
                    plan_id=self.plans[value.plan],
                    quantity=Decimal(value.quantity),
                    time_zone=value.zone,
                    trial_days=value.trial_days,
                    started_at=value.started_at,
                    anchor_at=value.anchor_at,
                )
                self.store.subscriptions.append(row["id"])
                return str(row["status"])
            case "plan":
                function = "ledger_change_plan"
                options = {"plan_id": self.plans[value], "invoice": self.rhythm.changes}
            case "quantity":
                function = "ledger_update_subscription"
                options = {"quantity": Decimal(value), "invoice": self.rhythm.changes}
            case "cancel":
                function = "ledger_cancel_subscription"
                if value != "period_end":
                    options = {"at_period_end": False, "unused_time": value}
            case _:
                function = f"ledger_{event.what}_subscription"
        row = self.store.one(function, id=self.store.subscriptions[-1], **options)
        return str(row["status"])

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
        """Returns the starts of periods whose usage may not have been billed by now."""
        now = self.store.now
        starts = [*self.store.periods(subscription)[::-1], now]
        return [
            since
            for since, until in itertools.pairwise(starts)
            if until == now or any(since <= used < until <= at for at, used in self.life.used())
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
