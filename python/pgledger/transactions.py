"""Running a function in a transaction of its own, again when PostgreSQL asks for that."""

from pgledger._transactions_async import run_transaction_async
from pgledger._transactions_sync import run_transaction

__all__ = ["run_transaction", "run_transaction_async"]
