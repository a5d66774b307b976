"""The accounts of a run, with ids that a client makes out of random numbers."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from psycopg import sql

from scripts.performance.console import note
from scripts.performance.databases import APP_ID, Control, find_surface

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Account n has the number FIRST_NUMBER + n, which is also the end of its id, so every client turns
# a random number into an id by appending it: nothing is looked up.
FIRST_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class Books:
    """The accounts of this run and where the functions are."""

    schema: str
    prefix: str
    count: int

    @property
    def surface(self) -> str:
        """The schema of the public functions, as SQL spells it."""
        return sql.Identifier(self.schema).as_string()

    @property
    def numbers(self) -> range:
        return range(FIRST_NUMBER, FIRST_NUMBER + self.count)

    @property
    def ids(self) -> list[str]:
        return [f"{self.prefix}{number}" for number in self.numbers]


def new_id_prefix() -> str:
    """A new account id without its last seven characters; its time is now."""
    milliseconds = time.time_ns() // 1_000_000
    clock = "".join(CROCKFORD[milliseconds >> shift & 31] for shift in range(45, -1, -5))
    return f"pgla_{clock}" + "".join(secrets.choice(CROCKFORD) for _ in range(9))


def open_books(connection: Control, accounts: int) -> Books:
    """Makes the accounts of this run."""
    books = Books(find_surface(connection), new_id_prefix(), accounts)
    note(f"Creating {accounts} accounts")
    connection.execute(
        f"""
        select count(account.id)
        from generate_series(1, %(count)s::integer) as n
        cross join lateral {books.surface}.pgledger_create_account(
          name => 'performance_check ' || n,
          currency => 'USD',
          id => %(prefix)s || (%(first)s::integer + n - 1),
          app_id => %(app)s
        ) as account
        """.encode(),
        {"count": accounts, "prefix": books.prefix, "first": FIRST_NUMBER, "app": APP_ID},
    )
    return books
