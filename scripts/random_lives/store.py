"""The billing store as one app with one customer, at a time of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from scripts.random_lives.offers import FEATURES

Session = psycopg.Connection[Any]
Row = dict[str, Any]

_numbers = itertools.count(1)


def prepare(conn: Session) -> None:
    """Lets each session say what time it is, and makes the catalogue of features."""
    conn.execute(
        "create or replace function pgledger.clock() returns timestamptz language sql volatile"
        " as $$ select current_setting('test.now')::timestamptz $$"
    )
    conn.execute("set test.now = '2024-01-01 00:00:00+00'")
    conn.execute("set timezone = 'UTC'")
    for feature in FEATURES.values():
        conn.execute(
            "select ledger_create_feature('*', %s, %s, %s, %s, %s)",
            [feature.key, feature.key, feature.type, feature.aggregation, feature.unique_key],
        )


@dataclass(slots=True)
class Store:
    """An app of its own, and what was done in it."""

    conn: Session
    now: datetime
    app_id: str = field(default_factory=lambda: f"life{next(_numbers)}")
    subscriptions: list[str] = field(default_factory=list[str])
    trail: list[str] = field(default_factory=list[str])
    # What must never happen, whatever the rhythm.
    faults: list[str] = field(default_factory=list[str])

    def put_clock(self, at: datetime) -> None:
        assert at >= self.now, f"{at} is before {self.now}"
        self.now = at
        self.conn.execute("select set_config('test.now', %s, false)", [at.isoformat()])

    def note(self, text: str) -> None:
        self.trail.append(f"{self.now:%Y-%m-%d %H:%M:%S.%f}  {text}")

    def call(self, function: str, /, **arguments: Any) -> list[Row]:
        given = ", ".join(f"{name} => %({name})s" for name in arguments)
        values = {
            name: Jsonb(value) if isinstance(value, (dict, list)) else value
            for name, value in arguments.items()
        }
        statement = f"select * from {function}(app_id => %(app)s, {given})"
        return self.read(statement, {"app": self.app_id, **values})

    def one(self, function: str, /, **arguments: Any) -> Row:
        """Calls what is about the customer and returns one row."""
        (row,) = self.call(function, tenant_id="t", **arguments)
        return row

    def read(self, statement: str, arguments: dict[str, Any] | Sequence[Any]) -> list[Row]:
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement.encode(), arguments).fetchall()

    def invoices(self, *statuses: str) -> list[Row]:
        return self.read(
            "select id, kind, status, subscription_id, period_start from ledger_invoices"
            " where app_id = %s and status = any(%s) order by created_at, id",
            [self.app_id, list(statuses)],
        )

    def periods(self, subscription: str) -> list[datetime]:
        """Returns the starts of a subscription's periods so far, the present one first."""
        rows = self.read(
            "select distinct period_start from ledger_subscription_changes"
            " where subscription_id = %s and period_start <= %s order by 1 desc",
            [subscription, self.now],
        )
        return [row["period_start"] for row in rows]
