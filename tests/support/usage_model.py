"""Usage as a plain Python model: which events count, and what they come to.

Written from what is documented, not from the SQL. There are no roll-ups here: every total is
counted anew from all events that were accepted, those that were purged since included.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import psycopg

from support.exact import sum_of

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Aggregation = Literal["sum", "count", "max", "unique_count", "latest"]

AGGREGATIONS: tuple[Aggregation, ...] = ("sum", "count", "max", "unique_count", "latest")


@dataclass(frozen=True, slots=True)
class Event:
    """One event to report, in the texts that are sent for it."""

    tenant_id: str | None
    feature_key: str | None
    quantity: str | None = "1"
    event_at: str | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)
    metadata: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """One event that was accepted; ``place`` is its place among all, in the order of recording."""

    tenant_id: str
    feature_key: str
    quantity: Decimal
    event_at: datetime
    place: int
    idempotency_key: str | None
    value: str | None


def ingest(
    conn: psycopg.Connection[Any], events: Iterable[Event], *, app_id: str | None = "acme"
) -> list[tuple[int, str, str | None, str | None, str | None]]:
    """Reports a batch as SQL has it: index, status, id, error and reason of each event."""
    events = list(events)
    return conn.execute(
        "select event_index, status, id, error, reason from ledger_ingest_usage("
        " %s, %s::text[], %s::text[], %s::text[]::numeric[], %s::text[]::timestamptz[],"
        " %s::text[], %s::text[]::jsonb[])",
        [
            app_id,
            [event.tenant_id for event in events],
            [event.feature_key for event in events],
            [event.quantity for event in events],
            [event.event_at for event in events],
            [event.idempotency_key for event in events],
            [event.metadata for event in events],
        ],
    ).fetchall()


def hour_of(at: datetime) -> datetime:
    return at - (at - EPOCH) % HOUR


def total(events: Sequence[Counted], aggregation: str) -> Decimal:
    """Returns what events come to, by counting them one by one; 0 where there are none."""
    if not events:
        return Decimal(0)
    match aggregation:
        case "sum":
            return sum_of(event.quantity for event in events)
        case "count":
            return Decimal(len(events))
        case "max":
            return max(event.quantity for event in events)
        case "unique_count":
            return Decimal(len({event.value for event in events}))
        case _:
            return max(events, key=lambda event: (event.event_at, event.place)).quantity


class UsageModel:
    """All usage of an app: what was accepted, which keys are taken, and what was purged."""

    def __init__(self) -> None:
        self.counted: list[Counted] = []
        self.stored: list[Counted] = []
        self.lines: dict[str, datetime] = {}
        self.forgotten: set[tuple[str, str, str | None]] = set()

    def taken(self, event: Event) -> Counted | None:
        """Returns the event that has the idempotency key of this one."""
        return next(
            (
                stored
                for stored in self.stored
                if event.idempotency_key is not None
                and (stored.tenant_id, stored.feature_key, stored.idempotency_key)
                == (event.tenant_id, event.feature_key, event.idempotency_key)
            ),
            None,
        )

    def accept(self, events: Iterable[tuple[Event, str | None]], now: datetime) -> list[str]:
        """Takes a call's events that are sound in themselves, each with the value that it counts.

        Returns what is to be answered of each.
        """
        return [self._accept_one(event, now, value) for event, value in events]

    def _accept_one(self, event: Event, now: datetime, value: str | None) -> str:
        assert event.tenant_id is not None
        assert event.feature_key is not None
        at = now if event.event_at is None else datetime.fromisoformat(event.event_at)
        key = event.idempotency_key
        # Also of one that a purge has passed and left.
        first = self.taken(event)
        if first is not None:
            same = first.quantity == Decimal(event.quantity or "1") and (
                event.event_at is None or first.event_at == at
            )
            return "duplicate" if same else "rejected"
        if at < self.lines.get(event.tenant_id, EPOCH):
            return "rejected"
        counted = Counted(
            event.tenant_id,
            event.feature_key,
            Decimal(event.quantity or "1"),
            at,
            len(self.counted),
            key,
            value,
        )
        self.counted.append(counted)
        self.stored.append(counted)
        return "inserted"

    def purge(self, before: datetime) -> int:
        """Purges whole hours, and returns how many events that takes away."""
        line = hour_of(before)
        gone = [event for event in self.stored if event.event_at < line]
        for event in gone:
            self.lines[event.tenant_id] = max(self.lines.get(event.tenant_id, line), line)
            self.forgotten.add((event.tenant_id, event.feature_key, event.idempotency_key))
        self.stored = [event for event in self.stored if event not in gone]
        return len(gone)

    def between(
        self, tenant_id: str, feature_key: str, starts_at: datetime, ends_at: datetime
    ) -> list[Counted]:
        return [
            event
            for event in self.counted
            if (event.tenant_id, event.feature_key) == (tenant_id, feature_key)
            and starts_at <= event.event_at < ends_at
        ]

    def is_split(self, tenant_id: str, *edges: datetime) -> bool:
        """Whether an edge splits an hour whose events may be gone."""
        line = self.lines.get(tenant_id, EPOCH)
        return any(edge < line and edge != hour_of(edge) for edge in edges)
