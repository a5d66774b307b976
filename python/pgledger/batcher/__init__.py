"""Transfers of many callers, sent together: each caller waits for its own."""

from .batcher_async import AsyncTransferBatcher
from .batcher_sync import TransferBatcher
from .requests import BatcherClosed, BatcherFull, PostedTransfer, TransferUnsettled

__all__ = [
    "AsyncTransferBatcher",
    "BatcherClosed",
    "BatcherFull",
    "PostedTransfer",
    "TransferBatcher",
    "TransferUnsettled",
]
