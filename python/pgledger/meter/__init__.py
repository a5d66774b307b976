"""Buffered recording of usage, from a thread or from a task of an event loop."""

from pgledger._pools import AsyncConnectionSource, ConnectionSource

from .events import MeterClosed, MeterFull, MeterUndelivered, Rejection
from .meter_async import AsyncMeter
from .meter_sync import Meter

__all__ = [
    "AsyncConnectionSource",
    "AsyncMeter",
    "ConnectionSource",
    "Meter",
    "MeterClosed",
    "MeterFull",
    "MeterUndelivered",
    "Rejection",
]
