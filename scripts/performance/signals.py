"""What a signal to stop does to a run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Turns the first signal to stop into an exception; later ones must not disturb cleaning up."""
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
