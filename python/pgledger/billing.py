"""The billing store's calls, on a synchronous or an asynchronous connection."""

from pgledger._billing_async import AsyncBilling
from pgledger._billing_sync import Billing

__all__ = ["AsyncBilling", "Billing"]
