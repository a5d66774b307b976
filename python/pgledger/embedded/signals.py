"""Signals that end this process, and the server with it."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, Self

_CLOSING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class HeldSignals:
    """Collects the signals that ask this process to end, and delivers them on leaving.

    Python runs signal handlers in its main thread only, so in other threads it does nothing.
    """

    def __init__(self) -> None:
        self.arrived: list[int] = []
        self._previous: dict[int, Callable[..., object] | int | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _CLOSING_SIGNALS:
                current = signal.getsignal(number)
                if current in {signal.SIG_IGN, None}:
                    continue
                self._previous[number] = current
                signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.arrived.append(number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(self.arrived):
            signal.raise_signal(number)


class _Ending:
    """Turns SIGTERM and SIGHUP into SystemExit while servers of this process run.

    By default these signals end Python without running ``finally`` or ``atexit``, and the server
    would go on running. A program that handles or ignores them itself is left to do so.
    """

    def __init__(self) -> None:
        self.users = 0
        self.pid = 0
        self.installed: list[signal.Signals] = []

    def begin(self) -> None:
        if self.pid != os.getpid():
            self.users, self.pid, self.installed = 0, os.getpid(), []
        self.users += 1
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._exit)
                self.installed.append(number)

    def end(self) -> None:
        self.users -= 1
        if self.users or threading.current_thread() is not threading.main_thread():
            return
        for number in self.installed:
            if signal.getsignal(number) == self._exit:
                signal.signal(number, signal.SIG_DFL)
        self.installed.clear()

    def _exit(self, number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() != self.pid:
            # A forked child that has no server of its own.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            return
        raise SystemExit(128 + number)


ending = _Ending()
