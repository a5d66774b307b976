"""Buffered recording of usage, from a thread or from a task of an event loop."""

from pgledger._meter_async import AsyncConnectionSource, AsyncMeter
from pgledger._meter_buffer import MeterClosed, MeterFull, MeterUndelivered, Rejection
from pgledger._meter_sync import ConnectionSource, Meter

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
