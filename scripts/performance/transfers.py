"""Transfers as work to repeat: one a call, or many."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scripts.performance.accounts import FIRST_NUMBER, Books
from scripts.performance.console import Progress, note
from scripts.performance.databases import APP_ID, Control, scalar
from scripts.performance.errors import CheckFailed
from scripts.performance.options import MOST_IN_A_CALL, Options
from scripts.performance.work import READY_BATCHES, Work

LARGEST_CENTS = 10_000
# By what they answer with.
BULK_FUNCTIONS = {
    "row": "pgledger_create_transfers_bulk",
    "id": "pgledger_create_transfers_bulk_ids",
    "count": "pgledger_create_transfers_bulk_count",
}


def random_pairs(
    accounts: Sequence[object], amounts: Sequence[object]
) -> Iterator[tuple[object, ...]]:
    count = len(accounts)
    pick = random.randrange
    while True:
        first = pick(count)
        second = (first + 1 + pick(count - 1)) % count
        yield accounts[first], accounts[second], amounts[pick(len(amounts))]


def pgbench_pair(count: int) -> str:
    """Draws :a, :b and the amount: shared by ledger and floor, so that both cost pgbench alike."""
    last = FIRST_NUMBER + count - 1
    return (
        f"\\set a random({FIRST_NUMBER}, {last})\n"
        f"\\set b {FIRST_NUMBER} + (:a - {FIRST_NUMBER} + random(1, {count - 1})) % {count}\n"
        f"\\set cents random(1, {LARGEST_CENTS})\n"
        "\\set amount :cents / 100.0\n"
    )


def columns_of(returning: str) -> str:
    return "id" if returning == "id" else "*"


@dataclass(frozen=True, slots=True)
class Singles:
    """One transfer a call."""

    books: Books
    returning: str
    size: int = 1
    answers: int = 1

    def call(self, from_id: str, to_id: str, amount: str) -> str:
        return (
            f"select {columns_of(self.returning)} from {self.books.surface}."
            f"pgledger_create_transfer({from_id}, {to_id}, {amount}, app_id => '{APP_ID}')"
        )

    @property
    def statement(self) -> str:
        return self.call("%s", "%s", "%s")

    def parameters(self) -> Iterator[Sequence[object]]:
        amounts = [Decimal(cents) / 100 for cents in range(1, LARGEST_CENTS + 1)]
        return random_pairs(self.books.ids, amounts)

    def scripts(self) -> list[str]:
        prefix = self.books.prefix
        call = self.call(f"'{prefix}' || :a", f"'{prefix}' || :b", ":amount")
        return [f"{pgbench_pair(self.books.count)}{call};\n"]


@dataclass(frozen=True, slots=True)
class Batches:
    """Many transfers a call, their requests ready-made.

    ``form`` is "batch" for one array of requests, or "bulk" for parallel arrays, for which there is
    a function for each kind of answer.
    """

    books: Books
    returning: str
    form: str
    size: int
    answers: int

    def call(self, *arrays: str) -> str:
        surface = self.books.surface
        if self.form == "batch":
            function = "pgledger_create_transfers_from_rows"
            types = [f"{surface}.pgledger_transfer_request[]"]
        else:
            function = BULK_FUNCTIONS[self.returning]
            types = ["text[]", "text[]", "numeric[]"]
        columns = columns_of(self.returning) if self.form == "batch" else "*"
        values = ", ".join(f"{text}::{kind}" for text, kind in zip(arrays, types, strict=True))
        return f"select {columns} from {surface}.{function}({values}, app_id => '{APP_ID}')"

    def ready(self) -> list[tuple[str, ...]]:
        """Arguments of a few calls, as text: adapting lists would be the client's cost."""
        requests = Singles(self.books, self.returning).parameters()
        return [
            array_literals(self.form, itertools.islice(requests, self.size))
            for _ in range(READY_BATCHES)
        ]

    @property
    def statement(self) -> str:
        return self.call(*["%s"] * (1 if self.form == "batch" else 3))

    def parameters(self) -> Iterator[Sequence[object]]:
        ready = self.ready()
        while True:
            yield random.choice(ready)

    def scripts(self) -> list[str]:
        constants = ([f"'{text}'" for text in texts] for texts in self.ready())
        return [f"{self.call(*texts)};\n" for texts in constants]


def array_literals(form: str, requests: Iterable[Sequence[object]]) -> tuple[str, ...]:
    """Writes requests as the array arguments of one call; their values need no quoting."""
    if form == "batch":
        rows = (f'"({from_id},{to_id},{amount})"' for from_id, to_id, amount in requests)
        return (f"{{{','.join(rows)}}}",)
    return tuple(f"{{{','.join(map(str, values))}}}" for values in zip(*requests, strict=True))


def ledger_work(
    options: Options, connection: Control, books: Books, returning: str | None = None
) -> Work:
    """What the mode repeats; it brings back the first of what the options ask for, or another."""
    returning = returning or options.returning[0]
    size = options.batch_size
    if options.mode == "batch":
        return Batches(books, returning, "batch", size, answers=size)
    if options.mode == "bulk":
        many = answers_with_many(connection, books, BULK_FUNCTIONS[returning])
        return Batches(books, returning, "bulk", size, answers=size if many else 1)
    return Singles(books, returning)


def answers_with_many(connection: Control, books: Books, function: str) -> bool:
    """Whether a function answers with many rows; it must be there."""
    found = connection.execute(
        """
        select p.proretset
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = %s and p.proname = %s
        """,
        (books.schema, function),
    ).fetchone()
    if found is None:
        raise CheckFailed(f"this pgledger has no {function}: leave it out of --returning")
    return bool(found[0])


def load(connection: Control, books: Books, transfers: int, *, hot: bool = False) -> None:
    """Makes transfers through the bulk function, as many a call as it takes.

    Args:
        connection: In autocommit: each call is a transaction.
        books: Accounts to pick from.
        transfers: How many.
        hot: Whether each transfer has the first account on one of its sides.
    """
    work = Batches(books, "row", "bulk", MOST_IN_A_CALL, answers=MOST_IN_A_CALL)
    statement = f"select count(*) from ({work.statement}) as made"
    requests = Singles(books, "row").parameters()
    if hot:
        requests = through_first(books, requests)
    note(f"Making {transfers} transfers")
    with Progress(transfers, "transfers") as progress:
        while transfers > 0:
            size = min(transfers, MOST_IN_A_CALL)
            arrays = array_literals("bulk", itertools.islice(requests, size))
            scalar(connection, statement, arrays)
            progress.step(size)
            transfers -= size


def through_first(books: Books, requests: Iterator[Sequence[object]]) -> Iterator[Sequence[object]]:
    """The same requests with the first account in the place of one of theirs."""
    hot = books.ids[0]
    for from_id, to_id, amount in requests:
        if hot in (from_id, to_id):
            yield from_id, to_id, amount
        elif random.random() < 0.5:
            yield hot, to_id, amount
        else:
            yield from_id, hot, amount
