"""The ledger's calls, on a synchronous or an asynchronous connection."""

from pgledger._ledger_async import AsyncLedger
from pgledger._ledger_sync import Ledger

__all__ = ["AsyncLedger", "Ledger"]
