"""Each way to write with an idempotency key, on a small ledger."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg

from pgledger import HoldRequest, Ledger, PostingRequest

KEY = "evt_1NxÄ 'quoted'"
NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)

Session = psycopg.Connection[Any]


class Books(Ledger):
    """A ledger with a bank, a wallet of 100 that cannot be overdrawn, and a shop."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn
        self.bank = self.create_account("bank", "USD").id
        self.wallet = self.create_account("wallet", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD").id
        self.create_transfer(self.bank, self.wallet, 100)
        self.held = self.create_hold(self.wallet, self.shop, 7).id

    def state(self) -> list[Any]:
        """Everything that a call could change, as it is stored."""
        return [
            self.conn.execute(
                f"select t::text from pgledger.{table} as t order by 1".encode()
            ).fetchall()
            for table in ("accounts", "transfers", "holds", "account_names", "idempotency_keys")
        ]

    def known_keys(self) -> list[Any]:
        return self.conn.execute(
            "select app_id, idempotency_key, function_name, result_id, request"
            " from pgledger.idempotency_keys order by created_at, idempotency_key"
        ).fetchall()

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


Call = Callable[..., Any]

# A request in a batch is written down as one for a single call.
SINGLES = {
    "pgledger_create_holds_bulk": "pgledger_create_hold",
    "pgledger_post_holds_bulk": "pgledger_post_hold",
}
MOVING = (
    "pgledger_create_transfer",
    "pgledger_post_hold",
    "pgledger_post_holds_bulk",
    "pgledger_sweep",
)


# Each way to write, called with a key and perhaps with what makes it another request.
CALLS: dict[str, Call] = {
    "pgledger_create_transfer": lambda books, mine, amount=5, **given: books.create_transfer(
        mine.wallet, mine.shop, amount, **given
    ),
    "pgledger_create_account": lambda books, mine, currency="USD", **given: books.create_account(
        "new", currency, **given
    ),
    "pgledger_ensure_account": lambda books, mine, currency="USD", **given: books.ensure_account(
        "named", currency, **given
    ),
    "pgledger_create_hold": lambda books, mine, amount=5, **given: books.create_hold(
        mine.wallet, mine.shop, amount, **given
    ),
    "pgledger_post_hold": lambda books, mine, amount=5, **given: books.post_hold(
        mine.held, amount=amount, **given
    ),
    "pgledger_create_holds_bulk": lambda books, mine, amount=5, **given: books.create_holds(
        [HoldRequest(mine.wallet, mine.shop, amount, **given)]
    )[0],
    "pgledger_post_holds_bulk": lambda books, mine, amount=5, **given: books.post_holds(
        [PostingRequest(mine.held, amount=amount, **given)]
    )[0],
    "pgledger_void_hold": lambda books, mine, **given: books.void_hold(
        mine.held
        if not given.pop("other", None)
        else books.create_hold(mine.bank, mine.shop, 1).id,
        **given,
    ),
    "pgledger_extend_hold": lambda books, mine, expires_at=NOW, **given: books.extend_hold(
        mine.held, expires_at, **given
    ),
    "pgledger_sweep": lambda books, mine, keep=10, **given: books.sweep(
        mine.wallet, mine.shop, keep=keep, **given
    ),
}
