"""Rivals: what is called in turn with the ledger, by the same clients, to compare it with.

The floor is the least that PostgreSQL can do for the same work. The peer is another ledger. The
baseline is pgledger in another database, for example an earlier commit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

from scripts.performance.databases import Control, connect, vacuum_full
from scripts.performance.options import Options
from scripts.performance.servers import Target
from scripts.performance.verify import require_good_books
from scripts.performance.work import Side, Slice, Task, Work

# What makes the same things in a database as were made in ours, and says what to repeat there.
Setup = Callable[[Control], Work]


@dataclass(frozen=True, slots=True)
class Turn:
    """The ledger's slice before the rival's: when it began, how long it was to be, what it did."""

    since: datetime
    seconds: int
    ours: Slice


@dataclass(frozen=True, slots=True)
class Rival:
    """What takes turns with the ledger.

    ``prepare`` makes ready what its next turn needs, and says what is to be done in it; without it,
    a turn is as long as the ledger's.
    """

    name: str
    side: Side
    prepare: Callable[[Turn], Task] | None = None

    def task(self, turn: Turn) -> Task:
        if self.prepare is None:
            return Task(self.name, seconds=turn.seconds)
        return self.prepare(turn)


@contextmanager
def open_rivals(
    options: Options,
    target: Target,
    floor: Callable[[ExitStack], Rival] | None,
    peer: Setup | None,
    ours: Setup,
) -> Iterator[list[Rival]]:
    """Makes the rivals that the options ask for; verifies the baseline's books at the end.

    Args:
        options: Name the peer and the baseline.
        target: The ledger that is measured.
        floor: Makes the floor, and clears it away when the stack ends.
        peer: Makes the peer's accounts.
        ours: Makes in the baseline what was made in the ledger.
    """
    rivals: list[Rival] = []
    with ExitStack() as stack:
        if floor is not None:
            rivals.append(floor(stack))
        for name, dsn, setup in (
            ("peer", options.peer, peer),
            ("baseline", options.baseline, ours),
        ):
            if dsn is None or setup is None:
                continue
            connection = stack.enter_context(closing(connect(dsn)))
            work = setup(connection)
            if wants_vacuum(options, target):
                vacuum_full(connection)
            rivals.append(Rival(name, Side(dsn, work)))
        yield rivals
        if options.baseline is not None:
            with closing(connect(options.baseline)) as connection:
                require_good_books(connection)


def wants_vacuum(options: Options, target: Target) -> bool:
    return target.own if options.vacuum is None else options.vacuum
