"""The floors of single transfers and of batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.performance.accounts import FIRST_NUMBER
from scripts.performance.databases import APP_ID, Control, execute, scalar
from scripts.performance.floor import FLOOR_SCHEMA
from scripts.performance.rivals import Turn
from scripts.performance.transfers import LARGEST_CENTS, pgbench_pair, random_pairs
from scripts.performance.work import Task, Work

SINGLES_SCHEMA = Path(__file__).with_name("floor_singles.sql")
BATCHES_SCHEMA = Path(__file__).with_name("floor_batches.sql")


@dataclass(frozen=True, slots=True)
class PlainTransfers:
    """The least that one transfer can cost: two balances and three numbers."""

    count: int
    size: int = 1
    answers: int = 1

    @property
    def statement(self) -> str:
        return f"select {FLOOR_SCHEMA}.transfer(%s, %s, %s)"

    def parameters(self) -> Iterator[Sequence[object]]:
        numbers = range(FIRST_NUMBER, FIRST_NUMBER + self.count)
        return random_pairs(numbers, range(1, LARGEST_CENTS + 1))

    def scripts(self) -> list[str]:
        call = f"select {FLOOR_SCHEMA}.transfer(:a, :b, :cents);\n"
        return [pgbench_pair(self.count) + call]


@dataclass(frozen=True, slots=True)
class PlainBatches:
    """The least that a batch can cost: its rows, ready-made, inserted as they are."""

    columns: str
    size: int

    @property
    def answers(self) -> int:
        # An insert says how many rows it made.
        return self.size

    @property
    def statement(self) -> str:
        return (
            f"insert into {FLOOR_SCHEMA}.transfers ({self.columns}) "
            f"select {self.columns} from {FLOOR_SCHEMA}.ready "
            f"where batch = (select nextval('{FLOOR_SCHEMA}.next_batch'))"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return itertools.repeat(())

    def scripts(self) -> list[str]:
        return [f"{self.statement};\n"]


@dataclass(frozen=True, slots=True)
class SinglesFloor:
    """Two updates of a narrow table in key order and one insert, in PL/pgSQL."""

    accounts: int

    @property
    def work(self) -> Work:
        return PlainTransfers(self.accounts)

    def create(self, connection: Control) -> None:
        schema = SINGLES_SCHEMA.read_text(encoding="utf-8")
        # Ascending is what an index takes most cheaply; servers before 18 cannot make such keys.
        if scalar(connection, "select to_regprocedure('pg_catalog.uuidv7()') is not null"):
            schema = schema.replace("pg_catalog.gen_random_uuid()", "pg_catalog.uuidv7()")
        execute(connection, schema)
        connection.execute(
            f"insert into {FLOOR_SCHEMA}.accounts (key, balance)"
            " select n, 0 from generate_series(%s::bigint, %s::bigint) as n".encode(),
            (FIRST_NUMBER, FIRST_NUMBER + self.accounts - 1),
        )
        execute(connection, f"vacuum (analyze) {FLOOR_SCHEMA}.accounts")

    def task(self, connection: Control, turn: Turn) -> Task:
        del connection
        return Task("floor", seconds=turn.seconds)


@dataclass(frozen=True, slots=True)
class BatchesFloor:
    """The rows that our slice made, inserted once more from where they lie ready."""

    columns: str
    size: int

    @property
    def work(self) -> Work:
        return PlainBatches(self.columns, self.size)

    def create(self, connection: Control) -> None:
        execute(connection, BATCHES_SCHEMA.read_text(encoding="utf-8"))

    def task(self, connection: Control, turn: Turn) -> Task:
        execute(connection, f"truncate {FLOOR_SCHEMA}.ready")
        connection.execute(
            f"""
            insert into {FLOOR_SCHEMA}.ready ({self.columns}, batch)
            select {self.columns}, 1 + (row_number() over (order by t.id) - 1) / %s
            from pgledger.transfers as t
            where t.app_id = %s and t.created_at >= %s
            """.encode(),
            (self.size, APP_ID, turn.since),
        )
        execute(connection, f"alter sequence {FLOOR_SCHEMA}.next_batch restart")
        execute(connection, f"vacuum (analyze) {FLOOR_SCHEMA}.ready")
        return Task("floor", calls=turn.ours.rows // self.size, shared=True)


def batches_floor(connection: Control, size: int) -> BatchesFloor:
    columns = scalar(
        connection,
        """
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = 'pgledger.transfers'::regclass
          and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        """,
    )
    return BatchesFloor(str(columns), size)
