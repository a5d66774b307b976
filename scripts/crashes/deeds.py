"""What workers do while servers are killed, and what they know of it."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import psycopg

Session = psycopg.Connection[Any]
# What a worker knows: it was told so; it never asked to commit; or the answer was lost.
Knowledge = Literal["acknowledged", "failed", "unknown"]

ACCOUNTS = 6


@dataclass(slots=True)
class Deed:
    """One thing that a worker does, in one transaction, and can ask for again.

    Attributes:
        name: Its own, which all that it makes carries.
        worker: Number of the worker.
        chance: What decides about its amounts, the same each time it is asked for.
        is_doomed: Whether it is rolled back on purpose.
        is_sent: Whether its COMMIT was, or may have been, sent.
        knowledge: What its worker knows.
    """

    name: str
    worker: int
    chance: int
    is_doomed: bool = False
    is_sent: bool = False
    knowledge: Knowledge = "failed"

    def dice(self) -> random.Random:
        return random.Random(self.chance)

    def pair(self) -> tuple[int, int]:
        """Returns the numbers of two accounts."""
        first, second = self.dice().sample(range(ACCOUNTS), 2)
        return first, second

    def id(self, prefix: str, number: int = 0) -> str:
        """Returns an id of the deed's own, the same each time."""
        dice = random.Random(f"{self.name} {number}")
        alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return f"{prefix}_01KB{''.join(dice.choice(alphabet) for _ in range(22))}"


class Kind(ABC):
    """A kind of deeds: what the server is asked for, and what is to be found of it.

    A module of ``scripts.crashes.kinds`` that has a ``KIND`` is one more. What does not run in a
    transaction of its worker's, as a batcher does not, overrides :meth:`perform` and
    :meth:`is_cut_off`, and sets ``has_row`` to False; it says by ``deed.is_sent`` whether the deed
    may have come through, and returns once it was told that it has.
    """

    name: ClassVar[str]
    # Whether a row of the application's own is written in the same transaction.
    has_row: ClassVar[bool] = True
    # Of how many pieces a deed is made.
    size: ClassVar[int] = 1

    def __init__(self) -> None:
        self.accounts: list[str] = []
        self.dsn = ""

    def prepare(self, conn: Session, accounts: list[str]) -> None:
        """Makes what the deeds need; called once."""
        del conn
        self.accounts = accounts

    def begin(self, dsn: str) -> None:
        """Called before the deeds of a round, when the server runs."""
        self.dsn = dsn

    def end(self) -> None:
        """Called after the deeds of a round; a session that it has may be cut off."""
        self.dsn = ""

    @abstractmethod
    def make(self, conn: Session, deed: Deed) -> None:
        """Does the deed, for the first time or again, within the transaction that is open."""

    def pieces(self, deed: Deed) -> int:
        """Returns of how many pieces a deed is made."""
        del deed
        return self.size

    @abstractmethod
    def found(self, conn: Session) -> dict[str, int]:
        """Returns how many pieces there are of each deed of the kind, by its name."""

    def perform(self, conn: Session, deed: Deed) -> None:
        """Does the deed in a transaction, with the application's row before it or after it."""
        with conn.transaction():
            row_first = deed.chance % 2 == 0
            if row_first:
                write_row(conn, deed)
            self.make(conn, deed)
            if not row_first:
                write_row(conn, deed)
            if deed.is_doomed:
                raise psycopg.Rollback
            deed.is_sent = True

    def is_cut_off(self, conn: Session, error: Exception) -> bool:
        """Whether an error says that the server is gone, and not that the deed was refused.

        A rollback that the worker wants comes through where there is no server to hear of it.
        """
        return isinstance(error, psycopg.OperationalError | psycopg.Rollback) and conn.closed


def write_row(conn: Session, deed: Deed) -> None:
    conn.execute(
        "insert into deeds (name) values (%s) on conflict on constraint deeds_name_pk do nothing",
        [deed.name],
    )


def transfers_of(conn: Session, kind: str) -> dict[str, int]:
    """Returns how many transfers carry the name of each deed of a kind."""
    return dict(
        conn.execute(
            "select metadata ->> 'deed', count(*) from pgledger.transfers"
            " where starts_with(metadata ->> 'deed', %s) group by 1",
            [f"{kind}-"],
        ).fetchall()
    )
