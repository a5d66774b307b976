"""Calling the subscriptions of the billing store, and looking at all that it keeps of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from pgledger import ids

Session = psycopg.Connection[Any]
Row = dict[str, Any]


def utc(text: str) -> datetime:
    """Returns the time of a text such as ``2025-01-31 10:00`` in UTC, or at its own offset."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


NOW = utc("2025-01-15 12:00")


def period_of(row: Row) -> tuple[datetime, datetime]:
    return row["current_period_start"], row["current_period_end"]


def between(start: str, end: str) -> tuple[datetime, datetime]:
    return utc(start), utc(end)


def call(conn: Session, function: str, /, **arguments: Any) -> list[Row]:
    """Calls a function with named arguments and returns its rows."""
    given = ", ".join(f"{name} => %({name})s" for name in arguments)
    values = {
        name: Jsonb(value) if isinstance(value, (dict, list)) else value
        for name, value in arguments.items()
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"select * from {function}({given})".encode(), values).fetchall()


def create_plan(
    conn: Session,
    slug: str = "basic",
    interval: str = "month",
    count: int = 1,
    *,
    app_id: str = "shop",
    currency: str = "USD",
    **options: Any,
) -> str:
    """Creates a plan and returns its id."""
    base = {"amount": "10", "interval": interval, "interval_count": count}
    (plan,) = call(
        conn,
        "ledger_create_plan",
        app_id=app_id,
        slug=slug,
        name=slug,
        currency=currency,
        pricing={"base": base},
        **options,
    )
    return str(plan["id"])


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant and its calls: ``tenant.pause(id)`` calls ``ledger_pause_subscription``."""

    conn: Session
    tenant_id: str = "t1"
    app_id: str = "shop"

    def one(self, function: str, **arguments: Any) -> Row:
        (row,) = self.rows(function, **arguments)
        return row

    def rows(self, function: str, **arguments: Any) -> list[Row]:
        return call(self.conn, function, app_id=self.app_id, tenant_id=self.tenant_id, **arguments)

    def create(self, plan_id: str | None, **options: Any) -> Row:
        return self.one("ledger_create_subscription", plan_id=plan_id, **options)

    def get(self, subscription_id: str | None) -> Row:
        return self.one("ledger_get_subscription", id=subscription_id)

    def active(self) -> list[Row]:
        return self.rows("ledger_get_active_subscription")

    def page(self, **options: Any) -> list[Row]:
        return self.rows("ledger_list_subscriptions", **options)

    def update(self, subscription_id: str | None, **options: Any) -> Row:
        return self.one("ledger_update_subscription", id=subscription_id, **options)

    def change_plan(self, subscription_id: str | None, plan_id: str | None, **options: Any) -> Row:
        return self.one("ledger_change_plan", id=subscription_id, plan_id=plan_id, **options)

    def change_time_zone(self, subscription_id: str, time_zone: str | None) -> Row:
        return self.one("ledger_change_time_zone", id=subscription_id, time_zone=time_zone)

    def set_trial_end(self, subscription_id: str, trial_end: datetime | str | None) -> Row:
        at = utc(trial_end) if isinstance(trial_end, str) else trial_end
        return self.one("ledger_set_trial_end", id=subscription_id, trial_end=at)

    def cancel(self, subscription_id: str | None, **options: Any) -> Row:
        return self.one("ledger_cancel_subscription", id=subscription_id, **options)

    def pause(self, subscription_id: str | None) -> Row:
        return self.one("ledger_pause_subscription", id=subscription_id)

    def resume(self, subscription_id: str | None) -> Row:
        return self.one("ledger_resume_subscription", id=subscription_id)

    def changes(self, subscription_id: str) -> list[Row]:
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                "select * from ledger_subscription_changes where subscription_id = %s"
                " order by version",
                [subscription_id],
            ).fetchall()

    def story(self, subscription_id: str) -> list[tuple[str, datetime]]:
        """Returns what happened, and when, in order."""
        return [(row["change"], row["occurred_at"]) for row in self.changes(subscription_id)]


def advance(conn: Session, app_id: str = "shop", **options: Any) -> list[Row]:
    """Moves subscriptions on and draws up no invoices; returns what was done, without them.

    Tests put the clock forward by as much as they like, and say so.
    """
    arguments = {"invoices": "none", "max_span": None, **options}
    rows = call(conn, "ledger_advance", app_id=app_id, **arguments)
    for row in rows:
        assert (row.pop("invoice_id"), row.pop("error")) == (None, None)
    return rows


def everything(conn: Session, *others: str) -> list[tuple[Any, ...]]:
    """Returns every row of subscriptions, and of others, and which transaction wrote it."""
    return [
        row
        for table in ("subscriptions", "subscription_changes", *others)
        for row in conn.execute(
            f"select xmin::text, {table}.* from pgledger.{table} order by {table}".encode()
        ).fetchall()
    ]


def assert_consistent(conn: Session) -> None:
    """Asserts what holds of any subscription, whatever has happened to it."""
    wrong = conn.execute(
        """
        select subscriptions.id
        from pgledger.subscriptions
        left join lateral (
          select
            count(*) as changes, min(version) as first, max(version) as last,
            count(*) filter (where change = 'created') as created,
            array_agg(status order by version desc) as statuses,
            array_agg(period_start order by version desc) as starts,
            array_agg(period_end order by version desc) as ends,
            array_agg(whole_start order by version desc) as whole_starts,
            array_agg(period_number order by version desc) as numbers,
            array_agg(plan_key order by version desc) as plans,
            array_agg(quantity order by version desc) as quantities
          from pgledger.subscription_changes
          where subscription_key = subscriptions.key
        ) as history on true
        where (
          history.changes = subscriptions.version
          and history.first = 1
          and history.last = subscriptions.version
          and history.created = 1
          and history.statuses[1] = subscriptions.status
          and history.starts[1] = subscriptions.current_period_start
          and history.ends[1] = subscriptions.current_period_end
          and history.numbers[1] = subscriptions.period_number
          and history.plans[1] = subscriptions.plan_key
          and history.quantities[1] = subscriptions.quantity
          and (subscriptions.status = 'paused') = (subscriptions.paused_at is not null)
          and (subscriptions.status = 'canceled') = (subscriptions.ended_at is not null)
          and (subscriptions.cancel_at is null) = (subscriptions.canceled_at is null)
          and subscriptions.advance_at is not distinct from least(
            subscriptions.due_at, subscriptions.invoice_due_at
          )
          and history.whole_starts[1] = subscriptions.whole_start
          and subscriptions.whole_start <= subscriptions.current_period_start
          and (subscriptions.cancel_at is not null or not subscriptions.cancel_at_period_end)
          and subscriptions.due_at is not distinct from case subscriptions.status
            when 'scheduled' then least(subscriptions.started_at, subscriptions.cancel_at)
            when 'paused' then subscriptions.cancel_at
            when 'active' then least(subscriptions.cancel_at, subscriptions.current_period_end)
            when 'trialing' then least(
              subscriptions.trial_end, subscriptions.cancel_at, subscriptions.current_period_end
            )
          end
        ) is not true
        """
    ).fetchall()
    assert wrong == []


def new_subscription_id() -> str:
    return ids.generate("sub")
