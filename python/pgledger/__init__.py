"""Money inside PostgreSQL: a double-entry ledger that lives in your own database.

::

    with psycopg.connect() as conn:
        ledger = pgledger.Ledger(conn)
        cash = ledger.create_account("cash", "USD")
        sales = ledger.create_account("sales", "USD")
        ledger.create_transfer(sales.id, cash.id, Decimal("12.34"))
"""

from pgledger import errors, ids
from pgledger.errors import PgledgerError
from pgledger.ledger import AsyncLedger, Ledger
from pgledger.transactions import run_transaction, run_transaction_async
from pgledger.types import Account, Check, Entry, Transfer, TransferRequest

__all__ = [
    "Account",
    "AsyncLedger",
    "Check",
    "Entry",
    "Ledger",
    "PgledgerError",
    "Transfer",
    "TransferRequest",
    "errors",
    "ids",
    "run_transaction",
    "run_transaction_async",
]

__version__ = "0.1.0.dev0"
