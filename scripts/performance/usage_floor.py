"""The floor of usage events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from scripts.performance.databases import Control, execute
from scripts.performance.events import Events
from scripts.performance.floor import FLOOR_SCHEMA
from scripts.performance.rivals import Turn
from scripts.performance.work import Task, Work


@dataclass(frozen=True, slots=True)
class PlainInserts:
    """The least that a batch of events can cost: one insert of its rows, in the order they came."""

    events: Events

    @property
    def size(self) -> int:
        return self.events.size

    @property
    def answers(self) -> int:
        # An insert says how many rows it made.
        return self.events.size

    @property
    def statement(self) -> str:
        return (
            f"insert into {FLOOR_SCHEMA}.usage_events (key, event_at, created_at, tenant_key, "
            "meter_key, quantity, idempotency_key) "
            "select call.first_key + given.place, given.event_at, statement_timestamp(), "
            "given.number, given.number, given.quantity, given.idempotency_key "
            f"from (select nextval('{FLOOR_SCHEMA}.usage_calls_seq') << 20 as first_key) as call "
            "cross join unnest("
            "%s::integer[], %s::numeric[], %s::timestamptz[], %s::text[]"
            ") with ordinality as given (number, quantity, event_at, idempotency_key, place)"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return self.events.stream()

    def scripts(self) -> list[str]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UsageFloor:
    """The same events into a table of the same shape with the same indexes, and nothing else."""

    events: Events

    @property
    def work(self) -> Work:
        return PlainInserts(replace(self.events, numbers=True))

    def create(self, connection: Control) -> None:
        execute(
            connection,
            f"""
            create table {FLOOR_SCHEMA}.usage_events
            (like pgledger.usage_events including indexes including storage including compression);

            create sequence {FLOOR_SCHEMA}.usage_calls_seq;
            """,
        )

    def task(self, connection: Control, turn: Turn) -> Task:
        del connection
        return Task("floor", seconds=turn.seconds)
