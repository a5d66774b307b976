"""How a run ends that is interrupted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Makes the first signal to end an exception; further ones do not disturb the cleaning up."""
    closing = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        for each in closing:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    previous = {number: signal.signal(number, stop) for number in closing}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
