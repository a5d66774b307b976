"""Buffered recording of usage, from a thread or from a task of an event loop."""

from .events import MeterClosed, MeterFull, MeterUndelivered, Rejection
from .meter_async import AsyncConnectionSource, AsyncMeter
from .meter_sync import ConnectionSource, Meter

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
